//! From a proof to a [`Caller`]: the only way to act (invariant 1).

use bytes::Bytes;
use parbuckle_iam::signature::{self, Authorization, BodyRule, Fingerprint, RequestView};
use parbuckle_model::{Namespace, Ocid, TokenHash};

use crate::credential::CredentialKind;
use crate::error::{Error, ErrorKind};
use crate::records::RequesterRecord;
use crate::swift::{BasicLogin, SwiftCaller, TempUrl};
use crate::{Engine, keys};

/// What a request brings to show who it comes from.
pub enum Proof<'a> {
    /// Nothing.
    Anonymous,
    /// An OCI request signature (wire reference section 6).
    Signed {
        /// The value of the `Authorization` header.
        authorization: &'a str,
        /// The request as it stood on the wire.
        view: &'a (dyn RequestView + Sync),
        /// What must be signed.
        rule: BodyRule,
    },
    /// The secret of a pre-authenticated request.
    ParSecret(&'a str),
    /// The secret of an upload that was started through one.
    UploadSecret(&'a str),
    /// A Swift token.
    SwiftToken {
        /// The token.
        token: &'a str,
        /// The text of the `Referer` header, for ACLs that name hosts.
        referrer: Option<&'a str>,
    },
    /// A user's name and auth token, through Swift.
    SwiftBasic(&'a BasicLogin<'a>),
    /// Nothing, through Swift.
    SwiftAnonymous {
        /// The text of the `Referer` header, for ACLs that name hosts.
        referrer: Option<&'a str>,
    },
    /// A signature made with a TempURL key.
    TempUrl(&'a TempUrl<'a>),
}

/// A proven caller.
#[derive(Debug)]
pub struct Authenticated {
    /// Who acts, on whose authority, within which scope.
    pub caller: Caller,
    /// SHA-256 that the body must have, when that was signed. The face compares it.
    pub body_sha256: Option<[u8; 32]>,
}

/// Who acts, on whose authority, within which scope. Only [`Engine::authenticate`] makes one, and [`Caller::of_work`] one
/// that stands for a user who came through it.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) identity: CallerIdentity,
}

/// The kinds of callers.
#[derive(Debug, Clone)]
pub(crate) enum CallerIdentity {
    /// Nobody known: the bucket's public grant is all the authority there is.
    Anonymous,
    /// A user on his own authority, unlimited in scope.
    User(UserCaller),
    /// The holder of a PAR: its creator's authority within its scope. Whether the PAR lives is asked on the snapshot of
    /// the operation.
    Par(TokenHash),
    /// The holder of an upload's secret: the PAR narrowed to one upload.
    Upload(TokenHash),
    /// Somebody who came in through Swift.
    Swift(SwiftCaller),
}

/// A user who has proven to be one.
#[derive(Debug, Clone)]
pub(crate) struct UserCaller {
    pub(crate) namespace: Namespace,
    pub(crate) user: Ocid,
    pub(crate) credential: CredentialKind,
    /// The API key used, and the identity epoch at which it was valid.
    pub(crate) key: Option<(String, Bytes)>,
}

impl Caller {
    /// The user who asked for work that goes on behind his request, on his own authority.
    ///
    /// This opens no door: a work request names only a user who had proven himself when he asked, and it stands for no
    /// right. Whether he still exists, may use that kind of credential and may do this is asked again on the snapshots and in
    /// the transactions of the work, as in any request of his. As with a PAR, the key that he signed with may be gone.
    pub(crate) fn of_work(requester: &RequesterRecord) -> Self {
        let user = UserCaller {
            namespace: requester.namespace.clone(),
            user: requester.user.clone(),
            credential: requester.credential,
            key: None,
        };
        Self {
            identity: CallerIdentity::User(user),
        }
    }

    /// The same caller as he reads the segments of a large object that he may read.
    pub(crate) fn of_segments(&self) -> Self {
        match &self.identity {
            CallerIdentity::Swift(swift) => Self {
                identity: CallerIdentity::Swift(swift.of_segments()),
            },
            _ => self.clone(),
        }
    }

