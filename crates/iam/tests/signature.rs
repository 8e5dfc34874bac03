//! Request signatures: the vectors of the wire reference (Appendix C), one refusal per rule, and
//! properties of signing and verifying.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::sync::LazyLock;

use jiff::Timestamp;
use parbuckle_iam::signature::{
    Authorization, BodyRule, Field, KeyId, PublicKey, RequestView, SignatureError, SigningKey,
    Verified, sign, signing_string, verify, verify_unknown_key,
};
use proptest::prelude::*;

const DATE: &str = "Thu, 05 Jan 2023 21:31:40 GMT";
const BODY_HASH: &str = "Dsq4NoYEhj3Q2rjpWXvYYl6NOI13vt5XTatVpjbATBc=";

#[derive(Debug, Clone)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
}

impl Request {
    fn new(method: &str, target: &str) -> Self {
        let request = Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
        };
        request.with("date", DATE).with("host", "127.0.0.1:8080")
    }

    fn post() -> Self {
        Self::new("POST", "/n/testns/b")
            .with("content-length", "56")
            .with("content-type", "application/json")
            .with("x-content-sha256", BODY_HASH)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(present, _)| present != name);
        self
    }

    fn names(&self) -> Vec<&str> {
        let headers = self.headers.iter().map(|(name, _)| name.as_str());
        headers.chain(["(request-target)"]).collect()
    }
}

impl RequestView for Request {
    fn method(&self) -> &str {
        &self.method
    }

    fn raw_target(&self) -> &str {
        &self.target
    }

    fn header(&self, name: &str) -> Field<'_> {
        let mut values = self.headers.iter().filter(|(present, _)| present == name);
        match (values.next(), values.next()) {
            (None, _) => Field::Absent,
            (Some((_, value)), None) => Field::Single(value.as_bytes()),
            (Some(_), Some(_)) => Field::Repeated,
        }
    }
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate().unwrap());

fn key_id() -> KeyId {
    KeyId {
        tenancy: "ocid1.tenancy.oc1..t".into(),
        user: "ocid1.user.oc1..u".into(),
        fingerprint: KEY.public_key().fingerprint(),
    }
}

fn now() -> Timestamp {
    "2023-01-05T21:31:40Z".parse().unwrap()
}

/// Signs `signed` and checks the signature as if `sent` had arrived.
fn exchange(
    signed: &Request,
    names: &[&str],
    sent: &Request,
    rule: BodyRule,
) -> Result<Verified, SignatureError> {
    let header = sign(&KEY, &key_id(), names, signed).unwrap();
    let authorization = Authorization::parse(&header).unwrap();
    verify(&authorization, sent, KEY.public_key(), now(), rule)
}

fn check(request: &Request, names: &[&str], rule: BodyRule) -> Result<Verified, SignatureError> {
    exchange(request, names, request, rule)
}

mod vectors {
    use super::*;

    const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAp3zDkteD/2Xlb0v73/m0
ENG2cTapZPx1Q/phxySRDmcotl/yRk31Zhwaq57K/1YQdnppv9k3hC6rykUbf1zP
xGxdbvoAB3arYtN01QpoAfoZtaJmRURCa7508i4Tdp7TSLrf1LRpwUlzZdM8+QFD
3tdlBKetftxcccchA++kQ3EPjx09tAuy/8n7w2qnJ5odbH4K3LFey85oL46jke/V
Jc57D9NCf2btDGdGOuKEEnVu7sKOi6u65DsUZ+maNfTm0d9VM7CGTqpR2vOC5EZJ
auEQlvejzYvZ8o07kDOaHf565zxnyx9d6CeqNiWu7Re2KIaQo2YMF7t3BimI4cTx
qwIDAQAB
-----END PUBLIC KEY-----
";

    fn verify_vector(
        request: &Request,
        names: &str,
        rule: BodyRule,
        signature: &str,
    ) -> Result<Verified, SignatureError> {
        let key_id = "ocid1.tenancy.oc1..aaaaaaaavector/ocid1.user.oc1..aaaaaaaavector/\
                      09:71:aa:42:45:0d:54:3c:3d:5c:e4:01:96:e8:2e:ff";
        let header = format!(
            "Signature algorithm=\"rsa-sha256\",headers=\"{names}\",keyId=\"{key_id}\",\
             signature=\"{signature}\",version=\"1\""
        );
        let authorization = Authorization::parse(&header).unwrap();
        let key = PublicKey::from_pem(PUBLIC_KEY).unwrap();
        assert_eq!(key.fingerprint(), authorization.key_id.fingerprint);
        verify(&authorization, request, &key, now(), rule)
    }

