//! Signed requests: the `Authorization` header, the text it says was signed, and the checks around the signature.
//!
//! The first line of the input is the header's value, the second `method target`, the others `name: value`.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use parbuckle_iam::signature::{
    Authorization, BodyRule, Field, KeyId, RequestView, SignatureError, signing_string,
    verify_unknown_key,
};

fuzz_target!(|text: &str| {
    let (header, request) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(authorization) = Authorization::parse(header) else {
        return;
    };
    let id = authorization.key_id.to_string();
    assert_eq!(id.parse::<KeyId>(), Ok(authorization.key_id.clone()));
    let request = Request::read(request);
    let names: Vec<&str> = authorization.signed_headers().collect();
    assert!(names.iter().all(|name| authorization.signs(name)));
    check_signing_string(&request, &names);
    for rule in [BodyRule::NoBody, BodyRule::Streamed, BodyRule::Hashed] {
        let now = Timestamp::UNIX_EPOCH;
        let refusal = verify_unknown_key(&authorization, &request, now, rule);
        assert_ne!(refusal, SignatureError::BadSignature);
        assert!(!refusal.client_message().is_empty());
    }
});

/// One line for each name, or a refusal that is true of the request.
fn check_signing_string(request: &Request<'_>, names: &[&str]) {
    match signing_string(request, names.iter().copied()) {
        Ok(text) => {
            let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            assert_eq!(lines.len(), names.len().max(1));
            for (line, name) in lines.iter().zip(names) {
                let value = line.strip_prefix(name.as_bytes());
                assert!(value.is_some_and(|value| value.starts_with(b": ")));
            }
        }
        Err(SignatureError::AbsentHeader(name)) => assert_eq!(request.header(&name), Field::Absent),
        Err(SignatureError::RepeatedHeader(name)) => {
            assert_eq!(request.header(&name), Field::Repeated);
        }
        Err(other) => panic!("not a reason to have no signing string: {other}"),
    }
}

struct Request<'a> {
    method: &'a str,
    target: &'a str,
    headers: Vec<(String, &'a str)>,
}

impl<'a> Request<'a> {
    fn read(text: &'a str) -> Self {
        let (line, headers) = text.split_once('\n').unwrap_or((text, ""));
        let (method, target) = line.split_once(' ').unwrap_or((line, ""));
        let header = |line: &'a str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value))
        };
        Self {
            method,
            target,
            headers: headers.split('\n').filter_map(header).collect(),
        }
    }
}

impl RequestView for Request<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn raw_target(&self) -> &str {
        self.target
    }

    fn header(&self, lower_case_name: &str) -> Field<'_> {
        let mut values = self
            .headers
            .iter()
            .filter(|(name, _)| name == lower_case_name)
            .map(|(_, value)| value.as_bytes());
        match (values.next(), values.next()) {
            (None, _) => Field::Absent,
            (Some(value), None) => Field::Single(value),
            (Some(_), Some(_)) => Field::Repeated,
        }
    }
}
