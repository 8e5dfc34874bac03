//! Compartments: a tree below the tenancy, which is its root.
//!
//! A deleted compartment keeps its OCID under a changed name, as OCI does, so that its name is free and it can be recovered.

use std::ops::ControlFlow::{Break, Continue};

use parbuckle_iam::permission::Operation;
use parbuckle_iam::policy::Target;
use parbuckle_kv::Reader;
use parbuckle_model::{Namespace, Ocid, Preconditions};

use super::admission::{conflict, namespace_of, records_under, refused};
use super::entity::{
    EntityChange, EntityDetails, Stored, find, finish_change, finish_creation, take_name,
};
use super::listing::{LifecycleState, ListOptions};
use super::retry::RetryToken;
use super::text::{check_name, folded, invalid};
use super::work_request::{done_before, write_work};
use crate::authority::{Concern, Standing};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::error::Error;
use crate::records::{Compartment, Entity, Policy, WorkOperation, WorkRequestRecord, kind};
use crate::transact::Tx;
use crate::{Engine, Page, keys};

/// Most levels below the root.
const LEVELS_MAX: usize = 6;

/// A change of a compartment: what is absent stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CompartmentChange {
    /// Description and tags.
    pub common: EntityChange,
    /// Another name.
    pub name: Option<String>,
}

/// A compartment in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedCompartment {
    /// The compartment.
    pub compartment: Compartment,
    /// Whether the caller may inspect it, or one below it.
    pub accessible: bool,
}

/// Which compartments to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessLevel {
    /// All; the caller must be allowed to inspect the compartment whose children he lists.
    #[default]
    Any,
    /// Those that the caller may inspect, and those above them.
    Accessible,
}

impl Stored for Compartment {
    const KIND: u8 = kind::COMPARTMENT;

    fn entity(&self) -> &Entity {
        &self.entity
    }

    fn name_key(&self, namespace: &Namespace) -> Vec<u8> {
        let (parent, name) = (&self.entity.compartment, folded(&self.entity.name));
        keys::identity(namespace, kind::COMPARTMENT_NAME, &[parent.as_str(), &name])
    }

    fn name_taken(&self) -> (&'static str, String) {
        let name = &self.entity.name;
        (
            "CompartmentAlreadyExists",
            format!("A compartment with name '{name}' already exists."),
        )
    }

    fn target(&self) -> Target<'_> {
        Target::default()
    }

    /// Itself; once it is deleted, the one above.
    fn place(&self) -> &Ocid {
        if self.deleted {
            &self.entity.compartment
        } else {
            &self.entity.id
        }
    }

    fn state(&self) -> LifecycleState {
        if self.deleted {
            LifecycleState::Deleted
        } else {
            LifecycleState::Active
        }
    }
}

impl Engine {
    /// Makes a compartment below another.
    pub async fn create_compartment(
        &self,
        caller: &Caller,
        details: EntityDetails,
        retry: Option<&RetryToken>,
    ) -> Result<Compartment, Error> {
        let new = &Compartment {
            entity: self.new_entity("compartment", details)?,
            deleted: false,
        };
        self.transact("create_compartment", |tx| async move {
            let operation = Operation::CreateCompartment;
            let admin = match self
                .begin_creation(&tx, caller, operation, new, retry)
                .await?
            {
                Break(made) => return Ok(made),
                Continue(admin) => admin,
            };
            check_depth(&admin, &new.entity.compartment, 0)?;
            finish_creation(&tx, &admin, new).await?;
            Ok(new.clone())
        })
        .await
    }

