//! The one module that makes keys (invariant 5).
//!
//! ```text
//! global    00 kind ...
//!   00 'n' namespace                       tenancy of the namespace (marker)
//!   00 'o' tenancy ocid                    namespace
//!   00 'p' sha256(token)                   PAR
//!   00 'u' sha256(token)                   secret of an upload started through a PAR
//!   00 'b' blob id                         owner marker: the blob is named by a record, or waits in the trash
//!   00 't' due millis (8) random (8)       trash: blobs to delete
//!   00 'h' blob id, work request id        keeps a blob in the trash while a copy needs it (marker)
//!   00 'k' bucket id                       namespace, 00, name of a bucket that the background looks after
//!   00 'w' work request id                 namespace of a work request that is not finished
//!   00 's' sha256(token)                   Swift token
//!   00 'e' end millis (8) sha256(token)    when a Swift token ends (marker)
//!   00 'x' due millis (8) random (8)       object that is to expire
//! tenancy   namespace 00 kind ...
//!   'T'                                    tenancy
//!   'E'                                    identity epoch
//!   'I' kind ...                           identity: see `identity_*`
//!   'B' bucket name                        bucket
//!   'L' compartment 00 bucket name         buckets of a compartment (marker)
//!   'O' bucket id, object name             current object
//!   'D' bucket id, object name             bytes of a small current object
//!   'V' bucket id, object name, 00, version   version that is not current, youngest first; or a delete marker
//!   'W' bucket id, object name, 00, version   bytes of a small version that is not current
//!   'A' bucket id, object name             when the object was last read, where auto-tiering asks
//!   'H' bucket id                          where the upkeep of the bucket stands
//!   'M' manifest id (16)                   parts of a multipart object
//!   'U' bucket id, object name, 00, upload id   multipart upload
//!   'R' upload id, part number (2)         uploaded part
//!   'P' bucket id, PAR id (48)             sha256(token) of the PAR
//!   'C' bucket id, millis (8) random (8)   change of the bucket's counters
//!   'c' bucket id                          floor of those
//!   'Z' bucket id                          lifecycle policy
//!   'Y' bucket id, rule id                 retention rule
//!   'S' bucket id, policy id               replication policy of the source
//!   'Q' bucket id, policy id               the same, seen from its destination: source bucket id and name
//!   'J' bucket id, millis (8) random (8)   name of an object whose change is to be replicated
//!   'K' work request id                    work request
//!   'G' work request id                    source of a copy that has not ended, as it was accepted
//!   'N'                                    metadata of the namespace
//!   'X'                                    Swift account
//!   'F' user ocid, 00, credential id       active Swift token of a credential
//! ```
//!
//! Namespaces never begin with a zero byte, so global keys and those of tenancies can't meet. Object names hold no
//! zero byte, so one ends a name where something follows it. Numbers are big-endian: byte order is their order.

use bytes::Bytes;
use parbuckle_blob::BlobId;
use parbuckle_kv::Scan;
use parbuckle_model::{
    BucketId, BucketName, Namespace, ObjectName, Ocid, ParId, PartNumber, ReplicationPolicyId,
    RetentionRuleId, TokenHash, UploadId, VersionId, WorkRequestId,
};

use crate::BucketPath;

/// Marks that a namespace is taken.
pub(crate) fn namespace(namespace: &Namespace) -> Vec<u8> {
    global(b'n', &[namespace.as_str().as_bytes()])
}

/// All namespaces.
pub(crate) fn namespaces() -> Vec<u8> {
    global(b'n', &[])
}

/// The namespace of a tenancy.
pub(crate) fn tenancy_namespace(tenancy: &str) -> Vec<u8> {
    global(b'o', &[tenancy.as_bytes()])
}

/// A pre-authenticated request, by its secret.
pub(crate) fn par(token: &TokenHash) -> Vec<u8> {
    global(b'p', &[&token.0])
}

