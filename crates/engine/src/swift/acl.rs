//! Access control lists of containers (swift-v1-wire.md section 6).

use parbuckle_model::Namespace;

use super::AccountName;
use crate::error::{Error, ErrorKind};

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclKind {
    /// Who may read objects.
    Read,
    /// Who may write and delete objects.
    Write,
}

/// A list, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Acl {
    /// Hosts, in order: the last that fits decides.
    referrers: Vec<ReferrerRule>,
    /// Whether referrers may list as well.
    pub(super) lists: bool,
    /// Accounts, users and roles.
    names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ReferrerRule {
    allows: bool,
    /// `*`, a host, or a domain with its leading dot.
    host: String,
}

/// Checks a list and brings it into the form it is stored in: without blanks and empty items, `.r:` for all spellings of
/// the referrer designator. Refused with [`ErrorKind::InvalidParameter`].
pub fn clean_acl(kind: AclKind, text: &str) -> Result<String, Error> {
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    let cleaned: Vec<String> = items
        .map(|item| clean_item(kind, item))
        .collect::<Result<_, _>>()?;
    Ok(cleaned.join(","))
}

fn clean_item(kind: AclKind, item: &str) -> Result<String, Error> {
    let refused = |text: String| Err(ErrorKind::InvalidParameter(text).into());
    let Some((designator, value)) = item.split_once(':').filter(|_| item.starts_with('.')) else {
        return Ok(item.to_owned());
    };
    let (designator, value) = (designator.trim(), value.trim());
    if !matches!(designator, ".r" | ".ref" | ".referer" | ".referrer") {
        return refused(format!(
            "Unknown designator '{designator}' in ACL: '{item}'"
        ));
    }
    if kind == AclKind::Write {
        return refused(format!("Referrers not allowed in write ACL: '{item}'"));
    }
    let (sign, host) = match value.strip_prefix('-') {
        Some(host) => ("-", host.trim()),
        None => ("", value),
    };
    let host = match host.strip_prefix('*') {
        Some(domain) if !domain.is_empty() => domain.trim(),
        _ => host,
    };
    if host.is_empty() || host == "." {
        return refused(format!(
            "No host/domain value after referrer designation in ACL: '{item}'"
        ));
    }
    Ok(format!(".r:{sign}{host}"))
}

impl Acl {
    /// Takes apart a list that [`clean_acl`] has made.
    pub(super) fn parse(cleaned: &str) -> Self {
        let mut acl = Self::default();
        for item in cleaned.split(',').filter(|item| !item.is_empty()) {
            if let Some(rule) = item.strip_prefix(".r:") {
                let denied = rule.strip_prefix('-');
                acl.referrers.push(ReferrerRule {
                    allows: denied.is_none(),
                    host: denied.unwrap_or(rule).to_ascii_lowercase(),
                });
            } else if item == ".rlistings" {
                acl.lists = true;
            } else {
                acl.names.push(item.to_owned());
            }
        }
        acl
    }

    /// Whether whoever comes from this page (the text of a `Referer` header) may read.
    pub(super) fn allows_referrer(&self, referrer: Option<&str>) -> bool {
        let host = referrer
            .and_then(host_of)
            .unwrap_or_else(|| "unknown".to_owned());
        let fits = |rule: &&ReferrerRule| {
            rule.host == host
                || rule.host == "*" && rule.allows
                || rule.host.starts_with('.') && host.ends_with(&rule.host)
        };
        self.referrers
            .iter()
            .rev()
            .find(fits)
            .is_some_and(|rule| rule.allows)
    }

    /// Whether it names this user, or everybody of his account. Users' names compare without case.
    pub(super) fn names_user(&self, namespace: &Namespace, user: &str) -> bool {
        let is_account = |text: &str| {
            AccountName::parse(text).is_some_and(|account| account.namespace() == namespace)
        };
        self.names.iter().any(|item| match item.split_once(':') {
            None => is_account(item),
            Some((account, name)) => {
                is_account(account) && name.to_lowercase() == user.to_lowercase()
            }
        })
    }

    /// The groups that roles of this account may mean: `{account}.{group}`, or `{account}.{service}.{group}` where the
    /// service is `Storage` or another name of the account.
    pub(super) fn groups(&self, namespace: &Namespace) -> Vec<&str> {
        let is_account = |text: &str| {
            AccountName::parse(text).is_some_and(|account| account.namespace() == namespace)
        };
        let mut groups = Vec::new();
        for item in self.names.iter().filter(|item| !item.contains(':')) {
            let Some((_, role)) = item
                .split_once('.')
                .filter(|(account, _)| is_account(account))
            else {
                continue;
            };
            groups.push(role);
            if let Some((service, group)) = role.split_once('.')
                && (service.eq_ignore_ascii_case("Storage") || is_account(service))
            {
                groups.push(group);
            }
        }
        groups
    }
}

/// The host of a URL in lower case, without user and port.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("//")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Acl {
        Acl::parse(&clean_acl(AclKind::Read, text).unwrap())
    }

    #[test]
    fn cleaning_drops_blanks_and_empty_items_and_unifies_designators() {
        let cleaned = clean_acl(
            AclKind::Read,
            " a:joe , ,.referrer: *.example.com,.ref:-bad.example.com,.r:*,.rlistings",
        );
        assert_eq!(
            cleaned.unwrap(),
            "a:joe,.r:.example.com,.r:-bad.example.com,.r:*,.rlistings"
        );
    }

    #[test]
    fn designators_without_value_or_unknown_are_refused() {
        for text in [".r:", ".r:-", ".r:.", ".r:*.", ".unknown:x"] {
            assert!(clean_acl(AclKind::Read, text).is_err(), "{text}");
        }
        let error = clean_acl(AclKind::Write, ".r:*").unwrap_err();
        assert_eq!(
            error.to_string(),
            "Referrers not allowed in write ACL: '.r:*'"
        );
    }

    #[test]
    fn the_last_referrer_rule_that_fits_decides() {
        let acl = read(".r:*,.r:-.example.com,.r:good.example.com");
        for (url, allowed) in [
            (None, true),
            (Some("http://elsewhere.org/x"), true),
            (Some("https://BAD.example.com:8080/x"), false),
            (Some("https://joe@good.example.com?q"), true),
        ] {
            assert_eq!(acl.allows_referrer(url), allowed, "{url:?}");
        }
        assert!(!read("acme").allows_referrer(None));
        assert!(!read(".r:example.com").allows_referrer(Some("http://a.example.com/")));
    }

    #[test]
    fn a_list_names_accounts_and_users_of_them() {
        let acme = Namespace::parse("acme").unwrap();
        for item in ["acme", "Storage-acme", "acme:Joe", "AUTH_acme:joe"] {
            assert!(read(item).names_user(&acme, "joe"), "{item}");
        }
        for item in ["other", "acme:sue", "other:joe", "joe", "*", "*:*"] {
            assert!(!read(item).names_user(&acme, "joe"), "{item}");
        }
    }

    #[test]
    fn roles_mean_groups_of_the_account() {
        let acme = Namespace::parse("acme").unwrap();
        let acl = read("acme.Storage.Readers,acme.Custom,other.Writers,acme:x.y");
        assert_eq!(acl.groups(&acme), ["Storage.Readers", "Readers", "Custom"]);
    }
}
