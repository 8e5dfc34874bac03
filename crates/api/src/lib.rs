//! The HTTP faces of Parbuckle, over one engine.
//!
//! A face is a module that turns requests into engine calls and results into its own wire form. Faces never import
//! each other; what they share is the plumbing beside them: `exchange` (the request), `proof` (who sent it), `payload`,
//! `query`, `fields`, `percent` and `json` (what it says), `body` and `summary` (the answer). No face decides what
//! anybody may do, and none knows how anything is stored.
//!
//! Invariants: a path is parsed once, from its raw bytes, and never normalised; a request body is not polled before
//! the engine asks for it (so that 100-continue follows the checks); [`Api::handle`] never fails and never panics.

mod body;
mod dev;
mod exchange;
mod fields;
mod identity;
mod json;
mod native;
mod payload;
mod percent;
mod proof;
mod query;
mod summary;
mod swift;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use parbuckle_engine::{ControllableEnvironment, Engine};

pub use body::{Body, BodyError};
pub use identity::routes::ROUTES as IDENTITY_ROUTES;
pub use native::routes::{ROUTES as NATIVE_ROUTES, RouteRow};
pub use summary::{RequestId, RequestSummary};
pub use swift::routes::ROUTES as SWIFT_ROUTES;

use exchange::Exchange;
use payload::Payload;
use summary::{Answer, RequestIds};

/// What an operator decides about the faces.
pub struct Options {
    /// The URL under which clients reach this server, such as `https://storage.example.com`; it stands in the links that
    /// the server hands out. Without it, the scheme of the connection and the request's host are used.
    pub public_url: Option<String>,
    /// The clock to be moved by `POST /dev/clock`, which exists only with it.
    pub dev: Option<Arc<ControllableEnvironment>>,
    /// How long a request body may send nothing, counted from its last byte, before the request ends.
    pub body_stall_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: None,
            dev: None,
            body_stall_timeout: Duration::from_secs(60),
        }
    }
}

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection to it is encrypted.
    pub tls: bool,
}

/// All faces.
pub struct Api {
    engine: Arc<Engine>,
    options: Options,
    request_ids: RequestIds,
}

impl Api {
    /// Puts the faces over an engine.
    pub fn new(engine: Arc<Engine>, options: Options) -> Arc<Self> {
        let request_ids = RequestIds::new(engine.region());
        Arc::new(Self {
            engine,
            options,
            request_ids,
        })
    }

    /// Answers one request. A refusal or failure is a response too; its extensions hold a [`RequestSummary`] for log
    /// and metrics. The body of a response can still end in a [`BodyError`], upon which the connection must be aborted.
    pub async fn handle(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (parts, incoming) = request.into_parts();
        let (payload, unread) = Payload::new(incoming, self.options.body_stall_timeout);
        let exchange = Exchange {
            api: self,
            parts: &parts,
            peer,
        };
        let answer = self.answer(&exchange, payload).await;
        let mut response = answer.response;
        // What is left of the body, or a body without announced length, would be taken for the next request.
        let rest = unread.is_unread() || response.status() == StatusCode::LENGTH_REQUIRED;
        if rest && exchange.is_http1() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        response.extensions_mut().insert(answer.summary);
        response
    }

    /// Which face a path belongs to: one line each.
    async fn answer(&self, exchange: &Exchange<'_>, payload: Payload) -> Answer {
        match (first_segment(exchange.parts.uri.path()), &self.options.dev) {
            ("dev", Some(clock)) => dev::answer(exchange, payload, clock).await,
            (identity::BASE, _) => identity::answer(exchange, payload).await,
            (first, _) if swift::route::owns(first) => swift::answer(exchange, payload).await,
            _ => native::answer(exchange, payload).await,
        }
    }
}

fn first_segment(raw_path: &str) -> &str {
    raw_path.split('/').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_decides_the_face() {
        for (path, segment) in [("/dev/clock", "dev"), ("/n", "n"), ("/", ""), ("*", "")] {
            assert_eq!(first_segment(path), segment, "{path}");
        }
    }
}
