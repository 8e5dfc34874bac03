//! Conditions and ranges of reads, by Swift's rules (swift-v1-wire.md section 7).

use std::ops::Range;

use jiff::Timestamp;
use parbuckle_model::{RangeRequest, ResolvedRange};

use super::SwiftEtag;

/// Most ranges of one request.
const RANGES_MAX: usize = 50;

/// Most pairs of ranges of which one begins or ends within the other. Equal ones do not count.
const OVERLAPS_MAX: usize = 2;

/// So many ranges must be in order.
const ORDERED_MIN: usize = 8;

/// A list of etags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EtagList {
    /// `*`
    Any,
    /// Without quotes.
    OneOf(Vec<String>),
}

/// Conditions of a read or of a copy's source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadConditions {
    /// `If-Match`
    pub if_match: Option<EtagList>,
    /// `If-None-Match`
    pub if_none_match: Option<EtagList>,
    /// `If-Modified-Since`
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`
    pub if_unmodified_since: Option<Timestamp>,
}

/// What the conditions of a read say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

impl EtagList {
    /// Parses a header value: `*`, or etags separated by commas, bare or quoted.
    pub fn parse(value: &str) -> Self {
        let items = value
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        let items: Vec<String> = items
            .map(|item| item.trim_matches('"').to_owned())
            .collect();
        match items.iter().any(|item| item == "*") {
            true => Self::Any,
            false => Self::OneOf(items),
        }
    }

    fn matches(&self, etag: &SwiftEtag) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(etags) => etags.contains(&etag.text),
        }
    }
}

impl ReadConditions {
    /// Judges a read. `modified` is compared as clients know it: rounded up to seconds.
    pub(super) fn judge(&self, etag: &SwiftEtag, modified: Timestamp) -> Verdict {
        let modified = rounded_up(modified);
        if self
            .if_none_match
            .as_ref()
            .is_some_and(|list| list.matches(etag))
        {
            return Verdict::NotModified;
        }
        if self
            .if_match
            .as_ref()
            .is_some_and(|list| !list.matches(etag))
        {
            return Verdict::Failed;
        }
        if self
            .if_modified_since
            .is_some_and(|since| modified <= since.as_second())
        {
            return Verdict::NotModified;
        }
        if self
            .if_unmodified_since
            .is_some_and(|since| modified > since.as_second())
        {
            return Verdict::Failed;
        }
        Verdict::Proceed
    }

    /// Whether a missing object fails them: `If-Match: *` does.
    pub(super) fn need_existence(&self) -> bool {
        self.if_match == Some(EtagList::Any)
    }
}

/// The second since 1970 at or after a time.
fn rounded_up(time: Timestamp) -> i64 {
    let second = time.as_second();
    second + i64::from(time.as_millisecond() > second * 1000)
}

/// The ranges of a body of `size` bytes that were asked for, in their order. No ranges mean all of it; nothing means that
/// no range lies in the body.
pub(super) fn resolve(asked: &[RangeRequest], size: u64) -> Option<Vec<Range<u64>>> {
    let whole_of_nothing = size == 0 && asked.iter().any(|r| matches!(r, RangeRequest::Last(1..)));
    if asked.is_empty() || whole_of_nothing {
        return Some(Vec::new());
    }
    let parts: Vec<Range<u64>> = asked
        .iter()
        .filter_map(|range| match range.resolve(size) {
            ResolvedRange::Part { start, end } => Some(start..end),
            ResolvedRange::Unsatisfiable => None,
        })
        .collect();
    (!parts.is_empty() && !is_abuse(&parts)).then_some(parts)
}

/// Whether so many ranges are asked for that only an attack explains it.
fn is_abuse(parts: &[Range<u64>]) -> bool {
    if parts.len() > RANGES_MAX {
        return true;
    }
    let within = |at: u64, part: &Range<u64>| part.start < at && at < part.end;
    let reaches = |a: &Range<u64>, b: &Range<u64>| within(a.start, b) || within(a.end, b);
    let overlaps: usize = parts
        .iter()
        .enumerate()
        .map(|(at, a)| {
            let later = parts[at + 1..].iter();
            later.filter(|b| reaches(a, b) || reaches(b, a)).count()
        })
        .sum();
    let ordered = parts.is_sorted_by_key(|part| part.start);
    overlaps > OVERLAPS_MAX || (!ordered && parts.len() >= ORDERED_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etag(text: &str) -> SwiftEtag {
        SwiftEtag {
            text: text.to_owned(),
            quoted: false,
        }
    }

    #[test]
    fn times_are_compared_as_rounded_up_to_seconds() {
        let modified = Timestamp::from_millisecond(10_001).unwrap();
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let since = |second| ReadConditions {
            if_modified_since: at(second),
            ..ReadConditions::default()
        };
        assert_eq!(since(10).judge(&etag("a"), modified), Verdict::Proceed);
        assert_eq!(since(11).judge(&etag("a"), modified), Verdict::NotModified);
        let unless = ReadConditions {
            if_unmodified_since: at(10),
            ..ReadConditions::default()
        };
        assert_eq!(unless.judge(&etag("a"), modified), Verdict::Failed);
    }

    #[test]
    fn etags_match_quoted_or_bare() {
        let conditions = |value: &str| ReadConditions {
            if_match: Some(EtagList::parse(value)),
            ..ReadConditions::default()
        };
        let now = Timestamp::UNIX_EPOCH;
        for value in ["a", "\"a\"", "b, \"a\"", "*"] {
            assert_eq!(
                conditions(value).judge(&etag("a"), now),
                Verdict::Proceed,
                "{value}"
            );
        }
        assert_eq!(conditions("b").judge(&etag("a"), now), Verdict::Failed);
    }

    #[test]
    fn ranges_that_lie_outside_are_left_out() {
        use RangeRequest::{From, FromTo, Last};
        assert_eq!(resolve(&[], 10), Some(vec![]));
        assert_eq!(
            resolve(&[FromTo(0, 1), From(10), Last(2)], 10),
            Some(vec![0..2, 8..10])
        );
        assert_eq!(resolve(&[From(10), Last(0)], 10), None);
        assert_eq!(resolve(&[Last(4)], 0), Some(vec![]));
        assert_eq!(resolve(&[FromTo(0, 4)], 0), None);
    }

    #[test]
    fn more_ranges_than_anybody_needs_lie_nowhere() {
        let ascending: Vec<_> = (0..51)
            .map(|n| RangeRequest::FromTo(n * 2, n * 2))
            .collect();
        assert!(resolve(&ascending[..50], 1000).is_some());
        assert_eq!(resolve(&ascending, 1000), None);
        let from = |starts: &[u64]| -> Vec<_> {
            let ranges = starts.iter().map(|start| RangeRequest::From(*start));
            ranges.collect()
        };
        assert_eq!(resolve(&from(&[0, 1, 2]), 1000), None);
        assert!(resolve(&from(&[0, 1]), 1000).is_some());
        assert!(resolve(&from(&[0; 9]), 1000).is_some());
        let mut descending = ascending[..8].to_vec();
        descending.reverse();
        assert_eq!(resolve(&descending, 1000), None);
        assert!(resolve(&descending[1..], 1000).is_some());
    }
}
