//! Listing current objects (wire reference section 5).

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::{GroupScan, Row, Scan};
use parbuckle_model::ListObjectsQuery;

use super::ObjectInfo;
use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, ObjectRecord};
use crate::{BucketPath, Engine, keys};

/// One page of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectListing {
    /// In byte order of their names.
    pub objects: Vec<ListedObject>,
    /// In byte order; each ends with the delimiter.
    pub prefixes: Vec<String>,
    /// The `start` of the next page; nothing on the last.
    pub next_start_with: Option<String>,
}

/// An object of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedObject {
    /// Its name.
    pub name: String,
    /// All about it.
    pub info: ObjectInfo,
}

impl Engine {
    /// Lists objects. The holder of a prefix PAR sees names under that prefix only.
    pub async fn list_objects(
        &self,
        caller: &Caller,
        path: &BucketPath,
        query: &ListObjectsQuery,
    ) -> Result<ObjectListing, Error> {
        if query.start.is_some() && query.start_after.is_some() {
            let text = "start and startAfter can't be used together";
            return Err(ErrorKind::InvalidParameter(text.to_owned()).into());
        }
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        access.require(
            Operation::ListObjects,
            Need::All(&[Permission::ObjectInspect]),
            Act::ListObjects,
        )?;
        let base = keys::objects(&path.namespace, &access.bucket.id);
        let Some((start, end)) = bounds(&base, query, access.listing_prefix()) else {
            return Ok(ObjectListing::empty());
        };
        let limit = query.limit.value() + 1;
        let now = self.now();
        let mut rows = if query.delimited {
            let prefix_len = base.len() + query.prefix.as_str().len();
            reader
                .scan_groups(&GroupScan {
                    start,
                    end,
                    prefix_len,
                    delimiter: b'/',
                    limit,
                })
                .await?
        } else {
            let entries = reader
                .scan(&Scan {
                    start,
                    end,
                    limit,
                    reverse: false,
                })
                .await?;
            entries.into_iter().map(Row::Entry).collect()
        };
        let next = if rows.len() == limit {
            rows.pop()
        } else {
            None
        };
        let next_start_with = next
            .map(|row| name_of(base.len(), key_of(&row)))
            .transpose()?;
        let mut listing = ObjectListing {
            next_start_with,
            ..ObjectListing::empty()
        };
        for row in rows {
            let name = name_of(base.len(), key_of(&row))?;
            match row {
                Row::Group(_) => listing.prefixes.push(name),
                Row::Entry(entry) => {
                    let record: ObjectRecord = records::decode(&entry.value)?;
                    if record.has_expired(now) {
                        continue;
                    }
                    listing.objects.push(ListedObject {
                        name,
                        info: record.into(),
                    });
                }
            }
        }
        Ok(listing)
    }
}

impl ObjectListing {
    fn empty() -> Self {
        Self {
            objects: Vec::new(),
            prefixes: Vec::new(),
            next_start_with: None,
        }
    }
}

/// The keys between all the conditions: start inclusive, end exclusive; nothing when no name can meet them.
fn bounds(base: &[u8], query: &ListObjectsQuery, scope: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let prefix = query.prefix.as_str();
    // Both prefixes begin every name: the longer one says it all, if it begins with the shorter.
    let (longer, shorter) = if prefix.len() >= scope.len() {
        (prefix, scope)
    } else {
        (scope, prefix)
    };
    if !longer.starts_with(shorter) {
        return None;
    }
    let key = |name: &str| [base, name.as_bytes()].concat();
    let mut start = key(longer);
    let mut end = keys::after_prefix(&start);
    if let Some(from) = &query.start {
        start = start.max(key(from));
    }
    if let Some(after) = &query.start_after {
        let mut next = key(after);
        next.push(0);
        start = start.max(next);
    }
    if let Some(before) = &query.end {
        end = end.min(key(before));
    }
    (start < end).then_some((start, end))
}

fn key_of(row: &Row) -> &[u8] {
    match row {
        Row::Entry(entry) => &entry.key,
        Row::Group(group) => group,
    }
}

fn name_of(base_len: usize, key: &[u8]) -> Result<String, Error> {
    let name = key
        .get(base_len..)
        .and_then(|name| std::str::from_utf8(name).ok());
    name.map(str::to_owned).ok_or_else(|| {
        Error::from(ErrorKind::Internal).because("a stored object name is not UTF-8")
    })
}
