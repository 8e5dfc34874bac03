//! Objects (wire reference 3.3).

mod batch;
mod content;
mod copy;
mod delete;
mod find;
mod list;
mod place;
mod read;
mod rename;
mod tier;
mod versions;
mod write;

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use parbuckle_model::{ArchivalState, ETag, ObjectAttributes, StorageTier, VersionId};

use crate::body::Checksums;
use crate::records::ObjectRecord;

pub use batch::{BATCH_OBJECTS_MAX, BatchOutcome, ObjectToDelete};
pub use content::ObjectBody;
pub(crate) use content::{blobs, crc32c, inline_bytes};
pub(crate) use copy::{CopiedContent, Recoding, SourceContent};
pub use delete::Deleted;
pub(crate) use find::{Found, Place, find, inline_key, record_key};
pub use list::{ListedObject, ObjectListing};
pub(crate) use place::{
    Origin, Placement, Replaced, existing_object, require_unprotected, require_writable, with_blobs,
};
pub(crate) use read::require_restored;
pub use read::{ObjectRead, ReadObject};
pub use rename::RenameObject;
pub use tier::Restoration;
pub(crate) use tier::tier_in;
pub use versions::{ListedVersion, ObjectVersion, VersionListing};
pub use write::PutObject;

/// All about an object but its name and bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectInfo {
    /// Changes with every write.
    pub etag: ETag,
    /// Its version.
    pub version_id: VersionId,
    /// Length in bytes.
    pub size: u64,
    /// Its MD5.
    pub md5: ObjectMd5,
    /// When an object of this name was first made.
    pub time_created: Timestamp,
    /// When this version was made.
    pub time_modified: Timestamp,
    /// Its tier.
    pub storage_tier: StorageTier,
    /// Content headers and user metadata.
    pub attributes: ObjectAttributes,
    /// Other digests that the client asked to keep.
    pub checksums: Checksums,
    /// Whether its bytes can be read only with a key that the customer has.
    pub customer_key: bool,
    /// When an archived object may be read: start inclusive, end exclusive.
    pub restored: Option<Range<Timestamp>>,
}

impl ObjectInfo {
    /// Where an object of the tier Archive stands; nothing for the other tiers.
    pub fn archival_state(&self, now: Timestamp) -> Option<ArchivalState> {
        (self.storage_tier == StorageTier::Archive).then(|| match &self.restored {
            Some(window) if now < window.start => ArchivalState::Restoring,
            Some(window) if now < window.end => ArchivalState::Restored,
            Some(_) | None => ArchivalState::Archived,
        })
    }
}

/// The MD5 that an object has (wire reference 3.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectMd5 {
    /// Of its bytes.
    Whole([u8; 16]),
    /// Of the MD5s of its parts.
    Multipart {
        /// MD5 of the concatenated binary MD5s.
        md5_of_md5s: [u8; 16],
        /// Number of parts.
        parts: u16,
    },
}

impl ObjectMd5 {
    /// Base64; for a multipart object followed by `-` and the number of parts.
    pub fn to_text(self) -> String {
        match self {
            Self::Whole(md5) => STANDARD.encode(md5),
            Self::Multipart { md5_of_md5s, parts } => {
                format!("{}-{parts}", STANDARD.encode(md5_of_md5s))
            }
        }
    }
}

impl From<ObjectRecord> for ObjectInfo {
    fn from(r: ObjectRecord) -> Self {
        Self {
            etag: r.etag,
            version_id: r.version_id,
            size: r.size,
            md5: match r.part_count {
                None => ObjectMd5::Whole(r.md5),
                Some(parts) => ObjectMd5::Multipart {
                    md5_of_md5s: r.md5,
                    parts,
                },
            },
            time_created: r.time_created,
            time_modified: r.time_modified,
            storage_tier: r.storage_tier,
            attributes: r.attributes.into(),
            checksums: r.checksums.into(),
            customer_key: r.encryption.is_some_and(|e| e.by_customer),
            restored: r.restore.map(|window| window.from..window.until),
        }
    }
}
