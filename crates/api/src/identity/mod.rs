//! The Identity API under `/20160918` (wire reference section 13): all of a tenancy's administration.
//!
//! Each request goes the same way: grammar ([`routes`]), request id, signature to caller, parameters, one engine call,
//! reply.

mod compartments;
mod credentials;
mod dynamic_groups;
mod error;
mod groups;
mod models;
mod places;
mod policies;
mod reply;
mod request;
pub(crate) mod routes;
mod users;

use bytes::Bytes;
use http::Method;
use parbuckle_engine::SecretKind;
use parbuckle_iam::signature::BodyRule;

use crate::exchange::Exchange;
use crate::payload::Payload;
use crate::proof;
use crate::summary::{Answer, RequestSummary};
use error::{FaceError, IdentityError};
use reply::Reply;
use request::Call;
use routes::{Action, Route};

/// The first segment of every path.
pub(crate) const BASE: &str = "20160918";

/// Largest JSON body: 500 long policy statements.
const JSON_BYTES_MAX: u64 = 4 << 20;

/// Answers a request.
pub(crate) async fn answer(exchange: &Exchange<'_>, payload: Payload) -> Answer {
    let parts = exchange.parts;
    let request_id = exchange
        .api
        .request_ids
        .next(exchange.engine().environment());
    let (template, result) = match routes::parse(&parts.method, parts.uri.path()) {
        Ok(route) => (route.template, perform(exchange, route, payload).await),
        Err(misfit) => (misfit.template, Err(misfit.into())),
    };
    let detail = result.as_ref().err().map(IdentityError::log_line);
    let reply = result.unwrap_or_else(|error| Reply::error(&error, &parts.method));
    Answer {
        response: reply.finish(&request_id, &parts.headers),
        summary: RequestSummary {
            request_id,
            route: template,
            face: "identity",
            detail,
        },
    }
}

async fn perform(
    exchange: &Exchange<'_>,
    route: Route<'_>,
    mut payload: Payload,
) -> Result<Reply, IdentityError> {
    if !exchange.names_host() {
        let text = "The request must have one Host header".to_owned();
        return Err(FaceError::MalformedRequest(text).into());
    }
    let takes_body = [Method::POST, Method::PUT].contains(&exchange.parts.method);
    let rule = if takes_body {
        BodyRule::Hashed
    } else {
        BodyRule::NoBody
    };
    let proven = proof::signed(exchange, rule).await?;
    let body = match (takes_body, proven.body_sha256) {
        (false, None) => Bytes::new(),
        (_, signed) => proof::whole_body(&mut payload, signed, JSON_BYTES_MAX).await?,
    };
    let call = Call {
        exchange,
        caller: proven.caller,
        query: exchange.query()?,
        parameters: &route.parameters,
        body: &body,
    };
    act(&call, route.action).await
}

/// One line for each operation.
async fn act(call: &Call<'_>, action: Action) -> Result<Reply, IdentityError> {
    use Action as A;
    use SecretKind::{AuthToken, CustomerSecretKey};
    match action {
        A::CreateUser => users::create(call).await,
        A::ListUsers => users::list(call).await,
        A::GetUser => users::get(call).await,
        A::UpdateUser => users::update(call).await,
        A::DeleteUser => users::delete(call).await,
        A::UpdateUserState => users::update_state(call).await,
        A::UpdateUserCapabilities => users::update_capabilities(call).await,
        A::CreateOrResetUIPassword => credentials::create_or_reset_password(call).await,
        A::GetUserUIPasswordInformation => credentials::password_information(call).await,
        A::UploadApiKey => credentials::upload_api_key(call).await,
        A::ListApiKeys => credentials::list_api_keys(call).await,
        A::DeleteApiKey => credentials::delete_api_key(call).await,
        A::CreateAuthToken => credentials::create_secret(call, AuthToken).await,
        A::ListAuthTokens => credentials::list_secrets(call, AuthToken).await,
        A::UpdateAuthToken => credentials::update_secret(call, AuthToken).await,
        A::DeleteAuthToken => credentials::delete_secret(call, AuthToken).await,
        A::CreateCustomerSecretKey => credentials::create_secret(call, CustomerSecretKey).await,
        A::ListCustomerSecretKeys => credentials::list_secrets(call, CustomerSecretKey).await,
        A::UpdateCustomerSecretKey => credentials::update_secret(call, CustomerSecretKey).await,
        A::DeleteCustomerSecretKey => credentials::delete_secret(call, CustomerSecretKey).await,
        A::CreateGroup => groups::create(call).await,
        A::ListGroups => groups::list(call).await,
        A::GetGroup => groups::get(call).await,
        A::UpdateGroup => groups::update(call).await,
        A::DeleteGroup => groups::delete(call).await,
        A::AddUserToGroup => groups::add_member(call).await,
        A::ListUserGroupMemberships => groups::list_memberships(call).await,
        A::GetUserGroupMembership => groups::get_membership(call).await,
        A::RemoveUserFromGroup => groups::remove_member(call).await,
        A::CreatePolicy => policies::create(call).await,
        A::ListPolicies => policies::list(call).await,
        A::GetPolicy => policies::get(call).await,
        A::UpdatePolicy => policies::update(call).await,
        A::DeletePolicy => policies::delete(call).await,
        A::CreateCompartment => compartments::create(call).await,
        A::ListCompartments => compartments::list(call).await,
        A::GetCompartment => compartments::get(call).await,
        A::UpdateCompartment => compartments::update(call).await,
        A::DeleteCompartment => compartments::delete(call).await,
        A::MoveCompartment => compartments::move_to(call).await,
        A::RecoverCompartment => compartments::recover(call).await,
        A::ListWorkRequests => compartments::list_work_requests(call).await,
        A::GetWorkRequest => compartments::get_work_request(call).await,
        A::CreateDynamicGroup => dynamic_groups::create(call).await,
        A::ListDynamicGroups => dynamic_groups::list(call).await,
        A::GetDynamicGroup => dynamic_groups::get(call).await,
        A::UpdateDynamicGroup => dynamic_groups::update(call).await,
        A::DeleteDynamicGroup => dynamic_groups::delete(call).await,
        A::GetTenancy => places::tenancy(call).await,
        A::EnableDenyStatements => places::enable_deny_statements(call).await,
        A::ListRegionSubscriptions => places::list_subscriptions(call).await,
        A::CreateRegionSubscription => places::create_subscription(call).await,
        A::ListRegions => places::list_regions(call).await,
        A::ListAvailabilityDomains => places::list_availability_domains(call).await,
        A::ListFaultDomains => places::list_fault_domains(call).await,
        A::ListDomains => places::list_domains(call).await,
        A::GetDomain => places::get_domain(call).await,
    }
}
