//! The rows of the identity face. Permissions are those of wire reference 12.3; a user's own credentials are his affair.

use super::row::{Hides, Needs, Row, Scene, row};

const IN_TENANCY: &str = "compartmentId={tenancyId}";
const IN_COMPARTMENT: &str = "compartmentId={compartmentId}";
const NEW_IN_TENANCY: &str =
    r#"{"compartmentId":"{tenancyId}","name":"{newName}","description":"d"}"#;
const NEW_IN_COMPARTMENT: &str =
    r#"{"compartmentId":"{compartmentId}","name":"{newName}","description":"d"}"#;
const NEW_POLICY: &str = r#"{"compartmentId":"{compartmentId}","name":"{newName}","description":"d",
    "statements":["Allow group {groupName} to inspect buckets in compartment id {compartmentId}"]}"#;
const NEW_STATEMENTS: &str =
    r#"{"statements":["Allow group {groupName} to read buckets in tenancy"]}"#;
const NEW_DYNAMIC_GROUP: &str = r#"{"compartmentId":"{tenancyId}","name":"{newName}","description":"d",
    "matchingRule":"instance.id = 'ocid1.instance.oc1..aaaa'"}"#;
const DESCRIPTION: &str = r#"{"description":"changed"}"#;
const DISPLAY_NAME: &str = r#"{"displayName":"changed"}"#;
const MEMBERSHIP: &[&str] = &["GROUP_INSPECT", "USER_INSPECT"];
const MEMBERS: &[&str] = &["GROUP_UPDATE", "USER_UPDATE"];

/// Every route has at least one row; more where requests differ in what they need.
pub(crate) fn rows() -> Vec<Row> {
    [USERS, CREDENTIALS, GROUPS, POLICIES, COMPARTMENTS, PLACES]
        .concat()
        .into_iter()
        .map(|row| Row {
            hides: Hides::Resource,
            ..row
        })
        .collect()
}

