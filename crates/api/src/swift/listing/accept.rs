//! Which form of a listing the `Accept` header prefers.

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::{FORMS, Form};
use crate::swift::error::SwiftError;

/// A media range of the header.
struct Range<'h> {
    kind: &'h str,
    subkind: &'h str,
    quality: f64,
}

/// The form that fits the best range: by quality, then those without a star, then the first.
pub(in crate::swift) fn preferred(headers: &HeaderMap) -> Result<Form, SwiftError> {
    let values = headers.get_all(ACCEPT).iter();
    let values: Vec<&[u8]> = values
        .map(HeaderValue::as_bytes)
        .filter(|value| !value.is_empty())
        .collect();
    if values.is_empty() {
        return Ok(Form::Text);
    }
    let list = values.join(&b", "[..]);
    let ranges = std::str::from_utf8(&list).ok().and_then(ranges);
    let ranges = ranges.ok_or(SwiftError::line(
        StatusCode::BAD_REQUEST,
        "Invalid Accept header",
    ))?;
    let fitting = |range: &Range<'_>| FORMS.into_iter().find(|form| range.fits(*form));
    let form = ranges.iter().find_map(fitting);
    form.ok_or(SwiftError::Page(StatusCode::NOT_ACCEPTABLE))
}

/// The ranges, best first; nothing if one of them is malformed.
fn ranges(value: &str) -> Option<Vec<Range<'_>>> {
    let mut ranges: Vec<Range<'_>> = value.split(',').map(Range::parse).collect::<Option<_>>()?;
    ranges.sort_by(|a, b| {
        let quality = b.quality.total_cmp(&a.quality);
        quality.then(b.is_exact().cmp(&a.is_exact()))
    });
    Some(ranges)
}

impl<'h> Range<'h> {
    fn parse(text: &'h str) -> Option<Self> {
        let mut pieces = text.split(';').map(str::trim);
        let (kind, subkind) = pieces.next()?.split_once('/')?;
        if !is_token(kind) || !is_token(subkind) {
            return None;
        }
        let mut quality = None;
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=')?;
            if name.trim() == "q" {
                let first = quality.replace(value.trim().parse().ok()?).is_none();
                first.then_some(())?;
            }
        }
        Some(Self {
            kind,
            subkind,
            quality: quality.unwrap_or(1.0),
        })
    }

    fn is_exact(&self) -> bool {
        self.kind != "*" && self.subkind != "*"
    }

    fn fits(&self, form: Form) -> bool {
        let (kind, subkind) = form.media_type();
        (self.kind == "*" || self.kind == kind) && (self.subkind == "*" || self.subkind == subkind)
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&b);
    !text.is_empty() && text.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form, or the status of the refusal.
    fn form_of(accept: &'static str) -> Result<Form, u16> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        preferred(&headers).map_err(|error| error.describe().0.as_u16())
    }

    #[test]
    fn the_best_range_decides() {
        for (accept, form) in [
            ("", Form::Text),
            ("*/*", Form::Text),
            ("application/*", Form::Json),
            ("application/json", Form::Json),
            ("text/xml", Form::TextXml),
            ("text/plain;q=0.1, application/xml", Form::ApplicationXml),
            ("*/*, application/json", Form::Json),
            ("image/png, text/xml;q=0.5", Form::TextXml),
            ("application/json; charset=utf-8", Form::Json),
        ] {
            assert_eq!(form_of(accept), Ok(form), "{accept}");
        }
    }

    #[test]
    fn a_repeated_header_is_one_list() {
        let mut headers = HeaderMap::new();
        for value in ["image/png", "text/xml"] {
            headers.append(ACCEPT, HeaderValue::from_static(value));
        }
        assert_eq!(preferred(&headers).ok(), Some(Form::TextXml));
    }

    #[test]
    fn what_fits_nothing_is_not_acceptable_and_what_is_no_list_is_refused() {
        assert_eq!(form_of("image/png"), Err(406));
        for accept in [
            "text",
            "text/",
            "text/plain;q",
            "text/plain;q=x",
            "a/b;q=1;q=1",
        ] {
            assert_eq!(form_of(accept), Err(400), "{accept}");
        }
    }
}
