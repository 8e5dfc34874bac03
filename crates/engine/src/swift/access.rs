//! Callers of Storage Classic, and what containers and signed URLs grant them besides the user's policies.

use bytes::Bytes;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{BucketName, Namespace, ObjectName, TokenHash};

use super::acl::Acl;
use super::temp_url::{TempUrlMethod, keys_of};
use super::{SwiftRefusal, used_credential};
use crate::authority::{Concern, Need, Standing};
use crate::caller::{UserCaller, token_hash};
use crate::error::{Error, ErrorKind};
use crate::identity::{PrincipalNow, TenancyIdentity};
use crate::records::{BucketRecord, SwiftBucketRecord, UsedCredentialRecord, kind};
use crate::{BucketPath, Engine, keys};

/// Rights to see, make or use a container: who has one of these may know whether there is one.
const RIGHTS: [(Operation, Permission); 11] = [
    (Operation::HeadBucket, Permission::BucketInspect),
    (Operation::GetBucket, Permission::BucketRead),
    (Operation::CreateBucket, Permission::BucketCreate),
    (Operation::UpdateBucket, Permission::BucketUpdate),
    (Operation::DeleteBucket, Permission::BucketDelete),
    (Operation::ListObjects, Permission::ObjectInspect),
    (Operation::GetObject, Permission::ObjectRead),
    (Operation::PutObject, Permission::ObjectCreate),
    (Operation::PutObject, Permission::ObjectOverwrite),
    (Operation::DeleteObject, Permission::ObjectDelete),
    (Operation::RestoreObjects, Permission::ObjectRestore),
];

/// A caller who came in through Swift. Only he gets what ACLs and signed URLs grant.
#[derive(Debug, Clone)]
pub(crate) enum SwiftCaller {
    /// Nobody known, coming from this page.
    Anonymous { referrer: Option<String> },
    /// A user with a token, or with an auth token for this request.
    Token(TokenCaller),
    /// The holder of a signed URL.
    TempUrl(TempUrlGrant),
}

/// A user with a token, or with an auth token for this request.
#[derive(Debug, Clone)]
pub(crate) struct TokenCaller {
    pub(super) user: UserCaller,
    /// What he signed in with.
    pub(super) credential: UsedCredentialRecord,
    /// The identity epoch at which that credential was valid.
    pub(super) epoch: Bytes,
    pub(super) referrer: Option<String>,
}

/// What a signed URL grants.
#[derive(Debug, Clone)]
pub(crate) struct TempUrlGrant {
    pub(super) namespace: Namespace,
    pub(super) container: BucketName,
    /// Whether a key of the account signed it: then segments in other containers are granted too.
    pub(super) whole_account: bool,
    /// The object's name, or what the names begin with.
    pub(super) object: String,
    pub(super) is_prefix: bool,
    pub(super) method: TempUrlMethod,
    /// The key that signed it: the grant ends with the key.
    pub(super) key: TokenHash,
    /// Whether it is about the segments of the object, and not the object itself.
    pub(super) segments: bool,
}

/// What a container grants a caller, as one snapshot has it.
pub(crate) struct SwiftGrant {
    /// Whether the caller has proven who he is.
    proven: bool,
    reads: bool,
    lists: bool,
    writes: bool,
    /// The only objects that this is about.
    within: Option<TempUrlGrant>,
    /// The caller as a user of the container's account, if he is one.
    standing: Option<Standing>,
}

impl SwiftCaller {
    /// The user, where there is one.
    pub(crate) fn user(&self) -> Option<&UserCaller> {
        match self {
            Self::Token(token) => Some(&token.user),
            Self::Anonymous { .. } | Self::TempUrl(_) => None,
        }
    }

    /// The caller of a large object as he reads its segments: a signed URL then grants them, and no more the object.
    pub(crate) fn of_segments(&self) -> Self {
        match self {
            Self::TempUrl(grant) => Self::TempUrl(TempUrlGrant {
                segments: true,
                ..grant.clone()
            }),
            Self::Anonymous { .. } | Self::Token(_) => self.clone(),
        }
    }
}

