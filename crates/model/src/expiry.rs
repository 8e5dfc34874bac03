//! When something ends: any date that RFC 3339 can write, up to the last second of the year 9999, which people use for
//! "never" and which lies beyond [`Timestamp::MAX`].

use std::cmp::Ordering;
use std::fmt;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::time::{InvalidTime, parse_rfc3339_parts};

/// An end in whole milliseconds since 1970; what falls between two is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry(i64);

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Expiry {
    /// Parses RFC 3339 with `Z` or a numeric offset.
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let (local, offset_secs) = parse_rfc3339_parts(text)?;
        let since_epoch = local.duration_since(EPOCH) - SignedDuration::from_secs(offset_secs);
        Self::from_millis(i64::try_from(since_epoch.as_millis()).map_err(|_| InvalidTime)?)
    }

    /// An end as it was stored. Refused outside the years that RFC 3339 can write.
    pub fn from_millis(millis: i64) -> Result<Self, InvalidTime> {
        match EPOCH.checked_add(SignedDuration::from_millis(millis)) {
            Ok(_) => Ok(Self(millis)),
            Err(_) => Err(InvalidTime),
        }
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whether it has come at `now`.
    pub fn is_past(self, now: Timestamp) -> bool {
        self.0 <= now.as_millisecond()
    }
}

impl From<Timestamp> for Expiry {
    fn from(time: Timestamp) -> Self {
        Self(time.as_millisecond())
    }
}

impl PartialEq<Timestamp> for Expiry {
    fn eq(&self, other: &Timestamp) -> bool {
        self.0 == other.as_millisecond()
    }
}

impl PartialOrd<Timestamp> for Expiry {
    fn partial_cmp(&self, other: &Timestamp) -> Option<Ordering> {
        Some(self.0.cmp(&other.as_millisecond()))
    }
}

/// `9999-12-31T23:59:59.000Z`: UTC with three fractional digits.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = EPOCH.saturating_add(SignedDuration::from_millis(self.0));
        write!(f, "{time:.3}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_second_of_the_year_9999_is_kept_as_given() {
        let expiry = Expiry::parse("9999-12-31T23:59:59Z").unwrap();
        assert_eq!(expiry.to_string(), "9999-12-31T23:59:59.000Z");
        assert!(expiry > Timestamp::MAX);
    }

    #[test]
    fn offsets_are_taken_off() {
        for (text, want) in [
            ("2017-09-01T00:09:51.000+02:00", "2017-08-31T22:09:51.000Z"),
            ("9999-12-31T23:59:59+01:00", "9999-12-31T22:59:59.000Z"),
            (
                "2030-01-01T00:00:00.123456789-00:30",
                "2030-01-01T00:30:00.123Z",
            ),
        ] {
            assert_eq!(Expiry::parse(text).unwrap().to_string(), want);
        }
    }

    #[test]
    fn what_no_rfc3339_date_can_say_is_refused() {
        for bad in [
            "9999-12-31T23:59:59-01:00",
            "2030-02-30T00:00:00Z",
            "2030-01-01T00:00:00",
            "never",
        ] {
            assert!(Expiry::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_end_is_past_from_its_own_moment_on() {
        let expiry = Expiry::parse("2030-01-01T00:00:00Z").unwrap();
        assert!(expiry.is_past("2030-01-01T00:00:00Z".parse().unwrap()));
        assert!(!expiry.is_past("2029-12-31T23:59:59.999Z".parse().unwrap()));
    }
}