    const V1: &str = "iXv9eBAVRjSRZ6dcl8gfldOOZHoyVMvubENgwWam5yF5b6lfGS3bnFCvInuWHz2JuXnndwQ/4pcrWAu/4ehXxGgOMoZaaXmR1H43f5nLKtC3aFuXxJwFHAgPnqOXDtfc41dWhAAmjxV1qdk9ea0TD844Y6P/XtjJyKqCVX2OmFEfYz6FZTqJXwYEqnYABJWPgjj/Z/MQfSZB5xiCyPKrGmVD6D6KCSxDaqanOF8Ctmaj9+8IR7NwOoW8fTWYwCa3LLgXArWf1m36xni2YDOwl9V3atFYxx4itVk+BAoen7pi8nosTZwdSzsVTtWfK2ckDICrMNH5H9yISecSNZZz/A==";
    const V2: &str = "MTArf4fnwgVUB7YfzmWg+QuXSiy+mME1OnbNqMBeuFpHQAVfxC2RhewTninyT6P3i2Y9+RLQJ+SXOVkB8Kz6F6Ca2QER4elJZkIpJi5+H2olKH0CxFlYN0O163MMMv8r37mR5+qm6kIvZuSijF0G9eeX0wf7Gvf1cugpa2qoWsSPyARaZydbskOA6EKxMkZtypRImYvCn2SJREISbU/Jq3tUwNIjOkrhft4b90/s6/tpJym0efrSgjGG86SNIddPVg2GzEAdGmJzci/mYqB1ibJw+EpNanU4cldJtCrcWIQ+6yEsvadHKgFGYBFjkjMsxxTY/HldP5GJOdy9YDdw9Q==";
    const V3: &str = "Pc9RvFvGU9AnWvVeglsq4IZGzEFpyllf0z5Eyu40YfZXSmS8UYPwjJki2hDTYTwXkWI4ZAziv0DTXP4mS9RMG0I0D+hED+JKJBTfMk6svk7eEm8hONPP1Vw/7HeNpmKocqqCDW1Gw3MY//1m9EULA/URLPY3DFLqz1/HJFrWFSAL0ImDX4LW6KoamF7QUvOqZkGTJnbkmaXdkICTmSNZeT1ocj6U2CAvFTzWGfcWeB9n3CL79DOK30tYJKQjztr6vbKD0PnluZnOw5l0/4KoKNwYqTYLZbG35pxyI/+y6a8ap1XBp15et8DNxRDMUnbt3b3pjTTPlrwI0//WualIQg==";

    #[test]
    fn v1_a_get_of_the_python_sdk_verifies() {
        let request = Request::new("GET", "/n/testns/b/b1/o?limit=2&fields=name%2Csize");
        let verified = verify_vector(&request, "date (request-target) host", BodyRule::NoBody, V1);
        assert_eq!(
            verified,
            Ok(Verified {
                body_sha256: None,
                date: now()
            })
        );
    }

    #[test]
    fn v1_has_the_documented_signing_string() {
        let request = Request::new("GET", "/n/testns/b/b1/o?limit=2&fields=name%2Csize");
        let text = signing_string(&request, ["date", "(request-target)", "host"]).unwrap();
        let expected = "date: Thu, 05 Jan 2023 21:31:40 GMT\n\
                        (request-target): get /n/testns/b/b1/o?limit=2&fields=name%2Csize\n\
                        host: 127.0.0.1:8080";
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }

    #[test]
    fn v2_a_json_post_of_the_python_sdk_verifies_with_its_body_hash() {
        let names = "date (request-target) host content-length content-type x-content-sha256";
        let verified = verify_vector(&Request::post(), names, BodyRule::Hashed, V2).unwrap();
        let body = br#"{"name":"b1","compartmentId":"ocid1.compartment.oc1..c"}"#;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
        assert_eq!(verified.body_sha256.unwrap(), digest.as_ref());
    }

    #[test]
    fn v3_a_put_of_an_object_verifies_without_a_body_hash() {
        let request = Request::new("PUT", "/n/testns/b/b1/o/dir%2Fa%20b.txt");
        let verified = verify_vector(
            &request,
            "date (request-target) host",
            BodyRule::Streamed,
            V3,
        );
        assert_eq!(
            verified,
            Ok(Verified {
                body_sha256: None,
                date: now()
            })
        );
    }

