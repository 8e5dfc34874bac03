//! Header fields of a request: read once, an empty value counts as none (wire reference section 1).

use http::header::{AsHeaderName, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use parbuckle_engine::ErrorKind;
use parbuckle_iam::signature::{Field, RequestView};

/// A header that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("the header {0} stands more than once")]
    Repeated(HeaderName),
    #[error("the header {0} is not valid UTF-8")]
    NotUtf8(HeaderName),
}

impl From<FieldError> for ErrorKind {
    fn from(error: FieldError) -> Self {
        Self::InvalidParameter(error.to_string())
    }
}

/// The text of a header that may stand once.
pub(crate) fn text<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, FieldError> {
    match field(headers, name) {
        Field::Absent => Ok(None),
        Field::Repeated => Err(FieldError::Repeated(name.clone())),
        Field::Single(value) => match std::str::from_utf8(value) {
            Ok(text) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Err(_) => Err(FieldError::NotUtf8(name.clone())),
        },
    }
}

/// Whether a header is there with a value.
pub(crate) fn is_given(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get(name).is_some_and(|value| !value.is_empty())
}

fn field(headers: &HeaderMap, name: impl AsHeaderName) -> Field<'_> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Field::Absent,
        (Some(value), None) => Field::Single(value.as_bytes()),
        (Some(_), Some(_)) => Field::Repeated,
    }
}

/// A request as its signature sees it.
pub(crate) struct SignedView<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
}

impl RequestView for SignedView<'_> {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn raw_target(&self) -> &str {
        self.uri
            .path_and_query()
            .map_or("", |target| target.as_str())
    }

    fn header(&self, lower_case_name: &str) -> Field<'_> {
        match authority(self.uri, self.version) {
            Some(authority) if lower_case_name == HOST.as_str() => {
                Field::Single(authority.as_bytes())
            }
            _ => field(self.headers, lower_case_name),
        }
    }
}

/// The host that the client asked for, with its port if it gave one.
pub(crate) fn host<'a>(uri: &'a Uri, version: Version, headers: &'a HeaderMap) -> Option<&'a str> {
    let named = match authority(uri, version) {
        Some(authority) => Some(authority),
        None => headers.get(HOST).and_then(|value| value.to_str().ok()),
    };
    // It goes into URLs that we hand out.
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~:[]".contains(&b);
    named.filter(|host| !host.is_empty() && host.bytes().all(legal))
}

/// `:authority` of HTTP/2. In HTTP/1 the Host header speaks, also for a target in absolute form.
fn authority(uri: &Uri, version: Version) -> Option<&str> {
    match version {
        Version::HTTP_2 => uri.authority().map(|authority| authority.as_str()),
        _ => None,
    }
}

/// A header value from text that may hold UTF-8; `None` if no header can carry it.
pub(crate) fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_TYPE, IF_MATCH};

    use super::*;

    fn map(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        map
    }

    #[test]
    fn an_empty_header_is_an_absent_one() {
        let headers = map(&[("content-type", b""), ("if-match", b"  x ")]);
        assert_eq!(text(&headers, &CONTENT_TYPE), Ok(None));
        assert_eq!(text(&headers, &IF_MATCH), Ok(Some("x")));
        assert!(!is_given(&headers, &CONTENT_TYPE));
    }

    #[test]
    fn a_repeated_header_is_refused() {
        let headers = map(&[("if-match", b"a"), ("if-match", b"a")]);
        assert_eq!(
            text(&headers, &IF_MATCH),
            Err(FieldError::Repeated(IF_MATCH))
        );
    }

    #[test]
    fn a_header_must_be_utf8() {
        let headers = map(&[("if-match", b"\xff")]);
        assert_eq!(
            text(&headers, &IF_MATCH),
            Err(FieldError::NotUtf8(IF_MATCH))
        );
    }

    #[test]
    fn the_authority_of_http2_is_the_signed_host() {
        let uri: Uri = "http://storage.example:8443/n?x=1".parse().unwrap();
        let headers = map(&[("host", b"other")]);
        let view = |version| SignedView {
            method: &Method::GET,
            uri: &uri,
            version,
            headers: &headers,
        };
        let two = view(Version::HTTP_2);
        assert_eq!(two.header("host"), Field::Single(b"storage.example:8443"));
        assert_eq!(two.raw_target(), "/n?x=1");
        assert_eq!(
            view(Version::HTTP_11).header("host"),
            Field::Single(b"other")
        );
    }

    #[test]
    fn a_host_with_illegal_characters_is_not_repeated_to_clients() {
        let uri: Uri = "/n".parse().unwrap();
        let ask = |value: &[u8]| {
            host(&uri, Version::HTTP_11, &map(&[("host", value)])).map(str::to_owned)
        };
        assert_eq!(ask(b"[::1]:80").as_deref(), Some("[::1]:80"));
        assert_eq!(ask(b"a/b"), None);
        assert_eq!(ask(b"a\"b"), None);
    }
}
