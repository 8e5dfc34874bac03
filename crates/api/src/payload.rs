//! The body of a request: handed to the engine as a stream, or read whole up to a limit.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::Body as _;
use hyper::body::Incoming;
use parbuckle_engine::{BodyError, BodyStream, ErrorKind, RequestBody};
use tokio::time::{Sleep, sleep};

/// A request body that has not been polled yet.
pub(crate) struct Payload {
    stream: PayloadStream,
}

/// Tells whether something of the body is still to come.
pub(crate) struct Unread(Option<Arc<AtomicBool>>);

impl Unread {
    pub(crate) fn is_unread(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|ended| !ended.load(Ordering::Relaxed))
    }
}

/// Why a body could not be read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WholeError {
    /// It is longer than the limit.
    TooLarge { max: u64 },
    /// It broke off.
    Broken(BodyError),
}

impl From<WholeError> for ErrorKind {
    fn from(error: WholeError) -> Self {
        match error {
            WholeError::TooLarge { max } => Self::TooLarge { max },
            WholeError::Broken(error) => Self::BodyUnusable(error.to_string()),
        }
    }
}

impl Payload {
    /// `stall_timeout` counts from the last piece of the body, or from when the first was asked for.
    pub(crate) fn new(incoming: Incoming, stall_timeout: Duration) -> (Self, Unread) {
        let ended = (!incoming.is_end_stream()).then(Arc::default);
        let unread = Unread(ended.clone());
        let stream = PayloadStream {
            incoming,
            stall_timeout,
            timer: None,
            ended,
            failed: false,
        };
        (Self { stream }, unread)
    }

    /// The announced length in bytes; zero when there is no body.
    pub(crate) fn length(&self) -> Option<u64> {
        self.stream.incoming.size_hint().exact()
    }

    /// The body for the engine, which polls it when all checks have passed.
    pub(crate) fn into_request_body(self) -> RequestBody {
        let length = self.length();
        let stream: BodyStream = Box::pin(self.stream);
        RequestBody { stream, length }
    }

    /// Reads all of a body of up to `max` bytes. A longer one is refused unread if it announces its length.
    pub(crate) async fn whole(&mut self, max: u64) -> Result<Bytes, WholeError> {
        if self.length().is_some_and(|length| length > max) {
            return Err(WholeError::TooLarge { max });
        }
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(piece) = poll_fn(|cx| Pin::new(&mut self.stream).poll_next(cx)).await {
            let piece = piece.map_err(WholeError::Broken)?;
            if (first.len() + rest.len() + piece.len()) as u64 > max {
                return Err(WholeError::TooLarge { max });
            }
            if first.is_empty() {
                first = piece;
            } else {
                rest.extend_from_slice(&piece);
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(first.len() + rest.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&rest);
        Ok(whole.freeze())
    }
}

struct PayloadStream {
    incoming: Incoming,
    stall_timeout: Duration,
    /// Runs while the client is silent.
    timer: Option<Pin<Box<Sleep>>>,
    /// Set when nothing more can come; absent when the request had no body at all.
    ended: Option<Arc<AtomicBool>>,
    failed: bool,
}

impl Stream for PayloadStream {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.failed {
            return Poll::Ready(None);
        }
        loop {
            match Pin::new(&mut this.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    this.timer = None;
                    this.note_end();
                    // Trailers say nothing that we use.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    this.failed = true;
                    return Poll::Ready(Some(Err(classify(&error))));
                }
                Poll::Ready(None) => {
                    this.note_end();
                    return Poll::Ready(None);
                }
                Poll::Pending => return this.poll_stalled(cx),
            }
        }
    }
}

impl PayloadStream {
    fn note_end(&self) {
        if let Some(ended) = &self.ended
            && self.incoming.is_end_stream()
        {
            ended.store(true, Ordering::Relaxed);
        }
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let timeout = self.stall_timeout;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
        std::task::ready!(timer.as_mut().poll(cx));
        self.failed = true;
        Poll::Ready(Some(Err(BodyError::Stalled)))
    }
}

/// Bad framing is the client's doing; everything else ended the connection.
fn classify(error: &hyper::Error) -> BodyError {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && matches!(
                io.kind(),
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput
            )
        {
            return BodyError::Malformed(io.to_string());
        }
        source = inner.source();
    }
    BodyError::Disconnected(error.to_string())
}
