//! Dynamic groups: kept, and named in policies, but never with a member, because this service has no instances.

use std::ops::ControlFlow::{Break, Continue};

use parbuckle_iam::permission::Operation;
use parbuckle_iam::policy::{Named, Target};
use parbuckle_model::{Namespace, Ocid, Preconditions};

use super::entity::{EntityChange, EntityDetails, Stored, finish_change, finish_removal};
use super::listing::ListOptions;
use super::retry::RetryToken;
use super::text::{folded, invalid};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{DynamicGroup, Entity, kind};
use crate::{Engine, Page, keys};

/// Most bytes of a matching rule.
const MATCHING_RULE_BYTES_MAX: usize = 4096;

/// A dynamic group to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDynamicGroup {
    /// What it has in common with others.
    pub details: EntityDetails,
    /// Which instances it means.
    pub matching_rule: String,
}

/// A change of a dynamic group: what is absent stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DynamicGroupChange {
    /// Description and tags.
    pub common: EntityChange,
    /// Which instances it means.
    pub matching_rule: Option<String>,
}

impl Stored for DynamicGroup {
    const KIND: u8 = kind::DYNAMIC_GROUP;

    fn entity(&self) -> &Entity {
        &self.entity
    }

    fn name_key(&self, namespace: &Namespace) -> Vec<u8> {
        let name = folded(&self.entity.name);
        keys::identity(namespace, kind::DYNAMIC_GROUP_NAME, &[&name])
    }

    fn name_taken(&self) -> (&'static str, String) {
        let name = &self.entity.name;
        (
            "DynamicGroupAlreadyExists",
            format!("Dynamic group '{name}' already exists"),
        )
    }

    fn target(&self) -> Target<'_> {
        Target {
            group: Some(Named {
                id: Some(self.entity.id.as_str()),
                name: &self.entity.name,
            }),
            ..Target::default()
        }
    }
}

impl Engine {
    /// Makes a dynamic group.
    pub async fn create_dynamic_group(
        &self,
        caller: &Caller,
        new: NewDynamicGroup,
        retry: Option<&RetryToken>,
    ) -> Result<DynamicGroup, Error> {
        check_rule(&new.matching_rule)?;
        let group = DynamicGroup {
            entity: self.new_entity("dynamicgroup", new.details)?,
            matching_rule: new.matching_rule,
        };
        self.create_in_root(caller, Operation::CreateDynamicGroup, group, retry)
            .await
    }

    /// A page of dynamic groups.
    pub async fn dynamic_groups(
        &self,
        caller: &Caller,
        compartment: &Ocid,
        options: &ListOptions,
    ) -> Result<Page<DynamicGroup>, Error> {
        let operation = Operation::ListDynamicGroups;
        self.list_entities(caller, operation, compartment, options, |_| true)
            .await
    }

    /// A dynamic group.
    pub async fn dynamic_group(&self, caller: &Caller, id: &Ocid) -> Result<DynamicGroup, Error> {
        self.read_entity(caller, Operation::GetDynamicGroup, id)
            .await
    }

    /// Changes a dynamic group.
    pub async fn update_dynamic_group(
        &self,
        caller: &Caller,
        id: &Ocid,
        change: DynamicGroupChange,
        preconditions: &Preconditions,
    ) -> Result<DynamicGroup, Error> {
        change.common.check()?;
        change.matching_rule.as_deref().map_or(Ok(()), check_rule)?;
        let (change, etag) = (&change, self.new_etag());
        self.transact("update_dynamic_group", |tx| async move {
            let operation = Operation::UpdateDynamicGroup;
            let begun = self
                .begin_change::<DynamicGroup>(&tx, caller, operation, id, preconditions, etag)
                .await?;
            let (admin, mut group) = match begun {
                Break(done) => return Ok(done),
                Continue(found) => found,
            };
            change.common.apply(&mut group.entity);
            if let Some(rule) = &change.matching_rule {
                group.matching_rule.clone_from(rule);
            }
            group.entity.etag = etag;
            finish_change(&tx, &admin, &group).await?;
            Ok(group)
        })
        .await
    }

    /// Deletes a dynamic group.
    pub async fn delete_dynamic_group(
        &self,
        caller: &Caller,
        id: &Ocid,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        self.transact("delete_dynamic_group", |tx| async move {
            let operation = Operation::DeleteDynamicGroup;
            let begun = self
                .begin_removal::<DynamicGroup>(&tx, caller, operation, id, preconditions)
                .await?;
            match begun {
                Break(()) => Ok(()),
                Continue((admin, group)) => finish_removal(&tx, &admin, &group).await,
            }
        })
        .await
    }
}

fn check_rule(rule: &str) -> Result<(), Error> {
    if rule.trim().is_empty() {
        return Err(ErrorKind::MissingParameter("matchingRule").into());
    }
    if rule.len() > MATCHING_RULE_BYTES_MAX {
        return Err(invalid(format!(
            "matchingRule has at most {MATCHING_RULE_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}
