//! Requests as they stand, over a connection each: no client library adds, drops or reorders anything.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Bounds each step of a call; nothing in a table takes this long on a working server.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request to be sent. `Host` and `Connection` are added.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query, byte for byte.
    pub(super) target: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// A complete answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// With lower-case names, in the order in which they came.
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    /// Whether `100 Continue` came before it.
    pub(super) continued: bool,
    /// What is wrong with its framing.
    pub(super) broken: Option<String>,
}

impl Request {
    /// A request without headers or body.
    pub(super) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// The same with another header.
    pub(super) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Whether it has a header of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(found, _)| found.eq_ignore_ascii_case(name))
    }

    fn head(&self, address: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        if !self.has("host") {
            head.extend_from_slice(format!("Host: {address}\r\n").as_bytes());
        }
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"Connection: close\r\n\r\n");
        head
    }

    fn framed_body(&self) -> Vec<u8> {
        if !self.has("transfer-encoding") {
            return self.body.clone();
        }
        let mut framed = Vec::new();
        if !self.body.is_empty() {
            framed.extend_from_slice(format!("{:x}\r\n", self.body.len()).as_bytes());
            framed.extend_from_slice(&self.body);
            framed.extend_from_slice(b"\r\n");
        }
        framed.extend_from_slice(b"0\r\n\r\n");
        framed
    }
}

impl Answer {
    /// The first header of this (lower-case) name, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(found, _)| found == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// Sends a request and reads the answer to the end of the connection. A request with `Expect: 100-continue` sends its body
/// only when told to.
pub(super) fn send(address: SocketAddr, request: &Request) -> io::Result<Answer> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let (head, body) = (request.head(address), request.framed_body());
    if request.has("expect") {
        writer.write_all(&head)?;
        let first = read_head(&mut reader)?;
        if first.status != 100 {
            return read_body(first, &mut reader, &request.method);
        }
        writer.write_all(&body)?;
        let mut answer = read_head(&mut reader)?;
        answer.continued = true;
        return read_body(answer, &mut reader, &request.method);
    }
    // The server may refuse and close while we still write; its answer is what counts.
    let _ = writer.write_all(&[head, body].concat());
    let answer = read_head(&mut reader)?;
    read_body(answer, &mut reader, &request.method)
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Answer> {
    let mut answer = Answer::default();
    let first = read_line(reader)?;
    let status = String::from_utf8_lossy(&first);
    answer.status = status
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| bad(&format!("a status line of {status:?}")))?;
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(answer);
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let colon = colon.ok_or_else(|| bad("a header line without a colon"))?;
        let name = String::from_utf8_lossy(&line[..colon]).to_lowercase();
        let value = line[colon + 1..].trim_ascii().to_vec();
        answer.headers.push((name, value));
    }
}

fn read_body(mut answer: Answer, reader: &mut impl BufRead, method: &str) -> io::Result<Answer> {
    let mut rest = Vec::new();
    // A server that breaks off may reset the connection; what came before it counts.
    let ended = reader.read_to_end(&mut rest);
    let chunked = answer.header("transfer-encoding") == Some("chunked");
    let length: Option<usize> = answer
        .header("content-length")
        .and_then(|length| length.parse().ok());
    answer.body = match chunked && method != "HEAD" {
        true => match unchunked(&rest) {
            Some(body) => body,
            None => {
                answer.broken = Some("the chunks break off".to_owned());
                rest
            }
        },
        false => rest,
    };
    let got = answer.body.len();
    let expected = match (method, answer.status) {
        ("HEAD", _) | (_, 204 | 304) => Some(0),
        _ => length,
    };
    if expected.is_some_and(|expected| expected != got) && answer.broken.is_none() {
        answer.broken = Some(format!(
            "a body of {got} bytes, not {expected:?} ({ended:?})"
        ));
    }
    Ok(answer)
}

fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        bytes = &bytes[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(..size)?);
        bytes = bytes.get(size + 2..)?;
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(bad("the connection was closed within the head"));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_a_missing_end_is_noticed() {
        let whole = b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
        assert_eq!(unchunked(whole).as_deref(), Some(&b"abcde"[..]));
        assert_eq!(unchunked(&whole[..12]), None);
    }

    #[test]
    fn a_body_shorter_than_announced_is_noticed() {
        let mut reader =
            io::Cursor::new(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc".to_vec());
        let head = read_head(&mut reader).unwrap();
        assert!(
            read_body(head, &mut reader, "GET")
                .unwrap()
                .broken
                .is_some()
        );
    }
}
