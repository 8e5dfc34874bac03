//! What authorization needs to know of a tenancy, compiled once per identity epoch.
//!
//! Every change of identity data bumps the tenancy's epoch in the same transaction. A request reads the epoch with its
//! other keys; if it is the one this was compiled for, nothing else is read. So a revocation holds on the next request,
//! on every gateway, without timers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::{
    AccessRequest, AttachedStatement, Compartment, PolicySet, Principal, PrincipalKind,
    ResolvedStatement, Statement, Target,
};
use parbuckle_iam::signature::PublicKey;
use parbuckle_kv::Reader;
use parbuckle_model::{Namespace, Ocid};

use super::admission::records_under;
use crate::credential::CredentialKind;
use crate::error::{Error, ErrorKind};
use crate::records::{
    self, ApiKeyRecord, Capabilities, Compartment as StoredCompartment, Entity, Policy,
    TenancyRecord, User, kind,
};
use crate::{Engine, keys};

/// Users and keys that one epoch's view remembers.
const REMEMBERED_MAX: usize = 50_000;

/// The views in use, one a tenancy.
#[derive(Default)]
pub(crate) struct IdentityCache(Mutex<HashMap<Namespace, Arc<TenancyIdentity>>>);

/// A tenancy's identity at one epoch.
pub(crate) struct TenancyIdentity {
    epoch: Bytes,
    namespace: Namespace,
    region_key: String,
    tenancy: TenancyRecord,
    policies: PolicySet,
    /// From each compartment up to the root: id and name.
    paths: HashMap<Ocid, Vec<(Ocid, String)>>,
    principals: RwLock<HashMap<Ocid, Arc<KnownUser>>>,
    keys: RwLock<HashMap<(Ocid, String), PublicKey>>,
}

/// A user as the epoch has him.
struct KnownUser {
    principal: Arc<PrincipalNow>,
    blocked: bool,
    capabilities: Capabilities,
}

/// A user who exists and may act now.
#[derive(Debug)]
pub(crate) struct PrincipalNow {
    user: Ocid,
    name: String,
    groups: Vec<String>,
}

/// One permission, asked for on one target in the first compartment of `path`.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) permission: Permission,
    pub(crate) operation: Operation,
    pub(crate) now: Timestamp,
    pub(crate) path: &'a [(Ocid, String)],
    pub(crate) target: Target<'a>,
}

impl PrincipalNow {
    /// The user.
    pub(crate) fn user(&self) -> &Ocid {
        &self.user
    }

    /// The user's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the user is in a group.
    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|id| id == group)
    }
}

impl Engine {
    /// The identity of a tenancy as `reader` has it; nothing if there is no such tenancy.
    pub(crate) async fn identity_at(
        &self,
        reader: &dyn Reader,
        namespace: &Namespace,
    ) -> Result<Option<Arc<TenancyIdentity>>, Error> {
        let epoch = reader
            .get_many(&[keys::identity_epoch(namespace)])
            .await?
            .pop()
            .flatten();
        self.identity_of_epoch(reader, namespace, epoch).await
    }

    /// The same, where the epoch has been read along with other keys.
    pub(crate) async fn identity_of_epoch(
        &self,
        reader: &dyn Reader,
        namespace: &Namespace,
        epoch: Option<Bytes>,
    ) -> Result<Option<Arc<TenancyIdentity>>, Error> {
        let Some(epoch) = epoch else { return Ok(None) };
        if let Some(known) = self
            .identities
            .lock()
            .get(namespace)
            .filter(|known| known.epoch == epoch)
        {
            return Ok(Some(Arc::clone(known)));
        }
        let loaded = Arc::new(
            TenancyIdentity::load(reader, namespace, self.settings.region_key(), epoch).await?,
        );
        let mut views = self.identities.lock();
        // A slow reader of an old state must not replace the view of a newer one. Epochs grow.
        if views
            .get(namespace)
            .is_none_or(|known| known.epoch < loaded.epoch)
        {
            views.insert(namespace.clone(), Arc::clone(&loaded));
        }
        Ok(Some(loaded))
    }
}

impl IdentityCache {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Namespace, Arc<TenancyIdentity>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TenancyIdentity {
    /// The epoch that this is true for.
    pub(crate) fn epoch(&self) -> &Bytes {
        &self.epoch
    }

    /// The tenancy.
    pub(crate) fn tenancy(&self) -> &TenancyRecord {
        &self.tenancy
    }

