//! A small HTTP/1.1 client that sends request targets byte for byte and explains its failures.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::sign::Signer;

/// No call of a test takes this long on a working server, even on a busy machine.
const CALL_TIME_MAX: Duration = Duration::from_secs(60);

/// An unsigned client of one server. Every call opens its own connection; see [`Http::connect`].
#[derive(Clone, Debug)]
pub struct Http {
    address: String,
}

impl Http {
    /// `address` is `host:port`, and becomes the Host header.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
        }
    }

    /// `host:port` of the server.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A GET of the raw target (path and query), to be awaited.
    pub fn get(&self, target: impl Into<String>) -> Call {
        self.call(Method::GET, target)
    }

    /// A HEAD.
    pub fn head(&self, target: impl Into<String>) -> Call {
        self.call(Method::HEAD, target)
    }

    /// A PUT.
    pub fn put(&self, target: impl Into<String>) -> Call {
        self.call(Method::PUT, target)
    }

    /// A POST.
    pub fn post(&self, target: impl Into<String>) -> Call {
        self.call(Method::POST, target)
    }

    /// A DELETE.
    pub fn delete(&self, target: impl Into<String>) -> Call {
        self.call(Method::DELETE, target)
    }

    /// An OPTIONS.
    pub fn options(&self, target: impl Into<String>) -> Call {
        self.call(Method::OPTIONS, target)
    }

    /// A request with any method. `target` goes on the request line as it stands.
    pub fn call(&self, method: Method, target: impl Into<String>) -> Call {
        Call {
            address: self.address.clone(),
            signer: None,
            method,
            target: target.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Opens one connection for several calls in a row.
    pub async fn connect(&self) -> Connection {
        let opened = timeout(CALL_TIME_MAX, open(&self.address)).await;
        match opened {
            Ok(Ok(sender)) => Connection { sender },
            Ok(Err(reason)) => panic!("connecting to {}: {reason}", self.address),
            Err(_) => panic!(
                "connecting to {}: took over {CALL_TIME_MAX:?}",
                self.address
            ),
        }
    }

    /// Sends bytes that need not be HTTP and returns what came back before the server closed the
    /// connection or was silent for `patience`.
    pub async fn send_raw(&self, bytes: &[u8], patience: Duration) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address)
            .await
            .unwrap_or_else(|error| panic!("connecting to {}: {error}", self.address));
        // The server may refuse and close while we still write; its answer is what counts.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while let Ok(Ok(count @ 1..)) = timeout(patience, stream.read(&mut buffer)).await {
            answer.extend_from_slice(&buffer[..count]);
        }
        answer
    }

    /// Sends bytes and closes the connection without waiting for an answer.
    pub async fn send_and_close(&self, bytes: &[u8]) {
        let mut stream = TcpStream::connect(&self.address)
            .await
            .unwrap_or_else(|error| panic!("connecting to {}: {error}", self.address));
        // The server may have refused already.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
    }
}

