//! The one function that decides (DESIGN section 1):
//!
//! ```text
//! allowed(request) = scope permits the action on the target  AND  the authority's owner holds the permission now
//! ```
//!
//! [`Engine::enter`] loads everything the decision needs from the snapshot or transaction at hand, in one multi-key read:
//! the PAR, the identity epoch, the bucket. [`Access::require`] then decides. Answers hide what the caller may not know:
//! missing and forbidden look alike; the cause for the log tells them apart.

mod by_swift;
mod standing;

pub(crate) use standing::{Concern, Standing};

use std::sync::Arc;

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::Target;
use parbuckle_kv::Reader;
use parbuckle_model::{ObjectName, Ocid, PublicAccess, TokenHash, UploadId};

use crate::caller::{Caller, CallerIdentity, UserCaller};
use crate::credential::CredentialKind;
use crate::error::{Error, ErrorKind};
use crate::identity::{PrincipalNow, Question, TenancyIdentity};
use crate::records::{self, BucketRecord, ParRecord, UploadSecretRecord};
use crate::swift::SwiftGrant;
use crate::{BucketPath, Engine, keys};

/// What a request wants to do, as scopes see it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act<'a> {
    /// Read this object or its metadata.
    ReadObject(&'a ObjectName),
    /// Put this object, or start an upload of it.
    WriteObject(&'a ObjectName),
    /// List objects.
    ListObjects,
    /// Work on this upload of this object: parts, commit, abort.
    WorkOnUpload(&'a ObjectName, &'a UploadId),
    /// Anything else with this object: only a user on his own authority does that.
    ManageObject(&'a ObjectName),
    /// Anything else: only a user on his own authority does that.
    Manage,
}

/// Which permissions an operation asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need<'a> {
    /// Every one of these, one after the other.
    All(&'a [Permission]),
    /// One of these.
    Any(&'a [Permission]),
}

/// A bucket as a caller has found it, before anything is decided.
pub(crate) struct Access<'p> {
    pub(crate) bucket: Arc<BucketRecord>,
    path: &'p BucketPath,
    scope: Scope,
    authority: Authority,
    /// The caller belongs to another tenancy: to him the namespace does not exist.
    foreign: bool,
    /// What the bucket grants the caller through Swift, and how a refusal looks there.
    swift: Option<Box<SwiftGrant>>,
    now: Timestamp,
}

/// The limits of what is asked, whoever's authority it is.
enum Scope {
    Unlimited,
    Par(Arc<ParRecord>),
    Upload {
        secret: UploadSecretRecord,
        par: Arc<ParRecord>,
    },
}

/// Whose rights count.
enum Authority {
    /// A user's, as they are now.
    User {
        identity: Arc<TenancyIdentity>,
        principal: Arc<PrincipalNow>,
    },
    /// Nobody's; the text tells the log why.
    Nobody(String),
}

impl Engine {
    /// Finds the bucket, and what the caller brings to it. A missing bucket is refused as [`Access::require`] refuses a
    /// forbidden one.
    pub(crate) async fn enter<'p>(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        path: &'p BucketPath,
    ) -> Result<Access<'p>, Error> {
        let now = self.environment.now();
        match &caller.identity {
            CallerIdentity::Anonymous => {
                let authority = Authority::Nobody("the caller is anonymous".to_owned());
                self.enter_as(reader, path, authority, false, now).await
            }
            CallerIdentity::User(user) => self.enter_as_user(reader, user, path, now).await,
            CallerIdentity::Swift(swift) => self.enter_by_swift(reader, swift, path, now).await,
            CallerIdentity::Par(token) => self.enter_by_par(reader, token, None, path, now).await,
            CallerIdentity::Upload(token) => {
                let secret = reader
                    .get_many(&[keys::upload_secret(token)])
                    .await?
                    .pop()
                    .flatten();
                let Some(secret) = records::decode_optional::<UploadSecretRecord>(secret.as_ref())?
                else {
                    return Err(no_par("no such upload secret"));
                };
                self.enter_by_par(reader, &secret.par.clone(), Some(secret), path, now)
                    .await
            }
        }
    }

    async fn enter_as_user<'p>(
        &self,
        reader: &dyn Reader,
        user: &UserCaller,
        path: &'p BucketPath,
        now: Timestamp,
    ) -> Result<Access<'p>, Error> {
        let authority = if user.namespace == path.namespace {
            self.user_authority(reader, user).await?
        } else {
            Authority::Nobody("the caller belongs to another tenancy".to_owned())
        };
        self.enter_as(
            reader,
            path,
            authority,
            user.namespace != path.namespace,
            now,
        )
        .await
    }

    async fn enter_as<'p>(
        &self,
        reader: &dyn Reader,
        path: &'p BucketPath,
        authority: Authority,
        foreign: bool,
        now: Timestamp,
    ) -> Result<Access<'p>, Error> {
        let bucket = reader
            .get_many(&[keys::bucket(&path.namespace, &path.bucket)])
            .await?
            .pop()
            .flatten();
        let Some(bucket) = self.hot_buckets.decode_optional(bucket.as_ref())? else {
            return Err(hidden(path, foreign).because("there is no such bucket"));
        };
        Ok(Access {
            bucket,
            path,
            scope: Scope::Unlimited,
            authority,
            foreign,
            swift: None,
            now,
        })
    }

    /// A bucket as `user` finds it who acts with this kind of credential: for explanations, which decide nothing.
    pub(crate) async fn enter_on_behalf<'p>(
        &self,
        reader: &dyn Reader,
        user: &Ocid,
        credential: CredentialKind,
        path: &'p BucketPath,
    ) -> Result<Access<'p>, Error> {
        let user = UserCaller {
            namespace: path.namespace.clone(),
            user: user.clone(),
            credential,
            key: None,
        };
        let now = self.environment.now();
        self.enter_as_user(reader, &user, path, now).await
    }

    /// The PAR, the identity epoch and the bucket come in one read.
    pub(crate) async fn enter_by_par<'p>(
        &self,
        reader: &dyn Reader,
        token: &TokenHash,
        upload: Option<UploadSecretRecord>,
        path: &'p BucketPath,
        now: Timestamp,
    ) -> Result<Access<'p>, Error> {
        let asked = [
            keys::par(token),
            keys::bucket(&path.namespace, &path.bucket),
            keys::identity_epoch(&path.namespace),
        ];
        let mut found = reader.get_many(&asked).await?.into_iter();
        let (par, bucket, epoch) = (
            found.next().flatten(),
            found.next().flatten(),
            found.next().flatten(),
        );
        let Some(par) = self.hot_pars.decode_optional(par.as_ref())? else {
            return Err(no_par("no PAR has this secret"));
        };
        if par.time_expires.is_past(now) {
            return Err(no_par(&format!("PAR {} has expired", par.id.to_text(None))));
        }
        let bucket = self.hot_buckets.decode_optional(bucket.as_ref())?;
        let Some(bucket) =
            bucket.filter(|bucket| par.namespace == path.namespace && par.bucket == bucket.id)
        else {
            return Err(no_par(&format!(
                "PAR {} is for another bucket",
                par.id.to_text(None)
            )));
        };
        let authority = match self
            .identity_of_epoch(reader, &path.namespace, epoch)
            .await?
        {
            Some(identity) => match identity
                .principal(reader, &par.creator, par.credential)
                .await?
            {
                Ok(principal) => Authority::User {
                    identity,
                    principal,
                },
                Err(reason) => Authority::Nobody(format!("its creator {reason}")),
            },
            None => Authority::Nobody("its tenancy is gone".to_owned()),
        };
        let scope = match upload {
            None => Scope::Par(par),
            Some(secret) => Scope::Upload { secret, par },
        };
        Ok(Access {
            bucket,
            path,
            scope,
            authority,
            foreign: false,
            swift: None,
            now,
        })
    }

    async fn user_authority(
        &self,
        reader: &dyn Reader,
        user: &UserCaller,
    ) -> Result<Authority, Error> {
        let Some(identity) = self.identity_at(reader, &user.namespace).await? else {
            return Ok(Authority::Nobody("the caller's tenancy is gone".to_owned()));
        };
        if let Some((fingerprint, epoch)) = &user.key
            && epoch != identity.epoch()
            && identity
                .api_key(reader, &user.user, fingerprint)
                .await?
                .is_none()
        {
            return Ok(Authority::Nobody("the caller's API key is gone".to_owned()));
        }
        Ok(
            match identity
                .principal(reader, &user.user, user.credential)
                .await?
            {
                Ok(principal) => Authority::User {
                    identity,
                    principal,
                },
                Err(reason) => Authority::Nobody(format!("the caller {reason}")),
            },
        )
    }
}

