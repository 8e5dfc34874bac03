//! Listing the versions of objects (wire reference 3.3, 4.2, section 5): the range of current objects and the range of
//! old versions, read side by side and merged. Neither is read through a group that the delimiter collapses.

use std::cmp::max;

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::{GroupScan, Reader, Row, Scan};
use parbuckle_model::{ListObjectsQuery, PageToken, VersionId};

use super::ObjectInfo;
use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, ObjectRecord, VersionRecord};
use crate::{BucketPath, Engine, keys};

/// Ends the name in the keys of old versions; no name holds it.
const END_OF_NAME: u8 = 0;

/// One page of a listing of versions.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionListing {
    /// In byte order of their names, the versions of one name from the youngest to the oldest.
    pub versions: Vec<ListedVersion>,
    /// In byte order; each ends with the delimiter.
    pub prefixes: Vec<String>,
    /// Where the next page begins; nothing on the last.
    pub next: Option<PageToken>,
}

/// A version of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedVersion {
    /// The name of the object.
    pub name: String,
    /// What it is.
    pub version: ObjectVersion,
}

/// A version of an object.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "most are objects; a box for each would cost more than the room of the few markers"
)]
pub enum ObjectVersion {
    /// An object, current or not.
    Object(ObjectInfo),
    /// The trace of a deletion.
    DeleteMarker {
        /// Its own version.
        version_id: VersionId,
        /// When the deletion was.
        time: Timestamp,
    },
}

impl Engine {
    /// Lists current objects, old versions and delete markers, in buckets without versioning as well. All conditions of
    /// the query and the page's beginning must hold. Pre-authenticated requests never list versions (wire reference 7.2).
    pub async fn list_object_versions(
        &self,
        caller: &Caller,
        path: &BucketPath,
        query: &ListObjectsQuery,
        page: Option<&PageToken>,
    ) -> Result<VersionListing, Error> {
        check(query, page)?;
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        access.require(
            Operation::ListObjectVersions,
            Need::All(&[Permission::ObjectInspect]),
            Act::Manage,
        )?;
        let (ns, bucket) = (&path.namespace, &access.bucket.id);
        let current = Range {
            base: keys::objects(ns, bucket),
            past_name: 0,
            keys_have_versions: false,
        };
        let old = Range {
            base: keys::versions(ns, bucket),
            past_name: END_OF_NAME + 1,
            keys_have_versions: true,
        };
        let mut lines = current.lines(&*reader, query, page).await?;
        lines.extend(old.lines(&*reader, query, page).await?);
        // The sort is stable: a current object stays before its old versions.
        lines.sort_by(|a, b| a.name.cmp(&b.name));
        lines.dedup_by(|b, a| a.is_group() && b.is_group() && a.name == b.name);
        let more = lines.len() > query.limit.value();
        lines.truncate(query.limit.value());
        assemble(lines, more, self.now())
    }
}

/// Bounds that no name can have would mean different things in the two ranges.
fn check(query: &ListObjectsQuery, page: Option<&PageToken>) -> Result<(), Error> {
    let refused = |text: &str| Err(ErrorKind::InvalidParameter(text.to_owned()).into());
    if query.start.is_some() && query.start_after.is_some() {
        return refused("start and startAfter can't be used together");
    }
    let bounds = [&query.start, &query.start_after, &query.end];
    let is_name = |bound: &&String| !bound.as_bytes().contains(&END_OF_NAME);
    if !bounds.into_iter().flatten().all(|bound| is_name(&bound)) {
        return refused("start, startAfter and end are object names, which hold no zero byte");
    }
    if page.is_some_and(|page| page.position().is_empty()) {
        return refused("page is not a page token of this list");
    }
    Ok(())
}

/// One of the two ranges.
struct Range {
    /// Begins all its keys; the name follows.
    base: Vec<u8>,
    /// Behind a name, begins the first key of the names that follow.
    past_name: u8,
    /// Whether zero and a version stand behind the name.
    keys_have_versions: bool,
}

impl Range {
    /// The first lines of this range that meet the query, one more than a page holds.
    async fn lines(
        &self,
        reader: &dyn Reader,
        query: &ListObjectsQuery,
        page: Option<&PageToken>,
    ) -> Result<Vec<Line>, Error> {
        let (start, end) = self.bounds(query, page);
        let limit = query.limit.value() + 1;
        let rows = if query.delimited {
            let scan = GroupScan {
                start,
                end,
                prefix_len: self.base.len() + query.prefix.as_str().len(),
                delimiter: b'/',
                limit,
            };
            reader.scan_groups(&scan).await?
        } else {
            let scan = Scan {
                start,
                end,
                limit,
                reverse: false,
            };
            let entries = reader.scan(&scan).await?;
            entries.into_iter().map(Row::Entry).collect()
        };
        rows.into_iter().map(|row| self.line(row)).collect()
    }

