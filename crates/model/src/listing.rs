//! Listing parameters and page cursors (wire reference section 5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::InvalidId;
use crate::names::ObjectPrefix;

/// Most items of any page.
pub const LISTING_LIMIT_MAX: usize = 1000;

/// A listing parameter outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidListing(pub String);

/// Items on a page, 1 to 1000; 1000 when not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(usize);

impl Default for PageLimit {
    fn default() -> Self {
        Self(LISTING_LIMIT_MAX)
    }
}

impl PageLimit {
    /// Parses decimal digits.
    pub fn parse(text: &str) -> Result<Self, InvalidListing> {
        let number = text
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<usize>().ok())
            .flatten();
        match number {
            Some(n) if (1..=LISTING_LIMIT_MAX).contains(&n) => Ok(Self(n)),
            _ => Err(InvalidListing(format!(
                "limit must be a whole number from 1 to {LISTING_LIMIT_MAX}"
            ))),
        }
    }

    /// The number.
    pub fn value(self) -> usize {
        self.0
    }
}

/// A field of a listed object that a client can ask for; the name is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ObjectField {
    /// `name`
    Name = 1,
    /// `size`
    Size = 2,
    /// `etag`
    Etag = 4,
    /// `md5`
    Md5 = 8,
    /// `timeCreated`
    TimeCreated = 16,
    /// `timeModified`
    TimeModified = 32,
    /// `storageTier`
    StorageTier = 64,
    /// `archivalState`
    ArchivalState = 128,
}

/// The fields asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectFields(u8);

impl Default for ObjectFields {
    fn default() -> Self {
        Self(ObjectField::Name as u8)
    }
}

impl ObjectFields {
    /// Parses a comma-separated list without regard to case. An unknown name is refused.
    pub fn parse(text: &str) -> Result<Self, InvalidListing> {
        let mut fields = Self::default();
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let field = match item.to_ascii_lowercase().as_str() {
                "name" => ObjectField::Name,
                "size" => ObjectField::Size,
                "etag" => ObjectField::Etag,
                "md5" => ObjectField::Md5,
                "timecreated" => ObjectField::TimeCreated,
                "timemodified" => ObjectField::TimeModified,
                "storagetier" => ObjectField::StorageTier,
                "archivalstate" => ObjectField::ArchivalState,
                _ => {
                    return Err(InvalidListing(format!(
                        "{item:?} is not a field of a listed object"
                    )));
                }
            };
            fields.0 |= field as u8;
        }
        Ok(fields)
    }

    /// Whether this field was asked for.
    pub fn has(self, field: ObjectField) -> bool {
        self.0 & field as u8 != 0
    }
}

/// A listing of current objects. All conditions must hold (AND).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjectsQuery {
    /// Names begin with this.
    pub prefix: ObjectPrefix,
    /// First name, inclusive.
    pub start: Option<String>,
    /// Names after this one, exclusive.
    pub start_after: Option<String>,
    /// Names before this one, exclusive.
    pub end: Option<String>,
    /// Collapse names that contain `/` after the prefix.
    pub delimited: bool,
    /// Objects and prefixes together on one page.
    pub limit: PageLimit,
    /// What to tell of each object.
    pub fields: ObjectFields,
}

/// An opaque cursor of a list that pages by `page` and `opc-next-page`: the last key seen, base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(Vec<u8>);

impl PageToken {
    /// Wraps a position.
    pub fn new(position: Vec<u8>) -> Self {
        Self(position)
    }

    /// Parses what a client sends back.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        URL_SAFE_NO_PAD
            .decode(text)
            .map(Self)
            .map_err(|_| InvalidId)
    }

    /// The text for a client.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// The position.
    pub fn position(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_run_from_one_to_a_thousand() {
        assert_eq!(PageLimit::parse("1").unwrap().value(), 1);
        assert_eq!(PageLimit::parse("1000").unwrap().value(), 1000);
        for bad in ["0", "1001", "-1", "", "x"] {
            assert!(PageLimit::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn fields_ignore_case_and_blanks() {
        let fields = ObjectFields::parse("name, ETag,TIMECREATED").unwrap();
        assert!(fields.has(ObjectField::Etag) && fields.has(ObjectField::TimeCreated));
        assert!(!fields.has(ObjectField::Size));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        assert!(ObjectFields::parse("name,colour").is_err());
    }

    #[test]
    fn a_page_token_survives_text_and_back() {
        let token = PageToken::new(b"a/\xff\0".to_vec());
        assert_eq!(PageToken::parse(&token.to_text()), Ok(token));
    }
}
