//! Credentials of users: console passwords, API keys, auth tokens and customer secret keys.

use parbuckle_engine::SecretKind;
use serde::Deserialize;

use super::error::IdentityError;
use super::models;
use super::reply::Reply;
use super::request::Call;
use crate::json::required;

/// CreateOrResetUIPassword. Its body is empty.
pub(super) async fn create_or_reset_password(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    let new = engine
        .create_or_reset_password(&call.caller, &call.id()?)
        .await?;
    Ok(Reply::json(&models::new_password(&new)))
}

/// GetUserUIPasswordInformation.
pub(super) async fn password_information(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    let info = engine.password_info(&call.caller, &call.id()?).await?;
    Ok(Reply::json(&models::password_information(&info)))
}

/// UploadApiKey.
pub(super) async fn upload_api_key(call: &Call<'_>) -> Result<Reply, IdentityError> {
    #[derive(Deserialize)]
    struct Details {
        key: Option<String>,
    }
    let details: Details = call.json()?;
    let pem = required(details.key, "key")?;
    let (user, retry) = (call.id()?, call.retry_token()?);
    let engine = call.engine();
    let key = engine
        .upload_api_key(&call.caller, &user, &pem, retry.as_ref())
        .await?;
    Ok(Reply::json(&models::api_key(&key)))
}

/// ListApiKeys.
pub(super) async fn list_api_keys(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let keys = call.engine().api_keys(&call.caller, &call.id()?).await?;
    Ok(Reply::page(
        keys.iter().map(models::api_key).collect(),
        None,
    ))
}

/// DeleteApiKey.
pub(super) async fn delete_api_key(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    engine
        .delete_api_key(&call.caller, &call.id()?, call.parameter(1))
        .await?;
    Ok(Reply::no_content())
}

/// CreateAuthToken, CreateCustomerSecretKey. The reply is the only place where the secret ever stands.
pub(super) async fn create_secret(
    call: &Call<'_>,
    kind: SecretKind,
) -> Result<Reply, IdentityError> {
    let label = required(label(call, kind)?, label_field(kind))?;
    let (user, retry) = (call.id()?, call.retry_token()?);
    let engine = call.engine();
    let new = engine
        .create_user_secret(&call.caller, kind, &user, &label, retry.as_ref())
        .await?;
    let shown = models::new_secret(kind, &new);
    Ok(Reply::resource(&shown, &new.info.etag))
}

/// ListAuthTokens, ListCustomerSecretKeys.
pub(super) async fn list_secrets(
    call: &Call<'_>,
    kind: SecretKind,
) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    let secrets = engine.user_secrets(&call.caller, kind, &call.id()?).await?;
    let items = secrets.iter().map(|secret| models::secret(kind, secret));
    Ok(Reply::page(items.collect(), None))
}

/// UpdateAuthToken, UpdateCustomerSecretKey.
pub(super) async fn update_secret(
    call: &Call<'_>,
    kind: SecretKind,
) -> Result<Reply, IdentityError> {
    let label = label(call, kind)?;
    let (user, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    let secret = engine
        .update_user_secret(
            &call.caller,
            kind,
            &user,
            call.parameter(1),
            label.as_deref(),
            &conditions,
        )
        .await?;
    Ok(Reply::resource(
        &models::secret(kind, &secret),
        &secret.etag,
    ))
}

/// DeleteAuthToken, DeleteCustomerSecretKey.
pub(super) async fn delete_secret(
    call: &Call<'_>,
    kind: SecretKind,
) -> Result<Reply, IdentityError> {
    let (user, conditions) = (call.id()?, call.preconditions()?);
    let engine = call.engine();
    engine
        .delete_user_secret(&call.caller, kind, &user, call.parameter(1), &conditions)
        .await?;
    Ok(Reply::no_content())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecretFields {
    description: Option<String>,
    display_name: Option<String>,
}

fn label(call: &Call<'_>, kind: SecretKind) -> Result<Option<String>, IdentityError> {
    let fields: SecretFields = call.json()?;
    Ok(match kind {
        SecretKind::AuthToken => fields.description,
        SecretKind::CustomerSecretKey => fields.display_name,
    })
}

fn label_field(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::AuthToken => "description",
        SecretKind::CustomerSecretKey => "displayName",
    }
}
