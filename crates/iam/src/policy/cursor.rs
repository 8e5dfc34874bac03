//! Reading a statement's text piece by piece, and saying where it went wrong.

use thiserror::Error;

use super::statement::is_name_char;

/// What is wrong with a statement. Display is for the client: 400 `InvalidParameter`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} (at byte {offset}, near `{found}`)")]
pub struct ParseError {
    /// Where, in bytes from the start of the statement.
    pub offset: usize,
    /// The text found there, at most 40 characters; `end of statement` at its end.
    pub found: String,
    /// What was expected, or why this is not accepted.
    pub message: String,
}

/// A place in the text of a statement.
pub(super) struct Cursor<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut cursor = Self { text, offset: 0 };
        cursor.skip_space();
        cursor
    }

    /// Always at a piece, never at white space.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// An error at this place.
    pub(super) fn error(&self, message: impl Into<String>) -> ParseError {
        self.error_at(self.offset, message)
    }

    /// An error at an earlier place.
    pub(super) fn error_at(&self, offset: usize, message: impl Into<String>) -> ParseError {
        const FOUND_CHARS_MAX: usize = 40;
        let rest = &self.text[offset..];
        let end = rest
            .find(char::is_whitespace)
            .filter(|end| *end > 0)
            .unwrap_or(rest.len());
        let found: String = rest[..end].chars().take(FOUND_CHARS_MAX).collect();
        let found = if rest.is_empty() {
            "end of statement".to_owned()
        } else {
            found
        };
        ParseError {
            offset,
            found,
            message: message.into(),
        }
    }

    /// The plain word here, without taking it; empty if there is none.
    pub(super) fn peek_word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(|c| !is_name_char(c)).unwrap_or(rest.len())]
    }

    /// Takes the word if it is this keyword, in any case.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.peek_word().eq_ignore_ascii_case(keyword);
        if found {
            self.advance(keyword.len());
        }
        found
    }

    pub(super) fn expect_keyword(&mut self, keyword: &str) -> Result<(), ParseError> {
        if self.take_keyword(keyword) {
            Ok(())
        } else {
            Err(self.error(format!("expected `{keyword}`")))
        }
    }

    /// Takes a word; `expected` says of what kind.
    pub(super) fn word(&mut self, expected: &str) -> Result<&'a str, ParseError> {
        let word = self.peek_word();
        if word.is_empty() {
            return Err(self.error(format!("expected {expected}")));
        }
        self.advance(word.len());
        Ok(word)
    }

    /// Takes these characters if they stand here.
    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let found = self.rest().starts_with(symbol);
        if found {
            self.advance(symbol.len());
        }
        found
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<(), ParseError> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(self.error(format!("expected `{symbol}`")))
        }
    }

    /// Takes a text in single or double quotes, if one begins here.
    pub(super) fn take_quoted(&mut self) -> Result<Option<&'a str>, ParseError> {
        let Some(quote) = self
            .rest()
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"'))
        else {
            return Ok(None);
        };
        let Some(length) = self.rest()[1..].find(quote) else {
            return Err(self.error("this quotation has no end"));
        };
        let text = &self.rest()[1..=length];
        self.advance(length + 2);
        Ok(Some(text))
    }

    /// Takes a `/…/` pattern, if one begins here. It ends at the first slash that is followed by
    /// white space, a comma, a closing bracket or the end, so that it may hold slashes itself.
    pub(super) fn take_pattern(&mut self) -> Result<Option<&'a str>, ParseError> {
        let Some(body) = self.rest().strip_prefix('/') else {
            return Ok(None);
        };
        let ends_after = |at: &usize| {
            let next = body[at + 1..].chars().next();
            next.is_none_or(|c| c.is_whitespace() || matches!(c, ',' | '}' | ')'))
        };
        let Some(length) = body.match_indices('/').map(|(at, _)| at).find(ends_after) else {
            return Err(self.error("this pattern has no closing slash"));
        };
        let pattern = &body[..length];
        self.advance(length + 2);
        Ok(Some(pattern))
    }

    /// Takes a name, plain or quoted; `expected` says of what.
    pub(super) fn name(&mut self, expected: &str) -> Result<String, ParseError> {
        let start = self.offset;
        match self.take_quoted()? {
            Some("") => Err(self.error_at(start, format!("expected {expected}"))),
            Some(name) => Ok(name.to_owned()),
            None => self.word(expected).map(str::to_owned),
        }
    }

    /// One or more items between commas.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut items = vec![item(self)?];
        while self.take(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    fn advance(&mut self, bytes: usize) {
        self.offset += bytes;
        self.skip_space();
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.offset += rest.len() - rest.trim_start().len();
    }
}
