//! A tenancy in memory, its administrator, and users who sign.

use std::sync::Arc;

use parbuckle_engine::{
    Backends, BucketPath, Caller, ControllableEnvironment, Engine, EntityDetails, Environment,
    Error, Group, ListOptions, MembershipFilter, NewBucket, NewPar, NewPolicy, NewUser, ObjectPath,
    Policy, PolicyChange, Proof, ReadObject, Settings, TenancyPlan, User,
};
use parbuckle_iam::secret::SecretString;
use parbuckle_iam::signature::{self, BodyRule, Field, KeyId, RequestView, SigningKey};
use parbuckle_kv::{Faults, FaultyStore, MemoryStore};
use parbuckle_model::{
    AccessType, BucketName, Expiry, ObjectName, Ocid, PageLimit, ParScope, Preconditions,
    PublicAccess, StorageTier, format_http_date,
};
use tokio::sync::OnceCell;

/// No conditions.
pub(crate) const ALWAYS: Preconditions = Preconditions {
    if_match: None,
    if_none_match: None,
};

/// A service with two tenancies in memory.
pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    pub(crate) environment: Arc<ControllableEnvironment>,
    pub(crate) faults: Faults,
    /// The OCID of the tenancy, which is its root compartment.
    pub(crate) root: Ocid,
    /// The first administrator.
    pub(crate) admin: Caller,
    pub(crate) admin_id: Ocid,
    /// The administrator of the other tenancy.
    pub(crate) foreigner: Caller,
    pub(crate) foreign_root: Ocid,
    plan: &'static TenancyPlan,
}

impl World {
    pub(crate) async fn new() -> Self {
        let environment = Arc::new(ControllableEnvironment::default());
        let faults = Faults::new();
        let kv = FaultyStore::new(Arc::new(MemoryStore::new()), faults.clone());
        let engine = open(Arc::new(kv), &environment).await;
        let [plan, other] = plans().await;
        engine.create_tenancy(plan).await.unwrap();
        engine.create_tenancy(other).await.unwrap();
        let (admin, foreigner) = (first(&engine, plan).await, first(&engine, other).await);
        Self {
            root: plan.tenancy_ocid.clone(),
            admin,
            admin_id: plan.admin_user_ocid.clone(),
            foreigner,
            foreign_root: other.tenancy_ocid.clone(),
            engine,
            environment,
            faults,
            plan,
        }
    }

    /// What a new resource says of itself.
    pub(crate) fn details(&self, name: &str) -> EntityDetails {
        EntityDetails {
            compartment: self.root.clone(),
            name: name.to_owned(),
            description: "made by a test".to_owned(),
            freeform_tags: Vec::new(),
            defined_tags: Vec::new(),
        }
    }

    pub(crate) fn new_user(&self, name: &str) -> NewUser {
        NewUser {
            details: self.details(name),
            email: None,
            identity_provider: None,
            external_identifier: None,
        }
    }

    pub(crate) fn new_policy(&self, name: &str, statements: &[&str]) -> NewPolicy {
        NewPolicy {
            details: self.details(name),
            statements: texts(statements),
            version_date: None,
        }
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        let new = self.new_user(name);
        self.engine
            .create_user(&self.admin, new, None)
            .await
            .unwrap()
    }

    pub(crate) async fn group(&self, name: &str) -> Group {
        let details = self.details(name);
        self.engine
            .create_group(&self.admin, details, None)
            .await
            .unwrap()
    }

    /// Makes a policy in the root.
    pub(crate) async fn policy(&self, name: &str, statements: &[&str]) -> Policy {
        let new = self.new_policy(name, statements);
        self.engine
            .create_policy(&self.admin, new, None)
            .await
            .unwrap()
    }

    /// Replaces a policy's statements.
    pub(crate) async fn rewrite(&self, policy: &Policy, statements: &[&str]) {
        let change = PolicyChange {
            statements: Some(texts(statements)),
            ..PolicyChange::default()
        };
        let id = &policy.entity.id;
        self.engine
            .update_policy(&self.admin, id, change, &ALWAYS)
            .await
            .unwrap();
    }