    /// The user, when the caller is one on his own authority.
    pub(crate) fn user(&self) -> Option<&UserCaller> {
        match &self.identity {
            CallerIdentity::User(user) => Some(user),
            CallerIdentity::Swift(swift) => swift.user(),
            CallerIdentity::Anonymous | CallerIdentity::Par(_) | CallerIdentity::Upload(_) => None,
        }
    }
}

impl Engine {
    /// Turns a proof into a caller, or refuses it with [`ErrorKind::NotAuthenticated`].
    ///
    /// For a PAR or upload secret this only hashes: whether it lives, and what its creator may do, is asked on the
    /// snapshot that the operation reads.
    pub async fn authenticate(&self, proof: Proof<'_>) -> Result<Authenticated, Error> {
        let identity = match proof {
            Proof::Anonymous => CallerIdentity::Anonymous,
            Proof::ParSecret(secret) => CallerIdentity::Par(token_hash(secret)),
            Proof::UploadSecret(secret) => CallerIdentity::Upload(token_hash(secret)),
            Proof::SwiftToken { token, referrer } => {
                CallerIdentity::Swift(self.verify_swift_token(token, referrer).await?)
            }
            Proof::SwiftBasic(basic) => {
                CallerIdentity::Swift(Box::pin(self.verify_basic(basic)).await?)
            }
            Proof::SwiftAnonymous { referrer } => CallerIdentity::Swift(SwiftCaller::Anonymous {
                referrer: referrer.map(str::to_owned),
            }),
            Proof::TempUrl(url) => CallerIdentity::Swift(self.verify_temp_url(url).await?),
            Proof::Signed {
                authorization,
                view,
                rule,
            } => return self.verify_signature(authorization, view, rule).await,
        };
        Ok(Authenticated {
            caller: Caller { identity },
            body_sha256: None,
        })
    }

    async fn verify_signature(
        &self,
        authorization: &str,
        view: &(dyn RequestView + Sync),
        rule: BodyRule,
    ) -> Result<Authenticated, Error> {
        let authorization = Authorization::parse(authorization).map_err(refused)?;
        let now = self.environment.now();
        let Some((caller, key)) = self.key_owner(&authorization).await? else {
            return Err(refused(signature::verify_unknown_key(
                &authorization,
                view,
                now,
                rule,
            )));
        };
        let verified = signature::verify(&authorization, view, &key, now, rule).map_err(refused)?;
        let caller = Caller {
            identity: CallerIdentity::User(caller),
        };
        Ok(Authenticated {
            caller,
            body_sha256: verified.body_sha256,
        })
    }

    /// The user and key that a signature names: nobody if the tenancy, user or key is unknown, the user is blocked or
    /// may not use API keys.
    async fn key_owner(
        &self,
        authorization: &Authorization,
    ) -> Result<Option<(UserCaller, signature::PublicKey)>, Error> {
        let id = &authorization.key_id;
        let reader = self.kv.snapshot().await?;
        let found = reader
            .get_many(&[keys::tenancy_namespace(&id.tenancy)])
            .await?
            .pop()
            .flatten();
        let namespace =
            found.and_then(|bytes| Namespace::parse(std::str::from_utf8(&bytes).ok()?).ok());
        let (Some(namespace), Ok(user)) = (namespace, Ocid::parse(&id.user)) else {
            return Ok(None);
        };
        let Some(identity) = self.identity_at(&*reader, &namespace).await? else {
            return Ok(None);
        };
        let fingerprint: &Fingerprint = &id.fingerprint;
        let fingerprint = fingerprint.to_string();
        let Some(key) = identity.api_key(&*reader, &user, &fingerprint).await? else {
            return Ok(None);
        };
        let caller = UserCaller {
            namespace,
            user,
            credential: CredentialKind::ApiKey,
            key: Some((fingerprint, identity.epoch().clone())),
        };
        let usable = identity
            .principal(&*reader, &caller.user, caller.credential)
            .await?
            .is_ok();
        Ok(usable.then_some((caller, key)))
    }
}

/// SHA-256 of a secret.
pub(crate) fn token_hash(secret: &str) -> TokenHash {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    TokenHash(hash)
}

fn refused(error: signature::SignatureError) -> Error {
    Error::from(ErrorKind::NotAuthenticated(
        error.client_message().to_owned(),
    ))
    .because(error.to_string())
}
