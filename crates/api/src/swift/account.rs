//! Accounts (Swift wire reference section 3).

use http::header::{ACCEPT_RANGES, HeaderValue};
use http::{Method, StatusCode};
use parbuckle_engine::swift::{AccountInfo, AccountName, SwiftRefusal};

use super::Call;
use super::error::SwiftError;
use super::listing::Listing;
use super::metadata::{self, ACCOUNT_META};
use super::names::{X_ACCOUNT_BYTES_USED, X_ACCOUNT_CONTAINER_COUNT, X_ACCOUNT_OBJECT_COUNT};
use super::reply::Reply;

/// What an account takes.
pub(super) const METHODS: &[&str] = &["HEAD", "GET", "POST", "OPTIONS", "DELETE", "PUT"];

/// Does what a request wants of an account.
pub(super) async fn act(call: &Call<'_>, account: &AccountName) -> Result<Reply, SwiftError> {
    match *call.method() {
        Method::GET => get(call, account).await,
        Method::HEAD => head(call, account).await,
        Method::POST => post(call, account).await,
        // Accounts come and go with their tenancies, by an operator's hand.
        Method::PUT | Method::DELETE => {
            let (engine, namespace) = (call.engine(), account.namespace());
            engine.swift_account(&call.caller, namespace).await?;
            Err(parbuckle_engine::ErrorKind::Swift(SwiftRefusal::Forbidden).into())
        }
        _ => Err(SwiftError::MethodNotAllowed(METHODS)),
    }
}

async fn get(call: &Call<'_>, account: &AccountName) -> Result<Reply, SwiftError> {
    let listing = Listing::parse(call)?;
    let (engine, namespace) = (call.engine(), account.namespace());
    let found = engine
        .swift_list_account(&call.caller, namespace, &listing.query)
        .await?;
    let mut reply = listing.of_account(account.as_str(), &found.rows);
    describe(&mut reply, &found.info);
    Ok(reply)
}

async fn head(call: &Call<'_>, account: &AccountName) -> Result<Reply, SwiftError> {
    let listing = Listing::parse(call)?;
    let (engine, namespace) = (call.engine(), account.namespace());
    let info = engine.swift_account(&call.caller, namespace).await?;
    let mut reply = listing.nothing();
    describe(&mut reply, &info);
    Ok(reply)
}

async fn post(call: &Call<'_>, account: &AccountName) -> Result<Reply, SwiftError> {
    let change = metadata::account_change(call.headers())?;
    let (engine, namespace) = (call.engine(), account.namespace());
    engine
        .swift_update_account(&call.caller, namespace, &change)
        .await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn describe(reply: &mut Reply, info: &AccountInfo) {
    let bytes = HeaderValue::from_static("bytes");
    reply.headers.insert(ACCEPT_RANGES, bytes);
    reply.set_number(X_ACCOUNT_CONTAINER_COUNT, info.container_count);
    reply.set_number(X_ACCOUNT_OBJECT_COUNT, info.object_count);
    reply.set_number(X_ACCOUNT_BYTES_USED, info.bytes_used);
    reply.set_timestamp(info.time_created);
    let metadata = info
        .metadata
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    reply.set_items(ACCOUNT_META, metadata);
    let keys = info
        .keys
        .iter()
        .map(|(name, key)| (name.as_str(), key.expose().as_str()));
    reply.set_items(ACCOUNT_META, keys);
}