/// An upload secret.
pub(crate) fn upload_secret(token: &TokenHash) -> Vec<u8> {
    global(b'u', &[&token.0])
}

/// The owner marker of a blob.
pub(crate) fn blob_owner(blob: BlobId) -> Vec<u8> {
    global(b'b', &[&blob.0])
}

/// A trash entry.
pub(crate) fn trash(due_millis: u64, random: [u8; 8]) -> Vec<u8> {
    global(b't', &[&due_millis.to_be_bytes(), &random])
}

/// All trash that is due at `now_millis`, oldest first.
pub(crate) fn trash_due(now_millis: u64, limit: usize) -> Scan {
    due(b't', now_millis, limit)
}

/// Keeps a blob for a work request.
pub(crate) fn blob_hold(blob: BlobId, work: &WorkRequestId) -> Vec<u8> {
    global(b'h', &[&blob.0, work.as_bytes()])
}

/// All that keeps a blob.
pub(crate) fn blob_holds(blob: BlobId) -> Vec<u8> {
    global(b'h', &[&blob.0])
}

/// A tenancy.
pub(crate) fn tenancy(namespace: &Namespace) -> Vec<u8> {
    in_tenancy(namespace, b'T', &[])
}

/// The counter that every identity change of a tenancy bumps.
pub(crate) fn identity_epoch(namespace: &Namespace) -> Vec<u8> {
    in_tenancy(namespace, b'E', &[])
}

/// A record of the identity service, by kind and parts. Parts are OCIDs or names, none of which holds a zero byte.
pub(crate) fn identity(namespace: &Namespace, kind: u8, parts: &[&str]) -> Vec<u8> {
    let mut key = identity_prefix(namespace, kind, parts);
    if !parts.is_empty() {
        key.pop();
    }
    key
}

/// The beginning of all identity keys of a kind whose first parts are these.
pub(crate) fn identity_prefix(namespace: &Namespace, kind: u8, parts: &[&str]) -> Vec<u8> {
    let mut key = in_tenancy(namespace, b'I', &[&[kind]]);
    for part in parts {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key
}

/// A bucket, by name.
pub(crate) fn bucket(namespace: &Namespace, bucket: &BucketName) -> Vec<u8> {
    in_tenancy(namespace, b'B', &[bucket.as_str().as_bytes()])
}

/// All buckets of a namespace.
pub(crate) fn buckets(namespace: &Namespace) -> Vec<u8> {
    in_tenancy(namespace, b'B', &[])
}

/// Marks that a bucket lies in a compartment.
pub(crate) fn compartment_bucket(
    namespace: &Namespace,
    compartment: &Ocid,
    bucket: &BucketName,
) -> Vec<u8> {
    let mut key = compartment_buckets(namespace, compartment);
    key.extend_from_slice(bucket.as_str().as_bytes());
    key
}

/// The buckets of a compartment.
pub(crate) fn compartment_buckets(namespace: &Namespace, compartment: &Ocid) -> Vec<u8> {
    in_tenancy(namespace, b'L', &[compartment.as_str().as_bytes(), &[0]])
}

/// A current object.
pub(crate) fn object(namespace: &Namespace, bucket: &BucketId, object: &ObjectName) -> Vec<u8> {
    in_tenancy(
        namespace,
        b'O',
        &[bucket.as_bytes(), object.as_str().as_bytes()],
    )
}

/// The current objects of a bucket.
pub(crate) fn objects(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'O', &[bucket.as_bytes()])
}

/// The bytes of a small current object.
pub(crate) fn inline_data(
    namespace: &Namespace,
    bucket: &BucketId,
    object: &ObjectName,
) -> Vec<u8> {
    in_tenancy(
        namespace,
        b'D',
        &[bucket.as_bytes(), object.as_str().as_bytes()],
    )
}

