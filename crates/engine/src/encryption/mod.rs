//! Encryption of objects' bytes, with a key of the customer's (SSE-C, wire reference 3.3) or with the server's.
//!
//! Every encrypted object or upload has a random key of its own, which is stored wrapped with the customer's or the
//! server's key. Each piece of its data has a key derived from that one and the piece's random salt, so a piece can move
//! to another name together with its record, and no key ever meets the same nonce twice. docs/decisions/0005 has the
//! construction.

mod keys;
mod piece;
mod recode;
mod reencrypt;

use parbuckle_iam::secret::Secret;

use crate::Engine;
use crate::error::{Error, ErrorKind};
use crate::records::EncryptionRecord;

pub use keys::{CustomerKey, ServerKeys, ServerKeysError};
pub(crate) use piece::{PieceKey, Sealer, opened, plain_len, sealed_len};
pub(crate) use recode::recode_inline;
pub(crate) use reencrypt::Reencrypted;
pub use reencrypt::Reencryption;

/// Length of the salt of a piece, in bytes.
pub(crate) const SALT_BYTES: usize = 16;

/// The key of one object or upload, and the salt of its inline data.
#[derive(Clone)]
pub(crate) struct ObjectKey {
    key: Secret<[u8; 32]>,
    salt: [u8; SALT_BYTES],
}

impl ObjectKey {
    /// The key of the inline data.
    pub(crate) fn inline_piece(&self) -> PieceKey {
        self.piece(&self.salt)
    }

    /// The key of the piece that has this salt.
    pub(crate) fn piece(&self, salt: &[u8; SALT_BYTES]) -> PieceKey {
        PieceKey::derive(self.key.expose(), salt)
    }
}

impl Engine {
    /// A key for something new, and its record: under the customer's key, otherwise under the server's; nothing when
    /// there is neither.
    pub(crate) fn new_object_key(
        &self,
        customer: Option<&CustomerKey>,
    ) -> Option<(ObjectKey, EncryptionRecord)> {
        if customer.is_none() && self.settings.server_keys.is_none() {
            return None;
        }
        let key = ObjectKey {
            key: Secret::new(self.random()),
            salt: self.random(),
        };
        let record = self.wrap(&key, customer)?;
        Some((key, record))
    }

    /// The key of something that is there; nothing when it is not encrypted. Refuses with
    /// [`ErrorKind::CustomerKeyRefused`] a customer's key that is missing, wrong, or not asked for.
    pub(crate) fn object_key(
        &self,
        record: Option<&EncryptionRecord>,
        customer: Option<&CustomerKey>,
    ) -> Result<Option<ObjectKey>, Error> {
        match (record, customer) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(refused(NOT_BY_CUSTOMER)),
            (Some(record), customer) => self.unwrap(record, customer).map(Some),
        }
    }

    /// Refuses a customer's key as [`Engine::object_key`] does, for who wants no bytes.
    pub(crate) fn require_customer_key(
        &self,
        record: Option<&EncryptionRecord>,
        customer: Option<&CustomerKey>,
    ) -> Result<(), Error> {
        match (record, customer) {
            (Some(record), None) if !record.by_customer => Ok(()),
            _ => self.object_key(record, customer).map(drop),
        }
    }

    /// Wraps the key of `record`, which the `source` opens where a customer's key wraps it, anew: with the
    /// `destination`, otherwise with the server's current key. The bytes stay as they are. Nothing when there is no key
    /// to wrap it with: then the bytes must be written anew, without encryption ([`Engine::recode`]). Refuses a `source`
    /// as [`Engine::object_key`] does.
    pub(crate) fn rewrap(
        &self,
        record: &EncryptionRecord,
        source: Option<&CustomerKey>,
        destination: Option<&CustomerKey>,
    ) -> Result<Option<EncryptionRecord>, Error> {
        let key = self.unwrap(record, source)?;
        Ok(self.wrap(&key, destination))
    }

    /// Whether something new, of a request that brings no key, would be encrypted just as this record says.
    pub(crate) fn is_current(&self, record: Option<&EncryptionRecord>) -> bool {
        let current = self.settings.server_keys.as_ref().map(ServerKeys::current);
        match (record, current) {
            (None, None) => true,
            (Some(record), Some(current)) => record.server_key == Some(current.id().into()),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    fn wrap(&self, key: &ObjectKey, customer: Option<&CustomerKey>) -> Option<EncryptionRecord> {
        let nonce = self.random();
        let (wrapped, server_key) = match (customer, &self.settings.server_keys) {
            (Some(customer), _) => (customer.wrap(key.key.expose(), nonce), None),
            (None, Some(ring)) => {
                let current = ring.current();
                let wrapped = current.wrap(key.key.expose(), nonce);
                (wrapped, Some(current.id().into()))
            }
            (None, None) => return None,
        };
        Some(EncryptionRecord {
            by_customer: customer.is_some(),
            wrapped,
            salt: key.salt,
            server_key,
        })
    }

    fn unwrap(
        &self,
        record: &EncryptionRecord,
        customer: Option<&CustomerKey>,
    ) -> Result<ObjectKey, Error> {
        let key = match (record.by_customer, customer) {
            (true, None) => return Err(refused(KEY_MISSING)),
            (false, Some(_)) => return Err(refused(NOT_BY_CUSTOMER)),
            (true, Some(customer)) => {
                let key = customer.unwrap(&record.wrapped);
                key.ok_or_else(|| refused(KEY_DIFFERS))?
            }
            (false, None) => self.unwrap_by_server(record)?,
        };
        Ok(ObjectKey {
            key,
            salt: record.salt,
        })
    }

    fn unwrap_by_server(&self, record: &EncryptionRecord) -> Result<Secret<[u8; 32]>, Error> {
        let broken = |cause: &str| Error::from(ErrorKind::Internal).because(cause);
        let id = record.server_key.map(<[u8; 8]>::from).ok_or_else(|| {
            broken("a stored key is wrapped with a key of the server that is not named")
        })?;
        let ring = self.settings.server_keys.as_ref();
        let key = ring.and_then(|ring| ring.find(&id)).ok_or_else(|| {
            let id = keys::id_text(&id);
            broken(&format!("the server's key {id} is not in its key file"))
        })?;
        key.unwrap(&record.wrapped)
            .ok_or_else(|| broken("a stored key is damaged"))
    }
}

const KEY_MISSING: &str =
    "The object is encrypted with a key of the customer's, and the request brings none";
const KEY_DIFFERS: &str = "The key of the request is not the one that the object is encrypted with";
const NOT_BY_CUSTOMER: &str =
    "The request brings a key, but the object is not encrypted with a key of the customer's";

fn refused(sentence: &str) -> Error {
    ErrorKind::CustomerKeyRefused(sentence.to_owned()).into()
}
