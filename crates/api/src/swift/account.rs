//! Accounts (Swift wire reference section 3).

use http::header::{ACCEPT_RANGES, HeaderValue};
use http::{Method, StatusCode};
use parbuckle_engine::ErrorKind;
use parbuckle_engine::swift::{AccountInfo, AccountName, Deed, SwiftRefusal};

use super::error::{SwiftError, bad_request};
use super::listing::Listing;
use super::metadata::{self, ACCOUNT_META};
use super::names::{X_ACCOUNT_BYTES_USED, X_ACCOUNT_CONTAINER_COUNT, X_ACCOUNT_OBJECT_COUNT};
use super::reply::Reply;
use super::{Call, caller, policy};

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
            if *call.method() == Method::PUT {
                refuse_quotas(call)?;
            }
            let (engine, namespace) = (call.engine(), account.namespace());
            engine.swift_account(&call.caller, namespace).await?;
            Err(ErrorKind::Swift(SwiftRefusal::Forbidden).into())
        }
        _ => Err(SwiftError::MethodNotAllowed(METHODS)),
    }
}

async fn get(call: &Call<'_>, account: &AccountName) -> Result<Reply, SwiftError> {
    // What is wrong with the form is announced as for containers, and before rights.
    Listing::form_only(call)?;
    let listing = match Listing::parse(call) {
        Ok(listing) => listing,
        Err(refusal) => {
            let refusal = match refusal {
                // Swift announces this one as a page here, other than for containers.
                SwiftError::Plain(StatusCode::BAD_REQUEST, line) => bad_request(line),
                refusal => refusal,
            };
            let deed = Deed::SeeAccount(account.namespace());
            return Err(caller::refused_deed(call, refusal, deed).await);
        }
    };
    let (engine, namespace) = (call.engine(), account.namespace());
    let found = engine
        .swift_list_account(&call.caller, namespace, &listing.query)
        .await?;
    let mut reply = listing.of_account(account.as_str(), &found.rows);
    describe(&mut reply, &found.info);
    Ok(reply)
}

async fn head(call: &Call<'_>, account: &AccountName) -> Result<Reply, SwiftError> {
    let listing = Listing::form_only(call)?;
    let (engine, namespace) = (call.engine(), account.namespace());
    let info = engine.swift_account(&call.caller, namespace).await?;
    let mut reply = listing.nothing();
    describe(&mut reply, &info);
    Ok(reply)
}

async fn post(call: &Call<'_>, account: &AccountName) -> Result<Reply, SwiftError> {
    refuse_quotas(call)?;
    let change = match metadata::account_change(call.headers()) {
        Ok(change) => change,
        Err(refusal) => {
            let deed = Deed::ChangeAccount(account.namespace());
            return Err(caller::refused_deed(call, refusal, deed).await);
        }
    };
    let (engine, namespace) = (call.engine(), account.namespace());
    engine
        .swift_update_account(&call.caller, namespace, &change)
        .await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Quotas of accounts are an operator's: nobody sets them here.
fn refuse_quotas(call: &Call<'_>) -> Result<(), SwiftError> {
    match metadata::has_account_quota(call.headers()) {
        true => Err(ErrorKind::Swift(SwiftRefusal::Forbidden).into()),
        false => Ok(()),
    }
}

fn describe(reply: &mut Reply, info: &AccountInfo) {
    let bytes = HeaderValue::from_static("bytes");
    reply.headers.insert(ACCEPT_RANGES, bytes);
    reply.set_number(X_ACCOUNT_CONTAINER_COUNT, info.container_count);
    reply.set_number(X_ACCOUNT_OBJECT_COUNT, info.object_count);
    reply.set_number(X_ACCOUNT_BYTES_USED, info.bytes_used);
    policy::of_account(reply, info);
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
