//! TempURLs: requests that carry a signature instead of a token (Swift wire reference section 13).

use http::header::{CONTENT_DISPOSITION, EXPIRES};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use parbuckle_engine::swift::{AccountName, TempUrl, TempUrlMethod};
use parbuckle_engine::{Caller, ObjectPath, Proof};
use parbuckle_model::format_http_date;

use super::error::{SwiftError, bad_request};
use super::metadata::OBJECT_META;
use super::names::{X_COPY_FROM, X_OBJECT_MANIFEST, X_SYMLINK_TARGET};
use super::params::Params;
use super::reply::Reply;
use crate::exchange::Exchange;
use crate::percent;

/// The metadata that the holder of a signature sees.
const PUBLIC_META: &str = "x-object-meta-public-";

/// With these an upload would be a pointer to what the signature does not cover.
const POINTERS: [HeaderName; 3] = [X_OBJECT_MANIFEST, X_COPY_FROM, X_SYMLINK_TARGET];

/// What the query says about a signature, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed {
    signature: Hidden,
    expires: i64,
    prefix: Option<String>,
    ip_range: Option<String>,
    filename: Option<String>,
    inline: bool,
}

/// A secret that Debug output does not show.
#[derive(PartialEq, Eq)]
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Whether a request is signed: one of the two parameters is enough.
pub(super) fn is_signed(method: &Method, params: &Params) -> bool {
    *method != Method::OPTIONS && (params.has("temp_url_sig") || params.has("temp_url_expires"))
}

impl Signed {
    /// Reads the parameters of a signed request.
    pub(super) fn parse(params: &Params) -> Result<Self, SwiftError> {
        let text = |name| params.text(name).map_err(|_| SwiftError::TempUrlInvalid);
        let owned = |name| Ok::<_, SwiftError>(text(name)?.map(str::to_owned));
        let signature = owned("temp_url_sig")?.filter(|text| !text.is_empty());
        let expires = text("temp_url_expires")?.and_then(moment);
        Ok(Self {
            signature: Hidden(signature.ok_or(SwiftError::TempUrlInvalid)?),
            expires: expires.ok_or(SwiftError::TempUrlInvalid)?,
            prefix: owned("temp_url_prefix")?,
            ip_range: owned("temp_url_ip_range")?.filter(|range| !range.is_empty()),
            filename: owned("filename")?.filter(|name| !name.is_empty()),
            inline: params.has("inline"),
        })
    }

    /// The caller whom the signature makes. `account` is as the path has it.
    pub(super) async fn caller(
        &self,
        exchange: &Exchange<'_>,
        account: &AccountName,
        object: &ObjectPath,
    ) -> Result<Caller, SwiftError> {
        let method = match exchange.parts.method {
            Method::GET => TempUrlMethod::Get,
            Method::HEAD => TempUrlMethod::Head,
            Method::PUT => TempUrlMethod::Put,
            Method::POST => TempUrlMethod::Post,
            Method::DELETE => TempUrlMethod::Delete,
            _ => return Err(SwiftError::TempUrlInvalid),
        };
        let url = TempUrl {
            method,
            object,
            root: &format!("/v1/{}", account.as_str()),
            signature: &self.signature.0,
            expires: self.expires,
            prefix: self.prefix.as_deref(),
            ip_range: self.ip_range.as_deref(),
            peer: exchange.peer.address.ip(),
        };
        let proof = Proof::TempUrl(&url);
        let authenticated = exchange.engine().authenticate(proof).await;
        let caller = authenticated.map_err(|error| match error.kind() {
            parbuckle_engine::ErrorKind::NotAuthenticated(_) => SwiftError::TempUrlInvalid,
            _ => error.into(),
        })?;
        forbid_pointers(&exchange.parts.method, exchange.headers())?;
        Ok(caller.caller)
    }

    /// What a reply to the holder has besides, and what it does not have.
    pub(super) fn adapt(&self, method: &Method, object: &str, reply: &mut Reply) {
        hide_metadata(&mut reply.headers);
        let reads = *method == Method::GET || *method == Method::HEAD;
        if !reads || !reply.status.is_success() {
            return;
        }
        let own = reply.headers.get(CONTENT_DISPOSITION);
        if self.inline || self.filename.is_some() || own.is_none_or(HeaderValue::is_empty) {
            reply.set(CONTENT_DISPOSITION, &self.disposition(object));
        }
        if let Ok(end) = Timestamp::from_second(self.expires) {
            reply.set(EXPIRES, &format_http_date(end));
        }
    }

    fn disposition(&self, object: &str) -> String {
        let kind = if self.inline { "inline" } else { "attachment" };
        let last = object.trim_end_matches('/').rsplit('/').next();
        let name = match &self.filename {
            Some(name) => name,
            None if self.inline => return kind.to_owned(),
            None => last.unwrap_or_default(),
        };
        let encoded = percent::encode_path(name).to_string();
        let spaced = encoded.replace("%20", " ");
        format!("{kind}; filename=\"{spaced}\"; filename*=UTF-8''{encoded}")
    }
}