    /// A compartment and those above it, up to the root; nothing if it is not of this tenancy.
    pub(crate) fn compartment_path(&self, compartment: &Ocid) -> Option<&[(Ocid, String)]> {
        self.paths.get(compartment).map(Vec::as_slice)
    }

    /// The compartments that are there, the root included.
    pub(crate) fn compartments(&self) -> impl Iterator<Item = &Ocid> {
        self.paths.keys()
    }

    /// How many levels of compartments lie below one.
    pub(crate) fn levels_below(&self, compartment: &Ocid) -> usize {
        let level = |path: &Vec<(Ocid, String)>| path.iter().position(|(id, _)| id == compartment);
        self.paths.values().filter_map(level).max().unwrap_or(0)
    }

    /// Whether policies give `principal` what is asked for.
    pub(crate) fn allows(&self, principal: &PrincipalNow, question: Question<'_>) -> bool {
        self.ask(principal, question, |principal, request| {
            self.policies.evaluate(principal, request).is_allowed()
        })
    }

    /// Why they do or do not, in sentences for the owner and the log. Slower than deciding.
    pub(crate) fn explains(&self, principal: &PrincipalNow, question: Question<'_>) -> String {
        self.ask(principal, question, |principal, request| {
            self.policies.explain(principal, request).to_string()
        })
    }

    fn ask<T>(
        &self,
        principal: &PrincipalNow,
        question: Question<'_>,
        answer: impl FnOnce(&Principal<'_>, &AccessRequest<'_>) -> T,
    ) -> T {
        let compartments: Vec<Compartment<'_>> = question
            .path
            .iter()
            .map(|(id, name)| Compartment {
                id: id.as_str(),
                name,
            })
            .collect();
        let request = AccessRequest {
            permission: question.permission,
            operation: question.operation,
            now: question.now,
            region_key: &self.region_key,
            compartments: &compartments,
            target: question.target,
        };
        let principal = Principal {
            kind: PrincipalKind::User {
                id: principal.user.as_str(),
                name: &principal.name,
            },
            tenancy_id: self.tenancy.ocid.as_str(),
            groups: &principal.groups,
        };
        answer(&principal, &request)
    }

    /// The user, if he exists, is not blocked and may use this kind of credential; else what is wrong, in words that
    /// follow "the creator" or "the caller". `reader` must have this view's epoch.
    pub(crate) async fn principal(
        &self,
        reader: &dyn Reader,
        user: &Ocid,
        credential: CredentialKind,
    ) -> Result<Result<Arc<PrincipalNow>, &'static str>, Error> {
        let Some(known) = self.user(reader, user).await? else {
            return Ok(Err("does not exist any more"));
        };
        let capable = match credential {
            CredentialKind::ApiKey => known.capabilities.api_keys,
            CredentialKind::ConsolePassword => known.capabilities.console_password,
            CredentialKind::AuthToken => known.capabilities.auth_tokens,
        };
        Ok(match (known.blocked, capable) {
            (true, _) => Err("is blocked"),
            (false, false) => Err("has lost the capability for this kind of credential"),
            (false, true) => Ok(Arc::clone(&known.principal)),
        })
    }

    /// A user's API key, parsed once an epoch.
    pub(crate) async fn api_key(
        &self,
        reader: &dyn Reader,
        user: &Ocid,
        fingerprint: &str,
    ) -> Result<Option<PublicKey>, Error> {
        let id = (user.clone(), fingerprint.to_owned());
        if let Some(key) = self
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
        {
            return Ok(Some(key.clone()));
        }
        let stored = keys::identity(
            &self.namespace,
            kind::API_KEY,
            &[user.as_str(), fingerprint],
        );
        let stored = reader.get_many(&[stored]).await?.pop().flatten();
        let Some(record) = records::decode_optional::<ApiKeyRecord>(stored.as_ref())? else {
            return Ok(None);
        };
        let key = PublicKey::from_spki_der(&record.spki).map_err(|e| {
            Error::from(ErrorKind::Internal).because(format!("stored API key {fingerprint}: {e}"))
        })?;
        remember(&self.keys, id, key.clone());
        Ok(Some(key))
    }

