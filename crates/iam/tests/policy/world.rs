//! One tenancy for all tests: groups, a compartment tree, and people.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::*;

pub(crate) const TENANCY: &str = "ocid1.tenancy.oc1..root";
pub(crate) const ADMINISTRATORS: &str = "ocid1.group.oc1..admins";
pub(crate) const NOON: &str = "2030-06-05T12:00:00Z";

/// OCID and name of each group.
pub(crate) const GROUPS: [(&str, &str); 4] = [
    (ADMINISTRATORS, "Administrators"),
    ("ocid1.group.oc1..writers", "Writers"),
    ("ocid1.group.oc1..readers", "Readers"),
    ("ocid1.group.oc1..spaced", "Far Readers"),
];

pub(crate) const ROBOTS: (&str, &str) = ("ocid1.dynamicgroup.oc1..robots", "Robots");

/// OCID, name and parent of each compartment; the root first.
pub(crate) const COMPARTMENTS: [(&str, &str, &str); 5] = [
    (TENANCY, "acme", ""),
    ("ocid1.compartment.oc1..a", "A", TENANCY),
    ("ocid1.compartment.oc1..b", "B", "ocid1.compartment.oc1..a"),
    ("ocid1.compartment.oc1..c", "C", "ocid1.compartment.oc1..b"),
    ("ocid1.compartment.oc1..x", "X", TENANCY),
];

pub(crate) struct World;

impl Directory for World {
    fn tenancy_id(&self) -> &str {
        TENANCY
    }

    fn group_id(&self, kind: GroupKind, domain: &str, name: &str) -> Option<String> {
        let groups: &[(&str, &str)] = match kind {
            GroupKind::Group => &GROUPS,
            GroupKind::DynamicGroup => &[ROBOTS],
        };
        let found = groups
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name));
        found
            .filter(|_| domain.eq_ignore_ascii_case("Default"))
            .map(|(id, _)| (*id).to_owned())
    }

    fn group_exists(&self, kind: GroupKind, id: &str) -> bool {
        match kind {
            GroupKind::Group => GROUPS.iter().any(|(known, _)| *known == id),
            GroupKind::DynamicGroup => ROBOTS.0 == id,
        }
    }

    fn child_compartment(&self, parent_id: &str, name: &str) -> Option<String> {
        let found = COMPARTMENTS
            .iter()
            .find(|(_, known, parent)| *parent == parent_id && known.eq_ignore_ascii_case(name));
        found.map(|(id, _, _)| (*id).to_owned())
    }

    fn compartment_name(&self, id: &str) -> Option<String> {
        COMPARTMENTS
            .iter()
            .find(|(known, _, _)| *known == id)
            .map(|(_, name, _)| (*name).to_owned())
    }

    fn compartment_parent(&self, id: &str) -> Option<String> {
        let (_, _, parent) = COMPARTMENTS.iter().find(|(known, _, _)| *known == id)?;
        Some((*parent).to_owned()).filter(|parent| !parent.is_empty())
    }
}

pub(crate) fn group(name: &str) -> String {
    World.group_id(GroupKind::Group, "Default", name).unwrap()
}

/// The compartment of that name and all above it.
pub(crate) fn path_of(name: &str) -> Vec<Compartment<'static>> {
    let row = |test: &dyn Fn(&(&str, &str, &str)) -> bool| {
        COMPARTMENTS.iter().copied().find(|row| test(row))
    };
    let own = row(&|(_, known, _)| *known == name);
    std::iter::successors(own, |(_, _, parent)| row(&|(id, _, _)| id == parent))
        .map(|(id, name, _)| Compartment { id, name })
        .collect()
}

pub(crate) fn attach(attached_to: &str, text: &str) -> AttachedStatement {
    let statement = Statement::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let attached_to = path_of(attached_to)[0].id;
    let resolved = statement.resolve(&World, attached_to).unwrap();
    AttachedStatement {
        policy_name: "tests".into(),
        attached_to: attached_to.into(),
        resolved,
    }
}

/// The policies of a tenancy with these statements, all attached to the root.
pub(crate) fn policies(texts: &[&str]) -> PolicySet {
    let statements = texts.iter().map(|text| attach("acme", text)).collect();
    PolicySet::compile(TENANCY, Some(ADMINISTRATORS), statements)
}

/// A user in these groups, asking for something in compartment C.
pub(crate) struct Case {
    pub(crate) groups: Vec<String>,
    pub(crate) compartments: Vec<Compartment<'static>>,
    pub(crate) permission: Permission,
    pub(crate) operation: Operation,
    pub(crate) now: &'static str,
    pub(crate) target: Target<'static>,
    pub(crate) service: Option<&'static str>,
    pub(crate) tenancy_id: &'static str,
}

impl Case {
    /// A reader who gets object `2030/report.pdf` of bucket `Photos` in compartment C.
    pub(crate) fn get_object() -> Self {
        Self {
            groups: vec![group("Readers")],
            compartments: path_of("C"),
            permission: Permission::ObjectRead,
            operation: Operation::GetObject,
            now: NOON,
            target: Target {
                bucket_name: Some("Photos"),
                object_name: Some("2030/report.pdf"),
                ..Target::default()
            },
            service: None,
            tenancy_id: TENANCY,
        }
    }

    /// A reader who lists the buckets of compartment C.
    pub(crate) fn list_buckets() -> Self {
        Self {
            permission: Permission::BucketInspect,
            operation: Operation::ListBuckets,
            target: Target::default(),
            ..Self::get_object()
        }
    }

    pub(crate) fn principal(&self) -> Principal<'_> {
        let kind = match self.service {
            Some(name) => PrincipalKind::Service { name },
            None => PrincipalKind::User {
                id: "ocid1.user.oc1..alice",
                name: "Alice",
            },
        };
        Principal {
            tenancy_id: self.tenancy_id,
            kind,
            groups: &self.groups,
        }
    }

    pub(crate) fn request(&self) -> AccessRequest<'_> {
        AccessRequest {
            permission: self.permission,
            operation: self.operation,
            now: self.now.parse().unwrap(),
            region_key: "iad",
            compartments: &self.compartments,
            target: self.target,
        }
    }

    pub(crate) fn decide(&self, policies: &PolicySet) -> Decision {
        policies.evaluate(&self.principal(), &self.request())
    }

    /// Whether one statement, attached to the root, allows this case.
    pub(crate) fn is_allowed_by(&self, text: &str) -> bool {
        self.decide(&policies(&[text])).is_allowed()
    }

    /// Whether this condition, on an otherwise fitting statement, allows this case.
    pub(crate) fn is_allowed_where(&self, condition: &str) -> bool {
        self.is_allowed_by(&format!(
            "Allow any-user to manage all-resources in tenancy where {condition}"
        ))
    }
}
