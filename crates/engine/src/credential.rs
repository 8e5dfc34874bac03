//! Kinds of credentials, and who acts with which (DESIGN: delegated authority).

use minicbor::{Decode, Encode};

/// A kind of credential. Each needs a capability of its user, and a PAR lives only while its creator has the
/// capability for the kind that created it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum CredentialKind {
    /// A request signed with an API key (`canUseApiKeys`).
    #[n(0)]
    ApiKey,
    /// The console password (`canUseConsolePassword`).
    #[n(1)]
    ConsolePassword,
    /// An auth token (`canUseAuthTokens`).
    #[n(2)]
    AuthToken,
}
