//! Patterns of object names (wire reference 4.6): `*` any run of characters, `/` too; `?` one; `[a-z]` one of a group;
//! `\` takes the next character as it is. A pattern matches whole names.

use std::iter::Peekable;
use std::str::Chars;

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Run,
    One,
    Char(char),
    /// Ranges, both ends inclusive.
    Group(Vec<(char, char)>),
}

impl Glob {
    /// Parses a pattern; a text that says what is wrong with it otherwise.
    pub(super) fn parse(pattern: &str) -> Result<Self, &'static str> {
        let mut tokens = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(char) = chars.next() {
            let token = match char {
                '*' => Token::Run,
                '?' => Token::One,
                '[' => Token::Group(group(&mut chars)?),
                '\\' => Token::Char(escaped(&mut chars)?),
                char => Token::Char(char),
            };
            // Two runs in a row say no more than one.
            if token != Token::Run || tokens.last() != Some(&Token::Run) {
                tokens.push(token);
            }
        }
        Ok(Self(tokens))
    }

    /// Whether the whole name matches. The time is at most the product of both lengths: of all runs only the last one
    /// passed is tried again, because an earlier one that takes more gives nothing that it could not.
    pub(super) fn matches(&self, name: &str) -> bool {
        let (mut tokens, mut rest) = (&self.0[..], name);
        let mut last_run = None;
        loop {
            match (tokens.split_first(), rest.chars().next()) {
                (Some((Token::Run, after)), _) => {
                    tokens = after;
                    last_run = Some((after, rest));
                }
                (Some((token, after)), Some(char)) if token.takes(char) => {
                    tokens = after;
                    rest = &rest[char.len_utf8()..];
                }
                (None, None) => return true,
                _ => {
                    let Some((after, taken_to)) = last_run else {
                        return false;
                    };
                    let mut chars = taken_to.chars();
                    if chars.next().is_none() {
                        return false;
                    }
                    (tokens, rest) = (after, chars.as_str());
                    last_run = Some((after, rest));
                }
            }
        }
    }
}

impl Token {
    fn takes(&self, char: char) -> bool {
        match self {
            Self::Run => false,
            Self::One => true,
            Self::Char(own) => *own == char,
            Self::Group(ranges) => ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&char)),
        }
    }
}

/// The rest of a group, behind its `[`.
fn group(chars: &mut Peekable<Chars<'_>>) -> Result<Vec<(char, char)>, &'static str> {
    let mut ranges = Vec::new();
    loop {
        let from = match chars.next().ok_or("a [ has no ]")? {
            ']' if ranges.is_empty() => return Err("a group [] is empty"),
            ']' => return Ok(ranges),
            '\\' => escaped(chars)?,
            char => char,
        };
        let mut ahead = chars.clone();
        let is_range = ahead.next() == Some('-') && ahead.peek().is_some_and(|end| *end != ']');
        if !is_range {
            ranges.push((from, from));
            continue;
        }
        chars.next();
        let to = match chars.next().ok_or("a [ has no ]")? {
            '\\' => escaped(chars)?,
            char => char,
        };
        if to < from {
            return Err("a range of a group ends before it begins");
        }
        ranges.push((from, to));
    }
}

fn escaped(chars: &mut Peekable<Chars<'_>>) -> Result<char, &'static str> {
    chars.next().ok_or("a \\ stands at the end")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_pattern_matches_the_whole_name() {
        assert!(matches("a.txt", "a.txt"));
        assert!(!matches("a.txt", "a.txt2") && !matches("a.txt", "2a.txt"));
        assert!(matches("", "") && !matches("", "a"));
    }

    #[test]
    fn a_star_takes_any_run_with_slashes() {
        for name in ["a.log", "a/b/c.log", ".log"] {
            assert!(matches("*.log", name), "{name}");
        }
        assert!(matches("a**b", "ab") && !matches("*.log", "a.log.gz"));
    }

    #[test]
    fn a_question_mark_takes_one_character_of_any_length() {
        assert!(matches("a?c", "aéc") && matches("?", "/"));
        assert!(!matches("a?c", "ac") && !matches("a?c", "abbc"));
    }

    #[test]
    fn a_group_takes_one_of_its_characters_and_ranges() {
        for (pattern, yes, no) in [
            ("[a-c]", "b", "d"),
            ("[0-9a-f]", "e", "g"),
            ("[a-]", "-", "b"),
            ("[-a]", "-", "b"),
            ("[\\]x]", "]", "\\"),
            ("[a\\-c]", "-", "b"),
            ("[*?]", "*", "a"),
        ] {
            assert!(matches(pattern, yes) && !matches(pattern, no), "{pattern}");
        }
    }

    #[test]
    fn a_backslash_takes_the_next_character_as_it_is() {
        assert!(matches("\\*", "*") && !matches("\\*", "a"));
        assert!(matches("\\[a]", "[a]") && matches("\\\\", "\\"));
        assert!(matches("a]", "a]"));
    }

    #[test]
    fn a_pattern_that_means_nothing_is_refused() {
        for pattern in ["[", "[a", "[]", "a\\", "[a\\", "[z-a]", "[a-"] {
            assert!(Glob::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let pattern = "*a".repeat(500) + "b";
        assert!(!matches(&pattern, &"a".repeat(1024)));
    }

    /// What a pattern means, in as many steps as it takes.
    fn means(tokens: &[Token], name: &[char]) -> bool {
        match tokens.split_first() {
            None => name.is_empty(),
            Some((Token::Run, after)) => (0..=name.len()).any(|taken| means(after, &name[taken..])),
            Some((token, after)) => name
                .split_first()
                .is_some_and(|(char, rest)| token.takes(*char) && means(after, rest)),
        }
    }

    proptest! {
        #[test]
        fn trying_the_last_run_only_is_enough(
            pattern in "([ab/*?]|\\[ab\\]){0,8}",
            name in "[ab/]{0,10}",
        ) {
            let glob = Glob::parse(&pattern).unwrap();
            let chars: Vec<char> = name.chars().collect();
            prop_assert_eq!(glob.matches(&name), means(&glob.0, &chars));
        }

        #[test]
        fn an_escaped_name_matches_itself_and_nothing_else(name in "\\PC{1,12}", other in "\\PC{1,12}") {
            let pattern: String = name.chars().flat_map(|char| ['\\', char]).collect();
            let glob = Glob::parse(&pattern).unwrap();
            prop_assert!(glob.matches(&name));
            prop_assert_eq!(glob.matches(&other), other == name);
        }
    }
}
