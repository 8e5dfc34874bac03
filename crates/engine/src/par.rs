//! Pre-authenticated requests: created, listed, read and deleted by users (wire reference section 7). What their holders
//! do goes through the same operations as everything else.

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::secret::{SecretString, token_text};
use parbuckle_kv::Reader;
use parbuckle_model::{
    BucketId, Expiry, ListingAction, ObjectName, PageLimit, PageToken, ParId, ParScope, ParTarget,
    TokenHash,
};

use crate::authority::{Access, Act, Need};
use crate::bucket::list_page;
use crate::caller::{Caller, token_hash};
use crate::error::{Error, ErrorKind};
use crate::records::{self, ParRecord};
use crate::{BucketPath, Engine, Page, keys};

/// Most bytes of a PAR's name.
const NAME_BYTES_MAX: usize = 1024;

/// Most PARs that one page of a filtered list looks at.
const FILTERED_SCAN_MAX: usize = 1000;

/// A PAR to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPar {
    /// Its name, which need not be unique.
    pub name: String,
    /// What its holder may do.
    pub scope: ParScope,
    /// When it ends. There is no upper limit.
    pub time_expires: Expiry,
}

/// A PAR as its owner sees it, without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Par {
    /// Its id.
    pub id: ParId,
    /// Its name.
    pub name: String,
    /// What its holder may do.
    pub scope: ParScope,
    /// When it was made.
    pub time_created: Timestamp,
    /// When it ends; may be past.
    pub time_expires: Expiry,
}

/// A PAR that has just been made.
pub struct CreatedPar {
    /// The PAR.
    pub par: Par,
    /// Its secret, 64 characters of base64url: shown once and never stored.
    pub token: SecretString,
}

impl Par {
    /// The id as clients see it: for an object PAR with `:` and the object's name.
    pub fn id_text(&self) -> String {
        self.id.to_text(object_of(&self.scope))
    }
}

impl Engine {
    /// Makes a PAR. The caller needs PAR_MANAGE and everything the PAR grants.
    pub async fn create_par(
        &self,
        caller: &Caller,
        path: &BucketPath,
        new: NewPar,
    ) -> Result<CreatedPar, Error> {
        let now = self.now();
        check_new(&new, now)?;
        let token = token_text(&self.random());
        let hash = token_hash(token.expose());
        let id = ParId::new(self.now_millis(), self.random());
        let new = &new;
        let record = self
            .transact("create_par", |tx| async move {
                let access = self.enter(tx.reader(), caller, path).await?;
                require_grantable(&access, &new.scope)?;
                let Some(user) = caller.user() else {
                    return Err(ErrorKind::NotAuthorizedOrNotFound.into());
                };
                let record = ParRecord {
                    id,
                    name: new.name.clone(),
                    namespace: path.namespace.clone(),
                    bucket: access.bucket.id,
                    creator: access.acting_user()?.clone(),
                    credential: user.credential,
                    scope: new.scope.clone(),
                    time_created: now,
                    time_expires: new.time_expires,
                };
                tx.put(keys::par(&hash), &record);
                let listed = keys::bucket_par(&path.namespace, &access.bucket.id, &id);
                tx.put_raw(listed, Bytes::copy_from_slice(&hash.0));
                Ok(record)
            })
            .await?;
        Ok(CreatedPar {
            par: record.into(),
            token,
        })
    }

    /// The PARs of a bucket, oldest first, expired ones included; with a prefix only those whose object name or prefix
    /// begins so. A filtered page may be short or empty though more follows.
    pub async fn pars(
        &self,
        caller: &Caller,
        path: &BucketPath,
        object_name_prefix: Option<&str>,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<Par>, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        require_seen(&access, Operation::ListPreauthenticatedRequests)?;
        let prefix = keys::bucket_pars(&path.namespace, &access.bucket.id);
        let Some(wanted) = object_name_prefix else {
            let (entries, next) = list_page(&*reader, &prefix, page, limit).await?;
            let items = pars_of(&*reader, &entries)
                .await?
                .into_iter()
                .map(Par::from)
                .collect();
            return Ok(Page { items, next });
        };
        let (entries, next) = list_page(&*reader, &prefix, page, PageLimit::default()).await?;
        let mut items = Vec::new();
        for (entry, par) in entries
            .iter()
            .zip(pars_of(&*reader, &entries).await?)
            .take(FILTERED_SCAN_MAX)
        {
            if !par
                .scope
                .object_name()
                .is_some_and(|name| name.starts_with(wanted))
            {
                continue;
            }
            items.push(par.into());
            if items.len() == limit.value() {
                let position = entry.key[prefix.len()..].to_vec();
                return Ok(Page {
                    items,
                    next: Some(PageToken::new(position)),
                });
            }
        }
        Ok(Page { items, next })
    }

