//! The identity service: rights as they are now, who may administer what, and the rules of each resource.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

mod administrators;
mod compartments;
mod delegation;
mod isolation;
mod lifecycle_rights;
mod lists;
mod namespace_metadata;
mod own_credentials;
mod permissions;
mod policies;
mod replication_rights;
mod retries;
mod revocation;
mod storage_permissions;
mod work;
mod world;
