//! The worker: does what work requests ask for, several at a time, oldest first.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parbuckle_model::{Namespace, WorkRequestId};
use tokio::task::JoinSet;

use super::{KEPT_MILLIS, close_work, find_work, log, write_work};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, StoredTime, TaskRecord, WorkErrorRecord, WorkRecord, WorkStatus};
use crate::{Engine, keys};

/// Work requests at work at the same time.
const SLOTS: usize = 8;

/// Tries of one work request when the stores can't do it for now.
const TRIES_MAX: u32 = 5;

/// Pause before the second try; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(500);

/// Work requests looked at together when old ones are removed.
const PAGE: usize = 1000;

/// A work request that is at work.
pub(super) struct Job {
    pub(super) namespace: Namespace,
    pub(super) id: WorkRequestId,
    /// Who asked for it, on his own authority.
    pub(super) caller: Caller,
    task: TaskRecord,
}

/// How far a job is.
pub(super) struct Progress {
    total: u64,
    /// How much is done between two looks at the work request.
    stride: u64,
    done: AtomicU64,
    /// How much was done at the last look.
    seen: AtomicU64,
}

impl Engine {
    /// Does all work that waits, also what comes while it is at it. What fails does not keep the rest; the last failure
    /// to do it or to write down how it ended is returned.
    pub async fn work_once(self: &Arc<Self>) -> Result<(), Error> {
        let mut running = JoinSet::new();
        let mut begun = HashSet::new();
        let mut failed = None;
        loop {
            let free = SLOTS.saturating_sub(running.len());
            match self.waiting_work(&begun, free).await {
                Ok(waiting) => {
                    for (namespace, id) in waiting {
                        begun.insert(id);
                        let engine = Arc::clone(self);
                        let work = async move { (id, engine.perform(&namespace, &id).await) };
                        running.spawn(work);
                    }
                }
                Err(error) => failed = Some(error),
            }
            tokio::select! {
                done = running.join_next() => match done {
                    None => return failed.map_or(Ok(()), Err),
                    Some(Ok((id, Ok(())))) => {
                        begun.remove(&id);
                    }
                    // It stays begun: the next round takes it up again.
                    Some(Ok((_, Err(error)))) => failed = Some(error),
                    Some(Err(error)) => {
                        let text = format!("a work request: {error}");
                        failed = Some(Error::from(ErrorKind::Internal).because(text));
                    }
                },
                () = self.work_waits.notified() => {}
            }
        }
    }

    /// Removes work requests that ended more than seven days ago. Returns how many.
    pub async fn forget_work(&self) -> Result<usize, Error> {
        let reader = self.kv.snapshot().await?;
        let prefix = keys::namespaces();
        let mut gone = 0;
        for entry in reader.scan(&keys::all(&prefix, usize::MAX)).await? {
            if let Some(namespace) = namespace_in(&entry.key[prefix.len()..]) {
                gone += self.forget_work_of(&namespace).await?;
            }
        }
        Ok(gone)
    }

    async fn forget_work_of(&self, namespace: &Namespace) -> Result<usize, Error> {
        let before = self.now().as_millisecond().saturating_sub(KEPT_MILLIS);
        let mut scan = keys::all(&keys::work_requests(namespace), PAGE);
        let mut gone = 0;
        loop {
            let page = self.kv.snapshot().await?.scan(&scan).await?;
            let mut old = Vec::new();
            let mut more = page.len() == PAGE;
            for entry in &page {
                let work: WorkRecord = records::decode(&entry.value)?;
                // Ids begin with the time: all that follow are younger still.
                if work.time_accepted.as_millisecond() >= before {
                    more = false;
                    break;
                }
                let ended = work.time_finished.map(|time| time.0.as_millisecond());
                if ended.is_some_and(|ended| ended < before) {
                    old.push(entry.key.to_vec());
                }
            }
            let old = &old;
            if !old.is_empty() {
                self.transact("forget_work", |tx| async move {
                    old.iter().for_each(|key| tx.delete(key.clone()));
                    Ok(())
                })
                .await?;
            }
            gone += old.len();
            match page.last().filter(|_| more) {
                Some(last) => scan.start = [&last.key[..], &[0]].concat(),
                None => return Ok(gone),
            }
        }
    }

    /// The oldest work requests that are open and not begun, at most `free` of them.
    async fn waiting_work(
        &self,
        begun: &HashSet<WorkRequestId>,
        free: usize,
    ) -> Result<Vec<(Namespace, WorkRequestId)>, Error> {
        if free == 0 {
            return Ok(Vec::new());
        }
        let prefix = keys::open_work_requests();
        let scan = keys::all(&prefix, begun.len() + free);
        let found = self.kv.snapshot().await?.scan(&scan).await?;
        let waiting = found.iter().filter_map(|entry| {
            let id = <[u8; 16]>::try_from(&entry.key[prefix.len()..]).ok()?;
            Some((namespace_in(&entry.value)?, WorkRequestId::from_bytes(id)))
        });
        let waiting = waiting.filter(|(_, id)| !begun.contains(id));
        Ok(waiting.take(free).collect())
    }

    /// Does the work of one request, and writes down how it ended.
    async fn perform(&self, namespace: &Namespace, id: &WorkRequestId) -> Result<(), Error> {
        if let Some(job) = self.begin_work(namespace, id).await? {
            self.perform_job(&job).await?;
        }
        self.copy_keys.drop_keys(id);
        Ok(())
    }

