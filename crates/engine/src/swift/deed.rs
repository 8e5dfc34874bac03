//! What a caller may do, for requests whose form is wrong: rights, and what must be there, come before form.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::Namespace;

use super::object::missing;
use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::existing_object;
use crate::{BucketPath, Engine, ObjectPath};

/// What a request would do if its form were right.
#[derive(Debug, Clone, Copy)]
pub enum Deed<'a> {
    /// See an account.
    SeeAccount(&'a Namespace),
    /// Change an account.
    ChangeAccount(&'a Namespace),
    /// See a container, which must be there.
    SeeContainer(&'a BucketPath),
    /// Make a container, or change the one that is there.
    PutContainer(&'a BucketPath),
    /// Change a container. Whether it is there is not asked: its absence comes after the form.
    ChangeContainer(&'a BucketPath),
    /// Read an object, which must be there.
    ReadObject(&'a ObjectPath),
    /// Put an object, or change one, in a container that must be there.
    WriteObject(&'a ObjectPath),
    /// Put an object, which must not be there.
    MakeObject(&'a ObjectPath),
    /// Change an object, which must be there.
    ChangeObject(&'a ObjectPath),
    /// Delete an object, in a container that must be there.
    DeleteObject(&'a ObjectPath),
}

impl Engine {
    /// Whether a caller may do something, and what must be there is there; nothing is done. The refusals are those of the
    /// operation itself.
    pub async fn swift_may(&self, caller: &Caller, deed: Deed<'_>) -> Result<(), Error> {
        let reader = self.kv.snapshot().await?;
        let reader = &*reader;
        match deed {
            Deed::SeeAccount(namespace) => self.sight(reader, caller, namespace).await.map(|_| ()),
            Deed::ChangeAccount(namespace) => {
                self.require_account_owner(reader, caller, namespace).await
            }
            Deed::SeeContainer(path) => {
                let access = self.enter(reader, caller, path).await?;
                let need = Need::All(&[Permission::BucketRead]);
                access.require(Operation::GetBucket, need, Act::Manage)?;
                Ok(())
            }
            Deed::PutContainer(path) => match self.enter_as_owner(reader, caller, path).await {
                Err(error) if is_missing_container(&error) => {
                    let made = self.require_new_container(reader, caller, path).await;
                    made.map(|_| ())
                }
                done => done.map(|_| ()),
            },
            Deed::ChangeContainer(path) => match self.enter_as_owner(reader, caller, path).await {
                Err(error) if is_missing_container(&error) => Ok(()),
                done => done.map(|_| ()),
            },
            Deed::ReadObject(path) => {
                let found = self.find_object(caller, path, Operation::GetObject).await?;
                found.map(|_| ()).ok_or_else(|| missing(path))
            }
            Deed::WriteObject(path) => self.may_write(reader, caller, path).await.map(|_| ()),
            Deed::MakeObject(path) => match self.may_write(reader, caller, path).await? {
                true => Err(ErrorKind::IfNoneMatchFailed.into()),
                false => Ok(()),
            },
            Deed::ChangeObject(path) => match self.may_write(reader, caller, path).await? {
                true => Ok(()),
                false => Err(missing(path)),
            },
            Deed::DeleteObject(path) => {
                let access = self.enter(reader, caller, &path.bucket).await?;
                let need = Need::All(&[Permission::ObjectDelete]);
                let act = Act::ManageObject(&path.object);
                access.require(Operation::DeleteObject, need, act)?;
                Ok(())
            }
        }
    }

    /// Whether the object is there, for whoever may write it.
    async fn may_write(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        path: &ObjectPath,
    ) -> Result<bool, Error> {
        let access = self.enter(reader, caller, &path.bucket).await?;
        let need = Need::Any(&[Permission::ObjectCreate, Permission::ObjectOverwrite]);
        access.require(Operation::PutObject, need, Act::WriteObject(&path.object))?;
        let found = existing_object(reader, path, &access.bucket.id).await?;
        let now = self.now();
        Ok(found.is_some_and(|found| found.unless_expired(now).is_some()))
    }
}

fn is_missing_container(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::BucketNotFound { .. })
}
