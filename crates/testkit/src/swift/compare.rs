//! What two answers to the same request have in common, once times, ids and tokens are masked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::table::What;
use super::wire::Answer;

/// Headers that say nothing about the API: of the connection, or of the moment.
const NOT_COMPARED: [&str; 5] = [
    "connection",
    "date",
    "keep-alive",
    "server",
    "transfer-encoding",
];
/// Headers that are lists without an order.
const LISTS: [&str; 5] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-expose-headers",
    "allow",
    "vary",
];
/// Times and ids: `9` stands for a digit, `f` for a hexadecimal one, `a` for a letter, the rest for itself.
const MASKS: [(&str, &str); 5] = [
    ("9999-99-99T99:99:99.999999", "<time>"),
    ("aaa, 99 aaa 9999 99:99:99 GMT", "<date>"),
    ("txfffffffffffffffffffff-ffffffffff", "<transaction>"),
    ("9999999999.99999", "<timestamp>"),
    ("AUTH_tkffffffffffffffffffffffffffffffff", "<token>"),
];
/// Longest difference shown.
const SHOWN_MAX: usize = 600;

/// One difference, with both sides as they were compared.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) what: What,
    pub(super) first: String,
    pub(super) second: String,
}

impl Difference {
    /// Whether an excuse of this kind covers it: that of a header covers one that was added, too.
    pub(super) fn is(&self, what: &What) -> bool {
        match (&self.what, what) {
            (What::Added(name, _), What::Header(excused)) => name == excused,
            (found, excused) => found == excused,
        }
    }
}

/// All differences between two answers; of different statuses only that one. `address` is that of each server.
pub(super) fn differences(
    first: (&Answer, &str),
    second: (&Answer, &str),
    unordered: bool,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let (a, b) = (first.0, second.0);
    if a.status != b.status {
        found.push(Difference {
            what: What::Status(b.status),
            first: a.status.to_string(),
            second: format!("{} {}", b.status, shown(&String::from_utf8_lossy(&b.body))),
        });
        return found;
    }
    let (course_a, course_b) = (course(a), course(b));
    if course_a != course_b {
        found.push(Difference {
            what: What::Course,
            first: course_a,
            second: course_b,
        });
    }
    let (headers_a, headers_b) = (headers(first), headers(second));
    let bodies = (body(first, unordered), body(second, unordered));
    let same_body = bodies.0 == bodies.1;
    let length_is_free = !same_body || a.body.len() != b.body.len() || length_may_be_told_or_not(a);
    for name in names(&headers_a, &headers_b) {
        let (x, y) = (headers_a.get(name), headers_b.get(name));
        // The length of different bodies follows from them.
        let follows = name == "content-length" && length_is_free;
        if x != y && !follows {
            let what = match (x.map(Vec::as_slice), y.map(Vec::as_slice)) {
                (None, Some([value])) => What::Added(name.clone(), value.clone()),
                _ => What::Header(name.clone()),
            };
            found.push(Difference {
                what,
                first: format!("{x:?}"),
                second: format!("{y:?}"),
            });
        }
    }
    if !same_body {
        found.push(Difference {
            what: What::Body,
            first: shown(&bodies.0),
            second: shown(&bodies.1),
        });
    }
    found
}

/// Whether it is the server's choice to tell the length: RFC 9110 (8.6) forbids it with 204, and wants that of the whole
/// object, or none, with 304 and for HEAD. JSON may be written with or without spaces, and a body in chunks has a length
/// that a server may know.
fn length_may_be_told_or_not(answer: &Answer) -> bool {
    let bodiless = matches!(answer.status, 204 | 304);
    let bodiless = bodiless || (answer.body.is_empty() && answer.status >= 400);
    bodiless || is_json(answer) || answer.header("transfer-encoding").is_some()
}

type Headers = BTreeMap<String, Vec<String>>;

fn names<'a>(a: &'a Headers, b: &'a Headers) -> Vec<&'a String> {
    let mut names: Vec<_> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    names
}

fn headers((answer, address): (&Answer, &str)) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in &answer.headers {
        if NOT_COMPARED.contains(&name.as_str()) {
            continue;
        }
        let value = String::from_utf8_lossy(value);
        let value = match LISTS.contains(&name.as_str()) {
            true => {
                let mut items: Vec<_> = value
                    .split(',')
                    .map(|item| item.trim().to_lowercase())
                    .collect();
                items.sort();
                items.join(", ")
            }
            false => value.into_owned(),
        };
        let value = match name.as_str() {
            "content-type" => without_boundary(answer, &value),
            // A time that follows from when the request came.
            "x-delete-at" => value.chars().take(8).collect(),
            "x-auth-token-expires" => "<seconds>".to_owned(),
            _ => value,
        };
        let value = masked(&value.replace(address, "<host>"));
        headers.entry(name.clone()).or_default().push(value);
    }
    headers
}