/// Seconds since 1970, or a time such as `2026-11-22T01:41:19Z`.
fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let time = DateTime::strptime("%Y-%m-%dT%H:%M:%SZ", text).ok()?;
    let time = time.to_zoned(TimeZone::UTC).ok()?;
    Some(time.timestamp().as_second())
}

fn forbid_pointers(method: &Method, headers: &HeaderMap) -> Result<(), SwiftError> {
    if *method == Method::GET || *method == Method::HEAD {
        return Ok(());
    }
    match POINTERS.iter().find(|name| headers.contains_key(*name)) {
        Some(name) => Err(bad_request(format!(
            "The header '{}' is not allowed in this tempurl",
            titled(name)
        ))),
        None => Ok(()),
    }
}

/// A header's name as clients write it.
fn titled(name: &HeaderName) -> String {
    let pieces = name.as_str().split('-').map(|piece| {
        let (first, rest) = piece.split_at(piece.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    Vec::from_iter(pieces).join("-")
}

fn hide_metadata(headers: &mut HeaderMap) {
    let is_hidden = |name: &&HeaderName| {
        name.as_str().starts_with(OBJECT_META) && !name.as_str().starts_with(PUBLIC_META)
    };
    let hidden: Vec<HeaderName> = headers.keys().filter(is_hidden).cloned().collect();
    for name in hidden {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};

    use super::*;

    fn signed(query: &str) -> Option<Signed> {
        let params = Params::parse(Some(query));
        assert!(is_signed(&Method::GET, &params));
        Signed::parse(&params).ok()
    }

    fn adapted(query: &str, object: &str, headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut reply = Reply::empty(StatusCode::OK);
        for (name, value) in headers {
            reply.headers.insert(*name, HeaderValue::from_static(value));
        }
        let signed = signed(&format!("temp_url_sig=ab&temp_url_expires=60{query}")).unwrap();
        signed.adapt(&Method::GET, object, &mut reply);
        reply.headers
    }

    #[test]
    fn both_parameters_are_needed() {
        assert!(signed("temp_url_sig=ab&temp_url_expires=60").is_some());
        for query in [
            "temp_url_sig=ab",
            "temp_url_expires=60",
            "temp_url_sig=&temp_url_expires=60",
            "temp_url_sig=ab&temp_url_expires=soon",
            "temp_url_sig=ab&temp_url_expires=",
        ] {
            assert_eq!(signed(query), None, "{query}");
        }
        let unsigned = Params::parse(Some("temp_url_prefix=a&filename=b"));
        assert!(!is_signed(&Method::GET, &unsigned));
    }

    #[test]
    fn the_end_is_a_number_of_seconds_or_a_time() {
        assert_eq!(moment("1795311679"), Some(1_795_311_679));
        assert_eq!(moment("2026-11-22T01:41:19Z"), Some(1_795_311_679));
        for text in ["2026-11-22T01:41:19", "2026-11-22", "1.5", ""] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn the_signature_is_not_in_debug_output() {
        let text = format!("{:?}", signed("temp_url_sig=secret&temp_url_expires=60"));
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_reply_is_a_download_under_the_objects_name() {
        let headers = adapted("", "dir/a b\"é", &[]);
        assert_eq!(
            headers[CONTENT_DISPOSITION],
            "attachment; filename=\"a b%22%C3%A9\"; filename*=UTF-8''a%20b%22%C3%A9"
        );
        assert_eq!(headers[EXPIRES], "Thu, 01 Jan 1970 00:01:00 GMT");
    }

    #[test]
    fn the_objects_own_disposition_stays_unless_the_query_has_one() {
        let own = [("content-disposition", "own")];
        assert_eq!(adapted("", "o", &own)[CONTENT_DISPOSITION], "own");
        let empty = adapted("", "o", &[("content-disposition", "")]);
        assert!(!empty[CONTENT_DISPOSITION].is_empty());
        assert_eq!(adapted("&inline", "o", &own)[CONTENT_DISPOSITION], "inline");
        for (query, kind) in [
            ("&filename=x", "attachment"),
            ("&filename=x&inline", "inline"),
        ] {
            let expected = format!("{kind}; filename=\"x\"; filename*=UTF-8''x");
            assert_eq!(adapted(query, "o", &own)[CONTENT_DISPOSITION], expected);
        }
    }

    #[test]
    fn only_public_metadata_is_shown() {
        let headers = adapted(
            "",
            "o",
            &[("x-object-meta-a", "1"), ("x-object-meta-public-a", "2")],
        );
        assert!(!headers.contains_key("x-object-meta-a"));
        assert_eq!(headers["x-object-meta-public-a"], "2");
    }

    #[test]
    fn uploads_can_not_point_elsewhere() {
        let headers = HeaderMap::from_iter([(X_COPY_FROM, HeaderValue::from_static("c/o"))]);
        let refused = forbid_pointers(&Method::PUT, &headers).unwrap_err();
        assert!(refused.log_line().contains("'X-Copy-From'"));
        assert!(forbid_pointers(&Method::GET, &headers).is_ok());
    }
}
