//! Every route of the identity face: the grammar, and the table for people and tests to read.

use std::borrow::Cow;

use http::Method;

use crate::RouteRow;
use crate::percent;
use crate::summary::UNKNOWN_ROUTE;

/// Makes the actions and the table from one list.
macro_rules! routes {
    ($($method:literal $template:literal => $action:ident,)+) => {
        /// What to do. The names are those of OCI's operations, and of ours where OCI has none.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Action {
            $($action,)+
        }

        /// All of wire reference 13.1. Segments in braces are parameters.
        pub const ROUTES: &[RouteRow] = &[
            $(RouteRow {
                method: $method,
                template: concat!("/20160918", $template),
                operation: stringify!($action),
                implemented: true,
            },)+
        ];

        const ACTIONS: &[Action] = &[$(Action::$action,)+];
    };
}

routes! {
    "POST" "/users" => CreateUser,
    "GET" "/users" => ListUsers,
    "GET" "/users/{userId}" => GetUser,
    "PUT" "/users/{userId}" => UpdateUser,
    "DELETE" "/users/{userId}" => DeleteUser,
    "PUT" "/users/{userId}/state" => UpdateUserState,
    "PUT" "/users/{userId}/capabilities" => UpdateUserCapabilities,
    "POST" "/users/{userId}/uiPassword" => CreateOrResetUIPassword,
    "GET" "/users/{userId}/uiPassword" => GetUserUIPasswordInformation,
    "POST" "/users/{userId}/apiKeys" => UploadApiKey,
    "GET" "/users/{userId}/apiKeys" => ListApiKeys,
    "DELETE" "/users/{userId}/apiKeys/{fingerprint}" => DeleteApiKey,
    "POST" "/users/{userId}/authTokens" => CreateAuthToken,
    "GET" "/users/{userId}/authTokens" => ListAuthTokens,
    "PUT" "/users/{userId}/authTokens/{authTokenId}" => UpdateAuthToken,
    "DELETE" "/users/{userId}/authTokens/{authTokenId}" => DeleteAuthToken,
    "POST" "/users/{userId}/customerSecretKeys" => CreateCustomerSecretKey,
    "GET" "/users/{userId}/customerSecretKeys" => ListCustomerSecretKeys,
    "PUT" "/users/{userId}/customerSecretKeys/{customerSecretKeyId}" => UpdateCustomerSecretKey,
    "DELETE" "/users/{userId}/customerSecretKeys/{customerSecretKeyId}" => DeleteCustomerSecretKey,
    "POST" "/groups" => CreateGroup,
    "GET" "/groups" => ListGroups,
    "GET" "/groups/{groupId}" => GetGroup,
    "PUT" "/groups/{groupId}" => UpdateGroup,
    "DELETE" "/groups/{groupId}" => DeleteGroup,
    "POST" "/userGroupMemberships" => AddUserToGroup,
    "GET" "/userGroupMemberships" => ListUserGroupMemberships,
    "GET" "/userGroupMemberships/{userGroupMembershipId}" => GetUserGroupMembership,
    "DELETE" "/userGroupMemberships/{userGroupMembershipId}" => RemoveUserFromGroup,
    "POST" "/policies" => CreatePolicy,
    "GET" "/policies" => ListPolicies,
    "GET" "/policies/{policyId}" => GetPolicy,
    "PUT" "/policies/{policyId}" => UpdatePolicy,
    "DELETE" "/policies/{policyId}" => DeletePolicy,
    "POST" "/compartments" => CreateCompartment,
    "GET" "/compartments" => ListCompartments,
    "GET" "/compartments/{compartmentId}" => GetCompartment,
    "PUT" "/compartments/{compartmentId}" => UpdateCompartment,
    "DELETE" "/compartments/{compartmentId}" => DeleteCompartment,
    "POST" "/compartments/{compartmentId}/actions/moveCompartment" => MoveCompartment,
    "POST" "/compartments/{compartmentId}/actions/recoverCompartment" => RecoverCompartment,
    "POST" "/dynamicGroups" => CreateDynamicGroup,
    "GET" "/dynamicGroups" => ListDynamicGroups,
    "GET" "/dynamicGroups/{dynamicGroupId}" => GetDynamicGroup,
    "PUT" "/dynamicGroups/{dynamicGroupId}" => UpdateDynamicGroup,
    "DELETE" "/dynamicGroups/{dynamicGroupId}" => DeleteDynamicGroup,
    "GET" "/tenancies/{tenancyId}" => GetTenancy,
    "POST" "/tenancies/{tenancyId}/actions/enableDenyStatements" => EnableDenyStatements,
    "GET" "/tenancies/{tenancyId}/regionSubscriptions" => ListRegionSubscriptions,
    "POST" "/tenancies/{tenancyId}/regionSubscriptions" => CreateRegionSubscription,
    "GET" "/regions" => ListRegions,
    "GET" "/availabilityDomains" => ListAvailabilityDomains,
    "GET" "/faultDomains" => ListFaultDomains,
    "GET" "/domains" => ListDomains,
    "GET" "/domains/{domainId}" => GetDomain,
    "GET" "/workRequests" => ListWorkRequests,
    "GET" "/workRequests/{workRequestId}" => GetWorkRequest,
}