fn body((answer, address): (&Answer, &str), unordered: bool) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let text = masked(&text.replace(address, "<host>"));
    if is_json(answer)
        && let Ok(mut json) = serde_json::from_str::<Value>(text.trim())
    {
        tidy(&mut json, unordered);
        return json.to_string();
    }
    let text = without_boundary(answer, &text);
    match unordered {
        true => {
            let mut lines: Vec<_> = text.lines().collect();
            lines.sort_unstable();
            lines.join("\n")
        }
        false => text,
    }
}

/// Sorts what has no order.
fn tidy(json: &mut Value, unordered: bool) {
    match json {
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| tidy(value, unordered));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| tidy(item, unordered));
            if unordered {
                items.sort_by_key(Value::to_string);
            }
        }
        _ => {}
    }
}

fn is_json(answer: &Answer) -> bool {
    let content_type = answer.header("content-type").unwrap_or_default();
    content_type.starts_with("application/json")
}

fn without_boundary(answer: &Answer, text: &str) -> String {
    let content_type = answer.header("content-type").unwrap_or_default();
    match content_type.split_once("boundary=") {
        Some((_, boundary)) => text.replace(boundary, "<boundary>"),
        None => text.to_owned(),
    }
}

fn course(answer: &Answer) -> String {
    let mut text = String::new();
    if answer.continued {
        text.push_str("after 100 Continue");
    }
    if answer.broken.is_some() {
        text.push_str(" broken off");
    }
    text
}

fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    'text: while let Some(c) = rest.chars().next() {
        for (pattern, mask) in MASKS {
            if matches(rest, pattern) {
                masked.push_str(mask);
                rest = &rest[pattern.len()..];
                continue 'text;
            }
        }
        masked.push(c);
        rest = &rest[c.len_utf8()..];
    }
    masked
}

fn matches(text: &str, pattern: &str) -> bool {
    text.len() >= pattern.len()
        && pattern.bytes().zip(text.bytes()).all(|(p, t)| match p {
            b'9' => t.is_ascii_digit(),
            b'f' => t.is_ascii_digit() || (b'a'..=b'f').contains(&t),
            b'a' => t.is_ascii_alphabetic(),
            _ => p == t,
        })
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{} ... {} bytes", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()));
        Answer {
            status,
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
            ..Answer::default()
        }
    }

    fn found(a: &Answer, b: &Answer) -> Vec<What> {
        let found = differences((a, "h:1"), (b, "h:2"), false);
        found
            .into_iter()
            .map(|difference| difference.what)
            .collect()
    }

    #[test]
    fn times_ids_and_hosts_make_no_difference() {
        let a = answer(
            200,
            &[
                ("last-modified", "Sun, 22 Nov 2026 01:18:16 GMT"),
                ("x-storage-url", "http://h:1/v1"),
            ],
            "tx1b7fa664a7ed42708083b-006b024316 2026-11-21T19:09:28.020320",
        );
        let b = answer(
            200,
            &[
                ("x-storage-url", "http://h:2/v1"),
                ("last-modified", "Mon, 23 Nov 2026 01:18:17 GMT"),
            ],
            "tx00000000a7ed42708083b-006b024317 2026-11-21T19:09:29.120320",
        );
        assert_eq!(found(&a, &b), []);
    }

    #[test]
    fn a_header_that_only_one_has_makes_a_difference() {
        let with = answer(200, &[("etag", "e")], "");
        let without = answer(200, &[], "");
        let (name, value) = ("etag".to_owned(), "e".to_owned());
        assert_eq!(found(&with, &without), [What::Header(name.clone())]);
        assert_eq!(found(&without, &with), [What::Added(name, value)]);
    }

    #[test]
    fn different_bodies_and_statuses_make_a_difference() {
        let a = answer(200, &[], "a");
        assert_eq!(found(&a, &answer(200, &[], "b")), [What::Body]);
        assert_eq!(found(&a, &answer(201, &[], "a")), [What::Status(201)]);
    }

    #[test]
    fn json_is_compared_by_its_meaning() {
        let json = [("content-type", "application/json; charset=utf-8")];
        let a = answer(200, &json, r#"[{"a": "\u00e9", "b": 1}]"#);
        assert_eq!(
            found(&a, &answer(200, &json, "[{\"b\":1,\"a\":\"é\"}]")),
            []
        );
        assert_eq!(
            found(&a, &answer(200, &json, "[{\"b\":2,\"a\":\"é\"}]")),
            [What::Body]
        );
    }
}
