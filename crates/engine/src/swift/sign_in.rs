//! Signing in, and the tokens that come of it (swift-v1-wire.md section 2; docs/decisions/0006).

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use minicbor::bytes::ByteArray;
use parbuckle_iam::secret::{PasswordProof, SecretString};
use parbuckle_kv::Reader;
use parbuckle_model::{Namespace, Ocid, TokenHash};

use super::access::{SwiftCaller, TokenCaller, unauthenticated};
use super::failures::Culprit;
use super::{AccountName, LoginName};
use crate::caller::{UserCaller, token_hash};
use crate::credential::CredentialKind;
use crate::error::Error;
use crate::records::{
    self, PasswordRecord, SecretRecord, SwiftSessionRecord, SwiftTokenRecord, UsedCredentialRecord,
    kind,
};
use crate::{Engine, keys};

/// Most secrets that one user can sign in with: a password and two auth tokens.
const SECRETS_MAX: usize = 3;

/// Ended tokens removed at a time.
const PAGE: usize = 256;

/// Who has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The account, as the client has written it: under this name he goes on.
    pub account: AccountName,
    /// `AUTH_tk` and 32 hexadecimal digits.
    pub token: SecretString,
    /// How long the token still holds.
    pub expires_in: Duration,
}

/// Who has proven himself, and with what.
pub(super) struct Proven {
    pub(super) account: AccountName,
    pub(super) user: Ocid,
    pub(super) credential: UsedCredentialRecord,
    /// The identity epoch at which that credential was valid.
    pub(super) epoch: Bytes,
}

/// A credential with the proof that is stored of it.
struct Candidate {
    credential: UsedCredentialRecord,
    proof: PasswordProof,
}

impl Engine {
    /// Signs a user in with his console password or one of his auth tokens. While a token of that credential is active,
    /// that one is returned, and its end stays.
    ///
    /// `login` is `account:user`, see [`LoginName`]; `peer` is where the request comes from. Every failure looks alike and
    /// costs the same: [`ErrorKind::NotAuthenticated`](crate::ErrorKind::NotAuthenticated). After ten failures of one user
    /// from one address within a minute, even the right secret is refused there until the minute is over.
    pub async fn sign_in(
        &self,
        login: &str,
        secret: &str,
        peer: IpAddr,
    ) -> Result<SignedIn, Error> {
        let reader = self.kv.snapshot().await?;
        let accepted = &[CredentialKind::ConsolePassword, CredentialKind::AuthToken];
        let proven = self.proven(&*reader, login, secret, peer, accepted).await?;
        let now = self.now();
        let session = self.session(&*reader, &proven, secret, now).await?;
        let left = session.expires.duration_since(now);
        Ok(SignedIn {
            account: proven.account,
            token: token_of(secret, &session.nonce),
            expires_in: Duration::try_from(left).unwrap_or_default(),
        })
    }

    /// The caller whom a token makes.
    pub(crate) async fn verify_swift_token(
        &self,
        token: &str,
        referrer: Option<&str>,
    ) -> Result<SwiftCaller, Error> {
        let refused = |cause: &str| Err(unauthenticated().because(cause));
        let reader = self.kv.snapshot().await?;
        let key = keys::swift_token(&token_hash(token));
        let found = reader.get_many(&[key]).await?.pop().flatten();
        let Some(found) = records::decode_optional::<SwiftTokenRecord>(found.as_ref())? else {
            return refused("there is no such token");
        };
        if found.expires <= self.now() {
            return refused("the token has expired");
        }
        let Some(identity) = self.identity_at(&*reader, &found.namespace).await? else {
            return refused("the tenancy is gone");
        };
        let kind = found.credential.kind;
        if let Err(reason) = identity.principal(&*reader, &found.user, kind).await? {
            return refused(&format!("the user {reason}"));
        }
        let id = &found.credential.id;
        let now = used_credential(&*reader, &found.namespace, &found.user, kind, id).await?;
        if now.as_ref() != Some(&found.credential) {
            return refused("the credential that the token came of is gone");
        }
        Ok(SwiftCaller::Token(TokenCaller {
            user: UserCaller {
                namespace: found.namespace,
                user: found.user,
                credential: kind,
                key: None,
            },
            credential: found.credential,
            epoch: identity.epoch().clone(),
            referrer: referrer.map(str::to_owned),
        }))
    }

    /// Removes tokens that have ended.
    pub async fn forget_ended_tokens(&self) -> Result<(), Error> {
        let now = self.now_millis();
        loop {
            let scan = &keys::swift_tokens_ended(now, PAGE);
            let removed = self
                .transact("forget_ended_tokens", |tx| async move {
                    let page = tx.reader().scan(scan).await?;
                    for entry in &page {
                        self.forget_token(&tx, &entry.key).await?;
                    }
                    Ok(page.len())
                })
                .await?;
            if removed < PAGE {
                return Ok(());
            }
        }
    }

