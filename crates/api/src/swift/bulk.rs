//! Deleting many things with one request (Swift wire reference section 11).

use std::collections::HashMap;
use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use parbuckle_engine::swift::{BULK_DELETES_MAX, BulkItem, BulkOutcome};
use parbuckle_engine::{BodyStream, RequestBody};
use parbuckle_model::{BucketName, Namespace, ObjectName};
use percent_encoding::percent_decode;

use super::error::{SwiftError, status_of};
use super::reply::Reply;
use super::report::{self, Report, status_line};
use super::{Call, object};
use crate::payload::Payload;

/// Longest line: a path of the greatest length, every byte of it percent-encoded.
const LINE_BYTES_MAX: usize =
    3 * (4 * BucketName::CLASSIC_CHARACTERS_MAX + ObjectName::CLASSIC_BYTES_MAX + 2);

/// `?bulk-delete`: deletes what the lines of the body name, objects first and containers then. The answer is always 200;
/// what became of it stands in the body.
pub(super) async fn delete(
    call: &Call<'_>,
    namespace: &Namespace,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    let form = report::form(call.headers());
    let named = match form {
        None => Err(SwiftError::Page(StatusCode::NOT_ACCEPTABLE)),
        Some(_) => names(call, payload).await,
    };
    let report = match named {
        Ok(named) => perform(call, namespace, named).await?,
        Err(error) => refused(&error),
    };
    Ok(report.reply(StatusCode::OK, form, "delete"))
}

/// The report of deletions that were begun. `named` finds the name of a thing as the client wrote it; `refused` are
/// names with which nothing was begun.
pub(super) fn told<'r>(
    outcome: &BulkOutcome,
    refused: impl Iterator<Item = (&'r [u8], &'r StatusCode)>,
    named: impl Fn(&BulkItem) -> Vec<u8>,
) -> Report {
    let mut refused = refused.peekable();
    let status = match outcome.errors.is_empty() && refused.peek().is_none() {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    let mut report = summary(status, "", outcome);
    for (name, status) in refused {
        report.error(name, status_line(*status));
    }
    for (item, error) in &outcome.errors {
        report.error(named(item), status_line(status_of(error)));
    }
    report
}

/// Status, text and numbers.
pub(super) fn summary(status: StatusCode, text: &str, outcome: &BulkOutcome) -> Report {
    let mut report = Report::default();
    report.text("Response Status", status_line(status));
    report.text("Response Body", text);
    report.number("Number Deleted", outcome.deleted);
    report.number("Number Not Found", outcome.not_found);
    report
}

async fn perform(
    call: &Call<'_>,
    namespace: &Namespace,
    named: Vec<Named>,
) -> Result<Report, SwiftError> {
    if named.is_empty() {
        let nothing = BulkOutcome::default();
        let text = "Invalid bulk delete.";
        return Ok(summary(StatusCode::BAD_REQUEST, text, &nothing));
    }
    let things = || named.iter().filter_map(|named| named.thing.as_ref().ok());
    let objects = things().filter(|item| item.object.is_some());
    let containers = things().filter(|item| item.object.is_none());
    let items: Vec<BulkItem> = objects.chain(containers).cloned().collect();
    let outcome = call
        .engine()
        .swift_bulk_delete(&call.caller, namespace, &items)
        .await?;
    let written: HashMap<&BulkItem, &[u8]> = named
        .iter()
        .filter_map(|named| Some((named.thing.as_ref().ok()?, named.name.as_slice())))
        .collect();
    let refused = named
        .iter()
        .filter_map(|named| Some((named.name.as_slice(), named.thing.as_ref().err()?)));
    let name_of = |item: &BulkItem| written.get(item).map(|name| name.to_vec());
    Ok(told(&outcome, refused, |item| {
        name_of(item).unwrap_or_default()
    }))
}

fn refused(error: &SwiftError) -> Report {
    let (status, text) = error.describe();
    let text = match status {
        StatusCode::LENGTH_REQUIRED => "",
        _ => text.line(),
    };
    summary(status, text, &BulkOutcome::default())
}

/// A line of the body.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// Decoded, and else as the client wrote it.
    name: Vec<u8>,
    /// What it names, or how it is refused.
    thing: Result<BulkItem, StatusCode>,
}

/// What the body names.
async fn names(call: &Call<'_>, payload: Payload) -> Result<Vec<Named>, SwiftError> {
    let kind = call
        .headers()
        .get(CONTENT_TYPE)
        .map(|value| value.as_bytes());
    if kind.is_some_and(|kind| !kind.is_empty() && !kind.starts_with(b"text/plain")) {
        return Err(SwiftError::Page(StatusCode::NOT_ACCEPTABLE));
    }
    let RequestBody { stream, .. } = object::announced(call, payload)?;
    let mut lines = Lines::new(stream);
    let mut named = Vec::new();
    while let Some(line) = lines.next().await? {
        let Some(line) = Named::parse(&line) else {
            continue;
        };
        if named.len() >= BULK_DELETES_MAX {
            let text = format!("Maximum Bulk Deletes: {BULK_DELETES_MAX} per request");
            return Err(SwiftError::Line(StatusCode::PAYLOAD_TOO_LARGE, text.into()));
        }
        named.push(line);
    }
    Ok(named)
}