    /// A page of compartments below one; with `in_subtree`, which only the root allows, of all levels.
    pub async fn compartments(
        &self,
        caller: &Caller,
        parent: &Ocid,
        in_subtree: bool,
        access: AccessLevel,
        options: &ListOptions,
    ) -> Result<Page<ListedCompartment>, Error> {
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        let operation = Operation::ListCompartments;
        match access {
            AccessLevel::Any => admin.admit(operation, Concern::of(parent))?,
            // Whoever may see nothing there gets an empty list, whether or not the compartment exists.
            AccessLevel::Accessible => {}
        }
        if in_subtree && parent != admin.root() {
            return Err(invalid(
                "compartmentIdInSubtree can only be used with the tenancy".to_owned(),
            ));
        }
        let mut items = all_compartments(&*reader, admin.namespace()).await?;
        let accessible = accessible(&admin, &items);
        items.retain(|item| {
            (in_subtree || item.entity.compartment == *parent)
                && (access == AccessLevel::Any || accessible.contains(&item.entity.id))
        });
        let page = options.page_of(items);
        let listed = |compartment: Compartment| ListedCompartment {
            accessible: accessible.contains(&compartment.entity.id),
            compartment,
        };
        Ok(Page {
            items: page.items.into_iter().map(listed).collect(),
            next: page.next,
        })
    }

    /// A compartment. The root is one too, and its own parent.
    pub async fn compartment(&self, caller: &Caller, id: &Ocid) -> Result<Compartment, Error> {
        let operation = Operation::GetCompartment;
        let reader = self.kv.snapshot().await?;
        let admin = self.administrator(&*reader, caller).await?;
        let found = match find::<Compartment>(&*reader, admin.namespace(), id).await? {
            None if id == admin.root() => Some(root_of(&admin)),
            found => found,
        };
        let found = found.ok_or_else(|| refused("there is no such compartment"))?;
        admin.admit(operation, found.concern())?;
        Ok(found)
    }

    /// Renames a compartment, or changes its description and tags.
    pub async fn update_compartment(
        &self,
        caller: &Caller,
        id: &Ocid,
        change: CompartmentChange,
        preconditions: &Preconditions,
    ) -> Result<Compartment, Error> {
        change.common.check()?;
        if let Some(name) = &change.name {
            check_name(name, false)?;
        }
        let (change, etag) = (&change, self.new_etag());
        self.transact("update_compartment", |tx| async move {
            let operation = Operation::UpdateCompartment;
            let begun = self
                .begin_change::<Compartment>(&tx, caller, operation, id, preconditions, etag)
                .await?;
            let (admin, mut compartment) = match begun {
                Break(done) => return Ok(done),
                Continue(found) => found,
            };
            require_active(&compartment)?;
            let was = compartment.name_key(admin.namespace());
            if let Some(name) = &change.name {
                compartment.entity.name.clone_from(name);
            }
            if compartment.name_key(admin.namespace()) != was {
                tx.delete(was);
                take_name(&tx, admin.namespace(), &compartment).await?;
            }
            change.common.apply(&mut compartment.entity);
            compartment.entity.etag = etag;
            finish_change(&tx, &admin, &compartment).await?;
            Ok(compartment)
        })
        .await
    }

    /// Deletes a compartment that holds no buckets, compartments or policies. Returns the id of its work request, which is
    /// done already.
    pub async fn delete_compartment(
        &self,
        caller: &Caller,
        id: &Ocid,
        preconditions: &Preconditions,
    ) -> Result<Ocid, Error> {
        let namespace = namespace_of(caller)?;
        let (work, suffix, etag, now) = (
            &self.identity_ocid("workrequest"),
            &suffix(self.random()),
            self.new_etag(),
            self.now(),
        );
        self.transact("delete_compartment", |tx| async move {
            if done_before(&tx, namespace, work).await? {
                return Ok(work.clone());
            }
            let begun = self
                .begin_change::<Compartment>(
                    &tx,
                    caller,
                    Operation::DeleteCompartment,
                    id,
                    preconditions,
                    etag,
                )
                .await?;
            let Continue((admin, mut compartment)) = begun else {
                return Ok(work.clone());
            };
            require_active(&compartment)?;
            require_empty(&tx, namespace, id).await?;
            tx.delete(compartment.name_key(namespace));
            compartment.entity.name.push_str(suffix);
            compartment.entity.etag = etag;
            compartment.deleted = true;
            let record = WorkRequestRecord {
                id: work.clone(),
                operation: WorkOperation::DeleteCompartment,
                resource: id.clone(),
                compartment: compartment.entity.compartment.clone(),
                accepted_from: admin.user.user.clone(),
                time: now,
            };
            write_work(&tx, namespace, &record);
            finish_change(&tx, &admin, &compartment).await?;
            Ok(work.clone())
        })
        .await
    }

