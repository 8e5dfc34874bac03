//! Every route of the Swift face, for people and tests to read.

use super::route::{
    ACCOUNT, CONTAINER, HEALTHCHECK, INFO, OBJECT, RESTORE, RESTORE_JOBS, SIGN_IN, SIGN_IN_FOR,
};
use crate::RouteRow;

/// All methods on all paths. `OPTIONS` answers on every path but those of signing in and of the health check besides.
pub const ROUTES: &[RouteRow] = &[
    here("GET", SIGN_IN, "SignIn"),
    here("GET", SIGN_IN_FOR, "SignInForAccount"),
    here("GET", INFO, "GetCapabilities"),
    here("HEAD", INFO, "HeadCapabilities"),
    here("GET", HEALTHCHECK, "GetHealth"),
    here("HEAD", HEALTHCHECK, "HeadHealth"),
    here("GET", ACCOUNT, "ListContainers"),
    here("HEAD", ACCOUNT, "HeadAccount"),
    here("POST", ACCOUNT, "UpdateAccount"),
    here("PUT", ACCOUNT, "CreateAccount"),
    here("DELETE", ACCOUNT, "DeleteAccount"),
    here("GET", CONTAINER, "ListObjects"),
    here("HEAD", CONTAINER, "HeadContainer"),
    here("PUT", CONTAINER, "PutContainer"),
    here("POST", CONTAINER, "UpdateContainer"),
    here("DELETE", CONTAINER, "DeleteContainer"),
    here("GET", OBJECT, "GetObject"),
    here("HEAD", OBJECT, "HeadObject"),
    here("PUT", OBJECT, "PutObject"),
    here("POST", OBJECT, "UpdateObject"),
    here("DELETE", OBJECT, "DeleteObject"),
    here("COPY", OBJECT, "CopyObject"),
    here("POST", RESTORE, "RestoreObject"),
    here("GET", RESTORE_JOBS, "ListRestoreJobs"),
];

const fn here(method: &'static str, template: &'static str, operation: &'static str) -> RouteRow {
    RouteRow {
        method,
        template,
        operation,
        implemented: true,
    }
}
