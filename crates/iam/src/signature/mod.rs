//! OCI request signatures: `Authorization: Signature …` (wire reference, section 6).
//!
//! A client signs a text built from the request line and some headers with its RSA API key. The
//! server does four things, in this order, and the first failure ends the request with 401:
//!
//! 1. [`Authorization::parse`] reads the header, and with it the [`KeyId`] of the key that signed;
//! 2. the caller finds that [`PublicKey`] among its users' keys;
//! 3. [`verify`] checks that everything mandatory is signed, that the date is near `now`, and that
//!    the signature fits (if no such key exists, [`verify_unknown_key`] does the same work and
//!    always refuses, so that an unknown key answers like a bad signature, equally late);
//! 4. the caller compares the body with [`Verified::body_sha256`] once it has read it.
//!
//! ```
//! use parbuckle_iam::signature::{self, Authorization, BodyRule, Field, KeyId, RequestView,
//! SigningKey};
//!
//! struct Get;
//! impl RequestView for Get {
//!     fn method(&self) -> &str { "GET" }
//!     fn raw_target(&self) -> &str { "/n/" }
//!     fn header(&self, name: &str) -> Field<'_> {
//!         match name {
//!             "host" => Field::Single(b"127.0.0.1:8080"),
//!             "date" => Field::Single(b"Thu, 05 Jan 2023 21:31:40 GMT"),
//!             _ => Field::Absent,
//!         }
//!     }
//! }
//!
//! let key = SigningKey::generate()?;
//! let id = KeyId {
//!     tenancy: "ocid1.tenancy.oc1..a".into(),
//!     user: "ocid1.user.oc1..b".into(),
//!     fingerprint: key.public_key().fingerprint(),
//! };
//! let header = signature::sign(&key, &id, BodyRule::NoBody.signed_headers(), &Get)?;
//!
//! let authorization = Authorization::parse(&header)?;
//! assert_eq!(authorization.key_id, id);
//! let now = "2023-01-05T21:33:00Z".parse()?;
//! signature::verify(&authorization, &Get, key.public_key(), now, BodyRule::NoBody)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authorization;
mod date;
mod error;
mod fingerprint;
mod key;
mod pem;
mod request;
mod verify;

pub use authorization::{Authorization, KeyId};
pub use error::{KeyError, SignatureError};
pub use fingerprint::Fingerprint;
pub use key::{PublicKey, SigningKey};
pub use request::{BodyRule, Field, RequestView, sign, signing_string};
pub use verify::{Verified, verify, verify_unknown_key};
