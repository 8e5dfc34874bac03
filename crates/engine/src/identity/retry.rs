//! Retry tokens: a creation that a client sends again within 24 hours creates nothing new (wire reference 2.3).

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use parbuckle_iam::permission::Operation;
use parbuckle_model::InvalidId;

use super::admission::{conflict, record};
use crate::authority::Standing;
use crate::error::Error;
use crate::records::{RetryRecord, kind};
use crate::transact::Tx;
use crate::{Engine, keys};

/// Most characters of a token.
const TOKEN_CHARS_MAX: usize = 64;

/// How long a token is remembered.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Ended tokens that one use of another removes: more than it adds, so that they never pile up.
const SWEEP_MAX: usize = 4;

/// `opc-retry-token`, and what the request asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryToken {
    text: String,
    request: [u8; 32],
}

impl RetryToken {
    /// Takes 1 to 64 visible ASCII characters. `request` is the SHA-256 of the request's body: the same token with another
    /// body is refused.
    pub fn new(text: &str, request: [u8; 32]) -> Result<Self, InvalidId> {
        let legal = (1..=TOKEN_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic());
        if !legal {
            return Err(InvalidId);
        }
        Ok(Self {
            text: text.to_owned(),
            request,
        })
    }
}

impl Engine {
    /// Uses a retry token for something that is about to be made under the id `made`. If an earlier request has used the
    /// token, the id of what that one made is returned instead. Call it when the caller has been admitted.
    pub(crate) async fn claim(
        &self,
        tx: &Tx,
        admin: &Standing,
        operation: Operation,
        token: Option<&RetryToken>,
        made: &str,
    ) -> Result<Option<String>, Error> {
        let Some(token) = token else { return Ok(None) };
        let (ns, user, now) = (admin.namespace(), admin.user.user.as_str(), self.now());
        let key = keys::identity(ns, kind::RETRY, &[user, &token.text]);
        if let Some(earlier) = record::<RetryRecord>(tx.reader(), key.clone()).await?
            && end_of(earlier.time) > now
        {
            return earlier.made_by(operation, token).map(Some);
        }
        self.sweep(tx, admin, now).await?;
        let record = RetryRecord {
            operation: operation.name().to_owned(),
            request: token.request.into(),
            made: made.to_owned(),
            time: now,
        };
        tx.put(key, &record);
        let end = end_text(end_of(now));
        tx.put_raw(
            keys::identity(ns, kind::RETRY_END, &[&end, user, &token.text]),
            Bytes::new(),
        );
        Ok(None)
    }

    /// Removes some tokens that have ended.
    async fn sweep(&self, tx: &Tx, admin: &Standing, now: Timestamp) -> Result<(), Error> {
        let ns = admin.namespace();
        let mut scan = keys::all(&keys::identity_prefix(ns, kind::RETRY_END, &[]), SWEEP_MAX);
        scan.end = keys::identity(ns, kind::RETRY_END, &[&end_text(now)]);
        for entry in tx.reader().scan(&scan).await? {
            let parts = &entry.key[keys::identity_prefix(ns, kind::RETRY_END, &[]).len()..];
            let parts = String::from_utf8_lossy(parts);
            if let Some((_, token)) = parts.split_once('\0') {
                let token: Vec<&str> = token.split('\0').collect();
                let key = keys::identity(ns, kind::RETRY, &token);
                // The token may have been used again since.
                let ended = record::<RetryRecord>(tx.reader(), key.clone()).await?;
                if ended.is_some_and(|r| end_of(r.time) <= now) {
                    tx.delete(key);
                }
            }
            tx.delete(entry.key.to_vec());
        }
        Ok(())
    }
}

impl RetryRecord {
    fn made_by(&self, operation: Operation, token: &RetryToken) -> Result<String, Error> {
        if self.operation == operation.name() && *self.request == token.request {
            return Ok(self.made.clone());
        }
        Err(invalidated(
            "The retry token was used for another request before",
        ))
    }
}

/// The refusal of a token that can't be honoured.
pub(crate) fn invalidated(message: &str) -> Error {
    conflict("InvalidatedRetryToken", message.to_owned())
}

fn end_of(time: Timestamp) -> Timestamp {
    time.checked_add(LIFETIME).unwrap_or(Timestamp::MAX)
}

/// A time whose text sorts as it does.
fn end_text(time: Timestamp) -> String {
    format!("{:020}", time.as_millisecond().max(0))
}
