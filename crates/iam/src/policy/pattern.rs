//! Comparing texts: without case, and with `*` for any text (wire reference 12.4).

/// The form in which texts are compared.
///
/// Characters are folded one by one, so that folding a part gives a part of the folded whole, as
/// patterns need.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A text to compare with, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Literal(Box<str>);

impl Literal {
    pub(super) fn new(text: &str) -> Self {
        Self(fold(text).into())
    }

    /// Whether the text is the same but for case.
    pub(super) fn equals(&self, text: &str) -> bool {
        if text.is_ascii() {
            self.0.eq_ignore_ascii_case(text)
        } else {
            *self.0 == *fold(text)
        }
    }
}

/// A text with `*` in it, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What the text begins with.
    prefix: Box<str>,
    /// What follows after any text, piece by piece; `None` if the pattern has no `*`.
    rest: Option<Rest>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rest {
    middle: Box<[Box<str>]>,
    suffix: Box<str>,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let folded = fold(text);
        let mut pieces: Vec<Box<str>> = folded.split('*').map(Box::from).collect();
        let suffix = pieces.pop().unwrap_or_default();
        if pieces.is_empty() {
            return Self {
                prefix: suffix,
                rest: None,
            };
        }
        let prefix = pieces.remove(0);
        pieces.retain(|piece| !piece.is_empty());
        Self {
            prefix,
            rest: Some(Rest {
                middle: pieces.into(),
                suffix,
            }),
        }
    }

    /// Whether the whole text is as the pattern says.
    pub(super) fn matches(&self, text: &str) -> bool {
        // Every request tests names, nearly all of them ASCII: those need no folded copy.
        if text.is_ascii() {
            self.matches_bytes(text.as_bytes())
        } else {
            self.matches_bytes(fold(text).as_bytes())
        }
    }

    fn matches_bytes(&self, text: &[u8]) -> bool {
        let Some(rest) = &self.rest else {
            return text.eq_ignore_ascii_case(self.prefix.as_bytes());
        };
        let (prefix, suffix) = (self.prefix.as_bytes(), rest.suffix.as_bytes());
        let Some((start, inner)) = text.split_at_checked(prefix.len()) else {
            return false;
        };
        let Some(inner_len) = inner.len().checked_sub(suffix.len()) else {
            return false;
        };
        let (mut inner, end) = inner.split_at(inner_len);
        if !start.eq_ignore_ascii_case(prefix) || !end.eq_ignore_ascii_case(suffix) {
            return false;
        }
        // Taking each piece where it first occurs leaves the most for the pieces after it.
        for piece in &rest.middle {
            let piece = piece.as_bytes();
            let mut windows = inner.windows(piece.len());
            let Some(at) = windows.position(|window| window.eq_ignore_ascii_case(piece)) else {
                return false;
            };
            inner = &inner[at + piece.len()..];
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).matches(text)
    }

    #[test]
    fn an_asterisk_stands_for_any_text_even_none() {
        for text in ["prod/", "prod/a", "prod/a/b", "prod/*"] {
            assert!(matches("prod/*", text), "{text}");
        }
        assert!(matches("*", ""));
        assert!(matches("*.pdf", ".pdf"));
        assert!(matches("*report*", "my report.txt"));
    }

    #[test]
    fn the_rest_of_a_pattern_stands_for_itself() {
        assert!(!matches("prod/*", "prod"));
        assert!(!matches("prod/*", "a/prod/b"));
        assert!(!matches("*.pdf", "a.pdf.bak"));
        assert!(!matches("a.c", "abc"));
        assert!(!matches("a?c", "abc"));
    }

    #[test]
    fn without_an_asterisk_the_whole_text_must_be_equal() {
        assert!(matches("abc", "abc"));
        assert!(!matches("abc", "abcd"));
        assert!(!matches("", "a"));
    }

    #[test]
    fn prefix_and_suffix_do_not_share_characters() {
        assert!(!matches("ab*ba", "aba"));
        assert!(matches("ab*ba", "abba"));
    }

    #[test]
    fn pieces_are_found_in_order() {
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("*a*b*", "b-a"));
    }

    #[test]
    fn case_does_not_count_in_any_script() {
        assert!(matches("PROD/É*", "prod/éclair"));
        assert!(matches("ΟΔΟΣ", "οδοσ"));
        assert!(Literal::new("ΟΔΟΣ").equals("οδοσ"));
        assert!(!Literal::new("ΟΔΟΣ").equals("οδος"));
    }
}
