//! Who sends a request: the owner of its token, or of its name and auth token (Swift wire reference sections 2 and 16).

use http::header::REFERER;
use http::{HeaderMap, StatusCode};
use parbuckle_engine::Proof;
use parbuckle_engine::swift::Deed;

use super::Call;
use super::basic::Basic;
use super::error::SwiftError;
use super::names::{X_AUTH_TOKEN, X_STORAGE_TOKEN};
use super::params::Params;
use super::route::Target;
use crate::exchange::Exchange;
use crate::fields;

/// Begins every token; what does not is no token.
const TOKEN_PREFIX: &str = "AUTH_";

/// The caller by the token of the request, or else by its name and auth token; nobody known if it has neither.
pub(super) async fn authenticated<'a>(
    exchange: &'a Exchange<'a>,
    target: &Target,
    params: Params,
) -> Result<Call<'a>, SwiftError> {
    let headers = exchange.headers();
    let token = token(headers)?;
    let referrer = referrer(headers);
    let basic = match token {
        Some(_) => None,
        None => Basic::of(headers),
    };
    let login = basic.as_ref().map(|basic| {
        let account = target.account().unwrap_or_default();
        basic.login(account, exchange.peer.address.ip(), referrer)
    });
    let proof = match (token, &login) {
        (Some(token), _) => Proof::SwiftToken { token, referrer },
        (None, Some(login)) => Proof::SwiftBasic(login),
        (None, None) => Proof::SwiftAnonymous { referrer },
    };
    let signed_in = !matches!(proof, Proof::SwiftAnonymous { .. });
    let caller = exchange.engine().authenticate(proof).await?.caller;
    Ok(Call {
        exchange,
        params,
        caller,
        signed_in,
    })
}

/// Whether a request has a token, and refuses it if that is none (any more), whatever it asks for.
pub(super) async fn require_good_token(exchange: &Exchange<'_>) -> Result<bool, SwiftError> {
    let headers = exchange.headers();
    let Some(token) = token(headers)? else {
        return Ok(false);
    };
    let referrer = referrer(headers);
    let proof = Proof::SwiftToken { token, referrer };
    exchange.engine().authenticate(proof).await?;
    Ok(true)
}

/// The refusal of a request that names nothing or can't be done by anybody: that of its token comes first.
pub(super) async fn refused(exchange: &Exchange<'_>, refusal: SwiftError) -> SwiftError {
    match require_good_token(exchange).await {
        Ok(_) => refusal,
        Err(unknown) => unknown,
    }
}

/// The refusal of a request whose form is wrong: rights, and what must be there, come first.
pub(super) async fn refused_deed(
    call: &Call<'_>,
    refusal: SwiftError,
    deed: Deed<'_>,
) -> SwiftError {
    match Box::pin(call.engine().swift_may(&call.caller, deed)).await {
        Ok(()) => refusal,
        Err(error) => error.into(),
    }
}

/// The token of a request. `X-Storage-Token` is the other name of `X-Auth-Token`. Several are as good as a wrong one.
fn token(headers: &HeaderMap) -> Result<Option<&str>, SwiftError> {
    let text = |name| fields::text(headers, name);
    let unknown = |_| SwiftError::Page(StatusCode::UNAUTHORIZED);
    let token = match text(&X_AUTH_TOKEN).map_err(unknown)? {
        Some(token) => Some(token),
        None => text(&X_STORAGE_TOKEN).map_err(unknown)?,
    };
    Ok(token.filter(|token| token.starts_with(TOKEN_PREFIX)))
}

fn referrer(headers: &HeaderMap) -> Option<&str> {
    headers.get(REFERER).and_then(|value| value.to_str().ok())
}
