//! The header of HTTP's Basic scheme.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The value of `Authorization` for a name and a secret (RFC 7617).
pub fn basic_authorization(user: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")))
}
