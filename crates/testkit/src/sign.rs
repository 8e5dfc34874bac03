//! Request signatures made as the OCI SDKs make them (wire reference section 6).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::clock::Clock;
use crate::key::TestKey;

/// What every request signs, in the order of the Python SDK.
const ALWAYS: [&str; 3] = ["date", "(request-target)", "host"];
/// What a request with a JSON body signs besides.
const WITH_BODY: [&str; 3] = ["content-length", "content-type", "x-content-sha256"];

/// One user's API key, ready to sign.
pub struct Signer {
    key_id: String,
    key: TestKey,
    clock: Clock,
}

impl Signer {
    /// `key_id` is `tenancy/user/fingerprint`, or any text for tests of bad ones.
    pub fn new(key_id: impl Into<String>, key: TestKey, clock: Clock) -> Self {
        Self {
            key_id: key_id.into(),
            key,
            clock,
        }
    }

    /// `tenancy/user/fingerprint`.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The signature over any text, in standard base64; for requests that are wrong on purpose.
    pub fn sign(&self, text: &str) -> String {
        self.key.sign(text)
    }

    /// Adds `date`, body headers where 6.3 wants them, and `authorization`. Headers that are already
    /// there stay as they are and are signed so. `host` must be there.
    pub fn authorize(&self, method: &Method, target: &str, headers: &mut HeaderMap, body: &[u8]) {
        headers
            .entry(DATE)
            .or_insert_with(|| text_value(&httpdate::fmt_http_date(self.clock.now())));
        let mut names = ALWAYS.to_vec();
        if signs_body(method, target) {
            add_body_headers(headers, body);
            names.extend(WITH_BODY);
        }
        let signature = self.sign(&signing_string(method, target, &names, headers));
        headers.insert(
            AUTHORIZATION,
            text_value(&self.authorization(&names, &signature)),
        );
    }

