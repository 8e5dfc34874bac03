//! The record of one request, and the response body that carries it to the response's end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Method, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use jiff::Timestamp;
use parbuckle_api::RequestSummary;
use tokio::time::Instant;

use super::connection::Connection;
use crate::telemetry::access_log::Entry;
use crate::telemetry::metrics;

/// Face of what this crate answers itself.
pub(super) const OWN_FACE: &str = "server";
/// Route of a request that ended before the API had told its own.
const NO_ROUTE: &str = "-";

/// A request from the end of its headers to the end of its response. When it is dropped it is logged and counted.
pub(super) struct Record {
    connection: Arc<Connection>,
    began: Instant,
    time: Timestamp,
    method: &'static str,
    /// Body length of the request as far as its headers tell.
    declared: Option<u64>,
    face: &'static str,
    route: &'static str,
    summary: Option<RequestSummary>,
    status: Option<u16>,
    sent: u64,
    complete: bool,
    cause: Option<String>,
}

impl Record {
    /// The headers of a request have arrived.
    pub(super) fn begin(
        connection: Arc<Connection>,
        method: &Method,
        declared: Option<u64>,
        http2: bool,
    ) -> Self {
        connection.watch.request_began(http2);
        Self {
            began: Instant::now(),
            time: connection.app.environment.now(),
            connection,
            method: method_name(method),
            declared,
            face: OWN_FACE,
            route: NO_ROUTE,
            summary: None,
            status: None,
            sent: 0,
            complete: false,
            cause: None,
        }
    }

    /// The route of a request that this crate answers itself.
    pub(super) fn set_route(&mut self, route: &'static str) {
        self.route = route;
    }

    /// Adds a text for the log.
    pub(super) fn because(&mut self, cause: impl Into<String>) {
        self.cause.get_or_insert(cause.into());
    }

    /// Takes what the API says of a response that is about to be sent, and goes with it.
    pub(super) fn attach(mut self, mut response: Response<ReplyContent>) -> Response<ReplyBody> {
        self.status = Some(response.status().as_u16());
        if let Some(mut summary) = response.extensions_mut().remove::<RequestSummary>() {
            self.face = summary.face;
            self.route = summary.route;
            self.cause = self.cause.take().or(summary.detail.take());
            self.summary = Some(summary);
        }
        response.map(|body| ReplyBody::new(body, self))
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let now = Instant::now();
        let duration = now.saturating_duration_since(self.began);
        self.connection.watch.request_ended(now);
        // Only a request that was accepted is sure to have been read to its end.
        let accepted = self.status.is_some_and(|status| status < 400);
        let received = self.declared.filter(|&length| accepted || length == 0);
        metrics::request_ended(&metrics::Request {
            face: self.face,
            route: self.route,
            method: self.method,
            status: self.status,
            aborted: !self.complete,
            sent: self.sent,
            received: received.unwrap_or(0),
            duration,
        });
        if let Some(log) = &self.connection.app.access_log {
            log.write(&Entry {
                time: self.time,
                request_id: self
                    .summary
                    .as_ref()
                    .map(|summary| summary.request_id.as_str()),
                face: self.face,
                method: self.method,
                route: self.route,
                status: self.status,
                sent: self.sent,
                received,
                micros: duration.as_micros() as u64,
                peer: &self.connection.peer_text,
                aborted: !self.complete,
                cause: self.cause.as_deref(),
            });
        }
    }
}

/// A body of the API's or one of our own.
pub(super) type ReplyContent = Either<parbuckle_api::Body, Full<Bytes>>;
type ContentError = <ReplyContent as Body>::Error;

/// A response body that counts what leaves, and ends its request's [`Record`].
pub(super) struct ReplyBody {
    inner: ReplyContent,
    /// Bytes that the body promised at its beginning; hyper stops asking when it has them.
    promised: Option<u64>,
    record: Record,
}

impl ReplyBody {
    fn new(inner: ReplyContent, record: Record) -> Self {
        Self {
            promised: inner.size_hint().exact(),
            inner,
            record,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = ContentError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ContentError>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                this.record.sent += frame.data_ref().map_or(0, |data| data.len() as u64)
            }
            Some(Err(error)) => this.record.because(error.to_string()),
            None => this.record.complete = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let whole = self.inner.is_end_stream() || self.promised == Some(self.record.sent);
        self.record.complete |= whole || self.record.method == "HEAD";
    }
}

/// A client may invent methods, so only known ones become a metric label.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
