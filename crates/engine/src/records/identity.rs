//! Records of the identity service (wire reference section 13).
//!
//! Those without a secret are public: what is stored of a user or a group is what an administrator sees of it.

use jiff::Timestamp;
use minicbor::{Decode, Encode};
use parbuckle_model::{ETag, Namespace, Ocid};

use super::codec;

/// Kinds of identity keys: the byte behind `'I'`. Upper-case kinds are indexes to the lower-case ones. Names in keys are
/// in lower case, because they compare without case.
pub(crate) mod kind {
    /// user ocid -> [`super::User`]
    pub(crate) const USER: u8 = b'u';
    /// user name -> user ocid
    pub(crate) const USER_NAME: u8 = b'U';
    /// group ocid -> [`super::Group`]
    pub(crate) const GROUP: u8 = b'g';
    /// group name -> group ocid
    pub(crate) const GROUP_NAME: u8 = b'G';
    /// membership ocid -> [`super::Membership`]
    pub(crate) const MEMBERSHIP: u8 = b'm';
    /// user ocid, group ocid -> membership ocid
    pub(crate) const USER_MEMBERSHIP: u8 = b'M';
    /// group ocid, user ocid -> membership ocid
    pub(crate) const GROUP_MEMBERSHIP: u8 = b'N';
    /// policy ocid -> [`super::Policy`]
    pub(crate) const POLICY: u8 = b'p';
    /// policy name -> policy ocid
    pub(crate) const POLICY_NAME: u8 = b'P';
    /// compartment ocid -> [`super::Compartment`]
    pub(crate) const COMPARTMENT: u8 = b'c';
    /// parent ocid, name -> compartment ocid, of those that are not deleted
    pub(crate) const COMPARTMENT_NAME: u8 = b'C';
    /// dynamic group ocid -> [`super::DynamicGroup`]
    pub(crate) const DYNAMIC_GROUP: u8 = b'd';
    /// dynamic group name -> dynamic group ocid
    pub(crate) const DYNAMIC_GROUP_NAME: u8 = b'D';
    /// user ocid, fingerprint -> [`super::ApiKeyRecord`]
    pub(crate) const API_KEY: u8 = b'k';
    /// user ocid -> [`super::PasswordRecord`]
    pub(crate) const PASSWORD: u8 = b'w';
    /// user ocid, auth token ocid -> [`super::SecretRecord`]
    pub(crate) const AUTH_TOKEN: u8 = b't';
    /// user ocid, access key -> [`super::SecretRecord`]
    pub(crate) const SECRET_KEY: u8 = b's';
    /// work request ocid -> [`super::WorkRequestRecord`]
    pub(crate) const WORK_REQUEST: u8 = b'q';
    /// user ocid, retry token -> [`super::RetryRecord`]
    pub(crate) const RETRY: u8 = b'r';
    /// time as 20 digits, user ocid, retry token -> nothing: when a retry token ends
    pub(crate) const RETRY_END: u8 = b'R';
}

/// A tenancy. Its root compartment has the same OCID.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct TenancyRecord {
    #[cbor(n(0), with = "codec::ocid")]
    pub(crate) ocid: Ocid,
    #[n(1)]
    pub(crate) name: String,
    #[cbor(n(2), with = "codec::namespace")]
    pub(crate) namespace: Namespace,
    #[cbor(n(3), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    /// The group that no Deny statement binds, and that is never without a member who can sign requests.
    #[cbor(n(4), with = "codec::ocid")]
    pub(crate) administrators: Ocid,
    /// The policy that gives that group everything.
    #[cbor(n(5), with = "codec::ocid")]
    pub(crate) administrators_policy: Ocid,
    /// Whether Deny statements may be written (wire reference 12.4).
    #[n(6)]
    pub(crate) deny_statements: bool,
}

/// What users, groups, policies, compartments and dynamic groups have in common.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Entity {
    /// Its OCID.
    #[cbor(n(0), with = "codec::ocid")]
    pub id: Ocid,
    /// The compartment it lies in: the parent of a compartment, where a policy is attached, for the others the root.
    #[cbor(n(1), with = "codec::ocid")]
    pub compartment: Ocid,
    /// Its name.
    #[n(2)]
    pub name: String,
    /// Its description.
    #[n(3)]
    pub description: String,
    /// When it was made.
    #[cbor(n(4), with = "codec::time")]
    pub time_created: Timestamp,
    /// Changes with every update.
    #[cbor(n(5), with = "codec::etag")]
    pub etag: ETag,
    /// Free-form tags.
    #[n(6)]
    pub freeform_tags: Vec<(String, String)>,
    /// Defined tags: namespace, key, value as JSON text.
    #[n(7)]
    pub defined_tags: Vec<(String, String, String)>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct User {
    /// What he has in common with others.
    #[n(0)]
    pub entity: Entity,
    /// A blocked user can do nothing, and his PARs neither.
    #[n(1)]
    pub blocked: bool,
    /// Which credentials he may use.
    #[n(2)]
    pub capabilities: Capabilities,
    /// His e-mail address. Nothing is sent there.
    #[n(3)]
    pub email: Option<String>,
    /// His name in databases. Kept only.
    #[n(4)]
    pub db_user_name: Option<String>,
    /// The identity provider of a federated user.
    #[n(5)]
    pub identity_provider: Option<String>,
    /// The name of a federated user at his identity provider.
    #[n(6)]
    pub external_identifier: Option<String>,
}