    /// The keys that meet all conditions: start inclusive, end exclusive.
    fn bounds(&self, query: &ListObjectsQuery, page: Option<&PageToken>) -> (Vec<u8>, Vec<u8>) {
        let key = |name: &str| [&self.base, name.as_bytes()].concat();
        let past = |name: &[u8]| [&self.base, name, &[self.past_name]].concat();
        let prefixed = key(query.prefix.as_str());
        let mut end = keys::after_prefix(&prefixed);
        let mut start = prefixed;
        if let Some(from) = &query.start {
            start = max(start, key(from));
        }
        if let Some(after) = &query.start_after {
            start = max(start, past(after.as_bytes()));
        }
        if let Some(page) = page {
            start = max(start, self.after_line(page.position()));
        }
        if let Some(before) = &query.end {
            end = end.min(key(before));
        }
        (start, end)
    }

    /// The first key behind the line at this position: see [`Line::position`].
    fn after_line(&self, position: &[u8]) -> Vec<u8> {
        let line = [&self.base, position].concat();
        match position.iter().position(|byte| *byte == END_OF_NAME) {
            None => keys::after_prefix(&line),
            Some(_) if self.keys_have_versions => [&line[..], &[0]].concat(),
            // Of the object itself at least the current version was listed.
            Some(name) => [&self.base, &position[..name], &[self.past_name]].concat(),
        }
    }

    fn line(&self, row: Row) -> Result<Line, Error> {
        let behind = |key: &Bytes| key.slice(self.base.len()..);
        Ok(match row {
            Row::Group(group) => Line {
                name: behind(&group),
                what: What::Group,
            },
            Row::Entry(entry) if self.keys_have_versions => {
                let rest = behind(&entry.key);
                let end = rest.iter().position(|byte| *byte == END_OF_NAME);
                Line {
                    name: rest.slice(..end.unwrap_or(rest.len())),
                    what: What::Old(entry.value),
                }
            }
            Row::Entry(entry) => Line {
                name: behind(&entry.key),
                what: What::Current(entry.value),
            },
        })
    }
}

/// A line of the listing, not decoded yet.
struct Line {
    /// Of the object; of a group the names' common prefix.
    name: Bytes,
    what: What,
}

enum What {
    Group,
    Current(Bytes),
    Old(Bytes),
}

impl Line {
    fn is_group(&self) -> bool {
        matches!(self.what, What::Group)
    }
}

fn assemble(lines: Vec<Line>, more: bool, now: Timestamp) -> Result<VersionListing, Error> {
    let mut listing = VersionListing {
        versions: Vec::with_capacity(lines.len()),
        prefixes: Vec::new(),
        next: None,
    };
    let mut last = None;
    for line in lines {
        let name = text(&line.name)?;
        let version = match line.what {
            What::Group => {
                last = Some(name.clone().into_bytes());
                listing.prefixes.push(name);
                continue;
            }
            What::Current(value) => {
                let record: ObjectRecord = records::decode(&value)?;
                if record.has_expired(now) {
                    last = Some(position(&name, record.version_id));
                    continue;
                }
                ObjectVersion::Object(record.into())
            }
            What::Old(value) => records::decode::<VersionRecord>(&value)?.into(),
        };
        last = Some(position(&name, version.version_id()));
        listing.versions.push(ListedVersion { name, version });
    }
    listing.next = last.filter(|_| more).map(PageToken::new);
    Ok(listing)
}

/// Where a version stands in the listing, for the token of the next page: as behind the base of its old version's key. A
/// group's position is its prefix.
fn position(name: &str, version: VersionId) -> Vec<u8> {
    let version = version.descending_text();
    [name.as_bytes(), &[END_OF_NAME], version.as_bytes()].concat()
}

fn text(name: &Bytes) -> Result<String, Error> {
    let name = std::str::from_utf8(name).map(str::to_owned);
    name.map_err(|_| Error::from(ErrorKind::Internal).because("a stored object name is not UTF-8"))
}

impl ObjectVersion {
    /// Its version.
    pub fn version_id(&self) -> VersionId {
        match self {
            Self::Object(info) => info.version_id,
            Self::DeleteMarker { version_id, .. } => *version_id,
        }
    }
}

impl From<VersionRecord> for ObjectVersion {
    fn from(record: VersionRecord) -> Self {
        match record {
            VersionRecord::Object(record) => Self::Object(record.into()),
            VersionRecord::DeleteMarker(marker) => Self::DeleteMarker {
                version_id: marker.version_id,
                time: marker.time,
            },
        }
    }
}
