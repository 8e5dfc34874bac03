//! Rights to what lies in compartments and not in buckets: identity, namespaces, work requests.

use std::sync::Arc;

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::Target;
use parbuckle_kv::Reader;
use parbuckle_model::Ocid;

use super::{Authority, Need};
use crate::Engine;
use crate::caller::{Caller, CallerIdentity, UserCaller};
use crate::error::Error;
use crate::identity::{PrincipalNow, Question, TenancyIdentity};

impl Engine {
    /// Decides on something that lies in a compartment and not in a bucket. A refusal is the caller's to word.
    pub(crate) async fn permits_in_compartment(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        operation: Operation,
        permission: Permission,
        compartment: &Ocid,
    ) -> Result<Result<UserCaller, String>, Error> {
        let standing = match self.standing(reader, caller).await? {
            Ok(standing) => standing,
            Err(cause) => return Ok(Err(cause)),
        };
        let held = standing.holds(
            operation,
            Need::All(&[permission]),
            Concern::of(compartment),
        );
        Ok(held.map(|()| standing.user))
    }

    /// What a user on his own authority brings to operations outside buckets; else why the caller brings nothing, in words
    /// for the log.
    pub(crate) async fn standing(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
    ) -> Result<Result<Standing, String>, Error> {
        let Some(user) = caller.user() else {
            return Ok(Err("only a user on his own authority may".to_owned()));
        };
        if let CallerIdentity::Swift(swift) = &caller.identity
            && let Some(reason) = self.swift_credential_gone(reader, swift).await?
        {
            return Ok(Err(format!("the caller {reason}")));
        }
        Ok(match self.user_authority(reader, user).await? {
            Authority::User {
                identity,
                principal,
            } => Ok(Standing {
                user: user.clone(),
                identity,
                principal,
                now: self.environment.now(),
            }),
            Authority::Nobody(reason) => Err(reason),
        })
    }
}

/// A user on his own authority, who exists and may act, as one snapshot has him.
pub(crate) struct Standing {
    pub(crate) user: UserCaller,
    pub(crate) identity: Arc<TenancyIdentity>,
    pub(super) principal: Arc<PrincipalNow>,
    pub(super) now: Timestamp,
}

/// Something outside buckets that an operation is about.
#[derive(Clone, Copy)]
pub(crate) struct Concern<'a> {
    /// Where it lies.
    pub(crate) compartment: &'a Ocid,
    /// What policies may ask about it.
    pub(crate) target: Target<'a>,
    /// The user whose own affair it is: he needs no policy (wire reference 12.3).
    pub(crate) owner: Option<&'a Ocid>,
}

impl<'a> Concern<'a> {
    /// A compartment, and nothing special in it.
    pub(crate) fn of(compartment: &'a Ocid) -> Self {
        Self {
            compartment,
            target: Target::default(),
            owner: None,
        }
    }
}

impl Standing {
    /// Decides; the refusal is for the log.
    pub(crate) fn holds(
        &self,
        operation: Operation,
        need: Need<'_>,
        concern: Concern<'_>,
    ) -> Result<(), String> {
        if concern.owner == Some(self.principal.user()) {
            return Ok(());
        }
        let Some(path) = self.identity.compartment_path(concern.compartment) else {
            return Err("there is no such compartment in the caller's tenancy".to_owned());
        };
        let question = |permission: &Permission| Question {
            permission: *permission,
            operation,
            now: self.now,
            path,
            target: concern.target,
        };
        let allowed = |p: &Permission| self.identity.allows(&self.principal, question(p));
        let (held, permissions) = match need {
            Need::All(permissions) => (permissions.iter().all(allowed), permissions),
            Need::Any(permissions) => (permissions.iter().any(allowed), permissions),
        };
        let missing = permissions.iter().find(|p| !allowed(p));
        match missing.filter(|_| !held) {
            None => Ok(()),
            Some(missing) => Err(self.identity.explains(&self.principal, question(missing))),
        }
    }
}
