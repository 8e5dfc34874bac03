//! The tenancies of a server: the one that the first start makes, and those that an operator adds.

mod admin_files;
mod first_steps;
mod name;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parbuckle_engine::{Engine, Environment, Error, ErrorKind, Tenancy, TenancyPlan};
use serde::{Deserialize, Serialize};
use tokio::task::{JoinSet, spawn_blocking};

use self::admin_files::{AdminFiles, AdminFilesError};
use self::first_steps::first_steps;
pub(crate) use self::name::TenancyName;
use crate::backends::with_causes;

/// Name of the tenancy that the first start makes.
const FIRST: &str = "parbuckle";
/// Plans in the making of which the first is taken: more than two gain little, and each needs a core of its own.
const RACERS_MAX: usize = 2;

/// The tenancies behind one engine, and the files of their administrators in its data folder.
pub(crate) struct Tenancies {
    engine: Arc<Engine>,
    data: PathBuf,
    /// What clients put before a path. No slash at the end.
    endpoint: String,
    region: String,
}

/// A tenancy as the operator is told of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShownTenancy {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) ocid: String,
}

/// A tenancy that was just made, and where its administrator's client configuration stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NewTenancy {
    pub(crate) tenancy: ShownTenancy,
    pub(crate) config: PathBuf,
    pub(crate) endpoint: String,
}

/// Why a tenancy could not be made or found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TenancyError {
    #[error("a tenancy named {0} already exists")]
    Exists(String),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    AdminFiles(#[from] AdminFilesError),
    #[error("the stores do not work: {0}")]
    Engine(String),
    #[error("the work on the tenancy broke off: {0}")]
    BrokeOff(#[from] tokio::task::JoinError),
}

impl From<Error> for TenancyError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::IdentityConflict { message, .. } => Self::Refused(message.clone()),
            _ => Self::Engine(explained(&error)),
        }
    }
}

impl Tenancies {
    /// `data` must be absolute.
    pub(crate) fn new(engine: Arc<Engine>, data: &Path, endpoint: String) -> Self {
        Self {
            region: engine.region().to_owned(),
            engine,
            data: data.to_owned(),
            endpoint,
        }
    }

    /// For a server that does not run: endpoint and region are those of its last start, where they are known.
    pub(crate) fn of_stopped_server(
        engine: Arc<Engine>,
        data: &Path,
        configured_endpoint: String,
    ) -> Result<Self, TenancyError> {
        let mut tenancies = Self::new(engine, data, configured_endpoint);
        if let Some(known) = AdminFiles::of_first(data).last_known()? {
            tenancies.endpoint = known.endpoint;
            tenancies.region = known.region;
        }
        Ok(tenancies)
    }

    /// Makes the first tenancy if there is none. Returns what to print after a first start.
    pub(crate) async fn ensure_first(
        &self,
        ahead: Option<PlanAhead>,
    ) -> Result<Option<String>, TenancyError> {
        if !self.engine.tenancies().await?.is_empty() {
            return Ok(None);
        }
        let files = AdminFiles::of_first(&self.data);
        let plan = match ahead {
            Some(ahead) => ahead.plan().await?,
            None => self.plan(FIRST).await?,
        };
        let config = files.config();
        let plan = self.establish(plan, files).await?;
        let now = self.engine.environment().now();
        let compartment = plan.compartment_ocid.as_str();
        Ok(Some(first_steps(&config, &self.endpoint, compartment, now)))
    }

    /// Brings the files of every tenancy's administrator up to date, as far as they depend on the listener. The server
    /// needs none of them, so one that cannot be read or written is only reported.
    pub(crate) async fn refresh_files(&self) -> Result<(), TenancyError> {
        for tenancy in self.engine.tenancies().await? {
            let Some(files) = self.files_of(&tenancy) else {
                continue;
            };
            if let Err(error) = files.refresh(&self.endpoint) {
                tracing::warn!(tenancy = tenancy.name, %error, "an administrator's file is out of date");
            }
        }
        Ok(())
    }

