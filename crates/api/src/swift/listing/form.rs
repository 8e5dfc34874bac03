//! The three forms of a listing, byte for byte as OpenStack Swift writes them, a row at a time: a listing has thousands.

use std::borrow::Cow;
use std::io::Write as _;

use jiff::Timestamp;
use parbuckle_engine::ObjectMd5;
use parbuckle_engine::swift::{AccountRow, ContainerRow, ObjectRow};
use quick_xml::escape::partial_escape;

use super::Form;
use super::json;
use super::time::Times;
use crate::swift::policy::NAME as POLICY;

const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// What an object without content type is announced as.
const UNTYPED: &str = "application/octet-stream";

/// A listing that is being written.
pub(super) struct Page {
    form: Form,
    frame: Frame,
    is_empty: bool,
    out: Vec<u8>,
    times: Times,
}

/// What stands around the rows.
struct Frame {
    open: String,
    close: &'static str,
    /// Stands instead where there is no row.
    empty: String,
}

impl Page {
    /// The listing of an account: in XML a row a line.
    pub(super) fn of_account(form: Form, account: &str) -> Self {
        let open = || format!("{PROLOG}<account name=\"{}\">\n", attribute(account));
        let close = "</account>";
        Self::new(form, || Frame {
            open: open(),
            close,
            empty: open() + close,
        })
    }

    /// The listing of a container: in XML all in one line.
    pub(super) fn of_container(form: Form, container: &str) -> Self {
        let name = attribute(container);
        Self::new(form, || Frame {
            open: format!("{PROLOG}<container name=\"{name}\">"),
            close: "</container>",
            empty: format!("{PROLOG}<container name=\"{name}\" />"),
        })
    }

    fn new(form: Form, xml: impl FnOnce() -> Frame) -> Self {
        let frame = match form {
            Form::ApplicationXml | Form::TextXml => xml(),
            Form::Json => Frame {
                open: "[".to_owned(),
                close: "]",
                empty: "[]".to_owned(),
            },
            Form::Text => Frame {
                open: String::new(),
                close: "",
                empty: String::new(),
            },
        };
        Self {
            form,
            frame,
            is_empty: true,
            out: Vec::new(),
            times: Times::default(),
        }
    }

    /// Adds a row of an account.
    pub(super) fn add_container(&mut self, row: &AccountRow) {
        self.begin_row();
        match (self.form, row) {
            (Form::Text, AccountRow::Container { name, .. } | AccountRow::Subdir(name)) => {
                self.line(name);
            }
            (Form::Json, AccountRow::Subdir(subdir)) => self.subdir_json(subdir),
            (
                Form::Json,
                AccountRow::Container {
                    name,
                    count,
                    bytes,
                    time_created,
                },
            ) => {
                self.container_json(name, (*count, *bytes), *time_created);
            }
            (_, AccountRow::Subdir(subdir)) => {
                self.element(format_args!("<subdir name=\"{}\" />\n", attribute(subdir)));
            }
            (
                _,
                AccountRow::Container {
                    name,
                    count,
                    bytes,
                    time_created,
                },
            ) => {
                self.container_xml(name, (*count, *bytes), *time_created);
            }
        }
    }

    /// Adds a row of a container.
    pub(super) fn add_object(&mut self, row: ContainerRow<'_>) {
        self.begin_row();
        match (self.form, row) {
            (Form::Text, ContainerRow::Object(ObjectRow { name, .. }))
            | (Form::Text, ContainerRow::Subdir(name)) => self.line(name),
            (Form::Json, ContainerRow::Subdir(subdir)) => self.subdir_json(subdir),
            (Form::Json, ContainerRow::Object(object)) => self.object_json(&object),
            (_, ContainerRow::Subdir(subdir)) => {
                let (name, text) = (attribute(subdir), partial_escape(subdir));
                self.element(format_args!(
                    "<subdir name=\"{name}\"><name>{text}</name></subdir>"
                ));
            }
            (_, ContainerRow::Object(object)) => self.object_xml(&object),
        }
    }

