//! The keys of the configuration, once for flags, variables and the TOML file.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use serde::Deserialize;

/// Arguments of `parbuckle serve`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ServeArgs {
    /// TOML file with the keys below, named as the long flags (`data-dir = "/srv/parbuckle"`); an unknown key is refused
    #[arg(long, env = "PARBUCKLE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) keys: Keys,
}

/// Every key; `None` where the source at hand does not give it.
#[derive(Debug, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Keys {
    /// Folder that holds everything; made on first start [default: ./parbuckle-data]
    #[arg(long, env = "PARBUCKLE_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Address and port of the one listener; port 0 takes a free one [default: 127.0.0.1:9085]
    #[arg(long, env = "PARBUCKLE_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,

    /// What clients put before a path, for links that are handed out [default: from each request's Host]
    #[arg(long, env = "PARBUCKLE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// PEM file with the certificate chain, the server's own first; turns on TLS
    #[arg(long, env = "PARBUCKLE_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, env = "PARBUCKLE_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Allow a listener that other machines reach without TLS
    #[arg(long, env = "PARBUCKLE_ALLOW_INSECURE_LISTEN", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) allow_insecure_listen: Option<bool>,

    /// Key-value store: `embedded` (in the data folder) or `embedded:PATH` [default: embedded]
    #[arg(long, env = "PARBUCKLE_KV", value_name = "URL", hide_env_values = true)]
    pub(crate) kv: Option<String>,

    /// Blob store: `local` (in the data folder) [default: local]
    #[arg(
        long,
        env = "PARBUCKLE_BLOBS",
        value_name = "URL",
        hide_env_values = true
    )]
    pub(crate) blobs: Option<String>,

    /// File with the server's keys, one a line (32 bytes as base64 or hexadecimal digits): the first encrypts new objects, all decrypt [default: objects are encrypted only with keys of the customer's]
    #[arg(long, env = "PARBUCKLE_ENCRYPTION_KEY_FILE", value_name = "FILE")]
    pub(crate) encryption_key_file: Option<PathBuf>,

    /// Region name that the server reports and writes into the admin's client configuration [default: local-1]
    #[arg(long, env = "PARBUCKLE_REGION", value_name = "NAME")]
    pub(crate) region: Option<String>,

    /// Seconds from the wish to restore an archived object until it can be read [default: 0]
    #[arg(long, env = "PARBUCKLE_ARCHIVE_RESTORE_DELAY", value_name = "SECONDS")]
    pub(crate) archive_restore_delay: Option<u64>,

    /// Seconds that a Storage Classic (Swift) token lives [default: 1800]
    #[arg(long, env = "PARBUCKLE_SWIFT_TOKEN_LIFETIME", value_name = "SECONDS")]
    pub(crate) swift_token_lifetime: Option<u64>,

    /// For development: a clock that clients can move; only with a loopback listener
    #[arg(long, env = "PARBUCKLE_DEV", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) dev: Option<bool>,

    /// What is logged besides requests: error, warn, info, debug, trace, or per module as in `info,parbuckle_engine=debug` [default: info]
    #[arg(long, env = "PARBUCKLE_LOG_LEVEL", value_name = "FILTER")]
    pub(crate) log_level: Option<String>,

    /// One line per request on stderr [default: true]
    #[arg(long, env = "PARBUCKLE_ACCESS_LOG", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub(crate) access_log: Option<bool>,

    /// Connections served at a time; more wait to be accepted [default: 4096]
    #[arg(
        long,
        env = "PARBUCKLE_MAX_CONNECTIONS",
        value_name = "N",
        help_heading = "Limits"
    )]
    pub(crate) max_connections: Option<u64>,

    /// Header fields of one HTTP/1 request [default: 100]
    #[arg(
        long,
        env = "PARBUCKLE_MAX_HEADERS",
        value_name = "N",
        help_heading = "Limits"
    )]
    pub(crate) max_headers: Option<u64>,

    /// Bytes of one request's target and headers together [default: 65536]
    #[arg(
        long,
        env = "PARBUCKLE_MAX_HEADER_BYTES",
        value_name = "BYTES",
        help_heading = "Limits"
    )]
    pub(crate) max_header_bytes: Option<u64>,

    /// Requests at a time on one HTTP/2 connection [default: 128]
    #[arg(
        long,
        env = "PARBUCKLE_MAX_STREAMS",
        value_name = "N",
        help_heading = "Limits"
    )]
    pub(crate) max_streams: Option<u64>,

    /// Seconds for a TLS handshake, and from the first byte of a request to the end of its headers [default: 30]
    #[arg(
        long,
        env = "PARBUCKLE_HEADER_TIMEOUT",
        value_name = "SECONDS",
        help_heading = "Limits"
    )]
    pub(crate) header_timeout: Option<u64>,

    /// Seconds that a connection may rest between requests [default: 75]
    #[arg(
        long,
        env = "PARBUCKLE_IDLE_TIMEOUT",
        value_name = "SECONDS",
        help_heading = "Limits"
    )]
    pub(crate) idle_timeout: Option<u64>,

    /// Seconds that a client may send no byte of a request's body [default: 60]
    #[arg(
        long,
        env = "PARBUCKLE_BODY_TIMEOUT",
        value_name = "SECONDS",
        help_heading = "Limits"
    )]
    pub(crate) body_timeout: Option<u64>,

    /// Seconds that a client may take no byte of a response [default: 60]
    #[arg(
        long,
        env = "PARBUCKLE_WRITE_TIMEOUT",
        value_name = "SECONDS",
        help_heading = "Limits"
    )]
    pub(crate) write_timeout: Option<u64>,

    /// Seconds that requests in flight get after SIGTERM or SIGINT [default: 30]
    #[arg(
        long,
        env = "PARBUCKLE_DRAIN_TIMEOUT",
        value_name = "SECONDS",
        help_heading = "Limits"
    )]
    pub(crate) drain_timeout: Option<u64>,
}

impl Keys {
    /// Takes from `lower` what this source does not give.
    pub(crate) fn or(self, lower: Self) -> Self {
        Self {
            data_dir: self.data_dir.or(lower.data_dir),
            listen: self.listen.or(lower.listen),
            public_url: self.public_url.or(lower.public_url),
            tls_cert: self.tls_cert.or(lower.tls_cert),
            tls_key: self.tls_key.or(lower.tls_key),
            allow_insecure_listen: self.allow_insecure_listen.or(lower.allow_insecure_listen),
            kv: self.kv.or(lower.kv),
            blobs: self.blobs.or(lower.blobs),
            encryption_key_file: self.encryption_key_file.or(lower.encryption_key_file),
            region: self.region.or(lower.region),
            archive_restore_delay: self.archive_restore_delay.or(lower.archive_restore_delay),
            swift_token_lifetime: self.swift_token_lifetime.or(lower.swift_token_lifetime),
            dev: self.dev.or(lower.dev),
            log_level: self.log_level.or(lower.log_level),
            access_log: self.access_log.or(lower.access_log),
            max_connections: self.max_connections.or(lower.max_connections),
            max_headers: self.max_headers.or(lower.max_headers),
            max_header_bytes: self.max_header_bytes.or(lower.max_header_bytes),
            max_streams: self.max_streams.or(lower.max_streams),
            header_timeout: self.header_timeout.or(lower.header_timeout),
            idle_timeout: self.idle_timeout.or(lower.idle_timeout),
            body_timeout: self.body_timeout.or(lower.body_timeout),
            write_timeout: self.write_timeout.or(lower.write_timeout),
            drain_timeout: self.drain_timeout.or(lower.drain_timeout),
        }
    }
}
