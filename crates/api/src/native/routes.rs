//! Every route of the native face, for people and tests to read.

/// One operation: a method on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteRow {
    /// The method.
    pub method: &'static str,
    /// The path with names in braces. `{object}` and `{parId}` take everything that follows, slashes included.
    pub template: &'static str,
    /// The operation's name in OCI's API, or our name for the forms under a pre-authenticated request.
    pub operation: &'static str,
    /// Whether it is there; one that is not answers 501.
    pub implemented: bool,
}

pub(super) const NAMESPACES: &str = "/n";
pub(super) const NAMESPACE: &str = "/n/{namespace}";
pub(super) const BUCKETS: &str = "/n/{namespace}/b";
pub(super) const BUCKET: &str = "/n/{namespace}/b/{bucket}";
pub(super) const OBJECTS: &str = "/n/{namespace}/b/{bucket}/o";
pub(super) const OBJECT: &str = "/n/{namespace}/b/{bucket}/o/{object}";
pub(super) const VERSIONS: &str = "/n/{namespace}/b/{bucket}/objectversions";
pub(super) const UPLOADS: &str = "/n/{namespace}/b/{bucket}/u";
pub(super) const UPLOAD: &str = "/n/{namespace}/b/{bucket}/u/{object}";
pub(super) const PARS: &str = "/n/{namespace}/b/{bucket}/p";
pub(super) const PAR: &str = "/n/{namespace}/b/{bucket}/p/{parId}";
pub(super) const LIFECYCLE: &str = "/n/{namespace}/b/{bucket}/l";
pub(super) const RETENTION_RULES: &str = "/n/{namespace}/b/{bucket}/retentionRules";
pub(super) const RETENTION_RULE: &str = "/n/{namespace}/b/{bucket}/retentionRules/{id}";
pub(super) const REPLICATION_POLICIES: &str = "/n/{namespace}/b/{bucket}/replicationPolicies";
pub(super) const REPLICATION_POLICY: &str = "/n/{namespace}/b/{bucket}/replicationPolicies/{id}";
pub(super) const REPLICATION_SOURCES: &str = "/n/{namespace}/b/{bucket}/replicationSources";
pub(super) const MAKE_WRITABLE: &str = "/n/{namespace}/b/{bucket}/actions/makeBucketWritable";
pub(super) const REENCRYPT_BUCKET: &str = "/n/{namespace}/b/{bucket}/actions/reencrypt";
pub(super) const REENCRYPT_OBJECT: &str = "/n/{namespace}/b/{bucket}/actions/reencrypt/{object}";
pub(super) const BATCH_DELETE: &str = "/n/{namespace}/b/{bucket}/actions/batchDeleteObjects";
pub(super) const RENAME: &str = "/n/{namespace}/b/{bucket}/actions/renameObject";
pub(super) const COPY: &str = "/n/{namespace}/b/{bucket}/actions/copyObject";
pub(super) const RESTORE: &str = "/n/{namespace}/b/{bucket}/actions/restoreObjects";
pub(super) const UPDATE_TIER: &str = "/n/{namespace}/b/{bucket}/actions/updateObjectStorageTier";
pub(super) const PRIVATE_ENDPOINTS: &str = "/n/{namespace}/pe";
pub(super) const PRIVATE_ENDPOINT: &str = "/n/{namespace}/pe/{name}";
pub(super) const WORK_REQUESTS: &str = "/workRequests";
pub(super) const WORK_REQUEST: &str = "/workRequests/{id}";
pub(super) const WORK_REQUEST_ERRORS: &str = "/workRequests/{id}/errors";
pub(super) const WORK_REQUEST_LOGS: &str = "/workRequests/{id}/logs";
pub(super) const SECRET_OBJECTS: &str = "/p/{secret}/n/{namespace}/b/{bucket}/o";
pub(super) const SECRET_OBJECT: &str = "/p/{secret}/n/{namespace}/b/{bucket}/o/{object}";
pub(super) const SECRET_UPLOAD: &str =
    "/p/{secret}/n/{namespace}/b/{bucket}/u/{object}/id/{uploadId}";
pub(super) const SECRET_PART: &str =
    "/p/{secret}/n/{namespace}/b/{bucket}/u/{object}/id/{uploadId}/{part}";

