//! What the server runs with. Each key comes from, in this order: flag, `PARBUCKLE_...` variable, TOML file, default.

mod keys;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use keys::{Keys, ServeArgs};

/// Every default, so that the help text and the code cannot say different things without a test noticing.
pub(crate) mod defaults {
    pub(crate) const DATA_DIR: &str = "./parbuckle-data";
    pub(crate) const PORT: u16 = 9085;
    /// Well formed, as the clients ask, and known to none of them: a command without `--endpoint` fails to resolve a
    /// host name instead of sending its request to the public cloud.
    pub(crate) const REGION: &str = "local-1";
    /// The bytes are at hand.
    pub(crate) const ARCHIVE_RESTORE_DELAY_SECS: u64 = 0;
    pub(crate) const SWIFT_TOKEN_LIFETIME_SECS: u64 = 1800;
    pub(crate) const LOG_LEVEL: &str = "info";
    pub(crate) const MAX_CONNECTIONS: u64 = 4096;
    pub(crate) const MAX_HEADERS: u64 = 100;
    pub(crate) const MAX_HEADER_BYTES: u64 = 65_536;
    pub(crate) const MAX_STREAMS: u64 = 128;
    pub(crate) const HEADER_TIMEOUT_SECS: u64 = 30;
    pub(crate) const IDLE_TIMEOUT_SECS: u64 = 75;
    pub(crate) const BODY_TIMEOUT_SECS: u64 = 60;
    pub(crate) const WRITE_TIMEOUT_SECS: u64 = 60;
    pub(crate) const DRAIN_TIMEOUT_SECS: u64 = 30;
}

/// A complete, checked configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    /// Scheme and authority without a slash at the end.
    pub(crate) public_url: Option<String>,
    pub(crate) tls: Option<TlsFiles>,
    /// Folder of the embedded key-value store; `None` is its place in the data folder.
    pub(crate) kv_path: Option<PathBuf>,
    /// File with the server's keys for objects.
    pub(crate) encryption_key_file: Option<PathBuf>,
    pub(crate) region: String,
    /// From the wish to restore an archived object until it can be read.
    pub(crate) archive_restore_delay: Duration,
    /// From a sign-in to the end of its token.
    pub(crate) swift_token_lifetime: Duration,
    pub(crate) dev: bool,
    pub(crate) log_level: String,
    pub(crate) access_log: bool,
    pub(crate) limits: Limits,
}

/// PEM files of the listener's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// Bounds on what peers can make the server hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_connections: usize,
    pub(crate) max_headers: usize,
    /// Names and values of a request's headers and its target, in bytes.
    pub(crate) max_header_bytes: usize,
    pub(crate) max_streams: u32,
    /// From the first byte of a request (of a new connection: from the accept) to the end of its headers.
    pub(crate) header_timeout: Duration,
    /// From the end of a response to the first byte of the next request.
    pub(crate) idle_timeout: Duration,
    /// How long a peer may send no byte of a body that is read.
    pub(crate) body_timeout: Duration,
    /// How long a peer may take no byte of a response that waits for it.
    pub(crate) write_timeout: Duration,
    /// From the signal to stop to the end of the last request in flight.
    pub(crate) drain_timeout: Duration,
}

/// Why a configuration was refused. The text names the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {path}: {source}")]
    FileUnreadable {
        path: String,
        source: std::io::Error,
    },
    #[error("the configuration file {path} is refused: {source}")]
    FileMalformed {
        path: String,
        source: Box<toml::de::Error>,
    },
    #[error("{key} must be at least {least}")]
    TooSmall { key: &'static str, least: u64 },
    #[error("{key} must be at most {most}")]
    TooLarge { key: &'static str, most: u64 },
    #[error("tls-cert and tls-key belong together: {missing} is missing")]
    HalfTls { missing: &'static str },
    #[error(
        "{0} is reachable from other machines and would carry secrets in clear text: give --tls-cert and --tls-key, or \
         say --allow-insecure-listen if something in front of it does the encryption"
    )]
    InsecureListen(SocketAddr),
    #[error(
        "--dev lets every client move the clock, so it goes only with a loopback address, not with {0}"
    )]
    DevListen(SocketAddr),
    #[error(
        "public-url {0:?} must be http:// or https://, a host and an optional port, and nothing after them"
    )]
    PublicUrl(String),
    #[error("region {0:?} must consist of lower-case letters, digits and hyphens, such as {example:?}", example = defaults::REGION)]
    Region(String),
    #[error("kv {0:?} is not known here: use \"embedded\" or \"embedded:PATH\"")]
    Kv(String),
    #[error("blobs {0:?} is not known here: use \"local\"")]
    Blobs(String),
    #[error("log-level is refused: {0}")]
    LogLevel(String),
}

