//! An engine over chosen stores, two tenancies in it, and callers who came in by the front door.

use std::path::Path;
use std::sync::Arc;

use parbuckle_engine::{
    Backends, BucketPath, Caller, Engine, ObjectPath, Proof, Settings, TenancyPlan, UploadPath,
};
use parbuckle_iam::signature::{self, BodyRule, Field, KeyId, RequestView, SigningKey};
use parbuckle_kv::{EmbeddedOptions, EmbeddedStore, Faults};
use parbuckle_model::{BucketName, Namespace, ObjectName, Ocid, UploadId, format_http_date};

use super::environment::ReplayEnvironment;

/// Longer bodies become blobs.
pub(crate) const INLINE_BYTES_MAX: usize = 64;

/// What the stores are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stores {
    /// Memory.
    Memory,
    /// The embedded store and local files, in a temporary folder.
    Disk,
}

/// A service for one test. Both stores stand behind their faulty wrappers, which begin without faults.
pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    pub(crate) environment: Arc<ReplayEnvironment>,
    pub(crate) kv: Arc<dyn parbuckle_kv::Store>,
    pub(crate) kv_faults: Faults,
    pub(crate) blobs: Arc<parbuckle_blob::FaultyStore>,
    pub(crate) namespace: Namespace,
    pub(crate) compartment: Ocid,
    /// The administrator of the tenancy.
    pub(crate) admin: Caller,
    /// The administrator of another tenancy in the same stores.
    pub(crate) foreigner: Caller,
    pub(crate) foreign_namespace: Namespace,
    pub(crate) foreign_compartment: Ocid,
    base: Base,
}

/// The stores below the faults.
enum Base {
    Memory {
        kv: Arc<parbuckle_kv::MemoryStore>,
        blobs: Arc<parbuckle_blob::MemoryStore>,
    },
    Disk(tempfile::TempDir),
}

impl World {
    /// An empty service with two tenancies. The same seed makes the same ids.
    pub(crate) async fn new(stores: Stores, seed: u64) -> Self {
        let environment = ReplayEnvironment::new(seed);
        let base = match stores {
            Stores::Memory => Base::Memory {
                kv: Arc::new(parbuckle_kv::MemoryStore::new()),
                blobs: parbuckle_blob::MemoryStore::new(environment.blob_clock()),
            },
            Stores::Disk => Base::Disk(tempfile::tempdir().unwrap()),
        };
        Self::open(base, environment).await
    }

    /// What a power cut and a new start do: blobs that were not sealed and everything in memory are gone.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            engine,
            environment,
            kv,
            blobs,
            base,
            ..
        } = self;
        drop((engine, kv, blobs));
        if let Base::Memory { blobs, .. } = &base {
            blobs.power_cut();
        }
        Self::open(base, environment).await
    }

    async fn open(base: Base, environment: Arc<ReplayEnvironment>) -> Self {
        let (kv, blobs) = base.stores(&environment);
        let kv_faults = Faults::new();
        let faulty = parbuckle_kv::FaultyStore::new(Arc::clone(&kv), kv_faults.clone());
        let blobs = parbuckle_blob::FaultyStore::new(blobs);
        let engine = Engine::open(
            Backends {
                kv: Arc::new(faulty),
                blobs: Arc::clone(&blobs) as Arc<dyn parbuckle_blob::Store>,
            },
            Arc::clone(&environment) as Arc<dyn parbuckle_engine::Environment>,
            settings(),
        )
        .await
        .unwrap();
        let [own, other] = tenants().await;
        for plan in [own, other] {
            engine.create_tenancy(plan).await.unwrap();
        }
        Self {
            admin: signed(&engine, own).await,
            foreigner: signed(&engine, other).await,
            namespace: own.namespace.clone(),
            compartment: own.compartment_ocid.clone(),
            foreign_namespace: other.namespace.clone(),
            foreign_compartment: other.compartment_ocid.clone(),
            engine,
            environment,
            kv,
            kv_faults,
            blobs,
            base,
        }
    }

    /// The holder of a PAR.
    pub(crate) async fn par(&self, token: &str) -> Caller {
        self.caller(Proof::ParSecret(token)).await
    }

    /// The holder of an upload's secret.
    pub(crate) async fn upload_secret(&self, token: &str) -> Caller {
        self.caller(Proof::UploadSecret(token)).await
    }

    /// Nobody known.
    pub(crate) async fn anonymous(&self) -> Caller {
        self.caller(Proof::Anonymous).await
    }

    async fn caller(&self, proof: Proof<'_>) -> Caller {
        self.engine.authenticate(proof).await.unwrap().caller
    }

    /// A bucket of the tenancy.
    pub(crate) fn bucket(&self, bucket: &str) -> BucketPath {
        BucketPath {
            namespace: self.namespace.clone(),
            bucket: BucketName::parse(bucket).unwrap(),
        }
    }

    /// An object of the tenancy.
    pub(crate) fn object(&self, bucket: &str, object: &str) -> ObjectPath {
        ObjectPath {
            bucket: self.bucket(bucket),
            object: ObjectName::parse(object.as_bytes()).unwrap(),
        }
    }

    /// An upload of the tenancy.
    pub(crate) fn upload(&self, bucket: &str, object: &str, upload: UploadId) -> UploadPath {
        UploadPath {
            object: self.object(bucket, object),
            upload,
        }
    }

    /// The folder of the stores. Only on disk.
    pub(crate) fn folder(&self) -> &Path {
        match &self.base {
            Base::Memory { .. } => panic!("only stores on disk have a folder"),
            Base::Disk(folder) => folder.path(),
        }
    }

    /// Flips a bit of a stored blob, as bit rot would. Only in memory.
    pub(crate) fn flip_bit(&self, blob: parbuckle_blob::BlobId, offset: u64) {
        match &self.base {
            Base::Memory { blobs, .. } => blobs.flip_bit(blob, offset).unwrap(),
            Base::Disk(_) => panic!("bits are flipped in memory only"),
        }
    }
}

