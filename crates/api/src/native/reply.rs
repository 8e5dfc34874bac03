//! Replies of the native face: status, headers and body, and what every reply carries (wire reference 2.4, 7.6).

use std::cell::RefCell;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS,
    ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use jiff::Timestamp;
use parbuckle_engine::ErrorKind;
use parbuckle_model::{PageToken, format_http_date};
use serde::Serialize;

use super::error::NativeError;
use super::names::{OPC_CLIENT_REQUEST_ID, OPC_NEXT_PAGE, OPC_REQUEST_ID, X_API_ID};
use crate::body::Body;
use crate::fields;
use crate::summary::RequestId;

/// Room for the headers of an object without asking the allocator twice.
const HEADERS_USUAL: usize = 24;

/// A reply in the making.
pub(super) struct Reply {
    status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Body,
}

impl Reply {
    /// No headers and no body yet.
    pub(super) fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::with_capacity(HEADERS_USUAL),
            body: Body::empty(),
        }
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    /// 200 with a JSON body.
    pub(super) fn json(content: &impl Serialize) -> Result<Self, NativeError> {
        let json = serde_json::to_vec(content).map_err(|_| ErrorKind::Internal)?;
        let mut reply = Self::new(StatusCode::OK).with_body(Body::bytes(json));
        reply.headers.insert(CONTENT_TYPE, JSON);
        Ok(reply)
    }

    pub(super) fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Adds a header whose text is ours and therefore legal; text that no header can carry is left out.
    pub(super) fn with(mut self, name: HeaderName, text: impl Into<String>) -> Self {
        put(&mut self.headers, name, text.into());
        self
    }

    /// Adds `opc-next-page`, unless this was the last.
    pub(super) fn with_next_page(self, next: Option<&PageToken>) -> Self {
        match next {
            Some(page) => self.with(OPC_NEXT_PAGE, page.to_text()),
            None => self,
        }
    }

    /// The reply to an error. HEAD gets neither body nor content type (wire reference 8.1).
    pub(super) fn error(error: &NativeError, method: &Method) -> Self {
        let (status, code) = error.describe();
        let mut reply = Self::new(status);
        if let NativeError::Engine(error) = error {
            match error.kind() {
                ErrorKind::NotModified(etag) => return reply.with(ETAG, etag.to_string()),
                ErrorKind::InvalidRange { size } => {
                    put(&mut reply.headers, CONTENT_RANGE, format!("bytes */{size}"));
                }
                _ => {}
            }
        }
        if let Some(methods) = error.allowed_methods() {
            put(&mut reply.headers, ALLOW, methods);
        }
        if method != Method::HEAD {
            let message = error.message();
            // Two strings always serialize.
            let json = serde_json::to_vec(&ErrorBody { code, message }).unwrap_or_default();
            reply.headers.insert(CONTENT_TYPE, JSON);
            reply.body = Body::bytes(json);
        }
        reply
    }

    /// The reply to OPTIONS: everything that the resource takes is allowed from everywhere. Whoever knows a secret URL
    /// may use it from any page; no cookies exist that another page could abuse.
    pub(super) fn preflight(request: &HeaderMap) -> Self {
        let mut reply = Self::new(StatusCode::OK);
        if let Some(asked) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            let asked = asked.clone();
            reply.headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
        let vary = HeaderValue::from_static("access-control-request-headers");
        reply.headers.insert(VARY, vary);
        reply
    }

    /// Adds what every reply carries.
    pub(super) fn finish(mut self, id: &RequestId, request: &HeaderMap) -> Response<Body> {
        let headers = &mut self.headers;
        headers.insert(OPC_REQUEST_ID, id.header());
        if let Some(client_id) = request.get(OPC_CLIENT_REQUEST_ID)
            && !client_id.is_empty()
        {
            headers.insert(OPC_CLIENT_REQUEST_ID, client_id.clone());
        }
        headers.insert(X_API_ID, HeaderValue::from_static("native"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        let exposed = exposed_names(headers);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const METHODS: HeaderValue = HeaderValue::from_static("POST,PUT,GET,HEAD,DELETE,OPTIONS");

#[derive(Serialize)]
struct ErrorBody {
    code: &'static str,
    message: String,
}

/// Sets a header, or leaves it out if its text can't be one.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

/// Sets a header from text that came from a client.
pub(super) fn put_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Some(value) = fields::value(text) {
        headers.insert(name, value);
    }
}

/// Sets a date header.
pub(super) fn put_date(headers: &mut HeaderMap, name: HeaderName, time: Timestamp) {
    put(headers, name, format_http_date(time));
}

thread_local! {
    /// The names of the latest reply, and what [`exposed_names`] made of them: replies that follow each other on a thread
    /// mostly have the same.
    static LATEST_NAMES: RefCell<(Vec<HeaderName>, HeaderValue)> =
        const { RefCell::new((Vec::new(), HeaderValue::from_static(""))) };
}

/// The names of all headers present, sorted, joined by commas. The server adds `date` and `content-length` later.
fn exposed_names(headers: &HeaderMap) -> HeaderValue {
    LATEST_NAMES.with_borrow_mut(|(names, list)| {
        if !headers.keys().eq(names.iter()) {
            *names = headers.keys().cloned().collect();
            *list = joined_names(names);
        }
        list.clone()
    })
}

fn joined_names(present: &[HeaderName]) -> HeaderValue {
    let mut names: Vec<&str> = present.iter().map(HeaderName::as_str).collect();
    names.push(DATE.as_str());
    if !present.contains(&CONTENT_LENGTH) {
        names.push(CONTENT_LENGTH.as_str());
    }
    names.sort_unstable();
    HeaderValue::try_from(names.join(",")).expect("header names and commas are legal in a value")
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use parbuckle_engine::{Environment, SystemEnvironment};
    use parbuckle_model::ETag;

    use super::*;
    use crate::summary::RequestIds;

    fn finish(reply: Reply, request: &HeaderMap) -> Response<Body> {
        let environment: &dyn Environment = &SystemEnvironment::default();
        let id = RequestIds::new("us-phoenix-1").next(environment);
        reply.finish(&id, request)
    }

    #[test]
    fn every_reply_exposes_the_names_of_its_headers_in_order() {
        let reply = Reply::new(StatusCode::OK).with(ETAG, "x");
        let response = finish(reply, &HeaderMap::new());
        insta::assert_snapshot!(
            response.headers()[ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap(),
            @"access-control-allow-credentials,access-control-allow-methods,access-control-allow-origin,content-length,date,etag,opc-request-id,x-api-id"
        );
    }

    #[test]
    fn the_exposed_names_are_those_of_this_reply_and_not_of_the_latest() {
        let exposed = |reply| {
            finish(reply, &HeaderMap::new()).headers()[ACCESS_CONTROL_EXPOSE_HEADERS].clone()
        };
        let with = exposed(Reply::new(StatusCode::OK).with(ETAG, "x"));
        let without = exposed(Reply::new(StatusCode::OK));
        assert_ne!(with, without);
        assert_eq!(with, exposed(Reply::new(StatusCode::OK).with(ETAG, "y")));
    }

    #[test]
    fn the_client_request_id_comes_back() {
        let mut request = HeaderMap::new();
        request.insert(OPC_CLIENT_REQUEST_ID, HeaderValue::from_static("abc"));
        let response = finish(Reply::no_content(), &request);
        assert_eq!(response.headers()[OPC_CLIENT_REQUEST_ID], "abc");
    }

    #[test]
    fn an_error_to_head_has_neither_body_nor_content_type() {
        let error = NativeError::from(ErrorKind::ParDoesNotExist);
        let head = Reply::error(&error, &Method::HEAD);
        assert!(head.body.is_end_stream() && !head.headers.contains_key(CONTENT_TYPE));
        let get = Reply::error(&error, &Method::GET);
        assert_eq!(get.headers[CONTENT_TYPE], "application/json");
        assert!(!get.body.is_end_stream());
    }

    #[test]
    fn not_modified_has_the_etag_and_no_body() {
        let etag = ETag::from_random([1; 16]);
        let reply = Reply::error(&ErrorKind::NotModified(etag).into(), &Method::GET);
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
        assert_eq!(reply.headers[ETAG], etag.to_string().as_str());
        assert!(reply.body.is_end_stream() && !reply.headers.contains_key(CONTENT_TYPE));
    }

    #[test]
    fn an_unsatisfiable_range_tells_the_size() {
        let reply = Reply::error(&ErrorKind::InvalidRange { size: 7 }.into(), &Method::GET);
        assert_eq!(reply.headers[CONTENT_RANGE], "bytes */7");
    }

    #[test]
    fn a_preflight_allows_the_headers_that_were_asked_for() {
        let mut request = HeaderMap::new();
        let asked = HeaderValue::from_static("opc-meta-a,content-type");
        request.insert(ACCESS_CONTROL_REQUEST_HEADERS, asked.clone());
        let response = finish(Reply::preflight(&request), &request);
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_HEADERS], asked);
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    }
}
