//! The socket in the data folder through which commands reach the server that holds the folder.
//!
//! A connection carries one request and one reply, each one line of JSON. Whoever can open the socket owns the data
//! folder, so nothing else is asked of him.

mod client;
mod server;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use self::client::{AskError, ask};
pub(crate) use self::server::ControlSocket;
use crate::tenancy::{NewTenancy, ShownTenancy, Tenancies, TenancyError, TenancyName};

/// The socket's name in the data folder.
const SOCKET: &str = "control";
/// Longest path of a socket: 108 bytes on Linux, 104 elsewhere, with a zero at the end.
const SOCKET_PATH_BYTES_MAX: usize = 103;

/// What an operator can ask for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    CreateTenancy { name: TenancyName },
    ListTenancies,
}

/// What he is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    TenancyCreated(NewTenancy),
    Tenancies(Vec<ShownTenancy>),
    /// Why it was not done.
    Failed(String),
}

/// Does what is asked for, in the server or in a command that holds the data folder itself.
pub(crate) async fn perform(tenancies: &Tenancies, request: &Request) -> Reply {
    let done = match request {
        Request::CreateTenancy { name } => tenancies.create(name).await.map(Reply::TenancyCreated),
        Request::ListTenancies => tenancies.list().await.map(Reply::Tenancies),
    };
    done.unwrap_or_else(|error: TenancyError| Reply::Failed(error.to_string()))
}

/// A path to the socket of a data folder that fits into a socket's address.
struct SocketPath {
    path: PathBuf,
    /// The path may lead through it.
    _folder: Option<File>,
}

impl SocketPath {
    fn of(data: &Path) -> io::Result<Self> {
        let path = data.join(SOCKET);
        if path.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
            return Ok(Self {
                path,
                _folder: None,
            });
        }
        // A long path is no reason to do without: the kernel knows the open folder by a short one.
        let folder = File::open(data)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()));
        Ok(Self {
            path,
            _folder: Some(folder),
        })
    }
}
