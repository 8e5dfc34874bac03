//! Work requests as users see and cancel them.
//!
//! Rights are asked where the bucket that is worked on lay when the work was accepted, with its name and the object's.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::Target;
use parbuckle_kv::{Reader, Scan};
use parbuckle_model::{Namespace, Ocid, PageLimit, PageToken, WorkRequestId};

use super::{StorageWorkRequest, WorkError, WorkLog, close_work, find_work, log, write_work};
use crate::authority::{Concern, Need, Standing};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, TaskRecord, WorkRecord, WorkStatus};
use crate::{Engine, Page, keys};

/// Work requests looked through at a time.
const SCAN_PAGE: usize = 1000;

impl Engine {
    /// A work request. A missing one and one that the caller may not see are [`ErrorKind::NotAuthorizedOrNotFound`].
    pub async fn work_request(
        &self,
        caller: &Caller,
        id: &WorkRequestId,
    ) -> Result<StorageWorkRequest, Error> {
        let reader = self.kv.snapshot().await?;
        let (operation, permission) = (Operation::GetWorkRequest, Permission::ObjectRead);
        let work = self.permitted_work(&*reader, caller, id, operation, permission);
        Ok(work.await?.into())
    }

    /// A page of the work requests on buckets of a compartment, youngest first.
    pub async fn work_requests(
        &self,
        caller: &Caller,
        compartment: &Ocid,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<StorageWorkRequest>, Error> {
        let reader = self.kv.snapshot().await?;
        let standing = self.standing_of(&*reader, caller).await?;
        let need = Need::All(&[Permission::ObjectInspect]);
        standing
            .holds(Operation::ListWorkRequests, need, Concern::of(compartment))
            .map_err(refused)?;
        let namespace = &standing.user.namespace;
        let mut scan = youngest_first(namespace, page);
        let mut items: Vec<StorageWorkRequest> = Vec::new();
        loop {
            let found = reader.scan(&scan).await?;
            for entry in &found {
                let work: WorkRecord = records::decode(&entry.value)?;
                if work.compartment != *compartment {
                    continue;
                }
                if items.len() == limit.value() {
                    let last = items.last().map(|last| last.id.as_bytes().to_vec());
                    let next = last.map(PageToken::new);
                    return Ok(Page { items, next });
                }
                items.push(work.into());
            }
            match found.last() {
                Some(last) if found.len() == SCAN_PAGE => scan.end = last.key.to_vec(),
                _ => return Ok(Page { items, next: None }),
            }
        }
    }

    /// Cancels a work request: one that waits ends at once, one at work soon. One that has ended is refused with
    /// [`ErrorKind::WorkRequestEnded`]; cancelling twice is no error.
    pub async fn cancel_work_request(
        &self,
        caller: &Caller,
        id: &WorkRequestId,
    ) -> Result<(), Error> {
        let (operation, permission) = (Operation::CancelWorkRequest, Permission::ObjectDelete);
        let now = self.now();
        let ended = self
            .transact("cancel_work_request", |tx| async move {
                let work = self.permitted_work(tx.reader(), caller, id, operation, permission);
                let mut work = work.await?;
                match work.status {
                    WorkStatus::Accepted => {
                        let message = "Cancelled before it began";
                        close_work(&tx, work, WorkStatus::Canceled, message, now).await?;
                        Ok(true)
                    }
                    WorkStatus::InProgress => {
                        work.status = WorkStatus::Canceling;
                        log(&mut work, "Cancellation was asked for", now);
                        write_work(&tx, &work);
                        Ok(false)
                    }
                    WorkStatus::Canceling => Ok(false),
                    WorkStatus::Canceled if tx.may_have_happened() => Ok(true),
                    WorkStatus::Failed | WorkStatus::Completed | WorkStatus::Canceled => {
                        Err(ErrorKind::WorkRequestEnded.into())
                    }
                }
            })
            .await?;
        if ended {
            self.copy_keys.drop_keys(id);
        }
        Ok(())
    }

    /// Why a work request failed, oldest first.
    pub async fn work_request_errors(
        &self,
        caller: &Caller,
        id: &WorkRequestId,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<WorkError>, Error> {
        let reader = self.kv.snapshot().await?;
        let (operation, permission) = (Operation::ListWorkRequestErrors, Permission::ObjectRead);
        let work = self.permitted_work(&*reader, caller, id, operation, permission);
        let errors = work.await?.errors.into_iter().map(|error| WorkError {
            failure: error.failure,
            message: error.message,
            time: error.time,
        });
        cut(errors, page, limit)
    }

    /// What has happened to a work request, oldest first.
    pub async fn work_request_logs(
        &self,
        caller: &Caller,
        id: &WorkRequestId,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<WorkLog>, Error> {
        let reader = self.kv.snapshot().await?;
        let (operation, permission) = (Operation::ListWorkRequestLogs, Permission::ObjectRead);
        let work = self.permitted_work(&*reader, caller, id, operation, permission);
        let logs = work.await?.logs.into_iter().map(|line| WorkLog {
            message: line.message,
            time: line.time,
        });
        cut(logs, page, limit)
    }

    async fn permitted_work(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        id: &WorkRequestId,
        operation: Operation,
        permission: Permission,
    ) -> Result<WorkRecord, Error> {
        let standing = self.standing_of(reader, caller).await?;
        let work = find_work(reader, &standing.user.namespace, id).await?;
        let work = work.ok_or_else(|| refused("there is no such work request".to_owned()))?;
        let (bucket, object) = subject(&work.task);
        let concern = Concern {
            target: Target {
                bucket_name: Some(bucket),
                object_name: object,
                ..Target::default()
            },
            ..Concern::of(&work.compartment)
        };
        standing
            .holds(operation, Need::All(&[permission]), concern)
            .map_err(refused)?;
        Ok(work)
    }

    async fn standing_of(&self, reader: &dyn Reader, caller: &Caller) -> Result<Standing, Error> {
        self.standing(reader, caller).await?.map_err(refused)
    }
}

/// The bucket that is worked on, and the object.
fn subject(task: &TaskRecord) -> (&str, Option<&str>) {
    match task {
        TaskRecord::Copy(copy) => {
            let (bucket, object) = (&copy.source.bucket, &copy.source.object);
            (bucket.as_str(), Some(object.as_str()))
        }
        TaskRecord::Reencrypt(record) => (record.bucket.as_str(), None),
    }
}

/// The scan of a tenancy's work requests; ids begin with the time.
fn youngest_first(namespace: &Namespace, page: Option<&PageToken>) -> Scan {
    let prefix = keys::work_requests(namespace);
    let mut scan = keys::all(&prefix, SCAN_PAGE);
    scan.reverse = true;
    if let Some(page) = page {
        scan.end = [&prefix, page.position()].concat();
    }
    scan
}

/// One page of a short list; the cursor is the number of items before it.
fn cut<T>(
    items: impl Iterator<Item = T>,
    page: Option<&PageToken>,
    limit: PageLimit,
) -> Result<Page<T>, Error> {
    let skipped = match page {
        None => 0,
        Some(page) => {
            let number = <[u8; 4]>::try_from(page.position()).map(u32::from_be_bytes);
            let text = "page is not a page token of this list";
            number.map_err(|_| ErrorKind::InvalidParameter(text.to_owned()))?
        }
    };
    let mut rest = items.skip(skipped as usize);
    let items: Vec<T> = rest.by_ref().take(limit.value()).collect();
    let before = skipped.saturating_add(items.len() as u32);
    let next = rest
        .next()
        .map(|_| PageToken::new(before.to_be_bytes().to_vec()));
    Ok(Page { items, next })
}

fn refused(cause: String) -> Error {
    Error::from(ErrorKind::NotAuthorizedOrNotFound).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_list_is_cut_into_pages_that_join_up() {
        let limit = PageLimit::parse("2").unwrap();
        let (mut seen, mut page) = (Vec::new(), None);
        loop {
            let part = cut(0..5, page.as_ref(), limit).unwrap();
            assert!(part.items.len() <= 2);
            seen.extend(part.items);
            page = part.next;
            if page.is_none() {
                break;
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_page_token_of_another_list_is_refused() {
        let page = PageToken::new(vec![1; 16]);
        let error = cut(0..5, Some(&page), PageLimit::default()).err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::InvalidParameter(_)));
    }
}
