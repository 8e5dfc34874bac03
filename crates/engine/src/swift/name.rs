//! Names of accounts and of those who sign in.

use parbuckle_model::Namespace;

/// The account in a URL or in a user's name: `Storage-{namespace}`, the bare namespace, or `AUTH_{namespace}` as other
/// Swift services have it. All three mean the same account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName {
    text: String,
    namespace: Namespace,
}

/// Who signs in: `account:user`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginName {
    /// The account.
    pub account: AccountName,
    /// The user's name in it, as it was written. It may hold colons, slashes and at signs.
    pub user: String,
}

impl AccountName {
    /// Parses a decoded path part or the part of a user's name before the colon. Nothing if it can't name an account.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text
            .strip_prefix("Storage-")
            .or_else(|| text.strip_prefix("AUTH_"))
            .unwrap_or(text);
        Some(Self {
            namespace: Namespace::parse(name).ok()?,
            text: text.to_owned(),
        })
    }

    /// The account of a namespace, by its usual name.
    pub fn of(namespace: &Namespace) -> Self {
        Self {
            text: format!("Storage-{namespace}"),
            namespace: namespace.clone(),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The namespace that it is.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl LoginName {
    /// Parses `account:user`, split at the first colon. Nothing if it can't name anybody.
    pub fn parse(text: &str) -> Option<Self> {
        let (account, user) = text.split_once(':')?;
        let user = user.to_owned();
        let account = AccountName::parse(account)?;
        (!user.is_empty()).then_some(Self { account, user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_three_names() {
        for text in ["my-bar_1", "Storage-my-bar_1", "AUTH_my-bar_1"] {
            let name = AccountName::parse(text).unwrap();
            assert_eq!(
                (name.as_str(), name.namespace().as_str()),
                (text, "my-bar_1")
            );
        }
        for text in ["", "Storage-", "storage-Acme", "a b", "a/b"] {
            assert_eq!(AccountName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_login_is_split_at_the_first_colon() {
        let login = LoginName::parse("my-bar:idp/joe:x@example.com").unwrap();
        assert_eq!(login.account.as_str(), "my-bar");
        assert_eq!(login.user, "idp/joe:x@example.com");
        for text in ["joe", ":joe", "acme:", ""] {
            assert_eq!(LoginName::parse(text), None, "{text}");
        }
    }
}
