//! The one thread that writes: group commit with validation.
//!
//! A batch takes every transaction that waits when the thread is free; while it syncs, the next ones queue up
//! and share the next sync. All transactions of a batch get one number. Each is validated against everything
//! committed above the state it read, earlier ones of its own batch included, so the order in the queue is
//! the serial order.
//!
//! The journal is synced with `fdatasync`: what it leaves out against `fsync` are time stamps. A file's size
//! and block map, without which its data could not be read back, are flushed with it, and fjall syncs new
//! journal files and their folder itself. Answers go out only when the batch is durable and published, so
//! that whoever is told of a success or a conflict finds it in the next state he asks for.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use fjall::{AbstractTree, Database, OwnedWriteBatch, PersistMode, UserKey, UserValue};
use tokio::sync::oneshot;

use super::EmbeddedOptions;
use super::cache::HotCache;
use super::folder::OpenedFolder;
use super::state::{State, Tables};
use crate::optimistic::{History, LiveStates, ReadSet};
use crate::transaction::{Committer, Proposal};
use crate::{CommitError, Error};

/// Most transactions in one batch. Bounds the time that the last of them waits for validation.
const BATCH_TRANSACTIONS_MAX: usize = 1_024;

/// A batch takes no further transaction once it holds this many bytes of values.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Keys of recent commits kept for validation. When more were written since a transaction began, it conflicts.
const HISTORY_KEYS_MAX: usize = 65_536;

/// Longest wait for the tree to write its buffers out, before a batch is refused. (A test waits for it.)
const STALL_MAX: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 10_000 });

/// fjall blocks a writer without end at four unwritten buffers or thirty unmerged tables. A batch adds at
/// most two of each, so waiting here, with an end, keeps clear of that.
const SEALED_BUFFERS_MAX: usize = 1;
const UNMERGED_TABLES_MAX: usize = 24;

const SHUT_DOWN: &str = "it is shut down";

type Answer = Result<(), CommitError>;
type Reply = oneshot::Sender<Answer>;

