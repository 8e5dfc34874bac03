//! Watches one connection for peers that hold it without using it.
//!
//! HTTP/1's own header time-out in hyper starts with the previous response, so that it would cut idle keep-alive
//! connections too, and it does not run before the protocol version is known. This one sees the bytes themselves, and tells
//! three cases apart: headers that do not end, a connection at rest, and a response that nobody takes.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::config::Limits;

/// A moment that has not come.
const NEVER: u64 = 0;
/// The moment of the accept.
const ACCEPTED: u64 = 1;
/// No state ends more than this after its time.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Bytes of an unread body that are dropped with one read.
const DROPPED_AT_ONCE: usize = 16 * 1024;

/// What is known of a connection. Moments are microseconds since it was accepted, plus one so that 0 means never.
#[derive(Debug)]
pub(super) struct Watch {
    accepted: Instant,
    requests_in_flight: AtomicU32,
    any_request: AtomicBool,
    http2: AtomicBool,
    /// The client may still be sending a body that nobody reads.
    unread: AtomicBool,
    /// End of the last response, or the accept.
    resting_since: AtomicU64,
    /// First byte that arrived while no request was in flight.
    head_since: AtomicU64,
    /// When the socket began to take no bytes.
    blocked_since: AtomicU64,
}

/// What [`Watch::verdict`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Ask again then.
    AskAt(Instant),
    /// Close the connection, for this reason.
    Close(&'static str),
    /// The connection is at rest: close it politely.
    Retire,
}

impl Watch {
    /// A connection accepted now.
    pub(super) fn new() -> Self {
        Self {
            accepted: Instant::now(),
            requests_in_flight: AtomicU32::new(0),
            any_request: AtomicBool::new(false),
            http2: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            resting_since: AtomicU64::new(ACCEPTED),
            head_since: AtomicU64::new(NEVER),
            blocked_since: AtomicU64::new(NEVER),
        }
    }

    /// The headers of a request have arrived.
    pub(super) fn request_began(&self, http2: bool) {
        self.requests_in_flight.fetch_add(1, Relaxed);
        self.any_request.store(true, Relaxed);
        self.http2.store(http2, Relaxed);
        self.head_since.store(NEVER, Relaxed);
    }

    /// The response of a request has ended, at `now`.
    pub(super) fn request_ended(&self, now: Instant) {
        self.resting_since.store(self.moment(now), Relaxed);
        self.requests_in_flight.fetch_sub(1, Relaxed);
    }

    /// The response closes the connection although its request may not have been read to the end.
    pub(super) fn leaves_body_unread(&self) {
        self.unread.store(true, Relaxed);
    }

    /// What to do with the connection at `now`.
    pub(super) fn verdict(&self, now: Instant, limits: &Limits) -> Verdict {
        let shortest = limits
            .write_timeout
            .min(limits.header_timeout)
            .min(limits.idle_timeout);
        // A state that begins after this answer may have an earlier end than this one, so ask again before.
        let again = now + (shortest / 4).min(LONGEST_WAIT);
        let (since, patience, at_end) = self.state(limits);
        let Some(end) = since.map(|since| self.instant(since) + patience) else {
            return Verdict::AskAt(again);
        };
        if end <= now {
            at_end
        } else {
            Verdict::AskAt(end.min(again))
        }
    }

    /// Since when the connection is held without use, for how long it may be, and what then follows.
    fn state(&self, limits: &Limits) -> (Option<u64>, Duration, Verdict) {
        let blocked = self.blocked_since.load(Relaxed);
        let head = self.head_since.load(Relaxed);
        if blocked != NEVER {
            (
                Some(blocked),
                limits.write_timeout,
                Verdict::Close("write timeout"),
            )
        } else if self.requests_in_flight.load(Relaxed) > 0 {
            (None, Duration::ZERO, Verdict::Retire)
        } else if !self.any_request.load(Relaxed) {
            (
                Some(ACCEPTED),
                limits.header_timeout,
                Verdict::Close("header timeout"),
            )
        } else if head != NEVER && !self.http2.load(Relaxed) {
            (
                Some(head),
                limits.header_timeout,
                Verdict::Close("header timeout"),
            )
        } else {
            // On HTTP/2 bytes at rest may be pings and window updates: they begin no request.
            (
                Some(self.resting_since.load(Relaxed)),
                limits.idle_timeout,
                Verdict::Retire,
            )
        }
    }

