//! Accounts: namespaces as Swift sees them (swift-v1-wire.md section 3).

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::secret::SecretString;
use parbuckle_kv::Reader;
use parbuckle_model::{BucketId, Namespace, Ocid};

use super::SwiftRefusal;
use super::access::unauthenticated;
use super::container::{KEYS, shown_keys};
use super::listing::{Candidate, ListQuery, list_names};
use super::metadata::{
    MetadataChange, MetadataLevel, check_all, check_metadata, is_showable, merge,
};
use crate::authority::{Concern, Need, Standing};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, BucketRecord, CounterRecord, StoredSecret, SwiftAccountRecord};
use crate::{Engine, keys};

/// Records read at a time.
const PAGE: usize = 1000;

/// What may be known of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Number of containers that the caller may see.
    pub container_count: u64,
    /// Number of current objects in them.
    pub object_count: u64,
    /// The bytes of those.
    pub bytes_used: u64,
    /// When the tenancy was made (`X-Timestamp`).
    pub time_created: Timestamp,
    /// Metadata by lower-case name without prefix.
    pub metadata: Vec<(String, String)>,
    /// TempURL keys by lower-case name without prefix, to be shown as metadata; none for those who are no owners.
    pub keys: Vec<(String, SecretString)>,
    /// Whether the caller is an owner: whoever may change the account is one.
    pub is_owner: bool,
}

/// An account and a page of its containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountListing {
    /// The account.
    pub info: AccountInfo,
    /// In the order of the listing.
    pub rows: Vec<AccountRow>,
}

/// A row of an account's listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountRow {
    /// A container.
    Container {
        /// Its name.
        name: String,
        /// Number of current objects.
        count: u64,
        /// Their bytes.
        bytes: u64,
        /// When it was made.
        time_created: Timestamp,
    },
    /// What several names begin with, up to and including the delimiter.
    Subdir(String),
}

/// What a caller may see of an account.
pub(super) struct Sight {
    standing: Standing,
    compartments: HashSet<Ocid>,
}

impl Engine {
    /// An account. Permission: BUCKET_INSPECT in at least one compartment; counted is what lies in those.
    pub async fn swift_account(
        &self,
        caller: &Caller,
        namespace: &Namespace,
    ) -> Result<AccountInfo, Error> {
        let reader = self.kv.snapshot().await?;
        let sight = self.sight(&*reader, caller, namespace).await?;
        let counters = all_counters(&*reader, namespace).await?;
        self.account_info(&*reader, &sight, namespace, &counters)
            .await
    }

    /// An account and a page of its containers: those in compartments where the caller has BUCKET_INSPECT.
    pub async fn swift_list_account(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        query: &ListQuery,
    ) -> Result<AccountListing, Error> {
        query.check()?;
        let query = &ListQuery {
            path: None,
            ..query.clone()
        };
        let reader = self.kv.snapshot().await?;
        let sight = self.sight(&*reader, caller, namespace).await?;
        let counters = all_counters(&*reader, namespace).await?;
        let info = self
            .account_info(&*reader, &sight, namespace, &counters)
            .await?;
        let base = keys::buckets(namespace);
        let mut rows = Vec::new();
        list_names(&*reader, &base, query, |candidate| {
            let bucket: BucketRecord = records::decode(candidate.record)?;
            let is_seen = sight.compartments.contains(&bucket.compartment);
            if is_seen {
                rows.push(account_row(&candidate, &bucket, &counters));
            }
            Ok(is_seen)
        })
        .await?;
        Ok(AccountListing { info, rows })
    }

    /// Changes an account's metadata and TempURL keys. Permission: OBJECTSTORAGE_NAMESPACE_UPDATE in the root compartment.
    pub async fn swift_update_account(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        change: &MetadataChange,
    ) -> Result<(), Error> {
        let items = || {
            change
                .set
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
        };
        check_metadata(MetadataLevel::Account, items())?;
        if let Some((name, _)) =
            items().find(|(name, value)| !value.is_empty() && !is_showable(name, value))
        {
            let text = format!("Metadata {name:?} can't be sent as a header");
            return Err(ErrorKind::InvalidParameter(text).into());
        }
        self.transact("swift_update_account", |tx| async move {
            self.require_account_owner(tx.reader(), caller, namespace)
                .await?;
            let mut account = stored(tx.reader(), namespace).await?;
            for (name, value) in change.outcomes() {
                let value = value.map(str::to_owned);
                if KEYS.contains(&name.as_str()) {
                    merge(&mut account.keys, &name, value.map(StoredSecret));
                } else {
                    merge(&mut account.metadata, &name, value);
                }
            }
            let open = account
                .metadata
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            let secrets = account
                .keys
                .iter()
                .map(|(name, key)| (name.as_str(), key.0.as_str()));
            if !change.set.is_empty() {
                check_all(open.chain(secrets))?;
            }
            tx.put(keys::swift_account(namespace), &account);
            Ok(())
        })
        .await
    }

