//! The Range header: one byte range (RFC 9110 section 14; wire reference section 9).

/// A `Range` header that asks for one byte range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeRequest {
    /// `bytes=first-last`, both inclusive.
    FromTo(u64, u64),
    /// `bytes=first-`.
    From(u64),
    /// `bytes=-count`: the last `count` bytes.
    Last(u64),
}

/// What a range means for a body of a certain length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolvedRange {
    /// These bytes: start inclusive, end exclusive; never empty.
    Part {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
    /// The range lies outside the body: 416.
    Unsatisfiable,
}

impl RangeRequest {
    /// Parses a header value. `None` means that the header is to be ignored and the whole body sent: another unit,
    /// malformed, or several ranges (RFC 9110 section 14.2 allows a server to ignore those).
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let (unit, spec) = value.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = spec.trim().split_once('-')?;
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some(Self::FromTo(first, last)),
            (Some(first), None) if last.is_empty() => Some(Self::From(first)),
            (None, Some(count)) if first.is_empty() => Some(Self::Last(count)),
            _ => None,
        }
    }

    /// Applies the range to a body of `len` bytes.
    pub fn resolve(self, len: u64) -> ResolvedRange {
        let (start, end) = match self {
            Self::FromTo(first, last) => (first, last.saturating_add(1).min(len)),
            Self::From(first) => (first, len),
            Self::Last(count) => (len.saturating_sub(count), len),
        };
        if start < end {
            ResolvedRange::Part { start, end }
        } else {
            ResolvedRange::Unsatisfiable
        }
    }
}

/// Digits only; a number too large for 64 bits counts as the largest.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(value: &str, len: u64) -> Option<ResolvedRange> {
        RangeRequest::parse(value).map(|range| range.resolve(len))
    }

    #[test]
    fn one_range_resolves_within_the_body() {
        let part = |start, end| Some(ResolvedRange::Part { start, end });
        assert_eq!(resolve("bytes=0-0", 10), part(0, 1));
        assert_eq!(resolve("bytes=2-5", 10), part(2, 6));
        assert_eq!(resolve("bytes=2-99", 10), part(2, 10));
        assert_eq!(resolve("bytes=7-", 10), part(7, 10));
        assert_eq!(resolve("bytes=-3", 10), part(7, 10));
        assert_eq!(resolve("bytes=-30", 10), part(0, 10));
        assert_eq!(
            resolve("Bytes = 1-99999999999999999999999", 10),
            part(1, 10)
        );
    }

    #[test]
    fn a_range_past_the_end_is_unsatisfiable() {
        for value in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(
                resolve(value, 10),
                Some(ResolvedRange::Unsatisfiable),
                "{value}"
            );
        }
        assert_eq!(resolve("bytes=0-", 0), Some(ResolvedRange::Unsatisfiable));
    }

    #[test]
    fn other_units_bad_syntax_and_several_ranges_are_ignored() {
        for value in [
            "items=0-1",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=",
            "bytes=-",
            "bytes=0-1,3-4",
            "bytes",
            "",
        ] {
            assert_eq!(resolve(value, 10), None, "{value}");
        }
    }
}
