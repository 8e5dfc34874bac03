//! Who may administer what: every operation of the identity service begins here.

use parbuckle_iam::permission::{Operation, Permission, Requirement};
use parbuckle_kv::Reader;
use parbuckle_model::{Namespace, Ocid};

use crate::authority::{Concern, Need, Standing};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, TenancyRecord};
use crate::transact::Tx;
use crate::{Engine, keys};

impl Engine {
    /// The caller as an administrator of his own tenancy. Whoever is no active user is refused as everything is.
    pub(crate) async fn administrator(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
    ) -> Result<Standing, Error> {
        self.standing(reader, caller).await?.map_err(refused)
    }
}

impl Standing {
    /// The namespace of the tenancy.
    pub(crate) fn namespace(&self) -> &Namespace {
        &self.user.namespace
    }

    /// The tenancy.
    pub(crate) fn tenancy(&self) -> &TenancyRecord {
        self.identity.tenancy()
    }

    /// The root compartment.
    pub(crate) fn root(&self) -> &Ocid {
        &self.tenancy().ocid
    }

    /// Asks for everything that an operation needs, one permission at a time.
    pub(crate) fn admit(&self, operation: Operation, concern: Concern<'_>) -> Result<(), Error> {
        self.admit_where(operation, true, concern)
    }

    /// The same for an operation that needs other permissions when its target is new.
    pub(crate) fn admit_where(
        &self,
        operation: Operation,
        target_exists: bool,
        concern: Concern<'_>,
    ) -> Result<(), Error> {
        let held = match operation.requires() {
            Requirement::Nothing => self.holds(operation, Need::All(&[]), concern),
            Requirement::AllOf(all) => {
                let all: Vec<Permission> = all.iter().collect();
                self.holds(operation, Need::All(&all), concern)
            }
            Requirement::AnyOf(any) => {
                let any: Vec<Permission> = any.iter().collect();
                self.holds(operation, Need::Any(&any), concern)
            }
            Requirement::ByExistence {
                always,
                create,
                overwrite,
            } => {
                let mut all: Vec<Permission> = always.iter().collect();
                all.push(if target_exists { overwrite } else { create });
                self.holds(operation, Need::All(&all), concern)
            }
        };
        held.map_err(refused)
    }
}

/// The refusal of everything that is missing or forbidden.
pub(crate) fn refused(cause: impl Into<String>) -> Error {
    Error::from(ErrorKind::NotAuthorizedOrNotFound).because(cause)
}

/// The namespace of a caller's tenancy; refused when the caller is no user.
pub(crate) fn namespace_of(caller: &Caller) -> Result<&Namespace, Error> {
    match caller.user() {
        Some(user) => Ok(&user.namespace),
        None => Err(refused("only a user on his own authority may")),
    }
}

/// Bumps the tenancy's epoch: from this transaction on, every compiled view of its identity is outdated.
pub(crate) async fn touch_identity(tx: &Tx, namespace: &Namespace) -> Result<(), Error> {
    let key = keys::identity_epoch(namespace);
    let stored = tx
        .reader()
        .get_many(std::slice::from_ref(&key))
        .await?
        .pop()
        .flatten();
    let epoch = stored
        .and_then(|bytes| <[u8; 8]>::try_from(&bytes[..]).ok())
        .map(u64::from_be_bytes)
        .ok_or_else(|| {
            Error::from(ErrorKind::Internal).because("a tenancy without an identity epoch")
        })?;
    let next = (epoch + 1).to_be_bytes();
    tx.put_raw(key, bytes::Bytes::copy_from_slice(&next));
    Ok(())
}

/// The record under a key.
pub(crate) async fn record<T: for<'b> minicbor::Decode<'b, ()>>(
    reader: &dyn Reader,
    key: Vec<u8>,
) -> Result<Option<T>, Error> {
    let stored = reader.get_many(&[key]).await?.pop().flatten();
    records::decode_optional(stored.as_ref())
}

/// All records whose keys begin so, in order of their keys.
pub(crate) async fn records_under<T: for<'b> minicbor::Decode<'b, ()>>(
    reader: &dyn Reader,
    prefix: &[u8],
) -> Result<Vec<T>, Error> {
    let entries = reader.scan(&keys::all(prefix, usize::MAX)).await?;
    entries
        .iter()
        .map(|entry| records::decode(&entry.value))
        .collect()
}

/// A conflict with the state of the tenancy, under OCI's code for it.
pub(crate) fn conflict(code: &'static str, message: String) -> Error {
    ErrorKind::IdentityConflict { code, message }.into()
}