    /// All of it. Only as text it may be empty.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.is_empty {
            return self.frame.empty.into_bytes();
        }
        self.text(self.frame.close);
        self.out
    }

    fn begin_row(&mut self) {
        if self.is_empty {
            self.out.extend_from_slice(self.frame.open.as_bytes());
            self.is_empty = false;
        } else if self.form == Form::Json {
            self.text(", ");
        }
    }

    fn line(&mut self, name: &str) {
        self.text(name);
        self.out.push(b'\n');
    }

    fn subdir_json(&mut self, subdir: &str) {
        self.text("{\"subdir\": ");
        json::push_text(&mut self.out, subdir);
        self.text("}");
    }

    fn container_json(&mut self, name: &str, (count, bytes): (u64, u64), created: Timestamp) {
        self.text("{\"name\": ");
        json::push_text(&mut self.out, name);
        self.element(format_args!(
            ", \"count\": {count}, \"bytes\": {bytes}, \"last_modified\": \""
        ));
        self.times.push(&mut self.out, created);
        self.element(format_args!("\", \"storage_policy\": \"{POLICY}\"}}"));
    }

    fn object_json(&mut self, row: &ObjectRow<'_>) {
        self.element(format_args!("{{\"bytes\": {}, \"hash\": \"", row.bytes));
        self.hash(row.hash);
        self.text("\", \"name\": ");
        json::push_text(&mut self.out, row.name);
        self.text(", \"content_type\": ");
        json::push_text(&mut self.out, &listed_type(row.content_type));
        self.text(", \"last_modified\": \"");
        self.times.push(&mut self.out, row.time_modified);
        self.text("\"");
        if let Some(etag) = &row.slo_etag {
            self.text(", \"slo_etag\": \"\\\"");
            self.hex(etag);
            self.text("\\\"\"");
        }
        self.text("}");
    }

    fn container_xml(&mut self, name: &str, (count, bytes): (u64, u64), created: Timestamp) {
        self.element(format_args!(
            "<container><name>{}</name><count>{count}</count><bytes>{bytes}</bytes><last_modified>",
            partial_escape(name)
        ));
        self.times.push(&mut self.out, created);
        self.element(format_args!(
            "</last_modified><storage_policy>{POLICY}</storage_policy></container>\n"
        ));
    }

    fn object_xml(&mut self, row: &ObjectRow<'_>) {
        self.element(format_args!(
            "<object><name>{}</name><hash>",
            partial_escape(row.name)
        ));
        self.hash(row.hash);
        self.element(format_args!(
            "</hash><bytes>{}</bytes><content_type>{}</content_type><last_modified>",
            row.bytes,
            partial_escape(listed_type(row.content_type))
        ));
        self.times.push(&mut self.out, row.time_modified);
        self.text("</last_modified></object>");
    }

    fn hash(&mut self, hash: ObjectMd5) {
        match hash {
            ObjectMd5::Whole(md5) => self.hex(&md5),
            ObjectMd5::Multipart { md5_of_md5s, parts } => {
                self.hex(&md5_of_md5s);
                self.element(format_args!("-{parts}"));
            }
        }
    }

    fn hex(&mut self, bytes: &[u8; 16]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        self.out.extend_from_slice(&digits);
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn element(&mut self, text: std::fmt::Arguments<'_>) {
        self.out
            .write_fmt(text)
            .expect("a vector takes all that is written to it");
    }
}

/// The value of an attribute in double quotes. A tab and a line feed would become blanks.
fn attribute(text: &str) -> String {
    partial_escape(text)
        .replace('"', "&quot;")
        .replace('\t', "&#09;")
        .replace('\n', "&#10;")
}

