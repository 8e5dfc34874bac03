//! The test side's clock: wall time plus whatever a test has moved its `--dev` server ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

/// Clones share the shift, so every client of one server follows that server's clock.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_secs: Arc<AtomicI64>,
}

impl Clock {
    /// Now, to the second or finer.
    #[expect(
        clippy::disallowed_methods,
        reason = "a client is outside the server: its clock is the wall clock, like a user's"
    )]
    pub fn now(&self) -> SystemTime {
        let ahead_secs = self.ahead_secs.load(Ordering::SeqCst);
        SystemTime::now() + Duration::from_secs(ahead_secs.unsigned_abs())
    }

    /// The time `secs` from now (negative: before now) in RFC 3339, UTC.
    pub fn rfc3339_in(&self, secs: i64) -> String {
        let now = Timestamp::try_from(self.now()).expect("the year of a test run fits a timestamp");
        (now + SignedDuration::from_secs(secs)).to_string()
    }

    pub(crate) fn advance(&self, secs: u32) {
        self.ahead_secs.fetch_add(i64::from(secs), Ordering::SeqCst);
    }
}
