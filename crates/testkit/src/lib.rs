//! Test tools: a real server per test, a client that signs as the OCI SDKs do, and the real clients.
//!
//! ```no_run
//! # async fn example() {
//! use parbuckle_testkit::{ParSpec, TestServer};
//!
//! let server = TestServer::start("target/debug/parbuckle").await; // env!("CARGO_BIN_EXE_parbuckle") in a test
//! let admin = server.admin();
//! admin.create_bucket("photos").await;
//! let par = admin.create_par("photos", ParSpec::any_read().prefix("2024/")).await;
//! let reply = server.anonymous().get(par.path_for("2023/a.jpg")).await;
//! assert_eq!(reply.to_string(), "401 NotAuthenticated: PAR does not exist");
//! # }
//! ```
//!
//! Everything here panics when the environment fails it (no server, no connection, no tool): a test
//! has nothing better to do. The panic names the request or command and everything that is known.
//!
//! The signer shares no code with the server's verification, so that a common mistake cannot hide.

mod basic;
pub mod clients;
mod clock;
mod data;
mod http;
mod identity;
mod key;
mod par;
mod server;
mod sign;
mod storage;
pub mod swift;
mod temp_url;

pub use basic::basic_authorization;
pub use clock::Clock;
pub use data::pattern;
pub use http::{Call, CallError, Connection, Http, Reply};
pub use identity::{NewUser, UserClient};
pub use key::TestKey;
pub use par::{Par, ParSpec};
pub use server::{Bootstrap, TestServer, TestServerBuilder};
pub use sign::{Signer, signing_string};
pub use storage::SignedClient;
pub use temp_url::temp_url_query;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986 leaves unreserved; everything else is encoded, as the Python SDK does.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same, with `/` left raw, as people and the Go SDK write object names in URLs.
const PATH: &AsciiSet = &STRICT.remove(b'/');

/// Percent-encodes one path segment or query value; `/` becomes `%2F` (wire reference 2.2).
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// Percent-encodes an object name and leaves its slashes raw (wire reference 2.2).
pub fn encode_path(name: &str) -> String {
    utf8_percent_encode(name, PATH).to_string()
}
