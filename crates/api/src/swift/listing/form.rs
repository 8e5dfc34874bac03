//! The three forms of a listing, byte for byte as OpenStack Swift writes them.

use std::fmt::Write as _;
use std::io;

use jiff::Timestamp;
use parbuckle_engine::swift::{AccountRow, ContainerRow};
use quick_xml::escape::partial_escape;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// What an object without content type is announced as.
const UNTYPED: &str = "application/octet-stream";

/// One row, as each form shows it. The order of the fields is that of the JSON form.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Shown<'r> {
    Container {
        name: &'r str,
        count: u64,
        bytes: u64,
        last_modified: String,
    },
    Object {
        bytes: u64,
        hash: &'r str,
        name: &'r str,
        content_type: &'r str,
        last_modified: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        slo_etag: Option<String>,
    },
    Subdir {
        subdir: &'r str,
    },
}

impl<'r> From<&'r AccountRow> for Shown<'r> {
    fn from(row: &'r AccountRow) -> Self {
        match row {
            AccountRow::Subdir(subdir) => Self::Subdir { subdir },
            AccountRow::Container {
                name,
                count,
                bytes,
                time_created,
            } => Self::Container {
                name,
                count: *count,
                bytes: *bytes,
                last_modified: time(*time_created),
            },
        }
    }
}

impl<'r> From<&'r ContainerRow> for Shown<'r> {
    fn from(row: &'r ContainerRow) -> Self {
        match row {
            ContainerRow::Subdir(subdir) => Self::Subdir { subdir },
            ContainerRow::Object(object) => Self::Object {
                bytes: object.bytes,
                hash: &object.hash,
                name: &object.name,
                content_type: object.content_type.as_deref().unwrap_or(UNTYPED),
                last_modified: time(object.time_modified),
                slo_etag: object.slo_etag.as_ref().map(|etag| format!("\"{etag}\"")),
            },
        }
    }
}

impl Shown<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Container { name, .. } | Self::Object { name, .. } => name,
            Self::Subdir { subdir } => subdir,
        }
    }
}

/// One name a line.
pub(super) fn text<'r, R>(rows: &'r [R]) -> String
where
    Shown<'r>: From<&'r R>,
{
    let mut text = String::new();
    for row in rows {
        text.push_str(Shown::from(row).name());
        text.push('\n');
    }
    text
}

/// A list of objects, with Python's blanks and escapes.
pub(super) fn json<'r, R>(rows: &'r [R]) -> String
where
    Shown<'r>: From<&'r R>,
{
    let shown: Vec<Shown<'r>> = rows.iter().map(Shown::from).collect();
    let mut json = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, Spaced);
    shown
        .serialize(&mut serializer)
        .expect("texts and numbers always serialize into memory");
    String::from_utf8(json).expect("all of it is ASCII")
}

/// The listing of an account, a row a line.
pub(super) fn account_xml(account: &str, rows: &[AccountRow]) -> String {
    let mut xml = format!("{PROLOG}<account name=\"{}\">\n", attribute(account));
    for row in rows {
        match Shown::from(row) {
            Shown::Subdir { subdir } => {
                element(
                    &mut xml,
                    format_args!("<subdir name=\"{}\" />\n", attribute(subdir)),
                );
            }
            shown => {
                fields(&mut xml, "container", &shown);
                xml.push('\n');
            }
        }
    }
    xml.push_str("</account>");
    xml
}

/// The listing of a container, all in one line.
pub(super) fn container_xml(container: &str, rows: &[ContainerRow]) -> String {
    let container = attribute(container);
    if rows.is_empty() {
        return format!("{PROLOG}<container name=\"{container}\" />");
    }
    let mut xml = format!("{PROLOG}<container name=\"{container}\">");
    for row in rows {
        match Shown::from(row) {
            Shown::Subdir { subdir } => {
                let (name, text) = (attribute(subdir), partial_escape(subdir));
                let row = format_args!("<subdir name=\"{name}\"><name>{text}</name></subdir>");
                element(&mut xml, row);
            }
            shown => fields(&mut xml, "object", &shown),
        }
    }
    xml.push_str("</container>");
    xml
}

/// A row with its fields, in the order of the XML form.
fn fields(xml: &mut String, tag: &str, row: &Shown<'_>) {
    element(
        xml,
        format_args!("<{tag}><name>{}</name>", partial_escape(row.name())),
    );
    match row {
        Shown::Container {
            count,
            bytes,
            last_modified,
            ..
        } => element(
            xml,
            format_args!(
                "<count>{count}</count><bytes>{bytes}</bytes><last_modified>{last_modified}</last_modified>"
            ),
        ),
        Shown::Object {
            bytes,
            hash,
            content_type,
            last_modified,
            ..
        } => element(
            xml,
            format_args!(
                "<hash>{hash}</hash><bytes>{bytes}</bytes><content_type>{}</content_type><last_modified>{last_modified}</last_modified>",
                partial_escape(*content_type)
            ),
        ),
        Shown::Subdir { .. } => {}
    }
    element(xml, format_args!("</{tag}>"));
}

