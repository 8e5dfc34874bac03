//! Replies of the Swift face: status, headers and body, and what every reply carries (Swift wire reference section 1).

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, LAST_MODIFIED, PRAGMA,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use parbuckle_engine::swift::bytes_of;
use parbuckle_model::format_http_date;

use super::error::{SwiftError, Text};
use super::names::{X_OPENSTACK_REQUEST_ID, X_TIMESTAMP, X_TRANS_ID};
use super::page::page;
use crate::body::Body;
use crate::summary::RequestId;
use crate::{fields, percent};

/// The type of error pages, and of replies without content.
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=UTF-8");

/// The type of single sentences that are announced as what they are.
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain");

/// Room for the headers of an object without asking the allocator twice.
const HEADERS_USUAL: usize = 24;

/// A reply in the making.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Body,
}

impl Reply {
    /// No content; the type is that of upstream's empty replies.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self::with_body(status, HTML, Body::empty(), 0)
    }

    /// The page that belongs to a status.
    pub(super) fn page(status: StatusCode) -> Self {
        Self::with_text(status, HTML, page(status))
    }

    /// A body at hand.
    pub(super) fn with_text(
        status: StatusCode,
        kind: HeaderValue,
        text: impl Into<Vec<u8>>,
    ) -> Self {
        let bytes: Vec<u8> = text.into();
        let length = bytes.len() as u64;
        Self::with_body(status, kind, Body::bytes(bytes), length)
    }

    /// A body of known length, in bytes.
    pub(super) fn with_body(
        status: StatusCode,
        kind: HeaderValue,
        body: Body,
        length: u64,
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(HEADERS_USUAL);
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        Self {
            status,
            headers,
            body,
        }
    }

    /// An error as its client reads it. `realm` is the account that the request is about.
    pub(super) fn error(error: &SwiftError, realm: Option<&str>) -> Self {
        let (status, text) = error.describe();
        let mut reply = match text {
            Text::Page if status == StatusCode::NOT_MODIFIED => Self::empty(status),
            Text::Page => Self::page(status),
            Text::Line(line) => Self::with_text(status, HTML, line.into_owned()),
            Text::Plain(line) => Self::with_text(status, PLAIN, line.into_owned()),
        };
        if status == StatusCode::UNAUTHORIZED {
            let realm = percent::encode_path(realm.unwrap_or("unknown"));
            reply.set(WWW_AUTHENTICATE, &format!("Swift realm=\"{realm}\""));
        }
        if let SwiftError::MethodNotAllowed(methods) = error {
            reply.set(ALLOW, &allowed(methods));
        }
        reply
    }

    /// Sets a header, or leaves it out if its text can't be one.
    pub(super) fn set(&mut self, name: HeaderName, text: &str) {
        if let Some(value) = fields::value(text) {
            self.headers.insert(name, value);
        }
    }

    /// The same, for a chain.
    pub(super) fn with(mut self, name: HeaderName, text: &str) -> Self {
        self.set(name, text);
        self
    }

    /// Sets a header to a number.
    pub(super) fn set_number(&mut self, name: HeaderName, number: u64) {
        self.headers.insert(name, HeaderValue::from(number));
    }

    /// Sets one header for each item, named by a prefix and the item's name. Values are text of
    /// [`text_of`](parbuckle_engine::swift::text_of), and leave as the bytes that it stands for.
    pub(super) fn set_items<'a>(
        &mut self,
        prefix: &str,
        items: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        for (name, value) in items {
            let name = HeaderName::try_from([prefix, name].concat());
            let value = HeaderValue::from_bytes(&bytes_of(value));
            if let (Ok(name), Ok(value)) = (name, value) {
                self.headers.insert(name, value);
            }
        }
    }

    /// Sets `X-Timestamp`: seconds with five decimals.
    pub(super) fn set_timestamp(&mut self, time: Timestamp) {
        let (seconds, micros) = (time.as_second(), time.subsec_microsecond());
        self.set(X_TIMESTAMP, &format!("{seconds}.{:05}", micros / 10));
    }

    /// Sets `Last-Modified`: rounded up to the next full second.
    pub(super) fn set_last_modified(&mut self, time: Timestamp) {
        self.set_full_second(LAST_MODIFIED, time);
    }

    /// Sets a header to the next full second.
    pub(super) fn set_full_second(&mut self, name: HeaderName, time: Timestamp) {
        self.set(name, &format_http_date(rounded_up(time)));
    }

    /// Adds the headers by which Storage Classic keeps caches from replies to sign-ins and uploads (seed).
    pub(super) fn uncached(mut self) -> Self {
        let no_cache = HeaderValue::from_static("no-cache");
        self.headers.insert(CACHE_CONTROL, no_cache.clone());
        self.headers.insert(PRAGMA, no_cache);
        let english = HeaderValue::from_static("en");
        self.headers.insert(CONTENT_LANGUAGE, english);
        self
    }

    /// Adds what every reply carries. HEAD keeps the headers and loses the body; of a refusal it says the length zero, as do
    /// the statuses that have no body.
    pub(super) fn finish(mut self, id: &RequestId, method: &Method) -> Response<Body> {
        self.headers.insert(X_TRANS_ID, id.header());
        self.headers.insert(X_OPENSTACK_REQUEST_ID, id.header());
        if *method == Method::HEAD {
            self.body = Body::empty();
            if self.status.is_client_error() || self.status.is_server_error() {
                self.set_number(CONTENT_LENGTH, 0);
            }
        }
        let is_bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&self.status);
        if is_bodiless && *method != Method::HEAD {
            self.body = Body::empty_with_length();
        }
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// The methods that a refusal names: Swift leaves out COPY there.
pub(super) fn allowed(methods: &[&str]) -> String {
    let named = methods.iter().filter(|method| **method != "COPY");
    Vec::from_iter(named.copied()).join(", ")
}

/// The full second at or after a time.
fn rounded_up(time: Timestamp) -> Timestamp {
    let rest = i64::from(time.subsec_nanosecond());
    match rest {
        0 => time,
        _ => time
            .checked_add(SignedDuration::from_nanos(1_000_000_000 - rest))
            .unwrap_or(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Reply {
        let time = Timestamp::from_millisecond(millis).unwrap();
        let mut reply = Reply::empty(StatusCode::OK);
        reply.set_timestamp(time);
        reply.set_last_modified(time);
        reply
    }

    #[test]
    fn last_modified_is_rounded_up_and_the_timestamp_is_not() {
        for (millis, timestamp, modified) in [
            (1_000, "1.00000", "Thu, 01 Jan 1970 00:00:01 GMT"),
            (1_001, "1.00100", "Thu, 01 Jan 1970 00:00:02 GMT"),
            (1_999, "1.99900", "Thu, 01 Jan 1970 00:00:02 GMT"),
        ] {
            let headers = at(millis).headers;
            assert_eq!(headers[X_TIMESTAMP], timestamp);
            assert_eq!(headers[LAST_MODIFIED], modified);
        }
    }

    #[test]
    fn a_realm_can_not_end_the_header_that_names_it() {
        let error = SwiftError::Page(StatusCode::UNAUTHORIZED);
        let reply = Reply::error(&error, Some("a\"b\\c"));
        assert_eq!(reply.headers[WWW_AUTHENTICATE], "Swift realm=\"a%22b%5Cc\"");
    }
}