    /// Adds a member; returns the membership.
    pub(crate) async fn join(&self, user: &User, group: &Ocid) -> Ocid {
        let (engine, id) = (&self.engine, &user.entity.id);
        engine
            .add_user_to_group(&self.admin, id, group, None)
            .await
            .unwrap()
            .id
    }

    /// The group of the tenancy's administrators.
    pub(crate) async fn administrators(&self) -> Ocid {
        let options = ListOptions {
            name: Some("Administrators".to_owned()),
            ..ListOptions::default()
        };
        let page = self
            .engine
            .groups(&self.admin, &self.root, &options)
            .await
            .unwrap();
        page.items[0].entity.id.clone()
    }

    /// The only membership of a user.
    pub(crate) async fn membership(&self, user: &Ocid) -> Ocid {
        let filter = MembershipFilter {
            user: Some(user.clone()),
            group: None,
        };
        let limit = PageLimit::default();
        let found = self
            .engine
            .memberships(&self.admin, &self.root, &filter, None, limit);
        found.await.unwrap().items[0].id.clone()
    }

    /// Gives a user the shared API key and signs as him.
    pub(crate) async fn signed(&self, user: &User) -> Caller {
        let id = &user.entity.id;
        let pem = &key().public_key().to_pem();
        self.engine
            .upload_api_key(&self.admin, id, pem, None)
            .await
            .unwrap();
        self.sign_in(id).await.unwrap()
    }

    /// Signs as a user with the shared API key.
    pub(crate) async fn sign_in(&self, user: &Ocid) -> Result<Caller, Error> {
        sign_in(&self.engine, &self.root, user, key()).await
    }

    /// A user in a group of his own, whose policy gives it this.
    pub(crate) async fn worker(&self, name: &str, statement_rest: &str) -> (User, Caller, Policy) {
        let user = self.user(name).await;
        let group = self.group(&format!("{name}-group")).await;
        self.join(&user, &group.entity.id).await;
        let statement = format!("Allow group {name}-group {statement_rest}");
        let policy = self.policy(&format!("{name}-policy"), &[&statement]).await;
        let caller = self.signed(&user).await;
        (user, caller, policy)
    }

    pub(crate) fn bucket(&self, bucket: &str) -> BucketPath {
        BucketPath {
            namespace: self.plan.namespace.clone(),
            bucket: BucketName::parse(bucket).unwrap(),
        }
    }

    /// Makes a bucket.
    pub(crate) async fn create_bucket(&self, name: &str, compartment: &Ocid) {
        let new = NewBucket {
            versioning: parbuckle_model::Versioning::Disabled,
            auto_tiering: parbuckle_model::AutoTiering::Disabled,
            name: BucketName::parse(name).unwrap(),
            compartment: compartment.clone(),
            public_access: PublicAccess::NoPublicAccess,
            storage_tier: StorageTier::Standard,
            object_events_enabled: false,
            metadata: Vec::new(),
            freeform_tags: Vec::new(),
            defined_tags: Vec::new(),
        };
        let namespace = &self.plan.namespace;
        self.engine
            .create_bucket(&self.admin, namespace, new)
            .await
            .unwrap();
    }

    /// Makes a PAR that reads a bucket's objects.
    pub(crate) async fn par(&self, creator: &Caller, bucket: &str) -> SecretString {
        let scope = ParScope::new(AccessType::AnyObjectRead, None, None).unwrap();
        let new = NewPar {
            name: "a PAR".to_owned(),
            scope,
            time_expires: Expiry::parse("2999-01-01T00:00:00Z").unwrap(),
        };
        let made = self
            .engine
            .create_par(creator, &self.bucket(bucket), new)
            .await;
        made.unwrap().token
    }

