//! What the engine knows, as JSON (wire reference 13.2).

use jiff::Timestamp;
use parbuckle_engine::{
    ApiKey, AvailabilityDomain, Capabilities, Compartment, DynamicGroup, Entity, FaultDomain,
    Group, IdentityDomain, LifecycleState, Membership, NewPassword, NewUserSecret, PasswordInfo,
    Policy, Region, RegionSubscription, SecretKind, Tenancy, User, UserSecret, WorkOperation,
    WorkRequest,
};
use parbuckle_model::format_rfc3339_millis;
use serde_json::{Value, json};

use crate::json::{StringMap, TagMap};

/// `inactiveStatus` of a blocked user: bit 2.
const BLOCKED: u32 = 1 << 2;

const ACTIVE: &str = "ACTIVE";

pub(super) fn user(user: &User) -> Value {
    let state = if user.blocked {
        LifecycleState::Inactive
    } else {
        LifecycleState::Active
    };
    let own = json!({
        "email": user.email,
        "emailVerified": false,
        "dbUserName": user.db_user_name,
        "identityProviderId": user.identity_provider,
        "externalIdentifier": user.external_identifier,
        "inactiveStatus": user.blocked.then_some(BLOCKED),
        "capabilities": capabilities(&user.capabilities),
        "isMfaActivated": false,
        "lastSuccessfulLoginTime": null,
        "previousSuccessfulLoginTime": null,
    });
    entity(&user.entity, state, own)
}

fn capabilities(has: &Capabilities) -> Value {
    json!({
        "canUseConsolePassword": has.console_password,
        "canUseApiKeys": has.api_keys,
        "canUseAuthTokens": has.auth_tokens,
        "canUseSmtpCredentials": has.smtp_credentials,
        "canUseDbCredentials": has.db_credentials,
        "canUseCustomerSecretKeys": has.customer_secret_keys,
        "canUseOAuth2ClientCredentials": has.oauth2_client_credentials,
    })
}

pub(super) fn group(group: &Group) -> Value {
    entity(&group.entity, LifecycleState::Active, json!({}))
}

pub(super) fn dynamic_group(group: &DynamicGroup) -> Value {
    let own = json!({ "matchingRule": group.matching_rule });
    entity(&group.entity, LifecycleState::Active, own)
}

pub(super) fn membership(membership: &Membership) -> Value {
    json!({
        "id": membership.id.as_str(),
        "compartmentId": membership.compartment.as_str(),
        "userId": membership.user.as_str(),
        "groupId": membership.group.as_str(),
        "timeCreated": time(membership.time_created),
        "lifecycleState": ACTIVE,
        "inactiveStatus": null,
    })
}

pub(super) fn policy(policy: &Policy) -> Value {
    let statements = policy.statements.iter().map(|s| s.text.as_str());
    let own = json!({
        "statements": statements.collect::<Vec<_>>(),
        "versionDate": policy.version_date,
    });
    entity(&policy.entity, LifecycleState::Active, own)
}

pub(super) fn compartment(compartment: &Compartment, accessible: Option<bool>) -> Value {
    let state = if compartment.deleted {
        LifecycleState::Deleted
    } else {
        LifecycleState::Active
    };
    let mut own = json!({ "isAccessible": accessible });
    if compartment.entity.compartment == compartment.entity.id {
        // The root has none above it.
        own["compartmentId"] = Value::Null;
    }
    entity(&compartment.entity, state, own)
}

pub(super) fn api_key(key: &ApiKey) -> Value {
    json!({
        "keyId": format!("{}/{}/{}", key.tenancy, key.user, key.fingerprint),
        "keyValue": key.public_pem,
        "fingerprint": key.fingerprint,
        "userId": key.user.as_str(),
        "timeCreated": time(key.time_created),
        "lifecycleState": ACTIVE,
        "inactiveStatus": null,
    })
}

/// With the password: the only place where it ever stands.
pub(super) fn new_password(new: &NewPassword) -> Value {
    let mut shown = password_information(&new.info);
    shown["password"] = new.password.expose().as_str().into();
    shown["inactiveStatus"] = Value::Null;
    shown
}

pub(super) fn password_information(info: &PasswordInfo) -> Value {
    json!({
        "userId": info.user.as_str(),
        "timeCreated": time(info.time_created),
        "lifecycleState": ACTIVE,
    })
}

