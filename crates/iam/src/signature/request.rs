//! The text that is signed, and the client's side of signing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::authorization::REQUEST_TARGET;
use super::{KeyId, SignatureError, SigningKey};

/// A request as its signature sees it. The HTTP layer adapts its own type to this.
pub trait RequestView {
    /// The method as on the request line, in any case.
    fn method(&self) -> &str;

    /// Path and query exactly as on the request line: nothing decoded, nothing normalised.
    fn raw_target(&self) -> &str;

    /// The header of that lower-case name. For `host`, an HTTP/2 adapter answers `:authority`.
    fn header(&self, lower_case_name: &str) -> Field<'_>;
}

/// A header as found in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<'a> {
    /// Not there.
    Absent,
    /// There once, with this value; white space around it does not count.
    Single(&'a [u8]),
    /// There more than once.
    Repeated,
}

/// What kind of body the request has; it decides what must be signed (wire reference 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    /// GET, HEAD, DELETE: date, request target and host.
    NoBody,
    /// PutObject and UploadPart: the same three; more may be signed, and then it counts.
    Streamed,
    /// Every other POST, PUT or PATCH: also length, type and SHA-256 of the body.
    Hashed,
}

impl BodyRule {
    /// What a client signs under this rule, in the usual order, with `date` as the date.
    pub fn signed_headers(self) -> &'static [&'static str] {
        const NAMES: &[&str] = &[
            "date",
            REQUEST_TARGET,
            "host",
            "content-length",
            "content-type",
            "x-content-sha256",
        ];
        match self {
            Self::NoBody | Self::Streamed => &NAMES[..3],
            Self::Hashed => NAMES,
        }
    }

    /// What must be signed besides a date.
    pub(super) fn mandatory(self) -> &'static [&'static str] {
        &self.signed_headers()[1..]
    }
}

/// The text that is signed: one line for each of `names` in order, joined by `\n` (wire reference
/// 6.2).
///
/// `names` are lower case; `(request-target)` stands for the request line.
///
/// Errors: [`SignatureError::AbsentHeader`] and [`SignatureError::RepeatedHeader`].
pub fn signing_string<'n>(
    view: &(impl RequestView + ?Sized),
    names: impl IntoIterator<Item = &'n str>,
) -> Result<Vec<u8>, SignatureError> {
    let mut text = Vec::with_capacity(512);
    for name in names {
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        if name == REQUEST_TARGET {
            text.extend(view.method().bytes().map(|byte| byte.to_ascii_lowercase()));
            text.push(b' ');
            text.extend_from_slice(view.raw_target().as_bytes());
        } else {
            text.extend_from_slice(single(view, name)?);
        }
    }
    Ok(text)
}

/// The `Authorization` header value for this request: the client's side.
///
/// Errors: a header of `names` is absent or repeated, or [`SignatureError::BadSignature`] if the
/// cryptographic library fails.
pub fn sign(
    key: &SigningKey,
    id: &KeyId,
    names: &[&str],
    view: &(impl RequestView + ?Sized),
) -> Result<String, SignatureError> {
    let text = signing_string(view, names.iter().copied())?;
    let signature = key
        .signature_of(&text)
        .map_err(|_| SignatureError::BadSignature)?;
    Ok(format!(
        "Signature version=\"1\",keyId=\"{id}\",algorithm=\"rsa-sha256\",headers=\"{}\",signature=\"{}\"",
        names.join(" "),
        STANDARD.encode(signature)
    ))
}

/// The trimmed value of a header that must be there exactly once.
pub(super) fn single<'v>(
    view: &'v (impl RequestView + ?Sized),
    name: &str,
) -> Result<&'v [u8], SignatureError> {
    match view.header(name) {
        Field::Single(value) => Ok(value.trim_ascii()),
        Field::Absent => Err(SignatureError::AbsentHeader(name.to_owned())),
        Field::Repeated => Err(SignatureError::RepeatedHeader(name.to_owned())),
    }
}
