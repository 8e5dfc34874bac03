//! The server's side of the socket.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{Reply, Request, SOCKET, SocketPath, perform};
use crate::tenancy::Tenancies;

/// Commands that wait for the one before them.
const BACKLOG: u32 = 64;
const REQUEST_BYTES_MAX: u64 = 4096;
/// For a command to send its line, or to take its reply's.
const LINE_TIME_MAX: Duration = Duration::from_secs(5);
/// After a failed accept, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// A bound socket, removed when dropped.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Binds the socket of a data folder that this process has locked, in place of one that a killed server left.
    pub(crate) fn bind(data: &Path) -> io::Result<Self> {
        let path = data.join(SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixSocket::new_stream()?;
        socket.bind(&SocketPath::of(data)?.path)?;
        // Nobody can connect before it listens, so nobody uses the mode that it was made with.
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self {
            listener: socket.listen(BACKLOG)?,
            path,
        })
    }

    /// Answers one command after the other until `stop` turns true: so no two of them make the same tenancy.
    pub(crate) async fn serve(self, tenancies: Tenancies, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                accepted = self.listener.accept() => accepted,
            };
            let answered = match accepted {
                Ok((stream, _)) => answer(stream, &tenancies).await,
                Err(error) => {
                    sleep(ACCEPT_PAUSE).await;
                    Err(error)
                }
            };
            if let Err(error) = answered {
                tracing::warn!(%error, "a command on the control socket went without its answer");
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // If it cannot be removed, the next start does it.
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer(mut stream: UnixStream, tenancies: &Tenancies) -> io::Result<()> {
    let mut line = String::new();
    let mut reader = BufReader::new((&mut stream).take(REQUEST_BYTES_MAX));
    timeout(LINE_TIME_MAX, reader.read_line(&mut line)).await??;
    let reply = match serde_json::from_str::<Request>(&line) {
        Ok(request) => perform(tenancies, &request).await,
        Err(error) => Reply::Failed(format!(
            "the server does not understand this command; is it of another version? ({error})"
        )),
    };
    let mut line = serde_json::to_string(&reply)?;
    line.push('\n');
    timeout(LINE_TIME_MAX, stream.write_all(line.as_bytes())).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_and_goes_with_its_server() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(SOCKET);
        let socket = ControlSocket::bind(data.path()).unwrap();
        assert_eq!(mode_of(&path), 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_that_a_killed_server_left_is_replaced() {
        let data = tempfile::tempdir().unwrap();
        let stale = ControlSocket::bind(data.path()).unwrap();
        let _socket = ControlSocket::bind(data.path()).unwrap();
        let connected = UnixStream::connect(data.path().join(SOCKET)).await;
        connected.unwrap();
        drop(stale);
    }

    #[tokio::test]
    async fn a_path_longer_than_an_address_is_no_hindrance() {
        let data = tempfile::tempdir().unwrap();
        let long = data.path().join("x".repeat(200));
        fs::create_dir(&long).unwrap();
        let socket = ControlSocket::bind(&long).unwrap();
        assert_eq!(mode_of(&long.join(SOCKET)), 0o600);
        let path = SocketPath::of(&long).unwrap();
        let (connected, accepted) =
            tokio::join!(UnixStream::connect(&path.path), socket.listener.accept());
        connected.unwrap();
        accepted.unwrap();
        drop(socket);
        assert!(!long.join(SOCKET).exists());
    }
}
