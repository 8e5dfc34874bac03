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
    ListReplicationPolicies(BucketPath),
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
    ReplicationPolicies(RawBucket<'a>),
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
        ["n", _] | ["n", _, ""] => Place::Other(routes::NAMESPACE),
        ["n", ns, "b"] | ["n", ns, "b", ""] => Place::Buckets(ns),
        ["n", ns, "b", bucket] | ["n", ns, "b", bucket, ""] => Place::Bucket(raw(ns, bucket)),
        ["n", ns, "b", bucket, kind] => bucket_place(raw(ns, bucket), kind, "")?,
        ["n", ns, "b", bucket, kind, rest] => bucket_place(raw(ns, bucket), kind, rest)?,
        ["n", _, "pe"] | ["n", _, "pe", ""] => Place::Other(routes::PRIVATE_ENDPOINTS),
        ["n", _, "pe", _] => Place::Other(routes::PRIVATE_ENDPOINT),
        ["workRequests"] | ["workRequests", ""] => Place::Other(routes::WORK_REQUESTS),
        ["workRequests", _] => Place::Other(routes::WORK_REQUEST),
        ["workRequests", _, "errors"] => Place::Other(routes::WORK_REQUEST_ERRORS),
        ["workRequests", _, "logs"] => Place::Other(routes::WORK_REQUEST_LOGS),
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
        ("objectversions", "") => Place::Other(routes::VERSIONS),
        ("l", "") => Place::Other(routes::LIFECYCLE),
        ("retentionRules", "") => Place::Other(routes::RETENTION_RULES),
        ("retentionRules", _) => Place::Other(routes::RETENTION_RULE),
        ("replicationPolicies", "") => Place::ReplicationPolicies(bucket),
        ("replicationPolicies", _) => Place::Other(routes::REPLICATION_POLICY),
        ("replicationSources", "") => Place::Other(routes::REPLICATION_SOURCES),
        ("actions", "makeBucketWritable") => Place::Other(routes::MAKE_WRITABLE),
        ("actions", "reencrypt") => Place::Other(routes::REENCRYPT_BUCKET),
        ("actions", "batchDeleteObjects") => Place::Other(routes::BATCH_DELETE),
        ("actions", "renameObject") => Place::Other(routes::RENAME),
        ("actions", "copyObject") => Place::Other(routes::COPY),
        ("actions", "restoreObjects") => Place::Other(routes::RESTORE),
        ("actions", "updateObjectStorageTier") => Place::Other(routes::UPDATE_TIER),
        ("actions", other) if other.starts_with("reencrypt/") => {
            Place::Other(routes::REENCRYPT_OBJECT)
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
            Self::ReplicationPolicies(_) => routes::REPLICATION_POLICIES,
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
            (Self::ReplicationPolicies(b), "GET") => b.parse().map(Action::ListReplicationPolicies),
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
