//! An incremental reader of HTTP/1.1 replies: status, length, optional body. It never holds a body it need not keep.

/// The longest reply head that is read before the reply counts as malformed.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What a whole reply said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Bytes of the body after removing chunked framing.
    pub(crate) body_bytes: u64,
}

/// Reads one reply after another from bytes as they arrive. Replies that end by closing are refused, because
/// the generator keeps its connections.
#[derive(Debug)]
pub(crate) struct ReplyReader {
    state: State,
    /// A head that has arrived only in part.
    partial_head: Vec<u8>,
    status: u16,
    body_bytes: u64,
    kept: Option<Kept>,
}

/// Head and body of the last reply, for callers that asked for them.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Head,
    /// A body of known length with this many bytes to come.
    Fixed(u64),
    /// The hexadecimal size of the next chunk, as read so far; `true` once an extension began.
    ChunkSize(u64, bool),
    ChunkData(u64),
    /// The line end after a chunk's data.
    ChunkEnd,
    /// Trailer lines; `true` while the current line is still empty.
    Trailer(bool),
}

enum Framing {
    Length(u64),
    Chunked,
}

impl ReplyReader {
    /// A reader that keeps only status and length, or also head and body.
    pub(crate) fn new(keep: bool) -> Self {
        Self {
            state: State::Head,
            partial_head: Vec::new(),
            status: 0,
            body_bytes: 0,
            kept: keep.then(Kept::default),
        }
    }

    /// Head and body of the reply that [`feed`](Self::feed) returned last; empty for a reader that keeps nothing.
    pub(crate) fn kept(&self) -> (&[u8], &[u8]) {
        self.kept
            .as_ref()
            .map_or((&[], &[]), |kept| (&kept.head, &kept.body))
    }

    /// Takes bytes from the connection. `Some` with the number of bytes used once a reply is whole; `None` when all
    /// bytes were used and more must come.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Result<Option<(usize, Reply)>, String> {
        let mut used = 0;
        while used < input.len() {
            let rest = &input[used..];
            let (taken, whole) = match self.state {
                State::Head => self.head(rest)?,
                State::Fixed(left) => {
                    let taken = self.body(rest, left);
                    let left = left - taken as u64;
                    self.state = State::Fixed(left);
                    (taken, left == 0)
                }
                _ => self.chunked(rest)?,
            };
            used += taken;
            if whole {
                self.state = State::Head;
                return Ok(Some((
                    used,
                    Reply {
                        status: self.status,
                        body_bytes: self.body_bytes,
                    },
                )));
            }
        }
        Ok(None)
    }

    fn head(&mut self, input: &[u8]) -> Result<(usize, bool), String> {
        if self.partial_head.is_empty()
            && let Some(end) = head_end(input)
        {
            return Ok((end, self.begin_body(&input[..end])?));
        }
        let before = self.partial_head.len();
        if before + input.len() > HEAD_BYTES_MAX {
            return Err(format!("a reply head longer than {HEAD_BYTES_MAX} bytes"));
        }
        self.partial_head.extend_from_slice(input);
        match head_end(&self.partial_head) {
            None => Ok((input.len(), false)),
            Some(end) => {
                let mut head = std::mem::take(&mut self.partial_head);
                head.truncate(end);
                Ok((end - before, self.begin_body(&head)?))
            }
        }
    }

    /// Sets up for the body that the head announces; `true` when there is none.
    fn begin_body(&mut self, head: &[u8]) -> Result<bool, String> {
        self.body_bytes = 0;
        if let Some(kept) = &mut self.kept {
            kept.head.clear();
            kept.head.extend_from_slice(head);
            kept.body.clear();
        }
        self.status = status(head)?;
        self.state = match framing(head)? {
            _ if self.status == 204 || self.status == 304 => State::Fixed(0),
            Some(Framing::Chunked) => State::ChunkSize(0, false),
            Some(Framing::Length(length)) => State::Fixed(length),
            None => return Err(format!("a reply with status {} and no length", self.status)),
        };
        Ok(matches!(self.state, State::Fixed(0)))
    }

    fn body(&mut self, input: &[u8], left: u64) -> usize {
        let taken = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        if let Some(kept) = &mut self.kept {
            kept.body.extend_from_slice(&input[..taken]);
        }
        self.body_bytes += taken as u64;
        taken
    }

    /// One step through a chunked body: a run of data, or one byte of framing (RFC 9112, 7.1).
    fn chunked(&mut self, input: &[u8]) -> Result<(usize, bool), String> {
        if let State::ChunkData(left) = self.state {
            let taken = self.body(input, left);
            let left = left - taken as u64;
            self.state = if left == 0 {
                State::ChunkEnd
            } else {
                State::ChunkData(left)
            };
            return Ok((taken, false));
        }
        let byte = input[0];
        self.state = match (self.state, byte) {
            (State::ChunkSize(0, _), b'\n') => State::Trailer(true),
            (State::ChunkSize(size, _), b'\n') => State::ChunkData(size),
            (State::ChunkSize(size, _), b';') => State::ChunkSize(size, true),
            (state @ (State::ChunkSize(_, true) | State::ChunkEnd | State::Trailer(_)), b'\r') => {
                state
            }
            (state @ State::ChunkSize(_, false), b'\r') => state,
            (state @ State::ChunkSize(_, true), _) => state,
            (State::ChunkSize(size, false), _) => {
                let digit = (byte as char)
                    .to_digit(16)
                    .ok_or_else(|| format!("a chunk size with byte {byte:#04x}"))?;
                let size =
                    size.checked_mul(16).ok_or("a chunk size out of range")? + u64::from(digit);
                State::ChunkSize(size, false)
            }
            (State::ChunkEnd, b'\n') => State::ChunkSize(0, false),
            (State::Trailer(true), b'\n') => return Ok((1, true)),
            (State::Trailer(false), b'\n') => State::Trailer(true),
            (State::Trailer(_), _) => State::Trailer(false),
            (state, _) => return Err(format!("byte {byte:#04x} in chunked framing at {state:?}")),
        };
        Ok((1, false))
    }
}