impl Named {
    /// Nothing for an empty line.
    fn parse(line: &[u8]) -> Option<Self> {
        let name: Vec<u8> = percent_decode(line.trim_ascii()).collect();
        if name.is_empty() {
            return None;
        }
        let thing = match std::str::from_utf8(&name) {
            Ok(text) if !text.contains('\0') => match text.trim_start_matches('/') {
                // The account itself is deleted by nobody.
                "" => Err(StatusCode::FORBIDDEN),
                path => Ok(item(path)),
            },
            _ => Err(StatusCode::PRECONDITION_FAILED),
        };
        Some(Self { name, thing })
    }
}

fn item(path: &str) -> BulkItem {
    let (container, object) = match path.split_once('/') {
        Some((container, object)) if !object.is_empty() => (container, Some(object.to_owned())),
        Some((container, _)) => (container, None),
        None => (path, None),
    };
    BulkItem {
        container: container.to_owned(),
        object,
    }
}

/// The lines of a body, none of them too long.
struct Lines {
    stream: BodyStream,
    /// What has been read and is no line yet.
    rest: BytesMut,
    /// How much of `rest` has been looked through.
    looked: usize,
    ended: bool,
}

impl Lines {
    fn new(stream: BodyStream) -> Self {
        Self {
            stream,
            rest: BytesMut::new(),
            looked: 0,
            ended: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, SwiftError> {
        loop {
            let fresh = &self.rest[self.looked..];
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(self.looked + at + 1).freeze();
                self.looked = 0;
                return short(line).map(Some);
            }
            self.looked = self.rest.len();
            if self.ended {
                let last = std::mem::take(&mut self.rest).freeze();
                self.looked = 0;
                return if last.is_empty() {
                    Ok(None)
                } else {
                    short(last).map(Some)
                };
            }
            if self.rest.len() > LINE_BYTES_MAX {
                return Err(too_long());
            }
            match poll_fn(|cx| self.stream.as_mut().poll_next(cx)).await {
                Some(Ok(piece)) => self.rest.extend_from_slice(&piece),
                Some(Err(error)) => {
                    let kind = parbuckle_engine::ErrorKind::BodyUnusable(error.to_string());
                    return Err(kind.into());
                }
                None => self.ended = true,
            }
        }
    }
}

fn short(line: Bytes) -> Result<Bytes, SwiftError> {
    match line.len() > LINE_BYTES_MAX + 1 {
        true => Err(too_long()),
        false => Ok(line),
    }
}

fn too_long() -> SwiftError {
    SwiftError::line(StatusCode::BAD_REQUEST, "Invalid File Name")
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures_core::Stream;
    use parbuckle_engine::BodyError;

    use super::*;

    struct Pieces(std::vec::IntoIter<Vec<u8>>);

    impl Stream for Pieces {
        type Item = Result<Bytes, BodyError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.next().map(|piece| Ok(piece.into())))
        }
    }

    async fn lines(pieces: &[&str]) -> Result<Vec<String>, String> {
        let pieces: Vec<Vec<u8>> = pieces
            .iter()
            .map(|piece| piece.as_bytes().to_vec())
            .collect();
        let mut lines = Lines::new(Box::pin(Pieces(pieces.into_iter())));
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.map_err(|error| error.log_line())? {
            all.push(String::from_utf8(line.to_vec()).unwrap());
        }
        Ok(all)
    }

    #[tokio::test]
    async fn lines_are_found_across_pieces_and_the_last_needs_no_end() {
        let found = lines(&["a\nb", "c\n\nd", "e"]).await.unwrap();
        assert_eq!(found, ["a\n", "bc\n", "\n", "de"]);
        assert_eq!(lines(&[]).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn a_line_that_can_name_nothing_is_refused_before_it_ends() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        for pieces in [vec![long.as_str(), "x"], vec!["a\n", &long, "\n"]] {
            let error = lines(&pieces).await.unwrap_err();
            assert!(error.ends_with("Invalid File Name"), "{error}");
        }
    }

    #[test]
    fn a_line_names_an_object_or_a_container() {
        let named = |line: &[u8]| Named::parse(line).map(|named| (named.name, named.thing));
        let of = |container: &str, object: Option<&str>, name: &str| {
            let item = BulkItem {
                container: container.to_owned(),
                object: object.map(str::to_owned),
            };
            Some((name.as_bytes().to_vec(), Ok(item)))
        };
        assert_eq!(named(b"/c/a%20b\r\n"), of("c", Some("a b"), "/c/a b"));
        assert_eq!(named(b"c/a//b/"), of("c", Some("a//b/"), "c/a//b/"));
        assert_eq!(named(b" c/ "), of("c", None, "c/"));
        assert_eq!(named(b"c"), of("c", None, "c"));
        assert_eq!(named(b"\n"), None);
    }

    #[test]
    fn a_line_that_names_nothing_is_refused_by_itself() {
        for (line, status) in [("c/%00", 412), ("c/%ff", 412), ("//", 403)] {
            let refused = Named::parse(line.as_bytes()).unwrap().thing.unwrap_err();
            assert_eq!(refused.as_u16(), status, "{line}");
        }
    }
}
