//! A user's name and auth token with each request (swift-v1-wire.md section 16).

use std::fmt;
use std::net::IpAddr;

use super::AccountName;
use super::access::{SwiftCaller, TokenCaller};
use crate::Engine;
use crate::caller::UserCaller;
use crate::credential::CredentialKind;
use crate::error::Error;

/// What `Authorization: Basic` of a request says, about which account, and where it comes from.
pub struct BasicLogin<'a> {
    /// The account in the path of the request, which is the user's.
    pub account: &'a str,
    /// His name in it, such as `joe` or `idp/joe`.
    pub user: &'a str,
    /// One of his auth tokens. His password is refused.
    pub auth_token: &'a str,
    /// Where the request comes from.
    pub peer: IpAddr,
    /// The text of the `Referer` header, for ACLs that name hosts.
    pub referrer: Option<&'a str>,
}

impl fmt::Debug for BasicLogin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicLogin")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// The caller whom a name and an auth token make. Nothing is stored: each request is checked anew. Failures look, cost
    /// and count as those of [`Engine::sign_in`].
    pub(crate) async fn verify_basic(&self, basic: &BasicLogin<'_>) -> Result<SwiftCaller, Error> {
        // A path can name what no account is. Nobody is tried then, at the same cost.
        let login = match AccountName::parse(basic.account) {
            Some(account) => format!("{}:{}", account.namespace(), basic.user),
            None => String::new(),
        };
        let reader = self.kv.snapshot().await?;
        let accepted = &[CredentialKind::AuthToken];
        let proven = self
            .proven(&*reader, &login, basic.auth_token, basic.peer, accepted)
            .await?;
        Ok(SwiftCaller::Token(TokenCaller {
            user: UserCaller {
                namespace: proven.account.namespace().clone(),
                user: proven.user,
                credential: proven.credential.kind,
                key: None,
            },
            credential: proven.credential,
            epoch: proven.epoch,
            referrer: basic.referrer.map(str::to_owned),
        }))
    }
}
