//! `Authorization: Basic` with each request: a user's name and auth token instead of a token (Swift wire reference
//! section 16, RFC 7617).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use parbuckle_engine::swift::BasicLogin;
use parbuckle_iam::secret::SecretString;

/// A name and an auth token. What could not be read is neither, which proves nothing.
pub(super) struct Basic {
    user: String,
    auth_token: SecretString,
}

impl Basic {
    /// What the header of a request says; nothing if it has none of this scheme. One that is malformed, or one of several,
    /// is there all the same: whoever sends it does not come as nobody.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(AUTHORIZATION).iter();
        let mut given = values.filter_map(|value| credentials(value.as_bytes()));
        let (first, second) = (given.next()?, given.next());
        let read = match second {
            None => parse(first),
            Some(_) => None,
        };
        Some(read.unwrap_or_else(|| Self {
            user: String::new(),
            auth_token: SecretString::new(String::new()),
        }))
    }

    /// What the engine is asked about a request for `account` from `peer`.
    pub(super) fn login<'a>(
        &'a self,
        account: &'a str,
        peer: IpAddr,
        referrer: Option<&'a str>,
    ) -> BasicLogin<'a> {
        BasicLogin {
            account,
            user: &self.user,
            auth_token: self.auth_token.expose(),
            peer,
            referrer,
        }
    }
}

/// What follows the name of the scheme, if that is `Basic`, in any case.
fn credentials(header: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = header.split_at_checked("Basic".len())?;
    let ends = rest.first().is_none_or(|b| *b == b' ');
    (scheme.eq_ignore_ascii_case(b"Basic") && ends).then(|| rest.trim_ascii())
}

/// The name goes up to the first colon.
fn parse(credentials: &[u8]) -> Option<Basic> {
    let text = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (user, auth_token) = text.split_once(':')?;
    Some(Basic {
        user: user.to_owned(),
        auth_token: SecretString::new(auth_token.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn given(values: &[&'static str]) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        let basic = Basic::of(&headers)?;
        let login = basic.login("a", IpAddr::from([127, 0, 0, 1]), None);
        Some((login.user.to_owned(), login.auth_token.to_owned()))
    }

    #[test]
    fn the_name_goes_up_to_the_first_colon() {
        let expected = Some(("idp/joe".to_owned(), "a:b".to_owned()));
        for header in ["Basic aWRwL2pvZTphOmI=", "bASIC   aWRwL2pvZTphOmI= "] {
            assert_eq!(given(&[header]), expected, "{header}");
        }
    }

    #[test]
    fn what_is_malformed_or_repeated_is_there_and_proves_nothing() {
        let nothing = Some((String::new(), String::new()));
        for header in ["Basic", "Basic ", "Basic %%%", "Basic am9l", "Basic /w=="] {
            assert_eq!(given(&[header]), nothing, "{header}");
        }
        let good = "Basic aWRwL2pvZTphOmI=";
        assert_eq!(given(&[good, good]), nothing);
    }

    #[test]
    fn other_schemes_are_not_looked_at() {
        for values in [&[][..], &["Signature version=\"1\""], &["Basics x"]] {
            assert_eq!(given(values), None, "{values:?}");
        }
    }
}
