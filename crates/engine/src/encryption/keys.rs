//! The keys that wrap the keys of objects: the customer's and the server's.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parbuckle_iam::secret::Secret;

/// Bound to what a customer's key wraps, so that nothing else can take its place.
const BY_CUSTOMER: &[u8] = b"parbuckle: object key under a customer's key, 1";
/// The same for the server's keys.
const BY_SERVER: &[u8] = b"parbuckle: object key under a server's key, 1";
/// Keeps the ids of keys apart from any other use of their hash.
const KEY_ID: &[u8] = b"parbuckle: id of a server's key, 1";

/// A key of the customer's (SSE-C). It is held for the time of a request and never stored.
#[derive(Clone)]
pub struct CustomerKey {
    key: Secret<[u8; 32]>,
    sha256: [u8; 32],
}

impl CustomerKey {
    /// Takes the key in.
    pub fn new(key: [u8; 32]) -> Self {
        let key = Secret::new(key);
        Self {
            sha256: sha256(&[key.expose()]),
            key,
        }
    }

    /// SHA-256 of the key: what tells the customer which of his keys it is.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    pub(super) fn wrap(&self, key: &[u8; 32], nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        wrap(self.key.expose(), BY_CUSTOMER, key, nonce)
    }

    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Option<Secret<[u8; 32]>> {
        unwrap(self.key.expose(), BY_CUSTOMER, wrapped)
    }
}

impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomerKey(…)")
    }
}

/// The server's keys: the first wraps what is new, all open what is there.
#[derive(Clone)]
pub struct ServerKeys {
    current: ServerKey,
    earlier: Vec<ServerKey>,
}

/// Why a text holds no keys. It never repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerKeysError {
    /// There is no line with a key.
    #[error("there is no key in it")]
    Empty,
    /// A line, counted from one, is no key.
    #[error(
        "line {0} is not a key: 32 bytes as base64 (44 characters) or as 64 hexadecimal digits"
    )]
    NotAKey(usize),
}

impl ServerKeys {
    /// Reads one key a line, as base64 or hexadecimal digits. Empty lines and those that begin with `#` count as none.
    pub fn parse(text: &str) -> Result<Self, ServerKeysError> {
        let lines = text.lines().map(str::trim).enumerate();
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut keys = keys.map(|(index, line)| {
            let key = parse_key(line).ok_or(ServerKeysError::NotAKey(index + 1))?;
            Ok(ServerKey::new(key))
        });
        let current = keys.next().ok_or(ServerKeysError::Empty)??;
        let earlier = keys.collect::<Result<_, _>>()?;
        Ok(Self { current, earlier })
    }

    /// The key for what is new.
    pub(super) fn current(&self) -> &ServerKey {
        &self.current
    }

    /// The key that has this id.
    pub(super) fn find(&self, id: &[u8; 8]) -> Option<&ServerKey> {
        let mut all = std::iter::once(&self.current).chain(&self.earlier);
        all.find(|key| key.id == *id)
    }
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKeys({} keys)", 1 + self.earlier.len())
    }
}

/// One of the server's keys.
#[derive(Clone)]
pub(super) struct ServerKey {
    id: [u8; 8],
    key: Secret<[u8; 32]>,
}

impl ServerKey {
    fn new(key: Secret<[u8; 32]>) -> Self {
        let hash = sha256(&[KEY_ID, key.expose()]);
        let mut id = [0; 8];
        id.copy_from_slice(&hash[..8]);
        Self { id, key }
    }

    /// What records name it by.
    pub(super) fn id(&self) -> [u8; 8] {
        self.id
    }

    pub(super) fn wrap(&self, key: &[u8; 32], nonce: [u8; NONCE_LEN]) -> Vec<u8> {
        wrap(self.key.expose(), BY_SERVER, key, nonce)
    }

    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Option<Secret<[u8; 32]>> {
        unwrap(self.key.expose(), BY_SERVER, wrapped)
    }
}

/// The id of a key as the log shows it.
pub(super) fn id_text(id: &[u8; 8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An AES-256-GCM key.
pub(super) fn aes_key(bytes: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, bytes);
    LessSafeKey::new(key.expect("every 32 bytes are a key of AES-256"))
}

/// Nonce, ciphertext and tag of `key`.
fn wrap(by: &[u8; 32], purpose: &[u8], key: &[u8; 32], nonce: [u8; NONCE_LEN]) -> Vec<u8> {
    let mut sealed = *key;
    let tag = aes_key(by)
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(purpose),
            &mut sealed,
        )
        .expect("AES-GCM refuses only texts of many GiB");
    [&nonce[..], &sealed, tag.as_ref()].concat()
}

