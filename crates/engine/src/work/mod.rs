//! Work requests: what goes on behind a reply (wire reference 3.6, 4.5).
//!
//! A request that needs one writes its record and a mark, in one transaction, and wakes the worker. The worker acts as the
//! user who asked, on his own authority as it is then; what it does becomes visible in the transaction that also ends the
//! work request. So work is done once however often it is begun: after a restart, a lost answer, a failure that passes.

mod copy;
mod customer;
mod kept;
mod reencrypt;
mod show;
mod worker;

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_kv::Reader;
use parbuckle_model::{Namespace, Ocid, WorkRequestId};

use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{
    self, RequesterRecord, StoredTime, TaskRecord, WorkErrorRecord, WorkFailure, WorkLogRecord,
    WorkRecord, WorkStatus,
};
use crate::transact::Tx;
use crate::{BucketPath, ObjectPath, keys};

pub use copy::CopyObject;
pub use customer::CopyKeys;
pub(crate) use customer::HeldKeys;

/// How long a work request is kept after its end, in milliseconds: seven days.
const KEPT_MILLIS: i64 = 7 * 24 * 3600 * 1000;

/// A work request of the object storage service.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageWorkRequest {
    /// Its id.
    pub id: WorkRequestId,
    /// What is done.
    pub work: StorageWork,
    /// Where it stands.
    pub status: WorkStatus,
    /// The compartment of the bucket it works on, when it was accepted.
    pub compartment: Ocid,
    /// How much of it is done: 0 to 100.
    pub percent: u8,
    /// When it was asked for.
    pub time_accepted: Timestamp,
    /// When it was first begun.
    pub time_started: Option<Timestamp>,
    /// When it ended.
    pub time_finished: Option<Timestamp>,
}

/// What a work request does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageWork {
    /// It copies an object.
    Copy {
        /// From here.
        source: ObjectPath,
        /// To here.
        destination: ObjectPath,
    },
    /// It encrypts all objects of a bucket anew.
    Reencrypt(BucketPath),
}

/// Why a work request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkError {
    /// The kind of error.
    pub failure: WorkFailure,
    /// In words for the requester.
    pub message: String,
    /// When.
    pub time: Timestamp,
}

/// One line of what has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkLog {
    /// In words.
    pub message: String,
    /// When.
    pub time: Timestamp,
}

impl From<WorkRecord> for StorageWorkRequest {
    fn from(record: WorkRecord) -> Self {
        Self {
            id: record.id,
            work: match &record.task {
                TaskRecord::Copy(copy) => StorageWork::Copy {
                    source: (&copy.source).into(),
                    destination: (&copy.destination).into(),
                },
                TaskRecord::Reencrypt(record) => StorageWork::Reencrypt(record.into()),
            },
            status: record.status,
            compartment: record.compartment,
            percent: record.percent,
            time_accepted: record.time_accepted,
            time_started: record.time_started.map(|time| time.0),
            time_finished: record.time_finished.map(|time| time.0),
        }
    }
}

/// The work request, if it is there.
async fn find_work(
    reader: &dyn Reader,
    namespace: &Namespace,
    id: &WorkRequestId,
) -> Result<Option<WorkRecord>, Error> {
    let key = keys::work_request(namespace, id);
    records::decode_optional(reader.get_many(&[key]).await?.pop().flatten().as_ref())
}

/// Writes a new work request of a user, and marks it for the worker.
fn open_work(
    tx: &Tx,
    id: WorkRequestId,
    caller: &Caller,
    compartment: Ocid,
    task: TaskRecord,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(user) = caller.user() else {
        let text = "only a user on his own authority may";
        return Err(Error::from(ErrorKind::NotAuthorizedOrNotFound).because(text));
    };
    let requester = RequesterRecord {
        namespace: user.namespace.clone(),
        user: user.user.clone(),
        credential: user.credential,
    };
    let mark = Bytes::copy_from_slice(user.namespace.as_str().as_bytes());
    tx.put_raw(keys::open_work_request(&id), mark);
    let mut work = WorkRecord {
        id,
        status: WorkStatus::Accepted,
        compartment,
        requester,
        task,
        time_accepted: now,
        time_started: None,
        time_finished: None,
        percent: 0,
        logs: Vec::new(),
        errors: Vec::new(),
    };
    log(&mut work, "Accepted", now);
    write_work(tx, &work);
    Ok(())
}

/// Writes a work request.
fn write_work(tx: &Tx, work: &WorkRecord) {
    tx.put(
        keys::work_request(&work.requester.namespace, &work.id),
        work,
    );
}

/// Ends a work request: the worker does not look at it again, and what it has kept goes.
async fn close_work(
    tx: &Tx,
    mut work: WorkRecord,
    status: WorkStatus,
    message: &str,
    time: Timestamp,
) -> Result<(), Error> {
    if matches!(work.task, TaskRecord::Copy(_)) {
        kept::release_source(tx, &work).await?;
    }
    work.status = status;
    work.time_finished = Some(StoredTime(time));
    if status == WorkStatus::Completed {
        work.percent = 100;
    }
    log(&mut work, message, time);
    write_work(tx, &work);
    tx.delete(keys::open_work_request(&work.id));
    Ok(())
}

fn log(work: &mut WorkRecord, message: &str, time: Timestamp) {
    work.logs.push(WorkLogRecord {
        message: message.to_owned(),
        time,
    });
}

impl WorkErrorRecord {
    fn new(error: &Error, time: Timestamp) -> Self {
        Self {
            failure: failure_of(error.kind()),
            message: error.to_string(),
            time,
        }
    }
}

/// What a work request says of an error that ended it.
fn failure_of(kind: &ErrorKind) -> WorkFailure {
    match kind {
        ErrorKind::NamespaceNotFound => WorkFailure::NamespaceNotFound,
        ErrorKind::BucketNotFound { .. } => WorkFailure::BucketNotFound,
        ErrorKind::ObjectNotFound { .. } => WorkFailure::ObjectNotFound,
        ErrorKind::ObjectArchived { .. } => WorkFailure::ObjectArchived,
        ErrorKind::ObjectRetained { .. } => WorkFailure::ObjectRetained,
        ErrorKind::BucketReadOnly(_) => WorkFailure::BucketReadOnly,
        ErrorKind::BucketStateConflict(_) => WorkFailure::BucketStateConflict,
        ErrorKind::IfMatchFailed => WorkFailure::IfMatchFailed,
        ErrorKind::IfNoneMatchFailed => WorkFailure::IfNoneMatchFailed,
        ErrorKind::CustomerKeyRefused(_) => WorkFailure::CustomerKeyRefused,
        ErrorKind::InvalidParameter(_) => WorkFailure::InvalidParameter,
        ErrorKind::NotImplemented(_) => WorkFailure::NotImplemented,
        ErrorKind::ConcurrentUpdate => WorkFailure::ConcurrentUpdate,
        ErrorKind::Unavailable => WorkFailure::Unavailable,
        // No work ends with one of the others, unless the service is broken.
        _ => WorkFailure::Internal,
    }
}
