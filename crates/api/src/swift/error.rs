//! Errors in Swift's words: the only place that knows its statuses and sentences (Swift wire reference section 1).

use std::borrow::Cow;

use http::StatusCode;
use parbuckle_engine::swift::SwiftRefusal;
use parbuckle_engine::{Error, ErrorKind};

use crate::fields::FieldError;

/// A request that ends without success.
#[derive(Debug)]
pub(super) enum SwiftError {
    /// The engine refused or failed.
    Engine(Error),
    /// A status with the page that belongs to it.
    Page(StatusCode),
    /// A status with a sentence instead of a page.
    Line(StatusCode, Cow<'static, str>),
    /// The same, announced as plain text.
    Plain(StatusCode, Cow<'static, str>),
    /// The resource has these methods only.
    MethodNotAllowed(&'static [&'static str]),
    /// A signature does not hold, whatever is wrong with it.
    TempUrlInvalid,
}

/// What a client reads of an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// The page of its status.
    Page,
    /// One line, announced as a page all the same.
    Line(Cow<'static, str>),
    /// One line of plain text.
    Plain(Cow<'static, str>),
}

impl Text {
    /// The line; of a page nothing.
    pub(super) fn line(&self) -> &str {
        match self {
            Self::Page => "",
            Self::Line(line) | Self::Plain(line) => line,
        }
    }
}

impl SwiftError {
    /// A path that begins like one of this face and is none.
    pub(super) const BAD_URL: Self = Self::line(StatusCode::PRECONDITION_FAILED, "Bad URL");

    /// A path that can't be read.
    pub(super) const BAD_TEXT: Self = Self::line(
        StatusCode::PRECONDITION_FAILED,
        "Invalid UTF8 or contains NULL",
    );

    /// A path that names nothing.
    pub(super) const UNKNOWN_PATH: Self = Self::Page(StatusCode::NOT_FOUND);

    /// A version of the API that is not here.
    pub(super) const UNKNOWN_VERSION: Self = Self::Page(StatusCode::BAD_REQUEST);

    /// A status with a sentence.
    pub(super) const fn line(status: StatusCode, sentence: &'static str) -> Self {
        Self::Line(status, Cow::Borrowed(sentence))
    }

    /// The same, as plain text.
    pub(super) const fn plain(status: StatusCode, sentence: &'static str) -> Self {
        Self::Plain(status, Cow::Borrowed(sentence))
    }

    /// Status and text for the client.
    pub(super) fn describe(&self) -> (StatusCode, Text) {
        match self {
            Self::Engine(error) => describe_engine(error.kind()),
            Self::Page(status) => (*status, Text::Page),
            Self::Line(status, sentence) => (*status, Text::Line(sentence.clone())),
            Self::Plain(status, sentence) => (*status, Text::Plain(sentence.clone())),
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, Text::Page),
            Self::TempUrlInvalid => {
                let text = "401 Unauthorized: Temp URL invalid\n";
                (StatusCode::UNAUTHORIZED, Text::Line(text.into()))
            }
        }
    }

    /// One line for the log.
    pub(super) fn log_line(&self) -> String {
        let (status, text) = self.describe();
        match (self, text) {
            (Self::Engine(error), _) => match error.cause() {
                Some(cause) => format!("{status}: {error} ({cause})"),
                None => format!("{status}: {error}"),
            },
            (_, Text::Line(line) | Text::Plain(line)) => format!("{status}: {line}"),
            (_, Text::Page) => status.to_string(),
        }
    }
}

/// The client went away, or sent less than it announced: nginx's number, which Swift uses too.
fn client_disconnect() -> StatusCode {
    StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST)
}

