//! `parbuckle tenancy …`: done by the server that holds the data folder, or here if none does.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use parbuckle_engine::{Engine, Environment, Settings, SystemEnvironment};

use crate::backends::{self, BackendError};
use crate::config::{Config, ConfigError, Keys, ServeArgs};
use crate::control::{self, AskError, Reply, Request, perform};
use crate::data_folder::{DataFolder, DataFolderError};
use crate::serve::Urls;
use crate::tenancy::{NewTenancy, ShownTenancy, Tenancies, TenancyError, TenancyName};

/// A server that starts or stops holds its data folder and does not listen; so does another command.
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Subcommand)]
pub(crate) enum TenancyCommand {
    /// Add a tenancy: a namespace, its root compartment and an administrator
    ///
    /// The administrator's OCI client configuration is put into DIR/admin/NAME/config, with bootstrap.json beside it.
    /// Works while the server runs and while it does not.
    Create {
        /// 1 to 64 letters, digits, dashes and underscores
        name: TenancyName,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// List the tenancies: name, namespace and OCID
    List {
        #[command(flatten)]
        place: PlaceArgs,
    },
}

/// Where the data is.
#[derive(Debug, clap::Args)]
pub(crate) struct PlaceArgs {
    /// The server's configuration file
    #[arg(long, env = "PARBUCKLE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// The server's data folder [default: ./parbuckle-data]
    #[arg(long, env = "PARBUCKLE_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// The server's key-value store, where it is not in the data folder
    #[arg(long, env = "PARBUCKLE_KV", value_name = "URL", hide_env_values = true)]
    kv: Option<String>,
}

/// Why a command did nothing, unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    #[error("there is no Parbuckle data in {}: name the server's folder with --data-dir", .0.display())]
    NoData(PathBuf),
    #[error(
        "there is no key-value store in {}: name the server's with --kv, or start the server once",
        .0.display()
    )]
    NoStore(PathBuf),
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    #[error("{0}")]
    Failed(String),
}

/// Runs a command; returns what to print.
pub(crate) fn run(command: TenancyCommand) -> Result<String, CommandError> {
    let (request, place) = match command {
        TenancyCommand::Create { name, place } => (Request::CreateTenancy { name }, place),
        TenancyCommand::List { place } => (Request::ListTenancies, place),
    };
    let config = Config::resolve(ServeArgs {
        config: place.config,
        keys: Keys {
            data_dir: place.data_dir,
            kv: place.kv,
            ..Keys::default()
        },
    })?;
    let makes_nothing = matches!(request, Request::ListTenancies);
    if makes_nothing && !DataFolder::is_one(&config.data_dir) {
        return Err(CommandError::NoData(config.data_dir));
    }
    match reply_to(&request, &config)? {
        Reply::TenancyCreated(new) => Ok(created(&new)),
        Reply::Tenancies(tenancies) => Ok(tenancies.iter().map(listed).collect()),
        Reply::Failed(reason) => Err(CommandError::Failed(reason)),
    }
}

fn reply_to(request: &Request, config: &Config) -> Result<Reply, CommandError> {
    let mut left = ATTEMPTS;
    loop {
        let in_use = match DataFolder::open(&config.data_dir) {
            Ok(data) => return alone(request, config, &data),
            Err(error @ DataFolderError::InUse { .. }) => error,
            Err(error) => return Err(error.into()),
        };
        match control::ask(&config.data_dir, request) {
            Err(AskError::NobodyThere(_)) if left > 0 => left -= 1,
            Err(AskError::NobodyThere(_)) => return Err(in_use.into()),
            asked => return Ok(asked?),
        }
        sleep(PAUSE);
    }
}

/// Does it in this process, which holds the data folder meanwhile.
fn alone(request: &Request, config: &Config, data: &DataFolder) -> Result<Reply, CommandError> {
    let kv = backends::kv_path(data.path(), config.kv_path.as_deref());
    // Opening a wrong place would make a second, empty store there.
    if !data.is_new() && !kv.exists() {
        return Err(CommandError::NoStore(kv));
    }
    let environment: Arc<dyn Environment> = Arc::new(SystemEnvironment::default());
    let settings = Settings {
        region: config.region.clone(),
        ..Settings::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let backends = backends::open(data.path(), config.kv_path.as_deref(), &environment)?;
        let engine = Engine::open(backends, environment, settings)
            .await
            .map_err(TenancyError::from)?;
        let endpoint = Urls::new(config, config.listen).endpoint;
        let tenancies = Tenancies::of_stopped_server(engine, data.path(), endpoint)?;
        if matches!(request, Request::CreateTenancy { .. }) {
            // Otherwise the first start of the server would find a tenancy, and make none of its own.
            tenancies.ensure_first(None).await?;
        }
        Ok(perform(&tenancies, request).await)
    })
}

fn created(new: &NewTenancy) -> String {
    let NewTenancy {
        tenancy,
        config,
        endpoint,
    } = new;
    format!(
        "tenancy: {}\nnamespace: {}\nocid: {}\nconfig: {}\nendpoint: {endpoint}\n",
        tenancy.name,
        tenancy.namespace,
        tenancy.ocid,
        config.display()
    )
}

fn listed(tenancy: &ShownTenancy) -> String {
    format!(
        "{}\t{}\t{}\n",
        tenancy.name, tenancy.namespace, tenancy.ocid
    )
}
