//! What names, descriptions and tags may hold.

use crate::error::{Error, ErrorKind};

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 100;

/// Most characters of a description and of every other free text.
const TEXT_CHARS_MAX: usize = 400;

/// Most tags of one kind on one resource.
const TAGS_MAX: usize = 64;

/// Most characters of a tag's namespace or key.
const TAG_KEY_CHARS_MAX: usize = 100;

/// Most characters of a tag's value.
const TAG_VALUE_CHARS_MAX: usize = 256;

/// 1 to 100 letters, digits, blanks and `-_.+@`, with no blank at either end. User names may hold `/` as well: those of
/// federated users do.
pub(crate) fn check_name(name: &str, slash: bool) -> Result<(), Error> {
    let legal = |c: char| c.is_alphanumeric() || " -_.+@".contains(c) || (slash && c == '/');
    let length = name.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&length) || name.trim() != name || !name.chars().all(legal) {
        let more = if slash { "/" } else { "" };
        return Err(invalid(format!(
            "A name has 1 to {NAME_CHARS_MAX} letters, digits, blanks and characters of -_.+@{more}, with no blank at either end"
        )));
    }
    Ok(())
}

/// A description is required and not empty.
pub(crate) fn check_description(text: &str) -> Result<(), Error> {
    if text.is_empty() {
        return Err(ErrorKind::MissingParameter("description").into());
    }
    check_text("description", text)
}

/// At most 400 characters.
pub(crate) fn check_text(field: &str, text: &str) -> Result<(), Error> {
    if text.chars().count() > TEXT_CHARS_MAX {
        return Err(invalid(format!(
            "{field} has at most {TEXT_CHARS_MAX} characters"
        )));
    }
    Ok(())
}

/// At most 64 tags of moderate length.
pub(crate) fn check_tags(
    freeform: &[(String, String)],
    defined: &[(String, String, String)],
) -> Result<(), Error> {
    let key = |text: &str| (1..=TAG_KEY_CHARS_MAX).contains(&text.chars().count());
    let value = |text: &str| text.chars().count() <= TAG_VALUE_CHARS_MAX;
    let good = freeform.len() <= TAGS_MAX
        && defined.len() <= TAGS_MAX
        && freeform.iter().all(|(k, v)| key(k) && value(v))
        && defined.iter().all(|(n, k, v)| key(n) && key(k) && value(v));
    if good {
        return Ok(());
    }
    Err(invalid(format!(
        "There are at most {TAGS_MAX} tags of a kind, with 1 to {TAG_KEY_CHARS_MAX} characters in a key and at most {TAG_VALUE_CHARS_MAX} in a value"
    )))
}

/// The form in which names compare, and stand in keys.
pub(crate) fn folded(name: &str) -> String {
    name.to_lowercase()
}

pub(crate) fn invalid(message: String) -> Error {
    ErrorKind::InvalidParameter(message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["a", "Tenant Admin Policy", "ann.lee+x@example.com", "été"] {
            assert!(check_name(good, false).is_ok(), "{good}");
        }
        let long = "x".repeat(101);
        for bad in ["", " a", "a ", "a\0b", "a'b", "a:b", "a/b", "a\nb", &long] {
            assert!(check_name(bad, false).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_user_name_may_hold_a_slash() {
        assert!(check_name("idp/ann@example.com", true).is_ok());
    }

    #[test]
    fn a_description_is_not_empty() {
        assert!(check_description("").is_err());
        assert!(check_description("x").is_ok());
        assert!(check_description(&"x".repeat(401)).is_err());
    }
}
