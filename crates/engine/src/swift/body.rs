//! Bodies on their way in and out of Storage Classic.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use super::SwiftRefusal;
use crate::body::{BodyError, BodyStream, RequestBody};
use crate::error::{Error, ErrorKind};
use crate::object::ObjectBody;

/// What a body is too much for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// The largest object.
    Size,
    /// The container's quota.
    Quota,
}

/// Tells afterwards whether a body was cut off, and why.
pub(super) struct ExcessWatch {
    cut: Arc<AtomicBool>,
    by: Excess,
}

impl ExcessWatch {
    pub(super) fn found(&self) -> Option<Excess> {
        self.cut.load(Ordering::Relaxed).then_some(self.by)
    }
}

/// The body, cut off behind the largest object or behind the room that is left, whichever is less. What is announced to be
/// longer is refused at once.
pub(super) fn limited(
    body: RequestBody,
    size_max: u64,
    room: Option<u64>,
) -> Result<(RequestBody, ExcessWatch), Error> {
    let (max, by) = match room {
        Some(room) if room < size_max => (room, Excess::Quota),
        _ => (size_max, Excess::Size),
    };
    if body.length.is_some_and(|length| length > max) {
        return Err(match by {
            Excess::Size => ErrorKind::TooLarge { max }.into(),
            Excess::Quota => SwiftRefusal::QuotaExceeded.into(),
        });
    }
    let cut = Arc::<AtomicBool>::default();
    let limited = Limited {
        stream: body.stream,
        left: max,
        cut: Arc::clone(&cut),
    };
    let body = RequestBody {
        stream: Box::pin(limited),
        length: body.length,
    };
    Ok((body, ExcessWatch { cut, by }))
}

struct Limited {
    stream: BodyStream,
    left: u64,
    cut: Arc<AtomicBool>,
}

impl Stream for Limited {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let item = ready!(this.stream.as_mut().poll_next(cx));
        let Some(Ok(bytes)) = item else {
            return Poll::Ready(item);
        };
        match this.left.checked_sub(bytes.len() as u64) {
            Some(left) => {
                this.left = left;
                Poll::Ready(Some(Ok(bytes)))
            }
            None => {
                this.cut.store(true, Ordering::Relaxed);
                let error = BodyError::Malformed("it is longer than it may be".to_owned());
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

/// What was read, as a body to be put.
pub(super) fn as_request(body: ObjectBody, length: u64) -> RequestBody {
    RequestBody {
        stream: Box::pin(Source(body)),
        length: Some(length),
    }
}

struct Source(ObjectBody);

impl Stream for Source {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.get_mut().0 {
            ObjectBody::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            ObjectBody::Bytes(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            ObjectBody::Stream(stream) => stream.as_mut().poll_next(cx).map(|item| {
                item.map(|item| item.map_err(|error| BodyError::Disconnected(error.to_string())))
            }),
        }
    }
}

/// All bytes of a body, which is known to be small.
pub(super) async fn collect(body: ObjectBody) -> Result<Bytes, Error> {
    let mut stream = match body {
        ObjectBody::Bytes(bytes) => return Ok(bytes),
        ObjectBody::Stream(stream) => stream,
    };
    let mut all = BytesMut::new();
    while let Some(bytes) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        all.extend_from_slice(&bytes?);
    }
    Ok(all.freeze())
}
