//! Groups.

use std::ops::ControlFlow::{Break, Continue};

use parbuckle_iam::permission::Operation;
use parbuckle_iam::policy::{Named, Target};
use parbuckle_model::{Namespace, Ocid, Preconditions};

use super::administrators::keep_group;
use super::entity::{EntityChange, EntityDetails, Stored, finish_change, finish_removal};
use super::listing::ListOptions;
use super::membership::remove_memberships_of_group;
use super::retry::RetryToken;
use super::text::folded;
use crate::caller::Caller;
use crate::error::Error;
use crate::records::{Entity, Group, kind};
use crate::{Engine, Page, keys};

impl Stored for Group {
    const KIND: u8 = kind::GROUP;

    fn entity(&self) -> &Entity {
        &self.entity
    }

    fn name_key(&self, namespace: &Namespace) -> Vec<u8> {
        keys::identity(namespace, kind::GROUP_NAME, &[&folded(&self.entity.name)])
    }

    fn name_taken(&self) -> (&'static str, String) {
        let name = &self.entity.name;
        (
            "GroupAlreadyExists",
            format!("Group '{name}' already exists"),
        )
    }

    fn target(&self) -> Target<'_> {
        Target {
            group: Some(self.named()),
            ..Target::default()
        }
    }
}

impl Group {
    /// Id and name, for policies.
    pub(crate) fn named(&self) -> Named<'_> {
        Named {
            id: Some(self.entity.id.as_str()),
            name: &self.entity.name,
        }
    }
}

impl Engine {
    /// Makes a group.
    pub async fn create_group(
        &self,
        caller: &Caller,
        details: EntityDetails,
        retry: Option<&RetryToken>,
    ) -> Result<Group, Error> {
        let group = Group {
            entity: self.new_entity("group", details)?,
        };
        self.create_in_root(caller, Operation::CreateGroup, group, retry)
            .await
    }

    /// A page of groups.
    pub async fn groups(
        &self,
        caller: &Caller,
        compartment: &Ocid,
        options: &ListOptions,
    ) -> Result<Page<Group>, Error> {
        self.list_entities(caller, Operation::ListGroups, compartment, options, |_| {
            true
        })
        .await
    }

    /// A group.
    pub async fn group(&self, caller: &Caller, id: &Ocid) -> Result<Group, Error> {
        self.read_entity(caller, Operation::GetGroup, id).await
    }

    /// Changes a group's description and tags.
    pub async fn update_group(
        &self,
        caller: &Caller,
        id: &Ocid,
        change: EntityChange,
        preconditions: &Preconditions,
    ) -> Result<Group, Error> {
        change.check()?;
        let (change, etag) = (&change, self.new_etag());
        self.transact("update_group", |tx| async move {
            let operation = Operation::UpdateGroup;
            let begun = self
                .begin_change::<Group>(&tx, caller, operation, id, preconditions, etag)
                .await?;
            let (admin, mut group) = match begun {
                Break(done) => return Ok(done),
                Continue(found) => found,
            };
            change.apply(&mut group.entity);
            group.entity.etag = etag;
            finish_change(&tx, &admin, &group).await?;
            Ok(group)
        })
        .await
    }

    /// Deletes a group and its memberships. Policies that name it give nothing to a later group of that name.
    pub async fn delete_group(
        &self,
        caller: &Caller,
        id: &Ocid,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        self.transact("delete_group", |tx| async move {
            let operation = Operation::DeleteGroup;
            let begun = self
                .begin_removal::<Group>(&tx, caller, operation, id, preconditions)
                .await?;
            let Continue((admin, group)) = begun else {
                return Ok(());
            };
            keep_group(admin.tenancy(), id)?;
            remove_memberships_of_group(&tx, admin.namespace(), id).await?;
            finish_removal(&tx, &admin, &group).await
        })
        .await
    }
}
