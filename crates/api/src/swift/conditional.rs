//! Conditions of requests (Swift wire reference section 7).

use http::header::{ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, StatusCode};
use jiff::Timestamp;
use parbuckle_engine::swift::{EtagList, ReadConditions};

use super::date;
use super::error::SwiftError;
use crate::fields;

/// Conditions of a read, or of a copy on its source. A date that can't be read is none.
pub(super) fn of_read(headers: &HeaderMap) -> Result<ReadConditions, SwiftError> {
    let etags = |name: &HeaderName| -> Result<Option<EtagList>, SwiftError> {
        Ok(fields::text(headers, name)?.map(EtagList::parse))
    };
    let time = |name: &HeaderName| -> Result<Option<Timestamp>, SwiftError> {
        Ok(fields::text(headers, name)?.and_then(date::parse))
    };
    let no_etag = || EtagList::OneOf(Vec::new());
    Ok(ReadConditions {
        // One without etags is met by no object.
        if_match: etags(&IF_MATCH)?.or_else(|| headers.contains_key(IF_MATCH).then(no_etag)),
        if_none_match: etags(&IF_NONE_MATCH)?,
        if_modified_since: time(&IF_MODIFIED_SINCE)?,
        if_unmodified_since: time(&IF_UNMODIFIED_SINCE)?,
    })
}

/// Whether an upload is for a new object only: `If-None-Match: *`, beside which no other value is taken, not even none.
pub(super) fn only_new(headers: &HeaderMap) -> Result<bool, SwiftError> {
    if !headers.contains_key(IF_NONE_MATCH) {
        return Ok(false);
    }
    let value = fields::text(headers, &IF_NONE_MATCH)?.unwrap_or_default();
    match EtagList::parse(value) {
        EtagList::Any => Ok(true),
        EtagList::OneOf(_) => Err(SwiftError::plain(
            StatusCode::BAD_REQUEST,
            "If-None-Match only supports *",
        )),
    }
}

/// The MD5 that `ETag` announces of a body, in small hexadecimal digits, in quotes or bare; nothing between the quotes
/// announces nothing. Anything else is that of no body.
pub(super) fn announced_md5(headers: &HeaderMap) -> Result<Option<[u8; 16]>, SwiftError> {
    let Some(value) = fields::text(headers, &ETAG)? else {
        return Ok(None);
    };
    let in_quotes = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    let digits = in_quotes.unwrap_or(value);
    if digits.is_empty() {
        return Ok(None);
    }
    let mut md5 = [0; 16];
    match hex_into(digits, &mut md5) {
        Some(()) => Ok(Some(md5)),
        None => Err(SwiftError::Page(StatusCode::UNPROCESSABLE_ENTITY)),
    }
}

fn hex_into(text: &str, bytes: &mut [u8]) -> Option<()> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| match c.is_ascii_uppercase() {
            true => None,
            false => c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()),
        })
        .collect::<Option<_>>()?;
    if digits.len() != bytes.len() * 2 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_etag_of_an_upload_is_an_md5_in_quotes_or_bare() {
        let md5 = |value| announced_md5(&headers(ETAG, value));
        let expected: [u8; 16] = std::array::from_fn(|at| u8::try_from(at).unwrap() * 0x11);
        for value in [
            "00112233445566778899aabbccddeeff",
            "\"00112233445566778899aabbccddeeff\"",
        ] {
            assert_eq!(md5(value).unwrap(), Some(expected), "{value}");
        }
        assert_eq!(md5("").unwrap(), None);
        assert_eq!(md5("\"\"").unwrap(), None);
    }

    #[test]
    fn an_etag_that_is_no_md5_fits_no_body() {
        for value in [
            "x",
            "0011",
            "00112233445566778899aabbccddeefff0",
            "00112233445566778899AABBCCDDEEFF",
            "\"00112233445566778899aabbccddeeff",
            "\"",
        ] {
            let error = announced_md5(&headers(ETAG, value)).unwrap_err();
            assert_eq!(
                error.describe().0,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{value}"
            );
        }
    }

    #[test]
    fn an_upload_takes_if_none_match_with_a_star_only() {
        assert!(only_new(&headers(IF_NONE_MATCH, "*")).unwrap());
        assert!(!only_new(&HeaderMap::new()).unwrap());
        assert!(only_new(&headers(IF_NONE_MATCH, "abc")).is_err());
        assert!(only_new(&headers(IF_NONE_MATCH, "")).is_err());
    }

    #[test]
    fn an_if_match_without_etags_is_met_by_no_object() {
        let conditions = of_read(&headers(IF_MATCH, "")).unwrap();
        assert_eq!(conditions.if_match, Some(EtagList::OneOf(Vec::new())));
        assert_eq!(of_read(&HeaderMap::new()).unwrap().if_match, None);
    }

    #[test]
    fn a_date_that_can_not_be_read_is_none() {
        let conditions = of_read(&headers(IF_MODIFIED_SINCE, "yesterday")).unwrap();
        assert_eq!(conditions, ReadConditions::default());
    }
}
