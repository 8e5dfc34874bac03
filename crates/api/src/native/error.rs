//! Errors in the native API's words: the only place that knows its statuses and codes (wire reference 7.5 and 8).

use http::StatusCode;
use parbuckle_engine::{Digest, Error, ErrorKind, WorkFailure};

use super::route::MisfitReason;
use super::routes;
use crate::fields::FieldError;
use crate::json::JsonError;
use crate::query::QueryError;

/// A request that ends without success.
#[derive(Debug)]
pub(super) enum NativeError {
    /// The engine refused or failed.
    Engine(Error),
    /// The request did not get that far.
    Face(FaceError),
}

/// What this face itself refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FaceError {
    #[error("Authorization failed or requested resource not found.")]
    UnknownPath,
    #[error("This resource does not support the method of the request")]
    MethodNotAllowed {
        /// For the `Allow` header.
        template: &'static str,
    },
    #[error("{0}")]
    MalformedRequest(String),
    #[error("{0}")]
    InvalidBucketName(String),
    #[error("{0}")]
    InvalidObjectName(String),
    #[error(transparent)]
    CannotParseRequest(JsonError),
    #[error("A Content-Length header is required")]
    LengthRequired,
}

impl NativeError {
    /// Status and code.
    pub(super) fn describe(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Engine(error) => describe_engine(error.kind()),
            Self::Face(error) => describe_face(error),
        }
    }

    /// The sentence for the client.
    pub(super) fn message(&self) -> String {
        match self {
            Self::Engine(error) => error.to_string(),
            Self::Face(error) => error.to_string(),
        }
    }

    /// What only the log may know besides.
    pub(super) fn cause(&self) -> Option<&str> {
        match self {
            Self::Engine(error) => error.cause(),
            Self::Face(_) => None,
        }
    }
}

/// The engine's kinds. Where the wire reference marks a code as assumed (A), it is chosen here and nowhere else; such
/// lines say so.
fn describe_engine(kind: &ErrorKind) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match kind {
        ErrorKind::NotAuthenticated(_) => (S::UNAUTHORIZED, "NotAuthenticated"),
        ErrorKind::ParDoesNotExist => (S::UNAUTHORIZED, "NotAuthenticated"),
        ErrorKind::NamespaceNotFound => (S::NOT_FOUND, "NamespaceNotFound"),
        ErrorKind::BucketNotFound { .. } => (S::NOT_FOUND, "BucketNotFound"),
        ErrorKind::ObjectNotFound { .. } => (S::NOT_FOUND, "ObjectNotFound"),
        ErrorKind::ObjectToDeleteNotFound { .. } => (S::NOT_FOUND, "ObjectNotFound"),
        ErrorKind::UploadNotFound => (S::NOT_FOUND, "NoSuchUpload"), // A: only the message is known
        ErrorKind::ParNotFound => (S::NOT_FOUND, "PreauthenticatedRequestNotFound"),
        ErrorKind::NotAuthorizedOrNotFound => (S::NOT_FOUND, "NotAuthorizedOrNotFound"),
        ErrorKind::RelatedNotAuthorizedOrNotFound(_) => {
            (S::BAD_REQUEST, "RelatedResourceNotAuthorizedOrNotFound")
        }
        ErrorKind::BucketAlreadyExists { .. } => (S::CONFLICT, "BucketAlreadyExists"),
        ErrorKind::BucketNotEmpty(_) => (S::CONFLICT, "BucketNotEmpty"),
        ErrorKind::ParStillExists(_) => (S::CONFLICT, "PreauthenticatedRequestStillExists"),
        ErrorKind::ObjectArchived { .. } => (S::CONFLICT, "NotRestored"), // A: 409 is documented, the code is not
        ErrorKind::ObjectRetained { .. } => (S::CONFLICT, "ObjectRetained"), // A
        ErrorKind::BucketReadOnly(_) => (S::CONFLICT, "BucketReadOnly"),  // A
        ErrorKind::BucketStateConflict(_) => (S::CONFLICT, "InvalidBucketState"), // A
        ErrorKind::RetentionRuleConflict(_) => (S::CONFLICT, "RetentionRuleLocked"), // A
        ErrorKind::WorkRequestEnded => (S::CONFLICT, "WorkRequestEnded"), // A
        ErrorKind::LifecyclePolicyNotFound(_) => (S::NOT_FOUND, "LifecyclePolicyNotFound"), // A
        ErrorKind::RetentionRuleNotFound(_) => (S::NOT_FOUND, "RetentionRuleNotFound"), // A
        ErrorKind::ReplicationPolicyNotFound(_) => (S::NOT_FOUND, "ReplicationPolicyNotFound"), // A
        ErrorKind::RenameSourceNotFound => (S::NOT_FOUND, "ObjectNotFound"), // A: only the message is known
        ErrorKind::CustomerKeyRefused(_) => (S::BAD_REQUEST, "InvalidSSECustomerKey"), // A
        ErrorKind::IfMatchFailed => (S::PRECONDITION_FAILED, "IfMatchFailed"),
        ErrorKind::IfNoneMatchFailed => (S::PRECONDITION_FAILED, "IfNoneMatchFailed"),
        ErrorKind::NotModified(_) => (S::NOT_MODIFIED, "NotModified"), // no body: the code is for the log
        ErrorKind::InvalidParameter(_) => (S::BAD_REQUEST, "InvalidParameter"),
        ErrorKind::MissingParameter(_) => (S::BAD_REQUEST, "MissingParameter"),
        ErrorKind::InvalidExpiry(_) => (S::BAD_REQUEST, "InvalidValue"),
        ErrorKind::ContentMismatch { digest, .. } => (S::BAD_REQUEST, mismatch_code(*digest)),
        ErrorKind::InvalidUploadPart(_) => (S::BAD_REQUEST, "InvalidUploadPart"), // A
        ErrorKind::NoPartsToCommit => (S::BAD_REQUEST, "InvalidUploadPart"), // A: only the message is known
        ErrorKind::InvalidRange { .. } => (S::RANGE_NOT_SATISFIABLE, "InvalidRange"), // A
        ErrorKind::TooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
        ErrorKind::BodyUnusable(_) => (S::BAD_REQUEST, "CannotParseRequest"), // A
        ErrorKind::ConcurrentUpdate => (S::CONFLICT, "ConcurrentObjectUpdate"),
        ErrorKind::IdentityConflict { code, .. } => (S::CONFLICT, code),
        ErrorKind::Swift(_) => (S::CONFLICT, "Conflict"), // the other dialect's: not met here
        ErrorKind::NotImplemented(_) => (S::NOT_IMPLEMENTED, "NotImplemented"),
        ErrorKind::Unavailable => (S::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        ErrorKind::Internal => (S::INTERNAL_SERVER_ERROR, "InternalServerError"),
    }
}

