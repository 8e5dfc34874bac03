//! The operations and the permissions each needs (wire reference 12.2, 12.3 and 13.1).

use super::{Permission, PermissionSet};
use Permission as P;

/// The permissions an operation needs. Each is asked for on its own, with its own
/// `request.permission` (wire reference 12.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// A valid caller is enough.
    Nothing,
    /// Every one of them.
    AllOf(PermissionSet),
    /// At least one of them.
    AnyOf(PermissionSet),
    /// All of `always`, and `create` if the target does not exist yet, else `overwrite`. The caller
    /// knows which, because it has looked.
    ByExistence {
        /// Needed in both cases.
        always: PermissionSet,
        /// Needed if the target is new.
        create: Permission,
        /// Needed if the target exists.
        overwrite: Permission,
    },
}

/// Makes the enum, its names and its requirements from one table.
macro_rules! operations {
    ($($variant:ident = $name:literal => $requirement:expr,)+) => {
        /// An operation of the two APIs. Its name is what `request.operation` compares with.
        ///
        /// The work requests of the Identity API are `IdentityGetWorkRequest` and
        /// `IdentityListWorkRequests`: the same names as in Object Storage, other permissions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl Operation {
            /// Every operation there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// OCI's name, the value of `request.operation`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What the operation needs. Three operations need more in some requests, which their
            /// callers ask for besides:
            ///
            /// - GetNamespace with `compartmentId`: OBJECTSTORAGE_NAMESPACE_READ there;
            /// - CreatePreauthenticatedRequest: what the new request grants (7.3);
            /// - Create- and UpdateRetentionRule that set a lock: RETENTION_RULE_LOCK.
            pub const fn requires(self) -> Requirement {
                match self {
                    $(Self::$variant => $requirement,)+
                }
            }
        }
    };
}

