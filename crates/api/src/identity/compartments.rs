//! Compartments, and the work requests that deleting and moving them leave.

use parbuckle_engine::{AccessLevel, CompartmentChange};
use serde::Deserialize;
use serde_json::Value;

use super::error::{IdentityError, invalid};
use super::models;
use super::reply::Reply;
use super::request::{Call, CommonFields, ocid};
use crate::json::required;

/// CreateCompartment.
pub(super) async fn create(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let details = call.json::<CommonFields>()?.into_details()?;
    let retry = call.retry_token()?;
    let engine = call.engine();
    let made = engine
        .create_compartment(&call.caller, details, retry.as_ref())
        .await?;
    let shown = models::compartment(&made, None);
    Ok(Reply::resource(&shown, &made.entity.etag))
}

/// ListCompartments.
pub(super) async fn list(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (parent, options) = (call.compartment()?, call.list_options()?);
    let in_subtree = match call.query.value("compartmentIdInSubtree")? {
        None => false,
        Some(text) if text.eq_ignore_ascii_case("false") => false,
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(_) => return Err(invalid("compartmentIdInSubtree must be true or false")),
    };
    let access = match call.query.value("accessLevel")? {
        None | Some("ANY") => AccessLevel::Any,
        Some("ACCESSIBLE") => AccessLevel::Accessible,
        Some(_) => return Err(invalid("accessLevel must be ANY or ACCESSIBLE")),
    };
    let engine = call.engine();
    let page = engine
        .compartments(&call.caller, &parent, in_subtree, access, &options)
        .await?;
    let items = page
        .items
        .iter()
        .map(|item| models::compartment(&item.compartment, Some(item.accessible)))
        .collect();
    Ok(Reply::page(items, page.next.as_ref()))
}

/// GetCompartment.
pub(super) async fn get(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let found = call.engine().compartment(&call.caller, &call.id()?).await?;
    // Whoever sees this may inspect it.
    let shown = models::compartment(&found, Some(true));
    Ok(Reply::resource(&shown, &found.entity.etag))
}

/// UpdateCompartment.
pub(super) async fn update(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let fields: CommonFields = call.json()?;
    let change = CompartmentChange {
        name: fields.new_name(),
        common: fields.into_change(),
    };
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let changed = engine
        .update_compartment(&call.caller, &id, change, &conditions)
        .await?;
    let shown = models::compartment(&changed, None);
    Ok(Reply::resource(&shown, &changed.entity.etag))
}

/// DeleteCompartment.
pub(super) async fn delete(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let work = engine
        .delete_compartment(&call.caller, &id, &conditions)
        .await?;
    Ok(Reply::accepted(&work))
}

/// RecoverCompartment. Its body, if any, says nothing.
pub(super) async fn recover(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let recovered = engine
        .recover_compartment(&call.caller, &id, &conditions)
        .await?;
    let shown = models::compartment(&recovered, None);
    Ok(Reply::resource(&shown, &recovered.entity.etag))
}

/// MoveCompartment.
pub(super) async fn move_to(call: &Call<'_>) -> Result<Reply, IdentityError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Details {
        target_compartment_id: Option<String>,
    }
    let details: Details = call.json()?;
    let target = required(details.target_compartment_id, "targetCompartmentId")?;
    let (id, to) = (call.id()?, ocid(&target)?);
    let (conditions, retry) = (call.preconditions()?, call.retry_token()?);
    let engine = call.engine();
    let work = engine
        .move_compartment(&call.caller, &id, &to, &conditions, retry.as_ref())
        .await?;
    Ok(Reply::accepted(&work))
}

/// ListWorkRequests.
pub(super) async fn list_work_requests(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (compartment, (page, limit)) = (call.compartment()?, call.query.paging()?);
    let resource = call.query_ocid("resourceIdentifier")?;
    let engine = call.engine();
    let page = engine
        .identity_work_requests(
            &call.caller,
            &compartment,
            resource.as_ref(),
            page.as_ref(),
            limit,
        )
        .await?;
    let items: Vec<Value> = page.items.iter().map(models::work_request).collect();
    Ok(Reply::page(items, page.next.as_ref()))
}

/// GetWorkRequest.
pub(super) async fn get_work_request(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    let work = engine
        .identity_work_request(&call.caller, &call.id()?)
        .await?;
    Ok(Reply::json(&models::work_request(&work)))
}
