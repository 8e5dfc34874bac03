//! Signing in (Swift wire reference section 2, seed "Authentication").

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parbuckle_engine::swift::SignedIn;

use super::error::SwiftError;
use super::names::{
    X_AUTH_KEY, X_AUTH_TOKEN, X_AUTH_TOKEN_EXPIRES, X_AUTH_USER, X_STORAGE_PASS, X_STORAGE_TOKEN,
    X_STORAGE_URL, X_STORAGE_USER,
};
use super::reply::Reply;
use crate::exchange::Exchange;
use crate::fields;

/// `GET /auth/v1.0` with `X-Storage-User` and `X-Storage-Pass`, or their other names `X-Auth-User` and `X-Auth-Key`, which
/// win. With an account in the path the user's name stands alone.
pub(super) async fn sign_in(
    exchange: &Exchange<'_>,
    account: Option<&str>,
) -> Result<Reply, SwiftError> {
    let headers = exchange.headers();
    let user = one_of(headers, [X_AUTH_USER, X_STORAGE_USER])?;
    let secret = one_of(headers, [X_AUTH_KEY, X_STORAGE_PASS])?;
    let login = match account {
        Some(account) => format!("{account}:{user}"),
        None => user.to_owned(),
    };
    let peer = exchange.peer.address.ip();
    // Even nothing at all is tried, so that every failure looks and costs the same.
    let signed_in = exchange.engine().sign_in(&login, secret, peer).await?;
    Ok(welcome(exchange, &signed_in))
}

/// The account that the headers of a sign-in name, for its refusal.
pub(super) fn realm(headers: &HeaderMap) -> Option<String> {
    let user = one_of(headers, [X_AUTH_USER, X_STORAGE_USER]).ok()?;
    let (account, _) = user.split_once(':')?;
    (!account.is_empty()).then(|| account.to_owned())
}

/// Every header of the seed's example.
fn welcome(exchange: &Exchange<'_>, signed_in: &SignedIn) -> Reply {
    let origin = exchange.origin().unwrap_or_default();
    let url = format!("{origin}/v1/{}", signed_in.account.as_str());
    let token = signed_in.token.expose();
    let expires = signed_in.expires_in.as_secs().to_string();
    let mut reply = Reply::empty(StatusCode::OK)
        .with(X_STORAGE_URL, &url)
        .with(X_STORAGE_TOKEN, token)
        .with(X_AUTH_TOKEN, token)
        .with(X_AUTH_TOKEN_EXPIRES, &expires)
        .uncached();
    let text = HeaderValue::from_static("text/plain");
    reply.headers.insert(CONTENT_TYPE, text);
    reply
}

/// The first of two headers that is there; nothing if neither is.
fn one_of(headers: &HeaderMap, names: [HeaderName; 2]) -> Result<&str, SwiftError> {
    for name in &names {
        if let Some(text) = fields::text(headers, name)? {
            return Ok(text);
        }
    }
    Ok("")
}