/// A version that is not current, or a delete marker. Younger versions have smaller keys.
pub(crate) fn version(
    namespace: &Namespace,
    bucket: &BucketId,
    object: &ObjectName,
    version: &VersionId,
) -> Vec<u8> {
    let mut key = versions_of(namespace, bucket, object);
    key.extend_from_slice(version.descending_text().as_bytes());
    key
}

/// The versions of one object that are not current, youngest first.
pub(crate) fn versions_of(
    namespace: &Namespace,
    bucket: &BucketId,
    object: &ObjectName,
) -> Vec<u8> {
    let name = object.as_str().as_bytes();
    in_tenancy(namespace, b'V', &[bucket.as_bytes(), name, &[0]])
}

/// The versions of a bucket that are not current, in order of object name, then youngest first.
pub(crate) fn versions(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'V', &[bucket.as_bytes()])
}

/// The bytes of a small version that is not current.
pub(crate) fn version_data(
    namespace: &Namespace,
    bucket: &BucketId,
    object: &ObjectName,
    version: &VersionId,
) -> Vec<u8> {
    let (name, version) = (object.as_str().as_bytes(), version.descending_text());
    let parts: [&[u8]; 4] = [bucket.as_bytes(), name, &[0], version.as_bytes()];
    in_tenancy(namespace, b'W', &parts)
}

/// When an object was last read.
pub(crate) fn last_read(namespace: &Namespace, bucket: &BucketId, object: &ObjectName) -> Vec<u8> {
    let name = object.as_str().as_bytes();
    in_tenancy(namespace, b'A', &[bucket.as_bytes(), name])
}

/// When the objects of a bucket were last read.
pub(crate) fn last_reads(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'A', &[bucket.as_bytes()])
}

/// Where the upkeep of a bucket stands.
pub(crate) fn upkeep(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'H', &[bucket.as_bytes()])
}

/// Marks a bucket that the background looks after.
pub(crate) fn kept_bucket(bucket: &BucketId) -> Vec<u8> {
    global(b'k', &[bucket.as_bytes()])
}

/// What stands under such a mark: where the bucket is. (The bucket's own record is found by its name.)
pub(crate) fn kept_bucket_mark(namespace: &Namespace, bucket: &BucketName) -> Bytes {
    format!("{namespace}\0{bucket}").into()
}

/// The bucket that a mark names; nothing if it is none.
pub(crate) fn bucket_of_mark(mark: &[u8]) -> Option<BucketPath> {
    let (namespace, bucket) = std::str::from_utf8(mark).ok()?.split_once('\0')?;
    Some(BucketPath {
        namespace: Namespace::parse(namespace).ok()?,
        bucket: BucketName::parse_classic(bucket).ok()?,
    })
}

/// All buckets that the background looks after.
pub(crate) fn kept_buckets() -> Vec<u8> {
    global(b'k', &[])
}

/// Marks a work request that is not finished.
pub(crate) fn open_work_request(id: &WorkRequestId) -> Vec<u8> {
    global(b'w', &[id.as_bytes()])
}

/// All work requests that are not finished.
pub(crate) fn open_work_requests() -> Vec<u8> {
    global(b'w', &[])
}

/// A work request.
pub(crate) fn work_request(namespace: &Namespace, id: &WorkRequestId) -> Vec<u8> {
    in_tenancy(namespace, b'K', &[id.as_bytes()])
}

/// The work requests of a tenancy.
pub(crate) fn work_requests(namespace: &Namespace) -> Vec<u8> {
    in_tenancy(namespace, b'K', &[])
}

/// The source of a copy, by its work request.
pub(crate) fn kept_source(namespace: &Namespace, id: &WorkRequestId) -> Vec<u8> {
    in_tenancy(namespace, b'G', &[id.as_bytes()])
}

/// The lifecycle policy of a bucket.
pub(crate) fn lifecycle_policy(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'Z', &[bucket.as_bytes()])
}

/// A retention rule of a bucket.
pub(crate) fn retention_rule(
    namespace: &Namespace,
    bucket: &BucketId,
    rule: &RetentionRuleId,
) -> Vec<u8> {
    in_tenancy(namespace, b'Y', &[bucket.as_bytes(), rule.as_bytes()])
}