    async fn user(
        &self,
        reader: &dyn Reader,
        user: &Ocid,
    ) -> Result<Option<Arc<KnownUser>>, Error> {
        if let Some(known) = self
            .principals
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(user)
        {
            return Ok(Some(Arc::clone(known)));
        }
        let stored = keys::identity(&self.namespace, kind::USER, &[user.as_str()]);
        let stored = reader.get_many(&[stored]).await?.pop().flatten();
        let Some(record) = records::decode_optional::<User>(stored.as_ref())? else {
            return Ok(None);
        };
        let prefix =
            keys::identity_prefix(&self.namespace, kind::USER_MEMBERSHIP, &[user.as_str()]);
        let memberships = reader.scan(&keys::all(&prefix, usize::MAX)).await?;
        let group = |key: &Bytes| {
            key.get(prefix.len()..)
                .and_then(|g| std::str::from_utf8(g).ok())
                .map(str::to_owned)
        };
        // The keys are in order, and so are the groups.
        let groups = memberships
            .iter()
            .filter_map(|entry| group(&entry.key))
            .collect();
        let known = Arc::new(KnownUser {
            principal: Arc::new(PrincipalNow {
                user: user.clone(),
                name: record.entity.name,
                groups,
            }),
            blocked: record.blocked,
            capabilities: record.capabilities,
        });
        remember(&self.principals, user.clone(), Arc::clone(&known));
        Ok(Some(known))
    }

    async fn load(
        reader: &dyn Reader,
        namespace: &Namespace,
        region_key: String,
        epoch: Bytes,
    ) -> Result<Self, Error> {
        let stored = reader
            .get_many(&[keys::tenancy(namespace)])
            .await?
            .pop()
            .flatten();
        let Some(tenancy) = records::decode_optional::<TenancyRecord>(stored.as_ref())? else {
            return Err(Error::from(ErrorKind::Internal)
                .because("a namespace has an identity epoch and no tenancy"));
        };
        let compartments: Vec<StoredCompartment> = records_under(
            reader,
            &keys::identity_prefix(namespace, kind::COMPARTMENT, &[]),
        )
        .await?;
        let policies = keys::identity_prefix(namespace, kind::POLICY, &[]);
        let policies: Vec<Policy> = records_under(reader, &policies).await?;
        let policies = compile(&tenancy, policies)?;
        Ok(Self {
            epoch,
            namespace: namespace.clone(),
            region_key,
            policies,
            paths: paths(&tenancy, &compartments),
            tenancy,
            principals: RwLock::default(),
            keys: RwLock::default(),
        })
    }
}

fn compile(tenancy: &TenancyRecord, policies: Vec<Policy>) -> Result<PolicySet, Error> {
    let mut attached = Vec::new();
    for policy in policies {
        for stored in policy.statements {
            let statement = Statement::parse(&stored.text).map_err(|e| {
                Error::from(ErrorKind::Internal)
                    .because(format!("a statement of policy {}: {e}", policy.entity.name))
            })?;
            attached.push(AttachedStatement {
                policy_name: policy.entity.name.clone(),
                attached_to: policy.entity.compartment.as_str().to_owned(),
                resolved: ResolvedStatement {
                    statement,
                    groups: stored.groups,
                    compartment_id: stored.compartment,
                },
            });
        }
    }
    Ok(PolicySet::compile(
        tenancy.ocid.as_str(),
        Some(tenancy.administrators.as_str()),
        attached,
    ))
}

/// Every compartment's way to the root. A compartment that is deleted, or below one that is, has none: nothing is permitted
/// in it.
fn paths(
    tenancy: &TenancyRecord,
    compartments: &[StoredCompartment],
) -> HashMap<Ocid, Vec<(Ocid, String)>> {
    let by_id: HashMap<&Ocid, &Entity> = compartments
        .iter()
        .filter(|compartment| !compartment.deleted)
        .map(|compartment| (&compartment.entity.id, &compartment.entity))
        .collect();
    let root = (tenancy.ocid.clone(), tenancy.name.clone());
    let mut paths = HashMap::from([(tenancy.ocid.clone(), vec![root.clone()])]);
    for compartment in by_id.values() {
        let mut path = Vec::new();
        let mut at = Some(*compartment);
        while let Some(here) = at.filter(|_| path.len() <= by_id.len()) {
            path.push((here.id.clone(), here.name.clone()));
            if here.compartment == tenancy.ocid {
                path.push(root.clone());
                paths.insert(compartment.id.clone(), path);
                break;
            }
            at = by_id.get(&here.compartment).copied();
        }
    }
    paths
}

fn remember<K: std::hash::Hash + Eq, V>(map: &RwLock<HashMap<K, V>>, key: K, value: V) {
    let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
    if map.len() >= REMEMBERED_MAX {
        map.clear();
    }
    map.insert(key, value);
}