    /// Brings a deleted compartment back, under the name that deletion gave it.
    pub async fn recover_compartment(
        &self,
        caller: &Caller,
        id: &Ocid,
        preconditions: &Preconditions,
    ) -> Result<Compartment, Error> {
        let etag = self.new_etag();
        self.transact("recover_compartment", |tx| async move {
            let operation = Operation::RecoverCompartment;
            let begun = self
                .begin_change::<Compartment>(&tx, caller, operation, id, preconditions, etag)
                .await?;
            let (admin, mut compartment) = match begun {
                Break(done) => return Ok(done),
                Continue(found) => found,
            };
            if !compartment.deleted {
                return Err(conflict(
                    "Conflict",
                    "The compartment is not deleted".to_owned(),
                ));
            }
            check_depth(&admin, &compartment.entity.compartment, 0)?;
            compartment.deleted = false;
            compartment.entity.etag = etag;
            finish_creation(&tx, &admin, &compartment).await?;
            Ok(compartment)
        })
        .await
    }

    /// Moves a compartment, with all below it, to another parent. The caller needs every right in the lowest compartment
    /// that is above both places. Returns the id of its work request, which is done already.
    pub async fn move_compartment(
        &self,
        caller: &Caller,
        id: &Ocid,
        to: &Ocid,
        preconditions: &Preconditions,
        retry: Option<&RetryToken>,
    ) -> Result<Ocid, Error> {
        let namespace = namespace_of(caller)?;
        let (work, etag) = (&self.identity_ocid("workrequest"), self.new_etag());
        let now = self.now();
        self.transact("move_compartment", |tx| async move {
            if done_before(&tx, namespace, work).await? {
                return Ok(work.clone());
            }
            let admin = self.administrator(tx.reader(), caller).await?;
            let mut moved = admit_move(&tx, &admin, id, to).await?;
            let operation = Operation::MoveCompartment;
            let claimed = self
                .claim(&tx, &admin, operation, retry, work.as_str())
                .await?;
            if let Some(earlier) = claimed.and_then(|id| Ocid::parse(&id).ok()) {
                return Ok(earlier);
            }
            check_write(preconditions, Some(&moved.entity.etag))?;
            if admin.is_within(to, id) {
                return Err(invalid(
                    "A compartment can't be moved into itself or below itself".to_owned(),
                ));
            }
            check_depth(&admin, to, admin.identity.levels_below(id))?;
            let record = WorkRequestRecord {
                id: work.clone(),
                operation: WorkOperation::MoveCompartment,
                resource: id.clone(),
                compartment: moved.entity.compartment.clone(),
                accepted_from: admin.user.user.clone(),
                time: now,
            };
            write_work(&tx, namespace, &record);
            let was = moved.name_key(namespace);
            moved.entity.compartment = to.clone();
            moved.entity.etag = etag;
            finish_creation(&tx, &admin, &moved).await?;
            tx.delete(was);
            Ok(work.clone())
        })
        .await
    }
}

impl Standing {
    /// Whether a compartment is another one or below it.
    fn is_within(&self, inner: &Ocid, outer: &Ocid) -> bool {
        let path = self.identity.compartment_path(inner).unwrap_or_default();
        path.iter().any(|(id, _)| id == outer)
    }
}

