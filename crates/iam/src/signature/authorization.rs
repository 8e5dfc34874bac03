//! The `Authorization` header, parsed (wire reference 6.1 and 6.5).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Fingerprint, SignatureError};

/// Stands for the request line among the signed names.
pub(super) const REQUEST_TARGET: &str = "(request-target)";

/// Longest accepted part of a key id, in bytes.
const OCID_BYTES_MAX: usize = 255;

/// Most signed names accepted; clients sign three to seven.
const NAMES_MAX: usize = 32;

/// A well-formed `Authorization: Signature …` header. Nothing in it is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Which key claims to have signed.
    pub key_id: KeyId,
    /// What was signed: lower-case names in signing order, without repetition.
    headers: Vec<String>,
    signature: Vec<u8>,
}

impl Authorization {
    /// Reads the header value: parameters in any order, names and scheme in any case, white space
    /// around commas and equals signs, version optional.
    pub fn parse(header: &str) -> Result<Self, SignatureError> {
        let mut parameters = Parameters::read(strip_scheme(header)?)?;
        if let Some(version) = parameters.take("version")
            && version != "1"
        {
            return Err(SignatureError::UnsupportedVersion(version.to_owned()));
        }
        let algorithm = parameters.require("algorithm")?;
        if !algorithm.eq_ignore_ascii_case("rsa-sha256") {
            return Err(SignatureError::UnsupportedAlgorithm(algorithm.to_owned()));
        }
        let key_id = parameters.require("keyId")?.parse()?;
        let headers = parse_names(parameters.require("headers")?)?;
        let signature = STANDARD
            .decode(parameters.require("signature")?)
            .map_err(|_| SignatureError::Malformed("the signature is not base64"))?;
        Ok(Self {
            key_id,
            headers,
            signature,
        })
    }

    /// The signed names, lower case, in signing order.
    pub fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(String::as_str)
    }

    /// Whether that lower-case name is signed.
    pub fn signs(&self, name: &str) -> bool {
        self.headers.iter().any(|signed| signed == name)
    }

    /// The signature's bytes.
    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// Names an API key: `{tenancy OCID}/{user OCID}/{fingerprint}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyId {
    /// OCID of the tenancy.
    pub tenancy: String,
    /// OCID of the user.
    pub user: String,
    /// Fingerprint of the user's key.
    pub fingerprint: Fingerprint,
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}", self.tenancy, self.user, self.fingerprint)
    }
}

impl FromStr for KeyId {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        if text.starts_with("ST$") {
            return Err(SignatureError::UnsupportedKeyId);
        }
        let mut parts = text.split('/');
        let (Some(tenancy), Some(user), Some(fingerprint), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SignatureError::MalformedKeyId(
                "not tenancy/user/fingerprint",
            ));
        };
        if user == "fed-x509" {
            return Err(SignatureError::UnsupportedKeyId);
        }
        if !is_ocid_like(tenancy) || !is_ocid_like(user) {
            return Err(SignatureError::MalformedKeyId(
                "tenancy or user is not an OCID",
            ));
        }
        let fingerprint = fingerprint
            .parse()
            .map_err(|_| SignatureError::MalformedKeyId("the fingerprint is not 16 hex pairs"))?;
        Ok(Self {
            tenancy: tenancy.to_owned(),
            user: user.to_owned(),
            fingerprint,
        })
    }
}

fn is_ocid_like(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
    (1..=OCID_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn strip_scheme(header: &str) -> Result<&str, SignatureError> {
    let header = header.trim_ascii();
    let end = header.find([' ', '\t']).unwrap_or(header.len());
    let (scheme, rest) = header.split_at(end);
    if !scheme.eq_ignore_ascii_case("Signature") {
        return Err(SignatureError::Malformed("the scheme is not Signature"));
    }
    Ok(rest)
}

/// The five parameters there are; a sixth name is refused, because we could not honour it.
#[derive(Default)]
struct Parameters<'a>([Option<&'a str>; 5]);

const PARAMETERS: [&str; 5] = ["version", "keyId", "algorithm", "headers", "signature"];