operations! {
    // Object Storage: namespaces and buckets.
    GetNamespace = "GetNamespace" => NOTHING,
    GetNamespaceMetadata = "GetNamespaceMetadata" => all(&[P::ObjectStorageNamespaceRead]),
    UpdateNamespaceMetadata = "UpdateNamespaceMetadata" => all(&[P::ObjectStorageNamespaceUpdate]),
    ListBuckets = "ListBuckets" => all(&[P::BucketInspect]),
    HeadBucket = "HeadBucket" => all(&[P::BucketInspect]),
    GetBucket = "GetBucket" => all(&[P::BucketRead]),
    CreateBucket = "CreateBucket" => all(&[P::BucketCreate]),
    UpdateBucket = "UpdateBucket" => all(&[P::BucketUpdate]),
    ReencryptBucket = "ReencryptBucket" => all(&[P::BucketUpdate]),
    DeleteBucket = "DeleteBucket" => all(&[P::BucketDelete]),
    MakeBucketWritable = "MakeBucketWritable" => Requirement::AllOf(REPLICATION),

    // Object Storage: objects.
    HeadObject = "HeadObject" => any(&[P::ObjectRead, P::ObjectInspect]),
    GetObject = "GetObject" => all(&[P::ObjectRead]),
    ListObjects = "ListObjects" => all(&[P::ObjectInspect]),
    ListObjectVersions = "ListObjectVersions" => all(&[P::ObjectInspect]),
    PutObject = "PutObject" => PUT_OBJECT,
    DeleteObject = "DeleteObject" => all(&[P::ObjectDelete]),
    BatchDeleteObjects = "BatchDeleteObjects" => all(&[P::ObjectDelete]),
    DeleteObjectVersion = "DeleteObjectVersion" => all(&[P::ObjectVersionDelete]),
    RenameObject = "RenameObject" => all(&[P::ObjectCreate, P::ObjectOverwrite]),
    CopyObject = "CopyObject" =>
        all(&[P::ObjectRead, P::ObjectInspect, P::ObjectCreate, P::ObjectOverwrite]),
    RestoreObjects = "RestoreObjects" => all(&[P::ObjectRestore]),
    UpdateObjectStorageTier = "UpdateObjectStorageTier" => all(&[P::ObjectUpdateTier]),
    ReencryptObject = "ReencryptObject" => all(&[P::ObjectRead, P::ObjectOverwrite]),

    // Object Storage: multipart uploads.
    CreateMultipartUpload = "CreateMultipartUpload" => all(&[P::ObjectCreate, P::ObjectOverwrite]),
    UploadPart = "UploadPart" => all(&[P::ObjectCreate, P::ObjectOverwrite]),
    CommitMultipartUpload = "CommitMultipartUpload" => all(&[P::ObjectCreate, P::ObjectOverwrite]),
    AbortMultipartUpload = "AbortMultipartUpload" => all(&[P::ObjectDelete]),
    ListMultipartUploads = "ListMultipartUploads" => all(&[P::BucketRead]),
    ListMultipartUploadParts = "ListMultipartUploadParts" => all(&[P::ObjectInspect]),

    // Object Storage: pre-authenticated requests.
    CreatePreauthenticatedRequest = "CreatePreauthenticatedRequest" => all(&[P::ParManage]),
    DeletePreauthenticatedRequest = "DeletePreauthenticatedRequest" => all(&[P::ParManage]),
    GetPreauthenticatedRequest = "GetPreauthenticatedRequest" =>
        any(&[P::ParManage, P::BucketRead]),
    ListPreauthenticatedRequests = "ListPreauthenticatedRequests" =>
        any(&[P::ParManage, P::BucketRead]),

    // Object Storage: lifecycle, retention, replication.
    PutObjectLifecyclePolicy = "PutObjectLifecyclePolicy" =>
        all(&[P::BucketUpdate, P::ObjectCreate, P::ObjectDelete]),
    GetObjectLifecyclePolicy = "GetObjectLifecyclePolicy" => all(&[P::BucketRead]),
    DeleteObjectLifecyclePolicy = "DeleteObjectLifecyclePolicy" => all(&[P::BucketUpdate]),
    CreateRetentionRule = "CreateRetentionRule" => all(&[P::BucketUpdate, P::RetentionRuleManage]),
    UpdateRetentionRule = "UpdateRetentionRule" => all(&[P::BucketUpdate, P::RetentionRuleManage]),
    DeleteRetentionRule = "DeleteRetentionRule" => all(&[P::BucketUpdate, P::RetentionRuleManage]),
    GetRetentionRule = "GetRetentionRule" => all(&[P::BucketRead]),
    ListRetentionRules = "ListRetentionRules" => all(&[P::BucketRead]),
    CreateReplicationPolicy = "CreateReplicationPolicy" =>
        Requirement::AllOf(REPLICATION.union(PermissionSet::of(&[P::ObjectRestore]))),
    DeleteReplicationPolicy = "DeleteReplicationPolicy" =>
        Requirement::AllOf(REPLICATION.union(PermissionSet::of(&[P::ObjectRestore]))),
    GetReplicationPolicy = "GetReplicationPolicy" => all(&[P::BucketRead]),
    ListReplicationPolicies = "ListReplicationPolicies" => all(&[P::BucketRead]),
    ListReplicationSources = "ListReplicationSources" => all(&[P::BucketRead]),

    // Object Storage: work requests. The reference does not name their errors and logs, which tell
    // no more than the work request itself.
    GetWorkRequest = "GetWorkRequest" => all(&[P::ObjectRead]),
    ListWorkRequestErrors = "ListWorkRequestErrors" => all(&[P::ObjectRead]),
    ListWorkRequestLogs = "ListWorkRequestLogs" => all(&[P::ObjectRead]),
    ListWorkRequests = "ListWorkRequests" => all(&[P::ObjectInspect]),
    CancelWorkRequest = "CancelWorkRequest" => all(&[P::ObjectDelete]),

    // Identity: users.
    CreateUser = "CreateUser" => all(&[P::UserCreate]),
    ListUsers = "ListUsers" => all(&[P::UserInspect]),
    GetUser = "GetUser" => all(&[P::UserInspect]),
    UpdateUser = "UpdateUser" => all(&[P::UserUpdate]),
    UpdateUserCapabilities = "UpdateUserCapabilities" => all(&[P::UserUpdate]),
    UpdateUserState = "UpdateUserState" => all(&[P::UserUpdate, P::UserUnblock]),
    DeleteUser = "DeleteUser" => all(&[P::UserDelete]),

    // Identity: credentials.
    CreateOrResetUiPassword = "CreateOrResetUIPassword" => UI_PASSWORD,
    GetUserUiPasswordInformation = "GetUserUIPasswordInformation" => all(&[P::UserRead]),
    UploadApiKey = "UploadApiKey" => all(&[P::UserUpdate, P::UserApiKeyAdd]),
    ListApiKeys = "ListApiKeys" => all(&[P::UserRead]),
    DeleteApiKey = "DeleteApiKey" => all(&[P::UserUpdate, P::UserApiKeyRemove]),
    CreateAuthToken = "CreateAuthToken" => all(&[P::UserUpdate, P::UserAuthTokenSet]),
    ListAuthTokens = "ListAuthTokens" => all(&[P::UserRead]),
    UpdateAuthToken = "UpdateAuthToken" => all(&[P::UserUpdate, P::UserAuthTokenReset]),
    DeleteAuthToken = "DeleteAuthToken" => all(&[P::UserUpdate, P::UserAuthTokenRemove]),
    CreateCustomerSecretKey = "CreateCustomerSecretKey" =>
        all(&[P::UserUpdate, P::UserSecretKeyAdd]),
    ListCustomerSecretKeys = "ListCustomerSecretKeys" => all(&[P::UserRead]),
    UpdateCustomerSecretKey = "UpdateCustomerSecretKey" =>
        all(&[P::UserUpdate, P::UserSecretKeyUpdate]),
    DeleteCustomerSecretKey = "DeleteCustomerSecretKey" =>
        all(&[P::UserUpdate, P::UserSecretKeyRemove]),

    // Identity: groups.
    CreateGroup = "CreateGroup" => all(&[P::GroupCreate]),
    ListGroups = "ListGroups" => all(&[P::GroupInspect]),
    GetGroup = "GetGroup" => all(&[P::GroupInspect]),
    UpdateGroup = "UpdateGroup" => all(&[P::GroupUpdate]),
    DeleteGroup = "DeleteGroup" => all(&[P::GroupDelete]),
    AddUserToGroup = "AddUserToGroup" => all(&[P::GroupUpdate, P::UserUpdate]),
    RemoveUserFromGroup = "RemoveUserFromGroup" => all(&[P::GroupUpdate, P::UserUpdate]),
    ListUserGroupMemberships = "ListUserGroupMemberships" =>
        all(&[P::GroupInspect, P::UserInspect]),
    GetUserGroupMembership = "GetUserGroupMembership" => all(&[P::GroupInspect, P::UserInspect]),
    CreateDynamicGroup = "CreateDynamicGroup" => all(&[P::DynamicGroupCreate]),
    ListDynamicGroups = "ListDynamicGroups" => all(&[P::DynamicGroupInspect]),
    GetDynamicGroup = "GetDynamicGroup" => all(&[P::DynamicGroupInspect]),
    UpdateDynamicGroup = "UpdateDynamicGroup" => all(&[P::DynamicGroupUpdate]),
    DeleteDynamicGroup = "DeleteDynamicGroup" => all(&[P::DynamicGroupDelete]),

    // Identity: policies and compartments. Moving takes all-resources on the lowest shared parent.
    CreatePolicy = "CreatePolicy" => all(&[P::PolicyCreate]),
    ListPolicies = "ListPolicies" => all(&[P::PolicyRead]),
    GetPolicy = "GetPolicy" => all(&[P::PolicyRead]),
    UpdatePolicy = "UpdatePolicy" => all(&[P::PolicyUpdate]),
    DeletePolicy = "DeletePolicy" => all(&[P::PolicyDelete]),
    CreateCompartment = "CreateCompartment" => all(&[P::CompartmentCreate]),
    ListCompartments = "ListCompartments" => all(&[P::CompartmentInspect]),
    GetCompartment = "GetCompartment" => all(&[P::CompartmentInspect]),
    UpdateCompartment = "UpdateCompartment" => all(&[P::CompartmentUpdate]),
    DeleteCompartment = "DeleteCompartment" => all(&[P::CompartmentDelete]),
    RecoverCompartment = "RecoverCompartment" => all(&[P::CompartmentRecover]),
    MoveCompartment = "MoveCompartment" => Requirement::AllOf(PermissionSet::ALL),

    // Identity: the tenancy and what is fixed in it. The reference gives no permissions for
    // domains, fault and availability domains and work requests; theirs are chosen here.
    GetTenancy = "GetTenancy" => all(&[P::TenancyInspect]),
    ListRegionSubscriptions = "ListRegionSubscriptions" => all(&[P::TenancyInspect]),
    CreateRegionSubscription = "CreateRegionSubscription" => all(&[P::TenancyUpdate]),
    ListRegions = "ListRegions" => NOTHING,
    ListAvailabilityDomains = "ListAvailabilityDomains" => all(&[P::CompartmentInspect]),
    ListFaultDomains = "ListFaultDomains" => all(&[P::CompartmentInspect]),
    ListDomains = "ListDomains" => all(&[P::CompartmentInspect]),
    GetDomain = "GetDomain" => all(&[P::CompartmentInspect]),
    IdentityGetWorkRequest = "GetWorkRequest" => all(&[P::CompartmentInspect]),
    IdentityListWorkRequests = "ListWorkRequests" => all(&[P::CompartmentInspect]),
}

