//! API keys of users: public keys that their requests are signed with.

use std::str::FromStr;

use jiff::Timestamp;
use parbuckle_iam::permission::Operation;
use parbuckle_iam::signature::{Fingerprint, PublicKey};
use parbuckle_kv::Reader;
use parbuckle_model::{Namespace, Ocid};

use super::administrators::require_administrator;
use super::admission::{conflict, namespace_of, record, records_under, refused, touch_identity};
use super::entity::find;
use super::retry::{RetryToken, invalidated};
use super::text::invalid;
use crate::authority::Standing;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, chain};
use crate::records::{ApiKeyRecord, User, kind};
use crate::{Engine, keys};

/// Most API keys of a user (wire reference section 9).
const API_KEYS_MAX: usize = 3;

/// A user's API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The user.
    pub user: Ocid,
    /// His tenancy.
    pub tenancy: Ocid,
    /// Its fingerprint, which is its name.
    pub fingerprint: String,
    /// The key, PEM.
    pub public_pem: String,
    /// When it was uploaded.
    pub time_created: Timestamp,
}

impl Engine {
    /// Gives a user another API key: an RSA public key in PEM. A user may give himself one.
    pub async fn upload_api_key(
        &self,
        caller: &Caller,
        user: &Ocid,
        pem: &str,
        retry: Option<&RetryToken>,
    ) -> Result<ApiKey, Error> {
        let key = PublicKey::from_pem(pem).map_err(|e| invalid(format!("The API key: {e}")))?;
        let namespace = namespace_of(caller)?;
        let new = &ApiKeyRecord {
            spki: key.spki_der().to_vec(),
            fingerprint: key.fingerprint().to_string(),
            time_created: self.now(),
        };
        self.transact("upload_api_key", |tx| async move {
            let operation = Operation::UploadApiKey;
            let (admin, _) = self
                .own_user(tx.reader(), caller, operation, user, true)
                .await?;
            let place =
                keys::identity(namespace, kind::API_KEY, &[user.as_str(), &new.fingerprint]);
            let there = record::<ApiKeyRecord>(tx.reader(), place.clone()).await?;
            if there.as_ref() == Some(new) && tx.may_have_happened() {
                return new.shown(&admin, user);
            }
            let claimed = self
                .claim(&tx, &admin, operation, retry, &new.fingerprint)
                .await?;
            if claimed.is_some() {
                let there =
                    there.ok_or_else(|| invalidated("The API key has been deleted since"))?;
                return there.shown(&admin, user);
            }
            if there.is_some() {
                return Err(conflict(
                    "ApiKeyAlreadyExists",
                    "The user has this API key already".to_owned(),
                ));
            }
            if keys_of(tx.reader(), namespace, user).await?.len() >= API_KEYS_MAX {
                return Err(conflict(
                    "ApiKeyLimitExceeded",
                    format!("A user has at most {API_KEYS_MAX} API keys"),
                ));
            }
            tx.put(place, new);
            touch_identity(&tx, namespace).await?;
            new.shown(&admin, user)
        })
        .await
    }

    /// A user's API keys, oldest first.
    pub async fn api_keys(&self, caller: &Caller, user: &Ocid) -> Result<Vec<ApiKey>, Error> {
        let reader = self.kv.snapshot().await?;
        let (admin, _) = self
            .own_user(&*reader, caller, Operation::ListApiKeys, user, true)
            .await?;
        let mut found = keys_of(&*reader, admin.namespace(), user).await?;
        found.sort_by_key(|key| key.time_created);
        found.iter().map(|key| key.shown(&admin, user)).collect()
    }

    /// Takes an API key from a user. What was signed with it is refused from now on; his PARs are not touched.
    pub async fn delete_api_key(
        &self,
        caller: &Caller,
        user: &Ocid,
        fingerprint: &str,
    ) -> Result<(), Error> {
        let namespace = namespace_of(caller)?;
        let fingerprint = Fingerprint::from_str(fingerprint)
            .map_err(|_| refused("that is no fingerprint"))?
            .to_string();
        let place = &keys::identity(namespace, kind::API_KEY, &[user.as_str(), &fingerprint]);
        self.transact("delete_api_key", |tx| async move {
            let there = record::<ApiKeyRecord>(tx.reader(), place.clone()).await?;
            if there.is_none() && tx.may_have_happened() {
                return Ok(());
            }
            let operation = Operation::DeleteApiKey;
            let (admin, _) = self
                .own_user(tx.reader(), caller, operation, user, true)
                .await?;
            if there.is_none() {
                return Err(refused("the user has no such API key"));
            }
            tx.delete(place.clone());
            touch_identity(&tx, namespace).await?;
            require_administrator(&tx, admin.tenancy()).await
        })
        .await
    }

    /// Finds a user for an operation that he may also do for himself, and admits it.
    pub(crate) async fn own_user(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        operation: Operation,
        user: &Ocid,
        target_exists: bool,
    ) -> Result<(Standing, User), Error> {
        let admin = self.administrator(reader, caller).await?;
        let found = find::<User>(reader, admin.namespace(), user).await?;
        let found = found.ok_or_else(|| refused("there is no such user"))?;
        admin.admit_where(operation, target_exists, found.own_concern())?;
        Ok((admin, found))
    }
}

impl ApiKeyRecord {
    fn shown(&self, admin: &Standing, user: &Ocid) -> Result<ApiKey, Error> {
        let key = PublicKey::from_spki_der(&self.spki)
            .map_err(|e| Error::from(ErrorKind::Internal).because(chain(&e)))?;
        Ok(ApiKey {
            user: user.clone(),
            tenancy: admin.root().clone(),
            fingerprint: self.fingerprint.clone(),
            public_pem: key.to_pem(),
            time_created: self.time_created,
        })
    }
}

async fn keys_of(
    reader: &dyn Reader,
    namespace: &Namespace,
    user: &Ocid,
) -> Result<Vec<ApiKeyRecord>, Error> {
    let prefix = keys::identity_prefix(namespace, kind::API_KEY, &[user.as_str()]);
    records_under(reader, &prefix).await
}