/// A content type as listings show it: without blanks around the semicolons.
fn listed_type(stored: Option<&str>) -> Cow<'_, str> {
    let stored = stored.unwrap_or(UNTYPED);
    match stored.contains(';') {
        false => Cow::Borrowed(stored),
        true => Cow::Owned(Vec::from_iter(stored.split(';').map(str::trim)).join(";")),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const MD5: ObjectMd5 = ObjectMd5::Whole([0x1f; 16]);
    const HASH: &str = "1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f";

    fn object(name: &str) -> ObjectRow<'_> {
        ObjectRow {
            name,
            bytes: 5,
            hash: MD5,
            content_type: Some("text/plain"),
            time_modified: Timestamp::from_microsecond(1_763_753_098_089_230).unwrap(),
            slo_etag: None,
        }
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

    fn objects() -> [ContainerRow<'static>; 2] {
        [
            ContainerRow::Object(object("a<é")),
            ContainerRow::Subdir("d&/"),
        ]
    }

    fn of_account(form: Form, rows: &[AccountRow]) -> String {
        let mut page = Page::of_account(form, "A");
        rows.iter().for_each(|row| page.add_container(row));
        String::from_utf8(page.finish()).unwrap()
    }

    fn of_container(form: Form, rows: &[ContainerRow<'_>]) -> String {
        let mut page = Page::of_container(form, "c");
        rows.iter().for_each(|row| page.add_object(*row));
        String::from_utf8(page.finish()).unwrap()
    }

    #[test]
    fn text_ends_every_name_with_a_line_feed() {
        assert_eq!(of_account(Form::Text, &containers()), "c1\ndir-\n");
        assert_eq!(of_container(Form::Text, &objects()), "a<é\nd&/\n");
        assert_eq!(of_container(Form::Text, &[]), "");
    }

    #[test]
    fn json_has_blanks_behind_commas_and_colons_and_is_ascii() {
        assert_eq!(
            of_account(Form::Json, &containers()),
            r#"[{"name": "c1", "count": 1, "bytes": 13, "last_modified": "2025-11-21T19:24:58.000000", "storage_policy": "Policy-0"}, {"subdir": "dir-"}]"#
        );
        assert_eq!(
            of_container(Form::Json, &objects()),
            format!(
                r#"[{{"bytes": 5, "hash": "{HASH}", "name": "a<\u00e9", "content_type": "text/plain", "last_modified": "2025-11-21T19:24:58.089230"}}, {{"subdir": "d&/"}}]"#
            )
        );
        assert_eq!(of_container(Form::Json, &[]), "[]");
    }

    #[test]
    fn an_object_without_type_is_a_stream_of_bytes() {
        let row = ObjectRow {
            content_type: None,
            ..object("o")
        };
        let row = [ContainerRow::Object(row)];
        let json = of_container(Form::Json, &row);
        assert!(json.contains(r#""content_type": "application/octet-stream""#));
        let xml = of_container(Form::TextXml, &row);
        assert!(xml.contains("<content_type>application/octet-stream</content_type>"));
    }

    #[test]
    fn a_static_large_object_shows_its_etag_in_quotes() {
        let row = ObjectRow {
            slo_etag: Some([0x1f; 16]),
            ..object("o")
        };
        let json = of_container(Form::Json, &[ContainerRow::Object(row)]);
        assert!(json.ends_with(&format!(r#", "slo_etag": "\"{HASH}\""}}]"#)));
    }

    #[test]
    fn the_hash_of_a_multipart_object_tells_the_number_of_parts() {
        let hash = ObjectMd5::Multipart {
            md5_of_md5s: [0x1f; 16],
            parts: 12,
        };
        let row = ObjectRow {
            hash,
            ..object("o")
        };
        let json = of_container(Form::Json, &[ContainerRow::Object(row)]);
        assert!(json.contains(&format!(r#""hash": "{HASH}-12""#)));
    }

    #[test]
    fn xml_of_an_account_has_a_row_a_line() {
        assert_eq!(
            of_account(Form::ApplicationXml, &containers()),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<account name=\"A\">\n\
             <container><name>c1</name><count>1</count><bytes>13</bytes>\
             <last_modified>2025-11-21T19:24:58.000000</last_modified>\
             <storage_policy>Policy-0</storage_policy></container>\n\
             <subdir name=\"dir-\" />\n</account>"
        );
        assert_eq!(
            of_account(Form::ApplicationXml, &[]),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<account name=\"A\">\n</account>"
        );
    }

    #[test]
    fn xml_of_a_container_is_one_line() {
        assert_eq!(
            of_container(Form::TextXml, &objects()),
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"c\">\
                 <object><name>a&lt;é</name><hash>{HASH}</hash><bytes>5</bytes>\
                 <content_type>text/plain</content_type>\
                 <last_modified>2025-11-21T19:24:58.089230</last_modified></object>\
                 <subdir name=\"d&amp;/\"><name>d&amp;/</name></subdir></container>"
            )
        );
        assert_eq!(
            of_container(Form::TextXml, &[]),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<container name=\"c\" />"
        );
    }

    #[test]
    fn an_attribute_keeps_quotes_tabs_and_line_feeds() {
        let rows = [ContainerRow::Subdir("a\"\t\n'/")];
        let xml = of_container(Form::TextXml, &rows);
        assert!(xml.contains("<subdir name=\"a&quot;&#09;&#10;'/\">"));
    }
}