fn describe_face(error: &FaceError) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match error {
        FaceError::UnknownPath => (S::NOT_FOUND, "NotAuthorizedOrNotFound"), // A
        FaceError::MethodNotAllowed { .. } => (S::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
        FaceError::MalformedRequest(_) => (S::BAD_REQUEST, "InvalidParameter"), // A
        FaceError::InvalidBucketName(_) => (S::BAD_REQUEST, "InvalidBucketName"), // A
        FaceError::InvalidObjectName(_) => (S::BAD_REQUEST, "InvalidObjectName"), // A
        FaceError::CannotParseRequest(_) => (S::BAD_REQUEST, "CannotParseRequest"),
        FaceError::LengthRequired => (S::LENGTH_REQUIRED, "LengthRequired"), // A
    }
}

fn mismatch_code(digest: Digest) -> &'static str {
    match digest {
        Digest::Md5 => "UnmatchedContentMD5",
        Digest::Crc32c => "UnmatchedContentCRC32C", // A, as are the next two
        Digest::Sha256 => "UnmatchedContentSHA256",
        Digest::Sha384 => "UnmatchedContentSHA384",
    }
}

/// The code of what ended a work request: the one that the same error has in a reply.
pub(super) fn failure_code(failure: WorkFailure) -> &'static str {
    match failure {
        WorkFailure::NamespaceNotFound => "NamespaceNotFound",
        WorkFailure::BucketNotFound => "BucketNotFound",
        WorkFailure::ObjectNotFound => "ObjectNotFound",
        WorkFailure::ObjectArchived => "NotRestored",
        WorkFailure::ObjectRetained => "ObjectRetained",
        WorkFailure::BucketReadOnly => "BucketReadOnly",
        WorkFailure::BucketStateConflict => "InvalidBucketState",
        WorkFailure::IfMatchFailed => "IfMatchFailed",
        WorkFailure::IfNoneMatchFailed => "IfNoneMatchFailed",
        WorkFailure::CustomerKeyRefused => "InvalidSSECustomerKey",
        WorkFailure::InvalidParameter => "InvalidParameter",
        WorkFailure::NotImplemented => "NotImplemented",
        WorkFailure::ConcurrentUpdate => "ConcurrentObjectUpdate",
        WorkFailure::Unavailable => "ServiceUnavailable",
        WorkFailure::Internal => "InternalServerError",
    }
}