/// All of wire reference section 3, and the data plane of section 7. `OPTIONS` answers on every template besides.
pub const ROUTES: &[RouteRow] = &[
    here("GET", NAMESPACES, "GetNamespace"),
    here("GET", NAMESPACE, "GetNamespaceMetadata"),
    here("PUT", NAMESPACE, "UpdateNamespaceMetadata"),
    here("POST", BUCKETS, "CreateBucket"),
    here("GET", BUCKETS, "ListBuckets"),
    here("GET", BUCKET, "GetBucket"),
    here("HEAD", BUCKET, "HeadBucket"),
    here("POST", BUCKET, "UpdateBucket"),
    here("DELETE", BUCKET, "DeleteBucket"),
    here("POST", MAKE_WRITABLE, "MakeBucketWritable"),
    here("POST", REENCRYPT_BUCKET, "ReencryptBucket"),
    here("GET", OBJECTS, "ListObjects"),
    here("PUT", OBJECT, "PutObject"),
    here("GET", OBJECT, "GetObject"),
    here("HEAD", OBJECT, "HeadObject"),
    here("DELETE", OBJECT, "DeleteObject"),
    here("GET", VERSIONS, "ListObjectVersions"),
    here("POST", BATCH_DELETE, "BatchDeleteObjects"),
    here("POST", RENAME, "RenameObject"),
    here("POST", COPY, "CopyObject"),
    here("POST", RESTORE, "RestoreObjects"),
    here("POST", UPDATE_TIER, "UpdateObjectStorageTier"),
    here("POST", REENCRYPT_OBJECT, "ReencryptObject"),
    here("POST", UPLOADS, "CreateMultipartUpload"),
    here("GET", UPLOADS, "ListMultipartUploads"),
    here("PUT", UPLOAD, "UploadPart"),
    here("POST", UPLOAD, "CommitMultipartUpload"),
    here("DELETE", UPLOAD, "AbortMultipartUpload"),
    here("GET", UPLOAD, "ListMultipartUploadParts"),
    here("POST", PARS, "CreatePreauthenticatedRequest"),
    here("GET", PARS, "ListPreauthenticatedRequests"),
    here("GET", PAR, "GetPreauthenticatedRequest"),
    here("DELETE", PAR, "DeletePreauthenticatedRequest"),
    here("PUT", LIFECYCLE, "PutObjectLifecyclePolicy"),
    here("GET", LIFECYCLE, "GetObjectLifecyclePolicy"),
    here("DELETE", LIFECYCLE, "DeleteObjectLifecyclePolicy"),
    here("POST", RETENTION_RULES, "CreateRetentionRule"),
    here("GET", RETENTION_RULES, "ListRetentionRules"),
    here("GET", RETENTION_RULE, "GetRetentionRule"),
    here("PUT", RETENTION_RULE, "UpdateRetentionRule"),
    here("DELETE", RETENTION_RULE, "DeleteRetentionRule"),
    here("POST", REPLICATION_POLICIES, "CreateReplicationPolicy"),
    here("GET", REPLICATION_POLICIES, "ListReplicationPolicies"),
    here("GET", REPLICATION_POLICY, "GetReplicationPolicy"),
    here("DELETE", REPLICATION_POLICY, "DeleteReplicationPolicy"),
    here("GET", REPLICATION_SOURCES, "ListReplicationSources"),
    absent("POST", PRIVATE_ENDPOINTS, "CreatePrivateEndpoint"),
    absent("GET", PRIVATE_ENDPOINTS, "ListPrivateEndpoints"),
    absent("GET", PRIVATE_ENDPOINT, "GetPrivateEndpoint"),
    absent("POST", PRIVATE_ENDPOINT, "UpdatePrivateEndpoint"),
    absent("DELETE", PRIVATE_ENDPOINT, "DeletePrivateEndpoint"),
    here("GET", WORK_REQUESTS, "ListWorkRequests"),
    here("GET", WORK_REQUEST, "GetWorkRequest"),
    here("DELETE", WORK_REQUEST, "CancelWorkRequest"),
    here("GET", WORK_REQUEST_ERRORS, "ListWorkRequestErrors"),
    here("GET", WORK_REQUEST_LOGS, "ListWorkRequestLogs"),
    here("GET", SECRET_OBJECTS, "ListObjects"),
    here("PUT", SECRET_OBJECT, "PutObject"),
    here("GET", SECRET_OBJECT, "GetObject"),
    here("HEAD", SECRET_OBJECT, "HeadObject"),
    here("POST", SECRET_UPLOAD, "CommitMultipartUpload"),
    here("DELETE", SECRET_UPLOAD, "AbortMultipartUpload"),
    here("PUT", SECRET_PART, "UploadPart"),
];

/// The methods of a template, for an `Allow` header.
pub(super) fn methods(template: &str) -> impl Iterator<Item = &'static str> {
    let rows = ROUTES.iter().filter(move |row| row.template == template);
    rows.map(|row| row.method)
}

const fn here(method: &'static str, template: &'static str, operation: &'static str) -> RouteRow {
    RouteRow {
        method,
        template,
        operation,
        implemented: true,
    }
}

const fn absent(method: &'static str, template: &'static str, operation: &'static str) -> RouteRow {
    RouteRow {
        implemented: false,
        ..here(method, template, operation)
    }
}
