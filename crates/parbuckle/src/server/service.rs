//! From a parsed request to a response: the server's own routes, then the API.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use metrics_exporter_prometheus::PrometheusHandle;
use parbuckle_api::Api;
use parbuckle_engine::Environment;

use super::body::{Record, ReplyBody, ReplyContent};
use super::connection::Connection;
use crate::config::Limits;
use crate::telemetry::access_log::AccessLog;

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What every request needs.
pub(crate) struct App {
    /// Answers everything but the server's own routes.
    pub(crate) api: Arc<Api>,
    /// Stamps the log lines.
    pub(crate) environment: Arc<dyn Environment>,
    /// `None` when switched off.
    pub(crate) access_log: Option<AccessLog>,
    /// Renders `/metrics`.
    pub(crate) metrics: PrometheusHandle,
    /// Bounds on connections and headers.
    pub(crate) limits: Limits,
    /// Set while the server stops, for those who ask for its health.
    pub(crate) draining: AtomicBool,
}

/// Answers one request. A panic in the API becomes a 500 and ends nothing but the request.
pub(super) async fn respond(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let http2 = request.version() == Version::HTTP_2;
    let declared = request.body().size_hint().exact();
    let mut record = Record::begin(connection.clone(), request.method(), declared, http2);
    let mut reply = answer(&connection, request, &mut record).await;
    if !http2 && declared != Some(0) {
        if matches!(reply.body(), Either::Right(_)) {
            // No reply of our own waits for a body.
            reply.headers_mut().insert(CONNECTION, CLOSE);
        }
        if reply.headers().get(CONNECTION) == Some(&CLOSE) {
            connection.watch.leaves_body_unread();
        }
    }
    record.attach(reply)
}

async fn answer(
    connection: &Connection,
    request: Request<Incoming>,
    record: &mut Record,
) -> Response<ReplyContent> {
    let app = &connection.app;
    if header_bytes(&request) > app.limits.max_header_bytes {
        record.because("headers too large");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let text = "The target and headers of the request are too large.";
        return error_reply(status, "InvalidParameter", text);
    }
    if let Some((route, reply)) = own_route(app, &request) {
        record.set_route(route);
        return reply;
    }
    let answered = AssertUnwindSafe(app.api.handle(request, connection.peer));
    match answered.catch_unwind().await {
        Ok(response) => response.map(Either::Left),
        Err(_) => {
            // The panic hook has logged what and where.
            record.because("panic");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let text = "The service failed; the operator finds the reason in its log.";
            error_reply(status, "InternalServerError", text)
        }
    }
}

/// `/healthz` and `/metrics`; `None` for every other path.
fn own_route(
    app: &App,
    request: &Request<Incoming>,
) -> Option<(&'static str, Response<ReplyContent>)> {
    let route = match request.uri().path() {
        "/healthz" => "/healthz",
        "/metrics" => "/metrics",
        _ => return None,
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut reply = text_reply(
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "only GET and HEAD\n".into(),
        );
        reply
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Some((route, reply));
    }
    let reply = if route == "/metrics" {
        text_reply(
            StatusCode::OK,
            "text/plain; version=0.0.4",
            app.metrics.render(),
        )
    } else if app.draining.load(Ordering::Relaxed) {
        text_reply(
            StatusCode::SERVICE_UNAVAILABLE,
            "text/plain",
            "stopping\n".into(),
        )
    } else {
        text_reply(StatusCode::OK, "text/plain", "ok\n".into())
    };
    Some((route, reply))
}

/// Bytes that a client made the server hold for the head of a request, give or take the separators.
fn header_bytes(request: &Request<Incoming>) -> usize {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum::<usize>()
        + target
}

/// An error in the shape that OCI clients read (wire reference 8.1).
fn error_reply(status: StatusCode, code: &str, message: &str) -> Response<ReplyContent> {
    let body = serde_json::json!({ "code": code, "message": message }).to_string();
    text_reply(status, "application/json", body)
}

fn text_reply(
    status: StatusCode,
    content_type: &'static str,
    text: String,
) -> Response<ReplyContent> {
    let mut reply = Response::new(Either::Right(Full::from(text)));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}