const USERS: &[Row] = &[
    row("POST", "/20160918/users")
        .json(NEW_IN_TENANCY)
        .scene(Scene::User)
        .all(&["USER_CREATE"]),
    row("GET", "/20160918/users")
        .query(IN_TENANCY)
        .all(&["USER_INSPECT"]),
    row("GET", "/20160918/users")
        .query("compartmentId={tenancyId}&name={userName}")
        .scene(Scene::User)
        .all(&["USER_INSPECT"]),
    row("GET", "/20160918/users/{userId}")
        .scene(Scene::User)
        .all(&["USER_INSPECT"])
        .own_affair(),
    row("PUT", "/20160918/users/{userId}")
        .json(DESCRIPTION)
        .scene(Scene::User)
        .all(&["USER_UPDATE"]),
    row("DELETE", "/20160918/users/{userId}")
        .scene(Scene::User)
        .all(&["USER_DELETE"])
        .granted(204),
    row("PUT", "/20160918/users/{userId}/state")
        .json(r#"{"blocked":false}"#)
        .scene(Scene::User)
        .all(&["USER_UPDATE", "USER_UNBLOCK"]),
    row("PUT", "/20160918/users/{userId}/capabilities")
        .json(r#"{"canUseSmtpCredentials":false}"#)
        .scene(Scene::User)
        .all(&["USER_UPDATE"]),
];

const CREDENTIALS: &[Row] = &[
    row("POST", "/20160918/users/{userId}/uiPassword")
        .scene(Scene::User)
        .all(&["USER_UPDATE", "USER_UIPASS_SET"])
        .own_affair(),
    row("POST", "/20160918/users/{userId}/uiPassword")
        .scene(Scene::Password)
        .all(&["USER_UPDATE", "USER_UIPASS_RESET"])
        .own_affair(),
    row("GET", "/20160918/users/{userId}/uiPassword")
        .scene(Scene::Password)
        .all(&["USER_READ"])
        .own_affair(),
    row("POST", "/20160918/users/{userId}/apiKeys")
        .json(r#"{"key":"{newKey}"}"#)
        .scene(Scene::User)
        .all(&["USER_UPDATE", "USER_APIKEY_ADD"])
        .own_affair(),
    row("GET", "/20160918/users/{userId}/apiKeys")
        .scene(Scene::User)
        .all(&["USER_READ"])
        .own_affair(),
    row("DELETE", "/20160918/users/{userId}/apiKeys/{fingerprint}")
        .scene(Scene::User)
        .all(&["USER_UPDATE", "USER_APIKEY_REMOVE"])
        .own_affair()
        .granted(204),
    row("POST", "/20160918/users/{userId}/authTokens")
        .json(DESCRIPTION)
        .scene(Scene::User)
        .all(&["USER_UPDATE", "USER_AUTHTOKEN_SET"])
        .own_affair(),
    row("GET", "/20160918/users/{userId}/authTokens")
        .scene(Scene::AuthToken)
        .all(&["USER_READ"])
        .own_affair(),
    row("PUT", "/20160918/users/{userId}/authTokens/{authTokenId}")
        .json(DESCRIPTION)
        .scene(Scene::AuthToken)
        .all(&["USER_UPDATE", "USER_AUTHTOKEN_RESET"])
        .own_affair(),
    row(
        "DELETE",
        "/20160918/users/{userId}/authTokens/{authTokenId}",
    )
    .scene(Scene::AuthToken)
    .all(&["USER_UPDATE", "USER_AUTHTOKEN_REMOVE"])
    .own_affair()
    .granted(204),
    row("POST", "/20160918/users/{userId}/customerSecretKeys")
        .json(DISPLAY_NAME)
        .scene(Scene::User)
        .all(&["USER_UPDATE", "USER_SECRETKEY_ADD"])
        .own_affair(),
    row("GET", "/20160918/users/{userId}/customerSecretKeys")
        .scene(Scene::SecretKey)
        .all(&["USER_READ"])
        .own_affair(),
    row(
        "PUT",
        "/20160918/users/{userId}/customerSecretKeys/{customerSecretKeyId}",
    )
    .json(DISPLAY_NAME)
    .scene(Scene::SecretKey)
    .all(&["USER_UPDATE", "USER_SECRETKEY_UPDATE"])
    .own_affair(),
    row(
        "DELETE",
        "/20160918/users/{userId}/customerSecretKeys/{customerSecretKeyId}",
    )
    .scene(Scene::SecretKey)
    .all(&["USER_UPDATE", "USER_SECRETKEY_REMOVE"])
    .own_affair()
    .granted(204),
];

const GROUPS: &[Row] = &[
    row("POST", "/20160918/groups")
        .json(NEW_IN_TENANCY)
        .scene(Scene::Group)
        .all(&["GROUP_CREATE"]),
    row("GET", "/20160918/groups")
        .query(IN_TENANCY)
        .all(&["GROUP_INSPECT"]),
    row("GET", "/20160918/groups/{groupId}")
        .scene(Scene::Group)
        .all(&["GROUP_INSPECT"]),
    row("PUT", "/20160918/groups/{groupId}")
        .json(DESCRIPTION)
        .scene(Scene::Group)
        .all(&["GROUP_UPDATE"]),
    row("DELETE", "/20160918/groups/{groupId}")
        .scene(Scene::Group)
        .all(&["GROUP_DELETE"])
        .granted(204),
    row("POST", "/20160918/userGroupMemberships")
        .json(r#"{"userId":"{userId}","groupId":"{groupId}"}"#)
        .scene(Scene::UserAndGroup)
        .all(MEMBERS),
    row("GET", "/20160918/userGroupMemberships")
        .query("compartmentId={tenancyId}&userId={userId}&groupId={groupId}")
        .scene(Scene::Membership)
        .all(MEMBERSHIP),
    row(
        "GET",
        "/20160918/userGroupMemberships/{userGroupMembershipId}",
    )
    .scene(Scene::Membership)
    .all(MEMBERSHIP),
    row(
        "DELETE",
        "/20160918/userGroupMemberships/{userGroupMembershipId}",
    )
    .scene(Scene::Membership)
    .all(MEMBERS)
    .granted(204),
    row("POST", "/20160918/dynamicGroups")
        .json(NEW_DYNAMIC_GROUP)
        .scene(Scene::DynamicGroup)
        .all(&["DYNAMIC_GROUP_CREATE"]),
    row("GET", "/20160918/dynamicGroups")
        .query(IN_TENANCY)
        .all(&["DYNAMIC_GROUP_INSPECT"]),
    row("GET", "/20160918/dynamicGroups/{dynamicGroupId}")
        .scene(Scene::DynamicGroup)
        .all(&["DYNAMIC_GROUP_INSPECT"]),
    row("PUT", "/20160918/dynamicGroups/{dynamicGroupId}")
        .json(DESCRIPTION)
        .scene(Scene::DynamicGroup)
        .all(&["DYNAMIC_GROUP_UPDATE"]),
    row("DELETE", "/20160918/dynamicGroups/{dynamicGroupId}")
        .scene(Scene::DynamicGroup)
        .all(&["DYNAMIC_GROUP_DELETE"])
        .granted(204),
];

const POLICIES: &[Row] = &[
    row("POST", "/20160918/policies")
        .json(NEW_POLICY)
        .scene(Scene::Policy)
        .all(&["POLICY_CREATE"]),
    row("GET", "/20160918/policies")
        .query(IN_TENANCY)
        .all(&["POLICY_READ"]),
    row("GET", "/20160918/policies/{policyId}")
        .scene(Scene::Policy)
        .all(&["POLICY_READ"]),
    row("PUT", "/20160918/policies/{policyId}")
        .json(NEW_STATEMENTS)
        .scene(Scene::Policy)
        .all(&["POLICY_UPDATE"]),
    row("DELETE", "/20160918/policies/{policyId}")
        .scene(Scene::Policy)
        .all(&["POLICY_DELETE"])
        .granted(204),
];

const COMPARTMENTS: &[Row] = &[
    row("POST", "/20160918/compartments")
        .json(NEW_IN_COMPARTMENT)
        .scene(Scene::CompartmentName)
        .all(&["COMPARTMENT_CREATE"]),
    row("GET", "/20160918/compartments")
        .query(IN_COMPARTMENT)
        .scene(Scene::Compartment)
        .all(&["COMPARTMENT_INSPECT"]),
    row("GET", "/20160918/compartments")
        .query("compartmentId={compartmentId}&accessLevel=ACCESSIBLE")
        .scene(Scene::Compartment)
        .needs(Needs::Filtered("COMPARTMENT_INSPECT")),
    row("GET", "/20160918/compartments/{compartmentId}")
        .scene(Scene::Compartment)
        .all(&["COMPARTMENT_INSPECT"]),
    row("PUT", "/20160918/compartments/{compartmentId}")
        .json(DESCRIPTION)
        .scene(Scene::Compartment)
        .all(&["COMPARTMENT_UPDATE"]),
    row("DELETE", "/20160918/compartments/{compartmentId}")
        .scene(Scene::Compartment)
        .all(&["COMPARTMENT_DELETE"])
        .granted(202),
    row(
        "POST",
        "/20160918/compartments/{compartmentId}/actions/moveCompartment",
    )
    .json(r#"{"targetCompartmentId":"{besideId}"}"#)
    .scene(Scene::Compartment)
    .needs(Needs::Everything)
    .granted(202),
    row(
        "POST",
        "/20160918/compartments/{compartmentId}/actions/recoverCompartment",
    )
    .scene(Scene::DeletedCompartment)
    .all(&["COMPARTMENT_RECOVER"]),
    row("GET", "/20160918/workRequests")
        .query(IN_COMPARTMENT)
        .scene(Scene::WorkRequest)
        .all(&["COMPARTMENT_INSPECT"]),
    row("GET", "/20160918/workRequests/{workRequestId}")
        .scene(Scene::WorkRequest)
        .all(&["COMPARTMENT_INSPECT"]),
];

const PLACES: &[Row] = &[
    row("GET", "/20160918/tenancies/{tenancyId}").all(&["TENANCY_INSPECT"]),
    row(
        "POST",
        "/20160918/tenancies/{tenancyId}/actions/enableDenyStatements",
    )
    .all(&["TENANCY_UPDATE"]),
    row("GET", "/20160918/tenancies/{tenancyId}/regionSubscriptions").all(&["TENANCY_INSPECT"]),
    // There is one region, so that even an administrator only learns that there is no other.
    row(
        "POST",
        "/20160918/tenancies/{tenancyId}/regionSubscriptions",
    )
    .json(r#"{"regionKey":"ZZZ"}"#)
    .all(&["TENANCY_UPDATE"])
    .granted(400),
    row("GET", "/20160918/regions"),
    row("GET", "/20160918/availabilityDomains")
        .query(IN_COMPARTMENT)
        .scene(Scene::Compartment)
        .all(&["COMPARTMENT_INSPECT"]),
    row("GET", "/20160918/faultDomains")
        .query("compartmentId={compartmentId}&availabilityDomain={availabilityDomain}")
        .scene(Scene::Compartment)
        .all(&["COMPARTMENT_INSPECT"]),
    row("GET", "/20160918/domains")
        .query(IN_TENANCY)
        .all(&["COMPARTMENT_INSPECT"]),
    row("GET", "/20160918/domains/{domainId}").all(&["COMPARTMENT_INSPECT"]),
];
