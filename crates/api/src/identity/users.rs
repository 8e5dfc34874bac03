//! Users.

use parbuckle_engine::{CapabilitiesChange, NewUser, UserChange, UserFilter};
use serde::Deserialize;

use super::error::IdentityError;
use super::models;
use super::reply::Reply;
use super::request::{Call, CommonFields};
use crate::json::required;

/// CreateUser. `identityProviderId` and `externalIdentifier`, which OCI sets itself, are taken as a provisioning connector
/// would set them.
pub(super) async fn create(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let fields: UserFields = call.json()?;
    let new = NewUser {
        details: fields.common.into_details()?,
        email: fields.email,
        identity_provider: fields.identity_provider_id,
        external_identifier: fields.external_identifier,
    };
    let retry = call.retry_token()?;
    let user = call
        .engine()
        .create_user(&call.caller, new, retry.as_ref())
        .await?;
    Ok(Reply::resource(&models::user(&user), &user.entity.etag))
}

/// ListUsers.
pub(super) async fn list(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (compartment, options) = (call.compartment()?, call.list_options()?);
    let filter = UserFilter {
        identity_provider: call.query_text("identityProviderId")?,
        external_identifier: call.query_text("externalIdentifier")?,
    };
    let engine = call.engine();
    let page = engine
        .users(&call.caller, &compartment, &filter, &options)
        .await?;
    let items = page.items.iter().map(models::user).collect();
    Ok(Reply::page(items, page.next.as_ref()))
}

/// GetUser.
pub(super) async fn get(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let user = call.engine().user(&call.caller, &call.id()?).await?;
    Ok(Reply::resource(&models::user(&user), &user.entity.etag))
}

/// UpdateUser.
pub(super) async fn update(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let fields: UserFields = call.json()?;
    let change = UserChange {
        common: fields.common.into_change(),
        email: fields.email,
        db_user_name: fields.db_user_name,
    };
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let user = engine
        .update_user(&call.caller, &id, change, &conditions)
        .await?;
    Ok(Reply::resource(&models::user(&user), &user.entity.etag))
}

/// DeleteUser.
pub(super) async fn delete(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (id, conditions) = (call.id()?, call.preconditions()?);
    call.engine()
        .delete_user(&call.caller, &id, &conditions)
        .await?;
    Ok(Reply::no_content())
}

/// UpdateUserState. OCI takes only `false`; `true` is ours.
pub(super) async fn update_state(call: &Call<'_>) -> Result<Reply, IdentityError> {
    #[derive(Deserialize)]
    struct State {
        blocked: Option<bool>,
    }
    let state: State = call.json()?;
    let blocked = required(state.blocked, "blocked")?;
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let user = engine
        .update_user_state(&call.caller, &id, blocked, &conditions)
        .await?;
    Ok(Reply::resource(&models::user(&user), &user.entity.etag))
}

/// UpdateUserCapabilities.
pub(super) async fn update_capabilities(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let change = call.json::<CapabilityFields>()?.into();
    let (id, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let user = engine
        .update_user_capabilities(&call.caller, &id, change, &conditions)
        .await?;
    Ok(Reply::resource(&models::user(&user), &user.entity.etag))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserFields {
    #[serde(flatten)]
    common: CommonFields,
    email: Option<String>,
    db_user_name: Option<String>,
    identity_provider_id: Option<String>,
    external_identifier: Option<String>,
}

/// Spelled as the request has it, which for databases is not as the reply has it (wire reference 13.2). Both are taken.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CapabilityFields {
    can_use_console_password: Option<bool>,
    can_use_api_keys: Option<bool>,
    can_use_auth_tokens: Option<bool>,
    can_use_smtp_credentials: Option<bool>,
    #[serde(rename = "canUseDBCredentials", alias = "canUseDbCredentials")]
    can_use_db_credentials: Option<bool>,
    can_use_customer_secret_keys: Option<bool>,
    #[serde(rename = "canUseOAuth2ClientCredentials")]
    can_use_oauth2_client_credentials: Option<bool>,
}

impl From<CapabilityFields> for CapabilitiesChange {
    fn from(fields: CapabilityFields) -> Self {
        Self {
            console_password: fields.can_use_console_password,
            api_keys: fields.can_use_api_keys,
            auth_tokens: fields.can_use_auth_tokens,
            smtp_credentials: fields.can_use_smtp_credentials,
            db_credentials: fields.can_use_db_credentials,
            customer_secret_keys: fields.can_use_customer_secret_keys,
            oauth2_client_credentials: fields.can_use_oauth2_client_credentials,
        }
    }
}
