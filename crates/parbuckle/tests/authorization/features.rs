//! The rows of the native face for what objects and buckets can do besides: versions, rename, copy, tiers, encryption,
//! lifecycle, retention, replication, work requests. Permissions are those of wire reference 12.2.

use super::row::{Hides, Needs, Row, Scene, row};

const BUCKET: &str = "/n/{namespace}/b/{bucket}";
const OBJECT: &str = "/n/{namespace}/b/{bucket}/o/{object}";
const VERSIONS: &str = "/n/{namespace}/b/{bucket}/objectversions";
const BATCH_DELETE: &str = "/n/{namespace}/b/{bucket}/actions/batchDeleteObjects";
const RENAME: &str = "/n/{namespace}/b/{bucket}/actions/renameObject";
const COPY: &str = "/n/{namespace}/b/{bucket}/actions/copyObject";
const RESTORE: &str = "/n/{namespace}/b/{bucket}/actions/restoreObjects";
const UPDATE_TIER: &str = "/n/{namespace}/b/{bucket}/actions/updateObjectStorageTier";
const REENCRYPT_OBJECT: &str = "/n/{namespace}/b/{bucket}/actions/reencrypt/{object}";
const REENCRYPT_BUCKET: &str = "/n/{namespace}/b/{bucket}/actions/reencrypt";
const LIFECYCLE: &str = "/n/{namespace}/b/{bucket}/l";
const RULES: &str = "/n/{namespace}/b/{bucket}/retentionRules";
const RULE: &str = "/n/{namespace}/b/{bucket}/retentionRules/{id}";
const POLICIES: &str = "/n/{namespace}/b/{bucket}/replicationPolicies";
const POLICY: &str = "/n/{namespace}/b/{bucket}/replicationPolicies/{id}";
const SOURCES: &str = "/n/{namespace}/b/{bucket}/replicationSources";
const MAKE_WRITABLE: &str = "/n/{namespace}/b/{bucket}/actions/makeBucketWritable";

const BY_VERSION: &str = "versionId={versionId}";
const READS_METADATA: Needs = Needs::Any(&["OBJECT_READ", "OBJECT_INSPECT"]);
const RENAMING: &[&str] = &["OBJECT_CREATE", "OBJECT_OVERWRITE"];
const COPYING: &[&str] = &[
    "OBJECT_READ",
    "OBJECT_INSPECT",
    "OBJECT_CREATE",
    "OBJECT_OVERWRITE",
];
const RULING: &[&str] = &["BUCKET_UPDATE", "RETENTION_RULE_MANAGE"];
const LOCKING: &[&str] = &[
    "BUCKET_UPDATE",
    "RETENTION_RULE_MANAGE",
    "RETENTION_RULE_LOCK",
];
const REPLICATING: &[&str] = &[
    "OBJECT_READ",
    "OBJECT_CREATE",
    "OBJECT_OVERWRITE",
    "OBJECT_INSPECT",
    "OBJECT_DELETE",
    "BUCKET_READ",
    "BUCKET_UPDATE",
    "OBJECT_RESTORE",
];
const RELEASING: &[&str] = &[
    "OBJECT_READ",
    "OBJECT_CREATE",
    "OBJECT_OVERWRITE",
    "OBJECT_INSPECT",
    "OBJECT_DELETE",
    "BUCKET_READ",
    "BUCKET_UPDATE",
];

const COPY_FROM: &str = r#"{"sourceObjectName":"{object}","destinationRegion":"{region}",
    "destinationNamespace":"{toNamespace}","destinationBucket":"{otherBucket}","destinationObjectName":"from"}"#;
const COPY_TO: &str = r#"{"sourceObjectName":"{object}","destinationRegion":"{region}",
    "destinationNamespace":"{toNamespace}","destinationBucket":"{otherBucket}","destinationObjectName":"to"}"#;
const LIFECYCLE_POLICY: &str = r#"{"items":[{"name":"r","action":"DELETE","timeAmount":9,"timeUnit":"YEARS",
    "isEnabled":true}]}"#;
