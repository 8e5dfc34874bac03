//! Percent-encoding. Decoding happens exactly once and nothing is normalised: `..`, `//` and `%2F` are data.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A `%` that two hexadecimal digits do not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request target has a malformed percent escape")]
pub(crate) struct MalformedEscape;

/// Everything but RFC 3986's unreserved characters.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// Decodes every `%XY`. `+` stays `+`.
pub(crate) fn decode(raw: &str) -> Result<Cow<'_, [u8]>, MalformedEscape> {
    let Some(first) = raw.find('%') else {
        return Ok(Cow::Borrowed(raw.as_bytes()));
    };
    let bytes = raw.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    decoded.extend_from_slice(&bytes[..first]);
    let mut rest = &bytes[first..];
    loop {
        match rest {
            [] => return Ok(Cow::Owned(decoded)),
            [b'%', high, low, after @ ..] => {
                let (high, low) = (hex(*high)?, hex(*low)?);
                decoded.push(high << 4 | low);
                rest = after;
            }
            [b'%', ..] => return Err(MalformedEscape),
            [byte, after @ ..] => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
}

/// Encodes all but unreserved characters and `/`: for object names in URLs (wire reference 7.1).
pub(crate) fn encode_path(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, PATH)
}

/// Encodes all but unreserved characters.
pub(crate) fn encode_component(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, COMPONENT)
}

fn hex(digit: u8) -> Result<u8, MalformedEscape> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(MalformedEscape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_happens_once_and_leaves_plus_alone() {
        for (raw, want) in [
            ("a+b", &b"a+b"[..]),
            ("a%2Fb/c", b"a/b/c"),
            ("%252F", b"%2F"),
            ("%ff%C3%a9", b"\xff\xc3\xa9"),
            ("..", b".."),
        ] {
            assert_eq!(decode(raw).unwrap().as_ref(), want, "{raw}");
        }
    }

    #[test]
    fn malformed_escapes_are_refused() {
        for raw in ["%", "a%2", "%zz", "%2g", "%%41"] {
            assert_eq!(decode(raw), Err(MalformedEscape), "{raw}");
        }
    }

    #[test]
    fn encoding_keeps_only_unreserved_characters() {
        assert_eq!(
            encode_path("dir/a b+é:~.txt").to_string(),
            "dir/a%20b%2B%C3%A9%3A~.txt"
        );
        assert_eq!(encode_component("a/b").to_string(), "a%2Fb");
    }
}