    /// The Authorization value with the parameters in the order of the Python SDK.
    pub fn authorization(&self, names: &[&str], signature: &str) -> String {
        format!(
            "Signature algorithm=\"rsa-sha256\",headers=\"{}\",keyId=\"{}\",signature=\"{signature}\",version=\"1\"",
            names.join(" "),
            self.key_id
        )
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

/// The text that is signed: one line per name, in the given order (wire reference 6.2). A name without
/// a header gives an empty value, which a server must refuse.
pub fn signing_string(
    method: &Method,
    target: &str,
    names: &[&str],
    headers: &HeaderMap,
) -> String {
    let line = |name: &&str| match *name {
        "(request-target)" => {
            format!(
                "(request-target): {} {target}",
                method.as_str().to_ascii_lowercase()
            )
        }
        name => {
            let value = headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
            format!(
                "{}: {}",
                name.to_ascii_lowercase(),
                String::from_utf8_lossy(value).trim()
            )
        }
    };
    names.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Every POST, PUT and PATCH but PutObject and UploadPart, whose body is too large to hash first.
fn signs_body(method: &Method, target: &str) -> bool {
    match *method {
        Method::POST | Method::PATCH => true,
        Method::PUT => !is_object_or_part(target),
        _ => false,
    }
}

/// `/n/{ns}/b/{bucket}/o/...` or `/u/...`.
fn is_object_or_part(target: &str) -> bool {
    let mut segments = target.split('/').skip(1);
    segments.next() == Some("n")
        && segments.nth(1) == Some("b")
        && matches!(segments.nth(1), Some("o" | "u"))
}

fn add_body_headers(headers: &mut HeaderMap, body: &[u8]) {
    let hash = STANDARD.encode(digest(&SHA256, body));
    headers
        .entry("content-length")
        .or_insert_with(|| HeaderValue::from(body.len()));
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    headers
        .entry(HeaderName::from_static("x-content-sha256"))
        .or_insert_with(|| text_value(&hash));
}

fn text_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| panic!("{text:?} is not a header value"))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::PublicKey;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    // Wire reference, Appendix C: made by the Python SDK's own signer.
    const PUBLIC_KEY: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAp3zDkteD/2Xlb0v73/m0\
        ENG2cTapZPx1Q/phxySRDmcotl/yRk31Zhwaq57K/1YQdnppv9k3hC6rykUbf1zP\
        xGxdbvoAB3arYtN01QpoAfoZtaJmRURCa7508i4Tdp7TSLrf1LRpwUlzZdM8+QFD\
        3tdlBKetftxcccchA++kQ3EPjx09tAuy/8n7w2qnJ5odbH4K3LFey85oL46jke/V\
        Jc57D9NCf2btDGdGOuKEEnVu7sKOi6u65DsUZ+maNfTm0d9VM7CGTqpR2vOC5EZJ\
        auEQlvejzYvZ8o07kDOaHf565zxnyx9d6CeqNiWu7Re2KIaQo2YMF7t3BimI4cTx\
        qwIDAQAB";
    const GET_SIGNATURE: &str = "iXv9eBAVRjSRZ6dcl8gfldOOZHoyVMvubENgwWam5yF5b6lfGS3bnFCvInuWHz2JuXnndwQ/4pcrWAu/4ehXxGgOMoZaaXmR1H43f5nLKtC3aFuXxJwFHAgPnqOXDtfc41dWhAAmjxV1qdk9ea0TD844Y6P/XtjJyKqCVX2OmFEfYz6FZTqJXwYEqnYABJWPgjj/Z/MQfSZB5xiCyPKrGmVD6D6KCSxDaqanOF8Ctmaj9+8IR7NwOoW8fTWYwCa3LLgXArWf1m36xni2YDOwl9V3atFYxx4itVk+BAoen7pi8nosTZwdSzsVTtWfK2ckDICrMNH5H9yISecSNZZz/A==";
    const POST_SIGNATURE: &str = "MTArf4fnwgVUB7YfzmWg+QuXSiy+mME1OnbNqMBeuFpHQAVfxC2RhewTninyT6P3i2Y9+RLQJ+SXOVkB8Kz6F6Ca2QER4elJZkIpJi5+H2olKH0CxFlYN0O163MMMv8r37mR5+qm6kIvZuSijF0G9eeX0wf7Gvf1cugpa2qoWsSPyARaZydbskOA6EKxMkZtypRImYvCn2SJREISbU/Jq3tUwNIjOkrhft4b90/s6/tpJym0efrSgjGG86SNIddPVg2GzEAdGmJzci/mYqB1ibJw+EpNanU4cldJtCrcWIQ+6yEsvadHKgFGYBFjkjMsxxTY/HldP5GJOdy9YDdw9Q==";
    const PUT_SIGNATURE: &str = "Pc9RvFvGU9AnWvVeglsq4IZGzEFpyllf0z5Eyu40YfZXSmS8UYPwjJki2hDTYTwXkWI4ZAziv0DTXP4mS9RMG0I0D+hED+JKJBTfMk6svk7eEm8hONPP1Vw/7HeNpmKocqqCDW1Gw3MY//1m9EULA/URLPY3DFLqz1/HJFrWFSAL0ImDX4LW6KoamF7QUvOqZkGTJnbkmaXdkICTmSNZeT1ocj6U2CAvFTzWGfcWeB9n3CL79DOK30tYJKQjztr6vbKD0PnluZnOw5l0/4KoKNwYqTYLZbG35pxyI/+y6a8ap1XBp15et8DNxRDMUnbt3b3pjTTPlrwI0//WualIQg==";

    /// The private key of the vectors is unknown, so the text is checked against the signatures.
    fn assert_same_text_as_the_sdk(method: Method, target: &str, body: &[u8], signature: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("127.0.0.1:8080"));
        headers.insert(
            DATE,
            HeaderValue::from_static("Thu, 05 Jan 2023 21:31:40 GMT"),
        );
        let signer = Signer::new("t/u/f", TestKey::generate(), Clock::default());
        signer.authorize(&method, target, &mut headers, body);

        let mut names = ALWAYS.to_vec();
        if headers.contains_key("x-content-sha256") {
            names.extend(WITH_BODY);
        }
        let text = signing_string(&method, target, &names, &headers);
        let key = PublicKey::from_der(&STANDARD.decode(PUBLIC_KEY).unwrap()).unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.as_ref())
            .verify(text.as_bytes(), &STANDARD.decode(signature).unwrap())
            .unwrap_or_else(|_| panic!("the SDK signed another text than:\n{text}"));
    }

    #[test]
    fn a_get_signs_date_target_and_host() {
        let target = "/n/testns/b/b1/o?limit=2&fields=name%2Csize";
        assert_same_text_as_the_sdk(Method::GET, target, b"", GET_SIGNATURE);
    }

    #[test]
    fn a_json_post_signs_its_body_hash_too() {
        let body = br#"{"name":"b1","compartmentId":"ocid1.compartment.oc1..c"}"#;
        assert_same_text_as_the_sdk(Method::POST, "/n/testns/b", body, POST_SIGNATURE);
    }

    #[test]
    fn a_put_of_an_object_leaves_its_body_unsigned() {
        let target = "/n/testns/b/b1/o/dir%2Fa%20b.txt";
        assert_same_text_as_the_sdk(Method::PUT, target, b"hello\n", PUT_SIGNATURE);
    }

    #[test]
    fn only_object_and_part_puts_are_exempt_from_the_body_hash() {
        let exempt = |target| !signs_body(&Method::PUT, target);
        assert!(exempt("/n/ns/b/bucket/o/a/b"));
        assert!(exempt("/n/ns/b/bucket/u/a?uploadId=1&uploadPartNum=2"));
        assert!(!exempt("/n/ns/b/o/l"));
        assert!(!exempt("/n/ns"));
        assert!(!exempt("/20160918/users/o/state"));
    }

    #[test]
    fn the_authorization_has_the_parameters_of_the_python_sdk() {
        let signer = Signer::new("t/u/f", TestKey::generate(), Clock::default());
        assert_eq!(
            signer.authorization(&["date", "host"], "c2ln"),
            r#"Signature algorithm="rsa-sha256",headers="date host",keyId="t/u/f",signature="c2ln",version="1""#
        );
    }
}
