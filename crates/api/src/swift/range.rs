//! Ranges of reads: the header, and replies with several parts (Swift wire reference section 7).

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::header::RANGE;
use http::{HeaderMap, HeaderValue};
use parbuckle_engine::{Error, ObjectBody};
use parbuckle_model::{RangeRequest, ResolvedRange};

use super::error::SwiftError;
use crate::body::Body;
use crate::fields;

/// The ranges asked for, in order; none where the header is malformed or of another unit, which means all.
pub(super) fn parse(headers: &HeaderMap) -> Result<Vec<RangeRequest>, SwiftError> {
    // Swift takes blanks out wherever they stand.
    let value = fields::text(headers, &RANGE)?.unwrap_or_default();
    let value = value.replace(' ', "");
    let unit_and_ranges = value.split_once('=');
    let Some((unit, ranges)) = unit_and_ranges.filter(|(unit, _)| is_bytes(unit)) else {
        return Ok(Vec::new());
    };
    let range = |item: &str| RangeRequest::parse(&format!("{unit}={item}"));
    let parsed: Option<Vec<RangeRequest>> = ranges.split(',').map(range).collect();
    Ok(parsed.unwrap_or_default())
}

/// Whether no byte of a body of `size` bytes lies in a range. The last bytes of nothing are all of it.
pub(super) fn is_beyond(range: RangeRequest, size: u64) -> bool {
    let whole_of_nothing = size == 0 && matches!(range, RangeRequest::Last(1..));
    !whole_of_nothing && range.resolve(size) == ResolvedRange::Unsatisfiable
}

fn is_bytes(unit: &str) -> bool {
    unit.eq_ignore_ascii_case("bytes")
}

/// The value of `Content-Range`. `range` has its end exclusive and is never empty.
pub(super) fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end - 1)
}

/// A body of exactly `length` bytes.
pub(super) fn body(read: Option<ObjectBody>, length: u64) -> Body {
    match read {
        None => Body::empty(),
        Some(ObjectBody::Bytes(bytes)) => Body::bytes(bytes),
        Some(ObjectBody::Stream(stream)) => Body::stream(stream, length),
    }
}

/// A body of several parts.
pub(super) struct Multipart {
    pub(super) kind: HeaderValue,
    pub(super) body: Body,
    /// In bytes.
    pub(super) length: u64,
}

/// Puts the ranges of an object of `size` bytes into one body (RFC 9110 section 14.6). `boundary` is random.
pub(super) fn multipart(
    ranges: &[Range<u64>],
    bodies: Vec<ObjectBody>,
    part_kind: &HeaderValue,
    size: u64,
    boundary: u128,
) -> Multipart {
    let boundary = format!("{boundary:032x}");
    let mut length = 0;
    let mut pieces = VecDeque::new();
    let mut text = |bytes: Vec<u8>, pieces: &mut VecDeque<ObjectBody>| {
        length += bytes.len() as u64;
        pieces.push_back(ObjectBody::Bytes(bytes.into()));
    };
    for (range, body) in ranges.iter().zip(bodies) {
        let mut head = format!("--{boundary}\r\nContent-Type: ").into_bytes();
        head.extend_from_slice(part_kind.as_bytes());
        let range_line = content_range(range, size);
        head.extend_from_slice(format!("\r\nContent-Range: {range_line}\r\n\r\n").as_bytes());
        text(head, &mut pieces);
        pieces.push_back(body);
        text(b"\r\n".to_vec(), &mut pieces);
    }
    text(format!("--{boundary}--").into_bytes(), &mut pieces);
    let content: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    let length = length + content;
    let kind = format!("multipart/byteranges;boundary={boundary}");
    Multipart {
        kind: HeaderValue::try_from(kind).expect("a boundary has hexadecimal digits only"),
        body: Body::stream(Box::pin(Joined(pieces)), length),
        length,
    }
}

/// Bodies one after the other.
struct Joined(VecDeque<ObjectBody>);

impl Stream for Joined {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let waiting = &mut self.get_mut().0;
        loop {
            match waiting.front_mut() {
                None => return Poll::Ready(None),
                Some(ObjectBody::Bytes(bytes)) => {
                    let bytes = std::mem::take(bytes);
                    waiting.pop_front();
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Some(ObjectBody::Stream(stream)) => match ready!(stream.as_mut().poll_next(cx)) {
                    None => waiting.pop_front(),
                    item => return Poll::Ready(item),
                },
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;

    fn parsed(value: &'static str) -> Vec<RangeRequest> {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(value))]);
        parse(&headers).unwrap()
    }

    #[test]
    fn several_ranges_are_taken_in_order() {
        use RangeRequest::{From, FromTo, Last};
        assert_eq!(parsed("bytes=0-1, 5-,-3"), [FromTo(0, 1), From(5), Last(3)]);
        assert_eq!(parsed("Bytes=0-0"), [FromTo(0, 0)]);
        assert_eq!(parsed("bytes = 2 - 4 "), [FromTo(2, 4)]);
    }

    #[test]
    fn a_header_that_is_malformed_anywhere_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=0-1,",
            "bytes=5-2",
            "bytes=0-1,x",
            "items=0-1",
        ] {
            assert_eq!(parsed(value), [], "{value}");
        }
    }

    #[test]
    fn parts_have_their_own_headers_and_the_length_is_known() {
        let bodies = ["ab", "z"].map(|text| ObjectBody::Bytes(text.into()));
        let kind = HeaderValue::from_static("text/plain");
        let mut made = multipart(&[0..2, 9..10], bodies.into(), &kind, 10, 0xab);
        let boundary = "000000000000000000000000000000ab";
        assert_eq!(
            made.kind,
            format!("multipart/byteranges;boundary={boundary}")
        );
        let mut text = String::new();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while let Poll::Ready(Some(frame)) = Pin::new(&mut made.body).poll_frame(&mut cx) {
            let bytes = frame.unwrap().into_data().unwrap();
            text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        let expected = format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\nab\r\n\
             --{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 9-9/10\r\n\r\nz\r\n\
             --{boundary}--"
        );
        assert_eq!(text, expected);
        assert_eq!(made.length, expected.len() as u64);
    }
}