    /// One PAR. `object` is the suffix of the id, and must be the PAR's own if it is given.
    pub async fn par(
        &self,
        caller: &Caller,
        path: &BucketPath,
        id: &ParId,
        object: Option<&ObjectName>,
    ) -> Result<Par, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        require_seen(&access, Operation::GetPreauthenticatedRequest)?;
        let (_, record) = find_par(&*reader, path, &access.bucket.id, id, object).await?;
        Ok(record.into())
    }

    /// Deletes a PAR: its URL ends with this reply.
    pub async fn delete_par(
        &self,
        caller: &Caller,
        path: &BucketPath,
        id: &ParId,
        object: Option<&ObjectName>,
    ) -> Result<(), Error> {
        self.transact("delete_par", |tx| async move {
            let access = self.enter(tx.reader(), caller, path).await?;
            let operation = Operation::DeletePreauthenticatedRequest;
            access.require(operation, Need::All(&[Permission::ParManage]), Act::Manage)?;
            let (hash, _) = match find_par(tx.reader(), path, &access.bucket.id, id, object).await {
                Err(error)
                    if tx.may_have_happened() && matches!(error.kind(), ErrorKind::ParNotFound) =>
                {
                    return Ok(());
                }
                found => found?,
            };
            tx.delete(keys::par(&hash));
            tx.delete(keys::bucket_par(&path.namespace, &access.bucket.id, id));
            Ok(())
        })
        .await
    }
}

impl From<ParRecord> for Par {
    fn from(r: ParRecord) -> Self {
        Self {
            id: r.id,
            name: r.name,
            scope: r.scope,
            time_created: r.time_created,
            time_expires: r.time_expires,
        }
    }
}

fn check_new(new: &NewPar, now: Timestamp) -> Result<(), Error> {
    if new.name.is_empty() || new.name.len() > NAME_BYTES_MAX || new.name.contains(char::is_control)
    {
        return Err(ErrorKind::InvalidParameter(format!(
            "The name of a pre-authenticated request has 1 to {NAME_BYTES_MAX} bytes and no control characters"
        ))
        .into());
    }
    if new.time_expires.is_past(now) {
        return Err(
            ErrorKind::InvalidExpiry("PAR expiration must be in the future".to_owned()).into(),
        );
    }
    Ok(())
}

/// Making a PAR needs PAR_MANAGE and what it grants (wire reference 7.3).
fn require_grantable(access: &Access<'_>, scope: &ParScope) -> Result<(), Error> {
    let mut needs = vec![Permission::ParManage];
    if scope.access().reads() {
        needs.push(Permission::ObjectRead);
    }
    if scope.access().writes() {
        needs.extend([Permission::ObjectCreate, Permission::ObjectOverwrite]);
    }
    if scope.listing() == Some(ListingAction::ListObjects) {
        needs.push(Permission::ObjectInspect);
    }
    let act = object_of(scope).map_or(Act::Manage, Act::ManageObject);
    access.require(
        Operation::CreatePreauthenticatedRequest,
        Need::All(&needs),
        act,
    )
}

/// Whoever may make PARs or read the bucket sees its PARs.
pub(crate) fn require_seen(access: &Access<'_>, operation: Operation) -> Result<(), Error> {
    access.require(
        operation,
        Need::Any(&[Permission::ParManage, Permission::BucketRead]),
        Act::Manage,
    )
}

async fn pars_of(
    reader: &dyn Reader,
    entries: &[parbuckle_kv::Entry],
) -> Result<Vec<ParRecord>, Error> {
    let asked: Vec<Vec<u8>> = entries
        .iter()
        .map(|entry| Ok(keys::par(&hash_of(&entry.value)?)))
        .collect::<Result<_, Error>>()?;
    let found = reader.get_many(&asked).await?;
    found
        .iter()
        .map(|bytes| records::decode(bytes.as_ref().ok_or_else(lost)?))
        .collect()
}

/// A PAR by id, with the hash of its token.
pub(crate) async fn find_par(
    reader: &dyn Reader,
    path: &BucketPath,
    bucket: &BucketId,
    id: &ParId,
    object: Option<&ObjectName>,
) -> Result<(TokenHash, ParRecord), Error> {
    let listed = reader
        .get_many(&[keys::bucket_par(&path.namespace, bucket, id)])
        .await?
        .pop()
        .flatten();
    let Some(listed) = listed else {
        return Err(ErrorKind::ParNotFound.into());
    };
    let hash = hash_of(&listed)?;
    let stored = reader.get_many(&[keys::par(&hash)]).await?.pop().flatten();
    let record: ParRecord = records::decode(&stored.ok_or_else(lost)?)?;
    if object.is_some() && object != object_of(&record.scope) {
        return Err(ErrorKind::ParNotFound.into());
    }
    Ok((hash, record))
}

fn object_of(scope: &ParScope) -> Option<&ObjectName> {
    match scope.target() {
        ParTarget::Object(object) => Some(object),
        ParTarget::Prefix(_) | ParTarget::Bucket => None,
    }
}

fn hash_of(bytes: &Bytes) -> Result<TokenHash, Error> {
    <[u8; 32]>::try_from(&bytes[..])
        .map(TokenHash)
        .map_err(|_| lost())
}

fn lost() -> Error {
    Error::from(ErrorKind::Internal).because("a bucket's list of PARs and the PARs disagree")
}
