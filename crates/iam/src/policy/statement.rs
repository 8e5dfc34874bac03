//! A statement, as parsed, and its canonical text.

use std::fmt;

use jiff::Timestamp;

use super::variable::{CalendarUnit, MOMENT, TIME_OF_DAY, Variable};
use crate::permission::{Permission, PermissionSet, Resource, Verb};

/// One policy statement (wire reference 12.4). Made by [`Statement::parse`]; Display prints the
/// canonical text, which parses back to an equal statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Allow or Deny.
    pub effect: Effect,
    /// Whom it speaks about.
    pub subject: Subject,
    /// Which permissions.
    pub grant: Grant,
    /// Where.
    pub location: Location,
    /// Under which condition, if any.
    pub condition: Option<Condition>,
}

impl Statement {
    /// The permissions it allows or denies.
    pub fn permissions(&self) -> PermissionSet {
        match (&self.grant, self.effect) {
            (Grant::Verb { verb, resource }, Effect::Allow) => resource.granted_by(*verb),
            (Grant::Verb { verb, resource }, Effect::Deny) => resource.refused_by(*verb),
            (Grant::Permissions { list, .. }, _) => list.iter().copied().collect(),
        }
    }
}

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

/// Whom a statement speaks about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Members of any of these groups.
    Groups(Vec<GroupRef>),
    /// Members of any of these dynamic groups.
    DynamicGroups(Vec<GroupRef>),
    /// Every user of the tenancy, and services. Never an anonymous caller.
    AnyUser,
    /// Every user of the tenancy.
    AnyGroup,
    /// Services, by name.
    Services(Vec<String>),
}

/// How a statement names a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GroupRef {
    /// By name, in an identity domain; none means the domain `Default`.
    Name {
        /// The domain, if it was written.
        domain: Option<String>,
        /// The group's name.
        name: String,
    },
    /// By OCID.
    Id(String),
}

/// What a statement grants or refuses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Grant {
    /// `manage buckets`
    Verb {
        /// How much.
        verb: Verb,
        /// Of what.
        resource: Resource,
    },
    /// `{BUCKET_READ, BUCKET_UPDATE}`, and optionally the resource they belong to.
    Permissions {
        /// The permissions, without repetition.
        list: Vec<Permission>,
        /// The resource, if it was written; it changes nothing.
        resource: Option<Resource>,
    },
}

/// Where a statement holds: the named compartment and everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// The whole tenancy.
    Tenancy,
    /// A path of names, from the compartment of the policy downwards.
    Path(Vec<String>),
    /// A compartment's OCID.
    Id(String),
}

/// When a statement holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// One test.
    Test(Test),
    /// At least one of them holds.
    Any(Vec<Condition>),
    /// Each of them holds.
    All(Vec<Condition>),
}

/// A single test. It is false if one of its variables does not apply to the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// Compares texts, ignoring case.
    Text {
        /// The left-hand side.
        variable: Variable,
        /// How, and with what.
        matches: Matches<Value>,
    },
    /// The request is earlier than this.
    Before(Timestamp),
    /// The request is later than this.
    After(Timestamp),
    /// Compares the month or day of the request, in UTC.
    Calendar {
        /// Which part of the date.
        unit: CalendarUnit,
        /// How, and with which numbers; see [`CalendarUnit`].
        matches: Matches<u8>,
    },
    /// The time of day, in seconds after midnight UTC, both ends inclusive. If `from` is later than
    /// `to`, the span runs over midnight.
    TimeOfDay {
        /// First second.
        from: u32,
        /// Last second.
        to: u32,
    },
}

/// How values are compared. A variable with many values is, or is in, if one of its values is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Matches<T> {
    /// `=`
    Is(T),
    /// `!=`
    IsNot(T),
    /// `in (…)`
    In(Vec<T>),
    /// `not in (…)`
    NotIn(Vec<T>),
}

impl<T> Matches<T> {
    /// What is compared with.
    pub fn operands(&self) -> &[T] {
        match self {
            Self::Is(one) | Self::IsNot(one) => std::slice::from_ref(one),
            Self::In(many) | Self::NotIn(many) => many,
        }
    }

    /// Whether the test holds when nothing matches.
    pub fn is_negated(&self) -> bool {
        matches!(self, Self::IsNot(_) | Self::NotIn(_))
    }
}

