//! What can go wrong, in the words of the service. HTTP is unknown here: each face has one file that maps these.

use std::fmt;

use parbuckle_model::{BucketName, ETag, Namespace, ObjectName};

/// A refusal or failure. It carries two texts: the [`Display`](fmt::Display) of its kind, which the client may read, and a
/// cause that only the log and an owner may see.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    cause: Option<String>,
}

impl Error {
    /// What happened, for the client.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Why, for the log: which check failed, or the chain of causes.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// Adds the text for the log.
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, cause: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {}

/// The kinds of error. Each says what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// No valid credentials. The text says what is wrong with them.
    #[error("{0}")]
    NotAuthenticated(String),
    /// The secret names no live PAR, or the request lies outside its target.
    #[error("PAR does not exist")]
    ParDoesNotExist,
    /// No such namespace, or not the caller's.
    #[error(
        "You do not have authorization to perform this request, or the requested resource could not be found."
    )]
    NamespaceNotFound,
    /// No such bucket, or the caller may not do this there.
    #[error(
        "Either the bucket named '{bucket}' does not exist in the namespace '{namespace}' or you are not authorized to access it"
    )]
    BucketNotFound {
        /// The namespace asked for.
        namespace: Namespace,
        /// The bucket asked for.
        bucket: BucketName,
    },
    /// The object is not there.
    #[error("The object '{object}' was not found in the bucket '{bucket}'")]
    ObjectNotFound {
        /// The bucket.
        bucket: BucketName,
        /// The object asked for.
        object: ObjectName,
    },
    /// An object to be deleted is not there.
    #[error(
        "The object '{object}' does not exist in bucket '{bucket}' with namespace '{namespace}'"
    )]
    ObjectToDeleteNotFound {
        /// The namespace.
        namespace: Namespace,
        /// The bucket.
        bucket: BucketName,
        /// The object asked for.
        object: ObjectName,
    },
    /// No upload of this id for this object.
    #[error("No such upload")]
    UploadNotFound,
    /// No PAR of this id in this bucket.
    #[error("The pre-authenticated request does not exist or you are not authorized to access it")]
    ParNotFound,
    /// Any other resource that is missing or forbidden.
    #[error("Authorization failed or requested resource not found.")]
    NotAuthorizedOrNotFound,
    /// A resource that the request refers to is missing or forbidden.
    #[error("{0}")]
    RelatedNotAuthorizedOrNotFound(String),
    /// The bucket is there, or may not be made by this caller.
    #[error(
        "Either the bucket '{bucket}' in namespace '{namespace}' already exists or you are not authorized to create it"
    )]
    BucketAlreadyExists {
        /// The namespace.
        namespace: Namespace,
        /// The bucket.
        bucket: BucketName,
    },
    /// The bucket still holds objects or uploads.
    #[error("Bucket named '{0}' is not empty. Delete all object versions first.")]
    BucketNotEmpty(BucketName),
    /// The bucket still has pre-authenticated requests.
    #[error("Bucket named '{0}' still has pre-authenticated requests. Delete them first.")]
    ParStillExists(BucketName),
    /// An archived object must be restored before it is read.
    #[error("The object '{object}' in the bucket '{bucket}' is archived: restore it first")]
    ObjectArchived {
        /// The bucket.
        bucket: BucketName,
        /// The object.
        object: ObjectName,
    },
    /// A retention rule protects the object; nothing was changed.
    #[error("The object '{object}' is protected by a retention rule of the bucket '{bucket}'")]
    ObjectRetained {
        /// The bucket.
        bucket: BucketName,
        /// The object.
        object: ObjectName,
    },
    /// The bucket is the destination of a replication policy, which alone writes to it.
    #[error("The bucket '{0}' is read-only: it is the destination of a replication policy")]
    BucketReadOnly(BucketName),
    /// The bucket can't do this in the state it is in, and the client must change that first.
    #[error("{0}")]
    BucketStateConflict(String),
    /// A retention rule that is locked, or whose lock is not allowed.
    #[error("{0}")]
    RetentionRuleConflict(String),
    /// A work request that has ended can't be cancelled.
    #[error("The work request has already ended")]
    WorkRequestEnded,
    /// The bucket has no lifecycle policy.
    #[error("The lifecycle policy of the bucket '{0}' was not found")]
    LifecyclePolicyNotFound(BucketName),
    /// No such retention rule in this bucket.
    #[error("The retention rule was not found in the bucket '{0}'")]
    RetentionRuleNotFound(BucketName),
    /// No such replication policy in this bucket.
    #[error("The replication policy was not found in the bucket '{0}'")]
    ReplicationPolicyNotFound(BucketName),
    /// The object to be renamed is not there.
    #[error("Not Found")]
    RenameSourceNotFound,
    /// The object is encrypted with a key of the customer's, and the request brought none or another.
    #[error("{0}")]
    CustomerKeyRefused(String),
    /// `if-match` does not hold; nothing was changed.
    #[error("The If-Match header does not match the ETag of the existing entity.")]
    IfMatchFailed,
    /// `if-none-match` does not hold; nothing was changed.
    #[error("The If-None-Match header is '*' but there is an existing entity.")]
    IfNoneMatchFailed,
    /// The client's copy is current.
    #[error("not modified")]
    NotModified(ETag),
    /// A parameter, header or field that can't be used.
    #[error("{0}")]
    InvalidParameter(String),
    /// A parameter that must be there.
    #[error("{0} is required")]
    MissingParameter(&'static str),
    /// An expiry that can't be used.
    #[error("{0}")]
    InvalidExpiry(String),
    /// The body's digest is not the one the client gave; nothing was stored.
    #[error(
        "The computed {digest} of the request body ({computed}) does not match the {header} header ({given})"
    )]
    ContentMismatch {
        /// Which digest.
        digest: Digest,
        /// The header it came in.
        header: &'static str,
        /// What the body has.
        computed: String,
        /// What the client said.
        given: String,
    },
    /// A part number or part that can't be used.
    #[error("{0}")]
    InvalidUploadPart(String),
    /// A commit without parts.
    #[error("There are no parts to commit")]
    NoPartsToCommit,
    /// The range lies outside the object.
    #[error("The requested range is outside the object, which has {size} bytes")]
    InvalidRange {
        /// Length of the object in bytes.
        size: u64,
    },
    /// The body is longer than the service takes.
    #[error("The request body is too large: at most {max} bytes")]
    TooLarge {
        /// Most bytes.
        max: u64,
    },
    /// The body ended early, stalled or was not well formed; nothing was stored.
    #[error("{0}")]
    BodyUnusable(String),
    /// The object changed while this request was at work; nothing was stored. The client may try again.
    #[error("The object was changed by another request at the same time")]
    ConcurrentUpdate,
    /// A rule of identity administration: a name that is taken, a limit that is reached.
    #[error("{message}")]
    IdentityConflict {
        /// OCI's error code, such as `UserAlreadyExists`.
        code: &'static str,
        /// The sentence.
        message: String,
    },
    /// What only Storage Classic refuses.
    #[error(transparent)]
    Swift(crate::swift::SwiftRefusal),
    /// The service does not have this.
    #[error("{0}")]
    NotImplemented(String),
    /// The stores can't do it now; nothing is known to have changed. Worth another try.
    #[error("The service is temporarily unavailable")]
    Unavailable,
    /// The stores are broken or the engine is. An operator must look at the log.
    #[error("Internal server error")]
    Internal,
}

/// A digest of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// MD5
    Md5,
    /// CRC32C
    Crc32c,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Crc32c => "CRC32C",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
        })
    }
}

impl From<parbuckle_kv::Error> for Error {
    fn from(error: parbuckle_kv::Error) -> Self {
        let kind = match &error {
            parbuckle_kv::Error::Unavailable(..) => ErrorKind::Unavailable,
            parbuckle_kv::Error::Damaged(..) => ErrorKind::Internal,
        };
        Self::from(kind).because(chain(&error))
    }
}

impl From<parbuckle_blob::Error> for Error {
    fn from(error: parbuckle_blob::Error) -> Self {
        use parbuckle_blob::Error as Blob;
        let kind = match &error {
            Blob::Full(_) | Blob::ReadOnly | Blob::Io(_) => ErrorKind::Unavailable,
            Blob::NotFound | Blob::Damaged(_) => ErrorKind::Internal,
        };
        Self::from(kind).because(chain(&error))
    }
}

/// An error and its sources in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
