//! Policies. Their statements are parsed, and their names resolved, when they are written (wire reference 8.4): what is
//! stored is enforced, and follows ids from then on.

use std::ops::ControlFlow::{Break, Continue};

use parbuckle_iam::permission::Operation;
use parbuckle_iam::policy::{Effect, Named, PolicyTarget, Statement, Target};
use parbuckle_model::{Namespace, Ocid, Preconditions};

use super::administrators::keep_policy;
use super::directory::TenancyDirectory;
use super::entity::{
    EntityChange, EntityDetails, Stored, finish_change, finish_creation, finish_removal,
};
use super::listing::ListOptions;
use super::retry::RetryToken;
use super::text::{folded, invalid};
use crate::authority::{Concern, Standing};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{Entity, Policy, PolicyStatement, kind};
use crate::transact::Tx;
use crate::{Engine, Page, keys};

/// Most statements of a policy (wire reference 12.4).
const STATEMENTS_MAX: usize = 500;

/// Most bytes of a statement.
const STATEMENT_BYTES_MAX: usize = 8192;

/// A policy to be made. Its compartment is where it is attached.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPolicy {
    /// What it has in common with others.
    pub details: EntityDetails,
    /// Its statements.
    pub statements: Vec<String>,
    /// The day (`YYYY-MM-DD`) whose meaning of verbs and types it wants.
    pub version_date: Option<String>,
}

/// A change of a policy: what is absent stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PolicyChange {
    /// Description and tags.
    pub common: EntityChange,
    /// All its statements.
    pub statements: Option<Vec<String>>,
    /// The day whose meaning of verbs and types it wants.
    pub version_date: Option<String>,
}

impl Stored for Policy {
    const KIND: u8 = kind::POLICY;

    fn entity(&self) -> &Entity {
        &self.entity
    }

    fn name_key(&self, namespace: &Namespace) -> Vec<u8> {
        keys::identity(namespace, kind::POLICY_NAME, &[&folded(&self.entity.name)])
    }

    fn name_taken(&self) -> (&'static str, String) {
        let name = &self.entity.name;
        (
            "PolicyAlreadyExists",
            format!("Policy '{name}' already exists"),
        )
    }

    fn target(&self) -> Target<'_> {
        let named = Named {
            id: Some(self.entity.id.as_str()),
            name: &self.entity.name,
        };
        Target {
            policy: Some(PolicyTarget {
                named,
                has_deny: self.statements.iter().any(PolicyStatement::denies),
            }),
            ..Target::default()
        }
    }
}

impl PolicyStatement {
    fn denies(&self) -> bool {
        Statement::parse(&self.text).is_ok_and(|statement| statement.effect == Effect::Deny)
    }
}

impl Engine {
    /// Makes a policy.
    pub async fn create_policy(
        &self,
        caller: &Caller,
        new: NewPolicy,
        retry: Option<&RetryToken>,
    ) -> Result<Policy, Error> {
        check_version_date(new.version_date.as_deref())?;
        let written = parse_all(&new.statements)?;
        let policy = Policy {
            entity: self.new_entity("policy", new.details)?,
            statements: unresolved(&new.statements),
            version_date: new.version_date,
        };
        let (policy, written) = (&policy, &written);
        self.transact("create_policy", |tx| async move {
            let operation = Operation::CreatePolicy;
            let begun = self
                .begin_creation(&tx, caller, operation, policy, retry)
                .await?;
            let admin = match begun {
                Break(made) => return Ok(made),
                Continue(admin) => admin,
            };
            let mut policy = policy.clone();
            policy.statements = resolve_all(&tx, &admin, &policy, written).await?;
            finish_creation(&tx, &admin, &policy).await?;
            Ok(policy)
        })
        .await
    }

    /// A page of the policies that are attached to a compartment.
    pub async fn policies(
        &self,
        caller: &Caller,
        compartment: &Ocid,
        options: &ListOptions,
    ) -> Result<Page<Policy>, Error> {
        let operation = Operation::ListPolicies;
        self.list_entities(caller, operation, compartment, options, |_| true)
            .await
    }

    /// A policy.
    pub async fn policy(&self, caller: &Caller, id: &Ocid) -> Result<Policy, Error> {
        self.read_entity(caller, Operation::GetPolicy, id).await
    }

