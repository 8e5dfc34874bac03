//! What can be wrong with a signature or a key, for the client and for the log.

use thiserror::Error;

/// Why a request's signature was refused. Every variant is 401 `NotAuthenticated` on the wire.
///
/// `Display` is for the log; only [`SignatureError::client_message`] may reach the client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The header is not `Signature` with a well-formed parameter list.
    #[error("malformed Authorization header: {0}")]
    Malformed(&'static str),
    /// A parameter or a header name stands twice.
    #[error("{what} `{name}` stands twice in the Authorization header")]
    Duplicate {
        /// "parameter" or "header name".
        what: &'static str,
        /// The repeated name.
        name: String,
    },
    /// `keyId`, `algorithm`, `headers` or `signature` is missing.
    #[error("the Authorization header has no `{0}` parameter")]
    MissingParameter(&'static str),
    /// Not `rsa-sha256`, the only algorithm of OCI request signatures.
    #[error("signature algorithm `{0}` is not rsa-sha256")]
    UnsupportedAlgorithm(String),
    /// A version other than "1".
    #[error("signature version `{0}` is not 1")]
    UnsupportedVersion(String),
    /// A `ST$…` token or an instance principal (wire reference 6.5).
    #[error("key ids of session tokens and instance principals are not supported")]
    UnsupportedKeyId,
    /// `opc-obo-token`: the request would act for somebody else (wire reference 6.6).
    #[error("delegated requests (opc-obo-token) are not supported")]
    DelegationUnsupported,
    /// Not `{tenancy}/{user}/{fingerprint}`.
    #[error("malformed keyId: {0}")]
    MalformedKeyId(&'static str),
    /// Something that must be signed is not (wire reference 6.3).
    #[error("`{0}` must be signed and is not")]
    UnsignedHeader(&'static str),
    /// Both `date` and `x-date` are signed.
    #[error("both date and x-date are signed")]
    TwoDates,
    /// The request carries `x-date` but signs `date`.
    #[error("the request has x-date, but signs date")]
    DateNotDecisive,
    /// A signed header is not in the request.
    #[error("signed header `{0}` is not in the request")]
    AbsentHeader(String),
    /// A signed header stands more than once in the request.
    #[error("signed header `{0}` stands more than once in the request")]
    RepeatedHeader(String),
    /// The signed date is not an RFC 1123 date in GMT.
    #[error("the signed date is not an RFC 1123 date in GMT")]
    MalformedDate,
    /// The signed date is further from the server's clock than five minutes.
    #[error("{0}")]
    Skew(String),
    /// `x-content-sha256` is not the base64 of 32 bytes.
    #[error("x-content-sha256 is not the base64 form of a SHA-256")]
    MalformedBodyHash,
    /// The signature does not fit the request and the key.
    #[error("the signature does not fit the request and the key")]
    BadSignature,
    /// Nobody has this key; see [`super::verify_unknown_key`].
    #[error("no such key, or its user may not use it")]
    UnknownKey,
}

impl SignatureError {
    /// What the client may read: OCI's texts (wire reference 6.4 and 8.2). An unknown key and a bad
    /// signature read the same.
    pub fn client_message(&self) -> &str {
        match self {
            Self::MissingParameter(_) | Self::UnsignedHeader(_) | Self::AbsentHeader(_) => {
                "The required information to complete authentication was not provided."
            }
            Self::Malformed(_)
            | Self::Duplicate { .. }
            | Self::UnsupportedAlgorithm(_)
            | Self::UnsupportedVersion(_)
            | Self::UnsupportedKeyId
            | Self::DelegationUnsupported
            | Self::MalformedKeyId(_)
            | Self::TwoDates
            | Self::DateNotDecisive
            | Self::RepeatedHeader(_)
            | Self::MalformedDate
            | Self::MalformedBodyHash => {
                "The required information to complete authentication was not provided or was incorrect."
            }
            Self::Skew(message) => message,
            Self::BadSignature | Self::UnknownKey => "Failed to verify the HTTP(S) Signature",
        }
    }
}

/// Why a key was refused or could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// No `-----BEGIN PUBLIC KEY-----` block (or its PKCS#1 or private counterpart) with base64 in
    /// it.
    #[error("the key is not in PEM format")]
    NotPem,
    /// The bytes are not the canonical DER of a sound RSA key.
    #[error("the key is not an RSA key in DER encoding")]
    NotRsa,
    /// A modulus outside 2048 to 8192 bits, both inclusive.
    #[error("the RSA key has {bits} bits; 2048 to 8192 are accepted")]
    UnsupportedSize {
        /// Length of the modulus in bits.
        bits: usize,
    },
    /// Not 16 colon-separated pairs of hex digits.
    #[error("the fingerprint is not 16 colon-separated pairs of hex digits")]
    MalformedFingerprint,
    /// The cryptographic library failed to make a key or a signature.
    #[error("the cryptographic library failed")]
    Crypto,
}