    #[test]
    fn a_vector_with_another_target_is_refused() {
        let request = Request::new("GET", "/n/testns/b/b1/o?limit=2&fields=name,size");
        let verified = verify_vector(&request, "date (request-target) host", BodyRule::NoBody, V1);
        assert_eq!(verified, Err(SignatureError::BadSignature));
    }
}

mod refusals {
    use super::*;

    #[test]
    fn each_mandatory_name_of_a_request_without_body_must_be_signed() {
        let request = Request::new("GET", "/n/");
        for missing in ["date", "(request-target)", "host"] {
            let names: Vec<&str> = request
                .names()
                .into_iter()
                .filter(|name| *name != missing)
                .collect();
            let expected = Err(SignatureError::UnsignedHeader(missing));
            assert_eq!(check(&request, &names, BodyRule::NoBody), expected);
            assert_eq!(check(&request, &names, BodyRule::Streamed), expected);
        }
    }

    #[test]
    fn each_mandatory_name_of_a_request_with_body_must_be_signed() {
        let request = Request::post();
        for missing in request.names() {
            let names: Vec<&str> = request
                .names()
                .into_iter()
                .filter(|name| *name != missing)
                .collect();
            let refused = check(&request, &names, BodyRule::Hashed).unwrap_err();
            assert!(matches!(refused, SignatureError::UnsignedHeader(name) if name == missing));
        }
    }

    #[test]
    fn a_streamed_body_needs_no_hash_but_a_signed_one_counts() {
        let names = ["date", "(request-target)", "host"];
        let plain = check(&Request::post(), &names, BodyRule::Streamed).unwrap();
        assert_eq!(plain.body_sha256, None);
        let request = Request::post();
        let hashed = check(&request, &request.names(), BodyRule::Streamed).unwrap();
        assert!(hashed.body_sha256.is_some());
    }

    #[test]
    fn a_signed_header_that_is_absent_is_refused() {
        let request = Request::post();
        let sent = request.clone().without("content-type");
        let refused = exchange(&request, &request.names(), &sent, BodyRule::Hashed);
        assert_eq!(
            refused,
            Err(SignatureError::AbsentHeader("content-type".into()))
        );
    }

    #[test]
    fn a_signed_header_that_is_repeated_is_refused() {
        let request = Request::new("GET", "/n/");
        let sent = request.clone().with("host", "127.0.0.1:8080");
        let refused = exchange(&request, &request.names(), &sent, BodyRule::NoBody);
        assert_eq!(refused, Err(SignatureError::RepeatedHeader("host".into())));
    }

    #[test]
    fn signing_both_dates_is_refused() {
        let request = Request::new("GET", "/n/").with("x-date", DATE);
        let refused = check(&request, &request.names(), BodyRule::NoBody);
        assert_eq!(refused, Err(SignatureError::TwoDates));
    }

    #[test]
    fn x_date_wins_over_an_unsigned_date() {
        let request = Request::new("GET", "/n/").without("date");
        let request = request
            .with("date", "Thu, 05 Jan 2012 21:31:40 GMT")
            .with("x-date", DATE);
        let names = ["x-date", "(request-target)", "host"];
        assert!(check(&request, &names, BodyRule::NoBody).is_ok());
    }

    #[test]
    fn an_unsigned_x_date_is_refused() {
        let request = Request::new("GET", "/n/");
        let sent = request.clone().with("x-date", DATE);
        let refused = exchange(&request, &request.names(), &sent, BodyRule::NoBody);
        assert_eq!(refused, Err(SignatureError::DateNotDecisive));
    }

    #[test]
    fn a_date_in_another_form_is_refused() {
        let request = Request::new("GET", "/n/")
            .without("date")
            .with("date", "2023-01-05T21:31:40Z");
        let refused = check(&request, &request.names(), BodyRule::NoBody);
        assert_eq!(refused, Err(SignatureError::MalformedDate));
    }

    #[test]
    fn a_date_outside_the_skew_is_refused() {
        let old = "Thu, 05 Jan 2023 21:26:39 GMT";
        let request = Request::new("GET", "/n/").without("date").with("date", old);
        let refused = check(&request, &request.names(), BodyRule::NoBody).unwrap_err();
        assert!(refused.client_message().starts_with(
            "Date 'Thu, 05 Jan 2023 21:26:39 UTC' is not within allowed clock skew. Current \
             'Thu, 05 Jan 2023 21:31:40 UTC'"
        ));
    }

