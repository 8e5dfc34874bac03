//! How a connection opens: the path of its first request says which dialect the client speaks.
//!
//! Storage Classic's clients see header names as `X-Auth-Token`, as its documents show them, and may send paths that are no
//! UTF-8, which the API has an answer to (412), and metadata with names that are no ASCII. The HTTP library spells headers
//! per connection and refuses such heads by itself; so the first bytes are looked at before it gets them, and bytes of
//! paths and names that are no ASCII are percent-encoded on their way.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::watch::Watch;

/// First segments of Storage Classic's paths, as they stand in a request line.
const SWIFT_PATHS: [&[u8]; 6] = [
    b"/v0",
    b"/v1",
    b"/v1.0",
    b"/auth",
    b"/info",
    b"/healthcheck",
];
/// Longest method that is waited for.
const METHOD_BYTES_MAX: usize = 16;
/// Bytes that are asked for at once: mostly they hold a whole head.
const FIRST_READ_BYTES: usize = 2048;

/// What a client speaks on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Storage Classic over HTTP/1.
    Swift,
    /// Everything else.
    Other,
}

/// A stream whose first bytes have been read, and are read again from it.
#[derive(Debug)]
pub(super) struct Opened<S> {
    stream: S,
    watch: Arc<Watch>,
    dialect: Dialect,
    /// Bytes that were read and not passed on.
    pending: Vec<u8>,
    /// How many of them were passed on.
    passed: usize,
    /// What comes next.
    part: Part,
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The request line.
    Line,
    /// The name of a header.
    Name,
    /// The value of a header.
    Value,
    /// What is passed on as it is.
    Rest,
}

impl Part {
    /// The part that follows a byte.
    fn behind(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Line | Self::Value, b'\n') => Self::Name,
            (Self::Name, b':') => Self::Value,
            // A line without a name ends the head.
            (Self::Name, b'\n') => Self::Rest,
            _ => self,
        }
    }

    /// Where the head ends in bytes that begin in this part: behind an empty line.
    fn end_of_head(self, bytes: &[u8]) -> Option<usize> {
        let mut is_line = self == Self::Name;
        let mut end = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            end += line.len();
            if is_line && matches!(line, b"\n" | b"\r\n") {
                return Some(end);
            }
            is_line = true;
        }
        None
    }

    /// The part that follows bytes of a head that are all ASCII, without a look at each.
    fn behind_ascii(self, bytes: &[u8]) -> Self {
        let mut lines = bytes.rsplit(|byte| *byte == b'\n');
        let last = lines.next().unwrap_or_default();
        let part = match lines.next() {
            Some(_) => Self::Name,
            None => self,
        };
        match part {
            Self::Name if last.contains(&b':') => Self::Value,
            part => part,
        }
    }
}

impl<S: AsyncRead + Unpin> Opened<S> {
    /// Reads until the dialect is clear, which the first bytes of a request mostly tell. A stream that ends or fails before
    /// is passed on as it is. Dropping the future loses the bytes read.
    pub(super) async fn read(mut stream: S, watch: Arc<Watch>) -> io::Result<Self> {
        let mut first = Vec::with_capacity(FIRST_READ_BYTES);
        let dialect = loop {
            let ended = stream.read_buf(&mut first).await? == 0;
            match dialect_of(&first) {
                Some(dialect) => break dialect,
                None if ended => break Dialect::Other,
                None => {}
            }
        };
        let mut opened = Self {
            stream,
            watch,
            dialect,
            pending: Vec::new(),
            passed: 0,
            part: Part::Line,
        };
        opened.pending = opened.escaped(&first).unwrap_or(first);
        Ok(opened)
    }

    /// What the first bytes told.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }
}

impl<S> Opened<S> {
    /// The same bytes of a head, with those of its path and names escaped that are no ASCII; nothing if there are none,
    /// whatever follows the head.
    fn escaped(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.part == Part::Rest || self.dialect != Dialect::Swift {
            return None;
        }
        let end = self.part.end_of_head(bytes);
        if bytes[..end.unwrap_or(bytes.len())].is_ascii() {
            self.part = match end {
                Some(_) => Part::Rest,
                None => self.part.behind_ascii(bytes),
            };
            return None;
        }
        let mut escaped = Vec::with_capacity(bytes.len() * 3);
        for byte in bytes {
            let is_text = byte.is_ascii() || matches!(self.part, Part::Value | Part::Rest);
            match is_text {
                true => escaped.push(*byte),
                false => escaped.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            }
            self.part = self.part.behind(*byte);
        }
        Some(escaped)
    }

    fn pass_on(&mut self, buf: &mut ReadBuf<'_>) {
        let waiting = &self.pending[self.passed..];
        let length = waiting.len().min(buf.remaining());
        buf.put_slice(&waiting[..length]);
        self.passed += length;
        if self.passed == self.pending.len() {
            self.pending = Vec::new();
            self.passed = 0;
        }
    }
}

