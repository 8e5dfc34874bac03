//! What stands in a table between `${` and `}`, and the bodies that a table describes instead of showing.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use jiff::Timestamp;

/// The values of one server: names to texts.
#[derive(Clone, Debug)]
pub(super) struct Values {
    /// What `now` means, the same for both servers.
    pub(super) now: Timestamp,
    pub(super) named: BTreeMap<String, String>,
}

impl Values {
    /// The text with everything filled in, and `~` at its beginning replaced by the path of the account.
    pub(super) fn target(&self, text: &str) -> Result<String, String> {
        self.text(&self.path(text))
    }

    /// The text with everything filled in: `${name}`, `${now+60}`, `${iso+60}` (RFC 3339 in UTC) and
    /// `${sig DIGEST KEY METHOD +SECONDS PATH}`, the signature of a temporary URL (`sig64`: in base64
    /// without padding, prefixed).
    pub(super) fn text(&self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (inner, after) = after
                .split_once('}')
                .ok_or_else(|| format!("no closing brace in {text:?}"))?;
            filled.push_str(before);
            filled.push_str(&self.value(inner)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&self, inner: &str) -> Result<String, String> {
        if let Some(offset) = inner.strip_prefix("now") {
            return Ok(self.seconds(offset)?.to_string());
        }
        if let Some(offset) = inner.strip_prefix("iso") {
            let time = Timestamp::from_second(self.seconds(offset)?);
            return time.map(|time| time.to_string()).map_err(|e| e.to_string());
        }
        if let Some(words) = inner.strip_prefix("sig ") {
            return Ok(hex(&self.signature(words)?));
        }
        if let Some(words) = inner.strip_prefix("sig64 ") {
            let digest = words.split(' ').next().unwrap_or_default();
            let signature = STANDARD_NO_PAD.encode(self.signature(words)?);
            return Ok(format!("{digest}:{}", crate::encode(&signature)));
        }
        let found = self.named.get(inner).cloned();
        found.ok_or_else(|| format!("nothing is called {inner:?}"))
    }

    fn signature(&self, words: &str) -> Result<Vec<u8>, String> {
        let mut words = words.splitn(5, ' ');
        let mut next = || words.next().ok_or("a signature takes five words");
        let (digest, key, method, expires, path) = (next()?, next()?, next()?, next()?, next()?);
        let algorithm = match digest {
            "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => hmac::HMAC_SHA256,
            "sha512" => hmac::HMAC_SHA512,
            _ => return Err(format!("no digest {digest:?}")),
        };
        let (kind, path) = path.split_once(':').unwrap_or(("", path));
        let prefix = if kind.is_empty() { "" } else { "prefix:" };
        let path = self.path(path);
        let path = path.replace("$account", &self.named["account"]);
        let (range, method) = match method.split_once(',') {
            Some((range, method)) => (format!("ip={range}\n"), method),
            None => (String::new(), method),
        };
        let message = format!(
            "{range}{method}\n{}\n{prefix}{path}",
            self.seconds(expires)?
        );
        let key = hmac::Key::new(algorithm, key.as_bytes());
        Ok(hmac::sign(&key, message.as_bytes()).as_ref().to_vec())
    }

    fn path(&self, text: &str) -> String {
        match text.strip_prefix('~') {
            Some(rest) => format!("/v1/AUTH_{}{rest}", self.named["account"]),
            None => text.to_owned(),
        }
    }

    fn seconds(&self, offset: &str) -> Result<i64, String> {
        let offset = match offset {
            "" => 0,
            _ => offset
                .trim_start_matches('+')
                .parse::<i64>()
                .map_err(|error| format!("{offset:?}: {error}"))?,
        };
        Ok(self.now.as_second() + offset)
    }
}

/// Bytes from a text with the escapes `\n`, `\r`, `\t`, `\s` (a space), `\\` and `\xNN`.
pub(super) fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        bytes.push(match rest.next() {
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('s') => b' ',
            Some('\\') => b'\\',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).map_err(|error| format!("{text:?}: {error}"))?
            }
            other => return Err(format!("no escape \\{other:?} in {text:?}")),
        });
    }
    Ok(bytes)
}

/// A body by its description: `zeros COUNT`, `base64 TEXT`, or `tar NAME=CONTENT ...` with an archive of these files.
pub(super) fn described_body(description: &str) -> Result<Vec<u8>, String> {
    match description.split_once(' ') {
        Some(("zeros", count)) => {
            let count: usize = count.parse().map_err(|_| format!("no count {count:?}"))?;
            Ok(vec![b'0'; count])
        }
        Some(("base64", text)) => STANDARD.decode(text).map_err(|error| error.to_string()),
        Some(("tar", files)) => {
            let mut archive = Vec::new();
            for file in files.split(' ') {
                let (name, content) = file.split_once('=').unwrap_or((file, ""));
                append_to_tar(&mut archive, name, &unescaped(content)?);
            }
            archive.resize(archive.len() + 1024, 0);
            Ok(archive)
        }
        _ => Err(format!("no body {description:?}")),
    }
}

/// One regular file, or a folder if the name ends with a slash, in the ustar format (POSIX.1-1988).
fn append_to_tar(archive: &mut Vec<u8>, name: &str, content: &[u8]) {
    let kind = if name.ends_with('/') { b'5' } else { b'0' };
    let mut head = [0_u8; 512];
    head[..name.len()].copy_from_slice(name.as_bytes());
    head[100..108].copy_from_slice(b"0000644\0");
    head[108..116].copy_from_slice(b"0000000\0");
    head[116..124].copy_from_slice(b"0000000\0");
    head[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    head[136..148].copy_from_slice(b"00000000000\0");
    head[148..156].copy_from_slice(b"        ");
    head[156] = kind;
    head[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive.extend_from_slice(&head);
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        let named = [("account", "acme"), ("etag", "e1")];
        Values {
            now: Timestamp::from_second(1_000).unwrap(),
            named: named.map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        }
    }

    #[test]
    fn names_times_and_the_account_are_filled_in() {
        let filled = values()
            .target("~/c?e=${etag}&t=${now+60}&i=${iso-1000}")
            .unwrap();
        assert_eq!(filled, "/v1/AUTH_acme/c?e=e1&t=1060&i=1970-01-01T00:00:00Z");
        assert!(values().text("${unknown}").is_err());
    }

    #[test]
    fn a_signature_covers_method_end_and_path() {
        let filled = values().text("${sig sha1 key GET +60 ~/c/o}").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"key");
        let tag = hmac::sign(&key, b"GET\n1060\n/v1/AUTH_acme/c/o");
        assert_eq!(filled, hex(tag.as_ref()));
    }

    #[test]
    fn escapes_become_bytes() {
        assert_eq!(unescaped(r"a\n\xff\\").unwrap(), b"a\n\xff\\");
        assert!(unescaped(r"\q").is_err());
    }
}