/// The retention rules of a bucket.
pub(crate) fn retention_rules(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'Y', &[bucket.as_bytes()])
}

/// A replication policy, at its source.
pub(crate) fn replication_policy(
    namespace: &Namespace,
    source: &BucketId,
    policy: &ReplicationPolicyId,
) -> Vec<u8> {
    in_tenancy(namespace, b'S', &[source.as_bytes(), policy.as_bytes()])
}

/// The replication policies of a source bucket.
pub(crate) fn replication_policies(namespace: &Namespace, source: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'S', &[source.as_bytes()])
}

/// A replication policy, seen from its destination.
pub(crate) fn replication_source(
    namespace: &Namespace,
    destination: &BucketId,
    policy: &ReplicationPolicyId,
) -> Vec<u8> {
    let parts: [&[u8]; 2] = [destination.as_bytes(), policy.as_bytes()];
    in_tenancy(namespace, b'Q', &parts)
}

/// The replication policies of a destination bucket.
pub(crate) fn replication_sources(namespace: &Namespace, destination: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'Q', &[destination.as_bytes()])
}

/// A change to be replicated.
pub(crate) fn replication_change(
    namespace: &Namespace,
    bucket: &BucketId,
    millis: u64,
    random: [u8; 8],
) -> Vec<u8> {
    let millis = millis.to_be_bytes();
    in_tenancy(namespace, b'J', &[bucket.as_bytes(), &millis, &random])
}

/// All changes of a bucket that are to be replicated, oldest first.
pub(crate) fn replication_changes(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'J', &[bucket.as_bytes()])
}

/// The metadata of a namespace.
pub(crate) fn namespace_metadata(namespace: &Namespace) -> Vec<u8> {
    in_tenancy(namespace, b'N', &[])
}

/// A Swift token.
pub(crate) fn swift_token(token: &TokenHash) -> Vec<u8> {
    global(b's', &[&token.0])
}

/// When a Swift token ends.
pub(crate) fn swift_token_end(end_millis: u64, token: &TokenHash) -> Vec<u8> {
    global(b'e', &[&end_millis.to_be_bytes(), &token.0])
}

/// The ends of Swift tokens up to `now_millis`, oldest first. The hash is the last 32 bytes of a key.
pub(crate) fn swift_tokens_ended(now_millis: u64, limit: usize) -> Scan {
    due(b'e', now_millis, limit)
}

/// An object that is to expire.
pub(crate) fn expiring(due_millis: u64, random: [u8; 8]) -> Vec<u8> {
    global(b'x', &[&due_millis.to_be_bytes(), &random])
}

/// The objects that are due to expire at `now_millis`, oldest first.
pub(crate) fn expiring_due(now_millis: u64, limit: usize) -> Scan {
    due(b'x', now_millis, limit)
}

/// The Swift side of a namespace.
pub(crate) fn swift_account(namespace: &Namespace) -> Vec<u8> {
    in_tenancy(namespace, b'X', &[])
}

/// The active Swift token of a credential. The password's id is empty.
pub(crate) fn swift_session(namespace: &Namespace, user: &Ocid, credential: &str) -> Vec<u8> {
    let parts: [&[u8]; 3] = [user.as_str().as_bytes(), &[0], credential.as_bytes()];
    in_tenancy(namespace, b'F', &parts)
}

/// The counters of all buckets of a namespace. The bucket id is in the 16 bytes behind this.
pub(crate) fn all_counters(namespace: &Namespace) -> Vec<u8> {
    in_tenancy(namespace, b'C', &[])
}

/// The parts of a multipart object.
pub(crate) fn manifest(namespace: &Namespace, id: &[u8; 16]) -> Vec<u8> {
    in_tenancy(namespace, b'M', &[id])
}