/// Which kinds of credentials a user may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Capabilities {
    /// The console password.
    #[n(0)]
    pub console_password: bool,
    /// API keys.
    #[n(1)]
    pub api_keys: bool,
    /// Auth tokens.
    #[n(2)]
    pub auth_tokens: bool,
    /// SMTP credentials. Kept only.
    #[n(3)]
    pub smtp_credentials: bool,
    /// Database credentials. Kept only.
    #[n(4)]
    pub db_credentials: bool,
    /// Customer secret keys.
    #[n(5)]
    pub customer_secret_keys: bool,
    /// OAuth 2.0 client credentials. Kept only.
    #[n(6)]
    pub oauth2_client_credentials: bool,
}

impl Capabilities {
    /// Everything.
    pub(crate) const ALL: Self = Self {
        console_password: true,
        api_keys: true,
        auth_tokens: true,
        smtp_credentials: true,
        db_credentials: true,
        customer_secret_keys: true,
        oauth2_client_credentials: true,
    };
}

/// A group.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Group {
    /// What it has in common with others.
    #[n(0)]
    pub entity: Entity,
}

/// A dynamic group. It stands for instances, of which this service has none: nobody is ever in it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct DynamicGroup {
    /// What it has in common with others.
    #[n(0)]
    pub entity: Entity,
    /// Which instances it means. Kept only.
    #[n(1)]
    pub matching_rule: String,
}

/// A user's membership in a group.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Membership {
    /// Its OCID.
    #[cbor(n(0), with = "codec::ocid")]
    pub id: Ocid,
    /// The tenancy.
    #[cbor(n(1), with = "codec::ocid")]
    pub compartment: Ocid,
    /// The user.
    #[cbor(n(2), with = "codec::ocid")]
    pub user: Ocid,
    /// The group.
    #[cbor(n(3), with = "codec::ocid")]
    pub group: Ocid,
    /// When he became a member.
    #[cbor(n(4), with = "codec::time")]
    pub time_created: Timestamp,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Policy {
    /// What it has in common with others.
    #[n(0)]
    pub entity: Entity,
    /// Its statements.
    #[n(1)]
    pub statements: Vec<PolicyStatement>,
    /// The day (`YYYY-MM-DD`) whose meaning of verbs and types it wants. Kept only: here they do not change.
    #[n(2)]
    pub version_date: Option<String>,
}

/// A policy statement.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PolicyStatement {
    /// As it was written.
    #[n(0)]
    pub text: String,
    /// Ids of the groups it named when it was written, in order: a namesake of a deleted group inherits nothing.
    #[n(1)]
    pub(crate) groups: Vec<String>,
    /// Id of the compartment it named when it was written.
    #[n(2)]
    pub(crate) compartment: String,
}

/// A compartment below the root.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Compartment {
    /// What it has in common with others.
    #[n(0)]
    pub entity: Entity,
    /// A deleted compartment holds nothing, permits nothing and can be recovered.
    #[n(1)]
    pub deleted: bool,
}

/// A user's public API key. The fingerprint is in the key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ApiKeyRecord {
    /// SubjectPublicKeyInfo, DER.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) spki: Vec<u8>,
    #[n(1)]
    pub(crate) fingerprint: String,
    #[cbor(n(2), with = "codec::time")]
    pub(crate) time_created: Timestamp,
}

/// Proof of a user's console password, which the server made and is as random as a key.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PasswordRecord {
    /// Salt and tag, see [`parbuckle_iam::secret::PasswordProof`].
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(crate) proof: Vec<u8>,
    #[cbor(n(2), with = "codec::time")]
    pub(crate) time_created: Timestamp,
}

/// Proof of an auth token or customer secret key, which the server made and is as random as a key.
#[derive(Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SecretRecord {
    /// OCID of the auth token, access key of the secret key.
    #[n(0)]
    pub(crate) id: String,
    /// Description or display name.
    #[n(1)]
    pub(crate) label: String,
    /// Salt and tag, see [`parbuckle_iam::secret::PasswordProof`].
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) proof: Vec<u8>,
    #[cbor(n(3), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    #[cbor(n(4), with = "codec::etag")]
    pub(crate) etag: ETag,
}

/// Work that OCI does in the background and this service at once: when the record is written it is done.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct WorkRequestRecord {
    #[cbor(n(0), with = "codec::ocid")]
    pub(crate) id: Ocid,
    #[n(1)]
    pub(crate) operation: WorkOperation,
    /// The compartment that was worked on.
    #[cbor(n(2), with = "codec::ocid")]
    pub(crate) resource: Ocid,
    /// The compartment above it then.
    #[cbor(n(3), with = "codec::ocid")]
    pub(crate) compartment: Ocid,
    /// Who asked for it.
    #[cbor(n(4), with = "codec::ocid")]
    pub(crate) accepted_from: Ocid,
    #[cbor(n(5), with = "codec::time")]
    pub(crate) time: Timestamp,
}

/// What a work request of the identity service did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WorkOperation {
    /// A compartment was deleted.
    #[n(0)]
    DeleteCompartment,
    /// A compartment was moved.
    #[n(1)]
    MoveCompartment,
}

/// What a request with a retry token has made.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RetryRecord {
    /// Name of the operation.
    #[n(0)]
    pub(crate) operation: String,
    /// SHA-256 of what was asked for.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) request: minicbor::bytes::ByteArray<32>,
    /// Id of what was made.
    #[n(2)]
    pub(crate) made: String,
    #[cbor(n(3), with = "codec::time")]
    pub(crate) time: Timestamp,
}
