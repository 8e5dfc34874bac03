//! One accepted connection, from the TLS handshake to its end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use parbuckle_api::Peer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::opening::{Dialect, Opened};
use super::service::{App, respond};
use super::watch::{Verdict, Watch, Watched};
use crate::config::Limits;
use crate::telemetry::metrics;

/// How long a connection that was asked to end politely may take.
const FAREWELL: Duration = Duration::from_secs(5);
/// hyper's own count, kept on the stack; any other costs an allocation per request.
const HYPER_MAX_HEADERS: usize = 100;
/// Room for twice the metadata that an object of Storage Classic may have: then the refusal of too much is the API's own.
const SWIFT_MAX_HEADERS: usize = 256;
/// Lets one HTTP/2 upload fill a 1 Gbit/s path of 10 ms.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const FRAME_BYTES: u32 = 64 * 1024;
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// What a connection's requests share.
pub(super) struct Connection {
    pub(super) app: Arc<App>,
    pub(super) peer: Peer,
    /// The peer's address as the log shows it.
    pub(super) peer_text: String,
    pub(super) watch: Arc<Watch>,
}

/// The HTTP settings of connections.
pub(super) struct Protocols {
    /// As Storage Classic's clients expect it.
    swift: auto::Builder<TokioExecutor>,
    other: auto::Builder<TokioExecutor>,
}

impl Protocols {
    /// Settings within these limits.
    pub(super) fn new(limits: &Limits) -> Self {
        let mut swift = protocol(limits);
        let max_headers = limits.max_headers.max(SWIFT_MAX_HEADERS);
        swift
            .http1()
            .title_case_headers(true)
            .max_headers(max_headers);
        Self {
            swift,
            other: protocol(limits),
        }
    }

    fn of(&self, dialect: Dialect) -> &auto::Builder<TokioExecutor> {
        match dialect {
            Dialect::Swift => &self.swift,
            Dialect::Other => &self.other,
        }
    }
}

/// The HTTP settings that all connections share.
fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    // The watch has finer time-outs. A client that shuts down its sending side still gets its answer.
    http1.header_read_timeout(None).half_close(true);
    if limits.max_headers != HYPER_MAX_HEADERS {
        http1.max_headers(limits.max_headers);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Serves a connection until it ends, is idle or abused, or the server stops.
pub(super) async fn serve(
    app: Arc<App>,
    protocols: Arc<Protocols>,
    tls: Option<TlsAcceptor>,
    (stream, address): (TcpStream, std::net::SocketAddr),
    stop: watch::Receiver<bool>,
) {
    let open = metrics::open_connections();
    open.increment(1.0);
    let connection = Arc::new(Connection {
        peer: Peer {
            address,
            tls: tls.is_some(),
        },
        peer_text: address.to_string(),
        watch: Arc::new(Watch::new()),
        app,
    });
    let reason = match tls {
        None => drive(connection, &protocols, stream, stop).await,
        Some(tls) => {
            match timeout(connection.app.limits.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => drive(connection, &protocols, stream, stop).await,
                Ok(Err(error)) => {
                    tracing::debug!(peer = connection.peer_text, %error, "TLS handshake failed");
                    "handshake failed"
                }
                Err(_) => "handshake timeout",
            }
        }
    };
    open.decrement(1.0);
    metrics::connection_ended(reason);
}

/// Runs HTTP on a stream; returns why it ended.
async fn drive<S>(
    connection: Arc<Connection>,
    protocols: &Protocols,
    stream: S,
    mut stop: watch::Receiver<bool>,
) -> &'static str
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = match open(&connection, stream, &mut stop).await {
        Ok(stream) => stream,
        Err(reason) => return reason,
    };
    let watch = connection.watch.clone();
    let app = connection.app.clone();
    let protocol = protocols.of(stream.dialect());
    let service = service_fn(|request: http::Request<Incoming>| {
        let connection = connection.clone();
        async move { Ok::<_, Infallible>(respond(connection, request).await) }
    });
    let mut http = std::pin::pin!(protocol.serve_connection(TokioIo::new(stream), service));
    let mut leaving = false;
    let mut next_look = first_look(&watch, &app.limits);
    loop {
        tokio::select! {
            biased;
            ended = http.as_mut() => return match ended {
                Ok(()) => "ended",
                Err(error) => {
                    tracing::debug!(peer = connection.peer_text, %error, "connection failed");
                    "failed"
                }
            },
            // Errors when the sender is gone, which stops the server as well.
            _ = stop.wait_for(|stop| *stop), if !leaving => {
                leaving = true;
                http.as_mut().graceful_shutdown();
            }
            () = sleep_until(next_look) => match watch.verdict(Instant::now(), &app.limits) {
                Verdict::AskAt(then) => next_look = then,
                Verdict::Close(reason) => return reason,
                Verdict::Retire if leaving => return "idle timeout",
                Verdict::Retire => {
                    leaving = true;
                    http.as_mut().graceful_shutdown();
                    next_look = Instant::now() + FAREWELL;
                }
            }
        }
    }
}

/// Reads how the connection opens; or why it ends before that is known.
async fn open<S>(
    connection: &Connection,
    stream: S,
    stop: &mut watch::Receiver<bool>,
) -> Result<Opened<Watched<S>>, &'static str>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (watch, limits) = (&connection.watch, &connection.app.limits);
    let stream = Watched::new(stream, watch.clone());
    let mut opening = std::pin::pin!(Opened::read(stream, watch.clone()));
    let mut next_look = first_look(watch, limits);
    loop {
        tokio::select! {
            biased;
            opened = opening.as_mut() => return opened.map_err(|error| {
                tracing::debug!(peer = connection.peer_text, %error, "connection failed");
                "failed"
            }),
            _ = stop.wait_for(|stop| *stop) => return Err("ended"),
            () = sleep_until(next_look) => match watch.verdict(Instant::now(), limits) {
                Verdict::AskAt(then) => next_look = then,
                Verdict::Close(reason) => return Err(reason),
                Verdict::Retire => return Err("idle timeout"),
            }
        }
    }
}

fn first_look(watch: &Watch, limits: &Limits) -> Instant {
    match watch.verdict(Instant::now(), limits) {
        Verdict::AskAt(then) => then,
        Verdict::Close(_) | Verdict::Retire => Instant::now(),
    }
}
