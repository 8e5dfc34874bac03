//! The one source of time, randomness and ids (invariant 7).

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
        self.0.fill(bytes).expect(
            "the generator of aws-lc fails only when the operating system has no entropy source",
        );
    }
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
