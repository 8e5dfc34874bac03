//! The two date forms on the wire (wire reference 2.5).

use jiff::Timestamp;

/// Text that is no date of the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date and time")]
pub struct InvalidTime;

/// `2021-03-05T14:48:53.738Z`: UTC with three fractional digits.
pub fn format_rfc3339_millis(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Parses RFC 3339: `T` or blank between date and time, 0 to 9 fractional digits, `Z` or a numeric offset. A date
/// without an offset is refused.
pub fn parse_rfc3339(text: &str) -> Result<Timestamp, InvalidTime> {
    // jiff also takes RFC 9557 suffixes and dates without minutes; RFC 3339 begins `YYYY-MM-DDTHH:MM:SS`.
    let shape = b"0000-00-00T00:00:00";
    let head = text.as_bytes().get(..shape.len()).ok_or(InvalidTime)?;
    let fits = head.iter().zip(shape).all(|(got, want)| match want {
        b'0' => got.is_ascii_digit(),
        b'T' => matches!(got, b'T' | b't' | b' '),
        other => got == other,
    });
    if !fits || text.contains('[') {
        return Err(InvalidTime);
    }
    text.parse().map_err(|_| InvalidTime)
}

/// `Fri, 05 Mar 2021 15:15:44 GMT`.
pub fn format_http_date(time: Timestamp) -> String {
    httpdate::fmt_http_date(time.into())
}

/// Parses the three forms of RFC 9110 section 5.6.7.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text)
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_takes_offsets_and_any_fraction() {
        for (text, want) in [
            ("2017-09-01T00:09:51.000+02:00", "2017-08-31T22:09:51.000Z"),
            ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00.000Z"),
            ("2030-01-01T00:00:00.123456789Z", "2030-01-01T00:00:00.123Z"),
            ("2030-01-01t00:00:00z", "2030-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(format_rfc3339_millis(parse_rfc3339(text).unwrap()), want);
        }
    }

    #[test]
    fn rfc3339_refuses_what_is_not_a_date_with_an_offset() {
        for bad in [
            "2030-01-01",
            "2030-01-01T00:00:00",
            "tomorrow",
            "1900000000",
            "",
            "2030-13-01T00:00:00Z",
        ] {
            assert!(parse_rfc3339(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn http_dates_go_both_ways() {
        let text = "Fri, 05 Mar 2021 15:15:44 GMT";
        assert_eq!(format_http_date(parse_http_date(text).unwrap()), text);
    }
}
