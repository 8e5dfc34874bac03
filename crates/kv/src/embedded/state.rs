//! One published state of the embedded store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fjall::{Guard, Keyspace, Readable, Snapshot};

use super::cache::HotCache;
use super::folder::FolderLock;
use super::read_error;
use crate::view::{Entries, KeyRange, View, scan, scan_groups};
use crate::{Entry, Error, GroupScan, Reader, Row, Scan, Visit};

/// What all states of one open store share.
pub(super) struct Tables {
    pub(super) keyspace: Keyspace,
    pub(super) cache: HotCache,
    /// Held by every reader, so that nobody else takes the folder while its files are still being read.
    pub(super) _lock: FolderLock,
}

/// The store as batch `number` left it. The committer makes one per batch, and everybody who asks for the
/// newest state shares it, so a snapshot costs a reference count.
pub(super) struct State {
    pub(super) number: u64,
    pub(super) snapshot: Snapshot,
    pub(super) tables: Arc<Tables>,
}

impl View for State {
    fn value(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let Tables {
            keyspace, cache, ..
        } = &*self.tables;
        let slot = cache.slot(key);
        if let Some(cached) = slot.lookup(self.number) {
            return Ok(cached);
        }
        let stored = self
            .snapshot
            .get(keyspace, key)
            .map_err(|error| read_error("cannot read a record", error))?
            .map(|value| Bytes::copy_from_slice(&value));
        slot.offer(&stored, self.number);
        Ok(stored)
    }

    fn entries<'a>(&'a self, range: &KeyRange, reverse: bool) -> Entries<'a> {
        let stored = self
            .snapshot
            .range::<&[u8], _>(&self.tables.keyspace, range.bounds())
            .map(|guard| match guard.into_inner() {
                // Copied, because a slice of a block would keep the whole block in memory.
                Ok((key, value)) => Ok(Entry {
                    key: Bytes::copy_from_slice(&key),
                    value: Bytes::copy_from_slice(&value),
                }),
                Err(error) => Err(read_error("cannot read a range", error)),
            });
        if reverse {
            Box::new(stored.rev())
        } else {
            Box::new(stored)
        }
    }
}

#[async_trait]
impl Reader for State {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>, Error> {
        keys.iter().map(|key| self.value(key)).collect()
    }

    async fn scan(&self, range: &Scan) -> Result<Vec<Entry>, Error> {
        Ok(scan(self, range)?.answer)
    }

    async fn visit(&self, scan: &Scan, visit: &mut Visit<'_>) -> Result<(), Error> {
        let range = KeyRange {
            start: scan.start.clone(),
            end: scan.end.clone(),
        };
        if range.is_empty() {
            return Ok(());
        }
        let stored = self
            .snapshot
            .range::<&[u8], _>(&self.tables.keyspace, range.bounds());
        if scan.reverse {
            show(stored.rev().take(scan.limit), visit)
        } else {
            show(stored.take(scan.limit), visit)
        }
    }

    async fn scan_groups(&self, range: &GroupScan) -> Result<Vec<Row>, Error> {
        Ok(scan_groups(self, range)?.answer)
    }
}

fn show(stored: impl Iterator<Item = Guard>, visit: &mut Visit<'_>) -> Result<(), Error> {
    for guard in stored {
        let (key, value) = guard
            .into_inner()
            .map_err(|error| read_error("cannot read a range", error))?;
        if visit(&key, &value).is_break() {
            break;
        }
    }
    Ok(())
}
