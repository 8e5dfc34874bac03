//! The one module that makes values (invariant 5).
//!
//! A value is one byte, the format version, then a CBOR map with numbered fields (minicbor). A field that is added
//! later gets a new number and a default; numbers are never used again. See docs/decisions/0003.

mod codec;
mod content;
mod identity;
mod lifecycle;
mod memo;
mod replication;
mod retention;
mod row;
mod storage;
mod swift;
mod work;

use bytes::Bytes;

use crate::error::{Error, ErrorKind};

pub(crate) use content::{Content, ManifestRecord, PartBlob};
pub(crate) use identity::{
    ApiKeyRecord, PasswordRecord, RetryRecord, SecretRecord, TenancyRecord, WorkRequestRecord, kind,
};
pub use identity::{
    Capabilities, Compartment, DynamicGroup, Entity, Group, Membership, Policy, PolicyStatement,
    User, WorkOperation,
};
pub(crate) use lifecycle::{LastReadRecord, LifecycleRecord, Phase, RunRecord, UpkeepRecord};
pub use lifecycle::{
    LifecycleAction, LifecycleRule, LifecycleTarget, LifecycleTimeUnit, ObjectNameFilter,
    UpkeepCounts,
};
pub(crate) use memo::Memo;
pub(crate) use replication::*;
pub(crate) use retention::{NamespaceMetadataRecord, RetentionRuleRecord};
pub use retention::{RetentionDuration, RetentionUnit};
pub(crate) use row::ObjectRowRecord;
pub(crate) use storage::*;
pub(crate) use swift::*;
pub(crate) use work::*;
pub use work::{WorkFailure, WorkStatus};

const FORMAT_VERSION: u8 = 1;

/// Writes a record.
pub(crate) fn encode<T: minicbor::Encode<()>>(record: &T) -> Bytes {
    let mut bytes = vec![FORMAT_VERSION];
    minicbor::encode(record, &mut bytes)
        .expect("writing to a vector does not fail, and records hold nothing unencodable");
    bytes.into()
}

/// Reads a record that [`encode`] wrote, in this version or an earlier one. It may keep references into the bytes.
pub(crate) fn decode<'b, T: minicbor::Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, Error> {
    let damaged = |cause: String| Error::from(ErrorKind::Internal).because(cause);
    match bytes.split_first() {
        Some((&FORMAT_VERSION, body)) => minicbor::decode(body).map_err(|e| {
            damaged(format!(
                "a stored {} can't be read: {e}",
                std::any::type_name::<T>()
            ))
        }),
        Some((version, _)) => Err(damaged(format!(
            "a stored record has format version {version}; a newer release wrote it"
        ))),
        None => Err(damaged("a stored record is empty".to_owned())),
    }
}

/// Reads a record that may be absent.
pub(crate) fn decode_optional<T: for<'b> minicbor::Decode<'b, ()>>(
    bytes: Option<&Bytes>,
) -> Result<Option<T>, Error> {
    bytes.map(|bytes| decode(bytes)).transpose()
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod golden_identity;
#[cfg(test)]
mod golden_lifecycle;
#[cfg(test)]
mod golden_replication;
#[cfg(test)]
mod golden_swift;
#[cfg(test)]
mod golden_versions;
#[cfg(test)]
mod golden_work;
