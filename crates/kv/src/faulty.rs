//! A wrapper that makes any store fail by plan, so that callers' handling of failures can be tested.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{CommitError, Entry, Error, GroupScan, Reader, Row, Scan, Store, Transaction, Visit};

/// What happens to one read (a `get_many`, `scan` or `scan_groups`, of a reader or a transaction).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFault {
    /// It fails with [`Error::Unavailable`].
    Unavailable,
    /// It fails with [`Error::Damaged`].
    Damaged,
    /// It is answered after this time, on the runtime's clock.
    Delay(Duration),
    /// It is never answered.
    Never,
}

/// What happens to one commit of a transaction that wrote something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// Nothing is written; the caller learns that.
    NotDone,
    /// Nothing is written; the caller is told of a conflict that did not happen.
    Conflict,
    /// Everything is written; the caller is told that the outcome is unknown.
    UnknownApplied,
    /// Nothing is written; the caller is told that the outcome is unknown.
    UnknownNotApplied,
    /// It begins after this time, on the runtime's clock.
    Delay(Duration),
    /// Nothing is written and no answer comes.
    Never,
}

/// The plan of one or more [`FaultyStore`]s. Clones share it. It starts without faults.
///
/// Reads and commits are counted in the order in which they begin. A commit counts if its transaction wrote
/// something; commits without writes have no fault of their own. Commits run one at a time.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    /// Held across each commit, so that a power cut falls between two of them.
    commit_turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Plan {
    /// Reads and commits begun so far.
    reads: u64,
    commits: u64,
    read_faults: BTreeMap<u64, ReadFault>,
    commit_faults: BTreeMap<u64, CommitFault>,
    /// The power goes when this many commits were written; counted down.
    commits_left: Option<u64>,
    power_is_cut: bool,
}

impl Faults {
    /// A plan without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans `fault` for the `nth` read from now; the next one is 1.
    pub fn on_read(&self, nth: u64, fault: ReadFault) {
        let mut plan = self.plan();
        let read = plan.reads + nth;
        plan.read_faults.insert(read, fault);
    }

    /// Plans `fault` for the `nth` commit from now; the next one is 1.
    pub fn on_commit(&self, nth: u64, fault: CommitFault) {
        let mut plan = self.plan();
        let commit = plan.commits + nth;
        plan.commit_faults.insert(commit, fault);
    }

    /// Cuts the power once `count` further commits were written, or now if `count` is zero. The last of them
    /// is still answered; from then on every call fails with [`Error::Unavailable`] and nothing reaches the
    /// inner store, which holds what was committed.
    pub fn cut_power_after(&self, count: u64) {
        let mut plan = self.plan();
        plan.commits_left = Some(count);
        plan.power_is_cut = count == 0;
    }

    /// Reads begun so far.
    pub fn reads(&self) -> u64 {
        self.plan().reads
    }

    /// Commits with writes begun so far.
    pub fn commits(&self) -> u64 {
        self.plan().commits
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn check_power(&self) -> Result<(), Error> {
        if self.plan().power_is_cut {
            Err(unavailable("the power is cut"))
        } else {
            Ok(())
        }
    }

    async fn before_read(&self) -> Result<(), Error> {
        self.check_power()?;
        let fault = {
            let mut plan = self.plan();
            plan.reads += 1;
            let read = plan.reads;
            plan.read_faults.remove(&read)
        };
        match fault {
            None => return Ok(()),
            Some(ReadFault::Unavailable) => return Err(unavailable("a planned fault")),
            Some(ReadFault::Damaged) => {
                return Err(Error::Damaged("a planned fault".to_owned(), None));
            }
            Some(ReadFault::Delay(time)) => tokio::time::sleep(time).await,
            Some(ReadFault::Never) => std::future::pending().await,
        }
        self.check_power()
    }

    fn next_commit_fault(&self) -> Option<CommitFault> {
        let mut plan = self.plan();
        plan.commits += 1;
        let commit = plan.commits;
        plan.commit_faults.remove(&commit)
    }

    fn after_written_commit(&self) {
        let mut plan = self.plan();
        if let Some(left) = &mut plan.commits_left {
            *left = left.saturating_sub(1);
            plan.power_is_cut = *left == 0;
        }
    }
}

/// A store that behaves like the one inside it, except for the faults of its plan.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: Faults,
}

