//! Listings: what is asked for, in which form, and how it is written (Swift wire reference section 5).

pub(super) mod accept;
mod form;
mod json;
mod time;

use http::header::VARY;
use http::{HeaderValue, StatusCode};
use parbuckle_engine::swift::{AccountRow, ContainerRow, LISTING_LIMIT_MAX, ListQuery};

use super::Call;
use super::error::SwiftError;
use super::params::Params;
use super::reply::Reply;
use form::Page;

/// A listing that is asked for.
pub(super) struct Listing {
    pub(super) query: ListQuery,
    form: Form,
    /// Whether the form followed from the `Accept` header.
    negotiated: bool,
}

/// How a listing is written. The two types of XML differ in name only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Json,
    ApplicationXml,
    TextXml,
}

/// In order of preference, where the client has none.
const FORMS: [Form; 4] = [Form::Text, Form::Json, Form::ApplicationXml, Form::TextXml];

impl Form {
    fn media_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("text", "plain"),
            Self::Json => ("application", "json"),
            Self::ApplicationXml => ("application", "xml"),
            Self::TextXml => ("text", "xml"),
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::ApplicationXml => "application/xml; charset=utf-8",
            Self::TextXml => "text/xml; charset=utf-8",
        })
    }

    /// What `format` names; what is unknown is plain.
    fn named(format: &str) -> Self {
        match format.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "xml" => Self::ApplicationXml,
            _ => Self::Text,
        }
    }
}

impl Listing {
    /// What a request asks for. More rows than there may be are refused with 412, and a form that the server does not
    /// have with 406.
    pub(super) fn parse(call: &Call<'_>) -> Result<Self, SwiftError> {
        let (params, listing) = (&call.params, Self::form_only(call)?);
        let text = |name| Ok::<_, SwiftError>(params.text(name)?.unwrap_or_default().to_owned());
        let query = ListQuery {
            prefix: text("prefix")?,
            marker: text("marker")?,
            end_marker: text("end_marker")?,
            delimiter: text("delimiter")?,
            path: params.text("path")?.map(str::to_owned),
            reverse: params.is_true("reverse")?,
            limit: limit(params)?,
        };
        Ok(Self { query, ..listing })
    }

    /// The same without regard to which rows are asked for, where none are shown.
    pub(super) fn form_only(call: &Call<'_>) -> Result<Self, SwiftError> {
        let params = &call.params;
        let form = match params.text("format")? {
            Some(format) if !format.is_empty() => Form::named(format),
            _ => accept::preferred(call.headers())?,
        };
        Ok(Self {
            query: ListQuery::default(),
            form,
            negotiated: !params.has("format"),
        })
    }

    /// The containers of an account.
    pub(super) fn of_account(&self, account: &str, rows: &[AccountRow]) -> Reply {
        let mut page = Page::of_account(self.form, account);
        rows.iter().for_each(|row| page.add_container(row));
        self.written(page.finish())
    }

    /// The objects of a container, to be shown row by row.
    pub(super) fn of_container(&self, container: &str) -> ContainerPage<'_> {
        ContainerPage {
            listing: self,
            page: Page::of_container(self.form, container),
        }
    }

    /// No listing, with the type that it would have.
    pub(super) fn nothing(&self) -> Reply {
        self.written(Vec::new())
    }

    fn written(&self, text: Vec<u8>) -> Reply {
        let status = match text.is_empty() {
            true => StatusCode::NO_CONTENT,
            false => StatusCode::OK,
        };
        let mut reply = Reply::with_text(status, self.form.content_type(), text);
        if self.negotiated {
            let accept = HeaderValue::from_static("Accept");
            reply.headers.insert(VARY, accept);
        }
        reply
    }
}

/// The listing of a container that is being read.
pub(super) struct ContainerPage<'a> {
    listing: &'a Listing,
    page: Page,
}

impl ContainerPage<'_> {
    /// Adds a row.
    pub(super) fn add(&mut self, row: ContainerRow<'_>) {
        self.page.add_object(row);
    }

    /// The reply with all rows.
    pub(super) fn into_reply(self) -> Reply {
        self.listing.written(self.page.finish())
    }
}

/// `limit`; what is no number is as good as none.
fn limit(params: &Params) -> Result<usize, SwiftError> {
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some(text) = params.text("limit")?.filter(digits) else {
        return Ok(LISTING_LIMIT_MAX);
    };
    match text.parse() {
        Ok(limit) if limit <= LISTING_LIMIT_MAX => Ok(limit),
        Ok(_) | Err(_) => {
            let sentence = format!("Maximum limit is {LISTING_LIMIT_MAX}");
            Err(SwiftError::Line(
                StatusCode::PRECONDITION_FAILED,
                sentence.into(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit_of(query: &str) -> Option<usize> {
        limit(&Params::parse(Some(query))).ok()
    }

    #[test]
    fn a_limit_is_a_number_up_to_the_maximum_or_none_at_all() {
        assert_eq!(limit_of("limit=0"), Some(0));
        assert_eq!(limit_of("limit=10000"), Some(10_000));
        for ignored in ["", "limit=", "limit=-1", "limit=x", "limit=1.5"] {
            assert_eq!(limit_of(ignored), Some(LISTING_LIMIT_MAX), "{ignored}");
        }
        assert_eq!(limit_of("limit=10001"), None);
        assert_eq!(limit_of("limit=99999999999999999999999"), None);
    }

    #[test]
    fn an_unknown_format_is_plain() {
        assert_eq!(Form::named("JSON"), Form::Json);
        assert_eq!(Form::named("xml"), Form::ApplicationXml);
        assert_eq!(Form::named("yaml"), Form::Text);
    }
}
