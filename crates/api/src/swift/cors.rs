//! Requests of pages from elsewhere: what a container's CORS settings allow them (Swift wire reference section 14).

use std::collections::{BTreeSet, HashSet};

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use parbuckle_engine::BucketPath;

use super::error::SwiftError;
use super::metadata::{CONTAINER_META, OBJECT_META};
use super::reply::{self, Reply};
use super::route::Target;
use crate::exchange::Exchange;
use crate::fields;

/// Headers that every page may read where its origin may.
const ALWAYS_EXPOSED: [&str; 10] = [
    "cache-control",
    "content-language",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "pragma",
    "x-openstack-request-id",
    "x-timestamp",
    "x-trans-id",
];

/// The settings of a container.
#[derive(Debug, Default)]
struct Settings {
    allow_origin: String,
    expose_headers: String,
    max_age: Option<String>,
}

/// Answers OPTIONS. Without `Origin` it tells the methods; with it, it is a browser that asks beforehand, about
/// `container` or an object in it. Accounts are open to no page.
pub(super) async fn options(
    exchange: &Exchange<'_>,
    container: Option<&BucketPath>,
    methods: &'static [&'static str],
) -> Result<Reply, SwiftError> {
    let allowed = methods.join(", ");
    let (Some(container), Some(origin)) = (container, origin(exchange.headers())) else {
        return Ok(Reply::empty(StatusCode::OK).with(ALLOW, &allowed));
    };
    let settings = Settings::of(exchange, container).await?;
    let asked = fields::text(exchange.headers(), &ACCESS_CONTROL_REQUEST_METHOD)?;
    let Some(permission) = settings
        .permit(origin)
        .filter(|_| asked.is_some_and(|asked| methods.contains(&asked) && asked != "COPY"))
    else {
        return Ok(Reply::page(StatusCode::UNAUTHORIZED).with(ALLOW, &reply::allowed(methods)));
    };
    let mut reply = Reply::empty(StatusCode::OK)
        .with(ALLOW, &allowed)
        .with(ACCESS_CONTROL_ALLOW_METHODS, &allowed);
    reply.headers.remove(CONTENT_TYPE);
    permission.tell(&mut reply.headers);
    if let Some(seconds) = &settings.max_age {
        reply.set(ACCESS_CONTROL_MAX_AGE, seconds);
    }
    let names = requested_headers(exchange.headers());
    if !names.is_empty() {
        reply.set(ACCESS_CONTROL_ALLOW_HEADERS, &names);
        vary(&mut reply.headers, "Access-Control-Request-Headers");
    }
    Ok(reply)
}

/// The page that a request comes from.
pub(super) fn origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(ORIGIN).filter(|origin| !origin.is_empty())
}

/// Whether a page is told of a reply. Swift does not tell it of a method that is not known, nor that one may not change a
/// container.
pub(super) fn is_told(exchange: &Exchange<'_>, target: &Target, reply: &Reply) -> bool {
    let changes = [Method::PUT, Method::POST, Method::DELETE].contains(&exchange.parts.method);
    let lacks_rights = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&reply.status);
    let unchanged = matches!(target, Target::Container { .. }) && changes && lacks_rights;
    reply.status != StatusCode::METHOD_NOT_ALLOWED && !unchanged
}

/// Adds to a reply what the page that asked may read of it, if the container lets it. Refusals are told to pages too;
/// the answer to OPTIONS says all there is to say itself.
pub(super) async fn open(exchange: &Exchange<'_>, container: &BucketPath, reply: &mut Reply) {
    let Some(origin) = origin(exchange.headers()) else {
        return;
    };
    if exchange.parts.method == Method::OPTIONS {
        return;
    }
    // The reply itself stands; a page that can't read it asks again.
    let Ok(settings) = Settings::of(exchange, container).await else {
        return;
    };
    if let Some(permission) = settings.permit(origin) {
        let exposed = settings.exposed(&reply.headers);
        reply.set(ACCESS_CONTROL_EXPOSE_HEADERS, &exposed);
        permission.tell(&mut reply.headers);
    }
}

/// What is told a page whose origin is allowed.
#[derive(Debug, PartialEq, Eq)]
struct Permission(HeaderValue);