/// A request being put together. Await it for the [`Reply`]; a failure to get one panics.
#[derive(Clone, Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Call {
    address: String,
    signer: Option<Arc<Signer>>,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    /// Adds a header; the value must be legal in HTTP.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name
            .parse()
            .unwrap_or_else(|_| panic!("{name:?} is not a header name"));
        let value: HeaderValue = value
            .parse()
            .unwrap_or_else(|_| panic!("{value:?} is not a header value"));
        self.headers.append(name, value);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body and its content type.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    pub(crate) fn signed(mut self, signer: Arc<Signer>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Sends it; for tests in which the server may die underneath.
    pub async fn attempt(self) -> Result<Reply, CallError> {
        let shown = self.shown();
        let failed = |sent, reason| CallError {
            request: shown.clone(),
            sent,
            reason,
        };
        match timeout(CALL_TIME_MAX, self.on_new_connection()).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err((sent, reason))) => Err(failed(sent, reason)),
            Err(_) => Err(failed(
                true,
                format!("no complete reply within {CALL_TIME_MAX:?}"),
            )),
        }
    }

    async fn on_new_connection(self) -> Result<Reply, (bool, String)> {
        let mut sender = open(&self.address)
            .await
            .map_err(|reason| (false, reason))?;
        self.over(&mut sender)
            .await
            .map_err(|reason| (true, reason))
    }

    async fn over(self, sender: &mut SendRequest<Full<Bytes>>) -> Result<Reply, String> {
        let shown = self.shown();
        let response = sender
            .send_request(self.request()?)
            .await
            .map_err(|error| format!("no reply: {error:?}"))?;
        let (parts, body) = response.into_parts();
        let status = parts.status.as_u16();
        let body = body
            .collect()
            .await
            .map_err(|error| format!("status {status}, then the body broke off: {error:?}"))?
            .to_bytes();
        Ok(Reply {
            request: shown,
            status,
            headers: parts.headers,
            body,
        })
    }

    fn request(mut self) -> Result<Request<Full<Bytes>>, String> {
        let host = HeaderValue::from_str(&self.address).expect("host:port is a legal header");
        self.headers.entry(HOST).or_insert(host);
        if let Some(signer) = &self.signer {
            signer.authorize(&self.method, &self.target, &mut self.headers, &self.body);
        }
        let carries_body = matches!(self.method, Method::PUT | Method::POST | Method::PATCH);
        if carries_body && !self.headers.contains_key(CONTENT_LENGTH) {
            self.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.target)
            .body(Full::new(self.body))
            .map_err(|error| format!("not sendable by this client (use send_raw): {error}"))?;
        *request.headers_mut() = self.headers;
        Ok(request)
    }

    fn shown(&self) -> String {
        let content_type = self.headers.get(CONTENT_TYPE).map_or("", |value| {
            value.to_str().unwrap_or("(unprintable content type)")
        });
        format!(
            "{} {} [{} bytes {content_type}]",
            self.method,
            self.target,
            self.body.len()
        )
    }
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            self.attempt()
                .await
                .unwrap_or_else(|error| panic!("{error}"))
        })
    }
}

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Sends the call on this connection, after the replies of all earlier ones.
    pub async fn send(&mut self, call: Call) -> Result<Reply, CallError> {
        let request = call.shown();
        let failed = |reason| CallError {
            request,
            sent: true,
            reason,
        };
        if let Err(error) = self.sender.ready().await {
            return Err(failed(format!("the connection is closed: {error}")));
        }
        call.over(&mut self.sender).await.map_err(failed)
    }
}

/// A request that got no complete reply.
#[derive(Clone, Debug)]
pub struct CallError {
    /// The request, for the reader of a failed test.
    pub request: String,
    /// False: nothing reached the server. True: it may or may not have acted.
    pub sent: bool,
    /// What happened.
    pub reason: String,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sent = if self.sent { "sent" } else { "not sent" };
        write!(f, "{} ({sent}): {}", self.request, self.reason)
    }
}

impl std::error::Error for CallError {}

/// A complete reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What was asked, for the reader of a failed test.
    pub request: String,
    /// The status code.
    pub status: u16,
    /// Headers with lower-case names.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// Returns the reply if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert!(
            self.status == status,
            "expected status {status}\n{}",
            self.dump()
        );
        self
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is not JSON: {error}\n{}", self.dump()))
    }

    /// The first header of this name, if there is one and it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that has to be there.
    #[track_caller]
    pub fn required(&self, name: &str) -> &str {
        self.header(name)
            .unwrap_or_else(|| panic!("no header {name:?}\n{}", self.dump()))
    }

    /// `code` of an error body; empty if there is none.
    pub fn code(&self) -> String {
        self.error_field("code").unwrap_or_default()
    }

    /// Everything about the exchange, over several lines.
    pub fn dump(&self) -> String {
        let mut text = format!("request: {}\nstatus: {}\n", self.request, self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!(
                "{name}: {}\n",
                String::from_utf8_lossy(value.as_bytes())
            ));
        }
        const SHOWN_MAX: usize = 4000;
        let shown = &self.body[..self.body.len().min(SHOWN_MAX)];
        text.push_str(&format!("\n{}\n", String::from_utf8_lossy(shown)));
        if self.body.len() > SHOWN_MAX {
            text.push_str(&format!("... {} bytes in all\n", self.body.len()));
        }
        text
    }

    fn error_field(&self, field: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get(field)?.as_str()?.to_owned())
    }
}

/// One line for snapshots: `404 BucketNotFound: message` for an error, else `200 (12 bytes)`.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.error_field("code"), self.error_field("message")) {
            (Some(code), Some(message)) => write!(f, "{} {code}: {message}", self.status),
            _ => write!(f, "{} ({} bytes)", self.status, self.body.len()),
        }
    }
}

async fn open(address: &str) -> Result<SendRequest<Full<Bytes>>, String> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| format!("connect: {error}"))?;
    stream
        .set_nodelay(true)
        .map_err(|error| format!("TCP_NODELAY: {error}"))?;
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("handshake: {error}"))?;
    // Its outcome reaches the caller through the sender.
    tokio::spawn(connection);
    Ok(sender)
}