impl Access<'_> {
    /// Decides.
    pub(crate) fn require(
        &self,
        operation: Operation,
        need: Need<'_>,
        act: Act<'_>,
    ) -> Result<(), Error> {
        self.scope_permits(act)?;
        let object = match act {
            Act::ReadObject(object)
            | Act::WriteObject(object)
            | Act::WorkOnUpload(object, _)
            | Act::ManageObject(object) => Some(object),
            Act::ListObjects | Act::Manage => None,
        };
        let held = |p: &Permission| self.owner_holds(operation, *p, object);
        let (enough, permissions) = match need {
            Need::All(permissions) => (permissions.iter().all(held), permissions),
            Need::Any(permissions) => (permissions.iter().any(held), permissions),
        };
        if enough {
            return Ok(());
        }
        let missing = permissions.iter().find(|p| !held(p));
        let cause = missing.map(|p| self.reason(operation, *p, object));
        Err(self.refused(self.forbidden(), &cause.unwrap_or_default()))
    }

    /// The user whose authority it is; refused when there is none.
    pub(crate) fn acting_user(&self) -> Result<&Ocid, Error> {
        match &self.authority {
            Authority::User { principal, .. } => Ok(principal.user()),
            Authority::Nobody(reason) => Err(self.refused(self.forbidden(), reason)),
        }
    }

    /// The prefix that all listed names must have.
    pub(crate) fn listing_prefix(&self) -> &str {
        match &self.scope {
            Scope::Par(par) => par.scope.listing_prefix(),
            Scope::Unlimited | Scope::Upload { .. } => "",
        }
    }

    /// Target outside the scope: the PAR does not exist for it. Action outside: as if forbidden (wire reference 7.5).
    fn scope_permits(&self, act: Act<'_>) -> Result<(), Error> {
        let outside = || {
            let words = "the object lies outside the PAR's target";
            self.refused(ErrorKind::ParDoesNotExist.into(), words)
        };
        let not_granted = || {
            let words = "the PAR's access type does not permit this";
            self.refused(self.forbidden(), words)
        };
        match (&self.scope, act) {
            (Scope::Unlimited, _) => Ok(()),
            (Scope::Par(par), Act::ReadObject(object) | Act::WriteObject(object))
                if !par.scope.covers(object) =>
            {
                Err(outside())
            }
            (Scope::Par(par), Act::ReadObject(_)) if par.scope.access().reads() => Ok(()),
            (Scope::Par(par), Act::WriteObject(_)) if par.scope.access().writes() => Ok(()),
            (Scope::Par(par), Act::ListObjects) if par.scope.lists() => Ok(()),
            (Scope::Upload { secret, .. }, Act::WorkOnUpload(object, upload)) => {
                if secret.object == *object && secret.upload == *upload {
                    Ok(())
                } else {
                    Err(outside())
                }
            }
            (Scope::Par(_) | Scope::Upload { .. }, _) => Err(not_granted()),
        }
    }

    /// Asks for one permission at a time, as policies see them (wire reference 12.5).
    pub(crate) fn owner_holds(
        &self,
        operation: Operation,
        permission: Permission,
        object: Option<&ObjectName>,
    ) -> bool {
        if matches!(self.scope, Scope::Unlimited) && self.public_grant(permission, operation) {
            return true;
        }
        if let Some(swift) = &self.swift
            && swift.covers(operation, permission, object)
        {
            return true;
        }
        let Authority::User {
            identity,
            principal,
        } = &self.authority
        else {
            return false;
        };
        self.question(identity, operation, permission, object)
            .is_some_and(|question| identity.allows(principal, question))
    }

    /// Why the authority's owner holds a permission or does not, in words for the log and the owner.
    pub(crate) fn reason(
        &self,
        operation: Operation,
        permission: Permission,
        object: Option<&ObjectName>,
    ) -> String {
        if matches!(self.scope, Scope::Unlimited) && self.public_grant(permission, operation) {
            let (operation, permission) = (operation.name(), permission.as_str());
            return format!("{operation} has {permission}: the bucket is public.");
        }
        if let Some(swift) = &self.swift
            && swift.covers(operation, permission, object)
        {
            let (operation, permission) = (operation.name(), permission.as_str());
            return format!("{operation} has {permission}: the container grants it.");
        }
        let (identity, principal) = match &self.authority {
            Authority::Nobody(reason) => return reason.clone(),
            Authority::User {
                identity,
                principal,
            } => (identity, principal),
        };
        match self.question(identity, operation, permission, object) {
            Some(question) => identity.explains(principal, question),
            None => "the bucket's compartment is gone".to_owned(),
        }
    }

    fn question<'a>(
        &'a self,
        identity: &'a TenancyIdentity,
        operation: Operation,
        permission: Permission,
        object: Option<&'a ObjectName>,
    ) -> Option<Question<'a>> {
        Some(Question {
            permission,
            operation,
            now: self.now,
            path: identity.compartment_path(&self.bucket.compartment)?,
            target: Target {
                bucket_name: Some(self.bucket.name.as_str()),
                object_name: object.map(ObjectName::as_str),
                tags: Some(&*self.bucket),
                ..Target::default()
            },
        })
    }

    /// What a public bucket grants to everybody (wire reference section 11).
    fn public_grant(&self, permission: Permission, operation: Operation) -> bool {
        let reads = matches!(operation, Operation::GetObject | Operation::HeadObject)
            && permission == Permission::ObjectRead;
        let lists = operation == Operation::ListObjects && permission == Permission::ObjectInspect;
        match self.bucket.public_access {
            PublicAccess::NoPublicAccess => false,
            PublicAccess::ObjectRead => reads || lists,
            PublicAccess::ObjectReadWithoutList => reads,
        }
    }

    /// A refusal with its cause for the log, which names the PAR if it was used through one.
    fn refused(&self, refusal: Error, cause: &str) -> Error {
        let (Scope::Par(par) | Scope::Upload { par, .. }) = &self.scope else {
            return refusal.because(cause);
        };
        let (id, creator) = (par.id.to_text(None), &par.creator);
        refusal.because(format!("PAR {id}, made by {creator}: {cause}"))
    }

    /// The refusal, which looks like a missing bucket, except to those who came in through Swift.
    fn forbidden(&self) -> Error {
        match &self.swift {
            Some(swift) => swift.refusal(self.path, |operation, permission| {
                self.owner_holds(operation, permission, None)
            }),
            None => hidden(self.path, self.foreign),
        }
    }
}

/// What missing and forbidden buckets look like. A caller of another tenancy does not even see the namespace.
fn hidden(path: &BucketPath, foreign: bool) -> Error {
    if foreign {
        return ErrorKind::NamespaceNotFound.into();
    }
    ErrorKind::BucketNotFound {
        namespace: path.namespace.clone(),
        bucket: path.bucket.clone(),
    }
    .into()
}

fn no_par(cause: &str) -> Error {
    Error::from(ErrorKind::ParDoesNotExist).because(cause)
}