impl FaultyStore {
    /// Wraps `inner`; `faults` can be changed at any time.
    pub fn new(inner: Arc<dyn Store>, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for FaultyStore {
    async fn snapshot(&self) -> Result<Arc<dyn Reader>, Error> {
        self.faults.check_power()?;
        let inner = self.inner.snapshot().await?;
        Ok(Arc::new(FaultyReader {
            inner,
            faults: self.faults.clone(),
        }))
    }

    async fn begin(&self) -> Result<Arc<dyn Transaction>, Error> {
        self.faults.check_power()?;
        let inner = self.inner.begin().await?;
        let (faults, wrote) = (self.faults.clone(), AtomicBool::new(false));
        Ok(Arc::new(FaultyTransaction {
            inner,
            faults,
            wrote,
        }))
    }
}

struct FaultyReader {
    inner: Arc<dyn Reader>,
    faults: Faults,
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Reader for FaultyReader {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>, Error> {
        self.faults.before_read().await?;
        self.inner.get_many(keys).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<Entry>, Error> {
        self.faults.before_read().await?;
        self.inner.scan(scan).await
    }

    async fn visit(&self, scan: &Scan, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.faults.before_read().await?;
        self.inner.visit(scan, visit).await
    }

    async fn scan_groups(&self, scan: &GroupScan) -> Result<Vec<Row>, Error> {
        self.faults.before_read().await?;
        self.inner.scan_groups(scan).await
    }
}

struct FaultyTransaction {
    inner: Arc<dyn Transaction>,
    faults: Faults,
    wrote: AtomicBool,
}

impl FaultyTransaction {
    async fn commit_for_real(&self) -> Result<(), CommitError> {
        let _turn = self.faults.commit_turn.lock().await;
        self.faults.check_power().map_err(CommitError::NotDone)?;
        let done = self.inner.commit().await;
        if done.is_ok() {
            self.faults.after_written_commit();
        }
        done
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Reader for FaultyTransaction {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>, Error> {
        self.faults.before_read().await?;
        self.inner.get_many(keys).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Vec<Entry>, Error> {
        self.faults.before_read().await?;
        self.inner.scan(scan).await
    }

    async fn visit(&self, scan: &Scan, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.faults.before_read().await?;
        self.inner.visit(scan, visit).await
    }

    async fn scan_groups(&self, scan: &GroupScan) -> Result<Vec<Row>, Error> {
        self.faults.before_read().await?;
        self.inner.scan_groups(scan).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Transaction for FaultyTransaction {
    fn put(&self, key: Vec<u8>, value: Bytes) {
        self.wrote.store(true, Ordering::Relaxed);
        self.inner.put(key, value);
    }

    fn delete(&self, key: Vec<u8>) {
        self.wrote.store(true, Ordering::Relaxed);
        self.inner.delete(key);
    }

    async fn commit(&self) -> Result<(), CommitError> {
        self.faults.check_power().map_err(CommitError::NotDone)?;
        if !self.wrote.load(Ordering::Relaxed) {
            return self.inner.commit().await;
        }
        let fault = || unavailable("a planned fault");
        match self.faults.next_commit_fault() {
            None => self.commit_for_real().await,
            Some(CommitFault::NotDone) => Err(CommitError::NotDone(fault())),
            Some(CommitFault::Conflict) => Err(CommitError::Conflict),
            Some(CommitFault::UnknownApplied) => {
                self.commit_for_real().await?;
                Err(CommitError::Unknown(fault()))
            }
            Some(CommitFault::UnknownNotApplied) => Err(CommitError::Unknown(fault())),
            Some(CommitFault::Delay(time)) => {
                tokio::time::sleep(time).await;
                self.commit_for_real().await
            }
            Some(CommitFault::Never) => std::future::pending().await,
        }
    }
}

fn unavailable(reason: &str) -> Error {
    Error::Unavailable(reason.to_owned(), None)
}
