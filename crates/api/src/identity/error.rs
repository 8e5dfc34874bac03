//! Errors in the Identity API's words: the only place that knows its statuses and codes (wire reference 8.2, 8.4).

use http::StatusCode;
use parbuckle_engine::{Error, ErrorKind};

use super::routes::Misfit;
use crate::fields::FieldError;
use crate::json::JsonError;
use crate::query::QueryError;

/// A request that ends without success.
#[derive(Debug)]
pub(super) enum IdentityError {
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
        methods: Vec<&'static str>,
    },
    #[error("{0}")]
    MalformedRequest(String),
    #[error("{0}")]
    CannotParseRequest(String),
}

impl IdentityError {
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

    /// Code, sentence and cause for the log.
    pub(super) fn log_line(&self) -> String {
        let ((_, code), message) = (self.describe(), self.message());
        match self {
            Self::Engine(error) => match error.cause() {
                Some(cause) => format!("{code}: {message} ({cause})"),
                None => format!("{code}: {message}"),
            },
            Self::Face(_) => format!("{code}: {message}"),
        }
    }
}

/// The engine's kinds. Those that only buckets and objects have are here for completeness.
fn describe_engine(kind: &ErrorKind) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match kind {
        ErrorKind::NotAuthenticated(_) => (S::UNAUTHORIZED, "NotAuthenticated"),
        ErrorKind::ParDoesNotExist => (S::UNAUTHORIZED, "NotAuthenticated"),
        ErrorKind::NotAuthorizedOrNotFound
        | ErrorKind::NamespaceNotFound
        | ErrorKind::BucketNotFound { .. }
        | ErrorKind::ObjectNotFound { .. }
        | ErrorKind::ObjectToDeleteNotFound { .. }
        | ErrorKind::UploadNotFound
        | ErrorKind::ParNotFound
        | ErrorKind::LifecyclePolicyNotFound(_)
        | ErrorKind::RetentionRuleNotFound(_)
        | ErrorKind::ReplicationPolicyNotFound(_)
        | ErrorKind::RenameSourceNotFound => (S::NOT_FOUND, "NotAuthorizedOrNotFound"),
        ErrorKind::RelatedNotAuthorizedOrNotFound(_) => {
            (S::BAD_REQUEST, "RelatedResourceNotAuthorizedOrNotFound")
        }
        ErrorKind::IdentityConflict { code, .. } => (S::CONFLICT, code),
        ErrorKind::BucketAlreadyExists { .. }
        | ErrorKind::BucketNotEmpty(_)
        | ErrorKind::ParStillExists(_)
        | ErrorKind::ObjectArchived { .. }
        | ErrorKind::ObjectRetained { .. }
        | ErrorKind::BucketReadOnly(_)
        | ErrorKind::BucketStateConflict(_)
        | ErrorKind::RetentionRuleConflict(_)
        | ErrorKind::WorkRequestEnded => (S::CONFLICT, "Conflict"),
        // SDKs try this one again.
        ErrorKind::Swift(_) => (S::CONFLICT, "Conflict"),
        ErrorKind::ConcurrentUpdate => (S::CONFLICT, "IncorrectState"),
        ErrorKind::IfMatchFailed => (S::PRECONDITION_FAILED, "NoEtagMatch"), // A
        ErrorKind::IfNoneMatchFailed => (S::PRECONDITION_FAILED, "IfNoneMatchFailed"),
        ErrorKind::NotModified(_) => (S::NOT_MODIFIED, "NotModified"),
        ErrorKind::InvalidParameter(_)
        | ErrorKind::InvalidExpiry(_)
        | ErrorKind::ContentMismatch { .. }
        | ErrorKind::InvalidUploadPart(_)
        | ErrorKind::NoPartsToCommit
        | ErrorKind::CustomerKeyRefused(_)
        | ErrorKind::InvalidRange { .. } => (S::BAD_REQUEST, "InvalidParameter"),
        ErrorKind::MissingParameter(_) => (S::BAD_REQUEST, "MissingParameter"),
        ErrorKind::BodyUnusable(_) => (S::BAD_REQUEST, "CannotParseRequest"),
        ErrorKind::TooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
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
        FaceError::CannotParseRequest(_) => (S::BAD_REQUEST, "CannotParseRequest"),
    }
}

/// The refusal of a parameter, header or field, with a sentence.
pub(super) fn invalid(sentence: impl Into<String>) -> IdentityError {
    ErrorKind::InvalidParameter(sentence.into()).into()
}

impl From<Error> for IdentityError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<ErrorKind> for IdentityError {
    fn from(kind: ErrorKind) -> Self {
        Self::Engine(kind.into())
    }
}

impl From<FaceError> for IdentityError {
    fn from(error: FaceError) -> Self {
        Self::Face(error)
    }
}

impl From<JsonError> for IdentityError {
    fn from(error: JsonError) -> Self {
        FaceError::CannotParseRequest(error.to_string()).into()
    }
}

impl From<FieldError> for IdentityError {
    fn from(error: FieldError) -> Self {
        ErrorKind::from(error).into()
    }
}

impl From<QueryError> for IdentityError {
    fn from(error: QueryError) -> Self {
        ErrorKind::from(error).into()
    }
}

impl From<Misfit> for IdentityError {
    fn from(misfit: Misfit) -> Self {
        if misfit.methods.is_empty() {
            return FaceError::UnknownPath.into();
        }
        let methods = misfit.methods;
        FaceError::MethodNotAllowed { methods }.into()
    }
}