const RETENTION_RULE: &str = r#"{"displayName":"r","duration":{"timeAmount":1,"timeUnit":"DAYS"}}"#;
const LOCKED_RULE: &str = r#"{"displayName":"r","duration":{"timeAmount":1,"timeUnit":"DAYS"},
    "timeRuleLocked":"2099-01-01T00:00:00Z"}"#;
const REPLICATION: &str = r#"{"name":"r","destinationRegionName":"{region}",
    "destinationBucketName":"{otherBucket}"}"#;

/// Every route that `native.rs` has not.
pub(crate) fn rows() -> Vec<Row> {
    [OBJECTS, BUCKETS, REPLICATIONS, WORK].concat()
}

const OBJECTS: &[Row] = &[
    row("GET", OBJECT)
        .query(BY_VERSION)
        .scene(Scene::Version)
        .all(&["OBJECT_READ"]),
    row("HEAD", OBJECT)
        .query(BY_VERSION)
        .scene(Scene::Version)
        .needs(READS_METADATA),
    row("DELETE", OBJECT)
        .query(BY_VERSION)
        .scene(Scene::Version)
        .all(&["OBJECT_VERSION_DELETE"])
        .granted(204),
    row("GET", OBJECT)
        .query(BY_VERSION)
        .scene(Scene::OldVersion)
        .all(&["OBJECT_READ"]),
    row("HEAD", OBJECT)
        .query(BY_VERSION)
        .scene(Scene::OldVersion)
        .needs(READS_METADATA),
    row("DELETE", OBJECT)
        .query(BY_VERSION)
        .scene(Scene::OldVersion)
        .all(&["OBJECT_VERSION_DELETE"])
        .granted(204),
    row("DELETE", OBJECT)
        .scene(Scene::OldVersion)
        .all(&["OBJECT_DELETE"])
        .granted(204),
    row("DELETE", OBJECT)
        .query(BY_VERSION)
        .scene(Scene::DeleteMarker)
        .all(&["OBJECT_VERSION_DELETE"])
        .granted(204),
    row("GET", OBJECT)
        .query(BY_VERSION)
        .scene(Scene::PublicBucket)
        .needs(Needs::Public),
    row("GET", VERSIONS)
        .scene(Scene::OldVersion)
        .all(&["OBJECT_INSPECT"]),
    // What is open to everybody is the list of objects, not that of their versions.
    row("GET", VERSIONS)
        .scene(Scene::PublicBucket)
        .all(&["OBJECT_INSPECT"]),
    row("POST", BATCH_DELETE)
        .json(r#"{"objects":[{"objectName":"{object}"}]}"#)
        .all(&["OBJECT_DELETE"]),
    row("POST", RENAME)
        .json(r#"{"sourceName":"{object}","newName":"in/renamed"}"#)
        .all(RENAMING),
    row("POST", RENAME)
        .json(r#"{"sourceName":"{object}","newName":"in/{newName}"}"#)
        .all(RENAMING)
        .lacking(&["OBJECT_CREATE"]),
    row("POST", COPY)
        .json(COPY_FROM)
        .all(COPYING)
        .lacking(&["OBJECT_READ"])
        .granted(202),
    row("POST", COPY)
        .json(COPY_TO)
        .all(COPYING)
        .hides(Hides::OtherBucket)
        .granted(202),
    row("POST", RESTORE)
        .json(r#"{"objectName":"{object}"}"#)
        .scene(Scene::ArchivedObject)
        .all(&["OBJECT_RESTORE"]),
    row("POST", UPDATE_TIER)
        .json(r#"{"objectName":"{object}","storageTier":"InfrequentAccess"}"#)
        .all(&["OBJECT_UPDATE_TIER"]),
    row("POST", REENCRYPT_OBJECT)
        .json("{}")
        .all(&["OBJECT_READ", "OBJECT_OVERWRITE"]),
];

const BUCKETS: &[Row] = &[
    row("POST", BUCKET)
        .json(r#"{"versioning":"Enabled"}"#)
        .scene(Scene::Bucket)
        .all(&["BUCKET_UPDATE"]),
    row("POST", REENCRYPT_BUCKET)
        .scene(Scene::Bucket)
        .all(&["BUCKET_UPDATE"])
        .granted(202),
    row("PUT", LIFECYCLE)
        .json(LIFECYCLE_POLICY)
        .scene(Scene::Bucket)
        .all(&["BUCKET_UPDATE", "OBJECT_CREATE", "OBJECT_DELETE"]),
    row("PUT", LIFECYCLE)
        .json(LIFECYCLE_POLICY)
        .scene(Scene::Lifecycle)
        .all(&["OBJECT_CREATE", "OBJECT_DELETE", "BUCKET_UPDATE"]),
    row("GET", LIFECYCLE)
        .scene(Scene::Lifecycle)
        .all(&["BUCKET_READ"]),
    row("DELETE", LIFECYCLE)
        .scene(Scene::Lifecycle)
        .all(&["BUCKET_UPDATE"])
        .granted(204),
    row("POST", RULES)
        .json(RETENTION_RULE)
        .scene(Scene::Bucket)
        .all(RULING),
    row("POST", RULES)
        .json(LOCKED_RULE)
        .scene(Scene::Bucket)
        .all(LOCKING),
    row("GET", RULES)
        .scene(Scene::RetentionRule)
        .all(&["BUCKET_READ"]),
    row("GET", RULE)
        .scene(Scene::RetentionRule)
        .all(&["BUCKET_READ"]),
    row("PUT", RULE)
        .json(RETENTION_RULE)
        .scene(Scene::RetentionRule)
        .all(RULING),
    row("PUT", RULE)
        .json(LOCKED_RULE)
        .scene(Scene::RetentionRule)
        .all(LOCKING)
        .hides(Hides::BucketOfRules),
    row("DELETE", RULE)
        .scene(Scene::RetentionRule)
        .all(RULING)
        .granted(204),
];

const REPLICATIONS: &[Row] = &[
    row("POST", POLICIES)
        .json(REPLICATION)
        .scene(Scene::TwoBuckets)
        .all(REPLICATING),
    row("GET", POLICIES)
        .scene(Scene::ReplicationSource)
        .all(&["BUCKET_READ"]),
    row("GET", POLICY)
        .scene(Scene::ReplicationSource)
        .all(&["BUCKET_READ"]),
    row("DELETE", POLICY)
        .scene(Scene::ReplicationSource)
        .all(REPLICATING)
        .granted(204),
    row("GET", SOURCES)
        .scene(Scene::ReplicationDestination)
        .all(&["BUCKET_READ"]),
    row("POST", MAKE_WRITABLE)
        .scene(Scene::ReplicationDestination)
        .all(RELEASING)
        .granted(204),
];

const WORK: &[Row] = &[
    row("GET", "/workRequests")
        .query("compartmentId={compartmentId}")
        .scene(Scene::Compartment)
        .all(&["OBJECT_INSPECT"])
        .hides(Hides::Resource),
    row("GET", "/workRequests/{id}")
        .scene(Scene::Copy)
        .all(&["OBJECT_READ"])
        .hides(Hides::Resource),
    row("GET", "/workRequests/{id}/errors")
        .scene(Scene::Copy)
        .all(&["OBJECT_READ"])
        .hides(Hides::Resource),
    row("GET", "/workRequests/{id}/logs")
        .scene(Scene::Copy)
        .all(&["OBJECT_READ"])
        .hides(Hides::Resource),
    // It has ended, so that even an administrator only learns that; others must not learn even that.
    row("DELETE", "/workRequests/{id}")
        .scene(Scene::Copy)
        .all(&["OBJECT_DELETE"])
        .hides(Hides::Resource)
        .granted(409),
];
