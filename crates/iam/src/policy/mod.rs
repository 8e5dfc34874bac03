//! The policy language: parse, print, resolve, evaluate, explain (wire reference 12.4 and 12.5).
//!
//! A statement goes through three forms:
//!
//! 1. [`Statement::parse`] makes a [`Statement`], or a [`ParseError`] that says where and what was
//!    expected. What is not enforced is refused here, never stored and ignored.
//! 2. [`Statement::resolve`] replaces names of groups and compartments by OCIDs, once, when the policy
//!    is written: a [`ResolvedStatement`], the form to store.
//! 3. [`PolicySet::compile`] arranges all statements of a tenancy for [`PolicySet::evaluate`], the one
//!    decision there is, and [`PolicySet::explain`], the same in words.
//!
//! ```
//! use parbuckle_iam::permission::{Operation, Permission};
//! use parbuckle_iam::policy::*;
//!
//! let text = "allow GROUP id ocid1.group.oc1..b to read objects in tenancy where
//! target.bucket.name='photos'"; let statement = Statement::parse(text)?; assert_eq!(
//!     statement.to_string(),
//!     "Allow group id ocid1.group.oc1..b to read objects in tenancy where target.bucket.name = 'photos'"
//! );
//!
//! let tenancy = "ocid1.tenancy.oc1..a";
//! let groups = vec!["ocid1.group.oc1..b".to_owned()];
//! let resolved = ResolvedStatement {
//!     statement,
//!     groups: groups.clone(),
//!     compartment_id: tenancy.into(),
//! };
//! let attached =
//!     AttachedStatement { policy_name: "p".into(), attached_to: tenancy.into(), resolved };
//! let policies = PolicySet::compile(tenancy, None, vec![attached]);
//!
//! let alice = Principal {
//!     tenancy_id: tenancy,
//!     kind: PrincipalKind::User { id: "ocid1.user.oc1..c", name: "alice" },
//!     groups: &groups,
//! };
//! let request = AccessRequest {
//!     permission: Permission::ObjectRead,
//!     operation: Operation::GetObject,
//!     now: "2030-01-01T00:00:00Z".parse()?,
//!     region_key: "iad",
//!     compartments: &[Compartment { id: tenancy, name: "acme" }],
//!     target: Target {
//!         bucket_name: Some("photos"),
//!         object_name: Some("cat.jpg"),
//!         ..Target::default()
//!     },
//! };
//! assert_eq!(policies.evaluate(&alice, &request), Decision::Allowed { statement: 0 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compiled;
mod condition;
mod cursor;
mod explain;
mod parse;
mod pattern;
mod request;
mod resolve;
mod set;
mod statement;
mod variable;

pub use cursor::ParseError;
pub use explain::{Explanation, NearMiss, Quotation};
pub use request::{
    AccessRequest, Compartment, Decision, Named, PolicyTarget, Principal, PrincipalKind, Tags,
    Target,
};
pub use resolve::{Directory, GroupKind, ResolveError, ResolvedStatement};
pub use set::{AttachedStatement, PolicySet};
pub use statement::{
    Condition, Effect, Grant, GroupRef, Location, Matches, Statement, Subject, Test, Value,
};
pub use variable::{CalendarUnit, TagName, Variable};
