//! The body of a response: bytes at hand, or a stream of known length.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

/// A stream of an object's bytes.
pub(crate) type ByteStream =
    Pin<Box<dyn Stream<Item = Result<Bytes, parbuckle_engine::Error>> + Send>>;

/// A response body. Its [`SizeHint`] is exact: a body that can't keep that promise ends in a [`BodyError`].
pub struct Body(Content);

enum Content {
    /// Nothing, or nothing any more.
    Empty,
    Bytes(Bytes),
    Stream {
        stream: ByteStream,
        remaining: u64,
    },
}

/// Why a response body broke off. The connection must end without its regular end. The text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("the response broke off: {0}")]
pub struct BodyError(String);

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self(Content::Empty)
    }

    /// These bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(if bytes.is_empty() {
            Content::Empty
        } else {
            Content::Bytes(bytes)
        })
    }

    /// No bytes, of which a response tells: its length is a header even where its status leaves no room for a body.
    pub(crate) fn empty_with_length() -> Self {
        Self(Content::Bytes(Bytes::new()))
    }

    /// Exactly `length` bytes from a stream.
    pub(crate) fn stream(stream: ByteStream, length: u64) -> Self {
        Self(if length == 0 {
            Content::Empty
        } else {
            Content::Stream {
                stream,
                remaining: length,
            }
        })
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let content = &mut self.get_mut().0;
        let item = match content {
            Content::Empty => return Poll::Ready(None),
            Content::Bytes(bytes) => Ok(std::mem::take(bytes)),
            Content::Stream { stream, remaining } => {
                let item = std::task::ready!(stream.as_mut().poll_next(cx));
                match counted(item, remaining) {
                    Ok(bytes) if *remaining > 0 => {
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                    last => last,
                }
            }
        };
        *content = Content::Empty;
        Poll::Ready(Some(item.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Content::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Content::Empty => 0,
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Stream { remaining, .. } => *remaining,
        })
    }
}

/// Takes the next piece off what remains. Fewer or more bytes than promised are an error.
fn counted(
    item: Option<Result<Bytes, parbuckle_engine::Error>>,
    remaining: &mut u64,
) -> Result<Bytes, BodyError> {
    let bytes = match item {
        Some(Ok(bytes)) => bytes,
        Some(Err(error)) => {
            let cause = error.cause().map(|cause| format!(": {cause}"));
            return Err(BodyError(format!("{error}{}", cause.unwrap_or_default())));
        }
        None => return Err(BodyError(format!("{remaining} bytes are missing"))),
    };
    match remaining.checked_sub(bytes.len() as u64) {
        Some(rest) => {
            *remaining = rest;
            Ok(bytes)
        }
        None => Err(BodyError("it is longer than announced".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use parbuckle_engine::ErrorKind;

    use super::*;

    struct Pieces(std::vec::IntoIter<Result<Bytes, parbuckle_engine::Error>>);

    impl Stream for Pieces {
        type Item = Result<Bytes, parbuckle_engine::Error>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.next())
        }
    }

    fn body(pieces: Vec<Result<Bytes, parbuckle_engine::Error>>, length: u64) -> Body {
        Body::stream(Box::pin(Pieces(pieces.into_iter())), length)
    }

    fn piece(text: &'static str) -> Result<Bytes, parbuckle_engine::Error> {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    /// All data, and how it ended.
    fn drain(mut body: Body) -> (String, Result<(), String>) {
        let mut text = String::new();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        loop {
            match Pin::new(&mut body).poll_frame(&mut cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let data = frame.into_data().unwrap();
                    text.push_str(std::str::from_utf8(&data).unwrap());
                }
                Poll::Ready(Some(Err(error))) => return (text, Err(error.to_string())),
                Poll::Ready(None) => return (text, Ok(())),
                Poll::Pending => panic!("these bodies are never pending"),
            }
        }
    }

    #[test]
    fn a_stream_of_the_announced_length_ends_well() {
        let body = body(vec![piece("ab"), piece("c")], 3);
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(drain(body), ("abc".to_owned(), Ok(())));
    }

    #[test]
    fn a_stream_that_is_too_short_ends_in_an_error() {
        let (text, end) = drain(body(vec![piece("ab")], 3));
        assert_eq!(text, "ab");
        assert!(end.unwrap_err().contains("1 bytes are missing"));
    }

    #[test]
    fn a_stream_that_is_too_long_ends_in_an_error() {
        assert!(drain(body(vec![piece("abcd")], 3)).1.is_err());
    }

    #[test]
    fn a_failing_stream_passes_its_failure_on() {
        let failure = Err(parbuckle_engine::Error::from(ErrorKind::Internal));
        let (text, end) = drain(body(vec![piece("ab"), failure], 3));
        assert_eq!(text, "ab");
        assert!(end.unwrap_err().contains("Internal server error"));
    }

    #[test]
    fn the_last_piece_ends_the_stream_at_once() {
        let mut body = body(vec![piece("abc")], 3);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut body).poll_frame(&mut cx).is_ready());
        assert!(body.is_end_stream());
    }
}