impl Operation {
    /// OCI's spelling of that operation name, given in any case; `None` if there is no such
    /// operation.
    ///
    /// `CreateCopyRequest`, as OCI's own policies call it, is understood as CopyObject.
    pub fn canonical_name(text: &str) -> Option<&'static str> {
        if text.eq_ignore_ascii_case("CreateCopyRequest") {
            return Some(Self::CopyObject.name());
        }
        let mut names = Self::ALL.iter().map(|operation| operation.name());
        names.find(|name| name.eq_ignore_ascii_case(text))
    }
}

const NOTHING: Requirement = Requirement::Nothing;

const PUT_OBJECT: Requirement = Requirement::ByExistence {
    always: PermissionSet::EMPTY,
    create: P::ObjectCreate,
    overwrite: P::ObjectOverwrite,
};

const UI_PASSWORD: Requirement = Requirement::ByExistence {
    always: PermissionSet::of(&[P::UserUpdate]),
    create: P::UserUiPassSet,
    overwrite: P::UserUiPassReset,
};

/// What a replication policy needs; creating and deleting one takes OBJECT_RESTORE besides.
const REPLICATION: PermissionSet = PermissionSet::of(&[
    P::ObjectRead,
    P::ObjectCreate,
    P::ObjectOverwrite,
    P::ObjectInspect,
    P::ObjectDelete,
    P::BucketRead,
    P::BucketUpdate,
]);