impl Config {
    /// Resolves flags and variables (already merged in `args`) over the file they may name, over the defaults.
    pub(crate) fn resolve(args: ServeArgs) -> Result<Self, ConfigError> {
        let file = match &args.config {
            Some(path) => read_file(path)?,
            None => Keys::default(),
        };
        Self::from_keys(args.keys.or(file))
    }

    fn from_keys(keys: Keys) -> Result<Self, ConfigError> {
        let listen = keys
            .listen
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, defaults::PORT)));
        let tls = match (&keys.tls_cert, &keys.tls_key) {
            (Some(cert), Some(key)) => Some(TlsFiles {
                cert: cert.clone(),
                key: key.clone(),
            }),
            (None, None) => None,
            (Some(_), None) => return Err(ConfigError::HalfTls { missing: "tls-key" }),
            (None, Some(_)) => {
                return Err(ConfigError::HalfTls {
                    missing: "tls-cert",
                });
            }
        };
        let dev = keys.dev.unwrap_or(false);
        if !listen.ip().is_loopback() {
            if dev {
                return Err(ConfigError::DevListen(listen));
            }
            if tls.is_none() && !keys.allow_insecure_listen.unwrap_or(false) {
                return Err(ConfigError::InsecureListen(listen));
            }
        }
        if let Some(blobs) = keys.blobs.as_deref().filter(|blobs| *blobs != "local") {
            return Err(ConfigError::Blobs(scheme_of(blobs)));
        }
        Ok(Self {
            limits: Limits::from_keys(&keys)?,
            data_dir: keys
                .data_dir
                .unwrap_or_else(|| PathBuf::from(defaults::DATA_DIR)),
            listen,
            public_url: keys.public_url.map(|url| checked_url(&url)).transpose()?,
            tls,
            kv_path: keys.kv.as_deref().map(embedded_path).transpose()?.flatten(),
            encryption_key_file: keys.encryption_key_file,
            region: checked_region(keys.region)?,
            archive_restore_delay: checked_restore_delay(keys.archive_restore_delay)?,
            swift_token_lifetime: checked_token_lifetime(keys.swift_token_lifetime)?,
            dev,
            log_level: checked_log_level(keys.log_level)?,
            access_log: keys.access_log.unwrap_or(true),
        })
    }
}

impl Limits {
    fn from_keys(keys: &Keys) -> Result<Self, ConfigError> {
        let count = |key, value: Option<u64>, default, range| {
            in_range(key, value.unwrap_or(default), range)
        };
        let seconds =
            |key, value, default| count(key, value, default, (1, 86_400)).map(Duration::from_secs);
        let small = |key, value, default, range| {
            count(key, value, default, range).map(|value| value as usize)
        };
        Ok(Self {
            max_connections: small(
                "max-connections",
                keys.max_connections,
                defaults::MAX_CONNECTIONS,
                (1, 1 << 20),
            )?,
            max_headers: small(
                "max-headers",
                keys.max_headers,
                defaults::MAX_HEADERS,
                (16, 4096),
            )?,
            max_header_bytes: small(
                "max-header-bytes",
                keys.max_header_bytes,
                defaults::MAX_HEADER_BYTES,
                (4096, 256 * 1024),
            )?,
            max_streams: small(
                "max-streams",
                keys.max_streams,
                defaults::MAX_STREAMS,
                (1, 65_536),
            )? as u32,
            header_timeout: seconds(
                "header-timeout",
                keys.header_timeout,
                defaults::HEADER_TIMEOUT_SECS,
            )?,
            idle_timeout: seconds(
                "idle-timeout",
                keys.idle_timeout,
                defaults::IDLE_TIMEOUT_SECS,
            )?,
            body_timeout: seconds(
                "body-timeout",
                keys.body_timeout,
                defaults::BODY_TIMEOUT_SECS,
            )?,
            write_timeout: seconds(
                "write-timeout",
                keys.write_timeout,
                defaults::WRITE_TIMEOUT_SECS,
            )?,
            drain_timeout: seconds(
                "drain-timeout",
                keys.drain_timeout,
                defaults::DRAIN_TIMEOUT_SECS,
            )?,
        })
    }
}

