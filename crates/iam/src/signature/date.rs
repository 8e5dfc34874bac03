//! The signed date and the allowed clock skew (wire reference 6.4).

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::SignatureError;

/// How far a signed date may be from the server's clock, either way, inclusive.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);

/// The instant of an RFC 1123 date in GMT, such as `Thu, 05 Jan 2023 21:31:40 GMT`.
pub(super) fn parse(value: &[u8]) -> Result<Timestamp, SignatureError> {
    let text = std::str::from_utf8(value).map_err(|_| SignatureError::MalformedDate)?;
    DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text)
        .and_then(|date| date.to_zoned(TimeZone::UTC))
        .map(|zoned| zoned.timestamp())
        .map_err(|_| SignatureError::MalformedDate)
}

/// Refuses a date too far from `now`, with the text OCI answers.
pub(super) fn check_skew(date: Timestamp, now: Timestamp) -> Result<(), SignatureError> {
    if date.duration_since(now).abs() <= SKEW_MAX {
        return Ok(());
    }
    let earliest = now.saturating_sub(SKEW_MAX).unwrap_or(now);
    let latest = now
        .saturating_add(SKEW_MAX + SignedDuration::from_secs(1))
        .unwrap_or(now);
    Err(SignatureError::Skew(format!(
        "Date '{}' is not within allowed clock skew. Current '{}', valid datetime range: ['{}', '{}']",
        utc(date),
        utc(now),
        utc(earliest),
        utc(latest)
    )))
}

fn utc(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "2018-03-11T16:39:04Z";

    fn skew_of(date: &[u8]) -> Result<(), SignatureError> {
        check_skew(parse(date).unwrap(), NOON.parse().unwrap())
    }

    #[test]
    fn an_rfc_1123_date_is_its_instant() {
        let expected: Timestamp = "2023-01-05T21:31:40Z".parse().unwrap();
        assert_eq!(parse(b"Thu, 05 Jan 2023 21:31:40 GMT"), Ok(expected));
    }

    #[test]
    fn other_date_forms_are_refused() {
        for text in [
            "Thu, 05 Jan 2023 21:31:40 +0000",
            "Fri, 05 Jan 2023 21:31:40 GMT",
            "2023-01-05T21:31:40Z",
            "Thu, 31 Feb 2023 21:31:40 GMT",
            "Thu, 05 Jan 2023 21:31:40 GMT, ",
            "",
        ] {
            assert_eq!(
                parse(text.as_bytes()),
                Err(SignatureError::MalformedDate),
                "{text}"
            );
        }
    }

    #[test]
    fn five_minutes_either_way_are_allowed() {
        assert_eq!(skew_of(b"Sun, 11 Mar 2018 16:34:04 GMT"), Ok(()));
        assert_eq!(skew_of(b"Sun, 11 Mar 2018 16:44:04 GMT"), Ok(()));
    }

    #[test]
    fn one_second_beyond_five_minutes_is_refused() {
        assert!(matches!(
            skew_of(b"Sun, 11 Mar 2018 16:34:03 GMT"),
            Err(SignatureError::Skew(_))
        ));
        assert!(matches!(
            skew_of(b"Sun, 11 Mar 2018 16:44:05 GMT"),
            Err(SignatureError::Skew(_))
        ));
    }

    #[test]
    fn the_refusal_names_the_date_the_clock_and_the_range() {
        let error = skew_of(b"Sun, 11 Mar 2018 16:32:46 GMT").unwrap_err();
        assert_eq!(
            error.client_message(),
            "Date 'Sun, 11 Mar 2018 16:32:46 UTC' is not within allowed clock skew. Current \
             'Sun, 11 Mar 2018 16:39:04 UTC', valid datetime range: ['Sun, 11 Mar 2018 16:34:04 UTC', \
             'Sun, 11 Mar 2018 16:44:05 UTC']"
        );
    }
}