    /// Whether a request is being served: what arrives is its body, or follows it.
    pub(super) fn is_serving(&self) -> bool {
        self.requests_in_flight.load(Relaxed) > 0
    }

    /// Whether the next byte would be the first of a request.
    pub(super) fn awaits_head(&self) -> bool {
        !self.is_serving() && self.head_since.load(Relaxed) == NEVER
    }

    fn bytes_arrived(&self) {
        if self.awaits_head() {
            self.head_since.store(self.moment(Instant::now()), Relaxed);
        }
    }

    fn wrote(&self, outcome: &Poll<io::Result<usize>>) {
        if outcome.is_ready() {
            if self.blocked_since.load(Relaxed) != NEVER {
                self.blocked_since.store(NEVER, Relaxed);
            }
        } else if self.blocked_since.load(Relaxed) == NEVER {
            self.blocked_since
                .store(self.moment(Instant::now()), Relaxed);
        }
    }

    fn moment(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.accepted).as_micros() as u64 + 1
    }

    fn instant(&self, moment: u64) -> Instant {
        self.accepted + Duration::from_micros(moment - 1)
    }
}

/// A connection's stream that reports to its [`Watch`].
///
/// It ends politely when a body was left unread: closing a socket with unread input resets the connection, and a client
/// that is still sending would see the reset in the place of the answer. So what comes is read and dropped until
/// the client ends too; the watch bounds the time.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
    /// The sending side was shut down.
    lingering: bool,
}