/// The dialect that a connection with these first bytes has; nothing as long as they may still become either.
fn dialect_of(first: &[u8]) -> Option<Dialect> {
    let length = first.iter().take_while(|byte| byte.is_ascii_alphabetic());
    let (method, rest) = first.split_at(length.count());
    let path = match rest {
        [] if method.len() <= METHOD_BYTES_MAX => return None,
        [b' ', path @ ..] => path,
        _ => return Some(Dialect::Other),
    };
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b' ' | b'\r' | b'\n' | b'%');
    let end = path.iter().skip(1).position(ends).map(|at| at + 1);
    let segment = &path[..end.unwrap_or(path.len())];
    match end {
        Some(_) if SWIFT_PATHS.contains(&segment) => Some(Dialect::Swift),
        None if SWIFT_PATHS.iter().any(|path| path.starts_with(segment)) => None,
        _ => Some(Dialect::Other),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.pending.is_empty() {
            this.pass_on(buf);
            return Poll::Ready(Ok(()));
        }
        if this.dialect == Dialect::Other {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        if this.watch.is_serving() {
            this.part = Part::Rest;
        } else if this.watch.awaits_head() {
            this.part = Part::Line;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if let Some(escaped) = this.escaped(&buf.filled()[before..]) {
            buf.set_filled(before);
            this.pending = escaped;
            this.pass_on(buf);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::super::watch::Watched;
    use super::*;

    /// What the HTTP library would read of these pieces, and the dialect.
    async fn passed(pieces: &[&[u8]]) -> (Vec<u8>, Dialect) {
        let (mut peer, stream) = tokio::io::duplex(4096);
        let watch = Arc::new(Watch::new());
        let stream = Watched::new(stream, watch.clone());
        let reading = tokio::spawn(async move {
            let mut opened = Opened::read(stream, watch).await.unwrap();
            let mut all = Vec::new();
            let mut piece = [0; 5];
            loop {
                match opened.read(&mut piece).await.unwrap() {
                    0 => return (all, opened.dialect()),
                    length => all.extend_from_slice(&piece[..length]),
                }
            }
        });
        for piece in pieces {
            peer.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        drop(peer);
        reading.await.unwrap()
    }

    #[test]
    fn a_first_path_of_storage_classic_is_told_from_all_others() {
        for line in [
            "GET /v1/a HTTP/1.1",
            "PUT /v1.0/a/c HTTP/1.1",
            "POST /v0/a/c/o HTTP/1.1",
            "GET /auth/v1.0 HTTP/1.1",
            "GET /info HTTP/1.1",
            "GET /info?x HTTP/1.1",
            "GET /info%20x HTTP/1.1",
            "HEAD /healthcheck HTTP/1.0",
            "OPTIONS /v1/",
        ] {
            assert_eq!(dialect_of(line.as_bytes()), Some(Dialect::Swift), "{line}");
        }
        for line in [
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET /n/ns/b HTTP/1.1",
            "GET / HTTP/1.1",
            "GET /v10/x HTTP/1.1",
            "GET /vx",
            "GET /informer HTTP/1.1",
            "\x16\x03\x01\x02 /v1/",
            "GET http://h/v1/a HTTP/1.1",
            "AMETHODTHATNOBODYHAS",
            "\r\n\r\n",
        ] {
            assert_eq!(dialect_of(line.as_bytes()), Some(Dialect::Other), "{line}");
        }
    }

    #[test]
    fn bytes_that_may_become_either_decide_nothing() {
        for line in [
            "",
            "G",
            "DELETE",
            "GET ",
            "GET /",
            "GET /v",
            "GET /v1",
            "GET /auth",
        ] {
            assert_eq!(dialect_of(line.as_bytes()), None, "{line}");
        }
    }

    #[tokio::test]
    async fn what_was_read_first_is_read_again() {
        let pieces: [&[u8]; 4] = [b"GE", b"T /v", b"1/a HTTP/1.1\r\n", b"\r\nrest"];
        let (bytes, dialect) = passed(&pieces).await;
        assert_eq!(
            (&bytes[..], dialect),
            (&pieces.concat()[..], Dialect::Swift)
        );
    }

    #[tokio::test]
    async fn a_connection_that_ends_early_is_passed_on() {
        assert_eq!(
            passed(&[b"GET /v"]).await,
            (b"GET /v".to_vec(), Dialect::Other)
        );
        assert_eq!(passed(&[]).await, (Vec::new(), Dialect::Other));
    }

    #[tokio::test]
    async fn bytes_of_paths_and_names_that_are_no_ascii_are_escaped_and_others_are_not() {
        let head = b"PUT /v1/a:b/\xff\xe9 HTTP/1.1\r\nA: \xff:\xff\r\nX-\xf0\x9f: \xf0\x9f\r\n\r\n\xff: \xff\n\xff";
        let expected = b"PUT /v1/a:b/%FF%E9 HTTP/1.1\r\nA: \xff:\xff\r\nX-%F0%9F: \xf0\x9f\r\n\r\n\xff: \xff\n\xff";
        for cut in 0..head.len() {
            let (first, second) = head.split_at(cut);
            let (bytes, _) = passed(&[first, second]).await;
            assert_eq!(bytes, expected, "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn other_dialects_are_passed_on_unchanged() {
        let native: &[u8] = b"GET /n/\xff HTTP/1.1\r\n\r\n";
        assert_eq!(passed(&[native]).await, (native.to_vec(), Dialect::Other));
    }

    #[tokio::test]
    async fn bodies_are_passed_on_unchanged_and_the_next_path_is_escaped() {
        let (mut peer, stream) = tokio::io::duplex(4096);
        let watch = Arc::new(Watch::new());
        let stream = Watched::new(stream, watch.clone());
        peer.write_all(b"PUT /v1/a/c/o HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        let mut opened = Opened::read(stream, watch.clone()).await.unwrap();
        let mut read = [0; 256];
        let mut next = async |sent: &[u8], opened: &mut Opened<_>| {
            peer.write_all(sent).await.unwrap();
            let length = opened.read(&mut read).await.unwrap();
            read[..length].to_vec()
        };
        assert!(next(b"", &mut opened).await.starts_with(b"PUT"));
        watch.request_began(false);
        assert_eq!(next(b"\xff\n\xff", &mut opened).await, b"\xff\n\xff");
        watch.request_ended(tokio::time::Instant::now());
        assert_eq!(
            next(b"GET /v1/\xff\r\n", &mut opened).await,
            b"GET /v1/%FF\r\n"
        );
    }
}
