//! Dates of conditions, as loosely as Swift reads them (Swift wire reference section 7, measured).

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The time that a text names: day and month in either order, a year of two or four digits, and a time of day. The three
/// forms of RFC 9110 section 5.6.7 are among them. The day of the week need not be the right one, and times are taken for
/// UTC whatever zone stands behind them.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.first().is_some_and(|word| is_day_of_week(word)) {
        words.remove(0);
    }
    // `21-Oct-15` is one word with three of them.
    let mut words = words
        .iter()
        .enumerate()
        .flat_map(|(at, word)| word.split(if at == 0 { '-' } else { ' ' }))
        .map(|word| word.trim_end_matches(','));
    let (first, second) = (words.next()?, words.next()?);
    let (day, month) = match month(second) {
        Some(month) => (first, month),
        None => (second, month(first)?),
    };
    let (third, fourth) = (words.next()?, words.next()?);
    let (year, clock) = match third.contains(':') {
        true => (fourth, third),
        false => (third, fourth),
    };
    let mut clock = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (clock.next()??, clock.next()??);
    let seconds = clock.next().unwrap_or(Some(0))?;
    if clock.next().is_some() {
        return None;
    }
    let date = Date::new(full_year(year)?, month, day.parse().ok()?).ok()?;
    let time = Time::new(hour, minute, seconds, 0).ok()?;
    let zoned = date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

fn is_day_of_week(word: &str) -> bool {
    word.ends_with(',') || DAYS.iter().any(|day| word.eq_ignore_ascii_case(day))
}

/// From 1; short or in full.
fn month(word: &str) -> Option<i8> {
    let short = word.get(..3)?;
    let at = MONTHS
        .iter()
        .position(|month| short.eq_ignore_ascii_case(month))?;
    i8::try_from(at + 1).ok()
}

/// Years of two digits are those from 1969 to 2068.
fn full_year(text: &str) -> Option<i16> {
    let year: i16 = text.parse().ok()?;
    match year {
        0..=68 => Some(year + 2000),
        69..=99 => Some(year + 1900),
        _ => Some(year),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_in_many_ways() {
        let expected = jiff::civil::date(2015, 10, 21).at(7, 28, 0, 0);
        let expected = expected.to_zoned(TimeZone::UTC).unwrap().timestamp();
        for text in [
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Wednesday, 21-Oct-15 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2015",
            "Sun, 21 Oct 2015 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28:00",
            "Wed, 21 Oct 2015 07:28:00 +0100",
            "21 Oct 2015 07:28:00 GMT",
            "21 October 2015 07:28",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_names_no_time_is_none() {
        for text in [
            "",
            "0",
            "1600000000",
            "yesterday",
            "2015-10-21T07:28:00Z",
            "Wed, 32 Oct 2015 07:28:00 GMT",
            "Wed, 21 Oct 2015 24:28:00 GMT",
            "Wed, 21 Oct 2015",
            "Wed, 21 Oct 2015 07 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
