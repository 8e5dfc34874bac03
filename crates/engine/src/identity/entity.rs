//! What happens alike to users, groups, policies, compartments and dynamic groups.

use std::ops::ControlFlow::{self, Break, Continue};

use parbuckle_iam::permission::Operation;
use parbuckle_iam::policy::Target;
use parbuckle_kv::Reader;
use parbuckle_model::{ETag, Namespace, Ocid, Preconditions};

use super::admission::{conflict, namespace_of, record, refused, touch_identity};
use super::listing::LifecycleState;
use super::retry::{RetryToken, invalidated};
use super::text::{check_description, check_name, check_tags};
use crate::authority::{Concern, Standing};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::Entity;
use crate::transact::Tx;
use crate::{Engine, keys};

/// What every new resource of the identity service says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityDetails {
    /// The compartment it shall lie in.
    pub compartment: Ocid,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Free-form tags.
    pub freeform_tags: Vec<(String, String)>,
    /// Defined tags: namespace, key, value as JSON text.
    pub defined_tags: Vec<(String, String, String)>,
}

/// A change of what all have in common: what is absent stays, what is given replaces.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntityChange {
    /// Its description.
    pub description: Option<String>,
    /// Free-form tags.
    pub freeform_tags: Option<Vec<(String, String)>>,
    /// Defined tags.
    pub defined_tags: Option<Vec<(String, String, String)>>,
}

impl EntityChange {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(description) = &self.description {
            check_description(description)?;
        }
        check_tags(
            self.freeform_tags.as_deref().unwrap_or_default(),
            self.defined_tags.as_deref().unwrap_or_default(),
        )
    }

    pub(crate) fn apply(&self, entity: &mut Entity) {
        let change = self.clone();
        if let Some(description) = change.description {
            entity.description = description;
        }
        if let Some(tags) = change.freeform_tags {
            entity.freeform_tags = tags;
        }
        if let Some(tags) = change.defined_tags {
            entity.defined_tags = tags;
        }
    }
}

/// A record with an [`Entity`].
pub(crate) trait Stored:
    minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> + Clone + Send + Sync
{
    /// The kind of its key.
    const KIND: u8;

    /// What it has in common with others.
    fn entity(&self) -> &Entity;

    /// The key that takes its name.
    fn name_key(&self, namespace: &Namespace) -> Vec<u8>;

    /// Code and sentence for a name that is taken.
    fn name_taken(&self) -> (&'static str, String);

    /// What policies may ask about it.
    fn target(&self) -> Target<'_>;

    /// Where permissions for it are asked.
    fn place(&self) -> &Ocid {
        &self.entity().compartment
    }

    /// Where it is in its life.
    fn state(&self) -> LifecycleState {
        LifecycleState::Active
    }

    /// The concern of an operation on it.
    fn concern(&self) -> Concern<'_> {
        Concern {
            compartment: self.place(),
            target: self.target(),
            owner: None,
        }
    }
}

impl Engine {
    /// An OCID of a type of the identity service.
    pub(crate) fn identity_ocid(&self, kind: &str) -> Ocid {
        Ocid::new(kind, "", self.random())
    }

    /// A new etag.
    pub(crate) fn new_etag(&self) -> ETag {
        ETag::from_random(self.random())
    }

    /// Makes up a resource's common part.
    pub(crate) fn new_entity(&self, kind: &str, details: EntityDetails) -> Result<Entity, Error> {
        check_name(&details.name, kind == "user")?;
        check_description(&details.description)?;
        check_tags(&details.freeform_tags, &details.defined_tags)?;
        Ok(Entity {
            id: self.identity_ocid(kind),
            compartment: details.compartment,
            name: details.name,
            description: details.description,
            time_created: self.now(),
            etag: self.new_etag(),
            freeform_tags: details.freeform_tags,
            defined_tags: details.defined_tags,
        })
    }

    /// Creates something that lies in the root compartment.
    pub(crate) async fn create_in_root<T: Stored>(
        &self,
        caller: &Caller,
        operation: Operation,
        new: T,
        retry: Option<&RetryToken>,
    ) -> Result<T, Error> {
        let new = &new;
        self.transact(operation.name(), |tx| async move {
            let admin = match self
                .begin_creation(&tx, caller, operation, new, retry)
                .await?
            {
                Break(made) => return Ok(made),
                Continue(admin) => admin,
            };
            if new.entity().compartment != *admin.root() {
                return Err(ErrorKind::InvalidParameter(
                    "compartmentId must be the OCID of the tenancy".to_owned(),
                )
                .into());
            }
            finish_creation(&tx, &admin, new).await?;
            Ok(new.clone())
        })
        .await
    }