/// The right-hand side of a comparison of texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// A quoted text. For `target.object.name` an asterisk in it stands for any text.
    Text(String),
    /// `/…/`, where an asterisk stands for any text.
    Pattern(String),
    /// The value of another variable.
    Variable(Variable),
}

impl fmt::Display for Statement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        };
        write!(
            out,
            "{effect} {} to {} in {}",
            self.subject, self.grant, self.location
        )?;
        match &self.condition {
            None => Ok(()),
            Some(condition) => write!(out, " where {condition}"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Groups(groups) => write!(out, "group {}", list(groups)),
            Self::DynamicGroups(groups) => write!(out, "dynamic-group {}", list(groups)),
            Self::AnyUser => out.write_str("any-user"),
            Self::AnyGroup => out.write_str("any-group"),
            Self::Services(names) => {
                let names: Vec<Name<'_>> = names.iter().map(|name| Name(name)).collect();
                write!(out, "service {}", list(&names))
            }
        }
    }
}

impl fmt::Display for GroupRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { domain: None, name } => Name(name).fmt(out),
            Self::Name {
                domain: Some(domain),
                name,
            } => write!(out, "{}/{}", Name(domain), Name(name)),
            Self::Id(id) => write!(out, "id {}", Name(id)),
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verb { verb, resource } => write!(out, "{} {resource}", verb.as_str()),
            Self::Permissions {
                list: permissions,
                resource,
            } => {
                write!(out, "{{{}}}", list(permissions))?;
                resource.map_or(Ok(()), |resource| write!(out, " {resource}"))
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenancy => out.write_str("tenancy"),
            Self::Id(id) => write!(out, "compartment id {}", Name(id)),
            Self::Path(names) => {
                out.write_str("compartment ")?;
                for (index, name) in names.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ":" };
                    write!(out, "{separator}{}", Name(name))?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test(test) => test.fmt(out),
            Self::Any(parts) => write!(out, "any {{{}}}", list(parts)),
            Self::All(parts) => write!(out, "all {{{}}}", list(parts)),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { variable, matches } => {
                write!(out, "{variable} ")?;
                write_matches(out, matches, Value::to_string)
            }
            Self::Before(time) => write!(out, "{MOMENT} before '{time}'"),
            Self::After(time) => write!(out, "{MOMENT} after '{time}'"),
            Self::Calendar { unit, matches } => {
                write!(out, "{} ", unit.as_str())?;
                write_matches(out, matches, |number| {
                    format!("'{}'", unit.write_value(*number))
                })
            }
            Self::TimeOfDay { from, to } => {
                write!(
                    out,
                    "{TIME_OF_DAY} between '{}' and '{}'",
                    clock(*from),
                    clock(*to)
                )
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write_quoted(out, text),
            Self::Pattern(pattern) => write!(out, "/{pattern}/"),
            Self::Variable(variable) => variable.fmt(out),
        }
    }
}

fn write_matches<T>(
    out: &mut fmt::Formatter<'_>,
    matches: &Matches<T>,
    write: impl Fn(&T) -> String,
) -> fmt::Result {
    let all = || {
        matches
            .operands()
            .iter()
            .map(&write)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match matches {
        Matches::Is(_) => write!(out, "= {}", all()),
        Matches::IsNot(_) => write!(out, "!= {}", all()),
        Matches::In(_) => write!(out, "in ({})", all()),
        Matches::NotIn(_) => write!(out, "not in ({})", all()),
    }
}

/// A name, in quotes where it would not be read back as a plain word.
struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = self.0.chars().all(is_name_char) && !self.0.eq_ignore_ascii_case("id");
        if is_plain {
            out.write_str(self.0)
        } else {
            write_quoted(out, self.0)
        }
    }
}

/// Whether the character may stand in a name without quotes.
pub(super) fn is_name_char(c: char) -> bool {
    !c.is_whitespace() && !"{}()[],;:=!'\"/".contains(c)
}

fn write_quoted(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    // A parsed text never holds both kinds of quotes: it stood between two of one kind.
    let quote = if text.contains('\'') { '"' } else { '\'' };
    write!(out, "{quote}{text}{quote}")
}

fn clock(seconds: u32) -> String {
    format!(
        "{:02}:{:02}:{:02}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
