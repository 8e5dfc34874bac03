//! From text to condition (wire reference 12.4 and 12.5).

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::cursor::{Cursor, ParseError};
use super::statement::{Condition, Matches, Test, Value};
use super::variable::{AnyVariable, CalendarUnit, Variable};

/// Deepest accepted nesting of `any` and `all`. It bounds the stack, whatever a client sends.
const DEPTH_MAX: usize = 16;

/// Reads what follows `where`.
pub(super) fn parse_condition(cursor: &mut Cursor<'_>) -> Result<Condition, ParseError> {
    condition(cursor, DEPTH_MAX)
}

fn condition(cursor: &mut Cursor<'_>, depth_left: usize) -> Result<Condition, ParseError> {
    let start = cursor.offset();
    let is_any = cursor.take_keyword("any");
    if !is_any && !cursor.take_keyword("all") {
        return test(cursor).map(Condition::Test);
    }
    cursor.expect("{")?;
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Err(cursor.error_at(
            start,
            format!("conditions are nested deeper than {DEPTH_MAX}"),
        ));
    };
    let parts = cursor.list(|cursor| condition(cursor, depth_left))?;
    if !cursor.take("}") {
        return Err(cursor.error("expected `,` or `}`"));
    }
    Ok(if is_any {
        Condition::Any(parts)
    } else {
        Condition::All(parts)
    })
}

fn test(cursor: &mut Cursor<'_>) -> Result<Test, ParseError> {
    let start = cursor.offset();
    let name = cursor.word("a condition")?;
    let Some(variable) = AnyVariable::parse(name) else {
        return Err(cursor.error_at(start, "unknown variable, or one that is not enforced here"));
    };
    match variable {
        AnyVariable::Text(variable) => {
            let matches = matches(cursor, |cursor| value(cursor, &variable))?;
            Ok(Test::Text { variable, matches })
        }
        AnyVariable::Calendar(unit) => {
            let matches = matches(cursor, |cursor| calendar_value(cursor, unit))?;
            Ok(Test::Calendar { unit, matches })
        }
        AnyVariable::Moment => moment(cursor),
        AnyVariable::TimeOfDay => time_of_day(cursor),
    }
}

/// `= v`, `!= v`, `in (v, …)` or `not in (v, …)`.
fn matches<T>(
    cursor: &mut Cursor<'_>,
    mut operand: impl FnMut(&mut Cursor<'_>) -> Result<T, ParseError>,
) -> Result<Matches<T>, ParseError> {
    if cursor.take("=") {
        return operand(cursor).map(Matches::Is);
    }
    if cursor.take("!=") {
        return operand(cursor).map(Matches::IsNot);
    }
    if cursor.take_keyword("in") {
        return parenthesised(cursor, operand).map(Matches::In);
    }
    if cursor.take_keyword("not") {
        cursor.expect_keyword("in")?;
        return parenthesised(cursor, operand).map(Matches::NotIn);
    }
    Err(cursor.error("expected `=`, `!=`, `in` or `not in`"))
}

fn parenthesised<T>(
    cursor: &mut Cursor<'_>,
    operand: impl FnMut(&mut Cursor<'_>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    cursor.expect("(")?;
    let values = cursor.list(operand)?;
    if cursor.take(")") {
        Ok(values)
    } else {
        Err(cursor.error("expected `,` or `)`"))
    }
}

/// The right-hand side for a variable with text values.
fn value(cursor: &mut Cursor<'_>, variable: &Variable) -> Result<Value, ParseError> {
    let start = cursor.offset();
    if let Some(pattern) = cursor.take_pattern()? {
        return Ok(Value::Pattern(pattern.to_owned()));
    }
    if let Some(text) = cursor.take_quoted()? {
        let canonical = variable.canonical_value(text);
        return canonical
            .map(Value::Text)
            .map_err(|expected| cursor.error_at(start, expected));
    }
    let other = Variable::parse(cursor.peek_word());
    match other {
        Some(other) => {
            cursor.word("a variable")?;
            Ok(Value::Variable(other))
        }
        None => Err(cursor.error(format!(
            "Invalid right-hand side in condition: {}; expected a quoted value, a /pattern/ or a variable",
            cursor.peek_word()
        ))),
    }
}

fn calendar_value(cursor: &mut Cursor<'_>, unit: CalendarUnit) -> Result<u8, ParseError> {
    quoted(cursor, unit.expected(), |text| unit.parse_value(text))
}

fn moment(cursor: &mut Cursor<'_>) -> Result<Test, ParseError> {
    const EXPECTED: &str = "expected a time in UTC such as '2030-01-31T15:00:00Z'";
    if cursor.take_keyword("before") {
        return quoted(cursor, EXPECTED, parse_moment).map(Test::Before);
    }
    if cursor.take_keyword("after") {
        return quoted(cursor, EXPECTED, parse_moment).map(Test::After);
    }
    Err(cursor.error("expected `before` or `after`"))
}

fn time_of_day(cursor: &mut Cursor<'_>) -> Result<Test, ParseError> {
    const EXPECTED: &str = "expected a time of day in UTC such as '17:00:00Z'";
    cursor.expect_keyword("between")?;
    let from = quoted(cursor, EXPECTED, parse_time_of_day)?;
    cursor.expect_keyword("and")?;
    let to = quoted(cursor, EXPECTED, parse_time_of_day)?;
    Ok(Test::TimeOfDay { from, to })
}

fn quoted<T>(
    cursor: &mut Cursor<'_>,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ParseError> {
    let start = cursor.offset();
    let value = cursor.take_quoted()?.and_then(parse);
    value.ok_or_else(|| cursor.error_at(start, expected))
}

/// `2020-04-01T15:00:00Z`, `2020-04-01T05:00Z` or `2020-04-01Z`; always UTC.
fn parse_moment(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix(['Z', 'z'])?;
    let moment = match text.split_once(['T', 't']) {
        None => text.parse::<Date>().ok()?.to_datetime(Time::midnight()),
        Some((_, time)) if is_clock(time) => text.parse::<DateTime>().ok()?,
        Some(_) => return None,
    };
    Offset::UTC.to_timestamp(moment).ok()
}

/// `05:00:00` or `05:00`, with or without `Z`; in seconds after midnight.
fn parse_time_of_day(text: &str) -> Option<u32> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let time: Time = is_clock(text).then(|| text.parse().ok())??;
    let [hours, minutes, seconds] = [time.hour(), time.minute(), time.second()].map(u32::try_from);
    Some(hours.ok()? * 3600 + minutes.ok()? * 60 + seconds.ok()?)
}

/// Hours, minutes and perhaps seconds, in digits and colons: no fraction, no offset, no zone.
fn is_clock(text: &str) -> bool {
    text.contains(':')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b':')
}