    /// Whether a PAR still reads its bucket. It finds no object, but only a live one may look.
    pub(crate) async fn reads(&self, par: &SecretString, bucket: &str) -> bool {
        let proof = Proof::ParSecret(par.expose());
        let caller = self.engine.authenticate(proof).await.unwrap().caller;
        self.may_read(&caller, bucket).await
    }

    /// Whether a caller may read in a bucket.
    pub(crate) async fn may_read(&self, caller: &Caller, bucket: &str) -> bool {
        let path = ObjectPath {
            bucket: self.bucket(bucket),
            object: ObjectName::parse(b"nothing").unwrap(),
        };
        let read = self
            .engine
            .read_object(caller, &path, ReadObject::default())
            .await;
        match outcome(read).as_str() {
            "ObjectNotFound" => true,
            "BucketNotFound" => false,
            other => panic!("neither allowed nor refused: {other}"),
        }
    }
}

/// The name of the error's kind, for conflicts their code; `ok` if there is none.
pub(crate) fn outcome<T>(result: Result<T, Error>) -> String {
    let Err(error) = result else {
        return "ok".to_owned();
    };
    if let parbuckle_engine::ErrorKind::IdentityConflict { code, .. } = error.kind() {
        return (*code).to_owned();
    }
    let text = format!("{:?}", error.kind());
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

/// The error's sentence.
pub(crate) fn sentence<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The one API key of all users. RSA keys take long to make.
pub(crate) fn key() -> &'static SigningKey {
    static KEY: std::sync::OnceLock<SigningKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate().unwrap())
}

async fn open(
    kv: Arc<dyn parbuckle_kv::Store>,
    environment: &Arc<ControllableEnvironment>,
) -> Arc<Engine> {
    let blobs = parbuckle_blob::MemoryStore::new(Arc::new(|| std::time::SystemTime::UNIX_EPOCH));
    let environment = Arc::clone(environment) as Arc<dyn Environment>;
    let backends = Backends { kv, blobs };
    Engine::open(backends, environment, Settings::default())
        .await
        .unwrap()
}

/// Two planned tenancies, which all worlds share: only their records are new each time.
async fn plans() -> &'static [TenancyPlan; 2] {
    static PLANS: OnceCell<[TenancyPlan; 2]> = OnceCell::const_new();
    PLANS
        .get_or_init(|| async {
            let environment = Arc::new(ControllableEnvironment::default());
            let engine = open(Arc::new(MemoryStore::new()), &environment).await;
            ["own", "other"].map(|name| engine.plan_tenancy(name).unwrap())
        })
        .await
}

async fn first(engine: &Engine, plan: &TenancyPlan) -> Caller {
    let key = SigningKey::from_pkcs8_pem(plan.api_key_pem.expose()).unwrap();
    let (tenancy, user) = (&plan.tenancy_ocid, &plan.admin_user_ocid);
    sign_in(engine, tenancy, user, &key).await.unwrap()
}

async fn sign_in(
    engine: &Engine,
    tenancy: &Ocid,
    user: &Ocid,
    key: &SigningKey,
) -> Result<Caller, Error> {
    let id = KeyId {
        tenancy: tenancy.to_string(),
        user: user.to_string(),
        fingerprint: key.public_key().fingerprint(),
    };
    let view = AnyGet {
        date: format_http_date(engine.environment().now()),
    };
    let rule = BodyRule::NoBody;
    let authorization = signature::sign(key, &id, rule.signed_headers(), &view).unwrap();
    let proof = Proof::Signed {
        authorization: &authorization,
        view: &view,
        rule,
    };
    Ok(engine.authenticate(proof).await?.caller)
}

/// A request to sign.
struct AnyGet {
    date: String,
}

impl RequestView for AnyGet {
    fn method(&self) -> &str {
        "GET"
    }

    fn raw_target(&self) -> &str {
        "/20160918/regions"
    }

    fn header(&self, lower_case_name: &str) -> Field<'_> {
        match lower_case_name {
            "date" => Field::Single(self.date.as_bytes()),
            "host" => Field::Single(b"localhost"),
            _ => Field::Absent,
        }
    }
}
