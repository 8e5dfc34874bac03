//! Metadata of accounts, containers and objects: limits, and how changes merge (swift-v1-wire.md section 6).

use std::fmt;

use parbuckle_model::UserMetadata;

use super::octets;
use crate::error::{Error, ErrorKind};

/// Most bytes of a metadata name, without its prefix.
pub const METADATA_NAME_BYTES_MAX: usize = 128;

/// Most bytes of a metadata value.
pub const METADATA_VALUE_BYTES_MAX: usize = 256;

/// Most metadata items of one resource.
pub const METADATA_ITEMS_MAX: usize = 90;

/// Most bytes of all names and values of one resource.
pub const METADATA_BYTES_MAX: usize = 4096;

/// Most bytes that these take as text, in which a byte that is no UTF-8 takes four ([`text_of`](super::text_of)).
pub const METADATA_STORED_BYTES_MAX: usize = 4 * METADATA_BYTES_MAX;

/// What metadata belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataLevel {
    /// An account.
    Account,
    /// A container.
    Container,
    /// An object.
    Object,
}

/// A change of an account's or container's metadata. What is in neither list stays. Names compare without case; an
/// empty value removes, and what is both set and removed is set.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MetadataChange {
    /// Names (without prefix) and values.
    pub set: Vec<(String, String)>,
    /// Names.
    pub remove: Vec<String>,
}

impl fmt::Debug for MetadataChange {
    /// Without values: they may be TempURL keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<&str> = self.set.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("MetadataChange")
            .field("set", &set)
            .field("remove", &self.remove)
            .finish()
    }
}

impl MetadataLevel {
    fn prefix(self) -> &'static str {
        match self {
            Self::Account => "x-account-meta-",
            Self::Container => "x-container-meta-",
            Self::Object => "x-object-meta-",
        }
    }
}

/// Checks one request's metadata, or all that a resource would have: [`ErrorKind::InvalidParameter`] with Swift's
/// sentence. Values are text of [`text_of`](super::text_of), and their bytes count.
pub fn check_metadata<'a>(
    level: MetadataLevel,
    items: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), Error> {
    let refused = |text: String| Err(ErrorKind::InvalidParameter(text).into());
    let (mut count, mut bytes) = (0, 0);
    for (name, value) in items {
        if name.is_empty() {
            return refused("Metadata name cannot be empty".to_owned());
        }
        let full = || format!("{}{}", level.prefix(), titled(name));
        if name.len() > METADATA_NAME_BYTES_MAX {
            return refused(format!("Metadata name too long: {}", full()));
        }
        let length = octets::length(value);
        if length > METADATA_VALUE_BYTES_MAX {
            let text = format!(
                "Metadata value longer than {METADATA_VALUE_BYTES_MAX}: {}",
                full()
            );
            return refused(text);
        }
        count += 1;
        bytes += name.len() + length;
    }
    check_totals(count, bytes)
}

/// A name as Swift's sentences have it: a letter behind none is a capital.
fn titled(name: &str) -> String {
    let mut behind_letter = false;
    let shown = name.chars().map(|c| {
        let shown = match behind_letter {
            true => c.to_ascii_lowercase(),
            false => c.to_ascii_uppercase(),
        };
        behind_letter = c.is_alphabetic();
        shown
    });
    shown.collect()
}

/// Checks all metadata that a resource would have, where its single items need no check.
pub(super) fn check_all<'a>(
    items: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), Error> {
    let sizes = items
        .into_iter()
        .map(|(name, value)| name.len() + octets::length(value));
    let (count, bytes) = sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
    check_totals(count, bytes)
}

fn check_totals(count: usize, bytes: usize) -> Result<(), Error> {
    let text = if count > METADATA_ITEMS_MAX {
        format!("Too many metadata items; max {METADATA_ITEMS_MAX}")
    } else if bytes > METADATA_BYTES_MAX {
        format!("Total metadata too large; max {METADATA_BYTES_MAX}")
    } else {
        return Ok(());
    };
    Err(ErrorKind::InvalidParameter(text).into())
}

/// Whether an item can be shown as a header.
pub(super) fn is_showable(name: &str, value: &str) -> bool {
    UserMetadata::within(usize::MAX, [(name.to_owned(), value.to_owned())]).is_ok()
}

impl MetadataChange {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// The names that are touched, in lower case, each with its new value or nothing.
    pub(super) fn outcomes(&self) -> Vec<(String, Option<&str>)> {
        let mut outcomes: Vec<(String, Option<&str>)> = Vec::new();
        let removed = self.remove.iter().map(|name| (name, None));
        let set = self
            .set
            .iter()
            .map(|(name, value)| (name, Some(value.as_str()).filter(|v| !v.is_empty())));
        for (name, value) in removed.chain(set) {
            let name = name.to_lowercase();
            outcomes.retain(|(earlier, _)| *earlier != name);
            outcomes.push((name, value));
        }
        outcomes
    }
}

/// Puts one outcome of a change into a list of names and values, in order of name. Names compare without case.
pub(super) fn merge<T>(items: &mut Vec<(String, T)>, name: &str, value: Option<T>) {
    items.retain(|(there, _)| !there.eq_ignore_ascii_case(name));
    if let Some(value) = value {
        items.push((name.to_owned(), value));
        items.sort_by(|(left, _), (right, _)| left.cmp(right));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(items: &[(&str, &str)]) -> String {
        match check_metadata(MetadataLevel::Object, items.iter().copied()) {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn limits_hold_up_to_their_last_byte_and_item() {
        let (name, value) = ("n".repeat(128), "v".repeat(256));
        assert_eq!(sentence(&[(&name, &value)]), "ok");
        let long = "n".repeat(129);
        assert_eq!(
            sentence(&[(&long, "")]),
            format!("Metadata name too long: x-object-meta-N{}", &long[1..])
        );
        let long = "v".repeat(257);
        assert_eq!(
            sentence(&[("n-nAme.x", &long)]),
            "Metadata value longer than 256: x-object-meta-N-Name.X"
        );
        assert_eq!(sentence(&[("", "v")]), "Metadata name cannot be empty");
        assert_eq!(sentence(&[("n", ""); 90]), "ok");
        assert_eq!(
            sentence(&[("n", ""); 91]),
            "Too many metadata items; max 90"
        );
        let full = [(&name[..64], &value[..192]); 16];
        assert_eq!(sentence(&full), "ok");
        let over = [&full[..], &[("n", "")]].concat();
        assert_eq!(sentence(&over), "Total metadata too large; max 4096");
    }

    #[test]
    fn what_is_set_and_removed_is_set_and_an_empty_value_removes() {
        let change = MetadataChange {
            set: vec![
                ("A".to_owned(), "1".to_owned()),
                ("b".to_owned(), String::new()),
            ],
            remove: vec!["a".to_owned(), "C".to_owned()],
        };
        let outcomes = change.outcomes();
        let expected = [
            ("c".to_owned(), None),
            ("a".to_owned(), Some("1")),
            ("b".to_owned(), None),
        ];
        assert_eq!(outcomes, expected);
    }
}
