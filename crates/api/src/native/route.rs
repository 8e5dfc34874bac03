//! The request grammar: method and raw path to a typed [`Route`], in one place and once.
//!
//! The path is cut at raw slashes only, so that `%2F`, `..` and `//` inside an object name survive, and every piece is
//! decoded exactly once. [`super::routes::ROUTES`] lists what the grammar knows.

use std::borrow::Cow;
use std::fmt;

use http::Method;
use parbuckle_engine::{BucketPath, ObjectPath};
use parbuckle_model::{BucketName, Namespace, ObjectName};

use super::routes::{self, ROUTES};
use crate::percent::{self, MalformedEscape};
use crate::summary::UNKNOWN_ROUTE;

/// A request that the grammar knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) template: &'static str,
    pub(super) access: Access<'a>,
    pub(super) action: Action<'a>,
}

/// How the path says that authority is proven.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Access<'a> {
    /// Not at all.
    Nobody,
    /// By signature.
    Signature,
    /// By signature, or not at all.
    SignatureOrNobody,
    /// By the secret of a pre-authenticated request.
    Par(PathSecret<'a>),
    /// By the secret of an upload started through one.
    Upload(PathSecret<'a>),
}

/// What to do, with names parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action<'a> {
    Preflight,
    GetNamespace,
    CreateBucket(Namespace),
    ListBuckets(Namespace),
    GetBucket(BucketPath),
    HeadBucket(BucketPath),
    UpdateBucket(BucketPath),
    DeleteBucket(BucketPath),
    ListObjects(BucketPath),
    PutObject(ObjectPath),
    GetObject(ObjectPath),
    HeadObject(ObjectPath),
    DeleteObject(ObjectPath),
    CreateUpload(BucketPath),
    ListUploads(BucketPath),
    UploadPart(ObjectPath, UploadAddress<'a>),
    CommitUpload(ObjectPath, UploadAddress<'a>),
    AbortUpload(ObjectPath, UploadAddress<'a>),
    ListParts(ObjectPath),
    CreatePar(BucketPath),
    ListPars(BucketPath),
    GetPar(BucketPath, Cow<'a, [u8]>),
    DeletePar(BucketPath, Cow<'a, [u8]>),
    GetNamespaceMetadata(Namespace),
    UpdateNamespaceMetadata(Namespace),
    ListVersions(BucketPath),
    MakeWritable(BucketPath),
    ReencryptBucket(BucketPath),
    ReencryptObject(ObjectPath),
    BatchDelete(BucketPath),
    Rename(BucketPath),
    Copy(BucketPath),
    Restore(BucketPath),
    UpdateTier(BucketPath),
    PutLifecycle(BucketPath),
    GetLifecycle(BucketPath),
    DeleteLifecycle(BucketPath),
    CreateRetentionRule(BucketPath),
    ListRetentionRules(BucketPath),
    GetRetentionRule(BucketPath, Cow<'a, [u8]>),
    UpdateRetentionRule(BucketPath, Cow<'a, [u8]>),
    DeleteRetentionRule(BucketPath, Cow<'a, [u8]>),
    CreateReplicationPolicy(BucketPath),
    ListReplicationPolicies(BucketPath),
    GetReplicationPolicy(BucketPath, Cow<'a, [u8]>),
    DeleteReplicationPolicy(BucketPath, Cow<'a, [u8]>),
    ListReplicationSources(BucketPath),
    ListWorkRequests,
    GetWorkRequest(Cow<'a, [u8]>),
    CancelWorkRequest(Cow<'a, [u8]>),
    ListWorkRequestErrors(Cow<'a, [u8]>),
    ListWorkRequestLogs(Cow<'a, [u8]>),
    /// An operation of OCI that is not here, by name.
    Unsupported(&'static str),
}

/// Where a request says which upload and part it means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UploadAddress<'a> {
    /// In its query: `uploadId`, `uploadPartNum`.
    Query,
    /// In its path, raw.
    Path {
        upload: &'a str,
        part: Option<&'a str>,
    },
}

/// A secret out of a path. It is never printed.
#[derive(PartialEq, Eq)]
pub(super) struct PathSecret<'a>(Cow<'a, str>);

impl PathSecret<'_> {
    /// The secret itself.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PathSecret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PathSecret(..)")
    }
}

/// A request that the grammar does not take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) template: &'static str,
    pub(super) reason: MisfitReason,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum MisfitReason {
    UnknownPath,
    WrongMethod,
    MalformedEscape,
    /// Text that can't be a namespace, so there is none of that name.
    NoSuchNamespace,
    BadBucketName(String),
    BadObjectName(String),
    /// A path under a secret that no pre-authenticated request can have.
    NoSuchPar,
}

/// Parses a request line. `raw_path` is the path as it came, without the query.
pub(super) fn parse<'a>(method: &Method, raw_path: &'a str) -> Result<Route<'a>, Misfit> {
    let place = place(raw_path).ok_or(Misfit {
        template: UNKNOWN_ROUTE,
        reason: MisfitReason::UnknownPath,
    })?;
    let template = place.template();
    let misfit = |reason| Misfit { template, reason };
    let route = |access, action| Route {
        template,
        access,
        action,
    };
    if method == Method::OPTIONS {
        return Ok(route(Access::Nobody, Action::Preflight));
    }
    match place.perform(method.as_str()) {
        Some(Ok((access, action))) => Ok(route(access, action)),
        Some(Err(reason)) => Err(misfit(reason)),
        None => Err(misfit(MisfitReason::WrongMethod)),
    }
}

/// A path cut into raw pieces.
#[derive(Clone, Copy)]
enum Place<'a> {
    Namespaces,
    Buckets(&'a str),
    Bucket(RawBucket<'a>),
    Objects(RawBucket<'a>),
    Object(RawBucket<'a>, &'a str),
    Uploads(RawBucket<'a>),
    Upload(RawBucket<'a>, &'a str),
    Pars(RawBucket<'a>),
    Par(RawBucket<'a>, &'a str),
    /// Something of a bucket, named by its template.
    OfBucket(RawBucket<'a>, &'static str),
    /// The same with an id or object name behind it.
    OfBucketWith(RawBucket<'a>, &'static str, &'a str),
    Namespace(&'a str),
    WorkRequests,
    WorkRequest(&'static str, &'a str),
    SecretObjects(&'a str, RawBucket<'a>),
    SecretObject(&'a str, RawBucket<'a>, &'a str),
    SecretUpload(&'a str, RawBucket<'a>, RawUpload<'a>),
    /// Where everything is unsupported.
    Other(&'static str),
}

#[derive(Clone, Copy)]
struct RawBucket<'a> {
    namespace: &'a str,
    bucket: &'a str,
}

#[derive(Clone, Copy)]
struct RawUpload<'a> {
    object: &'a str,
    upload: &'a str,
    part: Option<&'a str>,
}

/// Finds the place of a path. The table of paths; each takes a slash at its end where that is not part of a name.
fn place(raw_path: &str) -> Option<Place<'_>> {
    if let Some(rest) = raw_path.strip_prefix("/p/") {
        return secret_place(rest);
    }
    let mut pieces = [""; 6];
    Some(match cut(raw_path.strip_prefix('/')?, &mut pieces) {
        ["n"] | ["n", ""] => Place::Namespaces,
        ["n", ns] | ["n", ns, ""] => Place::Namespace(ns),
        ["n", ns, "b"] | ["n", ns, "b", ""] => Place::Buckets(ns),
        ["n", ns, "b", bucket] | ["n", ns, "b", bucket, ""] => Place::Bucket(raw(ns, bucket)),
        ["n", ns, "b", bucket, kind] => bucket_place(raw(ns, bucket), kind, "")?,
        ["n", ns, "b", bucket, kind, rest] => bucket_place(raw(ns, bucket), kind, rest)?,
        ["n", _, "pe"] | ["n", _, "pe", ""] => Place::Other(routes::PRIVATE_ENDPOINTS),
        ["n", _, "pe", _] => Place::Other(routes::PRIVATE_ENDPOINT),
        ["workRequests"] | ["workRequests", ""] => Place::WorkRequests,
        ["workRequests", id] => Place::WorkRequest(routes::WORK_REQUEST, id),
        ["workRequests", id, "errors"] => Place::WorkRequest(routes::WORK_REQUEST_ERRORS, id),
        ["workRequests", id, "logs"] => Place::WorkRequest(routes::WORK_REQUEST_LOGS, id),
        _ => return None,
    })
}

/// `/n/{namespace}/b/{bucket}/{kind}/{rest}`; `rest` is everything, slashes included.
fn bucket_place<'a>(bucket: RawBucket<'a>, kind: &str, rest: &'a str) -> Option<Place<'a>> {
    Some(match (kind, rest) {
        ("o", "") => Place::Objects(bucket),
        ("o", object) => Place::Object(bucket, object),
        ("u", "") => Place::Uploads(bucket),
        ("u", object) => Place::Upload(bucket, object),
        ("p", "") => Place::Pars(bucket),
        ("p", id) => Place::Par(bucket, id),
        ("objectversions", "") => Place::OfBucket(bucket, routes::VERSIONS),
        ("l", "") => Place::OfBucket(bucket, routes::LIFECYCLE),
        ("retentionRules", "") => Place::OfBucket(bucket, routes::RETENTION_RULES),
        ("retentionRules", id) => Place::OfBucketWith(bucket, routes::RETENTION_RULE, id),
        ("replicationPolicies", "") => Place::OfBucket(bucket, routes::REPLICATION_POLICIES),
        ("replicationPolicies", id) => Place::OfBucketWith(bucket, routes::REPLICATION_POLICY, id),
        ("replicationSources", "") => Place::OfBucket(bucket, routes::REPLICATION_SOURCES),
        ("actions", "makeBucketWritable") => Place::OfBucket(bucket, routes::MAKE_WRITABLE),
        ("actions", "reencrypt") => Place::OfBucket(bucket, routes::REENCRYPT_BUCKET),
        ("actions", "batchDeleteObjects") => Place::OfBucket(bucket, routes::BATCH_DELETE),
        ("actions", "renameObject") => Place::OfBucket(bucket, routes::RENAME),
        ("actions", "copyObject") => Place::OfBucket(bucket, routes::COPY),
        ("actions", "restoreObjects") => Place::OfBucket(bucket, routes::RESTORE),
        ("actions", "updateObjectStorageTier") => Place::OfBucket(bucket, routes::UPDATE_TIER),
        ("actions", other) => {
            let object = other.strip_prefix("reencrypt/")?;
            Place::OfBucketWith(bucket, routes::REENCRYPT_OBJECT, object)
        }
        _ => return None,
    })
}

/// What follows `/p/`.
fn secret_place(raw: &str) -> Option<Place<'_>> {
    let mut pieces = [""; 7];
    let (secret, bucket, kind, rest) = match cut(raw, &mut pieces) {
        [secret, "n", namespace, "b", bucket, kind] => {
            (secret, self::raw(namespace, bucket), kind, "")
        }
        [secret, "n", namespace, "b", bucket, kind, rest] => {
            (secret, self::raw(namespace, bucket), kind, *rest)
        }
        _ => return None,
    };
    match (*kind, rest) {
        ("o", "") => Some(Place::SecretObjects(secret, bucket)),
        ("o", object) => Some(Place::SecretObject(secret, bucket, object)),
        ("u", rest) => {
            // An object name can hold `/id/` too; an upload id can't.
            let (object, upload) = rest.rsplit_once("/id/")?;
            let (upload, part) = upload.split_once('/').unwrap_or((upload, ""));
            let upload = RawUpload {
                object,
                upload,
                part: Some(part).filter(|part| !part.is_empty()),
            };
            Some(Place::SecretUpload(secret, bucket, upload))
        }
        _ => None,
    }
}

impl<'a> Place<'a> {
    fn template(self) -> &'static str {
        match self {
            Self::Namespaces => routes::NAMESPACES,
            Self::Buckets(_) => routes::BUCKETS,
            Self::Bucket(_) => routes::BUCKET,
            Self::Objects(_) => routes::OBJECTS,
            Self::Object(..) => routes::OBJECT,
            Self::Uploads(_) => routes::UPLOADS,
            Self::Upload(..) => routes::UPLOAD,
            Self::Pars(_) => routes::PARS,
            Self::Par(..) => routes::PAR,
            Self::Namespace(_) => routes::NAMESPACE,
            Self::WorkRequests => routes::WORK_REQUESTS,
            Self::OfBucket(_, template)
            | Self::OfBucketWith(_, template, _)
            | Self::WorkRequest(template, _) => template,
            Self::SecretObjects(..) => routes::SECRET_OBJECTS,
            Self::SecretObject(..) => routes::SECRET_OBJECT,
            Self::SecretUpload(_, _, RawUpload { part: None, .. }) => routes::SECRET_UPLOAD,
            Self::SecretUpload(..) => routes::SECRET_PART,
            Self::Other(template) => template,
        }
    }

    /// The action of a method here; `None` if the method has none.
    fn perform(self, method: &str) -> Option<Result<(Access<'a>, Action<'a>), MisfitReason>> {
        Some(match self {
            Self::SecretObjects(..) | Self::SecretObject(..) | Self::SecretUpload(..) => {
                self.perform_with_secret(method)?
            }
            _ => self.perform_signed(method)?.map(|action| {
                let access = match action {
                    Action::GetObject(_) | Action::HeadObject(_) | Action::ListObjects(_) => {
                        Access::SignatureOrNobody
                    }
                    _ => Access::Signature,
                };
                (access, action)
            }),
        })
    }

    fn perform_signed(self, method: &str) -> Option<Result<Action<'a>, MisfitReason>> {
        use UploadAddress::Query;
        Some(match (self, method) {
            (Self::Namespaces, "GET") => Ok(Action::GetNamespace),
            (Self::Buckets(ns), "POST") => namespace(ns).map(Action::CreateBucket),
            (Self::Buckets(ns), "GET") => namespace(ns).map(Action::ListBuckets),
            (Self::Bucket(b), "GET") => b.parse().map(Action::GetBucket),
            (Self::Bucket(b), "HEAD") => b.parse().map(Action::HeadBucket),
            (Self::Bucket(b), "POST") => b.parse().map(Action::UpdateBucket),
            (Self::Bucket(b), "DELETE") => b.parse().map(Action::DeleteBucket),
            (Self::Objects(b), "GET") => b.parse().map(Action::ListObjects),
            (Self::Object(b, o), "PUT") => b.object(o).map(Action::PutObject),
            (Self::Object(b, o), "GET") => b.object(o).map(Action::GetObject),
            (Self::Object(b, o), "HEAD") => b.object(o).map(Action::HeadObject),
            (Self::Object(b, o), "DELETE") => b.object(o).map(Action::DeleteObject),
            (Self::Uploads(b), "POST") => b.parse().map(Action::CreateUpload),
            (Self::Uploads(b), "GET") => b.parse().map(Action::ListUploads),
            (Self::Upload(b, o), "PUT") => b.object(o).map(|o| Action::UploadPart(o, Query)),
            (Self::Upload(b, o), "POST") => b.object(o).map(|o| Action::CommitUpload(o, Query)),
            (Self::Upload(b, o), "DELETE") => b.object(o).map(|o| Action::AbortUpload(o, Query)),
            (Self::Upload(b, o), "GET") => b.object(o).map(Action::ListParts),
            (Self::Pars(b), "POST") => b.parse().map(Action::CreatePar),
            (Self::Pars(b), "GET") => b.parse().map(Action::ListPars),
            (Self::Par(b, id), "GET") => b.with_id(id).map(|(b, id)| Action::GetPar(b, id)),
            (Self::Par(b, id), "DELETE") => b.with_id(id).map(|(b, id)| Action::DeletePar(b, id)),
            (Self::Namespace(ns), "GET") => namespace(ns).map(Action::GetNamespaceMetadata),
            (Self::Namespace(ns), "PUT") => namespace(ns).map(Action::UpdateNamespaceMetadata),
            (Self::OfBucket(b, template), method) => {
                let action = action_of_bucket(template, method)?;
                b.parse().map(action)
            }
            (Self::OfBucketWith(b, routes::REENCRYPT_OBJECT, o), "POST") => {
                b.object(o).map(Action::ReencryptObject)
            }
            (Self::OfBucketWith(b, template, id), method) => {
                let action = action_with_id(template, method)?;
                b.with_id(id).map(|(b, id)| action(b, id))
            }
            (Self::WorkRequests, "GET") => Ok(Action::ListWorkRequests),
            (Self::WorkRequest(template, id), method) => {
                let action = action_of_work_request(template, method)?;
                percent::decode(id).map(action).map_err(Into::into)
            }
            (place, method) => {
                let template = place.template();
                let row = |r: &&routes::RouteRow| r.template == template && r.method == method;
                Ok(Action::Unsupported(ROUTES.iter().find(row)?.operation))
            }
        })
    }

    /// The same actions under a secret. A name that can't be is one the pre-authenticated request does not have.
    fn perform_with_secret(
        self,
        method: &str,
    ) -> Option<Result<(Access<'a>, Action<'a>), MisfitReason>> {
        let par = |raw, action: Result<Action<'a>, MisfitReason>| {
            let access = secret(raw).map(Access::Par);
            access.and_then(|access| Ok((access, action.map_err(hide_names)?)))
        };
        let upload = |raw, action: Result<Action<'a>, MisfitReason>| {
            let access = secret(raw).map(Access::Upload);
            access.and_then(|access| Ok((access, action.map_err(hide_names)?)))
        };
        Some(match (self, method) {
            (Self::SecretObjects(s, b), "GET") => par(s, b.parse().map(Action::ListObjects)),
            (Self::SecretObject(s, b, o), "GET") => par(s, b.object(o).map(Action::GetObject)),
            (Self::SecretObject(s, b, o), "HEAD") => par(s, b.object(o).map(Action::HeadObject)),
            (Self::SecretObject(s, b, o), "PUT") => par(s, b.object(o).map(Action::PutObject)),
            (Self::SecretUpload(s, b, u), "PUT") if u.part.is_some() => {
                let part = |o| Action::UploadPart(o, u.address());
                upload(s, b.object(u.object).map(part))
            }
            (Self::SecretUpload(s, b, u), "POST") if u.part.is_none() => {
                let commit = |o| Action::CommitUpload(o, u.address());
                upload(s, b.object(u.object).map(commit))
            }
            (Self::SecretUpload(s, b, u), "DELETE") if u.part.is_none() => {
                let abort = |o| Action::AbortUpload(o, u.address());
                upload(s, b.object(u.object).map(abort))
            }
            _ => return None,
        })
    }
}

type OfBucket<'a> = fn(BucketPath) -> Action<'a>;
type WithId<'a> = fn(BucketPath, Cow<'a, [u8]>) -> Action<'a>;
type OfWorkRequest<'a> = fn(Cow<'a, [u8]>) -> Action<'a>;

fn action_of_bucket<'a>(template: &'static str, method: &str) -> Option<OfBucket<'a>> {
    Some(match (template, method) {
        (routes::VERSIONS, "GET") => Action::ListVersions,
        (routes::LIFECYCLE, "PUT") => Action::PutLifecycle,
        (routes::LIFECYCLE, "GET") => Action::GetLifecycle,
        (routes::LIFECYCLE, "DELETE") => Action::DeleteLifecycle,
        (routes::RETENTION_RULES, "POST") => Action::CreateRetentionRule,
        (routes::RETENTION_RULES, "GET") => Action::ListRetentionRules,
        (routes::REPLICATION_POLICIES, "POST") => Action::CreateReplicationPolicy,
        (routes::REPLICATION_POLICIES, "GET") => Action::ListReplicationPolicies,
        (routes::REPLICATION_SOURCES, "GET") => Action::ListReplicationSources,
        (routes::MAKE_WRITABLE, "POST") => Action::MakeWritable,
        (routes::REENCRYPT_BUCKET, "POST") => Action::ReencryptBucket,
        (routes::BATCH_DELETE, "POST") => Action::BatchDelete,
        (routes::RENAME, "POST") => Action::Rename,
        (routes::COPY, "POST") => Action::Copy,
        (routes::RESTORE, "POST") => Action::Restore,
        (routes::UPDATE_TIER, "POST") => Action::UpdateTier,
        _ => return None,
    })
}

fn action_with_id<'a>(template: &'static str, method: &str) -> Option<WithId<'a>> {
    Some(match (template, method) {
        (routes::RETENTION_RULE, "GET") => Action::GetRetentionRule,
        (routes::RETENTION_RULE, "PUT") => Action::UpdateRetentionRule,
        (routes::RETENTION_RULE, "DELETE") => Action::DeleteRetentionRule,
        (routes::REPLICATION_POLICY, "GET") => Action::GetReplicationPolicy,
        (routes::REPLICATION_POLICY, "DELETE") => Action::DeleteReplicationPolicy,
        _ => return None,
    })
}

fn action_of_work_request<'a>(template: &'static str, method: &str) -> Option<OfWorkRequest<'a>> {
    Some(match (template, method) {
        (routes::WORK_REQUEST, "GET") => Action::GetWorkRequest,
        (routes::WORK_REQUEST, "DELETE") => Action::CancelWorkRequest,
        (routes::WORK_REQUEST_ERRORS, "GET") => Action::ListWorkRequestErrors,
        (routes::WORK_REQUEST_LOGS, "GET") => Action::ListWorkRequestLogs,
        _ => return None,
    })
}

impl<'a> RawBucket<'a> {
    fn parse(self) -> Result<BucketPath, MisfitReason> {
        let namespace = namespace(self.namespace)?;
        let name = percent::decode(self.bucket)?;
        // No legal name has a byte that is not ASCII.
        let bucket = BucketName::parse(std::str::from_utf8(&name).unwrap_or("\u{fffd}"))
            .map_err(|error| MisfitReason::BadBucketName(error.0))?;
        Ok(BucketPath { namespace, bucket })
    }

    fn object(self, raw: &str) -> Result<ObjectPath, MisfitReason> {
        let bucket = self.parse()?;
        let object = ObjectName::parse(&percent::decode(raw)?)
            .map_err(|error| MisfitReason::BadObjectName(error.0))?;
        Ok(ObjectPath { bucket, object })
    }

    fn with_id(self, raw: &'a str) -> Result<(BucketPath, Cow<'a, [u8]>), MisfitReason> {
        Ok((self.parse()?, percent::decode(raw)?))
    }
}

impl<'a> RawUpload<'a> {
    fn address(self) -> UploadAddress<'a> {
        UploadAddress::Path {
            upload: self.upload,
            part: self.part,
        }
    }
}

impl From<MalformedEscape> for MisfitReason {
    fn from(_: MalformedEscape) -> Self {
        Self::MalformedEscape
    }
}

fn namespace(raw: &str) -> Result<Namespace, MisfitReason> {
    let name = percent::decode(raw)?;
    let name = std::str::from_utf8(&name).map_err(|_| MisfitReason::NoSuchNamespace)?;
    Namespace::parse(name).map_err(|_| MisfitReason::NoSuchNamespace)
}

fn secret(raw: &str) -> Result<PathSecret<'_>, MisfitReason> {
    let text = match percent::decode(raw)? {
        Cow::Borrowed(_) => Cow::Borrowed(raw),
        Cow::Owned(bytes) => {
            Cow::Owned(String::from_utf8(bytes).map_err(|_| MisfitReason::NoSuchPar)?)
        }
    };
    Ok(PathSecret(text))
}

fn hide_names(reason: MisfitReason) -> MisfitReason {
    match reason {
        MisfitReason::NoSuchNamespace | MisfitReason::BadBucketName(_) => MisfitReason::NoSuchPar,
        other => other,
    }
}

fn raw<'a>(namespace: &'a str, bucket: &'a str) -> RawBucket<'a> {
    RawBucket { namespace, bucket }
}

/// Cuts at slashes into at most as many pieces as there is room for; the last one keeps its slashes.
fn cut<'a, 'p>(path: &'a str, pieces: &'p mut [&'a str]) -> &'p [&'a str] {
    let mut count = 0;
    for (piece, slot) in path.splitn(pieces.len(), '/').zip(pieces.iter_mut()) {
        *slot = piece;
        count += 1;
    }
    &pieces[..count]
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
