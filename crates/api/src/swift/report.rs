//! Reports of requests that do many things: the outcome stands in the body, whatever the status says (Swift wire
//! reference sections 10 and 11).

use std::fmt::Write;

use http::{HeaderMap, HeaderValue, StatusCode};
use quick_xml::escape::partial_escape;

use super::listing::{Form, accept};
use super::page::reason;
use super::reply::{HTML, Reply};
use crate::percent;

/// How a client wants a report written; nothing if it accepts no form that there is.
pub(super) fn form(headers: &HeaderMap) -> Option<Form> {
    accept::preferred(headers).ok()
}

/// A report in the making: named values, and what went wrong with which name.
#[derive(Debug, Default)]
pub(super) struct Report {
    values: Vec<(&'static str, Value)>,
    errors: Vec<(String, String)>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Number(usize),
}

impl Report {
    /// Adds a text.
    pub(super) fn text(&mut self, name: &'static str, text: impl Into<String>) {
        self.values.push((name, Value::Text(text.into())));
    }

    /// Adds a number.
    pub(super) fn number(&mut self, name: &'static str, number: usize) {
        self.values.push((name, Value::Number(number)));
    }

    /// Adds what went wrong with a name, which is percent-encoded and need not be UTF-8.
    pub(super) fn error(&mut self, name: impl AsRef<[u8]>, why: impl Into<String>) {
        let mut encoded = String::new();
        for chunk in name.as_ref().utf8_chunks() {
            add(
                &mut encoded,
                format_args!("{}", percent::encode_path(chunk.valid())),
            );
            for byte in chunk.invalid() {
                add(&mut encoded, format_args!("%{byte:02X}"));
            }
        }
        self.errors.push((encoded, why.into()));
    }

    /// The reply. Without a form the text stands under the type of an error page, as upstream has it. `root` names the
    /// document in XML.
    pub(super) fn reply(self, status: StatusCode, form: Option<Form>, root: &str) -> Reply {
        let (kind, text) = self.written(form, root);
        Reply::with_text(status, kind, text)
    }

    /// The same behind another text.
    pub(super) fn reply_after(
        self,
        before: &str,
        status: StatusCode,
        form: Form,
        root: &str,
    ) -> Reply {
        let (kind, text) = self.written(Some(form), root);
        Reply::with_text(status, kind, format!("{before}{text}"))
    }

    fn written(self, form: Option<Form>, root: &str) -> (HeaderValue, String) {
        match form {
            None => (HTML, self.plain()),
            Some(Form::Text) => (HeaderValue::from_static("text/plain"), self.plain()),
            Some(Form::Json) => (HeaderValue::from_static("application/json"), self.json()),
            Some(Form::ApplicationXml) => {
                (HeaderValue::from_static("application/xml"), self.xml(root))
            }
            Some(Form::TextXml) => (HeaderValue::from_static("text/xml"), self.xml(root)),
        }
    }

    fn plain(mut self) -> String {
        let mut text = String::new();
        self.values.sort_by_key(|(name, _)| *name);
        for (name, value) in &self.values {
            add(&mut text, format_args!("{name}: {}\n", value.to_text()));
        }
        text.push_str("Errors:\n");
        for (name, why) in &self.errors {
            add(&mut text, format_args!("{name}, {why}\n"));
        }
        text
    }

    fn json(self) -> String {
        let mut text = "{".to_owned();
        for (name, value) in self.values {
            let value = match value {
                Value::Text(text) => serde_json::Value::from(text),
                Value::Number(number) => number.into(),
            };
            add(&mut text, format_args!("\"{name}\": {value}, "));
        }
        let json = serde_json::Value::from;
        let errors = self.errors.into_iter();
        let errors = errors.map(|(name, why)| format!("[{}, {}]", json(name), json(why)));
        let errors = Vec::from_iter(errors).join(", ");
        add(&mut text, format_args!("\"Errors\": [{errors}]}}"));
        text
    }

    fn xml(mut self, root: &str) -> String {
        let mut text = format!("<{root}>\n");
        self.values.sort_by_key(|(name, _)| *name);
        for (name, value) in &self.values {
            let (name, value) = (name.replace(' ', "_").to_lowercase(), value.to_text());
            add(
                &mut text,
                format_args!("<{name}>{}</{name}>\n", partial_escape(&value)),
            );
        }
        text.push_str("<errors>\n");
        for (name, why) in &self.errors {
            let (name, why) = (partial_escape(name), partial_escape(why));
            let item = format_args!("<object><name>{name}</name><status>{why}</status></object>\n");
            add(&mut text, item);
        }
        add(&mut text, format_args!("</errors>\n</{root}>\n"));
        text
    }
}

impl Value {
    fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// A status as reports have it, such as `404 Not Found`.
pub(super) fn status_line(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), reason(status))
}

fn add(text: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a String can't fail.
    let _ = text.write_fmt(piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.text("Response Status", "400 Bad Request");
        report.text("Etag", "\"a\" & b");
        report.number("Number Deleted", 2);
        report.error(b"/c/a b<\xff", "409 Conflict");
        report
    }

    #[test]
    fn a_report_is_written_in_three_ways() {
        assert_eq!(
            report().plain(),
            "Etag: \"a\" & b\nNumber Deleted: 2\nResponse Status: 400 Bad Request\nErrors:\n/c/a%20b%3C%FF, 409 Conflict\n"
        );
        assert_eq!(
            report().json(),
            r#"{"Response Status": "400 Bad Request", "Etag": "\"a\" & b", "Number Deleted": 2, "Errors": [["/c/a%20b%3C%FF", "409 Conflict"]]}"#
        );
        assert_eq!(
            report().xml("delete"),
            "<delete>\n<etag>\"a\" &amp; b</etag>\n<number_deleted>2</number_deleted>\n<response_status>400 Bad Request</response_status>\n\
             <errors>\n<object><name>/c/a%20b%3C%FF</name><status>409 Conflict</status></object>\n</errors>\n</delete>\n"
        );
    }

    #[test]
    fn without_an_acceptable_form_the_text_is_told_as_an_error_page() {
        let reply = report().reply(StatusCode::OK, None, "delete");
        assert_eq!(reply.headers[http::header::CONTENT_TYPE], HTML);
    }
}