/// The callers' side of the committer.
pub(super) struct CommitterHandle {
    newest: Arc<RwLock<Arc<State>>>,
    requests: Sender<Request>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Request {
    Commit(Prepared, Reply),
    Stop,
}

/// A proposal, made ready on its caller's thread: there are many of those, and one committer.
struct Prepared {
    /// The state that was read.
    state: Arc<State>,
    reads: ReadSet,
    writes: Vec<Write>,
}

/// The last write of a transaction to one key.
struct Write {
    /// For the history and the cache.
    key: Bytes,
    /// For the tree.
    stored_key: UserKey,
    /// A copy: what was handed in may be a part of something larger, and the tree keeps this.
    value: Option<UserValue>,
}

impl CommitterHandle {
    /// Starts the thread on an opened folder.
    pub(super) fn start(opened: OpenedFolder, options: &EmbeddedOptions) -> Result<Self, Error> {
        let OpenedFolder {
            database,
            keyspace,
            lock,
        } = opened;
        let cache = HotCache::new(options.hot_cache_bytes);
        let tables = Arc::new(Tables {
            keyspace,
            cache,
            _lock: lock,
        });
        let state = Arc::new(State {
            number: 0,
            snapshot: database.snapshot(),
            tables,
        });
        let newest = Arc::new(RwLock::new(Arc::clone(&state)));
        let writer = Writer::new(database, state, Arc::clone(&newest));
        let (requests, received) = channel();
        let thread = std::thread::Builder::new()
            .name("kv-committer".to_owned())
            .spawn(move || writer.run(&received))
            .map_err(|error| {
                Error::Unavailable("cannot start its thread".to_owned(), Some(Box::new(error)))
            })?;
        Ok(Self {
            newest,
            requests,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The newest published state.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(
            &self
                .newest
                .read()
                .expect("no code panics while it holds this lock"),
        )
    }

    /// Stops the thread after the requests before this call, and waits for its end.
    pub(super) fn shutdown(&self) {
        let mut thread = self
            .thread
            .lock()
            .expect("no code panics while it holds this lock");
        let Some(thread) = thread.take() else { return };
        // A failed send means that the thread has ended already.
        if self.requests.send(Request::Stop).is_err() || thread.join().is_err() {
            tracing::error!("the committer thread of the key-value store ended early");
        }
    }
}

#[async_trait]
impl Committer for CommitterHandle {
    type State = State;

    async fn commit(&self, proposal: Proposal<State>) -> Answer {
        let (answer, answered) = oneshot::channel();
        if self
            .requests
            .send(Request::Commit(proposal.into(), answer))
            .is_err()
        {
            return Err(CommitError::NotDone(unavailable(SHUT_DOWN)));
        }
        answered.await.unwrap_or_else(|_| {
            Err(CommitError::Unknown(unavailable(
                "its committer ended before it answered",
            )))
        })
    }
}

impl From<Proposal<State>> for Prepared {
    fn from(proposal: Proposal<State>) -> Self {
        let writes = proposal.writes.into_iter().map(|(key, value)| Write {
            stored_key: UserKey::from(key.as_slice()),
            key: key.into(),
            value: value.map(|value| UserValue::from(&*value)),
        });
        Self {
            state: proposal.state,
            reads: proposal.reads,
            writes: writes.collect(),
        }
    }
}

/// The thread's side.
struct Writer {
    database: Database,
    state: Arc<State>,
    newest: Arc<RwLock<Arc<State>>>,
    history: History,
    live: LiveStates<State>,
    /// Why nothing may be written any more.
    read_only: Option<String>,
}

/// Transactions that passed validation, and the answers for those that did not.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    accepted: Vec<Reply>,
    conflicted: Vec<Reply>,
}

/// How a batch ended without success, and why.
#[derive(Debug)]
enum Failure {
    /// Nothing was written, and later batches may succeed.
    Stalled(String),
    /// Nothing was written, and nothing will be until the store is opened again.
    Broken(String),
    /// Something may have been written, and nothing will be until the store is opened again.
    Unknown(String),
}

impl Writer {
    fn new(database: Database, state: Arc<State>, newest: Arc<RwLock<Arc<State>>>) -> Self {
        let mut live = LiveStates::new();
        live.add(state.number, &state);
        let history = History::new(state.number, HISTORY_KEYS_MAX);
        Self {
            database,
            state,
            newest,
            history,
            live,
            read_only: None,
        }
    }

    fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let (proposals, stop) = take_waiting(first, requests);
            self.commit(proposals);
            if stop {
                break;
            }
        }
        while let Ok(Request::Commit(proposal, answer)) = requests.try_recv() {
            refuse(vec![(proposal, answer)], SHUT_DOWN);
        }
    }

    fn commit(&mut self, proposals: Vec<(Prepared, Reply)>) {
        if let Some(reason) = &self.read_only {
            return refuse(proposals, reason);
        }
        let number = self.state.number + 1;
        let batch = self.validate(number, proposals);
        let outcome = if batch.writes.is_empty() {
            Ok(())
        } else {
            self.write(&batch.writes)
        };
        match &outcome {
            Ok(()) => self.publish(number, &batch.writes),
            // The history holds this batch already. Counted as an empty one, it stops nobody who tries again.
            Err(Failure::Stalled(reason)) => {
                tracing::warn!(reason, "a key-value batch was refused");
                self.publish(number, &[]);
            }
            Err(Failure::Broken(reason) | Failure::Unknown(reason)) => {
                tracing::error!(reason, "the key-value store is read-only from now on");
                self.read_only = Some(reason.clone());
            }
        }
        // A failed send means that the caller has gone.
        for answer in batch.accepted {
            let _ = answer.send(outcome.as_ref().copied().map_err(Failure::to_commit_error));
        }
        for answer in batch.conflicted {
            let _ = answer.send(Err(CommitError::Conflict));
        }
    }