    /// Changes a policy. Names in new statements mean what they mean now.
    pub async fn update_policy(
        &self,
        caller: &Caller,
        id: &Ocid,
        change: PolicyChange,
        preconditions: &Preconditions,
    ) -> Result<Policy, Error> {
        change.common.check()?;
        check_version_date(change.version_date.as_deref())?;
        let written = change.statements.as_deref().map(parse_all).transpose()?;
        let (change, written, etag) = (&change, &written, self.new_etag());
        self.transact("update_policy", |tx| async move {
            let operation = Operation::UpdatePolicy;
            let begun = self
                .begin_change::<Policy>(&tx, caller, operation, id, preconditions, etag)
                .await?;
            let (admin, mut policy) = match begun {
                Break(done) => return Ok(done),
                Continue(found) => found,
            };
            if let (Some(texts), Some(written)) = (&change.statements, written) {
                // A policy that is about to deny is as guarded as one that denies already.
                let mut after = policy.clone();
                after.statements = unresolved(texts);
                admin.admit(
                    operation,
                    Concern {
                        target: after.target(),
                        ..policy.concern()
                    },
                )?;
                keep_policy(admin.tenancy(), id)?;
                policy.statements = resolve_all(&tx, &admin, &after, written).await?;
            }
            change.common.apply(&mut policy.entity);
            policy.version_date = change.version_date.clone().or(policy.version_date);
            policy.entity.etag = etag;
            finish_change(&tx, &admin, &policy).await?;
            Ok(policy)
        })
        .await
    }

    /// Deletes a policy.
    pub async fn delete_policy(
        &self,
        caller: &Caller,
        id: &Ocid,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        self.transact("delete_policy", |tx| async move {
            let operation = Operation::DeletePolicy;
            let begun = self
                .begin_removal::<Policy>(&tx, caller, operation, id, preconditions)
                .await?;
            let Continue((admin, policy)) = begun else {
                return Ok(());
            };
            keep_policy(admin.tenancy(), id)?;
            finish_removal(&tx, &admin, &policy).await
        })
        .await
    }
}

fn parse_all(texts: &[String]) -> Result<Vec<Statement>, Error> {
    if texts.is_empty() {
        return Err(ErrorKind::MissingParameter("statements").into());
    }
    if texts.len() > STATEMENTS_MAX {
        return Err(invalid(format!(
            "A policy has at most {STATEMENTS_MAX} statements"
        )));
    }
    let parse = |text: &String| {
        if text.len() > STATEMENT_BYTES_MAX {
            return Err(invalid(format!(
                "A policy statement has at most {STATEMENT_BYTES_MAX} bytes"
            )));
        }
        Statement::parse(text).map_err(|e| invalid(e.to_string()))
    };
    texts.iter().map(parse).collect()
}

/// Statements whose names mean nothing yet.
fn unresolved(texts: &[String]) -> Vec<PolicyStatement> {
    let statement = |text: &String| PolicyStatement {
        text: text.clone(),
        groups: Vec::new(),
        compartment: String::new(),
    };
    texts.iter().map(statement).collect()
}

/// Finds what the names in a policy's statements mean now.
async fn resolve_all(
    tx: &Tx,
    admin: &Standing,
    policy: &Policy,
    written: &[Statement],
) -> Result<Vec<PolicyStatement>, Error> {
    let denies = written
        .iter()
        .any(|statement| statement.effect == Effect::Deny);
    if denies && !admin.tenancy().deny_statements {
        return Err(invalid(
            "Deny statements are not enabled in this tenancy".to_owned(),
        ));
    }
    let directory = TenancyDirectory::load(tx.reader(), admin).await?;
    let attached_to = policy.entity.compartment.as_str();
    let resolve = |(stored, statement): (&PolicyStatement, &Statement)| {
        let resolved = statement
            .clone()
            .resolve(&directory, attached_to)
            .map_err(|e| invalid(e.to_string()))?;
        Ok(PolicyStatement {
            text: stored.text.clone(),
            groups: resolved.groups,
            compartment: resolved.compartment_id,
        })
    };
    policy.statements.iter().zip(written).map(resolve).collect()
}

fn check_version_date(date: Option<&str>) -> Result<(), Error> {
    match date {
        Some(date) if date.parse::<jiff::civil::Date>().is_err() => Err(invalid(
            "versionDate is a day, such as 2030-12-31".to_owned(),
        )),
        _ => Ok(()),
    }
}
