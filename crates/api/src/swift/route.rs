//! The request grammar of the Swift face (Swift wire reference section 1): raw path to a typed [`Target`], once.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::error::SwiftError;
use super::{account, container, object};

/// What a path names. Names are decoded, and nothing else has been checked of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// `/auth/v1.0`; with an account, `/auth/v1/{account}/auth`, where the user comes without it.
    SignIn {
        account: Option<String>,
    },
    Info,
    Healthcheck,
    Account(String),
    Container {
        account: String,
        container: String,
    },
    Object {
        account: String,
        container: String,
        object: String,
    },
    /// An object of `/v0`, which is there to be restored.
    Restore {
        account: String,
        container: String,
        object: String,
    },
    /// A container of `/v0`, which is there to tell what is restored.
    RestoreJobs {
        account: String,
        container: String,
    },
}

/// The templates of the paths, for log, metrics and tests.
pub(super) const SIGN_IN: &str = "/auth/v1.0";
pub(super) const SIGN_IN_FOR: &str = "/auth/v1/{account}/auth";
pub(super) const INFO: &str = "/info";
pub(super) const HEALTHCHECK: &str = "/healthcheck";
pub(super) const ACCOUNT: &str = "/v1/{account}";
pub(super) const CONTAINER: &str = "/v1/{account}/{container}";
pub(super) const OBJECT: &str = "/v1/{account}/{container}/{object}";
pub(super) const RESTORE: &str = "/v0/{account}/{container}/{object}";
pub(super) const RESTORE_JOBS: &str = "/v0/{account}/{container}";

/// The methods of signing in.
pub(super) const SIGN_IN_METHODS: &[&str] = &["GET"];

impl Target {
    /// The template of its path.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::SignIn { account: None } => SIGN_IN,
            Self::SignIn { account: Some(_) } => SIGN_IN_FOR,
            Self::Info => INFO,
            Self::Healthcheck => HEALTHCHECK,
            Self::Account(_) => ACCOUNT,
            Self::Container { .. } => CONTAINER,
            Self::Object { .. } => OBJECT,
            Self::Restore { .. } => RESTORE,
            Self::RestoreJobs { .. } => RESTORE_JOBS,
        }
    }

    /// The methods that it takes.
    pub(super) fn methods(&self) -> &'static [&'static str] {
        match self {
            Self::SignIn { .. } => SIGN_IN_METHODS,
            Self::Info => &["HEAD", "GET", "OPTIONS"],
            Self::Healthcheck => &["HEAD", "GET"],
            Self::Account(_) => account::METHODS,
            Self::Container { .. } => container::METHODS,
            Self::Object { .. } => object::METHODS,
            Self::Restore { .. } => &["OPTIONS", "POST"],
            Self::RestoreJobs { .. } => &["GET", "OPTIONS"],
        }
    }

    /// Whether it is an account or what is in one.
    pub(super) fn is_data(&self) -> bool {
        matches!(
            self,
            Self::Account(_) | Self::Container { .. } | Self::Object { .. }
        )
    }

    /// The account, container and object that the path names; the account is empty where there is none.
    pub(super) fn names(&self) -> (&str, Option<&str>, Option<&str>) {
        match self {
            Self::SignIn { .. } | Self::Info | Self::Healthcheck => ("", None, None),
            Self::Account(account) => (account, None, None),
            Self::Container { account, container } | Self::RestoreJobs { account, container } => {
                (account, Some(container), None)
            }
            Self::Object {
                account,
                container,
                object,
            }
            | Self::Restore {
                account,
                container,
                object,
            } => (account, Some(container), Some(object)),
        }
    }

    /// The account that the path names.
    pub(super) fn account(&self) -> Option<&str> {
        match self {
            Self::SignIn { account } => account.as_deref(),
            Self::Info | Self::Healthcheck => None,
            Self::Account(account)
            | Self::Container { account, .. }
            | Self::Object { account, .. }
            | Self::Restore { account, .. }
            | Self::RestoreJobs { account, .. } => Some(account),
        }
    }
}

/// Whether a path with this first segment belongs to this face: one that begins like a path of it, too, so that a mistake
/// in it is told as Swift does.
pub(crate) fn owns(first_segment: &str) -> bool {
    let own = ["auth", "info", "healthcheck"];
    own.iter().any(|word| first_segment.starts_with(word)) || version(first_segment).is_some()
}

/// Whether a path lies below that of signing in, whatever it names there.
pub(super) fn signs_in(raw_path: &str) -> bool {
    raw_path.starts_with("/auth/")
}

/// What stands in the place of the account in a path that names nothing.
pub(super) fn seeming_account(raw_path: &str) -> Option<String> {
    let path = percent_decode_str(raw_path).decode_utf8_lossy();
    let mut pieces = path.splitn(4, '/').skip(1);
    let (first, account) = (pieces.next()?, pieces.next()?);
    let is_one = !first.is_empty() && !account.is_empty();
    is_one.then(|| account.to_owned())
}

/// Parses a path as it came, without the query. `%2F` is a slash, a malformed escape stays as it is, and nothing is
/// normalised.
pub(super) fn parse(raw_path: &str) -> Result<Target, SwiftError> {
    let path = decoded(raw_path)?;
    let mut pieces = path.splitn(5, '/').skip(1);
    let first = pieces.next().unwrap_or_default();
    let rest: Vec<&str> = pieces.collect();
    match first {
        "info" if rest.is_empty() => Ok(Target::Info),
        "healthcheck" if rest.is_empty() => Ok(Target::Healthcheck),
        "auth" => sign_in(&rest),
        _ => match (version(first), &rest[..]) {
            (Some(Version::One), rest) => data(rest),
            (_, [] | [""]) => Err(SwiftError::BAD_URL),
            (Some(Version::Zero), rest) => archived(rest),
            _ => Err(SwiftError::UNKNOWN_VERSION),
        },
    }
}

