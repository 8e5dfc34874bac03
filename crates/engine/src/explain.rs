//! Explanations for owners: why a user may do something or not, and why a pre-authenticated request works or not.
//!
//! What the service decides and what is said here come from the same evaluation, on one snapshot.

use parbuckle_iam::permission::{Operation, Permission, Requirement};
use parbuckle_kv::Reader;
use parbuckle_model::{ObjectName, Ocid, ParId, ParScope, ParTarget};

use crate::authority::Access;
use crate::caller::Caller;
use crate::credential::CredentialKind;
use crate::error::{Error, ErrorKind};
use crate::par::{find_par, require_seen};
use crate::records::ParRecord;
use crate::{BucketPath, Engine, keys};

/// A decision and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it would be allowed now.
    pub allowed: bool,
    /// One sentence or more for each thing that was looked at.
    pub reasons: Vec<String>,
}

impl Engine {
    /// Why `user` may do `operation` on a bucket, or on an object of it, or not, when he signs with an API key. Without
    /// an object, PutObject is asked for new and for existing names; of CreatePreauthenticatedRequest only what every
    /// PAR needs is asked.
    ///
    /// For those who may read the tenancy's policies, because the reasons quote them and tell what exists; to all others
    /// [`ErrorKind::NotAuthorizedOrNotFound`], whatever they ask about.
    pub async fn explain(
        &self,
        caller: &Caller,
        user: &Ocid,
        operation: Operation,
        path: &BucketPath,
        object: Option<&ObjectName>,
    ) -> Result<Explanation, Error> {
        let reader = self.kv.snapshot().await?;
        let refused =
            |cause: String| Error::from(ErrorKind::NotAuthorizedOrNotFound).because(cause);
        let identity = self.identity_at(&*reader, &path.namespace).await?;
        let identity = identity.ok_or_else(|| refused("there is no such namespace".to_owned()))?;
        let (asks, permission) = (Operation::GetPolicy, Permission::PolicyRead);
        let root = &identity.tenancy().ocid;
        self.permits_in_compartment(&*reader, caller, asks, permission, root)
            .await?
            .map_err(refused)?;
        let credential = CredentialKind::ApiKey;
        let access = self
            .enter_on_behalf(&*reader, user, credential, path)
            .await?;
        if let Err(reason) = identity.principal(&*reader, user, credential).await? {
            return Ok(Explanation::refusal(format!("The user {user} {reason}.")));
        }
        let exists = match object {
            Some(object) => Some(exists(&*reader, path, &access, object).await?),
            None => None,
        };
        Ok(asked(&access, operation, exists, object))
    }

    /// Why a pre-authenticated request works now or not: target, expiry, creator, and each permission that it passes on.
    /// Policies may ask for an object's name: `object` is the one to use it on, and needless if the PAR is for one.
    ///
    /// For those who may see the PAR.
    pub async fn explain_par(
        &self,
        caller: &Caller,
        path: &BucketPath,
        id: &ParId,
        object: Option<&ObjectName>,
    ) -> Result<Explanation, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        require_seen(&access, Operation::GetPreauthenticatedRequest)?;
        let (token, par) = find_par(&*reader, path, &access.bucket.id, id, None).await?;
        let mut told = Explanation {
            allowed: true,
            reasons: vec![scope_in_words(&par.scope)],
        };
        if let Some(object) = object.filter(|object| !par.scope.covers(object)) {
            told.add(false, format!("The object {object} is outside of that."));
            return Ok(told);
        }
        let expired = par.time_expires.is_past(self.environment.now());
        let tense = if expired { "expired" } else { "expires" };
        told.add(!expired, format!("It {tense} at {}.", par.time_expires));
        if expired {
            return Ok(told);
        }
        let creator = self.creator_in_words(&*reader, path, &par).await?;
        let (Ok(words) | Err(words)) = &creator;
        told.add(
            creator.is_ok(),
            format!("It was made by {}, who {words}.", par.creator),
        );
        if creator.is_err() {
            return Ok(told);
        }
        let now = self.environment.now();
        let holder = self.enter_by_par(&*reader, &token, None, path, now).await?;
        for (operation, permission) in uses(&par.scope) {
            let object = match (operation, par.scope.target()) {
                (Operation::ListObjects, _) => None,
                (_, ParTarget::Object(object)) => Some(object),
                (_, ParTarget::Prefix(_) | ParTarget::Bucket) => object,
            };
            let holds = holder.owner_holds(operation, permission, object);
            told.add(holds, holder.reason(operation, permission, object));
        }
        Ok(told)
    }

    /// What there is to say of a PAR's creator; an error if the PAR is dead for it.
    async fn creator_in_words(
        &self,
        reader: &dyn Reader,
        path: &BucketPath,
        par: &ParRecord,
    ) -> Result<Result<&'static str, &'static str>, Error> {
        let Some(identity) = self.identity_at(reader, &path.namespace).await? else {
            return Ok(Err("belonged to a tenancy that is gone"));
        };
        let principal = identity.principal(reader, &par.creator, par.credential);
        Ok(principal.await?.map(|_| "may act"))
    }
}