    fn validate(&mut self, number: u64, proposals: Vec<(Prepared, Reply)>) -> Batch {
        let mut batch = Batch::default();
        for (proposal, answer) in proposals {
            let Prepared {
                state,
                reads,
                writes,
            } = proposal;
            if self.history.conflicts(&reads, state.number) {
                batch.conflicted.push(answer);
                continue;
            }
            let keys = writes.iter().map(|write| write.key.clone()).collect();
            if self.history.record(number, keys) {
                let again = |earlier: &Write| writes.iter().any(|write| write.key == earlier.key);
                batch.writes.retain(|earlier| !again(earlier));
            }
            batch.writes.extend(writes);
            batch.accepted.push(answer);
        }
        batch
    }

    /// Makes `writes` durable and visible in the tree.
    fn write(&self, writes: &[Write]) -> Result<(), Failure> {
        self.wait_for_room()?;
        let keyspace = &self.state.tables.keyspace;
        let mut batch = OwnedWriteBatch::with_capacity(self.database.clone(), writes.len())
            .durability(Some(PersistMode::SyncData));
        for write in writes {
            let key = write.stored_key.clone();
            match &write.value {
                Some(value) => batch.insert(keyspace, key, value.clone()),
                None => batch.remove(keyspace, key),
            }
        }
        batch.commit().map_err(|error| {
            let reason = format!("a batch could not be written: {error}");
            match error {
                // An earlier failure, found before anything was written.
                fjall::Error::Poisoned => Failure::Broken(reason),
                _ => Failure::Unknown(reason),
            }
        })
    }

