//! Tenancies and their first administrator.

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_iam::permission::Operation;
use parbuckle_iam::secret::SecretString;
use parbuckle_iam::signature::SigningKey;
use parbuckle_kv::Reader;
use parbuckle_model::{ETag, Namespace, Ocid};

use super::admission::{conflict, refused};
use super::entity::{Stored, finish_creation};
use super::password::{proof_of, secret_text};
use super::place::Region;
use crate::authority::Concern;
use crate::caller::Caller;
use crate::environment::{Environment, random};
use crate::error::{Error, ErrorKind, chain};
use crate::records::{
    self, ApiKeyRecord, Capabilities, Entity, Group, Membership, PasswordRecord, Policy,
    PolicyStatement, TenancyRecord, User, kind,
};
use crate::transact::Tx;
use crate::{Engine, keys};

/// The policy that every tenancy begins with.
const FIRST_STATEMENT: &str = "Allow group Administrators to manage all-resources in tenancy";

/// The policy that comes with Deny statements.
const GUARD_NAME: &str = "Tenant Deny Policy";
const GUARD_STATEMENT: &str = "Deny any-user to {POLICY_CREATE, POLICY_UPDATE, POLICY_DELETE} in tenancy where target.policy.type = 'deny'";

/// Everything a new tenancy consists of, secrets included. Nothing of it is stored before
/// [`Engine::create_tenancy`]; whoever holds it can first write down what is shown only once.
pub struct TenancyPlan {
    /// The namespace.
    pub namespace: Namespace,
    /// OCID of the tenancy, which is also its root compartment's.
    pub tenancy_ocid: Ocid,
    /// OCID of the compartment for a newcomer's first bucket: the root.
    pub compartment_ocid: Ocid,
    /// OCID of the administrator.
    pub admin_user_ocid: Ocid,
    /// Name of the administrator.
    pub admin_user_name: String,
    /// Console password of the administrator.
    pub admin_password: SecretString,
    /// Private API key of the administrator, PKCS#8 PEM.
    pub api_key_pem: SecretString,
    /// Fingerprint of that key.
    pub fingerprint: String,
    name: String,
    key: ApiKeyRecord,
    password: PasswordRecord,
    user: User,
    group: Group,
    membership: Ocid,
    policy: Policy,
}

/// A tenancy as its administrators and the operator see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenancy {
    /// Its OCID.
    pub id: Ocid,
    /// Its name, which no other tenancy has, in upper or lower case.
    pub name: String,
    /// Its namespace.
    pub namespace: Namespace,
    /// The region where its identity lives.
    pub home_region: Region,
    /// Whether Deny statements may be written.
    pub deny_statements: bool,
}

impl TenancyPlan {
    /// Makes up a tenancy: ids, a namespace, an administrator with an API key and a password. No I/O, but making the
    /// RSA key takes tens to hundreds of milliseconds of one core.
    pub fn new(environment: &dyn Environment, name: &str) -> Result<Self, Error> {
        let signing = SigningKey::generate()
            .map_err(|e| Error::from(ErrorKind::Internal).because(chain(&e)))?;
        let pem = signing
            .pkcs8_pem()
            .map_err(|e| Error::from(ErrorKind::Internal).because(chain(&e)))?;
        let fingerprint = signing.public_key().fingerprint().to_string();
        let now = whole_millis(environment.now());
        let tenancy_ocid = new_ocid(environment, "tenancy");
        let first =
            |kind, name, description| first(environment, &tenancy_ocid, kind, name, description);
        let user = User {
            entity: first("user", "admin", "The first administrator"),
            blocked: false,
            capabilities: Capabilities::ALL,
            email: None,
            db_user_name: None,
            identity_provider: None,
            external_identifier: None,
        };
        let group = Group {
            entity: first("group", "Administrators", "Administrators of the tenancy"),
        };
        let policy = Policy {
            entity: first(
                "policy",
                "Tenant Admin Policy",
                "Lets administrators do everything",
            ),
            statements: vec![PolicyStatement {
                text: FIRST_STATEMENT.to_owned(),
                groups: vec![group.entity.id.as_str().to_owned()],
                compartment: tenancy_ocid.as_str().to_owned(),
            }],
            version_date: None,
        };
        let password = secret_text(random(environment));
        Ok(Self {
            namespace: new_namespace(environment),
            compartment_ocid: tenancy_ocid.clone(),
            tenancy_ocid,
            admin_user_ocid: user.entity.id.clone(),
            admin_user_name: user.entity.name.clone(),
            api_key_pem: SecretString::new(pem.to_string()),
            key: ApiKeyRecord {
                spki: signing.public_key().spki_der().to_vec(),
                fingerprint: fingerprint.clone(),
                time_created: now,
            },
            fingerprint,
            name: name.to_owned(),
            password: PasswordRecord {
                proof: proof_of(&password, random(environment)),
                time_created: now,
            },
            admin_password: password,
            user,
            group,
            membership: new_ocid(environment, "groupmembership"),
            policy,
        })
    }
}

