//! Replies of the identity face.

use http::header::{ALLOW, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use parbuckle_model::{ETag, Ocid, PageToken};
use serde_json::{Value, json};

use super::error::{FaceError, IdentityError};
use crate::body::Body;
use crate::summary::RequestId;

const OPC_REQUEST_ID: HeaderName = HeaderName::from_static("opc-request-id");
const OPC_CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("opc-client-request-id");
const OPC_NEXT_PAGE: HeaderName = HeaderName::from_static("opc-next-page");
const OPC_WORK_REQUEST_ID: HeaderName = HeaderName::from_static("opc-work-request-id");

/// A reply in the making.
pub(super) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Body,
}

impl Reply {
    /// 200 with a JSON body.
    pub(super) fn json(content: &Value) -> Self {
        Self::new(StatusCode::OK).with_json(content)
    }

    /// 200 with a resource and its etag.
    pub(super) fn resource(content: &Value, etag: &ETag) -> Self {
        Self::json(content).with(ETAG, etag.to_string())
    }

    /// 200 with a page of a list.
    pub(super) fn page(items: Vec<Value>, next: Option<&PageToken>) -> Self {
        let reply = Self::json(&Value::Array(items));
        match next {
            Some(page) => reply.with(OPC_NEXT_PAGE, page.to_text()),
            None => reply,
        }
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    /// 202 with the work request that tells how it goes.
    pub(super) fn accepted(work_request: &Ocid) -> Self {
        Self::new(StatusCode::ACCEPTED).with(OPC_WORK_REQUEST_ID, work_request.to_string())
    }

    /// The reply to an error. HEAD gets neither body nor content type (wire reference 8.1).
    pub(super) fn error(error: &IdentityError, method: &Method) -> Self {
        let (status, code) = error.describe();
        let mut reply = Self::new(status);
        if let IdentityError::Face(FaceError::MethodNotAllowed { methods }) = error {
            reply = reply.with(ALLOW, methods.join(", "));
        }
        if method == Method::HEAD {
            return reply;
        }
        reply.with_json(&json!({ "code": code, "message": error.message() }))
    }

    /// Adds what every reply carries.
    pub(super) fn finish(mut self, id: &RequestId, request: &HeaderMap) -> Response<Body> {
        self.headers.insert(OPC_REQUEST_ID, id.header());
        if let Some(client_id) = request.get(OPC_CLIENT_REQUEST_ID)
            && !client_id.is_empty()
        {
            self.headers
                .insert(OPC_CLIENT_REQUEST_ID, client_id.clone());
        }
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Body::empty(),
        }
    }

    fn with_json(mut self, content: &Value) -> Self {
        self.body = Body::bytes(content.to_string());
        let json = HeaderValue::from_static("application/json");
        self.headers.insert(CONTENT_TYPE, json);
        self
    }

    /// Adds a header whose text is ours and therefore legal.
    fn with(mut self, name: HeaderName, text: String) -> Self {
        if let Ok(value) = HeaderValue::try_from(text) {
            self.headers.insert(name, value);
        }
        self
    }
}
