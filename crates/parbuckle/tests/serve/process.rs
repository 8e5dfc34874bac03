//! A `parbuckle serve` with any arguments and variables, for what the usual test server does not do.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::PARBUCKLE;

/// A running server; killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// From the ready line, such as `http://127.0.0.1:9085`.
    pub(crate) url: String,
}

impl Process {
    /// Starts `serve` with these arguments and variables and waits until it is ready.
    pub(crate) fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = serve(args, variables)
            .spawn()
            .expect("the binary was built with this test");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the server writes UTF-8");
        let Some(url) = line.trim_end().strip_prefix("parbuckle: listening on ") else {
            let mut errors = String::new();
            let mut stderr = child.stderr.take().expect("standard error is piped");
            stderr
                .read_to_string(&mut errors)
                .expect("the server writes UTF-8");
            panic!("not ready: {line:?}\n{errors}");
        };
        Self {
            url: url.to_owned(),
            child,
        }
    }

    /// `host:port` of the listener.
    pub(crate) fn address(&self) -> &str {
        self.url
            .split_once("://")
            .map_or("", |(_, address)| address)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a `serve` that is expected to refuse to start; returns its exit code and standard error.
pub(crate) fn refused(args: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = serve(args, &[])
        .output()
        .expect("the binary was built with this test");
    assert!(
        stdout.is_empty(),
        "it spoke of success: {}",
        String::from_utf8_lossy(&stdout)
    );
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

/// `<data>/admin/bootstrap.json`.
pub(crate) fn bootstrap(data: &Path) -> Value {
    let text = std::fs::read(data.join("admin/bootstrap.json")).expect("the first start wrote it");
    serde_json::from_slice(&text).expect("it is JSON")
}

fn serve(args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(PARBUCKLE);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PARBUCKLE_") {
            command.env_remove(name);
        }
    }
    command
        .arg("serve")
        .args(args)
        .envs(variables.iter().copied());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