/// With the secret: the only place where it ever stands.
pub(super) fn new_secret(kind: SecretKind, new: &NewUserSecret) -> Value {
    let field = match kind {
        SecretKind::AuthToken => "token",
        SecretKind::CustomerSecretKey => "key",
    };
    let mut shown = secret(kind, &new.info);
    shown[field] = new.secret.expose().as_str().into();
    shown
}

pub(super) fn secret(kind: SecretKind, secret: &UserSecret) -> Value {
    let label = match kind {
        SecretKind::AuthToken => "description",
        SecretKind::CustomerSecretKey => "displayName",
    };
    json!({
        "id": secret.id,
        "userId": secret.user.as_str(),
        label: secret.label,
        "timeCreated": time(secret.time_created),
        "timeExpires": null,
        "lifecycleState": ACTIVE,
        "inactiveStatus": null,
    })
}

pub(super) fn tenancy(tenancy: &Tenancy) -> Value {
    json!({
        "id": tenancy.id.as_str(),
        "name": tenancy.name,
        "description": tenancy.name,
        "homeRegionKey": tenancy.home_region.key,
        "upiIdcsCompatibilityLayerEndpoint": null,
        "freeformTags": {},
        "definedTags": {},
        // Ours: whether Deny statements may be written.
        "isDenyStatementsEnabled": tenancy.deny_statements,
    })
}

pub(super) fn region(region: &Region) -> Value {
    json!({ "key": region.key, "name": region.name })
}

pub(super) fn region_subscription(subscription: &RegionSubscription) -> Value {
    json!({
        "regionKey": subscription.region.key,
        "regionName": subscription.region.name,
        "status": "READY",
        "isHomeRegion": subscription.is_home,
    })
}

pub(super) fn availability_domain(domain: &AvailabilityDomain, compartment: &str) -> Value {
    json!({ "id": domain.id.as_str(), "name": domain.name, "compartmentId": compartment })
}

pub(super) fn fault_domain(domain: &FaultDomain, compartment: &str) -> Value {
    json!({
        "id": domain.id.as_str(),
        "name": domain.name,
        "compartmentId": compartment,
        "availabilityDomain": domain.availability_domain,
    })
}

pub(super) fn identity_domain(domain: &IdentityDomain, origin: &str) -> Value {
    json!({
        "id": domain.id.as_str(),
        "compartmentId": domain.compartment.as_str(),
        "displayName": domain.name,
        "description": "The identity domain of the tenancy",
        "url": origin,
        "homeRegionUrl": origin,
        "homeRegion": domain.region.name,
        "replicaRegions": [],
        "type": "DEFAULT",
        "licenseType": "free",
        "isHiddenOnLogin": false,
        "timeCreated": time(domain.time_created),
        "lifecycleState": ACTIVE,
        "lifecycleDetails": null,
        "freeformTags": {},
        "definedTags": {},
    })
}

pub(super) fn work_request(work: &WorkRequest) -> Value {
    let (operation, action) = match work.operation {
        WorkOperation::DeleteCompartment => ("DELETE_COMPARTMENT", "DELETED"),
        WorkOperation::MoveCompartment => ("MOVE_COMPARTMENT", "UPDATED"),
    };
    let at = time(work.time);
    json!({
        "id": work.id.as_str(),
        "operationType": operation,
        "status": "SUCCEEDED",
        "compartmentId": work.compartment.as_str(),
        "resources": [{
            "identifier": work.resource.as_str(),
            "actionType": action,
            "entityType": "compartment",
            "entityUri": format!("/20160918/compartments/{}", work.resource),
        }],
        "errors": [],
        "logs": [],
        "timeAccepted": at,
        "timeStarted": at,
        "timeFinished": at,
        "percentComplete": 100.0,
    })
}

/// What all have in common; `own` comes on top.
fn entity(entity: &Entity, state: LifecycleState, own: Value) -> Value {
    let mut shown = json!({
        "id": entity.id.as_str(),
        "compartmentId": entity.compartment.as_str(),
        "name": entity.name,
        "description": entity.description,
        "timeCreated": time(entity.time_created),
        "lifecycleState": state.as_str(),
        "inactiveStatus": null,
        "freeformTags": StringMap(&entity.freeform_tags),
        "definedTags": TagMap(&entity.defined_tags),
    });
    if let (Value::Object(shown), Value::Object(own)) = (&mut shown, own) {
        shown.extend(own);
    }
    shown
}

fn time(time: Timestamp) -> String {
    format_rfc3339_millis(time)
}
