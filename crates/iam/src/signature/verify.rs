//! The server's side: is this request what the owner of the key signed, and now?

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::request::{BodyRule, Field, RequestView, signing_string, single};
use super::{Authorization, PublicKey, SignatureError, date};

/// A proven signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a signed body hash still has to be compared with the body"]
pub struct Verified {
    /// The SHA-256 the body must have, if it was signed. Always there under [`BodyRule::Hashed`].
    pub body_sha256: Option<[u8; 32]>,
    /// The signed date.
    pub date: Timestamp,
}

/// Checks a request against its signature: everything that `rule` asks for is signed and is in the
/// request exactly once, the date is within five minutes of `now`, and the signature is `key`'s.
///
/// The body itself is the caller's to check, with [`Verified::body_sha256`].
pub fn verify(
    authorization: &Authorization,
    view: &(impl RequestView + ?Sized),
    key: &PublicKey,
    now: Timestamp,
    rule: BodyRule,
) -> Result<Verified, SignatureError> {
    check_names(authorization, view, rule)?;
    let text = signing_string(view, authorization.signed_headers())?;
    let date = signed_date(authorization, view)?;
    date::check_skew(date, now)?;
    let body_sha256 = signed_body_hash(authorization, view)?;
    if !key.verifies(&text, authorization.signature()) {
        return Err(SignatureError::BadSignature);
    }
    Ok(Verified { body_sha256, date })
}

/// The refusal for a key that nobody has, or whose user may not use it.
///
/// It makes the same checks as [`verify`] in the same order, with a key of ours in place of the
/// missing one, so that neither the answer nor its timing tells whether a user or key exists.
pub fn verify_unknown_key(
    authorization: &Authorization,
    view: &(impl RequestView + ?Sized),
    now: Timestamp,
    rule: BodyRule,
) -> SignatureError {
    static STAND_IN: LazyLock<PublicKey> =
        LazyLock::new(|| PublicKey::from_pem(STAND_IN_PEM).expect("the constant is a sound key"));
    match verify(authorization, view, &STAND_IN, now, rule) {
        Err(SignatureError::BadSignature) | Ok(_) => SignatureError::UnknownKey,
        Err(other) => other,
    }
}

/// The mandatory names of wire reference 6.3, and exactly one date, the decisive one (6.4).
fn check_names(
    authorization: &Authorization,
    view: &(impl RequestView + ?Sized),
    rule: BodyRule,
) -> Result<(), SignatureError> {
    for name in rule.mandatory() {
        if !authorization.signs(name) {
            return Err(SignatureError::UnsignedHeader(name));
        }
    }
    // A request on behalf of somebody else must not pass as the signer's own.
    if view.header("opc-obo-token") != Field::Absent {
        return Err(SignatureError::DelegationUnsupported);
    }
    match (authorization.signs("date"), authorization.signs("x-date")) {
        (true, true) => Err(SignatureError::TwoDates),
        (false, false) => Err(SignatureError::UnsignedHeader("date")),
        (true, false) if view.header("x-date") != Field::Absent => {
            Err(SignatureError::DateNotDecisive)
        }
        (true, false) | (false, true) => Ok(()),
    }
}

fn signed_date(
    authorization: &Authorization,
    view: &(impl RequestView + ?Sized),
) -> Result<Timestamp, SignatureError> {
    let name = if authorization.signs("x-date") {
        "x-date"
    } else {
        "date"
    };
    date::parse(single(view, name)?)
}

fn signed_body_hash(
    authorization: &Authorization,
    view: &(impl RequestView + ?Sized),
) -> Result<Option<[u8; 32]>, SignatureError> {
    if !authorization.signs("x-content-sha256") {
        return Ok(None);
    }
    STANDARD
        .decode(single(view, "x-content-sha256")?)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(Some)
        .ok_or(SignatureError::MalformedBodyHash)
}

/// RSA-2048, the usual size. Its private half does not matter: nothing verified with it is let in.
const STAND_IN_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAp3zDkteD/2Xlb0v73/m0
ENG2cTapZPx1Q/phxySRDmcotl/yRk31Zhwaq57K/1YQdnppv9k3hC6rykUbf1zP
xGxdbvoAB3arYtN01QpoAfoZtaJmRURCa7508i4Tdp7TSLrf1LRpwUlzZdM8+QFD
3tdlBKetftxcccchA++kQ3EPjx09tAuy/8n7w2qnJ5odbH4K3LFey85oL46jke/V
Jc57D9NCf2btDGdGOuKEEnVu7sKOi6u65DsUZ+maNfTm0d9VM7CGTqpR2vOC5EZJ
auEQlvejzYvZ8o07kDOaHf565zxnyx9d6CeqNiWu7Re2KIaQo2YMF7t3BimI4cTx
qwIDAQAB
-----END PUBLIC KEY-----
";
