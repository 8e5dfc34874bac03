//! Auth tokens and customer secret keys: made up by the server, shown once, kept as proofs.

use jiff::Timestamp;
use parbuckle_iam::permission::Operation;
use parbuckle_iam::secret::SecretString;
use parbuckle_model::{ETag, Namespace, Ocid, Preconditions};

use super::admission::{conflict, namespace_of, record, records_under, refused, touch_identity};
use super::password::{proof_of, secret_text};
use super::retry::{RetryToken, invalidated};
use super::text::check_text;
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{SecretRecord, kind};
use crate::{Engine, keys};

/// Most auth tokens, and most secret keys, of a user (wire reference section 9).
const SECRETS_MAX: usize = 2;

/// Which kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// An auth token, the password of Swift clients.
    AuthToken,
    /// A customer secret key, as S3 clients have it.
    CustomerSecretKey,
}

/// What can be told of a user's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSecret {
    /// OCID of an auth token, access key of a secret key.
    pub id: String,
    /// The user.
    pub user: Ocid,
    /// Description of an auth token, display name of a secret key.
    pub label: String,
    /// When it was made.
    pub time_created: Timestamp,
    /// Changes with every update.
    pub etag: ETag,
}

/// A secret that has just been made.
pub struct NewUserSecret {
    /// The secret, shown once.
    pub secret: SecretString,
    /// What can be told of it later.
    pub info: UserSecret,
}

impl Engine {
    /// Gives a user another secret. A user may give himself one. The same request again, by its retry token, makes the
    /// secret anew: what was shown before ends.
    pub async fn create_user_secret(
        &self,
        caller: &Caller,
        kind: SecretKind,
        user: &Ocid,
        label: &str,
        retry: Option<&RetryToken>,
    ) -> Result<NewUserSecret, Error> {
        check_label(kind, label)?;
        let namespace = namespace_of(caller)?;
        let secret = secret_text(self.random());
        let new = &SecretRecord {
            id: self.new_id(kind),
            label: label.to_owned(),
            proof: proof_of(&secret, self.random()),
            time_created: self.now(),
            etag: self.new_etag(),
        };
        let record = self
            .transact("create_user_secret", |tx| async move {
                let place = |id: &str| keys::identity(namespace, kind.key(), &[user.as_str(), id]);
                let there = record::<SecretRecord>(tx.reader(), place(&new.id)).await?;
                if there.as_ref() == Some(new) {
                    return Ok(new.clone());
                }
                let operation = kind.creation();
                let (admin, _) = self
                    .own_user(tx.reader(), caller, operation, user, true)
                    .await?;
                let claimed = self.claim(&tx, &admin, operation, retry, &new.id).await?;
                let mut new = new.clone();
                if let Some(earlier) = claimed {
                    let there = record::<SecretRecord>(tx.reader(), place(&earlier)).await?;
                    there.ok_or_else(|| invalidated("The secret has been deleted since"))?;
                    new.id = earlier;
                } else if secrets_of(&tx, namespace, kind, user).await? >= SECRETS_MAX {
                    return Err(kind.too_many());
                }
                tx.put(place(&new.id), &new);
                touch_identity(&tx, namespace).await?;
                Ok(new)
            })
            .await?;
        Ok(NewUserSecret {
            secret,
            info: record.shown(user),
        })
    }

    /// A user's secrets of a kind, oldest first.
    pub async fn user_secrets(
        &self,
        caller: &Caller,
        kind: SecretKind,
        user: &Ocid,
    ) -> Result<Vec<UserSecret>, Error> {
        let reader = self.kv.snapshot().await?;
        let operation = kind.listing();
        let (admin, _) = self
            .own_user(&*reader, caller, operation, user, true)
            .await?;
        let prefix = keys::identity_prefix(admin.namespace(), kind.key(), &[user.as_str()]);
        let mut found: Vec<SecretRecord> = records_under(&*reader, &prefix).await?;
        found.sort_by_key(|secret| secret.time_created);
        Ok(found.into_iter().map(|secret| secret.shown(user)).collect())
    }

