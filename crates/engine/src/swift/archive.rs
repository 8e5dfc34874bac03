//! What is archived, seen through Swift: the progress of restorations, and manifests that have to be restored
//! (swift-v1-wire.md section 15). Restoring itself is [`Engine::restore_object`].

use std::ops::Range;

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{ArchivalState, EtagCondition, Preconditions, StorageTier};

use super::listing::{ListQuery, list_names};
use super::object::SwiftObject;
use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::error::Error;
use crate::object::{ObjectInfo, ReadObject};
use crate::records::{self, ObjectRecord};
use crate::{BucketPath, Engine, ObjectPath, keys};

/// An object that is being restored, or is restored and may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredObject {
    /// Its name.
    pub name: String,
    /// Its length in bytes; of a static large object that of all segments.
    pub bytes: u64,
    /// When it may be read: start inclusive, end exclusive.
    pub readable: Range<Timestamp>,
}

impl Engine {
    /// A page of those objects of a container that are being restored or are restored, in the order of a listing. Each name
    /// that the query covers is looked at, so the cost grows with these. Permission: OBJECT_INSPECT, or an ACL as for
    /// [`Engine::swift_list_container`].
    pub async fn swift_restorations(
        &self,
        caller: &Caller,
        path: &BucketPath,
        query: &ListQuery,
    ) -> Result<Vec<RestoredObject>, Error> {
        query.check()?;
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        let need = Need::All(&[Permission::ObjectInspect]);
        access.require(Operation::ListObjects, need, Act::ListObjects)?;
        let base = keys::objects(&path.namespace, &access.bucket.id);
        let now = self.now();
        let mut found = Vec::new();
        list_names(&*reader, &base, query, |candidate| {
            let record: ObjectRecord = records::decode(candidate.record)?;
            let restored = restored(candidate.text, record, now);
            let is_row = restored.is_some();
            found.extend(restored);
            Ok(is_row)
        })
        .await?;
        Ok(found)
    }

    /// Refuses an archived manifest that is not restored, as reading its bytes would: a dynamic large object is read
    /// without them.
    pub(super) async fn require_restored_manifest(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        object: &SwiftObject,
    ) -> Result<(), Error> {
        if object.storage_tier != StorageTier::Archive {
            return Ok(());
        }
        let options = ReadObject {
            preconditions: Preconditions {
                if_match: Some(EtagCondition::OneOf(vec![object.native])),
                if_none_match: None,
            },
            ..ReadObject::default()
        };
        self.read_object(caller, path, options).await.map(drop)
    }
}

fn restored(name: &str, record: ObjectRecord, now: Timestamp) -> Option<RestoredObject> {
    if record.has_expired(now) {
        return None;
    }
    let window = record.restore;
    match ObjectInfo::from(record.clone()).archival_state(now)? {
        ArchivalState::Archived => None,
        ArchivalState::Restoring | ArchivalState::Restored => Some(RestoredObject {
            name: name.to_owned(),
            bytes: SwiftObject::from(record).size,
            readable: window.map(|window| window.from..window.until)?,
        }),
    }
}
