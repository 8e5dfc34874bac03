//! The command's side of the socket.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{Reply, Request, SocketPath};

/// The server answers one command after the other, and may have to make a key for each.
const REPLY_TIME_MAX: Duration = Duration::from_secs(60);

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nothing was done.
    #[error("no server listens on the control socket: {0}")]
    NobodyThere(io::Error),
    /// It may have been done.
    #[error(
        "the server ended or fell silent before it answered ({0}): see with `parbuckle tenancy list` whether it was done"
    )]
    NoReply(io::Error),
}

/// Asks the server that holds a data folder.
pub(crate) fn ask(data: &Path, request: &Request) -> Result<Reply, AskError> {
    let stream = SocketPath::of(data)
        .and_then(|socket| UnixStream::connect(&socket.path))
        .map_err(AskError::NobodyThere)?;
    exchange(stream, request).map_err(AskError::NoReply)
}

fn exchange(mut stream: UnixStream, request: &Request) -> io::Result<Reply> {
    stream.set_read_timeout(Some(REPLY_TIME_MAX))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    if reply.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&reply)?)
}
