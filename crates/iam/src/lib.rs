//! Whose authority, and what it permits: request signatures, permissions, the policy language and
//! proofs of secrets, as pure functions.
//!
//! Nothing here reads a clock, a file, a socket or a store: the time, the request and the identity
//! records are arguments. Four parts, each usable alone:
//!
//! - [`signature`]: checks and makes OCI request signatures (wire reference, section 6);
//! - [`permission`]: every permission, resource type and operation (sections 12.1 to 12.3);
//! - [`policy`]: parses, prints, resolves, evaluates and explains statements (12.4, 12.5);
//! - [`secret`]: tokens, salted proofs and identifiers from random bytes (section 10).

pub mod permission;
pub mod policy;
pub mod secret;
pub mod signature;