const fn all(permissions: &[Permission]) -> Requirement {
    Requirement::AllOf(PermissionSet::of(permissions))
}

const fn any(permissions: &[Permission]) -> Requirement {
    Requirement::AnyOf(PermissionSet::of(permissions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_name_is_found_in_any_case() {
        for operation in Operation::ALL {
            let lower = operation.name().to_lowercase();
            assert_eq!(Operation::canonical_name(&lower), Some(operation.name()));
        }
        assert_eq!(Operation::canonical_name("LaunchInstance"), None);
    }

    #[test]
    fn create_copy_request_is_copy_object() {
        assert_eq!(
            Operation::canonical_name("createCopyRequest"),
            Some("CopyObject")
        );
    }

    #[test]
    fn only_the_work_requests_share_their_names() {
        let mut names: Vec<&str> = Operation::ALL
            .iter()
            .map(|operation| operation.name())
            .collect();
        names.sort_unstable();
        let shared: Vec<&str> = names
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
            .collect();
        assert_eq!(shared, ["GetWorkRequest", "ListWorkRequests"]);
    }

    #[test]
    fn put_object_needs_create_or_overwrite_as_the_name_is_free_or_not() {
        let Requirement::ByExistence {
            always,
            create,
            overwrite,
        } = Operation::PutObject.requires()
        else {
            panic!("PutObject is decided by existence");
        };
        assert!(always.is_empty());
        assert_eq!((create, overwrite), (P::ObjectCreate, P::ObjectOverwrite));
    }

    #[test]
    fn head_object_needs_read_or_inspect() {
        let expected = PermissionSet::of(&[P::ObjectRead, P::ObjectInspect]);
        assert_eq!(
            Operation::HeadObject.requires(),
            Requirement::AnyOf(expected)
        );
    }

    #[test]
    fn committing_an_upload_needs_create_and_overwrite() {
        let expected = PermissionSet::of(&[P::ObjectCreate, P::ObjectOverwrite]);
        assert_eq!(
            Operation::CommitMultipartUpload.requires(),
            Requirement::AllOf(expected)
        );
    }

    #[test]
    fn only_two_operations_need_nothing() {
        let free: Vec<Operation> = Operation::ALL
            .iter()
            .copied()
            .filter(|operation| operation.requires() == Requirement::Nothing)
            .collect();
        assert_eq!(free, [Operation::GetNamespace, Operation::ListRegions]);
    }
}
