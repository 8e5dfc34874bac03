//! Conditions in the form that is evaluated: literals folded, patterns split.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::pattern::{Literal, Pattern};
use super::request::{AccessRequest, Principal, PrincipalKind};
use super::statement::{Condition, Matches, Test, Value};
use super::variable::{CalendarUnit, TagName, Variable};

/// A condition, ready to be evaluated many times.
#[derive(Debug)]
pub(super) enum Compiled {
    Any(Box<[Self]>),
    All(Box<[Self]>),
    Text {
        variable: Variable,
        operands: Box<[Operand]>,
        is_negated: bool,
    },
    Before(Timestamp),
    After(Timestamp),
    Calendar {
        unit: CalendarUnit,
        matches: Matches<u8>,
    },
    TimeOfDay {
        from: u32,
        to: u32,
    },
}

#[derive(Debug)]
pub(super) enum Operand {
    Literal(Literal),
    Pattern(Pattern),
    Variable(Variable),
}

impl Compiled {
    pub(super) fn new(condition: &Condition) -> Self {
        match condition {
            Condition::Any(parts) => Self::Any(parts.iter().map(Self::new).collect()),
            Condition::All(parts) => Self::All(parts.iter().map(Self::new).collect()),
            Condition::Test(test) => Self::test(test),
        }
    }

    fn test(test: &Test) -> Self {
        match test {
            Test::Text { variable, matches } => Self::Text {
                variable: variable.clone(),
                operands: matches
                    .operands()
                    .iter()
                    .map(|value| Operand::new(variable, value))
                    .collect(),
                is_negated: matches.is_negated(),
            },
            Test::Before(time) => Self::Before(*time),
            Test::After(time) => Self::After(*time),
            Test::Calendar { unit, matches } => Self::Calendar {
                unit: *unit,
                matches: matches.clone(),
            },
            Test::TimeOfDay { from, to } => Self::TimeOfDay {
                from: *from,
                to: *to,
            },
        }
    }

    pub(super) fn holds(&self, principal: &Principal<'_>, request: &AccessRequest<'_>) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(principal, request)),
            Self::All(parts) => parts.iter().all(|part| part.holds(principal, request)),
            Self::Text {
                variable,
                operands,
                is_negated,
            } => {
                let matched = text_matches(variable, operands, principal, request);
                matched.is_some_and(|matched| matched != *is_negated)
            }
            Self::Before(time) => request.now < *time,
            Self::After(time) => request.now > *time,
            Self::Calendar { unit, matches } => {
                let found = matches
                    .operands()
                    .contains(&calendar_value(*unit, request.now));
                found != matches.is_negated()
            }
            Self::TimeOfDay { from, to } => {
                let time = time_of_day(request.now);
                if from <= to {
                    (*from..=*to).contains(&time)
                } else {
                    time >= *from || time <= *to
                }
            }
        }
    }
}

impl Operand {
    fn new(variable: &Variable, value: &Value) -> Self {
        match value {
            Value::Pattern(pattern) => Self::Pattern(Pattern::new(pattern)),
            // Of object names alone, quoted texts are patterns too (wire reference 12.4).
            Value::Text(text) if *variable == Variable::TargetObjectName && text.contains('*') => {
                Self::Pattern(Pattern::new(text))
            }
            Value::Text(text) => Self::Literal(Literal::new(text)),
            Value::Variable(other) => Self::Variable(other.clone()),
        }
    }
}

/// Whether one of the operands matches; `None` if a variable does not apply to the request.
fn text_matches(
    variable: &Variable,
    operands: &[Operand],
    principal: &Principal<'_>,
    request: &AccessRequest<'_>,
) -> Option<bool> {
    let values = variable.values(principal, request)?;
    let mut matched = false;
    for operand in operands {
        matched |= match operand {
            Operand::Literal(literal) => values.any(|text| literal.equals(text)),
            Operand::Pattern(pattern) => values.any(|text| pattern.matches(text)),
            Operand::Variable(other) => {
                let others = other.values(principal, request)?;
                values.any(|text| others.any(|other| Literal::new(other).equals(text)))
            }
        };
    }
    Some(matched)
}