/// Finds a compartment that the caller may move there.
async fn admit_move(tx: &Tx, admin: &Standing, id: &Ocid, to: &Ocid) -> Result<Compartment, Error> {
    let found = find::<Compartment>(tx.reader(), admin.namespace(), id).await?;
    let moved = found
        .filter(|compartment| !compartment.deleted)
        .ok_or_else(|| refused("there is no such compartment, or it is deleted"))?;
    let above = admin.identity.compartment_path(&moved.entity.compartment);
    let shared = above
        .unwrap_or_default()
        .iter()
        .find(|(above, _)| admin.is_within(to, above));
    let Some((shared, _)) = shared else {
        return Err(refused("there is no such compartment to move it to"));
    };
    admin.admit(Operation::MoveCompartment, Concern::of(shared))?;
    Ok(moved)
}

/// The root as a compartment.
fn root_of(admin: &Standing) -> Compartment {
    let tenancy = admin.tenancy();
    Compartment {
        entity: Entity {
            id: tenancy.ocid.clone(),
            compartment: tenancy.ocid.clone(),
            name: tenancy.name.clone(),
            description: "The root compartment of the tenancy".to_owned(),
            time_created: tenancy.time_created,
            // The root never changes.
            etag: super::place::fixed_etag(&tenancy.ocid),
            freeform_tags: Vec::new(),
            defined_tags: Vec::new(),
        },
        deleted: false,
    }
}

/// The compartments that the caller may inspect, and all above them.
fn accessible(admin: &Standing, all: &[Compartment]) -> std::collections::HashSet<Ocid> {
    let mut found = std::collections::HashSet::new();
    for compartment in all {
        if admin
            .admit(Operation::GetCompartment, compartment.concern())
            .is_ok()
        {
            found.insert(compartment.entity.id.clone());
            let above = admin.identity.compartment_path(compartment.place());
            found.extend(above.unwrap_or_default().iter().map(|(id, _)| id.clone()));
        }
    }
    found
}

fn require_active(compartment: &Compartment) -> Result<(), Error> {
    if compartment.deleted {
        return Err(conflict(
            "Conflict",
            "The compartment is deleted".to_owned(),
        ));
    }
    Ok(())
}

async fn require_empty(tx: &Tx, namespace: &Namespace, id: &Ocid) -> Result<(), Error> {
    let children = keys::identity_prefix(namespace, kind::COMPARTMENT_NAME, &[id.as_str()]);
    let policies = keys::identity_prefix(namespace, Policy::KIND, &[]);
    let policies: Vec<Policy> = records_under(tx.reader(), &policies).await?;
    let held = if holds_any(tx, &keys::compartment_buckets(namespace, id)).await? {
        "buckets"
    } else if holds_any(tx, &children).await? {
        "compartments"
    } else if policies
        .iter()
        .any(|policy| policy.entity.compartment == *id)
    {
        "policies"
    } else {
        return Ok(());
    };
    Err(conflict(
        "CompartmentNotEmpty",
        format!("The compartment still holds {held}. Delete or move them first."),
    ))
}

async fn holds_any(tx: &Tx, prefix: &[u8]) -> Result<bool, Error> {
    Ok(!tx.reader().scan(&keys::all(prefix, 1)).await?.is_empty())
}

/// Refuses a compartment with `below` levels below it that would come to lie too deep.
fn check_depth(admin: &Standing, parent: &Ocid, below: usize) -> Result<(), Error> {
    let level = admin
        .identity
        .compartment_path(parent)
        .map_or(0, <[_]>::len);
    if level + below > LEVELS_MAX {
        return Err(invalid(format!(
            "Compartments can be nested {LEVELS_MAX} levels deep"
        )));
    }
    Ok(())
}

async fn all_compartments(
    reader: &dyn Reader,
    namespace: &Namespace,
) -> Result<Vec<Compartment>, Error> {
    let prefix = keys::identity_prefix(namespace, Compartment::KIND, &[]);
    records_under(reader, &prefix).await
}

/// What deletion puts behind a name: a dot and eight letters and digits.
fn suffix(random: [u8; 8]) -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyz234567";
    let letter = |byte: &u8| char::from(letters[usize::from(byte & 31)]);
    std::iter::once('.')
        .chain(random.iter().map(letter))
        .collect()
}
