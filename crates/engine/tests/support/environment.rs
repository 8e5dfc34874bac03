//! Time and randomness that a test controls: the same seed gives the same ids.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use parbuckle_engine::Environment;

/// 2030-01-01T00:00:00Z, where every clock begins.
const BEGIN_MILLIS: i64 = 1_893_456_000_000;

/// A clock that stands still until it is moved, and seeded randomness.
pub(crate) struct ReplayEnvironment {
    millis: AtomicI64,
    random: Mutex<Random>,
}

impl ReplayEnvironment {
    /// The clock stands at the beginning.
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            millis: AtomicI64::new(BEGIN_MILLIS),
            random: Mutex::new(Random::new(seed)),
        })
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap();
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// Moves the clock back, as corrections of real clocks do.
    pub(crate) fn set_back(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap();
        self.millis.fetch_sub(millis, Ordering::SeqCst);
    }

    /// The same clock, as blob stores read it.
    pub(crate) fn blob_clock(self: &Arc<Self>) -> parbuckle_blob::Clock {
        let this = Arc::clone(self);
        Arc::new(move || {
            let millis = u64::try_from(this.millis.load(Ordering::SeqCst)).unwrap();
            SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
        })
    }
}

impl Environment for ReplayEnvironment {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.millis.load(Ordering::SeqCst)).unwrap()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.random.lock().unwrap().fill(bytes);
    }
}

/// SplitMix64: small, seeded, and good enough to tell ids apart.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}
