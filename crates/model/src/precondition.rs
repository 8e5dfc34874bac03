//! Conditional requests on etags (wire reference 3.8; RFC 9110 section 13).

use crate::ids::ETag;

/// One condition: an etag list or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EtagCondition {
    /// `*`: anything that exists.
    Any,
    /// One of these. Values that are no etag of ours are kept out: they match nothing.
    OneOf(Vec<ETag>),
}

impl EtagCondition {
    /// Parses a header value: `*`, or etags separated by commas, each bare or quoted, with or without `W/`.
    pub fn parse(value: &str) -> Self {
        if value.trim() == "*" {
            return Self::Any;
        }
        let etags = value.split(',').filter_map(|item| {
            let item = item.trim();
            let item = item.strip_prefix("W/").unwrap_or(item);
            ETag::parse(item.trim_matches('"')).ok()
        });
        Self::OneOf(etags.collect())
    }

    fn matches(&self, current: Option<&ETag>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::OneOf(etags), Some(current)) => etags.contains(current),
        }
    }
}

/// The conditions of a request; none by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preconditions {
    /// `if-match`.
    pub if_match: Option<EtagCondition>,
    /// `if-none-match`.
    pub if_none_match: Option<EtagCondition>,
}

/// What the conditions of a read say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadVerdict {
    /// Send it.
    Proceed,
    /// 304: the client has it.
    NotModified,
    /// 412: `if-match` does not hold.
    IfMatchFailed,
}

/// What the conditions of a write say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteVerdict {
    /// Go on.
    Proceed,
    /// 412: `if-match` does not hold.
    IfMatchFailed,
    /// 412: `if-none-match` does not hold.
    IfNoneMatchFailed,
}

impl Preconditions {
    /// Judges a read of something that exists with etag `current`.
    pub fn check_read(&self, current: &ETag) -> ReadVerdict {
        if self
            .if_match
            .as_ref()
            .is_some_and(|c| !c.matches(Some(current)))
        {
            return ReadVerdict::IfMatchFailed;
        }
        if self
            .if_none_match
            .as_ref()
            .is_some_and(|c| c.matches(Some(current)))
        {
            return ReadVerdict::NotModified;
        }
        ReadVerdict::Proceed
    }

    /// Judges a write to something with etag `current`, or to nothing.
    pub fn check_write(&self, current: Option<&ETag>) -> WriteVerdict {
        if self.if_match.as_ref().is_some_and(|c| !c.matches(current)) {
            return WriteVerdict::IfMatchFailed;
        }
        if self
            .if_none_match
            .as_ref()
            .is_some_and(|c| c.matches(current))
        {
            return WriteVerdict::IfNoneMatchFailed;
        }
        WriteVerdict::Proceed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(if_match: &str, if_none_match: &str) -> Preconditions {
        let parse = |v: &str| (!v.is_empty()).then(|| EtagCondition::parse(v));
        Preconditions {
            if_match: parse(if_match),
            if_none_match: parse(if_none_match),
        }
    }

    #[test]
    fn every_pair_of_conditions_has_its_verdict() {
        let etag = ETag::from_random([1; 16]);
        let (own, other) = (etag.to_string(), ETag::from_random([2; 16]).to_string());
        let quoted = format!("\"{own}\"");
        let table = [
            (
                "",
                "",
                ReadVerdict::Proceed,
                WriteVerdict::Proceed,
                WriteVerdict::Proceed,
            ),
            (
                &own,
                "",
                ReadVerdict::Proceed,
                WriteVerdict::Proceed,
                WriteVerdict::IfMatchFailed,
            ),
            (
                &quoted,
                "",
                ReadVerdict::Proceed,
                WriteVerdict::Proceed,
                WriteVerdict::IfMatchFailed,
            ),
            (
                "*",
                "",
                ReadVerdict::Proceed,
                WriteVerdict::Proceed,
                WriteVerdict::IfMatchFailed,
            ),
            (
                &other,
                "",
                ReadVerdict::IfMatchFailed,
                WriteVerdict::IfMatchFailed,
                WriteVerdict::IfMatchFailed,
            ),
            (
                "garbage",
                "",
                ReadVerdict::IfMatchFailed,
                WriteVerdict::IfMatchFailed,
                WriteVerdict::IfMatchFailed,
            ),
            (
                "",
                &own,
                ReadVerdict::NotModified,
                WriteVerdict::IfNoneMatchFailed,
                WriteVerdict::Proceed,
            ),
            (
                "",
                "*",
                ReadVerdict::NotModified,
                WriteVerdict::IfNoneMatchFailed,
                WriteVerdict::Proceed,
            ),
            (
                "",
                &other,
                ReadVerdict::Proceed,
                WriteVerdict::Proceed,
                WriteVerdict::Proceed,
            ),
            (
                &other,
                &own,
                ReadVerdict::IfMatchFailed,
                WriteVerdict::IfMatchFailed,
                WriteVerdict::IfMatchFailed,
            ),
        ];
        for (if_match, if_none_match, read, write, create) in table {
            let conditions = conditions(if_match, if_none_match);
            assert_eq!(
                conditions.check_read(&etag),
                read,
                "read {if_match:?} {if_none_match:?}"
            );
            assert_eq!(
                conditions.check_write(Some(&etag)),
                write,
                "write {if_match:?} {if_none_match:?}"
            );
            assert_eq!(
                conditions.check_write(None),
                create,
                "create {if_match:?} {if_none_match:?}"
            );
        }
    }
}