/// The values of a variable in one request: the groups of a user may be many or none.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values<'a> {
    One(&'a str),
    Many(&'a [String]),
}

impl<'a> Values<'a> {
    fn any(self, mut is_match: impl FnMut(&str) -> bool) -> bool {
        match self {
            Self::One(text) => is_match(text),
            Self::Many(texts) => texts.iter().any(|text| is_match(text)),
        }
    }
}

impl Variable {
    /// The variable's values in this request; `None` if it does not apply.
    #[inline]
    pub(super) fn values<'a>(
        &self,
        principal: &Principal<'a>,
        request: &AccessRequest<'a>,
    ) -> Option<Values<'a>> {
        let target = &request.target;
        let own = request.compartments.first();
        let value = match self {
            Self::RequestGroupsId => {
                return user(principal).map(|_| Values::Many(principal.groups));
            }
            Self::RequestUserId | Self::RequestPrincipalId => Some(user(principal)?.0),
            Self::RequestUserName => Some(user(principal)?.1),
            // There is no second factor here, so nobody has ever passed one.
            Self::RequestUserMfaTotpVerified => user(principal).map(|_| "false"),
            Self::RequestPrincipalType => Some(user(principal).map_or("service", |_| "user")),
            Self::RequestPermission => Some(request.permission.as_str()),
            Self::RequestOperation => Some(request.operation.name()),
            Self::RequestRegion => Some(request.region_key),
            Self::TargetCompartmentId => Some(own?.id),
            Self::TargetCompartmentName => Some(own?.name),
            Self::TargetBucketName => target.bucket_name,
            Self::TargetObjectName => target.object_name,
            Self::TargetUserId => target.user?.id,
            Self::TargetUserName => Some(target.user?.name),
            Self::TargetGroupId => target.group?.id,
            Self::TargetGroupName => Some(target.group?.name),
            Self::TargetGroupMember => is_member(principal, target.group?.id?),
            Self::TargetPolicyId => target.policy?.named.id,
            Self::TargetPolicyName => Some(target.policy?.named.name),
            Self::TargetPolicyType => Some(if target.policy?.has_deny {
                "deny"
            } else {
                "allow"
            }),
            Self::BucketTag(name) => target.bucket_name.and_then(|_| tag(request, name)),
            Self::ResourceTag(name) => tag(request, name),
        };
        value.map(Values::One)
    }
}

/// OCID and name, if it is a user.
fn user<'a>(principal: &Principal<'a>) -> Option<(&'a str, &'a str)> {
    match principal.kind {
        PrincipalKind::User { id, name } => Some((id, name)),
        PrincipalKind::Service { .. } => None,
    }
}

fn is_member(principal: &Principal<'_>, group_id: &str) -> Option<&'static str> {
    user(principal)?;
    Some(if principal.groups.iter().any(|id| id == group_id) {
        "true"
    } else {
        "false"
    })
}

fn tag<'a>(request: &AccessRequest<'a>, name: &TagName) -> Option<&'a str> {
    request.target.tags?.value(&name.namespace, &name.key)
}

fn calendar_value(unit: CalendarUnit, now: Timestamp) -> u8 {
    let date = Offset::UTC.to_datetime(now).date();
    let number = match unit {
        CalendarUnit::MonthOfYear => date.month(),
        CalendarUnit::DayOfMonth => date.day(),
        CalendarUnit::DayOfWeek => date.weekday().to_monday_one_offset(),
    };
    number.unsigned_abs()
}

fn time_of_day(now: Timestamp) -> u32 {
    let time = Offset::UTC.to_datetime(now).time();
    let [hours, minutes, seconds] =
        [time.hour(), time.minute(), time.second()].map(|part| u32::from(part.unsigned_abs()));
    hours * 3600 + minutes * 60 + seconds
}