    /// Makes a tenancy. Its administrator's files are written first, over those of one that never came to be. Two
    /// calls at a time with one name would write the same files: the caller makes one call at a time.
    pub(crate) async fn create(&self, name: &TenancyName) -> Result<NewTenancy, TenancyError> {
        let known = self.engine.tenancies().await?;
        if let Some(there) = known
            .into_iter()
            .find(|there| there.name.eq_ignore_ascii_case(name.as_str()))
        {
            return Err(TenancyError::Exists(there.name));
        }
        let files = AdminFiles::of(&self.data, name);
        let config = files.config();
        let plan = self.plan(name.as_str()).await?;
        let plan = self.establish(plan, files).await?;
        let tenancy = ShownTenancy {
            name: name.to_string(),
            namespace: plan.namespace.to_string(),
            ocid: plan.tenancy_ocid.to_string(),
        };
        tracing::info!(name = tenancy.name, ocid = tenancy.ocid, "tenancy made");
        Ok(NewTenancy {
            tenancy,
            config,
            endpoint: self.endpoint.clone(),
        })
    }

    /// All of them, in order of name.
    pub(crate) async fn list(&self) -> Result<Vec<ShownTenancy>, TenancyError> {
        let mut found = self.engine.tenancies().await?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found
            .into_iter()
            .map(|tenancy| ShownTenancy {
                name: tenancy.name,
                namespace: tenancy.namespace.to_string(),
                ocid: tenancy.id.to_string(),
            })
            .collect())
    }

    async fn plan(&self, name: &str) -> Result<TenancyPlan, TenancyError> {
        let (engine, name) = (self.engine.clone(), name.to_owned());
        let plan = spawn_blocking(move || TenancyPlan::new(engine.environment(), &name)).await?;
        Ok(plan?)
    }

    /// Files first: if the process dies before the tenancy is there, the next attempt makes both anew.
    async fn establish(
        &self,
        plan: TenancyPlan,
        files: AdminFiles,
    ) -> Result<TenancyPlan, TenancyError> {
        let (region, endpoint) = (self.region.clone(), self.endpoint.clone());
        let plan = spawn_blocking(move || {
            files.write(&plan, &region, &endpoint)?;
            Ok::<_, AdminFilesError>(plan)
        })
        .await??;
        self.engine.create_tenancy(&plan).await?;
        Ok(plan)
    }

    /// A name that no folder can have was not given by this program, which then wrote no files either.
    fn files_of(&self, tenancy: &Tenancy) -> Option<AdminFiles> {
        if tenancy.name == FIRST {
            return Some(AdminFiles::of_first(&self.data));
        }
        let name = tenancy.name.parse().ok()?;
        Some(AdminFiles::of(&self.data, &name))
    }
}

/// Plans for the first tenancy in the making.
pub(crate) struct PlanAhead(JoinSet<Result<TenancyPlan, Error>>);

impl PlanAhead {
    /// Begins while the stores open: making the RSA key takes longer than everything else in a first start, and how
    /// long is a matter of luck.
    pub(crate) fn begin(environment: &Arc<dyn Environment>) -> Self {
        let mut racers = JoinSet::new();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores.min(RACERS_MAX) {
            let environment = environment.clone();
            racers.spawn_blocking(move || TenancyPlan::new(&*environment, FIRST));
        }
        Self(racers)
    }

    async fn plan(mut self) -> Result<TenancyPlan, TenancyError> {
        let first = self.0.join_next().await;
        Ok(first.expect("there is at least one racer")??)
    }
}

/// An error of the engine with its cause, for the operator.
pub(crate) fn explained(error: &Error) -> String {
    let cause = error
        .cause()
        .map(|cause| format!(" ({cause})"))
        .unwrap_or_default();
    format!("{}{cause}", with_causes(error))
}