    /// Waits until the tree can take a batch without blocking.
    fn wait_for_room(&self) -> Result<(), Failure> {
        let keyspace = &self.state.tables.keyspace;
        let mut since = None;
        while keyspace.sealed_memtable_count() > SEALED_BUFFERS_MAX
            || keyspace.tree.l0_run_count() > UNMERGED_TABLES_MAX
        {
            // The cheapest way to learn whether a background thread failed.
            self.database
                .persist(PersistMode::Buffer)
                .map_err(|error| {
                    Failure::Broken(format!("its buffers cannot be written out: {error}"))
                })?;
            if since.get_or_insert_with(Instant::now).elapsed() > STALL_MAX {
                return Err(Failure::Stalled(
                    "its buffers are not written out".to_owned(),
                ));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Makes batch `number` the newest state. The order matters: see [`super::cache`].
    fn publish(&mut self, number: u64, writes: &[Write]) {
        let tables = Arc::clone(&self.state.tables);
        let written = writes.iter().map(|w| (&w.key[..], w.value.as_deref()));
        tables.cache.apply(number, written);
        let state = State {
            number,
            snapshot: self.database.snapshot(),
            tables,
        };
        self.state = Arc::new(state);
        self.live.add(number, &self.state);
        *self
            .newest
            .write()
            .expect("no code panics while it holds this lock") = Arc::clone(&self.state);
        let oldest = self.live.oldest().unwrap_or(number);
        self.history.forget(oldest);
        self.live.ignore_below(self.history.watermark());
    }
}

impl Failure {
    fn to_commit_error(&self) -> CommitError {
        match self {
            Self::Stalled(reason) | Self::Broken(reason) => {
                CommitError::NotDone(unavailable(reason))
            }
            Self::Unknown(reason) => CommitError::Unknown(unavailable(reason)),
        }
    }
}

fn refuse(proposals: Vec<(Prepared, Reply)>, reason: &str) {
    for (_, answer) in proposals {
        let _ = answer.send(Err(CommitError::NotDone(unavailable(reason))));
    }
}

/// Collects `first` and what waits behind it, up to the bounds of a batch. True when a stop was among them.
fn take_waiting(first: Request, requests: &Receiver<Request>) -> (Vec<(Prepared, Reply)>, bool) {
    let mut taken = Vec::new();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(request) = next {
        let Request::Commit(proposal, answer) = request else {
            return (taken, true);
        };
        let values = proposal.writes.iter().flat_map(|write| &write.value);
        bytes += values.map(|value| value.len()).sum::<usize>();
        taken.push((proposal, answer));
        let full = taken.len() >= BATCH_TRANSACTIONS_MAX || bytes >= BATCH_BYTES_MAX;
        next = if full { None } else { requests.try_recv().ok() };
    }
    (taken, false)
}

fn unavailable(reason: &str) -> Error {
    Error::Unavailable(reason.to_owned(), None)
}

#[cfg(test)]
mod tests {
    use super::super::folder;
    use super::*;
    use crate::view::WriteSet;

    /// Reads and writes `key`.
    async fn touch(committer: &CommitterHandle, key: &[u8]) -> Answer {
        let reads = ReadSet {
            keys: vec![key.to_vec()],
            ranges: Vec::new(),
        };
        let writes = WriteSet::from([(key.to_vec(), Some(Bytes::new()))]);
        committer
            .commit(Proposal {
                state: committer.state(),
                reads,
                writes,
            })
            .await
    }

    #[test]
    fn a_batch_refused_for_want_of_room_succeeds_once_there_is_room() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let place = tempfile::tempdir().unwrap();
        let options = EmbeddedOptions::default();
        let opened = folder::open(place.path(), &options).unwrap();
        let keyspace = opened.keyspace.clone();
        let committer = CommitterHandle::start(opened, &options).unwrap();
        let no_flush = keyspace.tree.get_flush_lock();
        for key in [b"a", b"b"] {
            runtime.block_on(touch(&committer, key)).unwrap();
            keyspace.rotate_memtable().unwrap();
        }
        let refused = runtime.block_on(touch(&committer, b"a"));
        assert!(
            matches!(refused, Err(CommitError::NotDone(_))),
            "{refused:?}"
        );
        drop(no_flush);
        let retried = (0..1_000).find_map(|_| match runtime.block_on(touch(&committer, b"a")) {
            Err(CommitError::NotDone(_)) => None,
            outcome => Some(outcome),
        });
        assert!(matches!(retried, Some(Ok(()))), "{retried:?}");
        committer.shutdown();
    }

    #[test]
    fn of_two_writes_to_one_key_in_one_batch_the_later_stays() {
        let place = tempfile::tempdir().unwrap();
        let options = EmbeddedOptions::default();
        let opened = folder::open(place.path(), &options).unwrap();
        let tables = Tables {
            keyspace: opened.keyspace,
            cache: HotCache::new(0),
            _lock: opened.lock,
        };
        let state = Arc::new(State {
            number: 0,
            snapshot: opened.database.snapshot(),
            tables: Arc::new(tables),
        });
        let newest = Arc::new(RwLock::new(Arc::clone(&state)));
        let mut writer = Writer::new(opened.database, Arc::clone(&state), newest);
        let blind = |pairs: &[(&str, &'static str)]| {
            let pairs = pairs.iter().map(|(key, value)| {
                let value = Bytes::from_static(value.as_bytes());
                (key.as_bytes().to_vec(), Some(value))
            });
            let proposal = Proposal {
                state: Arc::clone(&state),
                reads: ReadSet::default(),
                writes: pairs.collect(),
            };
            (Prepared::from(proposal), oneshot::channel().0)
        };
        let proposals = vec![blind(&[("a", "1"), ("b", "1")]), blind(&[("a", "2")])];
        let batch = writer.validate(1, proposals);
        let written: Vec<_> = batch
            .writes
            .iter()
            .map(|write| (&write.key[..], write.value.as_deref().unwrap()))
            .collect();
        assert_eq!(written, [(&b"b"[..], &b"1"[..]), (b"a", b"2")]);
    }
}
