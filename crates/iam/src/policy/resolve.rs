//! From names to OCIDs, when a policy is written (wire reference 8.4 and 12.4).
//!
//! Groups and compartments must exist then; later the statement follows their OCIDs, so a renamed
//! group keeps its rights and a namesake of a deleted one gets none.

use thiserror::Error;

use super::statement::{GroupRef, Location, Statement, Subject};

/// The identity domain meant by a group's name without one.
const DEFAULT_DOMAIN: &str = "Default";

/// Deepest accepted compartment tree; it bounds the walk to the root.
const COMPARTMENT_DEPTH_MAX: usize = 64;

/// Whether a statement means groups or dynamic groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// `group`
    Group,
    /// `dynamic-group`
    DynamicGroup,
}

/// What there is in one tenancy. Names compare without case.
pub trait Directory {
    /// OCID of the tenancy, which is its root compartment.
    fn tenancy_id(&self) -> &str;

    /// OCID of the group of that name in that identity domain.
    fn group_id(&self, kind: GroupKind, domain: &str, name: &str) -> Option<String>;

    /// Whether there is a group with that OCID.
    fn group_exists(&self, kind: GroupKind, id: &str) -> bool;

    /// OCID of the compartment of that name directly below `parent_id`.
    fn child_compartment(&self, parent_id: &str, name: &str) -> Option<String>;

    /// Name of a compartment; `None` if there is none with that OCID.
    fn compartment_name(&self, id: &str) -> Option<String>;

    /// OCID of the compartment above; `None` for the root, and if there is no such compartment.
    fn compartment_parent(&self, id: &str) -> Option<String>;
}

/// A statement whose names are OCIDs now. To store one, keep its text, `groups` and
/// `compartment_id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedStatement {
    /// As it was parsed.
    pub statement: Statement,
    /// OCIDs of its groups or dynamic groups, in order; empty for the other subjects.
    pub groups: Vec<String>,
    /// OCID of the compartment at and below which it holds.
    pub compartment_id: String,
}

/// A name that means nothing. Display is for the client: 400 `InvalidParameter`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// No such group or dynamic group.
    #[error(
        "The group {0} specified in the policy statement does not exist under current compartment hierarchy."
    )]
    Group(String),
    /// No compartment under that name or path.
    #[error(
        "The compartment {0} specified in the policy statement does not exist under current compartment hierarchy."
    )]
    Compartment(String),
    /// Not the compartment of the policy, nor below it.
    #[error("Compartment {0} does not exist or is not part of the policy compartment subtree")]
    OutsideSubtree(String),
}

impl Statement {
    /// Finds the OCIDs of the groups and the compartment for a policy attached to `attached_to`.
    ///
    /// A path begins below that compartment, or with that compartment itself.
    pub fn resolve(
        self,
        directory: &dyn Directory,
        attached_to: &str,
    ) -> Result<ResolvedStatement, ResolveError> {
        let groups = match &self.subject {
            Subject::Groups(groups) => resolve_groups(directory, GroupKind::Group, groups)?,
            Subject::DynamicGroups(groups) => {
                resolve_groups(directory, GroupKind::DynamicGroup, groups)?
            }
            Subject::AnyUser | Subject::AnyGroup | Subject::Services(_) => Vec::new(),
        };
        let compartment_id = resolve_location(directory, attached_to, &self.location)?;
        Ok(ResolvedStatement {
            statement: self,
            groups,
            compartment_id,
        })
    }
}

fn resolve_groups(
    directory: &dyn Directory,
    kind: GroupKind,
    groups: &[GroupRef],
) -> Result<Vec<String>, ResolveError> {
    let resolve = |group: &GroupRef| {
        let found = match group {
            GroupRef::Id(id) => directory.group_exists(kind, id).then(|| id.clone()),
            GroupRef::Name { domain, name } => {
                let domain = domain.as_deref().unwrap_or(DEFAULT_DOMAIN);
                directory.group_id(kind, domain, name)
            }
        };
        found.ok_or_else(|| ResolveError::Group(written(group)))
    };
    groups.iter().map(resolve).collect()
}

/// The group as a person would say it.
fn written(group: &GroupRef) -> String {
    match group {
        GroupRef::Name {
            domain: Some(domain),
            name,
        } => format!("{domain}/{name}"),
        GroupRef::Name { domain: None, name } | GroupRef::Id(name) => name.clone(),
    }
}

fn resolve_location(
    directory: &dyn Directory,
    attached_to: &str,
    location: &Location,
) -> Result<String, ResolveError> {
    match location {
        Location::Tenancy if attached_to == directory.tenancy_id() => Ok(attached_to.to_owned()),
        Location::Tenancy => Err(ResolveError::OutsideSubtree("tenancy".to_owned())),
        Location::Id(id) if is_within(directory, id, attached_to) => Ok(id.clone()),
        Location::Id(id) => Err(ResolveError::OutsideSubtree(id.clone())),
        Location::Path(names) => descend(directory, attached_to, names)
            .or_else(|| descend_from_itself(directory, attached_to, names))
            .ok_or_else(|| ResolveError::Compartment(names.join(":"))),
    }
}

fn descend(directory: &dyn Directory, from: &str, names: &[String]) -> Option<String> {
    names.iter().try_fold(from.to_owned(), |parent, name| {
        directory.child_compartment(&parent, name)
    })
}

/// A policy may name the compartment it is attached to; a child of the same name comes first.
fn descend_from_itself(
    directory: &dyn Directory,
    attached_to: &str,
    names: &[String],
) -> Option<String> {
    let (first, below) = names.split_first()?;
    let own_name = directory.compartment_name(attached_to)?;
    let is_own = own_name.to_lowercase() == first.to_lowercase();
    is_own.then(|| descend(directory, attached_to, below))?
}

fn is_within(directory: &dyn Directory, id: &str, ancestor: &str) -> bool {
    if directory.compartment_name(id).is_none() {
        return false;
    }
    let start = Some(id.to_owned());
    let mut upwards = std::iter::successors(start, |id| directory.compartment_parent(id));
    upwards
        .by_ref()
        .take(COMPARTMENT_DEPTH_MAX)
        .any(|id| id == ancestor)
}