/// The value of a header in a reply head, trimmed; the first if it is repeated.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    lines(head).find_map(|line| header_value(line, name.as_bytes()))
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', head).map(move |end| {
        let line = &head[start..end];
        start = end + 1;
        line
    })
}

fn header_value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (key, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    key.eq_ignore_ascii_case(name)
        .then(|| std::str::from_utf8(value).unwrap_or_default().trim())
}

fn status(head: &[u8]) -> Result<u16, String> {
    let text = head
        .strip_prefix(b"HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    let status = text
        .and_then(|text| std::str::from_utf8(text).ok())
        .and_then(|text| text.parse().ok());
    match status {
        Some(status @ 200..=599) => Ok(status),
        _ => Err(format!(
            "an unreadable status line: {:?}",
            String::from_utf8_lossy(&head[..head.len().min(40)])
        )),
    }
}

fn framing(head: &[u8]) -> Result<Option<Framing>, String> {
    let mut found = None;
    for line in lines(head) {
        // Most lines are neither header; the first byte tells without a full comparison.
        let header = match line.first() {
            Some(b'c' | b'C') => "content-length",
            Some(b't' | b'T') => "transfer-encoding",
            _ => continue,
        };
        match header_value(line, header.as_bytes()) {
            None => {}
            Some(value) if header == "content-length" => {
                let length = value.parse();
                found = Some(Framing::Length(
                    length.map_err(|_| format!("a content-length of {value:?}"))?,
                ));
            }
            Some(value) if value.eq_ignore_ascii_case("chunked") => {
                return Ok(Some(Framing::Chunked));
            }
            Some(value) => return Err(format!("a transfer-encoding of {value:?}")),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXED: &[u8] = b"HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 206 Partial\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\nt: 1\r\n\r\n";

    fn byte_by_byte(input: &[u8]) -> (Reply, Vec<u8>) {
        let mut reader = ReplyReader::new(true);
        for (index, byte) in input.iter().enumerate() {
            if let Some((used, reply)) = reader.feed(std::slice::from_ref(byte)).unwrap() {
                assert_eq!((used, index), (1, input.len() - 1));
                return (reply, reader.kept().1.to_vec());
            }
        }
        panic!("the reply never ended");
    }

    #[test]
    fn a_reply_of_known_length_ends_at_that_length_however_it_is_cut() {
        let expected = Reply {
            status: 200,
            body_bytes: 5,
        };
        assert_eq!(byte_by_byte(FIXED), (expected, b"hello".to_vec()));
        let twice = [FIXED, FIXED].concat();
        assert_eq!(
            ReplyReader::new(false).feed(&twice),
            Ok(Some((FIXED.len(), expected)))
        );
    }

    #[test]
    fn a_chunked_reply_counts_only_its_data() {
        let expected = Reply {
            status: 206,
            body_bytes: 13,
        };
        assert_eq!(byte_by_byte(CHUNKED), (expected, b"abc0123456789".to_vec()));
        assert_eq!(
            ReplyReader::new(false).feed(CHUNKED),
            Ok(Some((CHUNKED.len(), expected)))
        );
    }

    #[test]
    fn a_204_has_no_body_and_needs_no_length() {
        let (reply, body) = byte_by_byte(b"HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(
            (reply, body),
            (
                Reply {
                    status: 204,
                    body_bytes: 0
                },
                Vec::new()
            )
        );
    }

    #[test]
    fn a_reply_without_length_is_an_error() {
        assert!(
            ReplyReader::new(false)
                .feed(b"HTTP/1.1 200 OK\r\n\r\n")
                .unwrap_err()
                .contains("no length")
        );
    }

    #[test]
    fn a_broken_chunk_size_is_an_error() {
        let input = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
        assert!(
            ReplyReader::new(false)
                .feed(input)
                .unwrap_err()
                .contains("chunk size")
        );
    }

    #[test]
    fn header_names_compare_without_case() {
        assert_eq!(header(FIXED, "content-LENGTH"), Some("5"));
        assert_eq!(header(FIXED, "content"), None);
    }
}
