//! Work requests of the identity service: what OCI does in the background is done here when it is answered.

use jiff::Timestamp;
use parbuckle_iam::permission::Operation;
use parbuckle_model::{Namespace, Ocid, PageLimit, PageToken};

use super::admission::{record, records_under, refused};
use crate::authority::Concern;
use crate::caller::Caller;
use crate::error::Error;
use crate::records::{WorkOperation, WorkRequestRecord, kind};
use crate::transact::Tx;
use crate::{Engine, Page, keys};

/// A work request. It has always succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkRequest {
    /// Its OCID.
    pub id: Ocid,
    /// What was done.
    pub operation: WorkOperation,
    /// The compartment it was done to.
    pub resource: Ocid,
    /// The compartment above it then.
    pub compartment: Ocid,
    /// When.
    pub time: Timestamp,
}

impl From<WorkRequestRecord> for WorkRequest {
    fn from(r: WorkRequestRecord) -> Self {
        Self {
            id: r.id,
            operation: r.operation,
            resource: r.resource,
            compartment: r.compartment,
            time: r.time,
        }
    }
}

impl Engine {
    /// A work request. Whoever asked for the work may see it.
    pub async fn identity_work_request(
        &self,
        caller: &Caller,
        id: &Ocid,
    ) -> Result<WorkRequest, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        let key = keys::identity(admin.namespace(), kind::WORK_REQUEST, &[id.as_str()]);
        let found = record::<WorkRequestRecord>(&*reader, key).await?;
        let found = found.ok_or_else(|| refused("there is no such work request"))?;
        let concern = Concern {
            owner: Some(&found.accepted_from),
            ..Concern::of(&found.compartment)
        };
        admin.admit(Operation::IdentityGetWorkRequest, concern)?;
        Ok(found.into())
    }

    /// A page of the work requests of a compartment, youngest first; with `resource` only those about it.
    pub async fn identity_work_requests(
        &self,
        caller: &Caller,
        compartment: &Ocid,
        resource: Option<&Ocid>,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<WorkRequest>, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        admin.admit(
            Operation::IdentityListWorkRequests,
            Concern::of(compartment),
        )?;
        let prefix = keys::identity_prefix(admin.namespace(), kind::WORK_REQUEST, &[]);
        let mut found: Vec<WorkRequestRecord> = records_under(&*reader, &prefix).await?;
        found.retain(|work| {
            work.compartment == *compartment && resource.is_none_or(|id| work.resource == *id)
        });
        found.sort_by_key(|work| std::cmp::Reverse(position(work)));
        if let Some(page) = page {
            found.retain(|work| position(work).as_slice() < page.position());
        }
        let more = found.len() > limit.value();
        found.truncate(limit.value());
        let next = found.last().filter(|_| more).map(position);
        Ok(Page {
            items: found.into_iter().map(WorkRequest::from).collect(),
            next: next.map(PageToken::new),
        })
    }
}

/// Whether an earlier run of this request has done the work.
pub(crate) async fn done_before(
    tx: &Tx,
    namespace: &Namespace,
    work: &Ocid,
) -> Result<bool, Error> {
    let key = keys::identity(namespace, kind::WORK_REQUEST, &[work.as_str()]);
    Ok(record::<WorkRequestRecord>(tx.reader(), key)
        .await?
        .is_some())
}

/// Writes down work that this transaction does.
pub(crate) fn write_work(tx: &Tx, namespace: &Namespace, work: &WorkRequestRecord) {
    let key = keys::identity(namespace, kind::WORK_REQUEST, &[work.id.as_str()]);
    tx.put(key, work);
}

/// By age, then by id.
fn position(work: &WorkRequestRecord) -> Vec<u8> {
    let mut position = (work.time.as_millisecond() as u64 ^ 1 << 63)
        .to_be_bytes()
        .to_vec();
    position.extend_from_slice(work.id.as_str().as_bytes());
    position
}
