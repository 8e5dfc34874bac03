//! PEM armour (RFC 7468): one block, and whatever stands around it is ignored.
//!
//! OCI key files may carry a trailing `OCI_API_KEY` line after the block (wire reference 6.6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::KeyError;

/// Characters of base64 on each line but the last (RFC 7468, section 2).
const LINE_CHARS: usize = 64;

/// The bytes of the first block whose label is `label`; `None` if there is no such block.
///
/// Zeroized on drop, because the block may be a private key.
pub(super) fn decode(text: &str, label: &str) -> Option<Result<Zeroizing<Vec<u8>>, KeyError>> {
    let after_begin = text.split_once(&format!("-----BEGIN {label}-----"))?.1;
    let Some((body, _)) = after_begin.split_once(&format!("-----END {label}-----")) else {
        return Some(Err(KeyError::NotPem));
    };
    let packed: Zeroizing<String> =
        Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let decoded = STANDARD
        .decode(packed.as_bytes())
        .map_err(|_| KeyError::NotPem);
    Some(decoded.map(Zeroizing::new))
}

/// The block with a final newline.
pub(super) fn encode(der: &[u8], label: &str) -> Zeroizing<String> {
    let packed = Zeroizing::new(STANDARD.encode(der));
    let lines = packed.len().div_ceil(LINE_CHARS);
    // Exactly sized, so that no outgrown copy of a private key stays behind in memory.
    let size = packed.len() + lines + 2 * label.len() + "-----BEGIN -----\n-----END -----\n".len();
    let mut text = Zeroizing::new(String::with_capacity(size));
    for piece in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(piece);
    }
    let mut rest = packed.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(LINE_CHARS));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    for piece in ["-----END ", label, "-----\n"] {
        text.push_str(piece);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_decodes_to_what_was_encoded() {
        for size in [1, 47, 48, 49, 1000] {
            let der = vec![0xa5; size];
            let text = encode(&der, "PRIVATE KEY");
            assert_eq!(text.capacity(), text.len());
            assert_eq!(*decode(&text, "PRIVATE KEY").unwrap().unwrap(), der);
        }
    }

    #[test]
    fn lines_around_the_block_are_ignored() {
        let text = "Bag Attributes\n-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----\nOCI_API_KEY\n";
        assert_eq!(
            **decode(text, "PUBLIC KEY").unwrap().as_ref().unwrap(),
            [1, 2, 3]
        );
    }

    #[test]
    fn a_block_without_an_end_is_refused() {
        let text = "-----BEGIN PUBLIC KEY-----\nAQID\n";
        assert_eq!(
            decode(text, "PUBLIC KEY").unwrap().err(),
            Some(KeyError::NotPem)
        );
    }

    #[test]
    fn a_block_with_another_label_is_not_this_block() {
        let text = "-----BEGIN EC PUBLIC KEY-----\nAQID\n-----END EC PUBLIC KEY-----\n";
        assert!(decode(text, "PUBLIC KEY").is_none());
    }
}