    /// Admits a creation. Breaks with what an earlier run of this request, or an earlier request with the same retry token,
    /// has made.
    pub(crate) async fn begin_creation<T: Stored>(
        &self,
        tx: &Tx,
        caller: &Caller,
        operation: Operation,
        new: &T,
        retry: Option<&RetryToken>,
    ) -> Result<ControlFlow<T, Standing>, Error> {
        let namespace = namespace_of(caller)?;
        if let Some(made) = find(tx.reader(), namespace, &new.entity().id).await? {
            return Ok(Break(made));
        }
        let admin = self.administrator(tx.reader(), caller).await?;
        let concern = Concern {
            compartment: &new.entity().compartment,
            target: without_ids(new.target()),
            owner: None,
        };
        admin.admit(operation, concern)?;
        let id = new.entity().id.as_str();
        let Some(earlier) = self.claim(tx, &admin, operation, retry, id).await? else {
            return Ok(Continue(admin));
        };
        let made = record(tx.reader(), keys::identity(namespace, T::KIND, &[&earlier])).await?;
        made.map(Break).ok_or_else(|| {
            invalidated("What the first request with this retry token made has been deleted since")
        })
    }

    /// Reads something for a caller who may. `owner` is the user whose own affair it is.
    pub(crate) async fn read_entity<T: Stored>(
        &self,
        caller: &Caller,
        operation: Operation,
        id: &Ocid,
    ) -> Result<T, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        let found: T = find(&*reader, admin.namespace(), id)
            .await?
            .ok_or_else(|| refused("there is no such resource"))?;
        admin.admit(operation, found.concern())?;
        Ok(found)
    }

    /// Admits a change. Breaks with what an earlier run of this request, which minted `etag`, has left.
    pub(crate) async fn begin_change<T: Stored>(
        &self,
        tx: &Tx,
        caller: &Caller,
        operation: Operation,
        id: &Ocid,
        preconditions: &Preconditions,
        etag: ETag,
    ) -> Result<ControlFlow<T, (Standing, T)>, Error> {
        let namespace = namespace_of(caller)?;
        let Some(found) = find::<T>(tx.reader(), namespace, id).await? else {
            return Err(refused("there is no such resource"));
        };
        if found.entity().etag == etag {
            return Ok(Break(found));
        }
        let admin = self.administrator(tx.reader(), caller).await?;
        admin.admit(operation, found.concern())?;
        check_write(preconditions, Some(&found.entity().etag))?;
        Ok(Continue((admin, found)))
    }

    /// Admits a removal. Breaks when an earlier run of this request has done it.
    pub(crate) async fn begin_removal<T: Stored>(
        &self,
        tx: &Tx,
        caller: &Caller,
        operation: Operation,
        id: &Ocid,
        preconditions: &Preconditions,
    ) -> Result<ControlFlow<(), (Standing, T)>, Error> {
        let namespace = namespace_of(caller)?;
        let Some(found) = find::<T>(tx.reader(), namespace, id).await? else {
            return if tx.may_have_happened() {
                Ok(Break(()))
            } else {
                Err(refused("there is no such resource"))
            };
        };
        let admin = self.administrator(tx.reader(), caller).await?;
        admin.admit(operation, found.concern())?;
        check_write(preconditions, Some(&found.entity().etag))?;
        Ok(Continue((admin, found)))
    }
}

/// The record of that id.
pub(crate) async fn find<T: Stored>(
    reader: &dyn Reader,
    namespace: &Namespace,
    id: &Ocid,
) -> Result<Option<T>, Error> {
    record(reader, keys::identity(namespace, T::KIND, &[id.as_str()])).await
}

/// Takes the name, writes the record and bumps the epoch.
pub(crate) async fn finish_creation<T: Stored>(
    tx: &Tx,
    admin: &Standing,
    new: &T,
) -> Result<(), Error> {
    take_name(tx, admin.namespace(), new).await?;
    finish_change(tx, admin, new).await
}

/// Writes the record and bumps the epoch.
pub(crate) async fn finish_change<T: Stored>(
    tx: &Tx,
    admin: &Standing,
    changed: &T,
) -> Result<(), Error> {
    let id = changed.entity().id.as_str();
    tx.put(keys::identity(admin.namespace(), T::KIND, &[id]), changed);
    touch_identity(tx, admin.namespace()).await
}

/// Removes the record and its name, and bumps the epoch.
pub(crate) async fn finish_removal<T: Stored>(
    tx: &Tx,
    admin: &Standing,
    removed: &T,
) -> Result<(), Error> {
    let id = removed.entity().id.as_str();
    tx.delete(removed.name_key(admin.namespace()));
    tx.delete(keys::identity(admin.namespace(), T::KIND, &[id]));
    touch_identity(tx, admin.namespace()).await
}

/// Takes a name, unless it is taken.
pub(crate) async fn take_name<T: Stored>(
    tx: &Tx,
    namespace: &Namespace,
    item: &T,
) -> Result<(), Error> {
    let key = item.name_key(namespace);
    if tx
        .reader()
        .get_many(std::slice::from_ref(&key))
        .await?
        .pop()
        .flatten()
        .is_some()
    {
        let (code, message) = item.name_taken();
        return Err(conflict(code, message));
    }
    tx.put_raw(key, item.entity().id.as_str().to_owned().into());
    Ok(())
}

/// The target of a creation: what has no id yet can't be meant by it.
fn without_ids(mut target: Target<'_>) -> Target<'_> {
    if let Some(user) = &mut target.user {
        user.id = None;
    }
    if let Some(group) = &mut target.group {
        group.id = None;
    }
    if let Some(policy) = &mut target.policy {
        policy.named.id = None;
    }
    target
}