impl Engine {
    /// Every tenancy, in order of namespace. For the operator of the server: it asks for no permission.
    pub async fn tenancies(&self) -> Result<Vec<Tenancy>, Error> {
        let reader = self.kv.snapshot().await?;
        let found = all_tenancies(&*reader).await?;
        Ok(found.into_iter().map(|t| self.shown_tenancy(t)).collect())
    }

    /// [`TenancyPlan::new`] with this engine's clock and randomness.
    pub fn plan_tenancy(&self, name: &str) -> Result<TenancyPlan, Error> {
        TenancyPlan::new(&*self.environment, name)
    }

    /// Stores a planned tenancy. Doing it twice does nothing the second time. A tenancy of this name, in upper or
    /// lower case, is a conflict, and nothing is done.
    pub async fn create_tenancy(&self, plan: &TenancyPlan) -> Result<(), Error> {
        self.transact("create_tenancy", |tx| async move {
            for there in all_tenancies(tx.reader()).await? {
                if there.ocid == plan.tenancy_ocid {
                    return Ok(());
                }
                if there.namespace == plan.namespace || there.name.eq_ignore_ascii_case(&plan.name)
                {
                    return Err(conflict(
                        "TenancyAlreadyExists",
                        format!("A tenancy named '{}' already exists", there.name),
                    ));
                }
            }
            self.write_tenancy(&tx, plan);
            Ok(())
        })
        .await
    }

    /// The caller's tenancy.
    pub async fn tenancy(&self, caller: &Caller, id: &Ocid) -> Result<Tenancy, Error> {
        let found = self
            .admit_tenancy(caller, Operation::GetTenancy, id)
            .await?;
        Ok(self.shown_tenancy(found))
    }

    /// Lets Deny statements be written in a tenancy, for ever, and makes a policy that leaves writing them to its
    /// administrators (wire reference 12.4). Doing it again does nothing. The caller must be allowed to change the tenancy.
    pub async fn enable_deny_statements(
        &self,
        caller: &Caller,
        id: &Ocid,
    ) -> Result<Tenancy, Error> {
        let guard = &Policy {
            entity: first(
                &*self.environment,
                id,
                "policy",
                GUARD_NAME,
                "Leaves Deny statements to administrators",
            ),
            statements: vec![PolicyStatement {
                text: GUARD_STATEMENT.to_owned(),
                groups: Vec::new(),
                compartment: id.as_str().to_owned(),
            }],
            version_date: None,
        };
        let tenancy = self
            .transact("enable_deny_statements", |tx| async move {
                let admin = self.administrator(tx.reader(), caller).await?;
                if id != admin.root() {
                    return Err(refused("the caller belongs to another tenancy"));
                }
                // The one operation of OCI here that changes the tenancy itself; this is another.
                admin.admit(Operation::CreateRegionSubscription, Concern::of(id))?;
                let mut tenancy = admin.tenancy().clone();
                if !tenancy.deny_statements {
                    tenancy.deny_statements = true;
                    tx.put(keys::tenancy(&tenancy.namespace), &tenancy);
                    finish_creation(&tx, &admin, guard).await?;
                }
                Ok(tenancy)
            })
            .await?;
        Ok(self.shown_tenancy(tenancy))
    }

    fn shown_tenancy(&self, record: TenancyRecord) -> Tenancy {
        Tenancy {
            id: record.ocid,
            name: record.name,
            namespace: record.namespace,
            home_region: self.home_region(),
            deny_statements: record.deny_statements,
        }
    }

    fn write_tenancy(&self, tx: &Tx, plan: &TenancyPlan) {
        let (ns, now) = (&plan.namespace, plan.key.time_created);
        let admin = plan.admin_user_ocid.as_str();
        tx.put_raw(keys::namespace(ns), Bytes::new());
        tx.put_raw(
            keys::tenancy_namespace(plan.tenancy_ocid.as_str()),
            ns.as_str().to_owned().into(),
        );
        let tenancy = TenancyRecord {
            ocid: plan.tenancy_ocid.clone(),
            name: plan.name.clone(),
            namespace: ns.clone(),
            time_created: now,
            administrators: plan.group.entity.id.clone(),
            administrators_policy: plan.policy.entity.id.clone(),
            deny_statements: false,
        };
        tx.put(keys::tenancy(ns), &tenancy);
        write_first(tx, ns, &plan.user);
        write_first(tx, ns, &plan.group);
        write_first(tx, ns, &plan.policy);
        let membership = Membership {
            id: plan.membership.clone(),
            compartment: plan.tenancy_ocid.clone(),
            user: plan.admin_user_ocid.clone(),
            group: plan.group.entity.id.clone(),
            time_created: now,
        };
        membership.write(tx, ns);
        tx.put(
            keys::identity(ns, kind::API_KEY, &[admin, &plan.fingerprint]),
            &plan.key,
        );
        tx.put(keys::identity(ns, kind::PASSWORD, &[admin]), &plan.password);
        tx.put_raw(
            keys::identity_epoch(ns),
            Bytes::copy_from_slice(&1u64.to_be_bytes()),
        );
    }
}