    /// Refuses who may not change an account.
    pub(super) async fn require_account_owner(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        namespace: &Namespace,
    ) -> Result<(), Error> {
        let standing = self.account_standing(reader, caller, namespace).await?;
        match owns(&standing) {
            true => Ok(()),
            false => Err(SwiftRefusal::Forbidden.into()),
        }
    }

    async fn account_info(
        &self,
        reader: &dyn Reader,
        sight: &Sight,
        namespace: &Namespace,
        counters: &HashMap<BucketId, CounterRecord>,
    ) -> Result<AccountInfo, Error> {
        let account = stored(reader, namespace).await?;
        let is_owner = owns(&sight.standing);
        let (mut containers, mut sum) = (0, CounterRecord::default());
        let mut scan = keys::all(&keys::buckets(namespace), PAGE);
        loop {
            let page = reader.scan(&scan).await?;
            for entry in &page {
                let bucket: BucketRecord = records::decode(&entry.value)?;
                if sight.compartments.contains(&bucket.compartment) {
                    containers += 1;
                    sum = sum.plus(
                        counters
                            .get(&bucket.id)
                            .unwrap_or(&CounterRecord::default()),
                    );
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => scan.start = [&last.key[..], &[0]].concat(),
                _ => break,
            }
        }
        Ok(AccountInfo {
            container_count: containers,
            object_count: u64::try_from(sum.objects).unwrap_or(0),
            bytes_used: u64::try_from(sum.bytes).unwrap_or(0),
            time_created: sight.standing.tenancy().time_created,
            metadata: account.metadata,
            keys: if is_owner {
                shown_keys(&account.keys)
            } else {
                Vec::new()
            },
            is_owner,
        })
    }

    /// The compartments whose buckets a caller may see; forbidden when there is none.
    pub(super) async fn sight(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        namespace: &Namespace,
    ) -> Result<Sight, Error> {
        let standing = self.account_standing(reader, caller, namespace).await?;
        let need = Need::All(&[Permission::BucketInspect]);
        let sees = |compartment: &&Ocid| {
            standing
                .holds(Operation::ListBuckets, need, Concern::of(compartment))
                .is_ok()
        };
        let compartments: HashSet<Ocid> = standing
            .identity
            .compartments()
            .filter(sees)
            .cloned()
            .collect();
        if compartments.is_empty() {
            return Err(SwiftRefusal::Forbidden.into());
        }
        Ok(Sight {
            standing,
            compartments,
        })
    }

    /// A user in his own account.
    async fn account_standing(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        namespace: &Namespace,
    ) -> Result<Standing, Error> {
        let Some(user) = caller.user() else {
            return Err(unauthenticated());
        };
        if user.namespace != *namespace {
            return Err(Error::from(SwiftRefusal::Forbidden)
                .because("the caller belongs to another account"));
        }
        let standing = self.standing(reader, caller).await?;
        standing.map_err(|cause| unauthenticated().because(cause))
    }
}

fn owns(standing: &Standing) -> bool {
    let need = Need::All(&[Permission::ObjectStorageNamespaceUpdate]);
    let concern = Concern::of(standing.root());
    standing
        .holds(Operation::UpdateNamespaceMetadata, need, concern)
        .is_ok()
}

async fn stored(reader: &dyn Reader, namespace: &Namespace) -> Result<SwiftAccountRecord, Error> {
    let found = reader
        .get_many(&[keys::swift_account(namespace)])
        .await?
        .pop()
        .flatten();
    Ok(records::decode_optional(found.as_ref())?.unwrap_or_default())
}

/// The counters of all buckets, in one pass: there are many buckets and few records of each.
async fn all_counters(
    reader: &dyn Reader,
    namespace: &Namespace,
) -> Result<HashMap<BucketId, CounterRecord>, Error> {
    let prefix = keys::all_counters(namespace);
    let mut sums: HashMap<BucketId, CounterRecord> = HashMap::new();
    let mut scan = keys::all(&prefix, PAGE);
    loop {
        let page = reader.scan(&scan).await?;
        for entry in &page {
            let bucket = entry
                .key
                .get(prefix.len()..)
                .and_then(|rest| rest.first_chunk::<16>());
            if let Some(bucket) = bucket {
                let sum = sums.entry(BucketId::from_bytes(*bucket)).or_default();
                *sum = sum.plus(&records::decode(&entry.value)?);
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => scan.start = [&last.key[..], &[0]].concat(),
            _ => return Ok(sums),
        }
    }
}

fn account_row(
    candidate: &Candidate<'_>,
    bucket: &BucketRecord,
    counters: &HashMap<BucketId, CounterRecord>,
) -> AccountRow {
    let text = candidate.text.to_owned();
    if candidate.is_group {
        return AccountRow::Subdir(text);
    }
    let sum = counters.get(&bucket.id).copied().unwrap_or_default();
    AccountRow::Container {
        name: text,
        count: u64::try_from(sum.objects).unwrap_or(0),
        bytes: u64::try_from(sum.bytes).unwrap_or(0),
        time_created: bucket.time_created,
    }
}
