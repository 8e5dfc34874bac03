//! The one retry loop of transactions (invariant 4).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use parbuckle_blob::BlobId;
use parbuckle_kv::{CommitError, Reader, Transaction};

use crate::environment::random;
use crate::error::{Error, ErrorKind, chain};
use crate::records::{self, TrashRecord, TrashedBlob};
use crate::{Engine, keys};

/// Most tries of one transaction.
const TRIES_MAX: u32 = 40;

/// How long replaced blobs stay for readers that found them just before, in milliseconds.
const TRASH_DELAY_MILLIS: u64 = 5 * 60 * 1000;

/// Blobs named in one trash entry.
const TRASH_ENTRY_BLOBS_MAX: usize = 1000;

/// A transaction in the making, handed to the body of [`Engine::transact`].
#[derive(Clone)]
pub(crate) struct Tx {
    inner: Arc<dyn Transaction>,
    trash_key: Vec<u8>,
    /// Trash entries of this run so far: each has a key of its own.
    trash_entries: Arc<AtomicU16>,
    /// Whether there is something for the upkeep loop once this is committed.
    wakes_upkeep: Arc<AtomicBool>,
    outcome_unknown: bool,
}

impl Tx {
    /// Whether an earlier run of this body may have committed. Then what a deletion finds gone was perhaps its own.
    pub(crate) fn may_have_happened(&self) -> bool {
        self.outcome_unknown
    }

    /// Reads, including this transaction's own writes.
    pub(crate) fn reader(&self) -> &dyn Reader {
        &*self.inner
    }

    /// Writes a record.
    pub(crate) fn put<T: minicbor::Encode<()>>(&self, key: Vec<u8>, record: &T) {
        self.inner.put(key, records::encode(record));
    }

    /// Writes bytes that are no record: inline data and markers.
    pub(crate) fn put_raw(&self, key: Vec<u8>, bytes: bytes::Bytes) {
        self.inner.put(key, bytes);
    }

    /// Removes a key.
    pub(crate) fn delete(&self, key: Vec<u8>) {
        self.inner.delete(key);
    }

    /// Once this is committed, the upkeep loop looks for work without waiting for its next round.
    pub(crate) fn wake_upkeep(&self) {
        self.wakes_upkeep.store(true, Ordering::Relaxed);
    }

    /// Gives blobs to the collector: they are deleted some time after this transaction has dropped their names.
    pub(crate) fn trash(&self, blobs: &[BlobId]) {
        for blobs in blobs.chunks(TRASH_ENTRY_BLOBS_MAX) {
            let entry = self.trash_entries.fetch_add(1, Ordering::Relaxed);
            let mut key = self.trash_key.clone();
            key.extend_from_slice(&entry.to_be_bytes());
            self.put(
                key,
                &TrashRecord {
                    blobs: blobs.iter().copied().map(TrashedBlob).collect(),
                },
            );
        }
    }
}

impl Engine {
    /// Runs `body` in a transaction until it commits, fails by its own judgement, or the tries are used up
    /// ([`ErrorKind::ConcurrentUpdate`]).
    ///
    /// `body` may run several times: it has no effect outside the transaction, takes ids and times from before the loop,
    /// and recognises what an earlier run of its own has written (the outcome of a commit can be unknown). When it does
    /// not, and fails after such an outcome, the answer is [`ErrorKind::Unavailable`]: no other kind leaves open whether
    /// something was changed.
    pub(crate) async fn transact<T, F, Fut>(&self, name: &'static str, body: F) -> Result<T, Error>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let due = self.now_millis().saturating_add(TRASH_DELAY_MILLIS);
        let trash_key = keys::trash(due, random(&*self.environment));
        let mut outcome_unknown = false;
        for attempt in 0..TRIES_MAX {
            let inner = self.kv.begin().await?;
            let wakes_upkeep = Arc::<AtomicBool>::default();
            let tx = Tx {
                inner: Arc::clone(&inner),
                trash_key: trash_key.clone(),
                trash_entries: Arc::default(),
                wakes_upkeep: Arc::clone(&wakes_upkeep),
                outcome_unknown,
            };
            let value = match body(tx).await {
                Ok(value) => value,
                // What it refuses now may be the work of an earlier run: nobody knows.
                Err(error) if outcome_unknown => return Err(unknown(name, &error)),
                Err(error) => return Err(error),
            };
            match inner.commit().await {
                Ok(()) => {
                    if wakes_upkeep.load(Ordering::Relaxed) {
                        self.upkeep_waits.notify_one();
                    }
                    return Ok(value);
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::NotDone(error)) => return Err(error.into()),
                Err(error @ CommitError::Unknown(_)) => {
                    tracing::warn!(
                        transaction = name,
                        cause = chain(&error),
                        "outcome unknown, looking again"
                    );
                    outcome_unknown = true;
                }
            }
            self.pause(attempt).await;
        }
        let tired = Error::from(ErrorKind::ConcurrentUpdate)
            .because(format!("{name}: no commit in {TRIES_MAX} tries"));
        Err(if outcome_unknown {
            unknown(name, &tired)
        } else {
            tired
        })
    }

    /// Waits a little longer, and more randomly, with each attempt. The first tries follow at once.
    async fn pause(&self, attempt: u32) {
        if attempt < 3 {
            return;
        }
        let ceiling = 1u64 << attempt.min(7);
        let [jitter] = random::<1>(&*self.environment);
        tokio::time::sleep(Duration::from_millis(1 + ceiling * u64::from(jitter) / 255)).await;
    }
}

/// The error of a transaction that may have been committed for all anyone knows.
fn unknown(name: &str, last: &Error) -> Error {
    Error::from(ErrorKind::Unavailable).because(format!(
        "{name}: the outcome of a commit is unknown; then {last:?}"
    ))
}