/// The engine's kinds. Kinds that no operation of this face meets have the status they would mean.
fn describe_engine(kind: &ErrorKind) -> (StatusCode, Text) {
    use StatusCode as S;
    let page = |status| (status, Text::Page);
    let line = |status, sentence: String| (status, Text::Line(sentence.into()));
    match kind {
        ErrorKind::NotAuthenticated(_) | ErrorKind::ParDoesNotExist => page(S::UNAUTHORIZED),
        ErrorKind::Swift(refusal) => describe_refusal(refusal),
        ErrorKind::NotAuthorizedOrNotFound | ErrorKind::NamespaceNotFound => page(S::FORBIDDEN),
        ErrorKind::BucketNotFound { .. }
        | ErrorKind::ObjectNotFound { .. }
        | ErrorKind::ObjectToDeleteNotFound { .. }
        | ErrorKind::UploadNotFound
        | ErrorKind::ParNotFound
        | ErrorKind::LifecyclePolicyNotFound(_)
        | ErrorKind::RetentionRuleNotFound(_)
        | ErrorKind::ReplicationPolicyNotFound(_)
        | ErrorKind::RenameSourceNotFound => page(S::NOT_FOUND),
        ErrorKind::BucketAlreadyExists { .. }
        | ErrorKind::BucketNotEmpty(_)
        | ErrorKind::ParStillExists(_)
        | ErrorKind::WorkRequestEnded
        | ErrorKind::IdentityConflict { .. }
        | ErrorKind::ConcurrentUpdate => page(S::CONFLICT),
        ErrorKind::BucketStateConflict(_)
        | ErrorKind::RetentionRuleConflict(_)
        | ErrorKind::ObjectRetained { .. }
        | ErrorKind::BucketReadOnly(_) => line(S::CONFLICT, kind.to_string()),
        ErrorKind::ObjectArchived { .. }
        | ErrorKind::CustomerKeyRefused(_)
        | ErrorKind::RelatedNotAuthorizedOrNotFound(_)
        | ErrorKind::InvalidParameter(_)
        | ErrorKind::MissingParameter(_)
        | ErrorKind::InvalidExpiry(_)
        | ErrorKind::InvalidUploadPart(_)
        | ErrorKind::NoPartsToCommit => line(S::BAD_REQUEST, kind.to_string()),
        ErrorKind::IfMatchFailed | ErrorKind::IfNoneMatchFailed => page(S::PRECONDITION_FAILED),
        ErrorKind::NotModified(_) => page(S::NOT_MODIFIED),
        ErrorKind::ContentMismatch { .. } => page(S::UNPROCESSABLE_ENTITY),
        ErrorKind::InvalidRange { .. } => page(S::RANGE_NOT_SATISFIABLE),
        ErrorKind::TooLarge { .. } => {
            let sentence = Cow::Borrowed("Your request is too large.");
            (S::PAYLOAD_TOO_LARGE, Text::Plain(sentence))
        }
        ErrorKind::BodyUnusable(_) => page(client_disconnect()),
        ErrorKind::NotImplemented(_) => line(S::NOT_IMPLEMENTED, kind.to_string()),
        ErrorKind::Unavailable => page(S::SERVICE_UNAVAILABLE),
        ErrorKind::Internal => page(S::INTERNAL_SERVER_ERROR),
    }
}

fn describe_refusal(refusal: &SwiftRefusal) -> (StatusCode, Text) {
    use StatusCode as S;
    match refusal {
        SwiftRefusal::Forbidden => (S::FORBIDDEN, Text::Page),
        SwiftRefusal::QuotaExceeded => {
            let sentence = refusal.to_string();
            (S::PAYLOAD_TOO_LARGE, Text::Line(sentence.into()))
        }
        // The handler of large objects words the list.
        SwiftRefusal::SegmentsRefused(_) | SwiftRefusal::NotStaticManifest => {
            (S::BAD_REQUEST, Text::Line(refusal.to_string().into()))
        }
        SwiftRefusal::LargeObjectBroken => (S::CONFLICT, Text::Page),
        SwiftRefusal::EtagMismatch => (S::UNPROCESSABLE_ENTITY, Text::Page),
    }
}

/// The status that an error of the engine gets.
pub(super) fn status_of(error: &Error) -> StatusCode {
    describe_engine(error.kind()).0
}

/// The refusal of something in the request, with a sentence.
pub(super) fn bad_request(sentence: impl Into<Cow<'static, str>>) -> SwiftError {
    SwiftError::Line(StatusCode::BAD_REQUEST, sentence.into())
}

impl From<Error> for SwiftError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<ErrorKind> for SwiftError {
    fn from(kind: ErrorKind) -> Self {
        Self::Engine(kind.into())
    }
}

impl From<FieldError> for SwiftError {
    fn from(error: FieldError) -> Self {
        ErrorKind::from(error).into()
    }
}