/// A multipart upload.
pub(crate) fn upload(
    namespace: &Namespace,
    bucket: &BucketId,
    object: &ObjectName,
    upload: &UploadId,
) -> Vec<u8> {
    in_tenancy(
        namespace,
        b'U',
        &[
            bucket.as_bytes(),
            object.as_str().as_bytes(),
            &[0],
            upload.as_bytes(),
        ],
    )
}

/// The multipart uploads of a bucket, in order of object name.
pub(crate) fn uploads(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'U', &[bucket.as_bytes()])
}

/// A part of an upload.
pub(crate) fn part(namespace: &Namespace, upload: &UploadId, number: PartNumber) -> Vec<u8> {
    in_tenancy(
        namespace,
        b'R',
        &[upload.as_bytes(), &number.value().to_be_bytes()],
    )
}

/// The parts of an upload, in order of number.
pub(crate) fn parts(namespace: &Namespace, upload: &UploadId) -> Vec<u8> {
    in_tenancy(namespace, b'R', &[upload.as_bytes()])
}

/// The entry of a PAR in its bucket's list.
pub(crate) fn bucket_par(namespace: &Namespace, bucket: &BucketId, par: &ParId) -> Vec<u8> {
    in_tenancy(namespace, b'P', &[bucket.as_bytes(), par.as_bytes()])
}

/// The PARs of a bucket, oldest first.
pub(crate) fn bucket_pars(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'P', &[bucket.as_bytes()])
}

/// A change of a bucket's counters.
pub(crate) fn counter(
    namespace: &Namespace,
    bucket: &BucketId,
    millis: u64,
    random: [u8; 8],
) -> Vec<u8> {
    in_tenancy(
        namespace,
        b'C',
        &[bucket.as_bytes(), &millis.to_be_bytes(), &random],
    )
}

/// The milliseconds in the key of such a change.
pub(crate) fn counter_millis(key: &[u8]) -> u64 {
    let millis = key
        .len()
        .checked_sub(16)
        .and_then(|at| key[at..].first_chunk());
    millis.map_or(0, |millis| u64::from_be_bytes(*millis))
}

/// Where the changes of a bucket's counters begin.
pub(crate) fn counter_floor(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'c', &[bucket.as_bytes()])
}

/// All changes of a bucket's counters, oldest first.
pub(crate) fn counters(namespace: &Namespace, bucket: &BucketId) -> Vec<u8> {
    in_tenancy(namespace, b'C', &[bucket.as_bytes()])
}

/// All keys that begin with `prefix`.
pub(crate) fn all(prefix: &[u8], limit: usize) -> Scan {
    Scan {
        start: prefix.to_vec(),
        end: after_prefix(prefix),
        limit,
        reverse: false,
    }
}

/// The keys that begin with `prefix` and come after `position`, which is the rest of a key behind the prefix.
pub(crate) fn all_after(prefix: &[u8], position: &[u8], limit: usize) -> Scan {
    let mut start = [prefix, position].concat();
    start.push(0);
    Scan {
        start,
        end: after_prefix(prefix),
        limit,
        reverse: false,
    }
}

/// The first key after all that begin with `prefix`. Every prefix made here holds a byte below 0xff.
pub(crate) fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            break;
        }
    }
    end
}

fn due(kind: u8, now_millis: u64, limit: usize) -> Scan {
    Scan {
        start: global(kind, &[]),
        end: global(kind, &[&now_millis.saturating_add(1).to_be_bytes()]),
        limit,
        reverse: false,
    }
}

fn global(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    joined(&[0, kind], parts)
}

fn in_tenancy(namespace: &Namespace, kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let name = namespace.as_str().as_bytes();
    let mut key = Vec::with_capacity(name.len() + 2 + parts.iter().map(|p| p.len()).sum::<usize>());
    key.extend_from_slice(name);
    key.extend_from_slice(&[0, kind]);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

fn joined(head: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(head.len() + parts.iter().map(|p| p.len()).sum::<usize>());
    key.extend_from_slice(head);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}
