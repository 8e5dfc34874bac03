//! A store in memory, for tests and throw-away servers. Durable only as long as the process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use async_trait::async_trait;
use bytes::Bytes;

use crate::optimistic::{History, LiveStates};
use crate::transaction::{Committer, OptimisticTransaction, Proposal};
use crate::view::{Entries, KeyRange, View, scan, scan_groups};
use crate::{CommitError, Entry, Error, GroupScan, Reader, Row, Scan, Store, Transaction};

/// An ordered map with versions, so that readers keep their state while others commit.
pub struct MemoryStore {
    shared: Arc<Shared>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        let versions = Arc::new(RwLock::default());
        let state = Arc::new(State {
            number: 0,
            versions: Arc::clone(&versions),
        });
        let mut live = LiveStates::new();
        live.add(0, &state);
        let history = History::new(0, usize::MAX);
        let tip = Mutex::new(Tip {
            state,
            history,
            live,
            superseded: VecDeque::new(),
        });
        Self {
            shared: Arc::new(Shared { tip, versions }),
        }
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.shared.tip().state)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn snapshot(&self) -> Result<Arc<dyn Reader>, Error> {
        Ok(self.state())
    }

    async fn begin(&self) -> Result<Arc<dyn Transaction>, Error> {
        Ok(Arc::new(OptimisticTransaction::new(
            self.state(),
            Arc::clone(&self.shared),
        )))
    }
}

/// The values of a key by the number of the commit that wrote them, oldest first; `None` is a removal.
type Versions = BTreeMap<Bytes, Vec<(u64, Option<Bytes>)>>;

struct Shared {
    tip: Mutex<Tip>,
    versions: Arc<RwLock<Versions>>,
}

/// What commits change, one at a time.
struct Tip {
    state: Arc<State>,
    history: History,
    live: LiveStates<State>,
    /// Written keys whose older versions may still be held for a live state.
    superseded: VecDeque<(u64, Bytes)>,
}

impl Shared {
    fn tip(&self) -> MutexGuard<'_, Tip> {
        self.tip
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

#[async_trait]
impl Committer for Shared {
    type State = State;

    async fn commit(&self, proposal: Proposal<State>) -> Result<(), CommitError> {
        let Proposal {
            state,
            reads,
            writes,
        } = proposal;
        let mut tip = self.tip();
        if tip.history.conflicts(&reads, state.number) {
            return Err(CommitError::Conflict);
        }
        drop(state);
        let number = tip.state.number + 1;
        let mut versions = self
            .versions
            .write()
            .expect("no code panics while it holds this lock");
        let mut keys = Vec::with_capacity(writes.len());
        for (key, value) in writes {
            let key = Bytes::from(key);
            versions
                .entry(key.clone())
                .or_default()
                .push((number, value));
            tip.superseded.push_back((number, key.clone()));
            keys.push(key);
        }
        tip.history.record(number, keys);
        tip.state = Arc::new(State {
            number,
            versions: Arc::clone(&self.versions),
        });
        let tip = &mut *tip;
        tip.live.add(number, &tip.state);
        let oldest = tip.live.oldest().unwrap_or(number);
        tip.history.forget(oldest);
        drop_superseded(&mut versions, &mut tip.superseded, oldest);
        Ok(())
    }
}

/// Removes the versions that no state at or above `oldest` can see.
fn drop_superseded(versions: &mut Versions, superseded: &mut VecDeque<(u64, Bytes)>, oldest: u64) {
    while superseded
        .front()
        .is_some_and(|(number, _)| *number <= oldest)
    {
        let Some((_, key)) = superseded.pop_front() else {
            return;
        };
        let Some(values) = versions.get_mut(&key) else {
            continue;
        };
        let seen_by_oldest = values.iter().rposition(|(number, _)| *number <= oldest);
        values.drain(..seen_by_oldest.unwrap_or(0));
        if let [(number, None)] = values.as_slice()
            && *number <= oldest
        {
            versions.remove(&key);
        }
    }
}

/// The store as commit `number` left it.
struct State {
    number: u64,
    versions: Arc<RwLock<Versions>>,
}

impl State {
    fn visible(&self, versions: &[(u64, Option<Bytes>)]) -> Option<Bytes> {
        let (_, value) = versions
            .iter()
            .rev()
            .find(|(number, _)| *number <= self.number)?;
        value.clone()
    }

    /// The first visible entry of `range` in reading order.
    fn first_of(&self, range: &KeyRange, reverse: bool) -> Option<Entry> {
        if range.is_empty() {
            return None;
        }
        let versions = self
            .versions
            .read()
            .expect("no code panics while it holds this lock");
        let mut keys = versions.range::<[u8], _>(range.bounds());
        let visible = |(key, values): (&Bytes, &Vec<_>)| {
            self.visible(values).map(|value| Entry {
                key: key.clone(),
                value,
            })
        };
        if reverse {
            keys.rev().find_map(visible)
        } else {
            keys.find_map(visible)
        }
    }
}

impl View for State {
    fn value(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let versions = self
            .versions
            .read()
            .expect("no code panics while it holds this lock");
        Ok(versions.get(key).and_then(|values| self.visible(values)))
    }

    fn entries<'a>(&'a self, range: &KeyRange, reverse: bool) -> Entries<'a> {
        let mut rest = range.clone();
        // A seek per entry, so that no lock is held while the caller thinks.
        Box::new(std::iter::from_fn(move || {
            let entry = self.first_of(&rest, reverse)?;
            if reverse {
                rest.end = entry.key.to_vec();
            } else {
                rest.start = KeyRange::through(&entry.key, &entry.key).end;
            }
            Some(Ok(entry))
        }))
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

    async fn scan_groups(&self, range: &GroupScan) -> Result<Vec<Row>, Error> {
        Ok(scan_groups(self, range)?.answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn put(store: &MemoryStore, key: &str, value: Option<&str>) {
        let transaction = store.begin().await.unwrap();
        match value {
            Some(value) => transaction.put(key.into(), Bytes::copy_from_slice(value.as_bytes())),
            None => transaction.delete(key.into()),
        }
        transaction.commit().await.unwrap();
    }

    #[tokio::test]
    async fn versions_that_nobody_can_see_are_dropped() {
        let store = MemoryStore::new();
        for value in ["1", "2", "3"] {
            put(&store, "kept", Some(value)).await;
        }
        put(&store, "gone", Some("1")).await;
        put(&store, "gone", None).await;
        put(&store, "last", Some("1")).await;
        let versions = store.shared.versions.read().unwrap();
        assert_eq!(versions[&b"kept"[..]].len(), 1);
        assert!(!versions.contains_key(&b"gone"[..]));
    }

    #[tokio::test]
    async fn a_live_reader_keeps_its_versions() {
        let store = MemoryStore::new();
        put(&store, "key", Some("old")).await;
        let reader = store.snapshot().await.unwrap();
        put(&store, "key", None).await;
        put(&store, "other", Some("x")).await;
        let values = reader.get_many(&[b"key".to_vec()]).await.unwrap();
        assert_eq!(values, [Some(Bytes::from_static(b"old"))]);
    }
}
