//! The permissions themselves, and sets of them.

use std::fmt;

/// Makes the enum, its texts and its list from one table.
macro_rules! permissions {
    ($($variant:ident = $text:literal,)+) => {
        /// What an operation asks for, in OCI's spelling (wire reference 12.1 and 12.3).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
        }

        impl Permission {
            /// Every permission there is, in the order of the reference's tables.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// OCI's spelling.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

permissions! {
    ObjectStorageNamespaceRead = "OBJECTSTORAGE_NAMESPACE_READ",
    ObjectStorageNamespaceUpdate = "OBJECTSTORAGE_NAMESPACE_UPDATE",
    BucketInspect = "BUCKET_INSPECT",
    BucketRead = "BUCKET_READ",
    BucketUpdate = "BUCKET_UPDATE",
    BucketCreate = "BUCKET_CREATE",
    BucketDelete = "BUCKET_DELETE",
    ParManage = "PAR_MANAGE",
    RetentionRuleManage = "RETENTION_RULE_MANAGE",
    RetentionRuleLock = "RETENTION_RULE_LOCK",
    ObjectInspect = "OBJECT_INSPECT",
    ObjectRead = "OBJECT_READ",
    ObjectOverwrite = "OBJECT_OVERWRITE",
    ObjectCreate = "OBJECT_CREATE",
    ObjectDelete = "OBJECT_DELETE",
    ObjectVersionDelete = "OBJECT_VERSION_DELETE",
    ObjectRestore = "OBJECT_RESTORE",
    ObjectUpdateTier = "OBJECT_UPDATE_TIER",
    UserInspect = "USER_INSPECT",
    UserRead = "USER_READ",
    UserUpdate = "USER_UPDATE",
    UserCreate = "USER_CREATE",
    UserDelete = "USER_DELETE",
    UserUnblock = "USER_UNBLOCK",
    UserApiKeyAdd = "USER_APIKEY_ADD",
    UserApiKeyRemove = "USER_APIKEY_REMOVE",
    UserUiPassSet = "USER_UIPASS_SET",
    UserUiPassReset = "USER_UIPASS_RESET",
    UserAuthTokenSet = "USER_AUTHTOKEN_SET",
    UserAuthTokenReset = "USER_AUTHTOKEN_RESET",
    UserAuthTokenRemove = "USER_AUTHTOKEN_REMOVE",
    UserSecretKeyAdd = "USER_SECRETKEY_ADD",
    UserSecretKeyUpdate = "USER_SECRETKEY_UPDATE",
    UserSecretKeyRemove = "USER_SECRETKEY_REMOVE",
    UserSwiftPassSet = "USER_SWIFTPASS_SET",
    UserSwiftPassReset = "USER_SWIFTPASS_RESET",
    UserSwiftPassRemove = "USER_SWIFTPASS_REMOVE",
    UserOAuth2ClientCredCreate = "USER_OAUTH2_CLIENT_CRED_CREATE",
    UserOAuth2ClientCredUpdate = "USER_OAUTH2_CLIENT_CRED_UPDATE",
    UserOAuth2ClientCredRemove = "USER_OAUTH2_CLIENT_CRED_REMOVE",
    UserTotpDeviceAdd = "USER_TOTPDEVICE_ADD",
    UserTotpDeviceRemove = "USER_TOTPDEVICE_REMOVE",
    UserTotpDeviceUpdate = "USER_TOTPDEVICE_UPDATE",
    GroupInspect = "GROUP_INSPECT",
    GroupUpdate = "GROUP_UPDATE",
    GroupCreate = "GROUP_CREATE",
    GroupDelete = "GROUP_DELETE",
    DynamicGroupInspect = "DYNAMIC_GROUP_INSPECT",
    DynamicGroupUpdate = "DYNAMIC_GROUP_UPDATE",
    DynamicGroupCreate = "DYNAMIC_GROUP_CREATE",
    DynamicGroupDelete = "DYNAMIC_GROUP_DELETE",
    PolicyRead = "POLICY_READ",
    PolicyUpdate = "POLICY_UPDATE",
    PolicyCreate = "POLICY_CREATE",
    PolicyDelete = "POLICY_DELETE",
    CompartmentInspect = "COMPARTMENT_INSPECT",
    CompartmentUpdate = "COMPARTMENT_UPDATE",
    CompartmentCreate = "COMPARTMENT_CREATE",
    CompartmentDelete = "COMPARTMENT_DELETE",
    CompartmentRecover = "COMPARTMENT_RECOVER",
    TenancyInspect = "TENANCY_INSPECT",
    TenancyUpdate = "TENANCY_UPDATE",
}

impl Permission {
    /// The permission of that name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A set of permissions, as one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PermissionSet(u128);

impl PermissionSet {
    /// No permission.
    pub const EMPTY: Self = Self(0);

    /// Every permission.
    pub const ALL: Self = Self::of(Permission::ALL);

    /// Exactly these.
    pub const fn of(permissions: &[Permission]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < permissions.len() {
            bits |= Self::bit(permissions[index]);
            index += 1;
        }
        Self(bits)
    }

    /// Whether the permission is in the set.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// What is in either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |permission| self.contains(*permission))
    }

    const fn bit(permission: Permission) -> u128 {
        1 << permission as u32
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions
            .into_iter()
            .fold(Self::EMPTY, |set, permission| {
                set.union(Self::of(&[permission]))
            })
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_found_by_its_name_in_any_case() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
            assert_eq!(
                Permission::parse(&permission.as_str().to_lowercase()),
                Some(*permission)
            );
        }
    }

    #[test]
    fn another_name_is_no_permission() {
        assert_eq!(Permission::parse("OBJECT_WRITE"), None);
        assert_eq!(Permission::parse(""), None);
    }

    #[test]
    fn a_set_holds_exactly_its_members() {
        let members = [Permission::ObjectRead, Permission::TenancyUpdate];
        let set = PermissionSet::of(&members);
        assert_eq!(set.iter().collect::<Vec<_>>(), members);
        assert!(!set.contains(Permission::ObjectCreate));
    }

    #[test]
    fn the_full_set_holds_every_permission() {
        assert_eq!(PermissionSet::ALL.iter().count(), Permission::ALL.len());
    }
}