fn read_file(path: &Path) -> Result<Keys, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::FileUnreadable {
        path: path.display().to_string(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| ConfigError::FileMalformed {
        path: path.display().to_string(),
        source: Box::new(source),
    })
}

fn in_range(key: &'static str, value: u64, (least, most): (u64, u64)) -> Result<u64, ConfigError> {
    if value < least {
        Err(ConfigError::TooSmall { key, least })
    } else if value > most {
        Err(ConfigError::TooLarge { key, most })
    } else {
        Ok(value)
    }
}

/// The SDKs accept no path, query or user in an endpoint (wire reference 14.1), so neither does the public URL.
fn checked_url(url: &str) -> Result<String, ConfigError> {
    let refuse = || ConfigError::PublicUrl(url.to_owned());
    let uri: http::Uri = url.parse().map_err(|_| refuse())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refuse());
    };
    let plain = matches!(scheme, "http" | "https")
        && !authority.as_str().contains('@')
        && uri.path_and_query().is_none_or(|path| path.as_str() == "/");
    if plain {
        Ok(format!("{scheme}://{authority}"))
    } else {
        Err(refuse())
    }
}

fn checked_region(region: Option<String>) -> Result<String, ConfigError> {
    let region = region.unwrap_or_else(|| defaults::REGION.to_owned());
    let well_formed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !region.is_empty() && region.len() <= 64 && region.bytes().all(well_formed) {
        Ok(region)
    } else {
        Err(ConfigError::Region(region))
    }
}

/// An hour is the longest that the service documents; a day leaves room.
fn checked_restore_delay(seconds: Option<u64>) -> Result<Duration, ConfigError> {
    let seconds = seconds.unwrap_or(defaults::ARCHIVE_RESTORE_DELAY_SECS);
    in_range("archive-restore-delay", seconds, (0, 86_400)).map(Duration::from_secs)
}

fn checked_token_lifetime(seconds: Option<u64>) -> Result<Duration, ConfigError> {
    let seconds = seconds.unwrap_or(defaults::SWIFT_TOKEN_LIFETIME_SECS);
    in_range("swift-token-lifetime", seconds, (60, 86_400)).map(Duration::from_secs)
}

fn checked_log_level(level: Option<String>) -> Result<String, ConfigError> {
    let level = level.unwrap_or_else(|| defaults::LOG_LEVEL.to_owned());
    tracing_subscriber::EnvFilter::builder()
        .parse(&level)
        .map_err(|source| ConfigError::LogLevel(format!("{level:?}: {source}")))?;
    Ok(level)
}

/// The path in `embedded:PATH`; `None` for plain `embedded`.
fn embedded_path(kv: &str) -> Result<Option<PathBuf>, ConfigError> {
    match kv.split_once(':') {
        None if kv == "embedded" => Ok(None),
        Some(("embedded", path)) if !path.is_empty() => Ok(Some(PathBuf::from(path))),
        _ => Err(ConfigError::Kv(scheme_of(kv))),
    }
}

/// A store's URL may hold a password, so a refusal names no more than its scheme.
fn scheme_of(url: &str) -> String {
    url.split(':').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
