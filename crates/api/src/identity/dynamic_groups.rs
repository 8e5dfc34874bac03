//! Dynamic groups.

use parbuckle_engine::{DynamicGroupChange, NewDynamicGroup};
use serde::Deserialize;

use super::error::IdentityError;
use super::models;
use super::reply::Reply;
use super::request::{Call, CommonFields};
use crate::json::required;

/// CreateDynamicGroup.
pub(super) async fn create(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let fields: Fields = call.json()?;
    let new = NewDynamicGroup {
        details: fields.common.into_details()?,
        matching_rule: required(fields.matching_rule, "matchingRule")?,
    };
    let retry = call.retry_token()?;
    let engine = call.engine();
    let group = engine
        .create_dynamic_group(&call.caller, new, retry.as_ref())
        .await?;
    let shown = models::dynamic_group(&group);
    Ok(Reply::resource(&shown, &group.entity.etag))
}

/// ListDynamicGroups.
pub(super) async fn list(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (compartment, options) = (call.compartment()?, call.list_options()?);
    let engine = call.engine();
    let page = engine
        .dynamic_groups(&call.caller, &compartment, &options)
        .await?;
    let items = page.items.iter().map(models::dynamic_group).collect();
    Ok(Reply::page(items, page.next.as_ref()))
}

/// GetDynamicGroup.
pub(super) async fn get(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    let group = engine.dynamic_group(&call.caller, &call.id()?).await?;
    let shown = models::dynamic_group(&group);
    Ok(Reply::resource(&shown, &group.entity.etag))
}

/// UpdateDynamicGroup.
pub(super) async fn update(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let fields: Fields = call.json()?;
    let change = DynamicGroupChange {
        common: fields.common.into_change(),
        matching_rule: fields.matching_rule,
    };
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let group = engine
        .update_dynamic_group(&call.caller, &id, change, &conditions)
        .await?;
    let shown = models::dynamic_group(&group);
    Ok(Reply::resource(&shown, &group.entity.etag))
}

/// DeleteDynamicGroup.
pub(super) async fn delete(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    engine
        .delete_dynamic_group(&call.caller, &id, &conditions)
        .await?;
    Ok(Reply::no_content())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(flatten)]
    common: CommonFields,
    matching_rule: Option<String>,
}