    async fn forget_token(&self, tx: &crate::transact::Tx, end: &Bytes) -> Result<(), Error> {
        tx.delete(end.to_vec());
        let Some(hash) = end.last_chunk::<32>() else {
            return Ok(());
        };
        let key = keys::swift_token(&TokenHash(*hash));
        let found = tx
            .reader()
            .get_many(std::slice::from_ref(&key))
            .await?
            .pop()
            .flatten();
        let Some(token) = records::decode_optional::<SwiftTokenRecord>(found.as_ref())? else {
            return Ok(());
        };
        tx.delete(key);
        let session = keys::swift_session(&token.namespace, &token.user, &token.credential.id);
        let found = tx
            .reader()
            .get_many(std::slice::from_ref(&session))
            .await?
            .pop()
            .flatten();
        let found = records::decode_optional::<SwiftSessionRecord>(found.as_ref())?;
        if found.is_some_and(|found| found.expires == token.expires) {
            tx.delete(session);
        }
        Ok(())
    }

    /// Who `login` and `secret` prove to be there, by a credential of one of the `accepted` kinds. Failures are counted,
    /// look alike and cost the same.
    pub(super) async fn proven(
        &self,
        reader: &dyn Reader,
        login: &str,
        secret: &str,
        peer: IpAddr,
        accepted: &[CredentialKind],
    ) -> Result<Proven, Error> {
        let now = self.now();
        let culprit = Culprit::new(login, peer);
        if self.sign_in_failures.refuses(&culprit, now) {
            return Err(unauthenticated().because("too many failed sign-ins of late"));
        }
        let login = LoginName::parse(login);
        match self.prove(reader, login, secret, accepted).await? {
            Some(proven) => {
                self.sign_in_failures.forget(&culprit);
                Ok(proven)
            }
            None => {
                self.sign_in_failures.note(culprit, now);
                Err(unauthenticated().because("no such user, or another secret"))
            }
        }
    }

    /// The user and the credential that `secret` is, if he may use it. An unknown user costs as much as a known one.
    async fn prove(
        &self,
        reader: &dyn Reader,
        login: Option<LoginName>,
        secret: &str,
        accepted: &[CredentialKind],
    ) -> Result<Option<Proven>, Error> {
        let nobody = Namespace::parse("nobody").expect("these letters are a namespace");
        let namespace = login.as_ref().map_or(&nobody, |l| l.account.namespace());
        let name = login.as_ref().map_or("", |login| &login.user);
        let name = name.to_lowercase();
        let user = user_of(reader, namespace, &name).await?;
        let stranger = Ocid::new("user", "", [0; 35]);
        let candidates = candidates(reader, namespace, user.as_ref().unwrap_or(&stranger)).await?;
        let mut found = None;
        for at in 0..SECRETS_MAX {
            let dummy = PasswordProof::new(b"", [0; 16]);
            let candidate = candidates.get(at);
            let matches = candidate
                .map_or(&dummy, |c| &c.proof)
                .matches(secret.as_bytes());
            let accepted = |c: &&Candidate| matches && accepted.contains(&c.credential.kind);
            if let Some(candidate) = candidate.filter(accepted) {
                found = Some(candidate.credential.clone());
            }
        }
        let (Some(user), Some(credential)) = (user, found) else {
            return Ok(None);
        };
        let Some(identity) = self.identity_at(reader, namespace).await? else {
            return Ok(None);
        };
        let usable = identity
            .principal(reader, &user, credential.kind)
            .await?
            .is_ok();
        let epoch = identity.epoch().clone();
        Ok(login.filter(|_| usable).map(|login| Proven {
            account: login.account,
            user,
            credential,
            epoch,
        }))
    }

    /// The active session of a credential, or a new one.
    async fn session(
        &self,
        reader: &dyn Reader,
        proven: &Proven,
        secret: &str,
        now: Timestamp,
    ) -> Result<SwiftSessionRecord, Error> {
        let (user, credential) = (&proven.user, &proven.credential);
        let namespace = proven.account.namespace();
        let place = &keys::swift_session(namespace, user, &credential.id);
        if let Some(active) = active_session(reader, place, credential, now).await? {
            return Ok(active);
        }
        let lifetime = SignedDuration::try_from(self.settings.swift_token_lifetime)
            .ok()
            .and_then(|lifetime| now.checked_add(lifetime).ok());
        let new = &SwiftSessionRecord {
            nonce: self.random(),
            expires: lifetime.unwrap_or(Timestamp::MAX),
            proof: credential.proof,
        };
        let hash = token_hash(token_of(secret, &new.nonce).expose());
        let token = &SwiftTokenRecord {
            namespace: namespace.clone(),
            user: user.clone(),
            credential: credential.clone(),
            expires: new.expires,
        };
        let end = u64::try_from(new.expires.as_millisecond()).unwrap_or(0);
        self.transact("sign_in", |tx| async move {
            if let Some(active) = active_session(tx.reader(), place, credential, now).await? {
                return Ok(active);
            }
            tx.put(place.clone(), new);
            tx.put(keys::swift_token(&hash), token);
            tx.put_raw(keys::swift_token_end(end, &hash), Bytes::new());
            Ok(new.clone())
        })
        .await
    }
}