/// A request that the grammar knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) template: &'static str,
    pub(super) action: Action,
    /// The segments that stand for the template's braces, decoded once.
    pub(super) parameters: Vec<Cow<'a, str>>,
}

/// A request that the grammar does not know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) template: &'static str,
    /// The methods that the path has; none if there is no such path.
    pub(super) methods: Vec<&'static str>,
}

/// Finds the route of a method and a raw path.
pub(super) fn parse<'a>(method: &Method, raw_path: &'a str) -> Result<Route<'a>, Misfit> {
    let mut misfit = Misfit {
        template: UNKNOWN_ROUTE,
        methods: Vec::new(),
    };
    for (row, action) in ROUTES.iter().zip(ACTIONS) {
        let Some(parameters) = matched(row.template, raw_path) else {
            continue;
        };
        if row.method == method.as_str() {
            return Ok(Route {
                template: row.template,
                action: *action,
                parameters,
            });
        }
        misfit.template = row.template;
        misfit.methods.push(row.method);
    }
    Err(misfit)
}

/// The parameters of a path that fits a template.
fn matched<'a>(template: &str, raw_path: &'a str) -> Option<Vec<Cow<'a, str>>> {
    let mut parameters = Vec::new();
    let mut raw = raw_path.split('/');
    for expected in template.split('/') {
        let segment = raw.next()?;
        if expected.starts_with('{') {
            parameters.push(parameter(segment)?);
        } else if expected != segment {
            return None;
        }
    }
    raw.next().is_none().then_some(parameters)
}

fn parameter(segment: &str) -> Option<Cow<'_, str>> {
    if segment.is_empty() {
        return None;
    }
    match percent::decode(segment).ok()? {
        Cow::Borrowed(_) => Some(Cow::Borrowed(segment)),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_action_and_parameters() {
        let route = parse(
            &Method::DELETE,
            "/20160918/users/ocid1.user.oc1..a/apiKeys/aa%3Abb",
        )
        .unwrap();
        assert_eq!(route.action, Action::DeleteApiKey);
        assert_eq!(route.parameters, ["ocid1.user.oc1..a", "aa:bb"]);
        assert_eq!(
            route.template,
            "/20160918/users/{userId}/apiKeys/{fingerprint}"
        );
    }

    #[test]
    fn a_known_path_with_another_method_tells_which_there_are() {
        let misfit = parse(&Method::PATCH, "/20160918/users/x").unwrap_err();
        assert_eq!(misfit.methods, ["GET", "PUT", "DELETE"]);
    }

    #[test]
    fn other_paths_fit_nothing() {
        for path in [
            "/20160918",
            "/20160918/",
            "/20160918/users/",
            "/20160918/users/x/",
            "/20160918/users//apiKeys",
            "/20160918/nothing",
            "/20160918/users/%ff",
            "/20160918/users/%2",
            "/20160917/users",
        ] {
            let misfit = parse(&Method::GET, path).unwrap_err();
            assert_eq!(misfit.template, UNKNOWN_ROUTE, "{path}");
        }
    }

    #[test]
    fn no_two_routes_share_method_and_template() {
        let mut all: Vec<_> = ROUTES
            .iter()
            .map(|row| (row.method, row.template))
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ROUTES.len());
    }
}