/// The key that was wrapped; nothing when another key wrapped it or it is damaged.
fn unwrap(by: &[u8; 32], purpose: &[u8], wrapped: &[u8]) -> Option<Secret<[u8; 32]>> {
    let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LEN>()?;
    let mut sealed = sealed.to_vec();
    let opened = aes_key(by).open_in_place(
        Nonce::assume_unique_for_key(*nonce),
        Aad::from(purpose),
        &mut sealed,
    );
    let key = opened.ok()?.as_ref().try_into().ok().map(Secret::new);
    drop(Secret::new(sealed));
    key
}

fn parse_key(line: &str) -> Option<Secret<[u8; 32]>> {
    let bytes = if line.len() == 64 {
        let digit = |b: &u8| char::from(*b).to_digit(16).map(|digit| digit as u8);
        let pairs = line.as_bytes().chunks_exact(2);
        let bytes = pairs.map(|pair| Some(digit(&pair[0])? << 4 | digit(&pair[1])?));
        bytes.collect::<Option<Vec<u8>>>()
    } else {
        STANDARD.decode(line).ok()
    };
    let bytes = Secret::new(bytes?);
    <[u8; 32]>::try_from(bytes.expose().as_slice())
        .ok()
        .map(Secret::new)
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &parts.concat()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn debug_output_shows_no_key() {
        let customer = CustomerKey::new([0x5a; 32]);
        let ring = ServerKeys::parse(&"5a".repeat(32)).unwrap();
        let text = format!("{customer:?} {ring:?}");
        assert_eq!(text, "CustomerKey(…) ServerKeys(1 keys)");
    }

    #[test]
    fn a_key_file_takes_base64_and_hexadecimal_digits() {
        let text = format!(
            "# ours\n\n{}\n  {} \n",
            STANDARD.encode([1; 32]),
            "02".repeat(32)
        );
        let ring = ServerKeys::parse(&text).unwrap();
        assert_eq!(ring.current.key.expose(), &[1; 32]);
        assert_eq!(ring.earlier[0].key.expose(), &[2; 32]);
    }

    #[test]
    fn a_line_that_is_no_key_is_named_by_its_number_and_not_repeated() {
        for bad in [
            "x",
            &"0g".repeat(32),
            &STANDARD.encode([1; 31]),
            &"€".repeat(21),
        ] {
            let error = ServerKeys::parse(&format!("#\n{bad}")).unwrap_err();
            assert_eq!(error, ServerKeysError::NotAKey(2), "{bad}");
            assert!(!error.to_string().contains(bad) || bad == "x");
        }
        assert_eq!(
            ServerKeys::parse(" \n#\n").unwrap_err(),
            ServerKeysError::Empty
        );
    }

    /// Computed by an independent implementation; records of stored objects depend on it.
    #[test]
    fn the_id_of_a_key_never_changes() {
        let ring = ServerKeys::parse(&"07".repeat(32)).unwrap();
        assert_eq!(id_text(&ring.current.id), "b1c0aedb24ab1ba9");
    }

    /// Computed by an independent implementation; stored objects depend on it.
    #[test]
    fn wrapping_never_changes() {
        let wrapped = CustomerKey::new([1; 32]).wrap(&[2; 32], [3; 12]);
        assert_eq!(
            hex(&wrapped),
            "030303030303030303030303fa631698fd86356baffee465ce1b26aaba31a34f85cdc0b0ae12bf44a8488471af5e2e1fcca9879f8ccae1c407fe1521"
        );
        let ring = ServerKeys::parse(&"01".repeat(32)).unwrap();
        let wrapped = ring.current.wrap(&[2; 32], [3; 12]);
        assert_eq!(
            hex(&wrapped),
            "030303030303030303030303fa631698fd86356baffee465ce1b26aaba31a34f85cdc0b0ae12bf44a84884715f738b323206ae9329cb0ea04bf6fb70"
        );
    }

    #[test]
    fn a_wrapped_key_opens_with_its_key_for_its_purpose_and_whole_only() {
        let customer = CustomerKey::new([1; 32]);
        let wrapped = customer.wrap(&[2; 32], [3; 12]);
        assert_eq!(customer.unwrap(&wrapped).unwrap().expose(), &[2; 32]);
        assert!(CustomerKey::new([4; 32]).unwrap(&wrapped).is_none());
        let ring = ServerKeys::parse(&"01".repeat(32)).unwrap();
        assert!(ring.current.unwrap(&wrapped).is_none());
        for cut in 0..wrapped.len() {
            assert!(customer.unwrap(&wrapped[..cut]).is_none(), "{cut}");
            let mut flipped = wrapped.clone();
            flipped[cut] ^= 1;
            assert!(customer.unwrap(&flipped).is_none(), "{cut}");
        }
    }
}
