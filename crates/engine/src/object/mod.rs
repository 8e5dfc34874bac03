//! Objects (wire reference 3.3).

mod content;
mod delete;
mod list;
mod read;
mod write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use parbuckle_model::{ETag, ObjectAttributes, StorageTier, VersionId};

use crate::body::Checksums;
use crate::records::ObjectRecord;

pub use content::ObjectBody;
pub use delete::Deleted;
pub use list::{ListedObject, ObjectListing};
pub use read::{ObjectRead, ReadObject};
pub use write::PutObject;
pub(crate) use write::{Placement, Replaced, existing_object};

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
        }
    }
}
