//! What is told about a request besides its response: its id, and a summary for log and metrics.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, Response};
use parbuckle_engine::Environment;
use parbuckle_model::region_key;

use crate::body::Body;

/// What log and metrics may know of a request. It is in the extensions of every response.
#[derive(Debug, Clone)]
pub struct RequestSummary {
    /// The id that the client was told.
    pub request_id: RequestId,
    /// The template of the route, such as `/n/{namespace}/b/{bucket}/o/{object}`: never a name or a secret.
    pub route: &'static str,
    /// The face that answered: `native`, `identity`, `swift`, `dev`.
    pub face: &'static str,
    /// Why the request was refused or failed. For the log only: it can say more than the client may know.
    pub detail: Option<String>,
}

/// A response together with its summary.
pub(crate) struct Answer {
    pub(crate) response: Response<Body>,
    pub(crate) summary: RequestSummary,
}

/// The route of a request that none fits.
pub(crate) const UNKNOWN_ROUTE: &str = "(unknown)";

/// The id of one request. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// An id that a face has made.
    pub(crate) fn new(text: HeaderValue) -> Self {
        Self(text)
    }

    /// The id as the client sees it.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The same for a header.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// Random bytes of an id: 64 characters of base64url.
const ID_BYTES: usize = 48;

/// Ids made from one call for randomness: the call costs more than everything else about an id, and an id is no secret.
const IDS_AT_ONCE: usize = 64;

/// Makes ids of the form `phx-1:<64 base64url characters>` (wire reference 10.1).
pub(crate) struct RequestIds {
    prefix: String,
    pool: Mutex<Pool>,
}

/// Random bytes, of which those from `next` on have not been used.
struct Pool {
    bytes: [u8; ID_BYTES * IDS_AT_ONCE],
    next: usize,
}

impl RequestIds {
    pub(crate) fn new(region: &str) -> Self {
        let bytes = [0; ID_BYTES * IDS_AT_ONCE];
        Self {
            prefix: format!("{}-1:", region_key(region)),
            pool: Mutex::new(Pool {
                bytes,
                next: bytes.len(),
            }),
        }
    }

    pub(crate) fn next(&self, environment: &dyn Environment) -> RequestId {
        let random = self.random(environment);
        let mut text = String::with_capacity(self.prefix.len() + 64);
        text.push_str(&self.prefix);
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        // Both halves are visible ASCII.
        RequestId(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown")))
    }

    fn random(&self, environment: &dyn Environment) -> [u8; ID_BYTES] {
        // A panic while it was held leaves random bytes all the same.
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = &mut *pool;
        if pool.next == pool.bytes.len() {
            environment.fill_random(&mut pool.bytes);
            pool.next = 0;
        }
        let mut random = [0; ID_BYTES];
        random.copy_from_slice(&pool.bytes[pool.next..pool.next + ID_BYTES]);
        pool.next += ID_BYTES;
        random
    }
}

#[cfg(test)]
mod tests {
    use parbuckle_engine::SystemEnvironment;

    use super::*;

    #[test]
    fn a_request_id_has_the_region_key_and_64_characters() {
        let id = RequestIds::new("us-phoenix-1").next(&SystemEnvironment::default());
        let (prefix, rest) = id.as_str().split_once(':').unwrap();
        assert_eq!((prefix, rest.len()), ("phx-1", 64));
    }

    #[test]
    fn ids_differ_within_and_beyond_one_call_for_randomness() {
        let (ids, environment) = (
            RequestIds::new("us-phoenix-1"),
            SystemEnvironment::default(),
        );
        let made = (0..3 * IDS_AT_ONCE).map(|_| ids.next(&environment).as_str().to_owned());
        let distinct: std::collections::BTreeSet<_> = made.collect();
        assert_eq!(distinct.len(), 3 * IDS_AT_ONCE);
    }
}
