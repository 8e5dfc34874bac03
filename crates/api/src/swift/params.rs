//! Query parameters as Swift reads them: nothing in a query refuses a request but a parameter that is used and is not
//! UTF-8 (Swift wire reference section 5).

use std::borrow::Cow;

use http::StatusCode;
use percent_encoding::percent_decode;

use super::error::SwiftError;

/// Decoded parameters in order.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(Vec<u8>, Vec<u8>)>);

impl Params {
    /// Splits at `&` and the first `=`; `+` is a blank, and a malformed escape stays as it is.
    pub(super) fn parse(raw: Option<&str>) -> Self {
        let items = raw.unwrap_or_default().split('&');
        let pairs = items.filter(|item| !item.is_empty()).map(|item| {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            (decoded(name), decoded(value))
        });
        Self(pairs.collect())
    }

    /// Whether a parameter is there, with a value or without.
    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The value of a parameter, which may be empty; of a repeated one the last.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, SwiftError> {
        let Some(value) = self.find(name) else {
            return Ok(None);
        };
        std::str::from_utf8(value).map(Some).map_err(|_| {
            let sentence = format!("\"{name}\" parameter not valid UTF-8");
            SwiftError::Plain(StatusCode::BAD_REQUEST, Cow::Owned(sentence))
        })
    }

    /// The same of a parameter that says yes or no.
    pub(super) fn is_true(&self, name: &str) -> Result<bool, SwiftError> {
        Ok(self.text(name)?.is_some_and(is_true))
    }

    fn find(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.0.iter().rev().filter(|(n, _)| n == name.as_bytes());
        found.next().map(|(_, value)| value.as_slice())
    }
}

/// Whether a text is one of Swift's words for yes.
pub(super) fn is_true(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "1" | "yes" | "on" | "t" | "y"
    )
}

fn decoded(raw: &str) -> Vec<u8> {
    let spaced: Vec<u8> = raw
        .bytes()
        .map(|b| if b == b'+' { b' ' } else { b })
        .collect();
    percent_decode(&spaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once_and_the_last_of_a_name_counts() {
        let params = Params::parse(Some("prefix=a%2Fb+c&path=&x&y=%zz&prefix=%2520"));
        assert_eq!(params.text("prefix").unwrap(), Some("%20"));
        assert_eq!(params.text("path").unwrap(), Some(""));
        assert_eq!(params.text("y").unwrap(), Some("%zz"));
        assert_eq!(params.text("marker").unwrap(), None);
        assert!(params.has("x") && !params.has("z"));
    }

    #[test]
    fn only_a_parameter_that_is_asked_for_must_be_utf8() {
        let params = Params::parse(Some("prefix=%ff&marker=a"));
        assert_eq!(params.text("marker").unwrap(), Some("a"));
        let error = params.text("prefix").unwrap_err();
        assert!(
            error
                .log_line()
                .contains("\"prefix\" parameter not valid UTF-8")
        );
    }

    #[test]
    fn six_words_say_yes() {
        for word in ["true", "1", "yes", "on", "t", "Y"] {
            assert!(is_true(word), "{word}");
        }
        assert!(!is_true("") && !is_true("no") && !is_true("2"));
    }
}