enum Version {
    Zero,
    One,
    Other,
}

/// What looks like a version of the API.
fn version(segment: &str) -> Option<Version> {
    match segment {
        "v0" => Some(Version::Zero),
        "v1" | "v1.0" => Some(Version::One),
        _ => {
            let number = segment.strip_prefix('v')?;
            number
                .starts_with(|c: char| c.is_ascii_digit())
                .then_some(Version::Other)
        }
    }
}

/// Decodes every escape once; a malformed one stays as it is. What is no UTF-8 or holds a NUL is refused.
pub(super) fn decoded(raw: &str) -> Result<Cow<'_, str>, SwiftError> {
    let path = percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_| SwiftError::BAD_TEXT)?;
    match path.contains('\0') {
        true => Err(SwiftError::BAD_TEXT),
        false => Ok(path),
    }
}

/// What follows `/auth`.
fn sign_in(rest: &[&str]) -> Result<Target, SwiftError> {
    match rest {
        ["v1.0", ..] => Ok(Target::SignIn { account: None }),
        ["v1", account, "auth"] if !account.is_empty() => Ok(Target::SignIn {
            account: Some((*account).to_owned()),
        }),
        [] => Err(SwiftError::BAD_URL),
        [""] => Err(SwiftError::UNKNOWN_PATH),
        _ => Err(SwiftError::UNKNOWN_VERSION),
    }
}

/// What follows `/v1`.
fn data(rest: &[&str]) -> Result<Target, SwiftError> {
    let owned = |name: &str| name.to_owned();
    match rest {
        [] | [""] => Err(SwiftError::BAD_URL),
        ["", ..] => Err(SwiftError::UNKNOWN_PATH),
        [account] | [account, ""] => Ok(Target::Account(owned(account))),
        [_, "", ..] => Err(SwiftError::UNKNOWN_PATH),
        [account, container] | [account, container, ""] => Ok(Target::Container {
            account: owned(account),
            container: owned(container),
        }),
        // The cut leaves all slashes of an object name in the last piece.
        [account, container, object, ..] => Ok(Target::Object {
            account: owned(account),
            container: owned(container),
            object: owned(object),
        }),
    }
}

/// What follows `/v0`, where only what is archived is.
fn archived(rest: &[&str]) -> Result<Target, SwiftError> {
    match data(rest) {
        Ok(Target::Container { account, container }) => {
            Ok(Target::RestoreJobs { account, container })
        }
        Ok(Target::Object {
            account,
            container,
            object,
        }) => Ok(Target::Restore {
            account,
            container,
            object,
        }),
        Ok(_) | Err(_) => Err(SwiftError::UNKNOWN_VERSION),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Target {
        parse(path).unwrap()
    }

    fn object(container: &str, object: &str) -> Target {
        Target::Object {
            account: "A".to_owned(),
            container: container.to_owned(),
            object: object.to_owned(),
        }
    }

    #[test]
    fn an_object_name_is_everything_after_the_third_slash() {
        for (path, name) in [
            ("/v1/A/c/o", "o"),
            ("/v1/A/c/a//b/", "a//b/"),
            ("/v1/A/c//lead", "/lead"),
            ("/v1/A/c/p/../q", "p/../q"),
            ("/v1/A/c/a%2Fb", "a/b"),
            ("/v1/A/c/a%252Fb", "a%2Fb"),
            ("/v1/A/c/a+b%zz", "a+b%zz"),
            ("/v1.0/A/c/%C3%A9%0A", "é\n"),
        ] {
            assert_eq!(parsed(path), object("c", name), "{path}");
        }
    }

    #[test]
    fn a_slash_at_the_end_of_an_account_or_container_does_not_count() {
        assert_eq!(parsed("/v1/A/"), Target::Account("A".to_owned()));
        assert_eq!(parsed("/v1/A/c/"), parsed("/v1/A/c"));
    }

    #[test]
    fn bad_paths_are_told_apart() {
        for (path, status) in [
            ("/v1", 412),
            ("/v1/", 412),
            ("/v1//c", 404),
            ("/v1/A//o", 404),
            ("/v2/x", 400),
            ("/v0/A", 400),
            ("/v0//c", 400),
            ("/info%20x", 412),
            ("/infox", 412),
            ("/info/", 412),
            ("/info/x", 400),
            ("/healthcheckx", 412),
            ("/auth", 412),
            ("/auth/", 404),
            ("/auth/v1", 400),
            ("/auth/v1/A", 400),
            ("/auth/v2.0", 400),
            ("/v1/A/c/%ff", 412),
            ("/v1/A/c/a%00", 412),
        ] {
            let (found, _) = parse(path).unwrap_err().describe();
            assert_eq!(found.as_u16(), status, "{path}");
        }
    }

    #[test]
    fn a_path_that_names_nothing_may_seem_to_have_an_account() {
        for (path, account) in [
            ("/v1/A/c/%ff", Some("A")),
            ("/v2/a%20b", Some("a b")),
            ("/v1//c", None),
            ("/v1", None),
        ] {
            assert_eq!(seeming_account(path).as_deref(), account, "{path}");
        }
    }

    #[test]
    fn signing_in_has_two_paths() {
        let plain = Target::SignIn { account: None };
        assert_eq!(parsed("/auth/v1.0"), plain);
        assert_eq!(parsed("/auth/v1.0/"), plain);
        assert_eq!(parsed("/auth/v1.0/x"), plain);
        let account = Some("A".to_owned());
        assert_eq!(parsed("/auth/v1/A/auth"), Target::SignIn { account });
    }
}
