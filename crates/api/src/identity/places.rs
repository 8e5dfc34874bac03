//! The tenancy, and what is fixed in it: regions, availability domains, fault domains, identity domains.

use serde::Deserialize;
use serde_json::Value;

use super::error::IdentityError;
use super::models;
use super::reply::Reply;
use super::request::Call;
use crate::json::required;

/// GetTenancy.
pub(super) async fn tenancy(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let tenancy = call.engine().tenancy(&call.caller, &call.id()?).await?;
    Ok(Reply::json(&models::tenancy(&tenancy)))
}

/// Ours: lets Deny statements be written in this tenancy, for ever. In OCI that is a switch of the console.
pub(super) async fn enable_deny_statements(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    let tenancy = engine
        .enable_deny_statements(&call.caller, &call.id()?)
        .await?;
    Ok(Reply::json(&models::tenancy(&tenancy)))
}

/// ListRegionSubscriptions.
pub(super) async fn list_subscriptions(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    let found = engine
        .region_subscriptions(&call.caller, &call.id()?)
        .await?;
    Ok(Reply::page(
        found.iter().map(models::region_subscription).collect(),
        None,
    ))
}

/// CreateRegionSubscription.
pub(super) async fn create_subscription(call: &Call<'_>) -> Result<Reply, IdentityError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Details {
        region_key: Option<String>,
    }
    let details: Details = call.json()?;
    let key = required(details.region_key, "regionKey")?;
    let engine = call.engine();
    let made = engine
        .create_region_subscription(&call.caller, &call.id()?, &key)
        .await?;
    Ok(Reply::json(&models::region_subscription(&made)))
}

/// ListRegions.
pub(super) async fn list_regions(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let regions = call.engine().regions(&call.caller).await?;
    Ok(Reply::page(
        regions.iter().map(models::region).collect(),
        None,
    ))
}

/// ListAvailabilityDomains.
pub(super) async fn list_availability_domains(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let compartment = call.compartment()?;
    let engine = call.engine();
    let found = engine
        .availability_domains(&call.caller, &compartment)
        .await?;
    let shown = found
        .iter()
        .map(|domain| models::availability_domain(domain, compartment.as_str()));
    Ok(Reply::page(shown.collect(), None))
}

/// ListFaultDomains.
pub(super) async fn list_fault_domains(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let compartment = call.compartment()?;
    let within = required(call.query_text("availabilityDomain")?, "availabilityDomain")?;
    let engine = call.engine();
    let found = engine
        .fault_domains(&call.caller, &compartment, &within)
        .await?;
    let shown = found
        .iter()
        .map(|domain| models::fault_domain(domain, compartment.as_str()));
    Ok(Reply::page(shown.collect(), None))
}

/// ListDomains. Of its many filters only names and states can tell the one domain from none.
pub(super) async fn list_domains(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let (compartment, _) = (call.compartment()?, call.list_options()?);
    let origin = call.exchange.origin().unwrap_or_default();
    let engine = call.engine();
    let found = engine.identity_domains(&call.caller, &compartment).await?;
    let shown = found.iter().map(|d| models::identity_domain(d, &origin));
    let filters = [
        ("displayName", call.query_text("displayName")?),
        ("name", call.query_text("name")?),
        ("lifecycleState", call.query_text("lifecycleState")?),
        ("type", call.query_text("type")?),
    ];
    let fits = |domain: &Value| {
        filters.iter().all(|(field, wanted)| {
            let field = if *field == "name" {
                "displayName"
            } else {
                field
            };
            wanted
                .as_deref()
                .is_none_or(|wanted| domain[field] == wanted)
        })
    };
    Ok(Reply::page(shown.filter(fits).collect(), None))
}

/// GetDomain.
pub(super) async fn get_domain(call: &Call<'_>) -> Result<Reply, IdentityError> {
    let engine = call.engine();
    let domain = engine.identity_domain(&call.caller, &call.id()?).await?;
    let origin = call.exchange.origin().unwrap_or_default();
    Ok(Reply::json(&models::identity_domain(&domain, &origin)))
}