    async fn perform_job(&self, job: &Job) -> Result<(), Error> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let done = match &job.task {
                TaskRecord::Copy(copy) => self.perform_copy(job, copy).await,
                TaskRecord::Reencrypt(bucket) => self.perform_reencrypt(job, bucket).await,
            };
            match done {
                Ok(()) => break,
                Err(error) if attempt < TRIES_MAX && may_pass(&error) => {
                    tracing::warn!(
                        work_request = %job.id,
                        cause = error.cause().unwrap_or_default(),
                        "a work request is tried again: {error}"
                    );
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return self.end_work(job, &error).await,
            }
        }
        Ok(())
    }

    /// Takes a work request up, for the first time or again after a restart; nothing if there is nothing to do.
    async fn begin_work(
        &self,
        namespace: &Namespace,
        id: &WorkRequestId,
    ) -> Result<Option<Job>, Error> {
        let now = self.now();
        self.transact("begin_work", |tx| async move {
            let Some(mut work) = find_work(tx.reader(), namespace, id).await? else {
                tx.delete(keys::open_work_request(id));
                return Ok(None);
            };
            match work.status {
                WorkStatus::Accepted => log(&mut work, "Begun", now),
                WorkStatus::InProgress if tx.may_have_happened() => {}
                WorkStatus::InProgress => log(&mut work, "Begun again after an interruption", now),
                WorkStatus::Canceling => {
                    close_work(&tx, work, WorkStatus::Canceled, "Cancelled", now).await?;
                    return Ok(None);
                }
                WorkStatus::Failed | WorkStatus::Completed | WorkStatus::Canceled => {
                    tx.delete(keys::open_work_request(id));
                    return Ok(None);
                }
            }
            work.status = WorkStatus::InProgress;
            work.percent = 0;
            work.time_started.get_or_insert(StoredTime(now));
            write_work(&tx, &work);
            Ok(Some(Job {
                namespace: namespace.clone(),
                id: *id,
                caller: Caller::of_work(&work.requester),
                task: work.task,
            }))
        })
        .await
    }

    /// Ends a work request without success: cancelled if that was asked for, else failed.
    async fn end_work(&self, job: &Job, error: &Error) -> Result<(), Error> {
        let now = self.now();
        let canceled = self
            .transact("end_work", |tx| async move {
                let work = find_work(tx.reader(), &job.namespace, &job.id).await?;
                match work {
                    Some(work) if work.status == WorkStatus::Canceling => {
                        close_work(&tx, work, WorkStatus::Canceled, "Cancelled", now).await?;
                        Ok(true)
                    }
                    Some(mut work) if work.status == WorkStatus::InProgress => {
                        work.errors.push(WorkErrorRecord::new(error, now));
                        close_work(&tx, work, WorkStatus::Failed, "Failed", now).await?;
                        Ok(false)
                    }
                    // An earlier run of this has ended it.
                    Some(_) | None => Ok(true),
                }
            })
            .await?;
        if !canceled {
            tracing::warn!(
                work_request = %job.id,
                cause = error.cause().unwrap_or_default(),
                "a work request failed: {error}"
            );
        }
        Ok(())
    }

    /// Counts what a job has done. From time to time it writes down how far that is, and stops a job that was cancelled,
    /// with [`ErrorKind::WorkRequestEnded`].
    pub(super) async fn advance(
        &self,
        job: &Job,
        progress: &Progress,
        more: u64,
    ) -> Result<(), Error> {
        let done = progress.done.fetch_add(more, Ordering::Relaxed) + more;
        if done - progress.seen.load(Ordering::Relaxed) < progress.stride {
            return Ok(());
        }
        progress.seen.store(done, Ordering::Relaxed);
        let percent = progress.percent(done);
        self.transact("advance_work", |tx| async move {
            let work = find_work(tx.reader(), &job.namespace, &job.id).await?;
            match work {
                Some(mut work) if work.status == WorkStatus::InProgress => {
                    if work.percent < percent {
                        work.percent = percent;
                        write_work(&tx, &work);
                    }
                    Ok(())
                }
                Some(_) | None => Err(ErrorKind::WorkRequestEnded.into()),
            }
        })
        .await
    }
}

impl Job {
    /// Nothing of `total` is done yet. `stride` is how much shall be done between two looks at the work request: has it
    /// been cancelled, how far is it.
    pub(super) fn progress(&self, total: u64, stride: u64) -> Progress {
        Progress::new(total, stride)
    }
}

impl Progress {
    fn new(total: u64, stride: u64) -> Self {
        Self {
            total,
            stride,
            done: AtomicU64::new(0),
            seen: AtomicU64::new(0),
        }
    }

    /// Below 100: what is not written down as completed is not complete.
    fn percent(&self, done: u64) -> u8 {
        let percent = done.saturating_mul(100) / self.total.max(1);
        u8::try_from(percent.min(99)).unwrap_or(99)
    }
}

/// Whether the same work may succeed a little later.
fn may_pass(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable | ErrorKind::ConcurrentUpdate
    )
}

fn namespace_in(bytes: &[u8]) -> Option<Namespace> {
    Namespace::parse(std::str::from_utf8(bytes).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_a_percentage_that_reaches_99_and_no_more() {
        let progress = |total| Progress::new(total, 1);
        assert_eq!(progress(200).percent(0), 0);
        assert_eq!(progress(200).percent(101), 50);
        assert_eq!(progress(200).percent(200), 99);
        assert_eq!(progress(0).percent(0), 0);
        assert_eq!(progress(10 << 40).percent(9 << 40), 90);
    }
}
