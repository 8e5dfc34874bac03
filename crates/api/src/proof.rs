//! From a request to its caller: the proof that the engine gets, and the body that a signature covers.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use parbuckle_engine::{Authenticated, Error, ErrorKind, Proof};
use parbuckle_iam::signature::{BodyRule, SignatureError};

use crate::exchange::Exchange;
use crate::fields;
use crate::payload::Payload;

/// Authenticates a request by its signature. One without an `Authorization` header is refused.
pub(crate) async fn signed(
    exchange: &Exchange<'_>,
    rule: BodyRule,
) -> Result<Authenticated, Error> {
    // A repeated or unreadable header proves nothing.
    let header = fields::text(exchange.headers(), &AUTHORIZATION).map_err(|_| missing())?;
    let authorization = header.ok_or_else(missing)?;
    let view = exchange.signed_view();
    let proof = Proof::Signed {
        authorization,
        view: &view,
        rule,
    };
    exchange.engine().authenticate(proof).await
}

/// The same, but a request without an `Authorization` header is nobody's.
pub(crate) async fn signed_or_anonymous(
    exchange: &Exchange<'_>,
    rule: BodyRule,
) -> Result<Authenticated, Error> {
    if fields::is_given(exchange.headers(), &AUTHORIZATION) {
        return signed(exchange, rule).await;
    }
    exchange.engine().authenticate(Proof::Anonymous).await
}

/// Reads a whole body of up to `max` bytes and compares it with the hash that was signed, if one was.
pub(crate) async fn whole_body(
    payload: &mut Payload,
    signed_sha256: Option<[u8; 32]>,
    max: u64,
) -> Result<Bytes, ErrorKind> {
    let body = payload.whole(max).await?;
    match signed_sha256 {
        Some(signed) if digest(&SHA256, &body).as_ref() != signed => {
            let text = SignatureError::BadSignature.client_message();
            Err(ErrorKind::NotAuthenticated(text.to_owned()))
        }
        _ => Ok(body),
    }
}

fn missing() -> Error {
    let error = SignatureError::AbsentHeader(AUTHORIZATION.to_string());
    ErrorKind::NotAuthenticated(error.client_message().to_owned()).into()
}