impl SwiftGrant {
    /// Whether it covers this, whatever policies say.
    pub(crate) fn covers(
        &self,
        operation: Operation,
        permission: Permission,
        object: Option<&ObjectName>,
    ) -> bool {
        use {Operation as O, Permission as P};
        let granted = match (operation, permission) {
            (O::GetObject | O::HeadObject, P::ObjectRead) => self.reads,
            (O::HeadObject, P::ObjectInspect) => self.reads,
            (O::ListObjects, P::ObjectInspect) | (O::GetBucket, P::BucketRead) => self.lists,
            (O::PutObject, P::ObjectCreate | P::ObjectOverwrite) => self.writes,
            (O::DeleteObject, P::ObjectDelete) => self.writes,
            _ => false,
        };
        granted
            && self
                .within
                .as_ref()
                .is_none_or(|grant| grant.is_about(operation, object))
    }

    /// How a refusal looks to the caller. `holds` tells whether he has a permission here. To whom a container that is not
    /// there would be missing, one that he has no rights in is missing too: he must not tell them apart.
    pub(crate) fn refusal(
        &self,
        path: &BucketPath,
        holds: impl Fn(Operation, Permission) -> bool,
    ) -> Error {
        let sees = || RIGHTS.iter().any(|(operation, p)| holds(*operation, *p));
        let expects = |standing: &Standing| has_rights_somewhere(standing, &path.bucket);
        match &self.standing {
            Some(standing) if expects(standing) && !sees() => missing(path),
            _ if self.proven => SwiftRefusal::Forbidden.into(),
            _ => unauthenticated(),
        }
    }
}

impl TempUrlGrant {
    /// Whether it may be about something in this container, by a key that outlives the container.
    fn reaches(&self, path: &BucketPath) -> bool {
        let here = path.bucket == self.container || self.segments;
        self.whole_account && path.namespace == self.namespace && here
    }

    fn is_about(&self, operation: Operation, object: Option<&ObjectName>) -> bool {
        if self.segments {
            return true;
        }
        let named = object.is_some_and(|object| match self.is_prefix {
            true => object.as_str().starts_with(&self.object),
            false => object.as_str() == self.object,
        });
        let meant = match self.method {
            TempUrlMethod::Get => {
                operation == Operation::GetObject || operation == Operation::HeadObject
            }
            TempUrlMethod::Head => operation == Operation::HeadObject,
            TempUrlMethod::Put | TempUrlMethod::Post => operation == Operation::PutObject,
            TempUrlMethod::Delete => operation == Operation::DeleteObject,
        };
        named && meant
    }
}

impl Engine {
    /// What a container grants a caller. `named` is the user whose name an ACL may hold; `standing` is his, where the
    /// container is of his own account.
    pub(crate) async fn swift_grant(
        &self,
        reader: &dyn Reader,
        caller: &SwiftCaller,
        path: &BucketPath,
        bucket: &BucketRecord,
        named: Option<(&TenancyIdentity, &PrincipalNow)>,
        standing: Option<Standing>,
    ) -> Result<SwiftGrant, Error> {
        let (referrer, user) = match caller {
            SwiftCaller::Anonymous { referrer } => (referrer, None),
            SwiftCaller::Token(token) => (&token.referrer, Some(&token.user)),
            SwiftCaller::TempUrl(grant) => return self.signed_grant(reader, grant, path).await,
        };
        let mut granted = SwiftGrant {
            proven: user.is_some(),
            reads: false,
            lists: false,
            writes: false,
            within: None,
            standing,
        };
        let none = SwiftBucketRecord::default();
        let swift = bucket.swift.as_ref().unwrap_or(&none);
        let (read, write) = (Acl::parse(&swift.read_acl), Acl::parse(&swift.write_acl));
        if read.allows_referrer(referrer.as_deref()) {
            granted.reads = true;
            granted.lists = read.lists;
        }
        if let (Some(user), Some((identity, principal))) = (user, named) {
            let home = user.namespace == path.namespace;
            if self
                .is_named(reader, &read, identity, principal, home)
                .await?
            {
                (granted.reads, granted.lists) = (true, true);
            }
            granted.writes = self
                .is_named(reader, &write, identity, principal, home)
                .await?;
        }
        Ok(granted)
    }

