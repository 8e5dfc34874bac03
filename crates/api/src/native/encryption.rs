//! Changing the keys of objects (wire reference 3.2, 3.3).

use http::StatusCode;
use parbuckle_engine::{BucketPath, CustomerKey, ObjectPath, Reencryption};
use serde::Deserialize;

use super::error::NativeError;
use super::names::OPC_WORK_REQUEST_ID;
use super::options::{no_kms, parse_customer_key, version};
use super::reply::Reply;
use super::{Call, ok};
use crate::json::{self, required};

/// ReencryptBucket: a work request for all objects and versions. `isReencryptBucketKeyOnly` concerns key management
/// services and changes nothing.
pub(super) async fn reencrypt_bucket(
    call: &Call<'_>,
    path: &BucketPath,
) -> Result<Reply, NativeError> {
    let engine = call.exchange.engine();
    let id = engine.reencrypt_bucket(&call.caller, path).await?;
    Ok(Reply::new(StatusCode::ACCEPTED).with(OPC_WORK_REQUEST_ID, id.to_string()))
}

/// ReencryptObject.
pub(super) async fn reencrypt_object(
    call: &Call<'_>,
    path: &ObjectPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let mut how = json::parse::<ReencryptDetails>(body)?.into_reencryption()?;
    how.version = version(&call.exchange.query()?)?;
    let engine = call.exchange.engine();
    engine.reencrypt_object(&call.caller, path, how).await?;
    Ok(ok())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReencryptDetails {
    kms_key_id: Option<String>,
    sse_customer_key: Option<KeyDetails>,
    source_sse_customer_key: Option<KeyDetails>,
}

impl ReencryptDetails {
    fn into_reencryption(self) -> Result<Reencryption, NativeError> {
        if self.kms_key_id.is_some_and(|id| !id.is_empty()) {
            return Err(no_kms());
        }
        let parse = |key: Option<KeyDetails>| key.map(KeyDetails::into_key).transpose();
        Ok(Reencryption {
            version: None,
            source: parse(self.source_sse_customer_key)?,
            destination: parse(self.sse_customer_key)?,
        })
    }
}

/// SSECustomerKeyDetails.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyDetails {
    algorithm: Option<String>,
    key: Option<String>,
    key_sha256: Option<String>,
}

impl KeyDetails {
    fn into_key(self) -> Result<CustomerKey, NativeError> {
        let algorithm = required(self.algorithm, "algorithm")?;
        let key = required(self.key, "key")?;
        let sha256 = required(self.key_sha256, "keySha256")?;
        parse_customer_key(&algorithm, &key, &sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"algorithm": "AES256", "key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "keySha256": "Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU="}"#;

    fn parsed(body: &str) -> Result<Reencryption, NativeError> {
        json::parse::<ReencryptDetails>(body.as_bytes())?.into_reencryption()
    }

    fn code(body: &str) -> String {
        let (status, code) = parsed(body).unwrap_err().describe();
        format!("{} {code}", status.as_u16())
    }

    #[test]
    fn both_keys_are_taken_and_none_is_needed() {
        let body = format!(r#"{{"sseCustomerKey": {KEY}, "sourceSseCustomerKey": {KEY}}}"#);
        let how = parsed(&body).unwrap();
        assert!(how.source.is_some() && how.destination.is_some());
        let how = parsed(r#"{"kmsKeyId": null}"#).unwrap();
        assert!(how.source.is_none() && how.destination.is_none());
    }

    #[test]
    fn a_kms_key_is_refused_in_words() {
        assert_eq!(
            code(r#"{"kmsKeyId": "ocid1.key.oc1..x"}"#),
            "501 NotImplemented"
        );
    }

    #[test]
    fn a_key_is_whole_or_refused() {
        let bodies = [
            (KEY.replace("AES256", "AES128"), "400 InvalidParameter"),
            (KEY.replace("AAA=", "AA=="), "400 InvalidParameter"),
            (KEY.replace("Zmh6", "Zmh7"), "400 InvalidParameter"),
            (KEY.replace("keySha256", "x"), "400 MissingParameter"),
        ];
        for (key, refusal) in bodies {
            assert_eq!(
                code(&format!(r#"{{"sseCustomerKey": {key}}}"#)),
                refusal,
                "{key}"
            );
        }
    }
}
