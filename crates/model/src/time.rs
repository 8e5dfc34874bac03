//! The two date forms on the wire (wire reference 2.5).

use jiff::Timestamp;
use jiff::civil::DateTime;

/// Text that is no date of the expected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date and time")]
pub struct InvalidTime;

/// `2021-03-05T14:48:53.738Z`: UTC with three fractional digits.
pub fn format_rfc3339_millis(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// Parses RFC 3339: `T` or blank between date and time, 0 to 9 fractional digits, `Z` or a numeric offset. A date
/// without an offset is refused, and so is one after [`Timestamp::MAX`].
pub fn parse_rfc3339(text: &str) -> Result<Timestamp, InvalidTime> {
    check_shape(text)?;
    text.parse().map_err(|_| InvalidTime)
}

/// The same as local time and offset in seconds, for dates up to the end of the year 9999.
pub(crate) fn parse_rfc3339_parts(text: &str) -> Result<(DateTime, i64), InvalidTime> {
    check_shape(text)?;
    let (local, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, 0),
        None => {
            let at = text.len().checked_sub(6).ok_or(InvalidTime)?;
            let (local, offset) = text.split_at_checked(at).ok_or(InvalidTime)?;
            (local, offset_secs(offset)?)
        }
    };
    let local = local.replacen([' ', 't'], "T", 1);
    Ok((local.parse().map_err(|_| InvalidTime)?, offset))
}

/// jiff also takes RFC 9557 suffixes and dates without minutes; RFC 3339 begins `YYYY-MM-DDTHH:MM:SS`.
fn check_shape(text: &str) -> Result<(), InvalidTime> {
    let shape = b"0000-00-00T00:00:00";
    let head = text.as_bytes().get(..shape.len()).ok_or(InvalidTime)?;
    let fits = head.iter().zip(shape).all(|(got, want)| match want {
        b'0' => got.is_ascii_digit(),
        b'T' => matches!(got, b'T' | b't' | b' '),
        other => got == other,
    });
    if fits && !text.contains('[') {
        Ok(())
    } else {
        Err(InvalidTime)
    }
}

/// `+hh:mm` or `-hh:mm` in seconds.
fn offset_secs(text: &str) -> Result<i64, InvalidTime> {
    let (sign, rest) = text.split_at_checked(1).ok_or(InvalidTime)?;
    let (hours, minutes) = rest.split_once(':').ok_or(InvalidTime)?;
    let number = |digits: &str, max: i64| match digits.len() == 2
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        true => digits
            .parse::<i64>()
            .ok()
            .filter(|n| *n <= max)
            .ok_or(InvalidTime),
        false => Err(InvalidTime),
    };
    let secs = number(hours, 23)? * 3600 + number(minutes, 59)? * 60;
    match sign {
        "+" => Ok(secs),
        "-" => Ok(-secs),
        _ => Err(InvalidTime),
    }
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
