//! Names that clients choose, checked against the limits of wire reference section 9.

use std::fmt;

/// A name that breaks a rule, with a sentence that tells which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub String);

macro_rules! text_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_name! {
    /// The namespace of a tenancy: lower-case letters, digits, `-` and `_`, 1 to 64 bytes.
    Namespace
}

text_name! {
    /// A bucket name, case-sensitive. The native API's have 1 to 256 of `A-Z a-z 0-9 - _ .`; Storage Classic's containers
    /// may have more names.
    BucketName
}

text_name! {
    /// An object name without NUL. The native API's have 1 to 1024 bytes of UTF-8 without LF and CR; Storage Classic has
    /// more names. `..`, a leading `/` and `//` are ordinary.
    ObjectName
}

text_name! {
    /// The beginning of object names: up to 1024 bytes, possibly none.
    ObjectPrefix
}

impl Namespace {
    /// Parses a namespace.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        if text.is_empty() || text.len() > 64 || !text.bytes().all(legal) {
            return Err(InvalidName(
                "A namespace has 1 to 64 lower-case letters, digits, dashes and underscores"
                    .to_owned(),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl BucketName {
    /// Parses a bucket name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
        if text.is_empty() || text.len() > 256 || !text.bytes().all(legal) {
            return Err(InvalidName(
                "A bucket name has 1 to 256 letters, digits, dashes, underscores and periods"
                    .to_owned(),
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Most characters of a container's name.
    pub const CLASSIC_CHARACTERS_MAX: usize = 256;

    /// Parses a container's name: 1 to 256 characters but `/` and NUL (swift-v1-wire.md section 4). All names that the
    /// native API allows are among them, so stored names are parsed by this too.
    pub fn parse_classic(text: &str) -> Result<Self, InvalidName> {
        let length = text.chars().count();
        if length > Self::CLASSIC_CHARACTERS_MAX {
            let most = Self::CLASSIC_CHARACTERS_MAX;
            return Err(InvalidName(format!(
                "Container name length of {length} longer than {most}"
            )));
        }
        if text.is_empty() || text.contains(['/', '\0']) {
            return Err(InvalidName(
                "A container name has 1 to 256 characters but slash and NUL".to_owned(),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl ObjectName {
    /// Parses an object name from its decoded bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidName> {
        if bytes.is_empty() {
            return Err(InvalidName("An object name must not be empty".to_owned()));
        }
        object_text(bytes).map(|text| Self(text.to_owned()))
    }

    /// Most characters of an object's name in a container.
    pub const CLASSIC_CHARACTERS_MAX: usize = 1024;

    /// Most bytes of an object's name in a container: what every key-value store can hold.
    pub const CLASSIC_BYTES_MAX: usize = 2048;

    /// Parses an object's name in a container: 1 to 1024 characters in up to 2048 bytes, without NUL (swift-v1-wire.md
    /// section 7). All names that the native API allows are among them, so stored names are parsed by this too.
    pub fn parse_classic(bytes: &[u8]) -> Result<Self, InvalidName> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| InvalidName("An object name must be valid UTF-8".to_owned()))?;
        let (length, size) = (text.chars().count(), text.len());
        if length > Self::CLASSIC_CHARACTERS_MAX {
            let most = Self::CLASSIC_CHARACTERS_MAX;
            return Err(InvalidName(format!(
                "Object name length of {length} longer than {most}"
            )));
        }
        if size > Self::CLASSIC_BYTES_MAX {
            let most = Self::CLASSIC_BYTES_MAX;
            return Err(InvalidName(format!(
                "Object name of {size} bytes longer than {most} bytes"
            )));
        }
        if text.is_empty() || text.contains('\0') {
            return Err(InvalidName(
                "An object name has 1 to 1024 characters and no NUL".to_owned(),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl ObjectPrefix {
    /// Parses a prefix from its decoded bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidName> {
        object_text(bytes).map(|text| Self(text.to_owned()))
    }
}

impl From<ObjectName> for ObjectPrefix {
    fn from(name: ObjectName) -> Self {
        Self(name.0)
    }
}

fn object_text(bytes: &[u8]) -> Result<&str, InvalidName> {
    if bytes.len() > 1024 {
        return Err(InvalidName(format!(
            "An object name has at most 1024 bytes; this one has {}",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| InvalidName("An object name must be valid UTF-8".to_owned()))?;
    if text.bytes().any(|b| matches!(b, 0 | b'\n' | b'\r')) {
        return Err(InvalidName(
            "An object name must not contain line feed, carriage return or NUL".to_owned(),
        ));
    }
    Ok(text)
}

/// The number of an uploaded part, 1 to 10000 (both inclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(u16);

impl PartNumber {
    /// Most parts an upload can have.
    pub const MAX: u16 = 10_000;

    /// Parses decimal digits.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = if digits {
            text.parse::<u64>().ok()
        } else {
            None
        };
        number.map_or_else(
            || Err(Self::out_of_range()),
            |n| i64::try_from(n).map_or(Err(Self::out_of_range()), Self::new),
        )
    }

    /// Checks the range.
    pub fn new(number: i64) -> Result<Self, InvalidName> {
        match u16::try_from(number) {
            Ok(n) if (1..=Self::MAX).contains(&n) => Ok(Self(n)),
            _ => Err(Self::out_of_range()),
        }
    }

    /// The number.
    pub fn value(self) -> u16 {
        self.0
    }

    fn out_of_range() -> InvalidName {
        InvalidName("A part number is a whole number from 1 to 10000".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_take_letters_digits_dash_underscore_period() {
        assert!(BucketName::parse("My-Bucket_1.x").is_ok());
    }

    #[test]
    fn bucket_names_refuse_other_bytes_and_lengths() {
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(257)] {
            assert!(BucketName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn object_names_keep_dots_and_slashes() {
        for name in ["..", "/lead", "a//b", "d//./../e/"] {
            assert_eq!(ObjectName::parse(name.as_bytes()).unwrap().as_str(), name);
        }
    }

    #[test]
    fn object_names_refuse_line_ends_nul_and_bad_utf8() {
        for bad in [&b"a\nb"[..], b"a\rb", b"a\0b", b"\xff", b""] {
            assert!(ObjectName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn object_names_count_bytes_not_characters() {
        assert!(ObjectName::parse("é".repeat(512).as_bytes()).is_ok());
        assert!(ObjectName::parse("é".repeat(513).as_bytes()).is_err());
    }

    #[test]
    fn containers_have_more_names_than_buckets() {
        for name in [
            "My-Bucket_1.x",
            "a b",
            "\u{4e2d}",
            "q?\"%\n",
            &"\u{e9}".repeat(256),
        ] {
            assert_eq!(BucketName::parse_classic(name).unwrap().as_str(), name);
        }
        for bad in ["", "a/b", "a\0b", &"x".repeat(257)] {
            assert!(BucketName::parse_classic(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn objects_in_containers_have_more_names_and_are_counted_in_characters() {
        for name in ["a\nb\r", "//", &"\u{e9}".repeat(1024)] {
            let parsed = ObjectName::parse_classic(name.as_bytes()).unwrap();
            assert_eq!(parsed.as_str(), name);
        }
        let too_long = ["x".repeat(1025), "\u{4e2d}".repeat(683)];
        for bad in [&b""[..], b"a\0b", b"\xff"]
            .into_iter()
            .chain(too_long.iter().map(String::as_bytes))
        {
            assert!(ObjectName::parse_classic(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn part_numbers_run_from_one_to_ten_thousand() {
        assert_eq!(PartNumber::parse("1").unwrap().value(), 1);
        assert_eq!(PartNumber::parse("10000").unwrap().value(), 10_000);
        for bad in ["0", "10001", "-1", "+1", "", "1x", "99999999999999999999"] {
            assert!(PartNumber::parse(bad).is_err(), "{bad}");
        }
    }
}