    /// Changes the label of a secret.
    pub async fn update_user_secret(
        &self,
        caller: &Caller,
        kind: SecretKind,
        user: &Ocid,
        id: &str,
        label: Option<&str>,
        preconditions: &Preconditions,
    ) -> Result<UserSecret, Error> {
        label.map_or(Ok(()), |label| check_label(kind, label))?;
        let namespace = namespace_of(caller)?;
        let place = &kind.place(namespace, user, id)?;
        let etag = self.new_etag();
        self.transact("update_user_secret", |tx| async move {
            let there = record::<SecretRecord>(tx.reader(), place.clone()).await?;
            let operation = kind.update();
            self.own_user(tx.reader(), caller, operation, user, true)
                .await?;
            let mut secret = there.ok_or_else(|| refused("the user has no such secret"))?;
            if secret.etag != etag {
                check_write(preconditions, Some(&secret.etag))?;
                secret.label = label.map_or(secret.label, str::to_owned);
                secret.etag = etag;
                tx.put(place.clone(), &secret);
                touch_identity(&tx, namespace).await?;
            }
            Ok(secret.shown(user))
        })
        .await
    }

    /// Ends a secret.
    pub async fn delete_user_secret(
        &self,
        caller: &Caller,
        kind: SecretKind,
        user: &Ocid,
        id: &str,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        let namespace = namespace_of(caller)?;
        let place = &kind.place(namespace, user, id)?;
        self.transact("delete_user_secret", |tx| async move {
            let there = record::<SecretRecord>(tx.reader(), place.clone()).await?;
            if there.is_none() && tx.may_have_happened() {
                return Ok(());
            }
            let operation = kind.deletion();
            self.own_user(tx.reader(), caller, operation, user, true)
                .await?;
            let there = there.ok_or_else(|| refused("the user has no such secret"))?;
            check_write(preconditions, Some(&there.etag))?;
            tx.delete(place.clone());
            touch_identity(&tx, namespace).await
        })
        .await
    }

    fn new_id(&self, kind: SecretKind) -> String {
        match kind {
            SecretKind::AuthToken => self.identity_ocid("credential").as_str().to_owned(),
            SecretKind::CustomerSecretKey => {
                let random: [u8; 20] = self.random();
                random.iter().map(|byte| format!("{byte:02x}")).collect()
            }
        }
    }
}

impl SecretKind {
    fn key(self) -> u8 {
        match self {
            Self::AuthToken => kind::AUTH_TOKEN,
            Self::CustomerSecretKey => kind::SECRET_KEY,
        }
    }

    /// The key of a secret whose id comes from a client.
    fn place(self, namespace: &Namespace, user: &Ocid, id: &str) -> Result<Vec<u8>, Error> {
        // Both kinds of ids have the characters of an OCID.
        let id = Ocid::parse(id).map_err(|_| refused("that is no id of a secret"))?;
        Ok(keys::identity(
            namespace,
            self.key(),
            &[user.as_str(), id.as_str()],
        ))
    }

    fn creation(self) -> Operation {
        match self {
            Self::AuthToken => Operation::CreateAuthToken,
            Self::CustomerSecretKey => Operation::CreateCustomerSecretKey,
        }
    }

    fn listing(self) -> Operation {
        match self {
            Self::AuthToken => Operation::ListAuthTokens,
            Self::CustomerSecretKey => Operation::ListCustomerSecretKeys,
        }
    }

    fn update(self) -> Operation {
        match self {
            Self::AuthToken => Operation::UpdateAuthToken,
            Self::CustomerSecretKey => Operation::UpdateCustomerSecretKey,
        }
    }

    fn deletion(self) -> Operation {
        match self {
            Self::AuthToken => Operation::DeleteAuthToken,
            Self::CustomerSecretKey => Operation::DeleteCustomerSecretKey,
        }
    }

    fn too_many(self) -> Error {
        let (code, what) = match self {
            Self::AuthToken => ("AuthTokenLimitExceeded", "auth tokens"),
            Self::CustomerSecretKey => ("CustomerSecretKeyLimitExceeded", "customer secret keys"),
        };
        conflict(code, format!("A user has at most {SECRETS_MAX} {what}"))
    }
}

impl SecretRecord {
    fn shown(self, user: &Ocid) -> UserSecret {
        UserSecret {
            id: self.id,
            user: user.clone(),
            label: self.label,
            time_created: self.time_created,
            etag: self.etag,
        }
    }
}

fn check_label(kind: SecretKind, label: &str) -> Result<(), Error> {
    let field = match kind {
        SecretKind::AuthToken => "description",
        SecretKind::CustomerSecretKey => "displayName",
    };
    if label.is_empty() {
        return Err(ErrorKind::MissingParameter(field).into());
    }
    check_text(field, label)
}

async fn secrets_of(
    tx: &crate::transact::Tx,
    namespace: &Namespace,
    kind: SecretKind,
    user: &Ocid,
) -> Result<usize, Error> {
    let prefix = keys::identity_prefix(namespace, kind.key(), &[user.as_str()]);
    let found = tx.reader().scan(&keys::all(&prefix, SECRETS_MAX)).await?;
    Ok(found.len())
}