impl<'a> Parameters<'a> {
    fn read(text: &'a str) -> Result<Self, SignatureError> {
        let mut read = Self::default();
        let mut rest = text.trim_ascii_start();
        loop {
            let (name, after) = rest
                .split_once('=')
                .ok_or(SignatureError::Malformed("expected name=\"value\""))?;
            let (value, after) = after
                .trim_ascii_start()
                .strip_prefix('"')
                .and_then(|quoted| quoted.split_once('"'))
                .ok_or(SignatureError::Malformed("a value is not in double quotes"))?;
            if value.contains('\\') {
                return Err(SignatureError::Malformed("a value contains a backslash"));
            }
            read.set(name.trim_ascii(), value)?;
            rest = after.trim_ascii_start();
            if rest.is_empty() {
                return Ok(read);
            }
            rest = rest
                .strip_prefix(',')
                .ok_or(SignatureError::Malformed(
                    "expected a comma between parameters",
                ))?
                .trim_ascii_start();
        }
    }

    fn set(&mut self, name: &str, value: &'a str) -> Result<(), SignatureError> {
        let slot = PARAMETERS
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name))
            .ok_or(SignatureError::Malformed("unknown parameter"))?;
        match self.0[slot].replace(value) {
            None => Ok(()),
            Some(_) => Err(SignatureError::Duplicate {
                what: "parameter",
                name: PARAMETERS[slot].to_owned(),
            }),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<&'a str> {
        let slot = PARAMETERS.iter().position(|known| *known == name)?;
        self.0[slot].take()
    }

    fn require(&mut self, name: &'static str) -> Result<&'a str, SignatureError> {
        self.take(name)
            .ok_or(SignatureError::MissingParameter(name))
    }
}