fn element(xml: &mut String, text: std::fmt::Arguments<'_>) {
    xml.write_fmt(text).expect("a String takes all text");
}

/// The value of an attribute in double quotes. A tab would become a blank.
fn attribute(text: &str) -> String {
    partial_escape(text)
        .replace('"', "&quot;")
        .replace('\t', "&#09;")
}

/// UTC with microseconds and no letter for the zone.
fn time(time: Timestamp) -> String {
    let mut text = format!("{time:.6}");
    text.truncate(text.trim_end_matches('Z').len());
    text
}

/// JSON as Python's encoder writes it: a blank behind commas and colons, and nothing but printable ASCII.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return CompactFormatter.write_string_fragment(writer, fragment);
        }
        for character in fragment.chars() {
            match character {
                ' '..='~' => writer.write_all(&[character as u8])?,
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(writer, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parbuckle_engine::swift::ObjectRow;

    use super::*;

    fn object(name: &str) -> ContainerRow {
        ContainerRow::Object(ObjectRow {
            name: name.to_owned(),
            bytes: 5,
            hash: "1f38".to_owned(),
            content_type: Some("text/plain".to_owned()),
            time_modified: Timestamp::from_microsecond(1_763_753_098_089_230).unwrap(),
            slo_etag: None,
        })
    }

    fn containers() -> [AccountRow; 2] {
        let container = AccountRow::Container {
            name: "c1".to_owned(),
            count: 1,
            bytes: 13,
            time_created: Timestamp::from_second(1_763_753_098).unwrap(),
        };
        [container, AccountRow::Subdir("dir-".to_owned())]
    }

    fn objects() -> [ContainerRow; 2] {
        [object("a<é"), ContainerRow::Subdir("d&/".to_owned())]
    }

    #[test]
    fn text_ends_every_name_with_a_line_feed() {
        assert_eq!(text(&containers()), "c1\ndir-\n");
        assert_eq!(text::<ContainerRow>(&[]), "");
    }

    #[test]
    fn json_has_blanks_behind_commas_and_colons_and_is_ascii() {
        assert_eq!(
            json(&containers()),
            r#"[{"name": "c1", "count": 1, "bytes": 13, "last_modified": "2025-11-21T19:24:58.000000"}, {"subdir": "dir-"}]"#
        );
        assert_eq!(
            json(&objects()),
            r#"[{"bytes": 5, "hash": "1f38", "name": "a<\u00e9", "content_type": "text/plain", "last_modified": "2025-11-21T19:24:58.089230"}, {"subdir": "d&/"}]"#
        );
        assert_eq!(json::<ContainerRow>(&[]), "[]");
    }

    #[test]
    fn json_escapes_as_python_does() {
        let rows = [ContainerRow::Subdir("\"\\\t\u{1}\u{7f}😀".to_owned())];
        assert_eq!(
            json(&rows),
            "[{\"subdir\": \"\\\"\\\\\\t\\u0001\\u007f\\ud83d\\ude00\"}]"
        );
    }

    #[test]
    fn a_static_large_object_shows_its_etag_in_quotes() {
        let ContainerRow::Object(mut row) = object("o") else {
            unreachable!("an object was made")
        };
        row.slo_etag = Some("ab".to_owned());
        assert!(json(&[ContainerRow::Object(row)]).ends_with(r#""slo_etag": "\"ab\""}]"#));
    }

    #[test]
    fn xml_of_an_account_has_a_row_a_line() {
        assert_eq!(
            account_xml("A", &containers()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<account name=\"A\">\n\
             <container><name>c1</name><count>1</count><bytes>13</bytes>\
             <last_modified>2025-11-21T19:24:58.000000</last_modified></container>\n\
             <subdir name=\"dir-\" />\n</account>"
        );
        assert_eq!(
            account_xml("A", &[]),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<account name=\"A\">\n</account>"
        );
    }

    #[test]
    fn xml_of_a_container_is_one_line() {
        assert_eq!(
            container_xml("c", &objects()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"c\">\
             <object><name>a&lt;é</name><hash>1f38</hash><bytes>5</bytes>\
             <content_type>text/plain</content_type>\
             <last_modified>2025-11-21T19:24:58.089230</last_modified></object>\
             <subdir name=\"d&amp;/\"><name>d&amp;/</name></subdir></container>"
        );
        assert_eq!(
            container_xml("c3", &[]),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"c3\" />"
        );
    }

    #[test]
    fn an_attribute_keeps_quotes_and_tabs() {
        let rows = [ContainerRow::Subdir("a\"\t'/".to_owned())];
        assert!(container_xml("c", &rows).contains("<subdir name=\"a&quot;&#09;'/\">"));
    }
}
