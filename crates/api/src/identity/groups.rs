//! Groups and memberships in them.

use parbuckle_engine::MembershipFilter;
use serde::Deserialize;

use super::error::IdentityError;
use super::models;
use super::reply::Reply;
use super::request::{Call, CommonFields, ocid};
use crate::json::required;

/// CreateGroup.
pub(super) async fn create(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let details = call.json::<CommonFields>()?.into_details()?;
    let retry = call.retry_token()?;
    let engine = call.engine();
    let group = engine
        .create_group(&call.caller, details, retry.as_ref())
        .await?;
    Ok(Reply::resource(&models::group(&group), &group.entity.etag))
}

/// ListGroups.
pub(super) async fn list(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (compartment, options) = (call.compartment()?, call.list_options()?);
    let engine = call.engine();
    let page = engine.groups(&call.caller, &compartment, &options).await?;
    let items = page.items.iter().map(models::group).collect();
    Ok(Reply::page(items, page.next.as_ref()))
}

/// GetGroup.
pub(super) async fn get(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let group = call.engine().group(&call.caller, &call.id()?).await?;
    Ok(Reply::resource(&models::group(&group), &group.entity.etag))
}

/// UpdateGroup.
pub(super) async fn update(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let change = call.json::<CommonFields>()?.into_change();
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let group = engine
        .update_group(&call.caller, &id, change, &conditions)
        .await?;
    Ok(Reply::resource(&models::group(&group), &group.entity.etag))
}

/// DeleteGroup.
pub(super) async fn delete(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (id, conditions) = (call.id()?, call.preconditions()?);
    call.engine()
        .delete_group(&call.caller, &id, &conditions)
        .await?;
    Ok(Reply::no_content())
}

/// AddUserToGroup.
pub(super) async fn add_member(call: &Call<'_>) -> Result<Reply, IdentityError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Details {
        user_id: Option<String>,
        group_id: Option<String>,
    }
    let details: Details = call.json()?;
    let user = ocid(required(details.user_id.as_deref(), "userId")?)?;
    let group = ocid(required(details.group_id.as_deref(), "groupId")?)?;
    let retry = call.retry_token()?;
    let engine = call.engine();
    let membership = engine
        .add_user_to_group(&call.caller, &user, &group, retry.as_ref())
        .await?;
    Ok(Reply::json(&models::membership(&membership)))
}

/// ListUserGroupMemberships.
pub(super) async fn list_memberships(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let filter = MembershipFilter {
        user: call.query_ocid("userId")?,
        group: call.query_ocid("groupId")?,
    };
    let (compartment, (page, limit)) = (call.compartment()?, call.query.paging()?);
    let engine = call.engine();
    let page = engine
        .memberships(&call.caller, &compartment, &filter, page.as_ref(), limit)
        .await?;
    let items = page.items.iter().map(models::membership).collect();
    Ok(Reply::page(items, page.next.as_ref()))
}

/// GetUserGroupMembership.
pub(super) async fn get_membership(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let membership = call.engine().membership(&call.caller, &call.id()?).await?;
    Ok(Reply::json(&models::membership(&membership)))
}

/// RemoveUserFromGroup.
pub(super) async fn remove_member(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    engine
        .remove_user_from_group(&call.caller, &call.id()?)
        .await?;
    Ok(Reply::no_content())
}
