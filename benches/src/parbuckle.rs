//! The subject: Parbuckle's release binary, built and started the way a user would start it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::Result;
use crate::oci::Admin;
use crate::process::Process;

/// The line on standard output that says the server is ready; the address follows.
const READY: &str = "parbuckle: listening on http://";
/// When a server that is not ready counts as failed.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running Parbuckle on a data folder of its own.
pub(crate) struct Parbuckle {
    pub(crate) addr: SocketAddr,
    pub(crate) process: Process,
    pub(crate) admin: Admin,
    /// From the start of the process to the ready line.
    pub(crate) ready_after: Duration,
}

impl Parbuckle {
    /// Starts the server on an empty data folder below `folder`. Its log goes to a file.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let data = folder.join("data");
        let log = folder.join("server.log");
        let mut command = Command::new(binary()?);
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(&data)
            .args(["--listen", "127.0.0.1:0"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?);
        let started = Instant::now();
        let mut process = Process::spawn(&mut command)?;
        let lines = BufReader::new(
            process
                .take_stdout()
                .ok_or("standard output is not piped")?,
        )
        .lines();
        let ready = watch_for_ready(lines);
        let addr = ready.recv_timeout(READY_WITHIN);
        let ready_after = started.elapsed();
        let addr = addr.map_err(|_| {
            format!(
                "parbuckle was not ready:\n{}",
                fs::read_to_string(&log).unwrap_or_default()
            )
        })?;
        let addr = addr.trim_end_matches('/').parse()?;
        let admin = Admin::load(&data, addr)?;
        Ok(Self {
            addr,
            process,
            admin,
            ready_after,
        })
    }

    /// The value of the Host header.
    pub(crate) fn host(&self) -> String {
        self.addr.to_string()
    }
}

/// Builds the release binary into the target folder that this program runs from.
pub(crate) fn build() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--release",
            "--package",
            "parbuckle",
            "--target-dir",
        ])
        .arg(crate::target_folder()?);
    match command.status()?.success() {
        true => Ok(()),
        false => Err("the build of parbuckle failed".into()),
    }
}

/// For example `parbuckle 0.1.0`.
pub(crate) fn version() -> Result<String> {
    let output = Command::new(binary()?).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn binary() -> Result<PathBuf> {
    Ok(crate::target_folder()?.join("release").join("parbuckle"))
}

/// Gives the address once the ready line has come. Later lines are read too, so that they never fill the pipe.
fn watch_for_ready(
    lines: impl Iterator<Item = std::io::Result<String>> + Send + 'static,
) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(std::io::Result::ok) {
            if let Some(addr) = line.strip_prefix(READY) {
                // Nobody may be waiting any longer.
                let _ = sender.send(addr.trim().to_owned());
            }
        }
    });
    receiver
}
