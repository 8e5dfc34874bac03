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
//! tenancy   namespace 00 kind ...
//!   'T'                                    tenancy
//!   'E'                                    identity epoch
//!   'I' kind ...                           identity: see `identity_*`
//!   'B' bucket name                        bucket
//!   'L' compartment 00 bucket name         buckets of a compartment (marker)
//!   'O' bucket id, object name             current object
//!   'D' bucket id, object name             bytes of a small current object
//!   'M' manifest id (16)                   parts of a multipart object
//!   'U' bucket id, object name, 00, upload id   multipart upload
//!   'R' upload id, part number (2)         uploaded part
//!   'P' bucket id, PAR id (48)             sha256(token) of the PAR
//!   'C' bucket id, millis (8) random (8)   change of the bucket's counters
//! ```
//!
//! Namespaces never begin with a zero byte, so global keys and those of tenancies can't meet. Object names hold no
//! zero byte, so one ends a name where something follows it. Numbers are big-endian: byte order is their order.

use parbuckle_blob::BlobId;
use parbuckle_kv::Scan;
use parbuckle_model::{
    BucketId, BucketName, Namespace, ObjectName, Ocid, ParId, PartNumber, TokenHash, UploadId,
};

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
    let end = global(b't', &[&now_millis.saturating_add(1).to_be_bytes()]);
    Scan {
        start: global(b't', &[]),
        end,
        limit,
        reverse: false,
    }
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
