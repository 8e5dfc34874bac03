//! Resource types, their families, and the verbs that bundle permissions of a type.

use std::fmt;

use super::{Permission, PermissionSet};
use Permission as P;

/// How much of a resource type a statement speaks about, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// List, without contents.
    Inspect,
    /// Inspect, and read.
    Read,
    /// Read, and work with what exists.
    Use,
    /// Everything.
    Manage,
}

impl Verb {
    /// All four, from least to most.
    pub const ALL: [Self; 4] = [Self::Inspect, Self::Read, Self::Use, Self::Manage];

    /// The word in a statement.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inspect => "inspect",
            Self::Read => "read",
            Self::Use => "use",
            Self::Manage => "manage",
        }
    }

    /// The verb of that name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|verb| verb.as_str().eq_ignore_ascii_case(text))
    }
}

/// An individual resource type (wire reference 12.1 and 12.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `objectstorage-namespaces`
    Namespaces,
    /// `buckets`
    Buckets,
    /// `objects`
    Objects,
    /// `users`
    Users,
    /// `groups`
    Groups,
    /// `dynamic-groups`
    DynamicGroups,
    /// `policies`
    Policies,
    /// `compartments`
    Compartments,
    /// `tenancies`
    Tenancies,
}

impl ResourceType {
    /// Every type there is.
    pub const ALL: [Self; 9] = [
        Self::Namespaces,
        Self::Buckets,
        Self::Objects,
        Self::Users,
        Self::Groups,
        Self::DynamicGroups,
        Self::Policies,
        Self::Compartments,
        Self::Tenancies,
    ];

    /// The word in a statement.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Namespaces => "objectstorage-namespaces",
            Self::Buckets => "buckets",
            Self::Objects => "objects",
            Self::Users => "users",
            Self::Groups => "groups",
            Self::DynamicGroups => "dynamic-groups",
            Self::Policies => "policies",
            Self::Compartments => "compartments",
            Self::Tenancies => "tenancies",
        }
    }

    /// What the verb adds to the verb below it.
    const fn added_by(self, verb: Verb) -> PermissionSet {
        match self {
            Self::Namespaces => namespaces(verb),
            Self::Buckets => buckets(verb),
            Self::Objects => objects(verb),
            Self::Users => users(verb),
            Self::Groups => groups(verb),
            Self::DynamicGroups => dynamic_groups(verb),
            Self::Policies => policies(verb),
            Self::Compartments => compartments(verb),
            Self::Tenancies => tenancies(verb),
        }
    }
}

/// What a statement speaks about: one type, a family of types, or everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// One type.
    Type(ResourceType),
    /// `object-family`: namespaces, buckets and objects.
    ObjectFamily,
    /// `all-resources`
    AllResources,
}

impl Resource {
    /// The word in a statement.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Type(one) => one.as_str(),
            Self::ObjectFamily => "object-family",
            Self::AllResources => "all-resources",
        }
    }

    /// The type or family of that name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let types = ResourceType::ALL.into_iter().map(Self::Type);
        types
            .chain([Self::ObjectFamily, Self::AllResources])
            .find(|resource| resource.as_str().eq_ignore_ascii_case(text))
    }

    /// The types it stands for.
    pub const fn types(&self) -> &[ResourceType] {
        match self {
            Self::Type(one) => std::slice::from_ref(one),
            Self::ObjectFamily => &[
                ResourceType::Namespaces,
                ResourceType::Buckets,
                ResourceType::Objects,
            ],
            Self::AllResources => &ResourceType::ALL,
        }
    }

    /// What `Allow … to <verb> <resource>` grants: the verb's permissions and those of the verbs
    /// below it.
    pub fn granted_by(self, verb: Verb) -> PermissionSet {
        self.collect(|level| level <= verb)
    }

    /// What `Deny … to <verb> <resource>` refuses: the verb's permissions and those of the verbs
    /// *above* it, because who may not inspect may not read either (wire reference 12.4).
    pub fn refused_by(self, verb: Verb) -> PermissionSet {
        self.collect(|level| level >= verb)
    }

    /// Every permission of its types.
    pub fn permissions(self) -> PermissionSet {
        self.collect(|_| true)
    }

    fn collect(self, keep: impl Fn(Verb) -> bool) -> PermissionSet {
        let mut set = PermissionSet::EMPTY;
        for one in self.types() {
            for verb in Verb::ALL.into_iter().filter(|verb| keep(*verb)) {
                set = set.union(one.added_by(verb));
            }
        }
        set
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

const fn namespaces(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect | Verb::Read | Verb::Use => &[],
        Verb::Manage => &[
            P::ObjectStorageNamespaceRead,
            P::ObjectStorageNamespaceUpdate,
        ],
    })
}

const fn buckets(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect => &[P::BucketInspect],
        Verb::Read => &[P::BucketRead],
        Verb::Use => &[P::BucketUpdate],
        Verb::Manage => &[
            P::BucketCreate,
            P::BucketDelete,
            P::ParManage,
            P::RetentionRuleManage,
            P::RetentionRuleLock,
        ],
    })
}

const fn objects(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect => &[P::ObjectInspect],
        Verb::Read => &[P::ObjectRead],
        Verb::Use => &[P::ObjectOverwrite],
        Verb::Manage => &[
            P::ObjectCreate,
            P::ObjectDelete,
            P::ObjectVersionDelete,
            P::ObjectRestore,
            P::ObjectUpdateTier,
        ],
    })
}

