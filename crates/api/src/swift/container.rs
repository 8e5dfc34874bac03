//! Containers (Swift wire reference section 4).

use http::header::{ACCEPT_RANGES, HeaderValue};
use http::{Method, StatusCode};
use parbuckle_engine::BucketPath;
use parbuckle_engine::swift::{ContainerChange, ContainerInfo, Deed, PutContainer};
use parbuckle_model::StorageTier;

use super::error::{SwiftError, bad_request};
use super::listing::Listing;
use super::metadata::{self, CONTAINER_META};
use super::names::{
    X_CONTAINER_BYTES_USED, X_CONTAINER_OBJECT_COUNT, X_CONTAINER_READ, X_CONTAINER_WRITE,
    X_STORAGE_CLASS,
};
use super::reply::Reply;
use super::{Call, caller, policy};
use crate::fields;

/// What a container takes.
pub(super) const METHODS: &[&str] = &["HEAD", "GET", "POST", "OPTIONS", "DELETE", "PUT"];

/// Does what a request wants of a container.
pub(super) async fn act(call: &Call<'_>, path: &BucketPath) -> Result<Reply, SwiftError> {
    match *call.method() {
        Method::GET => get(call, path).await,
        Method::HEAD => head(call, path).await,
        Method::PUT => put(call, path).await,
        Method::POST => post(call, path).await,
        Method::DELETE => delete(call, path).await,
        _ => Err(SwiftError::MethodNotAllowed(METHODS)),
    }
}

async fn get(call: &Call<'_>, path: &BucketPath) -> Result<Reply, SwiftError> {
    let listing = Listing::parse(call)?;
    let mut page = listing.of_container(path.bucket.as_str());
    let info = call
        .engine()
        .swift_list_container(&call.caller, path, &listing.query, |row| page.add(row))
        .await?;
    let mut reply = page.into_reply();
    describe(&mut reply, &info);
    Ok(reply)
}

async fn head(call: &Call<'_>, path: &BucketPath) -> Result<Reply, SwiftError> {
    let listing = Listing::form_only(call)?;
    let info = call.engine().swift_container(&call.caller, path).await?;
    let mut reply = listing.nothing();
    describe(&mut reply, &info);
    Ok(reply)
}

async fn put(call: &Call<'_>, path: &BucketPath) -> Result<Reply, SwiftError> {
    metadata::check_quotas(call.headers())?;
    let (change, tier) = match new_container(call) {
        Ok(new) => new,
        Err(refusal) => {
            return Err(caller::refused_deed(call, refusal, Deed::PutContainer(path)).await);
        }
    };
    let put = call
        .engine()
        .swift_put_container(&call.caller, path, &change, tier)
        .await?;
    Ok(match put {
        PutContainer::Created => Reply::empty(StatusCode::CREATED),
        PutContainer::Updated => Reply::page(StatusCode::ACCEPTED),
    })
}

async fn post(call: &Call<'_>, path: &BucketPath) -> Result<Reply, SwiftError> {
    metadata::check_quotas(call.headers())?;
    let change = match metadata::container_change(call.headers()) {
        Ok(change) => change,
        Err(refusal) => {
            return Err(caller::refused_deed(call, refusal, Deed::ChangeContainer(path)).await);
        }
    };
    call.engine()
        .swift_update_container(&call.caller, path, &change)
        .await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn delete(call: &Call<'_>, path: &BucketPath) -> Result<Reply, SwiftError> {
    call.engine()
        .swift_delete_container(&call.caller, path)
        .await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// What a request says of a container that may be new.
fn new_container(call: &Call<'_>) -> Result<(ContainerChange, StorageTier), SwiftError> {
    let change = metadata::container_change(call.headers())?;
    let tier = storage_class(call)?;
    policy::check(call.headers())?;
    Ok((change, tier))
}

/// `X-Storage-Class`, with which Storage Classic makes archive containers (section 15).
fn storage_class(call: &Call<'_>) -> Result<StorageTier, SwiftError> {
    let Some(class) = fields::text(call.headers(), &X_STORAGE_CLASS)? else {
        return Ok(StorageTier::Standard);
    };
    [StorageTier::Standard, StorageTier::Archive]
        .into_iter()
        .find(|tier| tier.as_str().eq_ignore_ascii_case(class))
        .ok_or_else(|| bad_request("X-Storage-Class is Standard or Archive"))
}

fn describe(reply: &mut Reply, info: &ContainerInfo) {
    let bytes = HeaderValue::from_static("bytes");
    reply.headers.insert(ACCEPT_RANGES, bytes);
    reply.set_number(X_CONTAINER_OBJECT_COUNT, info.object_count);
    reply.set_number(X_CONTAINER_BYTES_USED, info.bytes_used);
    policy::of_container(reply);
    reply.set_timestamp(info.time_created);
    reply.set_last_modified(info.time_modified);
    let metadata = info
        .metadata
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    reply.set_items(CONTAINER_META, metadata);
    let keys = info
        .keys
        .iter()
        .map(|(name, key)| (name.as_str(), key.expose().as_str()));
    reply.set_items(CONTAINER_META, keys);
    if let Some(acls) = &info.acls {
        let lists = [
            (X_CONTAINER_READ, &acls.read),
            (X_CONTAINER_WRITE, &acls.write),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                reply.set(name, list);
            }
        }
    }
    if info.storage_tier == StorageTier::Archive {
        reply.set(X_STORAGE_CLASS, info.storage_tier.as_str());
    }
}
