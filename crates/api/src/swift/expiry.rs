//! When an object ends: `X-Delete-At` and `X-Delete-After` (Swift wire reference section 12).

use http::{HeaderMap, HeaderName, StatusCode};
use jiff::Timestamp;

use super::error::{SwiftError, bad_request};
use super::names::{X_DELETE_AFTER, X_DELETE_AT, X_IF_DELETE_AT};
use crate::fields;

/// The last second that an object can end at; what lies behind it is moved there.
const DELETE_AT_MAX: i64 = 9_999_999_999;

/// The second since 1970 at which the object of a request ends, if it does. `X-Delete-After` counts from `now` and wins.
pub(super) fn delete_at(headers: &HeaderMap, now: Timestamp) -> Result<Option<u64>, SwiftError> {
    let now = now.as_second();
    let after = whole_number(headers, &X_DELETE_AFTER, "Non-integer X-Delete-After")?;
    if let Some(after) = after {
        return later(now.saturating_add(after), now, "X-Delete-After in past");
    }
    match whole_number(headers, &X_DELETE_AT, "Non-integer X-Delete-At")? {
        Some(at) => later(at, now, "X-Delete-At in past"),
        None => Ok(None),
    }
}

/// The second at which an object must be to end, if it is to be deleted only then (`X-If-Delete-At`). Fractions of it do
/// not count.
pub(super) fn if_delete_at(headers: &HeaderMap) -> Result<Option<u64>, SwiftError> {
    if !headers.contains_key(X_IF_DELETE_AT) {
        return Ok(None);
    }
    let text = fields::text(headers, &X_IF_DELETE_AT)?.unwrap_or_default();
    let (second, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if second.is_empty() || !is_number(second) || !is_number(fraction) {
        return Err(bad_request("Bad X-If-Delete-At header value"));
    }
    // None ends at a second beyond all numbers.
    Ok(Some(second.parse().unwrap_or(u64::MAX)))
}

fn whole_number(
    headers: &HeaderMap,
    name: &HeaderName,
    refusal: &'static str,
) -> Result<Option<i64>, SwiftError> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let text = fields::text(headers, name)?.unwrap_or_default();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused(refusal));
    }
    // What has too many digits lies as far away as can be.
    let extreme = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Ok(Some(text.parse().unwrap_or(extreme)))
}

fn later(at: i64, now: i64, refusal: &'static str) -> Result<Option<u64>, SwiftError> {
    if at <= now {
        return Err(refused(refusal));
    }
    Ok(u64::try_from(at.min(DELETE_AT_MAX)).ok())
}

fn refused(sentence: &'static str) -> SwiftError {
    SwiftError::Plain(StatusCode::BAD_REQUEST, sentence.into())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asked(pairs: &[(HeaderName, &'static str)]) -> Result<Option<u64>, String> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        let now = Timestamp::from_second(1000).unwrap();
        delete_at(&headers, now).map_err(|error| error.log_line())
    }

    fn refusal(name: HeaderName, value: &'static str) -> String {
        asked(&[(name, value)]).unwrap_err()
    }

    #[test]
    fn an_object_ends_at_a_second_or_after_some() {
        assert_eq!(asked(&[]), Ok(None));
        assert_eq!(asked(&[(X_DELETE_AT, "1001")]), Ok(Some(1001)));
        assert_eq!(asked(&[(X_DELETE_AFTER, "+60")]), Ok(Some(1060)));
        let both = [(X_DELETE_AT, "2000"), (X_DELETE_AFTER, "5")];
        assert_eq!(asked(&both), Ok(Some(1005)));
    }

    #[test]
    fn an_end_too_far_away_is_moved_to_the_last_second() {
        for value in ["99999999999", "99999999999999999999"] {
            assert_eq!(asked(&[(X_DELETE_AT, value)]), Ok(Some(9_999_999_999)));
            assert_eq!(asked(&[(X_DELETE_AFTER, value)]), Ok(Some(9_999_999_999)));
        }
    }

    #[test]
    fn the_past_and_the_present_are_refused() {
        for value in ["1000", "0", "-5"] {
            assert!(refusal(X_DELETE_AT, value).ends_with("X-Delete-At in past"));
        }
        for value in ["0", "-2"] {
            assert!(refusal(X_DELETE_AFTER, value).ends_with("X-Delete-After in past"));
        }
    }

    #[test]
    fn a_deletion_may_depend_on_the_second_of_the_end() {
        let asked = |value| {
            let value = HeaderValue::from_static(value);
            if_delete_at(&HeaderMap::from_iter([(X_IF_DELETE_AT, value)]))
        };
        assert_eq!(asked("1001").unwrap(), Some(1001));
        assert_eq!(asked("1001.5").unwrap(), Some(1001));
        assert_eq!(asked("99999999999999999999").unwrap(), Some(u64::MAX));
        for bad in ["bad", "-1", "", "1.x", ".5"] {
            assert!(asked(bad).is_err(), "{bad}");
        }
        assert_eq!(if_delete_at(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn what_is_no_whole_number_is_refused() {
        for value in ["", "x", "1.5", "-", "1 2"] {
            assert!(refusal(X_DELETE_AT, value).ends_with("Non-integer X-Delete-At"));
            assert!(refusal(X_DELETE_AFTER, value).ends_with("Non-integer X-Delete-After"));
        }
    }
}
