//! Signatures of TempURLs, made by the test's own code (Swift wire reference section 13).

use aws_lc_rs::hmac;

/// The query of a TempURL: `?temp_url_sig=...&temp_url_expires=...`, with HMAC-SHA256.
///
/// `path` is the decoded path of the object, such as `/v1/Storage-acme/c/o`; `expires` is in seconds since 1970.
pub fn temp_url_query(key: &str, method: &str, path: &str, expires: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let tag = hmac::sign(&key, format!("{method}\n{expires}\n{path}").as_bytes());
    let digits = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
    let signature: String = digits.collect();
    format!("?temp_url_sig={signature}&temp_url_expires={expires}")
}