/// The refusal of a parameter, header or field, with a sentence.
pub(super) fn invalid(sentence: impl Into<String>) -> NativeError {
    ErrorKind::InvalidParameter(sentence.into()).into()
}

/// The refusal of something that OCI has and this service has not.
pub(super) fn not_implemented(what: &str) -> NativeError {
    ErrorKind::NotImplemented(format!("{what} is not implemented here")).into()
}

impl From<Error> for NativeError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<ErrorKind> for NativeError {
    fn from(kind: ErrorKind) -> Self {
        Self::Engine(kind.into())
    }
}

impl From<FaceError> for NativeError {
    fn from(error: FaceError) -> Self {
        Self::Face(error)
    }
}

impl From<JsonError> for NativeError {
    fn from(error: JsonError) -> Self {
        FaceError::CannotParseRequest(error).into()
    }
}

impl From<QueryError> for NativeError {
    fn from(error: QueryError) -> Self {
        ErrorKind::from(error).into()
    }
}

impl From<FieldError> for NativeError {
    fn from(error: FieldError) -> Self {
        ErrorKind::from(error).into()
    }
}

impl NativeError {
    /// What the grammar says of a request that it does not take.
    pub(super) fn misfit(template: &'static str, reason: MisfitReason) -> Self {
        match reason {
            MisfitReason::UnknownPath => FaceError::UnknownPath.into(),
            MisfitReason::WrongMethod => FaceError::MethodNotAllowed { template }.into(),
            MisfitReason::MalformedEscape => {
                FaceError::MalformedRequest(crate::percent::MalformedEscape.to_string()).into()
            }
            MisfitReason::NoSuchNamespace => ErrorKind::NamespaceNotFound.into(),
            MisfitReason::BadBucketName(text) => FaceError::InvalidBucketName(text).into(),
            MisfitReason::BadObjectName(text) => FaceError::InvalidObjectName(text).into(),
            MisfitReason::NoSuchPar => ErrorKind::ParDoesNotExist.into(),
        }
    }

    /// The methods that the resource has, when the request used another.
    pub(super) fn allowed_methods(&self) -> Option<String> {
        let Self::Face(FaceError::MethodNotAllowed { template }) = self else {
            return None;
        };
        let mut methods: Vec<_> = routes::methods(template).collect();
        methods.push("OPTIONS");
        Some(methods.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(error: impl Into<NativeError>) -> String {
        let error = error.into();
        let (status, code) = error.describe();
        format!("{} {code}: {}", status.as_u16(), error.message())
    }

    #[test]
    fn a_dead_par_reads_as_documented() {
        insta::assert_snapshot!(line(ErrorKind::ParDoesNotExist), @"401 NotAuthenticated: PAR does not exist");
    }

    #[test]
    fn each_digest_has_its_code() {
        let mismatch = |digest| {
            line(ErrorKind::ContentMismatch {
                digest,
                header: "Content-MD5",
                computed: "x".to_owned(),
                given: "y".to_owned(),
            })
        };
        insta::assert_snapshot!(mismatch(Digest::Md5), @"400 UnmatchedContentMD5: The computed MD5 of the request body (x) does not match the Content-MD5 header (y)");
        assert!(mismatch(Digest::Crc32c).starts_with("400 UnmatchedContentCRC32C"));
        assert!(mismatch(Digest::Sha256).starts_with("400 UnmatchedContentSHA256"));
        assert!(mismatch(Digest::Sha384).starts_with("400 UnmatchedContentSHA384"));
    }

    #[test]
    fn semantic_refusals_are_never_retried_by_clients() {
        // Clients retry 429 and all of 5xx but 501 (wire reference 2.6).
        let refusals = [
            line(ErrorKind::NotImplemented("x".to_owned())),
            line(ErrorKind::ConcurrentUpdate),
            line(ErrorKind::BodyUnusable("x".to_owned())),
            line(ErrorKind::TooLarge { max: 1 }),
            line(FaceError::LengthRequired),
        ];
        for line in refusals {
            assert!(line.starts_with('4') || line.starts_with("501"), "{line}");
        }
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let error = NativeError::misfit(routes::BUCKET, MisfitReason::WrongMethod);
        assert_eq!(
            error.allowed_methods().as_deref(),
            Some("GET, HEAD, POST, DELETE, OPTIONS")
        );
    }
}
