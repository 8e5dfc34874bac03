//! `parbuckle serve`: from a configuration to a running server, and back down.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use parbuckle_api::Api;
use parbuckle_engine::{
    ControllableEnvironment, Engine, Environment, ServerKeys, ServerKeysError, Settings,
    SystemEnvironment,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::backends::{self, BackendError};
use crate::config::Config;
use crate::control::ControlSocket;
use crate::data_folder::{DataFolder, DataFolderError};
use crate::server::{App, Listener};
use crate::telemetry::access_log::AccessLog;
use crate::telemetry::{events, metrics};
use crate::tenancy::{PlanAhead, Tenancies, TenancyError, explained};
use crate::tls::{self, TlsError};

/// Metrics recorded between two of these stay in memory, 8 bytes a request.
const METRICS_UPKEEP: Duration = Duration::from_secs(1);
/// For the collector to finish what it is doing, and for requests that outlived the drain to be dropped.
const LAST_WORK: Duration = Duration::from_secs(5);
/// Open files kept for the stores; of the rest each connection may use two, one of them for a blob.
const FILES_FOR_STORES: u64 = 256;

/// Why the server did not start. Each text says what to do, or names the file or address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error(transparent)]
    Tenancy(#[from] TenancyError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot read the file of the server's keys {path}: {source}")]
    KeyFileUnreadable { path: String, source: io::Error },
    #[error("the file of the server's keys {path} is refused: {source}")]
    KeyFileMalformed {
        path: String,
        source: ServerKeysError,
    },
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the stores do not work: {0}")]
    Engine(String),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    #[error("cannot start the metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

impl From<parbuckle_engine::Error> for ServeError {
    fn from(error: parbuckle_engine::Error) -> Self {
        Self::Engine(explained(&error))
    }
}

/// Runs the server until SIGTERM or SIGINT, then drains it.
pub(crate) fn serve(mut config: Config) -> Result<(), ServeError> {
    let dev = config.dev.then(Arc::<ControllableEnvironment>::default);
    let environment: Arc<dyn Environment> = match &dev {
        Some(controllable) => controllable.clone(),
        None => Arc::new(SystemEnvironment::default()),
    };
    events::start(&config.log_level, environment.clone());
    let metrics = metrics::start()?;
    let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
    let key_file = config.encryption_key_file.as_deref();
    let server_keys = key_file.map(read_server_keys).transpose()?;
    config.limits.max_connections = connections_within_files(config.limits.max_connections);
    // Held until nothing runs any more.
    let data = DataFolder::open(&config.data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let server = Server {
        config,
        dev,
        environment,
        server_keys,
        metrics,
    };
    let outcome = runtime.block_on(server.run(&data, tls));
    runtime.shutdown_timeout(LAST_WORK);
    outcome
}

struct Server {
    config: Config,
    dev: Option<Arc<ControllableEnvironment>>,
    environment: Arc<dyn Environment>,
    server_keys: Option<ServerKeys>,
    metrics: PrometheusHandle,
}

impl Server {
    async fn run(self, data: &DataFolder, tls: Option<TlsAcceptor>) -> Result<(), ServeError> {
        // From here on signals wait until they are looked at: no start is left half-way.
        let mut signals = Signals::listen()?;
        let settings = Settings {
            region: self.config.region.clone(),
            archive_restore_delay: self.config.archive_restore_delay,
            swift_token_lifetime: self.config.swift_token_lifetime,
            server_keys: self.server_keys.clone(),
            ..Settings::default()
        };
        let ahead = data.is_new().then(|| PlanAhead::begin(&self.environment));
        let backends = backends::open(
            data.path(),
            self.config.kv_path.as_deref(),
            &self.environment,
        )?;
        let address = self.config.listen;
        let listener = Listener::bind(address, tls)
            .await
            .map_err(|source| ServeError::Listen { address, source })?;
        let address = listener.address()?;
        let urls = Urls::new(&self.config, address);
        let engine = Engine::open(backends, self.environment.clone(), settings).await?;
        let tenancies = Tenancies::new(engine.clone(), data.path(), urls.endpoint);
        let steps = tenancies.ensure_first(ahead).await?;
        tenancies.refresh_files().await?;

        let app = self.app(&engine)?;
        let (stop, stopped) = watch::channel(false);
        let (stop_background, background_stopped) = watch::channel(false);
        let background = tokio::spawn(engine.clone().run_background(background_stopped));
        let commands = tokio::spawn(commands(data, tenancies, stopped.clone()));
        let upkeep = tokio::spawn(keep_metrics(self.metrics, engine));
        let serving = tokio::spawn(listener.serve(app, stopped));
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(%address, data = %data.path().display(), version, "ready");
        announce(&urls.listener, steps.as_deref().unwrap_or_default());

        let name = signals.next().await;
        tracing::info!(
            signal = name,
            "stopping: no new connections; requests in flight are finished"
        );
        stop.send_replace(true);
        tokio::select! {
            drained = serving => if !drained.unwrap_or(false) {
                tracing::warn!("the drain time is over: the connections left are cut");
            },
            name = signals.next() => {
                tracing::warn!(signal = name, "second signal: the connections left are cut");
            }
        }
        stop_background.send_replace(true);
        let last_work = async { tokio::join!(background, commands) };
        if timeout(LAST_WORK, last_work).await.is_err() {
            tracing::warn!("background work did not stop in time");
        }
        upkeep.abort();
        tracing::info!("stopped");
        Ok(())
    }

    fn app(&self, engine: &Arc<Engine>) -> Result<Arc<App>, ServeError> {
        let options = parbuckle_api::Options {
            public_url: self.config.public_url.clone(),
            dev: self.dev.clone(),
            body_stall_timeout: self.config.limits.body_timeout,
        };
        let access_log = self
            .config
            .access_log
            .then(|| AccessLog::start(io::stderr()));
        Ok(Arc::new(App {
            api: Api::new(engine.clone(), options),
            environment: self.environment.clone(),
            access_log: access_log.transpose()?,
            metrics: self.metrics.clone(),
            limits: self.config.limits.clone(),
            draining: AtomicBool::new(false),
        }))
    }
}

fn read_server_keys(path: &Path) -> Result<ServerKeys, ServeError> {
    let named = || path.display().to_string();
    let text = fs::read_to_string(path).map_err(|source| ServeError::KeyFileUnreadable {
        path: named(),
        source,
    })?;
    ServerKeys::parse(&text).map_err(|source| ServeError::KeyFileMalformed {
        path: named(),
        source,
    })
}

/// Binds the control socket, and serves it as long as the future runs. A file system without sockets is no reason not
/// to start.
fn commands(
    data: &DataFolder,
    tenancies: Tenancies,
    stop: watch::Receiver<bool>,
) -> impl Future<Output = ()> + use<> {
    let socket = ControlSocket::bind(data.path());
    if let Err(error) = &socket {
        tracing::warn!(
            %error,
            "no control socket: tenancies can be added only while the server is stopped"
        );
    }
    async move {
        if let Ok(socket) = socket {
            socket.serve(tenancies, stop).await;
        }
    }
}

/// SIGTERM and SIGINT, heard from the moment of `listen` on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next one.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// How the server is reached. No slash at the end.
pub(crate) struct Urls {
    /// By the listener's own address.
    listener: String,
    /// By clients: the public URL, else the listener, on loopback if it takes every address.
    pub(crate) endpoint: String,
}

impl Urls {
    pub(crate) fn new(config: &Config, address: SocketAddr) -> Self {
        let scheme = if config.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let mut local = address;
        match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => local.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => local.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Self {
            listener: format!("{scheme}://{address}"),
            endpoint: config
                .public_url
                .clone()
                .unwrap_or_else(|| format!("{scheme}://{local}")),
        }
    }
}

/// Tells standard output that the server is ready. Whoever started it may have closed that.
fn announce(listener: &str, steps: &str) {
    let mut out = io::stdout().lock();
    let _ = write!(out, "parbuckle: listening on {listener}\n{steps}").and_then(|()| out.flush());
}

/// Keeps the metrics small, and takes over what the engine counts.
async fn keep_metrics(metrics: PrometheusHandle, engine: Arc<Engine>) {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
        metrics::bucket_upkeep(&engine.upkeep_totals());
    }
}

/// Raises the soft limit of open files to the hard one; returns `wanted` connections, or as many as then fit.
fn connections_within_files(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let Some(files) = files else { return wanted };
    let fit = usize::try_from(files.saturating_sub(FILES_FOR_STORES) / 2)
        .unwrap_or(wanted)
        .max(1);
    if fit < wanted {
        tracing::warn!(
            open_files = files,
            connections = fit,
            "the limit of open files lowers the limit of connections"
        );
    }
    fit.min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Keys, ServeArgs};

    fn urls(keys: Keys, address: &str) -> (String, String) {
        let config = Config::resolve(ServeArgs { config: None, keys }).unwrap();
        let urls = Urls::new(&config, address.parse().unwrap());
        (urls.listener, urls.endpoint)
    }

    #[test]
    fn the_endpoint_of_a_listener_on_every_address_is_loopback() {
        assert_eq!(
            urls(Keys::default(), "0.0.0.0:80"),
            (
                "http://0.0.0.0:80".to_owned(),
                "http://127.0.0.1:80".to_owned()
            )
        );
        assert_eq!(urls(Keys::default(), "[::]:80").1, "http://[::1]:80");
    }

    #[test]
    fn the_public_url_is_the_endpoint_where_it_is_given() {
        let keys = Keys {
            public_url: Some("https://store.example.com".into()),
            ..Keys::default()
        };
        let (listener, endpoint) = urls(keys, "127.0.0.1:9085");
        assert_eq!(listener, "http://127.0.0.1:9085");
        assert_eq!(endpoint, "https://store.example.com");
    }
}
