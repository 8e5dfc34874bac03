//! The yardstick: nginx from Debian with a configuration of its own, static files and WebDAV PUT.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::process::Process;

/// The Debian package; its nginx has the DAV module built in.
const PACKAGE: &str = "nginx-light";
/// One worker per core of the machine class the budgets were set on.
const WORKERS: usize = 2;

/// A running nginx.
pub(crate) struct Nginx {
    pub(crate) addr: SocketAddr,
    pub(crate) process: Process,
    root: PathBuf,
}

impl Nginx {
    /// Starts nginx on a free port with everything it writes below `folder`.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let binary = find().ok_or("nginx is not installed")?;
        let root = folder.join("root");
        fs::create_dir_all(root.join("dav"))?;
        fs::create_dir_all(folder.join("tmp"))?;
        // The port is free again between this line and nginx's bind; nothing else here takes ports meanwhile.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = folder.join("nginx.conf");
        fs::write(&config, configuration(folder, addr))?;
        let mut command = Command::new(binary);
        command
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&config)
            .arg("-e")
            .arg(folder.join("error.log"));
        let mut process = Process::spawn(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::inherit()),
        )?;
        process
            .adopt_workers(WORKERS, Duration::from_secs(10))
            .map_err(|error| {
                let log = fs::read_to_string(folder.join("error.log")).unwrap_or_default();
                format!("nginx did not start: {error}\n{log}")
            })?;
        Ok(Self {
            addr,
            process,
            root,
        })
    }

    /// The value of the Host header.
    pub(crate) fn host(&self) -> String {
        self.addr.to_string()
    }

    /// Writes a file that is then served under `/{path}`.
    pub(crate) fn add_file(&self, path: &str, content: &[u8]) -> Result<()> {
        let path = self.file(path);
        fs::create_dir_all(path.parent().ok_or("a file needs a folder")?)?;
        Ok(fs::write(path, content)?)
    }

    /// Where the file served under `/{path}` is, also one that was uploaded.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

/// Makes sure that nginx is there, with apt-get where it is not.
pub(crate) fn ensure_installed() -> Result<()> {
    if find().is_some() {
        return Ok(());
    }
    eprintln!("bench: nginx is missing; installing the Debian package {PACKAGE}");
    for arguments in [
        &["update"][..],
        &["install", "-y", "--no-install-recommends", PACKAGE],
    ] {
        let status = Command::new("apt-get")
            .args(arguments)
            .stdout(Stdio::null())
            .status();
        if !status.as_ref().is_ok_and(|status| status.success()) {
            return Err(format!(
                "apt-get {arguments:?} failed ({status:?}); install {PACKAGE} and run again"
            )
            .into());
        }
    }
    find()
        .map(|_| ())
        .ok_or_else(|| format!("{PACKAGE} brought no nginx").into())
}

/// For example `nginx/1.22.1`.
pub(crate) fn version() -> Result<String> {
    let output = Command::new(find().ok_or("nginx is not installed")?)
        .arg("-v")
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(text
        .trim()
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .to_owned())
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders
        .into_iter()
        .map(|folder| folder.join("nginx"))
        .find(|binary| binary.is_file())
}

fn configuration(folder: &Path, addr: SocketAddr) -> String {
    let folder = folder.display();
    // Workers of a root master change to another user, who could not reach the folder.
    let user = if rustix::process::geteuid().is_root() {
        "user root;"
    } else {
        ""
    };
    format!(
        r#"{user}
daemon off;
worker_processes {WORKERS};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 600s;
    keepalive_time 24h;
    keepalive_requests 1000000000;
    access_log {folder}/access.log combined buffer=64k flush=5s;
    client_max_body_size 0;
    client_body_temp_path {folder}/tmp;
    proxy_temp_path {folder}/tmp-proxy;
    fastcgi_temp_path {folder}/tmp-fastcgi;
    uwsgi_temp_path {folder}/tmp-uwsgi;
    scgi_temp_path {folder}/tmp-scgi;
    server {{
        listen {addr};
        root {folder}/root;
        location /dav/ {{ dav_methods PUT; create_full_put_path on; }}
        location /list/ {{ autoindex on; autoindex_format json; }}
    }}
}}
"#
    )
}