/// The records of all tenancies, in order of namespace.
async fn all_tenancies(reader: &dyn Reader) -> Result<Vec<TenancyRecord>, Error> {
    let damaged = |what| Error::from(ErrorKind::Internal).because(what);
    let prefix = keys::namespaces();
    let mut wanted = Vec::new();
    for marker in reader.scan(&keys::all(&prefix, usize::MAX)).await? {
        let namespace = std::str::from_utf8(&marker.key[prefix.len()..])
            .ok()
            .and_then(|text| Namespace::parse(text).ok())
            .ok_or_else(|| damaged("the key of a namespace is none"))?;
        wanted.push(keys::tenancy(&namespace));
    }
    let stored = reader.get_many(&wanted).await?;
    stored
        .iter()
        .map(|bytes| match bytes {
            Some(bytes) => records::decode(bytes),
            None => Err(damaged("a namespace without its tenancy")),
        })
        .collect()
}

/// Writes something that a tenancy begins with, and takes its name.
fn write_first<T: Stored>(tx: &Tx, namespace: &Namespace, first: &T) {
    let id = first.entity().id.as_str();
    tx.put(keys::identity(namespace, T::KIND, &[id]), first);
    tx.put_raw(first.name_key(namespace), id.to_owned().into());
}

/// Something that a tenancy begins with.
fn first(
    environment: &dyn Environment,
    tenancy: &Ocid,
    kind: &str,
    name: &str,
    description: &str,
) -> Entity {
    Entity {
        id: new_ocid(environment, kind),
        compartment: tenancy.clone(),
        name: name.to_owned(),
        description: description.to_owned(),
        time_created: whole_millis(environment.now()),
        etag: ETag::from_random(random(environment)),
        freeform_tags: Vec::new(),
        defined_tags: Vec::new(),
    }
}

fn new_ocid(environment: &dyn Environment, kind: &str) -> Ocid {
    Ocid::new(kind, "", random(environment))
}

/// No record is finer than a millisecond.
fn whole_millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// Twelve lower-case letters and digits, beginning with a letter.
fn new_namespace(environment: &dyn Environment) -> Namespace {
    let letters = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let random: [u8; 24] = random(environment);
    let text: String = random
        .chunks_exact(2)
        .enumerate()
        .map(|(i, pair)| {
            let span = if i == 0 { 26 } else { 36 };
            char::from(letters[usize::from(u16::from_be_bytes([pair[0], pair[1]])) % span])
        })
        .collect();
    Namespace::parse(&text).expect("twelve lower-case letters and digits are a namespace")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::*;
    use crate::{Backends, Settings, SystemEnvironment};

    async fn engine() -> Arc<Engine> {
        let backends = Backends {
            kv: Arc::new(parbuckle_kv::MemoryStore::new()),
            blobs: parbuckle_blob::MemoryStore::new(Arc::new(|| SystemTime::UNIX_EPOCH)),
        };
        let environment = Arc::new(SystemEnvironment::default());
        Engine::open(backends, environment, Settings::default())
            .await
            .unwrap()
    }

    fn plan(name: &str) -> TenancyPlan {
        TenancyPlan::new(&SystemEnvironment::default(), name).unwrap()
    }

    #[tokio::test]
    async fn a_plan_can_be_carried_out_again() {
        let (engine, plan) = (engine().await, plan("acme"));
        for _ in 0..2 {
            engine.create_tenancy(&plan).await.unwrap();
        }
        let found = engine.tenancies().await.unwrap();
        let ids: Vec<_> = found.iter().map(|tenancy| &tenancy.id).collect();
        assert_eq!(ids, [&plan.tenancy_ocid]);
    }

    #[tokio::test]
    async fn a_name_is_taken_in_upper_and_lower_case() {
        let engine = engine().await;
        engine.create_tenancy(&plan("acme")).await.unwrap();
        for name in ["acme", "ACME"] {
            let refused = engine.create_tenancy(&plan(name)).await.unwrap_err();
            assert_eq!(refused.to_string(), "A tenancy named 'acme' already exists");
        }
        assert_eq!(engine.tenancies().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn of_two_plans_for_one_name_at_a_time_one_is_carried_out() {
        let engine = engine().await;
        let (one, other) = (plan("acme"), plan("acme"));
        let (one, other) = tokio::join!(engine.create_tenancy(&one), engine.create_tenancy(&other));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        assert_eq!(engine.tenancies().await.unwrap().len(), 1);
    }
}