    /// Whether a list names a user: himself, his account, or one of his groups where the list is of his own account.
    async fn is_named(
        &self,
        reader: &dyn Reader,
        acl: &Acl,
        identity: &TenancyIdentity,
        principal: &PrincipalNow,
        home: bool,
    ) -> Result<bool, Error> {
        let namespace = &identity.tenancy().namespace;
        if acl.names_user(namespace, principal.name()) {
            return Ok(true);
        }
        let groups = if home {
            acl.groups(namespace)
        } else {
            Vec::new()
        };
        if groups.is_empty() {
            return Ok(false);
        }
        let place =
            |group: &&str| keys::identity(namespace, kind::GROUP_NAME, &[&group.to_lowercase()]);
        let asked: Vec<Vec<u8>> = groups.iter().map(place).collect();
        let found = reader.get_many(&asked).await?;
        let ids = found
            .iter()
            .flatten()
            .filter_map(|id| std::str::from_utf8(id).ok());
        Ok(ids.into_iter().any(|id| principal.is_in(id)))
    }

    async fn signed_grant(
        &self,
        reader: &dyn Reader,
        grant: &TempUrlGrant,
        path: &BucketPath,
    ) -> Result<SwiftGrant, Error> {
        let found = keys_of(reader, &grant.namespace, &grant.container).await?;
        let alive = found.iter().any(|(container_key, key)| {
            *container_key != grant.whole_account && token_hash(&key.0) == grant.key
        });
        let here = path.namespace == grant.namespace
            && (path.bucket == grant.container || grant.whole_account && grant.segments);
        let granted = alive && here;
        let writes = matches!(
            grant.method,
            TempUrlMethod::Put | TempUrlMethod::Post | TempUrlMethod::Delete
        );
        Ok(SwiftGrant {
            proven: false,
            reads: granted && (!writes || grant.segments),
            lists: granted && grant.segments,
            writes: granted && writes && !grant.segments,
            within: Some(grant.clone()),
            standing: None,
        })
    }

    /// How a container that is not there looks to a caller: missing to those who would have rights in it if it were
    /// anywhere in the account, forbidden to others.
    pub(crate) fn swift_missing(
        &self,
        caller: &SwiftCaller,
        standing: Option<&Standing>,
        path: &BucketPath,
    ) -> Error {
        match caller {
            SwiftCaller::Anonymous { .. } => unauthenticated(),
            SwiftCaller::TempUrl(grant) if grant.reaches(path) => missing(path),
            SwiftCaller::TempUrl(_) => unauthenticated(),
            SwiftCaller::Token(_) => {
                match standing.is_some_and(|standing| has_rights_somewhere(standing, &path.bucket))
                {
                    true => missing(path),
                    false => SwiftRefusal::Forbidden.into(),
                }
            }
        }
    }

    /// Why the credential behind a token does not count any more, in words that follow "the caller"; nothing while it
    /// does.
    pub(crate) async fn swift_credential_gone(
        &self,
        reader: &dyn Reader,
        caller: &SwiftCaller,
    ) -> Result<Option<&'static str>, Error> {
        let SwiftCaller::Token(token) = caller else {
            return Ok(None);
        };
        let namespace = &token.user.namespace;
        let epoch = reader
            .get_many(&[keys::identity_epoch(namespace)])
            .await?
            .pop()
            .flatten();
        if epoch.as_ref() == Some(&token.epoch) {
            return Ok(None);
        }
        let (kind, id) = (token.credential.kind, token.credential.id.as_str());
        let now = used_credential(reader, namespace, &token.user.user, kind, id).await?;
        Ok((now.as_ref() != Some(&token.credential))
            .then_some("has lost the credential he signed in with"))
    }
}

/// What whoever must sign in first is told.
pub(crate) fn unauthenticated() -> Error {
    let text = "This server could not verify that you are authorized to access the document you requested.";
    ErrorKind::NotAuthenticated(text.to_owned()).into()
}

fn missing(path: &BucketPath) -> Error {
    let (namespace, bucket) = (path.namespace.clone(), path.bucket.clone());
    ErrorKind::BucketNotFound { namespace, bucket }.into()
}

fn has_rights_somewhere(standing: &Standing, bucket: &BucketName) -> bool {
    standing.identity.compartments().any(|compartment| {
        RIGHTS.iter().any(|(operation, permission)| {
            let mut concern = Concern::of(compartment);
            concern.target.bucket_name = Some(bucket.as_str());
            standing
                .holds(*operation, Need::All(&[*permission]), concern)
                .is_ok()
        })
    })
}
