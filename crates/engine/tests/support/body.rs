//! Bodies on their way in and out.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use parbuckle_engine::{BodyError, Error, ObjectBody, RequestBody};

use super::environment::Random;

/// Bytes that tell `fill` and their place apart.
pub(crate) fn content(len: usize, fill: u64) -> Vec<u8> {
    let mut random = Random::new(fill);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// A whole body with its length announced, in frames that `split` decides.
pub(crate) fn body(bytes: &[u8], split: u64) -> RequestBody {
    RequestBody {
        length: Some(bytes.len() as u64),
        stream: Box::pin(Frames::of(bytes, split)),
    }
}

/// The same without an announced length.
pub(crate) fn unannounced(bytes: &[u8], split: u64) -> RequestBody {
    RequestBody {
        length: None,
        ..body(bytes, split)
    }
}

/// A body of which only the first `sent` bytes come; then the stream fails with `error`, or ends when there is none.
pub(crate) fn cut_short(
    bytes: &[u8],
    sent: usize,
    error: Option<BodyError>,
    split: u64,
) -> RequestBody {
    let mut frames = Frames::of(&bytes[..sent], split);
    frames.items.extend(error.map(Err));
    RequestBody {
        length: Some(bytes.len() as u64),
        stream: Box::pin(frames),
    }
}

/// A body whose frames a test sends when it likes. A frame is taken from the channel when the reader asks for it.
pub(crate) fn sent_later(len: usize) -> (tokio::sync::mpsc::Sender<Bytes>, RequestBody) {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let body = RequestBody {
        stream: Box::pin(Sent(receiver)),
        length: Some(len as u64),
    };
    (sender, body)
}

struct Sent(tokio::sync::mpsc::Receiver<Bytes>);

impl Stream for Sent {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

/// Frames that come one at a time: the reader has to wait before each.
struct Frames {
    items: VecDeque<Result<Bytes, BodyError>>,
    ready: bool,
}

impl Frames {
    fn of(bytes: &[u8], split: u64) -> Self {
        let mut random = Random::new(split);
        let longest = bytes.len().div_ceil(1 + random.below(5)).max(1);
        let mut rest = Bytes::copy_from_slice(bytes);
        let mut items = VecDeque::new();
        while !rest.is_empty() {
            let frame = rest.split_to(rest.len().min(1 + random.below(longest)));
            items.push_back(Ok(frame));
        }
        Self {
            items,
            ready: false,
        }
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ready = !self.ready;
        if self.ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.items.pop_front())
    }
}

/// All bytes of an object's body, or those that came before the error.
pub(crate) async fn read_all(body: ObjectBody) -> Result<Vec<u8>, (Vec<u8>, Error)> {
    let mut stream = match body {
        ObjectBody::Bytes(bytes) => return Ok(bytes.to_vec()),
        ObjectBody::Stream(stream) => stream,
    };
    let mut all = Vec::new();
    while let Some(item) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        match item {
            Ok(bytes) => all.extend_from_slice(&bytes),
            Err(error) => return Err((all, error)),
        }
    }
    Ok(all)
}