impl<S> Watched<S> {
    /// Reports what happens on `stream` to `watch`.
    pub(super) fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self {
            stream,
            watch,
            lingering: false,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.watch.bytes_arrived();
        }
        outcome
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch.wrote(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.watch.wrote(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.lingering {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.watch.unread.load(Relaxed) {
                return Poll::Ready(Ok(()));
            }
            this.lingering = true;
            this.watch.bytes_arrived();
        }
        let mut dropped = [MaybeUninit::uninit(); DROPPED_AT_ONCE];
        loop {
            let mut dropped = ReadBuf::uninit(&mut dropped);
            let outcome = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut dropped));
            if outcome.is_err() || dropped.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const HEADER: Duration = Duration::from_secs(8);
    const IDLE: Duration = Duration::from_secs(20);
    const WRITE: Duration = Duration::from_secs(12);

    fn limits() -> Limits {
        Limits {
            max_connections: 1,
            max_headers: 100,
            max_header_bytes: 65_536,
            max_streams: 1,
            header_timeout: HEADER,
            idle_timeout: IDLE,
            body_timeout: IDLE,
            write_timeout: WRITE,
            drain_timeout: IDLE,
        }
    }

    /// How the watch ends the connection, and after how long, if nothing else happens.
    async fn end_of(watch: &Watch) -> (Verdict, Duration) {
        let began = Instant::now();
        loop {
            match watch.verdict(Instant::now(), &limits()) {
                Verdict::AskAt(then) if began.elapsed() < Duration::from_secs(600) => {
                    tokio::time::sleep_until(then).await
                }
                verdict => return (verdict, began.elapsed()),
            }
        }
    }

    fn about(expected: Duration, actual: Duration) -> bool {
        actual >= expected && actual < expected + Duration::from_millis(50)
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_that_says_nothing_is_closed_after_the_header_timeout() {
        let (verdict, after) = end_of(&Watch::new()).await;
        assert_eq!(verdict, Verdict::Close("header timeout"));
        assert!(about(HEADER, after), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_of_header_bytes_does_not_extend_the_header_timeout() {
        let watch = Arc::new(Watch::new());
        let (mut peer, stream) = tokio::io::duplex(64);
        let mut stream = Watched::new(stream, watch.clone());
        watch.request_began(false);
        watch.request_ended(Instant::now());
        let drip = tokio::spawn(async move {
            loop {
                peer.write_all(b"x").await.unwrap();
                stream.read_u8().await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let (verdict, after) = end_of(&watch).await;
        drip.abort();
        assert_eq!(verdict, Verdict::Close("header timeout"));
        assert!(about(HEADER, after), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_at_rest_is_retired_after_the_idle_timeout() {
        let watch = Watch::new();
        watch.request_began(false);
        watch.request_ended(Instant::now());
        let (verdict, after) = end_of(&watch).await;
        assert_eq!(verdict, Verdict::Retire);
        assert!(about(IDLE, after), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_in_flight_keeps_its_connection() {
        let watch = Watch::new();
        watch.request_began(false);
        let (verdict, _) = end_of(&watch).await;
        assert!(matches!(verdict, Verdict::AskAt(_)), "{verdict:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_nobody_takes_is_cut_after_the_write_timeout() {
        let watch = Arc::new(Watch::new());
        let (_peer, stream) = tokio::io::duplex(4);
        let mut stream = Watched::new(stream, watch.clone());
        watch.request_began(false);
        let write = tokio::spawn(async move { stream.write_all(b"more than four").await });
        let (verdict, after) = end_of(&watch).await;
        write.abort();
        assert_eq!(verdict, Verdict::Close("write timeout"));
        assert!(about(WRITE, after), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_that_still_reads_is_not_cut() {
        let watch = Arc::new(Watch::new());
        let (mut peer, stream) = tokio::io::duplex(1);
        let mut stream = Watched::new(stream, watch.clone());
        watch.request_began(false);
        let write = tokio::spawn(async move { while stream.write_all(b"x").await.is_ok() {} });
        let read = tokio::spawn(async move {
            loop {
                tokio::time::sleep(WRITE / 2).await;
                peer.read_u8().await.unwrap();
            }
        });
        let (verdict, _) = end_of(&watch).await;
        write.abort();
        read.abort();
        assert!(matches!(verdict, Verdict::AskAt(_)), "{verdict:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn pings_on_a_resting_http2_connection_are_no_unfinished_header() {
        let watch = Arc::new(Watch::new());
        let (mut peer, stream) = tokio::io::duplex(64);
        let mut stream = Watched::new(stream, watch.clone());
        watch.request_began(true);
        watch.request_ended(Instant::now());
        peer.write_all(b"ping").await.unwrap();
        stream.read_u32().await.unwrap();
        let (verdict, after) = end_of(&watch).await;
        assert_eq!(verdict, Verdict::Retire);
        assert!(about(IDLE, after), "{after:?}");
    }

    #[tokio::test]
    async fn an_unread_body_is_read_away_before_the_connection_closes() {
        let watch = Arc::new(Watch::new());
        let (mut peer, stream) = tokio::io::duplex(8);
        let mut stream = Watched::new(stream, watch.clone());
        watch.leaves_body_unread();
        let closing = tokio::spawn(async move { stream.shutdown().await });
        peer.write_all(&[0; 1000]).await.unwrap();
        assert!(!closing.is_finished());
        peer.shutdown().await.unwrap();
        closing.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_ends_its_unread_body_is_closed_after_the_header_timeout() {
        let watch = Arc::new(Watch::new());
        let (_peer, stream) = tokio::io::duplex(8);
        let mut stream = Watched::new(stream, watch.clone());
        watch.request_began(false);
        watch.request_ended(Instant::now());
        watch.leaves_body_unread();
        let closing = tokio::spawn(async move { stream.shutdown().await });
        tokio::task::yield_now().await;
        let (verdict, after) = end_of(&watch).await;
        closing.abort();
        assert_eq!(verdict, Verdict::Close("header timeout"));
        assert!(about(HEADER, after), "{after:?}");
    }
}