impl Explanation {
    fn refusal(reason: String) -> Self {
        Self {
            allowed: false,
            reasons: vec![reason],
        }
    }

    fn add(&mut self, holds: bool, reason: String) {
        self.allowed &= holds;
        self.reasons.push(reason);
    }
}

async fn exists(
    reader: &dyn Reader,
    path: &BucketPath,
    access: &Access<'_>,
    object: &ObjectName,
) -> Result<bool, Error> {
    let key = keys::object(&path.namespace, &access.bucket.id, object);
    let found = reader.get_many(&[key]).await?;
    Ok(found.into_iter().flatten().next().is_some())
}

/// `exists` says whether the object is there, if one is named.
fn asked(
    access: &Access<'_>,
    operation: Operation,
    exists: Option<bool>,
    object: Option<&ObjectName>,
) -> Explanation {
    let (any, permissions): (bool, Vec<Permission>) = match operation.requires() {
        Requirement::Nothing => (false, Vec::new()),
        Requirement::AllOf(set) => (false, set.iter().collect()),
        Requirement::AnyOf(set) => (true, set.iter().collect()),
        Requirement::ByExistence {
            always,
            create,
            overwrite,
        } => {
            let by_existence = match exists {
                Some(true) => vec![overwrite],
                Some(false) => vec![create],
                None => vec![create, overwrite],
            };
            (false, always.iter().chain(by_existence).collect())
        }
    };
    let held = |p: &Permission| access.owner_holds(operation, *p, object);
    let reason = |p: &Permission| access.reason(operation, *p, object);
    Explanation {
        allowed: match any {
            true => permissions.iter().any(held),
            false => permissions.iter().all(held),
        },
        reasons: permissions.iter().map(reason).collect(),
    }
}

/// What the holder may do, with the permission that each use asks of the creator.
fn uses(scope: &ParScope) -> Vec<(Operation, Permission)> {
    let mut uses = Vec::new();
    if scope.access().reads() {
        uses.push((Operation::GetObject, Permission::ObjectRead));
    }
    if scope.access().writes() {
        uses.push((Operation::PutObject, Permission::ObjectCreate));
        uses.push((Operation::PutObject, Permission::ObjectOverwrite));
    }
    if scope.lists() {
        uses.push((Operation::ListObjects, Permission::ObjectInspect));
    }
    uses
}

fn scope_in_words(scope: &ParScope) -> String {
    let verbs = match (scope.access().reads(), scope.access().writes()) {
        (true, true) => "reads and writes",
        (true, false) => "reads",
        _ => "writes",
    };
    let target = match scope.target() {
        ParTarget::Object(object) => format!("the object {object}"),
        ParTarget::Prefix(prefix) => format!("objects whose names begin with {prefix}"),
        ParTarget::Bucket => "all objects of the bucket".to_owned(),
    };
    let listing = if scope.lists() {
        ", and lists them"
    } else {
        ""
    };
    format!("It {verbs} {target}{listing}.")
}
