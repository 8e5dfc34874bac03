//! The name that an operator gives a tenancy. It becomes the name of a folder, so it can never be another path.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const CHARS_MAX: usize = 64;
/// Files and folders of the first tenancy's administrator stand where the folders of the others do.
const RESERVED: &str = "config";

/// 1 to 64 letters, digits, dashes and underscores, all ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct TenancyName(String);

/// A text that is no name for a tenancy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadName {
    #[error("a tenancy's name has 1 to {CHARS_MAX} letters, digits, dashes and underscores")]
    Form,
    #[error("the name is taken by a file of the first tenancy's administrator")]
    Reserved,
}

impl TenancyName {
    /// The name as it was given.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenancyName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for TenancyName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(1..=CHARS_MAX).contains(&text.len()) || !text.bytes().all(plain) {
            return Err(BadName::Form);
        }
        // Not every file system tells upper from lower case.
        if text.eq_ignore_ascii_case(RESERVED) {
            return Err(BadName::Reserved);
        }
        Ok(Self(text))
    }
}

impl From<TenancyName> for String {
    fn from(name: TenancyName) -> Self {
        name.0
    }
}

impl fmt::Display for TenancyName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_dashes_and_underscores_make_a_name() {
        for text in ["a", "Acme-2_b", "0", &"x".repeat(64)] {
            assert_eq!(text.parse::<TenancyName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn nothing_that_could_be_another_path_is_a_name() {
        for text in [
            "",
            ".",
            "..",
            "../x",
            "/etc",
            "a/b",
            "a\\b",
            "a.b",
            "a b",
            "a\nb",
            "a\0b",
            "\u{fc}ber",
            &"x".repeat(65),
        ] {
            assert_eq!(text.parse::<TenancyName>(), Err(BadName::Form), "{text:?}");
        }
    }

    #[test]
    fn the_configuration_file_of_the_first_tenancy_lends_its_name_to_none() {
        for text in ["config", "Config"] {
            assert_eq!(
                text.parse::<TenancyName>(),
                Err(BadName::Reserved),
                "{text}"
            );
        }
    }
}
