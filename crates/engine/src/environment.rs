//! The one source of time, randomness and ids (invariant 7).

use std::cell::RefCell;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use jiff::{SignedDuration, Timestamp};

/// Where the engine takes time and randomness from.
pub trait Environment: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Fills a buffer with random bytes fit for secrets.
    fn fill_random(&self, bytes: &mut [u8]);
}

/// `N` random bytes.
pub fn random<const N: usize>(environment: &dyn Environment) -> [u8; N] {
    let mut bytes = [0; N];
    environment.fill_random(&mut bytes);
    bytes
}

/// The machine's clock and the operating system's randomness.
#[derive(Debug, Default)]
pub struct SystemEnvironment(SystemRandom);

impl Environment for SystemEnvironment {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the clock"
        )]
        Timestamp::now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        DRAWN.with_borrow_mut(|drawn| drawn.take(bytes, &self.0));
    }
}

/// Random bytes drawn at a time. A write needs some sixty, in five pieces, and a draw costs the same for one byte as for
/// many: the generator rekeys itself each time.
const DRAWN_BYTES: usize = 512;

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; DRAWN_BYTES], left: 0 }) };
}

/// Random bytes that nobody has been given yet.
struct Drawn {
    bytes: [u8; DRAWN_BYTES],
    /// How many of them, from the start.
    left: usize,
}

impl Drawn {
    /// Fills `wanted`, and keeps nothing of it.
    fn take(&mut self, wanted: &mut [u8], source: &SystemRandom) {
        if wanted.len() > DRAWN_BYTES {
            return draw(source, wanted);
        }
        if self.left < wanted.len() {
            draw(source, &mut self.bytes);
            self.left = DRAWN_BYTES;
        }
        let rest = self.left - wanted.len();
        wanted.copy_from_slice(&self.bytes[rest..self.left]);
        self.bytes[rest..self.left].fill(0);
        self.left = rest;
    }
}

fn draw(source: &SystemRandom, bytes: &mut [u8]) {
    source.fill(bytes).expect(
        "the generator of aws-lc fails only when the operating system has no entropy source",
    );
}

/// A clock that can be moved forward, for tests and `--dev`; randomness is the system's.
#[derive(Debug, Default)]
pub struct ControllableEnvironment {
    system: SystemEnvironment,
    offset_secs: AtomicI64,
}

impl ControllableEnvironment {
    /// Moves the clock by so many seconds (negative: back).
    pub fn advance(&self, seconds: i64) {
        self.offset_secs.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Environment for ControllableEnvironment {
    fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_secs(self.offset_secs.load(Ordering::Relaxed));
        self.system
            .now()
            .checked_add(offset)
            .unwrap_or(Timestamp::MAX)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.system.fill_random(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_random_bytes_are_given_twice() {
        let environment = SystemEnvironment::default();
        let given: HashSet<[u8; 24]> = (0..1000).map(|_| random(&environment)).collect();
        assert_eq!(given.len(), 1000);
    }

    #[test]
    fn a_buffer_longer_than_one_draw_is_filled_to_its_end() {
        let mut bytes = [0; DRAWN_BYTES * 2];
        SystemEnvironment::default().fill_random(&mut bytes);
        assert!(bytes.chunks(32).all(|chunk| chunk != [0; 32]));
    }

    #[test]
    fn what_was_given_is_not_kept() {
        let given: [u8; 32] = random(&SystemEnvironment::default());
        DRAWN.with_borrow(|drawn| {
            assert!(!drawn.bytes.windows(32).any(|kept| kept == given));
            assert_eq!(drawn.bytes[drawn.left..][..32], [0; 32]);
        });
    }
}
