//! Content types of objects that come without one: what the extension of their name stands for (Swift wire reference
//! section 7).

use super::error::{SwiftError, bad_request};

/// Extensions that Swift knows by another type than the list of registered types does.
const SWIFT_TYPES: [(&str, &str); 12] = [
    ("aif", "audio/x-aiff"),
    ("aifc", "audio/x-aiff"),
    ("aiff", "audio/x-aiff"),
    ("ico", "image/vnd.microsoft.icon"),
    ("ksh", "text/plain"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("py", "text/x-python"),
    ("pyc", "application/x-python-code"),
    ("pyo", "application/x-python-code"),
    ("srt", "text/plain"),
    ("wav", "audio/x-wav"),
    ("xml", "application/xml"),
];

/// The content type of a new object: the one that was sent, or one that the object's name suggests.
pub(super) fn of_new(sent: Option<String>, name: &str) -> String {
    match sent.filter(|sent| !sent.is_empty()) {
        Some(sent) => sent,
        None => guessed(name).to_owned(),
    }
}

/// Refuses a content type with one of the parameters that Swift keeps for itself.
pub(super) fn check(sent: Option<&str>) -> Result<(), SwiftError> {
    let mut parameters = sent.unwrap_or_default().split(';').skip(1);
    match parameters.any(|parameter| parameter.trim_start().starts_with("swift_")) {
        true => Err(bad_request(
            "Invalid Content-Type, swift_* is not a valid parameter name.",
        )),
        false => Ok(()),
    }
}

/// A content type without the parameter that Swift takes for the size of what an object stands for.
pub(super) fn without_size(sent: String) -> String {
    let is_size = |parameter: &str| parameter.trim_start().starts_with("swift_bytes=");
    let kept = sent.split(';').filter(|parameter| !is_size(parameter));
    Vec::from_iter(kept).join(";")
}

/// What the extension of a name stands for; of something packed, what is in it. The dot that begins a name begins no
/// extension.
fn guessed(name: &str) -> &'static str {
    let file = name.rsplit('/').next().unwrap_or_default();
    let file = file.trim_start_matches('.');
    let split = |file| str::rsplit_once(file, '.').unwrap_or((file, ""));
    let extension = match split(file) {
        (packed, extension) if is_packing(extension) => split(packed).1,
        (_, extension) => extension,
    };
    let own = SWIFT_TYPES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(extension));
    match own {
        Some((_, kind)) => kind,
        None => mime_guess::from_ext(extension)
            .first_raw()
            .unwrap_or("application/octet-stream"),
    }
}

/// Whether an extension says how a file is packed, and not what it is.
fn is_packing(extension: &str) -> bool {
    ["gz", "bz2", "xz", "br", "Z"].contains(&extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_guessed_from_the_extension_of_the_last_part() {
        for (name, kind) in [
            ("a/b.HTML", "text/html"),
            ("a.txt/", "application/octet-stream"),
            (".html", "application/octet-stream"),
            ("a.unknown-kind", "application/octet-stream"),
            ("photo.jpeg", "image/jpeg"),
            ("a.tar.gz", "application/x-tar"),
            ("a.gz", "application/octet-stream"),
            ("a.WAV", "audio/x-wav"),
        ] {
            assert_eq!(guessed(name), kind, "{name}");
        }
    }

    #[test]
    fn a_type_that_is_sent_counts_unless_it_is_empty() {
        let kind = |sent: &str| of_new(Some(sent.to_owned()), "a.txt");
        assert_eq!(kind("x/y"), "x/y");
        assert_eq!(kind(""), "text/plain");
        assert_eq!(of_new(None, "a.txt"), "text/plain");
    }
}
