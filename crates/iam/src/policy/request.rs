//! What is asked of a policy set: who wants which permission on what.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::permission::{Operation, Permission};

/// Who asks, as the identity records are now. Anonymous callers have no principal and no policies.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'a> {
    /// OCID of the principal's tenancy; another than the policy set's is always refused.
    pub tenancy_id: &'a str,
    /// A user or a service.
    pub kind: PrincipalKind<'a>,
    /// OCIDs of the groups and dynamic groups it is in.
    pub groups: &'a [String],
}

/// The kinds of principals there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind<'a> {
    /// A user, on a request of its own or behind a pre-authenticated request.
    User {
        /// OCID.
        id: &'a str,
        /// Name.
        name: &'a str,
    },
    /// A part of this server working on its own, such as `objectstorage-us-ashburn-1`.
    Service {
        /// The name statements use.
        name: &'a str,
    },
}

/// One permission, asked for on one target. An operation that needs two asks twice.
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// The permission.
    pub permission: Permission,
    /// The operation that needs it.
    pub operation: Operation,
    /// The time of the request.
    pub now: Timestamp,
    /// Three-letter key of the region, such as `iad`.
    pub region_key: &'a str,
    /// The target's compartment first, then each one above it, the tenancy last.
    pub compartments: &'a [Compartment<'a>],
    /// What else is known about the target.
    pub target: Target<'a>,
}

/// A compartment on the way from the target to the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compartment<'a> {
    /// OCID.
    pub id: &'a str,
    /// Name.
    pub name: &'a str,
}

/// The target's properties. `None` means that the variable does not apply, and a test of it is
/// false (wire reference 12.5): no bucket name for ListBuckets, no object name for calls on a whole
/// bucket.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// The bucket, or the bucket of the object.
    pub bucket_name: Option<&'a str>,
    /// The object.
    pub object_name: Option<&'a str>,
    /// Defined tags of the target; for everything in a bucket, the bucket's. None when it is
    /// created.
    pub tags: Option<&'a (dyn Tags + Sync)>,
    /// The user an identity operation is about.
    pub user: Option<Named<'a>>,
    /// The group an identity operation is about.
    pub group: Option<Named<'a>>,
    /// The policy an identity operation is about.
    pub policy: Option<PolicyTarget<'a>>,
}

/// OCID and name of an identity resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// OCID; none while it is being created.
    pub id: Option<&'a str>,
    /// Name.
    pub name: &'a str,
}

/// A policy that is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyTarget<'a> {
    /// OCID and name.
    pub named: Named<'a>,
    /// Whether it holds a Deny statement, now or after the change: `target.policy.type='deny'`.
    pub has_deny: bool,
}

/// The defined tags of a resource.
pub trait Tags: fmt::Debug {
    /// The value under that namespace and key, which compare without case.
    fn value(&self, namespace: &str, key: &str) -> Option<&str>;
}

impl Tags for BTreeMap<String, BTreeMap<String, String>> {
    fn value(&self, namespace: &str, key: &str) -> Option<&str> {
        let keys = self
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(namespace))?
            .1;
        let found = keys
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        Some(found.1)
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Allowed by the statement at that index of the set.
    Allowed {
        /// Index of the statement.
        statement: usize,
    },
    /// Not allowed.
    Denied {
        /// Index of the Deny statement that refuses; `None` if no statement allows.
        by_deny: Option<usize>,
    },
}

impl Decision {
    /// Whether the permission is granted.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}
