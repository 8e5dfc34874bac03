//! Times of rows: UTC with microseconds and no letter for the zone.

use jiff::Timestamp;

const MICROS_OF_SECOND: i64 = 1_000_000;
const MICROS_OF_DAY: i64 = 24 * 60 * 60 * MICROS_OF_SECOND;

/// Writes times. Many rows are of the same day, whose date is asked of the calendar once.
#[derive(Default)]
pub(super) struct Times {
    /// A day, counted from 1970, and its date.
    day: Option<(i64, String)>,
}

impl Times {
    /// Adds a time.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let micros = time.as_microsecond();
        let day = micros.div_euclid(MICROS_OF_DAY);
        let (_, date) = match self.day.take().filter(|(known, _)| *known == day) {
            Some(known) => self.day.insert(known),
            None => self.day.insert((day, date(time))),
        };
        out.extend_from_slice(date.as_bytes());
        let micros = micros.rem_euclid(MICROS_OF_DAY);
        let seconds = micros / MICROS_OF_SECOND;
        let parts = [
            (b'T', seconds / 3600, 2),
            (b':', seconds / 60 % 60, 2),
            (b':', seconds % 60, 2),
            (b'.', micros % MICROS_OF_SECOND, 6),
        ];
        for (separator, number, digits) in parts {
            out.push(separator);
            push_digits(out, number, digits);
        }
    }
}

fn date(time: Timestamp) -> String {
    let mut text = time.to_string();
    text.truncate(text.find('T').unwrap_or(text.len()));
    text
}

/// The last digits of a number that is not negative, up to six.
fn push_digits(out: &mut Vec<u8>, mut number: i64, digits: usize) {
    let mut text = [b'0'; 6];
    for digit in text.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text[text.len() - digits..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let mut times = Times::default();
        for micros in [
            0,
            1,
            86_399_999_999,
            86_400_000_000,
            1_763_753_098_089_230,
            1_763_753_098_089_231,
            951_782_400_000_000,
            4_102_444_799_999_999,
            -1,
        ] {
            let time = Timestamp::from_microsecond(micros).unwrap();
            let mut out = Vec::new();
            times.push(&mut out, time);
            let expected = format!("{time:.6}");
            assert_eq!(
                String::from_utf8(out).unwrap(),
                expected.trim_end_matches('Z')
            );
        }
    }
}
