//! Policies.

use parbuckle_engine::{NewPolicy, PolicyChange};
use serde::Deserialize;

use super::error::IdentityError;
use super::models;
use super::reply::Reply;
use super::request::{Call, CommonFields};
use crate::json::required;

/// CreatePolicy.
pub(super) async fn create(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let fields: Fields = call.json()?;
    let new = NewPolicy {
        version_date: fields.day(),
        details: fields.common.into_details()?,
        statements: required(fields.statements, "statements")?,
    };
    let retry = call.retry_token()?;
    let engine = call.engine();
    let policy = engine
        .create_policy(&call.caller, new, retry.as_ref())
        .await?;
    Ok(Reply::resource(
        &models::policy(&policy),
        &policy.entity.etag,
    ))
}

/// ListPolicies.
pub(super) async fn list(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (compartment, options) = (call.compartment()?, call.list_options()?);
    let engine = call.engine();
    let page = engine
        .policies(&call.caller, &compartment, &options)
        .await?;
    let items = page.items.iter().map(models::policy).collect();
    Ok(Reply::page(items, page.next.as_ref()))
}

/// GetPolicy.
pub(super) async fn get(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let policy = call.engine().policy(&call.caller, &call.id()?).await?;
    Ok(Reply::resource(
        &models::policy(&policy),
        &policy.entity.etag,
    ))
}

/// UpdatePolicy.
pub(super) async fn update(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let fields: Fields = call.json()?;
    let change = PolicyChange {
        version_date: fields.day(),
        common: fields.common.into_change(),
        statements: fields.statements,
    };
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let policy = engine
        .update_policy(&call.caller, &id, change, &conditions)
        .await?;
    Ok(Reply::resource(
        &models::policy(&policy),
        &policy.entity.etag,
    ))
}

/// DeletePolicy.
pub(super) async fn delete(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (id, conditions) = (call.id()?, call.preconditions()?);
    call.engine()
        .delete_policy(&call.caller, &id, &conditions)
        .await?;
    Ok(Reply::no_content())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(flatten)]
    common: CommonFields,
    statements: Option<Vec<String>>,
    version_date: Option<String>,
}

impl Fields {
    /// The day of `versionDate`: some clients send a time with it. An empty text is none (the CLI sends it to remove one).
    fn day(&self) -> Option<String> {
        let date = self.version_date.as_deref()?;
        let day = date.split_once('T').map_or(date, |(day, _)| day);
        (!day.is_empty()).then(|| day.to_owned())
    }
}
