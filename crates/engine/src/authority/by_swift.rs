//! How a caller who came in through Swift finds a bucket: with what its ACLs or a signed URL grant him besides policies.

use std::sync::Arc;

use jiff::Timestamp;
use parbuckle_kv::Reader;

use super::{Access, Authority, Scope, Standing};
use crate::caller::UserCaller;
use crate::error::Error;
use crate::identity::{PrincipalNow, TenancyIdentity};
use crate::swift::{SwiftCaller, unauthenticated};
use crate::{BucketPath, Engine, keys};

impl Engine {
    /// The bucket with what it grants through Swift. A missing one is refused as Swift does.
    pub(super) async fn enter_by_swift<'p>(
        &self,
        reader: &dyn Reader,
        caller: &SwiftCaller,
        path: &'p BucketPath,
        now: Timestamp,
    ) -> Result<Access<'p>, Error> {
        let own = match caller.user() {
            Some(user) => Some((user, self.swift_authority(reader, caller, user).await?)),
            None => None,
        };
        let found = reader
            .get_many(&[keys::bucket(&path.namespace, &path.bucket)])
            .await?
            .pop()
            .flatten();
        let standing = own
            .as_ref()
            .filter(|(user, _)| user.namespace == path.namespace)
            .map(|(user, (identity, principal))| Standing {
                user: UserCaller::clone(user),
                identity: Arc::clone(identity),
                principal: Arc::clone(principal),
                now,
            });
        let Some(bucket) = self.hot_buckets.decode_optional(found.as_ref())? else {
            return Err(self.swift_missing(caller, standing.as_ref(), path));
        };
        let named = own
            .as_ref()
            .map(|(_, (identity, principal))| (&**identity, &**principal));
        let grant = self
            .swift_grant(reader, caller, path, &bucket, named, standing)
            .await?;
        let authority = match own {
            Some((user, (identity, principal))) if user.namespace == path.namespace => {
                Authority::User {
                    identity,
                    principal,
                }
            }
            Some(_) => Authority::Nobody("the caller belongs to another tenancy".to_owned()),
            None => Authority::Nobody("the caller is no user".to_owned()),
        };
        Ok(Access {
            bucket,
            path,
            scope: Scope::Unlimited,
            authority,
            foreign: false,
            swift: Some(Box::new(grant)),
            now,
        })
    }

    /// The user of a Swift token in his own tenancy. Who can't act any more has to sign in again.
    async fn swift_authority(
        &self,
        reader: &dyn Reader,
        caller: &SwiftCaller,
        user: &UserCaller,
    ) -> Result<(Arc<TenancyIdentity>, Arc<PrincipalNow>), Error> {
        let gone = |reason: String| Err(unauthenticated().because(reason));
        if let Some(reason) = self.swift_credential_gone(reader, caller).await? {
            return gone(format!("the caller {reason}"));
        }
        match self.user_authority(reader, user).await? {
            Authority::User {
                identity,
                principal,
            } => Ok((identity, principal)),
            Authority::Nobody(reason) => gone(reason),
        }
    }
}