const fn users(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect => &[P::UserInspect],
        Verb::Read => &[P::UserRead],
        Verb::Use => &[P::UserUpdate],
        Verb::Manage => &[
            P::UserCreate,
            P::UserDelete,
            P::UserUnblock,
            P::UserApiKeyAdd,
            P::UserApiKeyRemove,
            P::UserUiPassSet,
            P::UserUiPassReset,
            P::UserAuthTokenSet,
            P::UserAuthTokenReset,
            P::UserAuthTokenRemove,
            P::UserSecretKeyAdd,
            P::UserSecretKeyUpdate,
            P::UserSecretKeyRemove,
            P::UserSwiftPassSet,
            P::UserSwiftPassReset,
            P::UserSwiftPassRemove,
            P::UserOAuth2ClientCredCreate,
            P::UserOAuth2ClientCredUpdate,
            P::UserOAuth2ClientCredRemove,
            P::UserTotpDeviceAdd,
            P::UserTotpDeviceRemove,
            P::UserTotpDeviceUpdate,
        ],
    })
}

const fn groups(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect => &[P::GroupInspect],
        Verb::Read => &[],
        Verb::Use => &[P::GroupUpdate],
        Verb::Manage => &[P::GroupCreate, P::GroupDelete],
    })
}

const fn dynamic_groups(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect => &[P::DynamicGroupInspect],
        Verb::Read => &[],
        Verb::Use => &[P::DynamicGroupUpdate],
        Verb::Manage => &[P::DynamicGroupCreate, P::DynamicGroupDelete],
    })
}

const fn policies(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect => &[P::PolicyRead],
        Verb::Read | Verb::Use => &[],
        Verb::Manage => &[P::PolicyUpdate, P::PolicyCreate, P::PolicyDelete],
    })
}

const fn compartments(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect => &[P::CompartmentInspect],
        Verb::Read => &[],
        Verb::Use => &[P::CompartmentUpdate],
        Verb::Manage => &[
            P::CompartmentCreate,
            P::CompartmentDelete,
            P::CompartmentRecover,
        ],
    })
}

const fn tenancies(verb: Verb) -> PermissionSet {
    PermissionSet::of(match verb {
        Verb::Inspect => &[P::TenancyInspect],
        Verb::Read => &[],
        Verb::Use | Verb::Manage => &[P::TenancyUpdate],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECTS: Resource = Resource::Type(ResourceType::Objects);

    fn set(permissions: &[Permission]) -> PermissionSet {
        PermissionSet::of(permissions)
    }

    #[test]
    fn each_verb_grants_what_the_verbs_below_it_grant() {
        for one in ResourceType::ALL {
            for pair in Verb::ALL.windows(2) {
                let (below, above) = (
                    Resource::Type(one).granted_by(pair[0]),
                    Resource::Type(one).granted_by(pair[1]),
                );
                assert_eq!(
                    below.union(above),
                    above,
                    "{} {}",
                    pair[1].as_str(),
                    one.as_str()
                );
            }
        }
    }

    #[test]
    fn use_objects_overwrites_but_does_not_create() {
        let expected = set(&[P::ObjectInspect, P::ObjectRead, P::ObjectOverwrite]);
        assert_eq!(OBJECTS.granted_by(Verb::Use), expected);
    }

    #[test]
    fn par_manage_belongs_to_manage_buckets() {
        let buckets = Resource::Type(ResourceType::Buckets);
        assert!(buckets.granted_by(Verb::Manage).contains(P::ParManage));
        assert!(!buckets.granted_by(Verb::Use).contains(P::ParManage));
        assert!(!OBJECTS.granted_by(Verb::Manage).contains(P::ParManage));
    }

    #[test]
    fn reading_a_namespace_takes_manage() {
        let namespaces = Resource::Type(ResourceType::Namespaces);
        assert!(namespaces.granted_by(Verb::Use).is_empty());
        assert!(!namespaces.granted_by(Verb::Manage).is_empty());
    }

    #[test]
    fn denying_inspect_refuses_everything_above_it_too() {
        assert_eq!(OBJECTS.refused_by(Verb::Inspect), OBJECTS.permissions());
    }

    #[test]
    fn denying_manage_leaves_the_verbs_below_it_alone() {
        let refused = OBJECTS.refused_by(Verb::Manage);
        assert!(refused.contains(P::ObjectCreate));
        assert!(!refused.contains(P::ObjectOverwrite));
    }

    #[test]
    fn the_object_family_is_namespaces_buckets_and_objects() {
        let mut expected = PermissionSet::EMPTY;
        for one in [
            ResourceType::Namespaces,
            ResourceType::Buckets,
            ResourceType::Objects,
        ] {
            expected = expected.union(Resource::Type(one).permissions());
        }
        assert_eq!(Resource::ObjectFamily.permissions(), expected);
    }

    #[test]
    fn every_permission_belongs_to_a_resource_type() {
        assert_eq!(Resource::AllResources.permissions(), PermissionSet::ALL);
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(
            Resource::parse("Object-Family"),
            Some(Resource::ObjectFamily)
        );
        assert_eq!(
            Resource::parse("BUCKETS"),
            Some(Resource::Type(ResourceType::Buckets))
        );
        assert_eq!(Verb::parse("MANAGE"), Some(Verb::Manage));
    }
}
