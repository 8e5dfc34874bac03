//! One request on its way through a face.

use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Version};
use parbuckle_engine::Engine;

use crate::fields::{self, SignedView};
use crate::query::{Query, QueryError};
use crate::{Api, Peer};

/// A request without its body, and what answers it.
pub(crate) struct Exchange<'a> {
    pub(crate) api: &'a Api,
    pub(crate) parts: &'a Parts,
    pub(crate) peer: Peer,
}

impl<'a> Exchange<'a> {
    pub(crate) fn engine(&self) -> &'a Arc<Engine> {
        &self.api.engine
    }

    pub(crate) fn headers(&self) -> &'a HeaderMap {
        &self.parts.headers
    }

    pub(crate) fn query(&self) -> Result<Query<'a>, QueryError> {
        Query::parse(self.parts.uri.query())
    }

    pub(crate) fn signed_view(&self) -> SignedView<'a> {
        SignedView {
            method: &self.parts.method,
            uri: &self.parts.uri,
            version: self.parts.version,
            headers: &self.parts.headers,
        }
    }

    /// Whether body and next request share one stream of bytes, told apart only by lengths.
    pub(crate) fn is_http1(&self) -> bool {
        self.parts.version <= Version::HTTP_11
    }

    /// Whether the request has the one Host header that HTTP/1.1 wants (RFC 9112 section 3.2).
    pub(crate) fn names_host(&self) -> bool {
        let mut hosts = self.parts.headers.get_all(HOST).iter();
        self.parts.version != Version::HTTP_11 || (hosts.next().is_some() && hosts.next().is_none())
    }

    /// Scheme and host of links to this server, without a slash at the end: the configured public URL, or else what
    /// the client used. `None` if it named no usable host.
    pub(crate) fn origin(&self) -> Option<String> {
        if let Some(url) = &self.api.options.public_url {
            return Some(url.trim_end_matches('/').to_owned());
        }
        let Parts {
            uri,
            version,
            headers,
            ..
        } = self.parts;
        let scheme = if self.peer.tls { "https" } else { "http" };
        fields::host(uri, *version, headers).map(|host| format!("{scheme}://{host}"))
    }
}