fn parse_names(text: &str) -> Result<Vec<String>, SignatureError> {
    let mut names: Vec<String> = Vec::new();
    for name in text.split_ascii_whitespace() {
        let name = name.to_ascii_lowercase();
        if names.contains(&name) {
            return Err(SignatureError::Duplicate {
                what: "header name",
                name,
            });
        }
        if name.starts_with('(') && name != REQUEST_TARGET {
            return Err(SignatureError::Malformed("unknown name in parentheses"));
        }
        if names.len() == NAMES_MAX {
            return Err(SignatureError::Malformed("too many signed names"));
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str =
        "ocid1.tenancy.oc1..t/ocid1.user.oc1..u/09:71:aa:42:45:0d:54:3c:3d:5c:e4:01:96:e8:2e:ff";

    fn parse_with(parameters: &str) -> Result<Authorization, SignatureError> {
        Authorization::parse(&format!("Signature {parameters}"))
    }

    fn usual() -> String {
        format!(
            r#"version="1",keyId="{ID}",algorithm="rsa-sha256",headers="date (request-target) host",signature="AQID""#
        )
    }

    fn parse_key_id(id: &str) -> Result<KeyId, SignatureError> {
        parse_with(&usual().replace(ID, id)).map(|authorization| authorization.key_id)
    }

    #[test]
    fn every_order_of_parameters_is_accepted() {
        let usual = usual();
        let expected = parse_with(&usual).unwrap();
        let mut parts: Vec<&str> = usual.split("\",").collect();
        let last = parts.pop().unwrap().trim_end_matches('"');
        parts.push(last);
        let mut seen = 0;
        permute(&mut parts, 0, &mut |order| {
            let text: Vec<String> = order.iter().map(|part| format!("{part}\"")).collect();
            assert_eq!(parse_with(&text.join(",")), Ok(expected.clone()));
            seen += 1;
        });
        assert_eq!(seen, 120);
    }

    fn permute<'a>(items: &mut Vec<&'a str>, from: usize, visit: &mut impl FnMut(&[&'a str])) {
        if from == items.len() {
            return visit(items);
        }
        for index in from..items.len() {
            items.swap(from, index);
            permute(items, from + 1, visit);
            items.swap(from, index);
        }
    }

    #[test]
    fn scheme_and_parameter_names_ignore_case() {
        let mixed = usual()
            .replace("keyId", "KEYID")
            .replace("headers", "Headers");
        let text = format!("sIGNATURE {mixed}");
        assert_eq!(Authorization::parse(&text), parse_with(&usual()));
    }

    #[test]
    fn signed_names_ignore_case_and_keep_their_order() {
        let text = usual().replace(
            "date (request-target) host",
            "Host  (Request-Target) X-Date",
        );
        let authorization = parse_with(&text).unwrap();
        let names: Vec<&str> = authorization.signed_headers().collect();
        assert_eq!(names, ["host", "(request-target)", "x-date"]);
    }

    #[test]
    fn white_space_around_commas_and_equals_signs_is_free() {
        let text = usual().replace("\",", "\" ,\t ").replace("=\"", " = \"");
        assert_eq!(parse_with(&text), parse_with(&usual()));
    }

    #[test]
    fn the_version_may_be_missing() {
        let text = usual().replace("version=\"1\",", "");
        assert_eq!(parse_with(&text), parse_with(&usual()));
    }

    #[test]
    fn another_version_is_refused() {
        let text = usual().replace("version=\"1\"", "version=\"2\"");
        assert_eq!(
            parse_with(&text),
            Err(SignatureError::UnsupportedVersion("2".into()))
        );
    }

    #[test]
    fn another_algorithm_is_refused() {
        let text = usual().replace("rsa-sha256", "hmac-sha256");
        let expected = SignatureError::UnsupportedAlgorithm("hmac-sha256".into());
        assert_eq!(parse_with(&text), Err(expected));
    }

    #[test]
    fn a_missing_parameter_is_named() {
        for name in ["keyId", "algorithm", "headers", "signature"] {
            let kept: Vec<String> = usual()
                .split("\",")
                .filter(|part| !part.starts_with(name))
                .map(|part| format!("{}\"", part.trim_end_matches('"')))
                .collect();
            assert_eq!(
                parse_with(&kept.join(",")),
                Err(SignatureError::MissingParameter(name))
            );
        }
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        let text = format!("{},keyid=\"{ID}\"", usual());
        let expected = SignatureError::Duplicate {
            what: "parameter",
            name: "keyId".into(),
        };
        assert_eq!(parse_with(&text), Err(expected));
    }

    #[test]
    fn a_repeated_header_name_is_refused() {
        let text = usual().replace("target) host", "target) host HOST");
        let expected = SignatureError::Duplicate {
            what: "header name",
            name: "host".into(),
        };
        assert_eq!(parse_with(&text), Err(expected));
    }

    #[test]
    fn an_unknown_parameter_is_refused() {
        let text = format!("{},expires=\"1\"", usual());
        assert_eq!(
            parse_with(&text),
            Err(SignatureError::Malformed("unknown parameter"))
        );
    }

    #[test]
    fn an_unknown_name_in_parentheses_is_refused() {
        let text = usual().replace("(request-target)", "(created)");
        assert_eq!(
            parse_with(&text),
            Err(SignatureError::Malformed("unknown name in parentheses"))
        );
    }

    #[test]
    fn malformed_lists_are_refused() {
        let usual = usual();
        for text in [
            String::new(),
            ",".into(),
            format!("{usual},"),
            format!("{usual} x"),
            usual.replace("version=\"1\"", "version=1"),
            usual.replace("\",", "\" "),
            usual.trim_end_matches('"').into(),
            usual.replace("AQID", "AQ\\\"ID"),
            usual.replace("AQID", "AQI"),
        ] {
            assert!(
                matches!(parse_with(&text), Err(SignatureError::Malformed(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn another_scheme_is_refused() {
        let text = format!("Bearer {}", usual());
        let expected = SignatureError::Malformed("the scheme is not Signature");
        assert_eq!(Authorization::parse(&text), Err(expected));
    }

    #[test]
    fn a_key_id_has_a_tenancy_a_user_and_a_fingerprint() {
        let id = parse_key_id(ID).unwrap();
        assert_eq!(
            (id.tenancy.as_str(), id.user.as_str()),
            ("ocid1.tenancy.oc1..t", "ocid1.user.oc1..u")
        );
        assert_eq!(id.to_string(), ID);
    }

    #[test]
    fn session_tokens_and_instance_principals_have_their_own_refusal() {
        let fingerprint = ID.rsplit('/').next().unwrap();
        for id in [
            "ST$eyJ.x.y".to_owned(),
            format!("ocid1.tenancy.oc1..t/fed-x509/{fingerprint}"),
        ] {
            assert_eq!(
                parse_key_id(&id),
                Err(SignatureError::UnsupportedKeyId),
                "{id}"
            );
        }
    }

    #[test]
    fn other_key_ids_are_malformed() {
        let fingerprint = ID.rsplit('/').next().unwrap();
        for id in [
            String::new(),
            "a/b".into(),
            format!("{ID}/x"),
            format!("/u/{fingerprint}"),
            format!("t//{fingerprint}"),
            format!("t t/u/{fingerprint}"),
            "t/u/0971".into(),
            format!("{}/u/{fingerprint}", "t".repeat(256)),
        ] {
            assert!(
                matches!(parse_key_id(&id), Err(SignatureError::MalformedKeyId(_))),
                "{id}"
            );
        }
    }
}
