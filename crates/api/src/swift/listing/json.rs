//! JSON texts as Python's encoder writes them: nothing but printable ASCII.

use std::io::Write as _;

/// Adds a text with its quotes.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if text.bytes().all(is_plain) {
        out.extend_from_slice(text.as_bytes());
    } else {
        for character in text.chars() {
            push_character(out, character);
        }
    }
    out.push(b'"');
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

fn push_character(out: &mut Vec<u8>, character: char) {
    let escape: &[u8] = match character {
        '"' => b"\\\"",
        '\\' => b"\\\\",
        '\n' => b"\\n",
        '\r' => b"\\r",
        '\t' => b"\\t",
        '\u{8}' => b"\\b",
        '\u{c}' => b"\\f",
        ' '..='~' => &[character as u8],
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("a vector takes all that is written to it");
            }
            return;
        }
    };
    out.extend_from_slice(escape);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        push_text(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn plain_text_stands_as_it_is() {
        assert_eq!(json(" a/b~'<>"), "\" a/b~'<>\"");
        assert_eq!(json(""), "\"\"");
    }

    #[test]
    fn the_rest_is_escaped_as_python_does() {
        assert_eq!(
            json("\"\\\t\n\r\u{8}\u{c}\u{1}\u{7f}é😀"),
            r#""\"\\\t\n\r\b\f\u0001\u007f\u00e9\ud83d\ude00""#
        );
    }
}
