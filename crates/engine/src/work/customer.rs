//! Copies that a key of the customer's has to do with (SSE-C, wire reference 3.3).
//!
//! Such a key is never stored, so what needs it happens while the request is answered: the object's key is wrapped anew, and
//! the worker copies the bytes as they are. Only where there is no wrapped key to go with them (the source is not encrypted,
//! or the copy shall not be) the bytes must be written anew; the keys for that are held in memory until it is done. A
//! restart loses them, and the copy fails.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parbuckle_model::WorkRequestId;

use super::worker::Job;
use crate::Engine;
use crate::encryption::CustomerKey;
use crate::error::{Error, ErrorKind};
use crate::object::Recoding;
use crate::records::{CustomerCopyRecord, EncryptionRecord, ObjectRecord};

/// Keys of copies that this process has accepted.
#[derive(Default)]
pub(crate) struct HeldKeys(Mutex<HashMap<WorkRequestId, Recoding>>);

/// The keys of the customer's that a request brings.
#[derive(Debug, Clone, Default)]
pub struct CopyKeys {
    /// What the source is encrypted with.
    pub source: Option<CustomerKey>,
    /// What the copy shall be encrypted with; without it, it is encrypted as an object that is put without a key.
    pub destination: Option<CustomerKey>,
}

/// What was done with them.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) record: Option<CustomerCopyRecord>,
    pub(super) held: Option<Recoding>,
}

impl HeldKeys {
    /// Holds what a work request needs.
    pub(super) fn hold(&self, id: WorkRequestId, keys: Recoding) {
        self.lock().insert(id, keys);
    }

    /// Drops it: the work request has ended.
    pub(super) fn drop_keys(&self, id: &WorkRequestId) {
        self.lock().remove(id);
    }

    fn find(&self, id: &WorkRequestId) -> Option<Recoding> {
        self.lock().get(id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WorkRequestId, Recoding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Does with the keys of a request what needs them. Refuses with [`ErrorKind::CustomerKeyRefused`] a source key that is
    /// missing, wrong, or not asked for.
    pub(super) fn prepare_customer(
        &self,
        source: &ObjectRecord,
        keys: &CopyKeys,
    ) -> Result<Prepared, Error> {
        let (from, to) = (keys.source.as_ref(), keys.destination.as_ref());
        let encryption = source.encryption.as_ref();
        let by_customer = encryption.is_some_and(|encryption| encryption.by_customer);
        if !by_customer && from.is_none() && to.is_none() {
            return Ok(Prepared::default());
        }
        let key = self.object_key(encryption, from)?;
        let rewrapped = match encryption {
            Some(encryption) => self.rewrap(encryption, from, to)?,
            None => None,
        };
        let (encryption, held) = match rewrapped {
            Some(rewrapped) => (Some(rewrapped), None),
            None => {
                let (to, encryption) = self.new_object_key(to).unzip();
                (encryption, Some(Recoding { from: key, to }))
            }
        };
        let record = CustomerCopyRecord {
            encryption,
            recode: held.is_some(),
        };
        Ok(Prepared {
            record: Some(record),
            held,
        })
    }

    /// The encryption of the copy, and the keys to write its bytes anew with; without these they are copied as they are.
    pub(super) fn encryption_of_copy(
        &self,
        job: &Job,
        source: &ObjectRecord,
        customer: Option<&CustomerCopyRecord>,
    ) -> Result<(Option<EncryptionRecord>, Option<Recoding>), Error> {
        match customer {
            Some(customer) if customer.recode => {
                let held = self.copy_keys.find(&job.id).ok_or_else(keys_are_gone)?;
                Ok((customer.encryption.clone(), Some(held)))
            }
            Some(customer) => Ok((self.under_current_key(customer.encryption.as_ref()), None)),
            // The server's key goes on everything new.
            None if source.encryption.is_none() => Ok(match self.new_object_key(None) {
                Some((key, encryption)) => {
                    let (from, to) = (None, Some(key));
                    (Some(encryption), Some(Recoding { from, to }))
                }
                None => (None, None),
            }),
            None => Ok((self.under_current_key(source.encryption.as_ref()), None)),
        }
    }

    /// What one of the server's keys wraps is wrapped with the current one, as the new encryption of a bucket may have
    /// passed while the copy waited. Where that can't be done the wrapping stays: a key that is missing from the key file
    /// can come back, and a source that is gone can't.
    fn under_current_key(&self, encryption: Option<&EncryptionRecord>) -> Option<EncryptionRecord> {
        let encryption = encryption?;
        if encryption.by_customer || self.is_current(Some(encryption)) {
            return Some(encryption.clone());
        }
        match self.rewrap(encryption, None, None) {
            Ok(Some(rewrapped)) => Some(rewrapped),
            Ok(None) | Err(_) => Some(encryption.clone()),
        }
    }
}

/// Refuses a source that is no longer the one that the keys of the request were tried on, where they matter.
pub(super) fn require_prepared(
    seen: &ObjectRecord,
    found: &ObjectRecord,
    customer: Option<&CustomerCopyRecord>,
) -> Result<(), Error> {
    let by_customer = |record: &ObjectRecord| {
        let encryption = record.encryption.as_ref();
        encryption.is_some_and(|encryption| encryption.by_customer)
    };
    let same = seen.etag == found.etag
        && seen.content == found.content
        && seen.encryption == found.encryption;
    if !same && (customer.is_some() || by_customer(found)) {
        let text = "the source changed after the keys of the request had been tried on it";
        return Err(Error::from(ErrorKind::ConcurrentUpdate).because(text));
    }
    Ok(())
}

fn keys_are_gone() -> Error {
    let text = "The server was started anew before it had copied the object, and a customer's key is never stored: ask for the copy again";
    ErrorKind::CustomerKeyRefused(text.to_owned()).into()
}
