//! The variables a condition may test (wire reference 12.5), and which of them are enforced here.

use std::fmt;

use crate::permission::{Operation, Permission};

/// Makes the plain variables' names and their list from one table.
macro_rules! variables {
    ($($variant:ident = $name:literal,)+) => {
        /// A variable with text values.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Variable {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
            /// `target.bucket.tag.<namespace>.<key>`: a defined tag of the target's bucket.
            BucketTag(TagName),
            /// `target.resource.tag.<namespace>.<key>`: a defined tag of the target itself, which is the
            /// bucket for everything in a bucket.
            ResourceTag(TagName),
        }

        impl Variable {
            const PLAIN: &'static [(&'static str, Self)] = &[$(($name, Self::$variant),)+];
        }

        impl fmt::Display for Variable {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => out.write_str($name),)+
                    Self::BucketTag(tag) => write!(out, "{BUCKET_TAG}{}.{}", tag.namespace, tag.key),
                    Self::ResourceTag(tag) => write!(out, "{RESOURCE_TAG}{}.{}", tag.namespace, tag.key),
                }
            }
        }
    };
}

variables! {
    RequestUserId = "request.user.id",
    RequestUserName = "request.user.name",
    RequestUserMfaTotpVerified = "request.user.mfaTotpVerified",
    RequestGroupsId = "request.groups.id",
    RequestPermission = "request.permission",
    RequestOperation = "request.operation",
    RequestRegion = "request.region",
    RequestPrincipalType = "request.principal.type",
    RequestPrincipalId = "request.principal.id",
    TargetCompartmentId = "target.compartment.id",
    TargetCompartmentName = "target.compartment.name",
    TargetBucketName = "target.bucket.name",
    TargetObjectName = "target.object.name",
    TargetUserId = "target.user.id",
    TargetUserName = "target.user.name",
    TargetGroupId = "target.group.id",
    TargetGroupName = "target.group.name",
    TargetGroupMember = "target.group.member",
    TargetPolicyId = "target.policy.id",
    TargetPolicyName = "target.policy.name",
    TargetPolicyType = "target.policy.type",
}

/// A part of the calendar or clock, always in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CalendarUnit {
    /// `request.utc-timestamp.month-of-year`: '1' to '12'.
    MonthOfYear,
    /// `request.utc-timestamp.day-of-month`: '1' to '31'.
    DayOfMonth,
    /// `request.utc-timestamp.day-of-week`: 'Monday' (1) to 'Sunday' (7).
    DayOfWeek,
}

/// Namespace and key of a defined tag. They compare without case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagName {
    /// The tag namespace.
    pub namespace: String,
    /// The key in it.
    pub key: String,
}

/// Any variable; time has its own kinds of test.
pub(super) enum AnyVariable {
    Text(Variable),
    Moment,
    Calendar(CalendarUnit),
    TimeOfDay,
}

pub(super) const MOMENT: &str = "request.utc-timestamp";
pub(super) const TIME_OF_DAY: &str = "request.utc-timestamp.time-of-day";
const BUCKET_TAG: &str = "target.bucket.tag.";
const RESOURCE_TAG: &str = "target.resource.tag.";

impl AnyVariable {
    /// The variable of that name, in any case; `None` if we do not enforce it.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        if is(MOMENT) {
            return Some(Self::Moment);
        }
        if is(TIME_OF_DAY) {
            return Some(Self::TimeOfDay);
        }
        let mut units = CalendarUnit::ALL.into_iter();
        if let Some(unit) = units.find(|unit| is(unit.as_str())) {
            return Some(Self::Calendar(unit));
        }
        Variable::parse(name).map(Self::Text)
    }
}