impl Permission {
    fn tell(self, headers: &mut HeaderMap) {
        if self.0 != "*" {
            vary(headers, "Origin");
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
    }
}

impl Settings {
    async fn of(exchange: &Exchange<'_>, container: &BucketPath) -> Result<Self, SwiftError> {
        let mut settings = Self::default();
        for (name, value) in exchange.engine().swift_cors(container).await? {
            match name.as_str() {
                "access-control-allow-origin" => settings.allow_origin = value,
                "access-control-expose-headers" => settings.expose_headers = value,
                "access-control-max-age" => settings.max_age = Some(value),
                _ => {}
            }
        }
        Ok(settings)
    }

    fn permit(&self, origin: &HeaderValue) -> Option<Permission> {
        if self.allow_origin.trim() == "*" {
            return Some(Permission(HeaderValue::from_static("*")));
        }
        let mut allowed = self.allow_origin.split_whitespace();
        allowed
            .any(|allowed| allowed == "*" || origin == allowed)
            .then(|| Permission(origin.clone()))
    }

    /// The headers that a page may read, in order of name.
    fn exposed(&self, headers: &HeaderMap) -> String {
        let own = self.expose_headers.split([' ', ',']);
        let own = own.filter(|name| !name.is_empty()).map(str::to_lowercase);
        let is_metadata = |name: &&HeaderName| {
            name.as_str().starts_with(OBJECT_META) || name.as_str().starts_with(CONTAINER_META)
        };
        let metadata = headers
            .keys()
            .filter(is_metadata)
            .map(HeaderName::to_string);
        let always = ALWAYS_EXPOSED.into_iter().map(str::to_owned);
        let names: BTreeSet<String> = always.chain(own).chain(metadata).collect();
        Vec::from_iter(names).join(", ")
    }
}

/// The headers that a page wants to send, each named once.
fn requested_headers(headers: &HeaderMap) -> String {
    let values = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(str::trim);
    let mut seen = HashSet::new();
    let names = names.filter(|name| !name.is_empty() && seen.insert(*name));
    Vec::from_iter(names).join(", ")
}

fn vary(headers: &mut HeaderMap, on: &'static str) {
    let there = headers.get(VARY).and_then(|value| value.to_str().ok());
    let value = match there {
        Some(there) => fields::value(&format!("{there}, {on}")),
        None => Some(HeaderValue::from_static(on)),
    };
    if let Some(value) = value {
        headers.insert(VARY, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permit(allow_origin: &str, origin: &'static str) -> Option<String> {
        let settings = Settings {
            allow_origin: allow_origin.to_owned(),
            ..Settings::default()
        };
        let permission = settings.permit(&HeaderValue::from_static(origin))?;
        Some(permission.0.to_str().unwrap().to_owned())
    }

    #[test]
    fn an_origin_is_allowed_by_its_name_or_by_a_star() {
        let of = |text: &str| Some(text.to_owned());
        assert_eq!(permit("http://a http://b", "http://b"), of("http://b"));
        assert_eq!(permit("*", "http://b"), of("*"));
        assert_eq!(permit("http://a *", "http://b"), of("http://b"));
        assert_eq!(permit("http://a", "http://b"), None);
        assert_eq!(permit("", "http://b"), None);
    }

    #[test]
    fn metadata_and_what_the_container_names_are_exposed() {
        let settings = Settings {
            expose_headers: "X-Foo x-bar,x-baz".to_owned(),
            ..Settings::default()
        };
        let meta = HeaderName::from_static("x-object-meta-a");
        let headers = HeaderMap::from_iter([(meta, HeaderValue::from_static("1"))]);
        let exposed = settings.exposed(&headers);
        for name in ["etag", "x-bar", "x-baz", "x-foo", "x-object-meta-a"] {
            assert!(exposed.split(", ").any(|there| there == name), "{name}");
        }
    }

    #[test]
    fn the_headers_that_a_page_wants_to_send_are_allowed_without_empty_ones() {
        let requested = |value| {
            let value = HeaderValue::from_static(value);
            requested_headers(&HeaderMap::from_iter([(
                ACCESS_CONTROL_REQUEST_HEADERS,
                value,
            )]))
        };
        assert_eq!(requested(" x-b ,,x-a,x-b"), "x-b, x-a");
        assert_eq!(requested(""), "");
    }

    #[test]
    fn what_depends_on_the_origin_says_so_besides_what_it_said() {
        let mut headers = HeaderMap::from_iter([(VARY, HeaderValue::from_static("Accept"))]);
        Permission(HeaderValue::from_static("http://a")).tell(&mut headers);
        assert_eq!(headers[VARY], "Accept, Origin");
        let mut headers = HeaderMap::new();
        Permission(HeaderValue::from_static("*")).tell(&mut headers);
        assert!(!headers.contains_key(VARY));
    }
}