    #[test]
    fn a_body_hash_that_is_no_sha_256_is_refused() {
        for value in ["", "AQID", "zz", BODY_HASH.trim_end_matches('=')] {
            let request = Request::post()
                .without("x-content-sha256")
                .with("x-content-sha256", value);
            let refused = check(&request, &request.names(), BodyRule::Hashed);
            assert_eq!(refused, Err(SignatureError::MalformedBodyHash), "{value}");
        }
    }

    #[test]
    fn a_delegated_request_is_refused_even_when_signed() {
        let request = Request::new("GET", "/n/").with("opc-obo-token", "t");
        let refused = check(&request, &request.names(), BodyRule::NoBody);
        assert_eq!(refused, Err(SignatureError::DelegationUnsupported));
    }

    #[test]
    fn the_signature_of_another_key_is_refused() {
        let request = Request::new("GET", "/n/");
        let header = sign(&KEY, &key_id(), &request.names(), &request).unwrap();
        let authorization = Authorization::parse(&header).unwrap();
        let other = SigningKey::generate().unwrap();
        let refused = verify(
            &authorization,
            &request,
            other.public_key(),
            now(),
            BodyRule::NoBody,
        );
        assert_eq!(refused, Err(SignatureError::BadSignature));
    }

    #[test]
    fn an_unknown_key_reads_like_a_bad_signature() {
        let request = Request::new("GET", "/n/");
        let header = sign(&KEY, &key_id(), &request.names(), &request).unwrap();
        let authorization = Authorization::parse(&header).unwrap();
        let refused = verify_unknown_key(&authorization, &request, now(), BodyRule::NoBody);
        assert_eq!(refused, SignatureError::UnknownKey);
        assert_eq!(
            refused.client_message(),
            SignatureError::BadSignature.client_message()
        );
    }

    #[test]
    fn an_unknown_key_does_not_hide_what_any_key_would_be_told() {
        let request = Request::new("GET", "/n/");
        let header = sign(&KEY, &key_id(), &["date", "host"], &request).unwrap();
        let authorization = Authorization::parse(&header).unwrap();
        let refused = verify_unknown_key(&authorization, &request, now(), BodyRule::NoBody);
        assert_eq!(refused, SignatureError::UnsignedHeader("(request-target)"));
    }
}

#[test]
fn white_space_around_a_header_value_does_not_count() {
    let signed = Request::new("GET", "/n/").with("x-note", "a b");
    let sent = signed.clone().without("x-note").with("x-note", "  a b\t");
    assert!(exchange(&signed, &signed.names(), &sent, BodyRule::NoBody).is_ok());
}

fn requests() -> impl Strategy<Value = Request> {
    let target = "/[a-z0-9%/?&=.]{0,60}";
    ("GET|HEAD|DELETE|PUT|POST", target, "[ -~]{1,40}").prop_map(|(method, target, note)| {
        let mut request = Request::post().with("x-note", note.trim());
        request.method = method;
        request.target = target;
        request
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_signed_verifies(request in requests(), rotation in 0_usize..7) {
        let mut names = request.names();
        names.rotate_left(rotation);
        prop_assert!(check(&request, &names, BodyRule::Hashed).is_ok());
    }

    #[test]
    fn changing_any_signed_byte_is_refused(
        request in requests(),
        field in 0_usize..8,
        position in any::<prop::sample::Index>(),
        replacement in b'!'..=b'~',
    ) {
        let mut changed = request.clone();
        let text = match field {
            0 => &mut changed.method,
            1 => &mut changed.target,
            other => &mut changed.headers[other - 2].1,
        };
        prop_assume!(!text.is_empty());
        let at = position.index(text.len());
        let mut bytes = std::mem::take(text).into_bytes();
        // The method is signed in lower case: there the case of a letter does not count.
        let is_same = match field {
            0 => bytes[at].eq_ignore_ascii_case(&replacement),
            _ => bytes[at] == replacement,
        };
        prop_assume!(!is_same);
        bytes[at] = replacement;
        *text = String::from_utf8(bytes).unwrap();
        prop_assert!(exchange(&request, &request.names(), &changed, BodyRule::Hashed).is_err());
    }

    #[test]
    fn no_header_makes_the_parser_panic(text in ".{0,200}") {
        let _ = Authorization::parse(&text);
        let _ = Authorization::parse(&format!("Signature {text}"));
    }
}