impl Variable {
    /// The variable of that name, in any case; `None` if it is not enforced, or is one of time.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(tag) = TagName::after(BUCKET_TAG, name) {
            return Some(Self::BucketTag(tag));
        }
        if let Some(tag) = TagName::after(RESOURCE_TAG, name) {
            return Some(Self::ResourceTag(tag));
        }
        let plain = Self::PLAIN
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(plain.1.clone())
    }

    /// OCI's spelling of a quoted value for this variable, or what values there are. A value that
    /// can never occur is a mistake, and in a Deny statement a dangerous one.
    pub(super) fn canonical_value(&self, value: &str) -> Result<String, &'static str> {
        let one_of = |known: &[&str], expected| {
            let found = known.iter().find(|known| known.eq_ignore_ascii_case(value));
            found.map(|known| (*known).to_owned()).ok_or(expected)
        };
        match self {
            Self::RequestPermission => Permission::parse(value)
                .map(|permission| permission.as_str().to_owned())
                .ok_or("expected the name of a permission"),
            Self::RequestOperation => Operation::canonical_name(value)
                .map(str::to_owned)
                .ok_or("expected the name of an operation"),
            Self::RequestUserMfaTotpVerified | Self::TargetGroupMember => {
                one_of(&["true", "false"], "expected 'true' or 'false'")
            }
            Self::RequestPrincipalType => {
                one_of(&["user", "service"], "expected 'user' or 'service'")
            }
            Self::TargetPolicyType => one_of(&["allow", "deny"], "expected 'allow' or 'deny'"),
            _ => Ok(value.to_owned()),
        }
    }
}

impl TagName {
    fn after(prefix: &str, name: &str) -> Option<Self> {
        let (start, rest) = name.split_at_checked(prefix.len())?;
        let (namespace, key) = rest.split_once('.')?;
        let is_tag = start.eq_ignore_ascii_case(prefix)
            && !namespace.is_empty()
            && !key.is_empty()
            && !key.contains('.');
        is_tag.then(|| Self {
            namespace: namespace.to_owned(),
            key: key.to_owned(),
        })
    }
}

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

impl CalendarUnit {
    const ALL: [Self; 3] = [Self::MonthOfYear, Self::DayOfMonth, Self::DayOfWeek];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::MonthOfYear => "request.utc-timestamp.month-of-year",
            Self::DayOfMonth => "request.utc-timestamp.day-of-month",
            Self::DayOfWeek => "request.utc-timestamp.day-of-week",
        }
    }

    /// The number of a written month or day, counting from 1.
    pub(super) fn parse_value(self, text: &str) -> Option<u8> {
        let last = match self {
            Self::MonthOfYear => 12,
            Self::DayOfMonth => 31,
            Self::DayOfWeek => {
                let mut numbered = (1..).zip(WEEKDAYS);
                return numbered
                    .find(|(_, day)| day.eq_ignore_ascii_case(text))
                    .map(|(number, _)| number);
            }
        };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|number| is_number && (1..=last).contains(number))
    }

    /// How a month or day is written.
    pub(super) fn write_value(self, number: u8) -> String {
        let weekday = WEEKDAYS.get(usize::from(number).wrapping_sub(1));
        match (self, weekday) {
            (Self::DayOfWeek, Some(day)) => (*day).to_owned(),
            _ => number.to_string(),
        }
    }

    /// What values there are.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::MonthOfYear => "expected a month from '1' to '12'",
            Self::DayOfMonth => "expected a day from '1' to '31'",
            Self::DayOfWeek => "expected a day from 'Monday' to 'Sunday'",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_found_by_the_name_it_prints() {
        for (name, variable) in Variable::PLAIN {
            assert_eq!(variable.to_string(), *name);
            assert_eq!(
                Variable::parse(&name.to_uppercase()).as_ref(),
                Some(variable)
            );
        }
    }

    #[test]
    fn a_tag_variable_has_a_namespace_and_a_key() {
        let tag = TagName {
            namespace: "Ops".into(),
            key: "Team".into(),
        };
        assert_eq!(
            Variable::parse("target.bucket.tag.Ops.Team"),
            Some(Variable::BucketTag(tag.clone()))
        );
        assert_eq!(
            Variable::parse("TARGET.resource.TAG.Ops.Team"),
            Some(Variable::ResourceTag(tag))
        );
        for name in [
            "target.bucket.tag.Ops",
            "target.bucket.tag..Team",
            "target.bucket.tag.Ops.Te.am",
        ] {
            assert_eq!(Variable::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_month_is_a_number_without_sign() {
        assert_eq!(CalendarUnit::MonthOfYear.parse_value("12"), Some(12));
        for text in ["0", "13", "+1", "", "june"] {
            assert_eq!(CalendarUnit::MonthOfYear.parse_value(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_of_the_week_is_its_english_name() {
        assert_eq!(CalendarUnit::DayOfWeek.parse_value("sunday"), Some(7));
        assert_eq!(CalendarUnit::DayOfWeek.write_value(7), "Sunday");
        assert_eq!(CalendarUnit::DayOfWeek.parse_value("1"), None);
    }
}
