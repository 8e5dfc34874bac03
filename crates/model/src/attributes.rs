//! What a client says about an object besides its bytes (wire reference 3.3, section 9).

/// Most bytes of user metadata, names and values together.
pub const METADATA_BYTES_MAX: usize = 4000;

/// User metadata: pairs of a lower-case name (without the `opc-meta-` prefix) and a value, in order of name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserMetadata(Vec<(String, String)>);

/// Attributes that can't be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AttributesError(pub String);

impl UserMetadata {
    /// Takes pairs in any order; names compare without case, the last of equal names wins.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, AttributesError> {
        Self::within(METADATA_BYTES_MAX, pairs)
    }

    /// The same with another limit of bytes, as other dialects of the service have it.
    pub fn within(
        bytes_max: usize,
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, AttributesError> {
        let map: std::collections::BTreeMap<String, String> = pairs
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let bytes: usize = map
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if bytes > bytes_max {
            return Err(AttributesError(format!(
                "User metadata has at most {bytes_max} bytes of names and values; this has {bytes}"
            )));
        }
        let token = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&b))
        };
        let printable = |value: &str| !value.bytes().any(|b| b < b' ' && b != b'\t' || b == 0x7f);
        match map
            .iter()
            .find(|(name, value)| !token(name) || !printable(value))
        {
            Some((name, _)) => Err(AttributesError(format!(
                "User metadata {name:?} can't be sent as a header"
            ))),
            None => Ok(Self(map.into_iter().collect())),
        }
    }

    /// The pairs in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Content headers and user metadata of an object, kept and sent back as they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectAttributes {
    /// `content-type`; `application/octet-stream` is served when there is none.
    pub content_type: Option<String>,
    /// `content-language`.
    pub content_language: Option<String>,
    /// `content-encoding`.
    pub content_encoding: Option<String>,
    /// `content-disposition`.
    pub content_disposition: Option<String>,
    /// `cache-control`.
    pub cache_control: Option<String>,
    /// `opc-meta-*`.
    pub metadata: UserMetadata,
}

/// Where an object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StorageTier {
    /// At hand.
    #[default]
    Standard,
    /// Seldom read.
    InfrequentAccess,
    /// Must be restored before it is read.
    Archive,
}

impl StorageTier {
    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::InfrequentAccess => "InfrequentAccess",
            Self::Archive => "Archive",
        }
    }

    /// Parses OCI's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Standard, Self::InfrequentAccess, Self::Archive]
            .into_iter()
            .find(|v| v.as_str() == text)
    }
}

/// Where an object of the tier Archive stands (wire reference 3.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchivalState {
    /// Not to be read.
    Archived,
    /// On its way to be readable.
    Restoring,
    /// Readable for a while.
    Restored,
}

impl ArchivalState {
    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Archived => "Archived",
            Self::Restoring => "Restoring",
            Self::Restored => "Restored",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn metadata_names_compare_without_case() {
        let metadata =
            UserMetadata::new(pairs(&[("Foo", "1"), ("foo", "2"), ("bar", "x")])).unwrap();
        assert_eq!(
            metadata.iter().collect::<Vec<_>>(),
            [("bar", "x"), ("foo", "2")]
        );
    }

    #[test]
    fn metadata_is_limited_to_4000_bytes() {
        assert!(UserMetadata::new(pairs(&[("a", &"x".repeat(3999))])).is_ok());
        assert!(UserMetadata::new(pairs(&[("a", &"x".repeat(4000))])).is_err());
    }

    #[test]
    fn metadata_that_no_header_can_carry_is_refused() {
        for bad in [[("a b", "x")], [("", "x")], [("a", "x\ny")], [("a", "\0")]] {
            assert!(UserMetadata::new(pairs(&bad)).is_err(), "{bad:?}");
        }
    }
}