/// The token of a session: it follows from the secret that was presented and the nonce that is stored, so that the same
/// is returned again while nothing stored gives it away.
fn token_of(secret: &str, nonce: &[u8; 16]) -> SecretString {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, &[b"parbuckle swift token", &nonce[..]].concat());
    let digits = tag
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"));
    SecretString::new(format!("AUTH_tk{}", digits.collect::<String>()))
}

async fn active_session(
    reader: &dyn Reader,
    place: &[u8],
    credential: &UsedCredentialRecord,
    now: Timestamp,
) -> Result<Option<SwiftSessionRecord>, Error> {
    let found = reader.get_many(&[place.to_vec()]).await?.pop().flatten();
    let found = records::decode_optional::<SwiftSessionRecord>(found.as_ref())?;
    Ok(found.filter(|session| session.expires > now && session.proof == credential.proof))
}

async fn user_of(
    reader: &dyn Reader,
    namespace: &Namespace,
    folded_name: &str,
) -> Result<Option<Ocid>, Error> {
    // A name with a zero byte would be another key.
    let name = folded_name.replace('\0', "\u{fffd}");
    let key = keys::identity(namespace, kind::USER_NAME, &[&name]);
    let found = reader.get_many(&[key]).await?.pop().flatten();
    Ok(found.and_then(|id| Ocid::parse(std::str::from_utf8(&id).ok()?).ok()))
}

/// A user's password and auth tokens.
async fn candidates(
    reader: &dyn Reader,
    namespace: &Namespace,
    user: &Ocid,
) -> Result<Vec<Candidate>, Error> {
    let password = keys::identity(namespace, kind::PASSWORD, &[user.as_str()]);
    let password = reader.get_many(&[password]).await?.pop().flatten();
    let password = records::decode_optional::<PasswordRecord>(password.as_ref())?;
    let tokens = keys::identity_prefix(namespace, kind::AUTH_TOKEN, &[user.as_str()]);
    let tokens = reader.scan(&keys::all(&tokens, SECRETS_MAX - 1)).await?;
    let mut found = Vec::with_capacity(SECRETS_MAX);
    if let Some(password) = password {
        found.extend(candidate(
            CredentialKind::ConsolePassword,
            "",
            &password.proof,
        ));
    }
    for token in tokens {
        let token: SecretRecord = records::decode(&token.value)?;
        found.extend(candidate(
            CredentialKind::AuthToken,
            &token.id,
            &token.proof,
        ));
    }
    Ok(found)
}

fn candidate(kind: CredentialKind, id: &str, proof: &[u8]) -> Option<Candidate> {
    Some(Candidate {
        credential: used(kind, id, proof),
        proof: PasswordProof::from_bytes(proof.try_into().ok()?),
    })
}

fn used(kind: CredentialKind, id: &str, proof: &[u8]) -> UsedCredentialRecord {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest::digest(&digest::SHA256, proof).as_ref());
    UsedCredentialRecord {
        kind,
        id: id.to_owned(),
        proof: ByteArray::from(fingerprint),
    }
}

/// A credential as it is now; nothing if it is gone.
pub(super) async fn used_credential(
    reader: &dyn Reader,
    namespace: &Namespace,
    user: &Ocid,
    credential: CredentialKind,
    id: &str,
) -> Result<Option<UsedCredentialRecord>, Error> {
    match credential {
        CredentialKind::ConsolePassword => {
            let key = keys::identity(namespace, kind::PASSWORD, &[user.as_str()]);
            let found = reader.get_many(&[key]).await?.pop().flatten();
            let found = records::decode_optional::<PasswordRecord>(found.as_ref())?;
            Ok(found.map(|found| used(credential, id, &found.proof)))
        }
        CredentialKind::AuthToken => {
            let key = keys::identity(namespace, kind::AUTH_TOKEN, &[user.as_str(), id]);
            let found = reader.get_many(&[key]).await?.pop().flatten();
            let found = records::decode_optional::<SecretRecord>(found.as_ref())?;
            Ok(found.map(|found| used(credential, id, &found.proof)))
        }
        CredentialKind::ApiKey => Ok(None),
    }
}