impl Base {
    fn stores(
        &self,
        environment: &Arc<ReplayEnvironment>,
    ) -> (Arc<dyn parbuckle_kv::Store>, Arc<dyn parbuckle_blob::Store>) {
        match self {
            Self::Memory { kv, blobs } => (
                Arc::clone(kv) as Arc<dyn parbuckle_kv::Store>,
                Arc::clone(blobs) as Arc<dyn parbuckle_blob::Store>,
            ),
            Self::Disk(folder) => open_disk(folder.path(), environment),
        }
    }
}

fn open_disk(
    folder: &Path,
    environment: &Arc<ReplayEnvironment>,
) -> (Arc<dyn parbuckle_kv::Store>, Arc<dyn parbuckle_blob::Store>) {
    let kv = EmbeddedStore::open(&folder.join("kv"), EmbeddedOptions::default()).unwrap();
    let clock = environment.blob_clock();
    let blobs = parbuckle_blob::LocalStore::open(&folder.join("blobs"), clock).unwrap();
    (kv, blobs)
}

fn settings() -> Settings {
    Settings {
        region: "home-lab-1".to_owned(),
        inline_bytes_max: INLINE_BYTES_MAX,
        ..Settings::default()
    }
}

/// Two planned tenancies. Their RSA keys take long to make, so all worlds of a process share them.
async fn tenants() -> &'static [TenancyPlan; 2] {
    static TENANTS: tokio::sync::OnceCell<[TenancyPlan; 2]> = tokio::sync::OnceCell::const_new();
    TENANTS
        .get_or_init(|| async {
            let environment = ReplayEnvironment::new(0);
            let backends = Backends {
                kv: Arc::new(parbuckle_kv::MemoryStore::new()),
                blobs: parbuckle_blob::MemoryStore::new(environment.blob_clock()),
            };
            let engine = Engine::open(backends, environment, settings())
                .await
                .unwrap();
            ["own", "other"].map(|name| engine.plan_tenancy(name).unwrap())
        })
        .await
}

/// The administrator of a tenancy, through a real signature.
async fn signed(engine: &Engine, plan: &TenancyPlan) -> Caller {
    let key = SigningKey::from_pkcs8_pem(plan.api_key_pem.expose()).unwrap();
    let id = KeyId {
        tenancy: plan.tenancy_ocid.to_string(),
        user: plan.admin_user_ocid.to_string(),
        fingerprint: key.public_key().fingerprint(),
    };
    let rule = BodyRule::NoBody;
    let view = GetNamespace {
        date: format_http_date(engine.environment().now()),
    };
    let authorization = signature::sign(&key, &id, rule.signed_headers(), &view).unwrap();
    let proof = Proof::Signed {
        authorization: &authorization,
        view: &view,
        rule,
    };
    engine.authenticate(proof).await.unwrap().caller
}

/// The request that the administrators sign.
struct GetNamespace {
    date: String,
}

impl RequestView for GetNamespace {
    fn method(&self) -> &str {
        "GET"
    }

    fn raw_target(&self) -> &str {
        "/n/"
    }

    fn header(&self, lower_case_name: &str) -> Field<'_> {
        match lower_case_name {
            "date" => Field::Single(self.date.as_bytes()),
            "host" => Field::Single(b"localhost:8080"),
            _ => Field::Absent,
        }
    }
}
