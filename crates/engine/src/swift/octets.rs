//! Bytes that are no UTF-8, kept in text. Values of metadata are bytes to Storage Classic and come back as they came
//! (swift-v1-wire.md section 1), while everything that stores and shows them knows text.

use std::borrow::Cow;

/// The code points that stand for the bytes from 0x80 on: the last 128 of Unicode, for private use.
const FIRST: u32 = 0x0010_FF80;

/// How many bytes more such a code point takes than the byte that it stands for.
const EXCESS: usize = 3;

/// Text for bytes. What is UTF-8 stays as it is, but for the few characters that stand for single bytes here.
pub fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match byte_of(c) {
                None => text.push(c),
                Some(_) => {
                    let mut encoded = [0; 4];
                    text.extend(c.encode_utf8(&mut encoded).bytes().map(stand_in));
                }
            }
        }
        text.extend(chunk.invalid().iter().copied().map(stand_in));
    }
    text
}

/// The bytes that a text was made of.
pub fn bytes_of(text: &str) -> Cow<'_, [u8]> {
    if !text.chars().any(|c| byte_of(c).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// How many bytes a text was made of.
pub(super) fn length(text: &str) -> usize {
    let stand_ins = text.chars().filter(|c| byte_of(*c).is_some()).count();
    text.len() - EXCESS * stand_ins
}

/// The code point that stands for a byte that is no ASCII.
fn stand_in(byte: u8) -> char {
    let offset = u32::from(byte.saturating_sub(0x80));
    char::from_u32(FIRST + offset).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn byte_of(c: char) -> Option<u8> {
    let offset = u32::from(c).checked_sub(FIRST)?;
    u8::try_from(offset + 0x80).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        for text in ["", "plain", "é☃𝄞"] {
            assert_eq!(text_of(text.as_bytes()), text);
            assert_eq!(bytes_of(text), text.as_bytes());
        }
    }

    #[test]
    fn all_bytes_come_back_and_count_once() {
        let every: Vec<u8> = (0..=255).collect();
        let last = "a\u{10ff80}\u{10ffff}b".as_bytes();
        for bytes in [&every[..], b"\xe2\x98", b"ok\xffok", last] {
            let text = text_of(bytes);
            assert_eq!(bytes_of(&text), bytes);
            assert_eq!(length(&text), bytes.len());
        }
    }
}
