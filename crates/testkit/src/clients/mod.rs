//! The real clients, run as users run them: `oci`, the Python and TypeScript SDKs, ocifs, rclone, curl, and a
//! shell for commands as they stand in the documentation.

pub(crate) mod toolbox;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::http::Reply;
use crate::server::TestServer;

/// Bounds one command; a CLI command takes 0.7 s on a quiet machine.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(180);

/// The `oci` CLI as the server's admin, without its retries (they would hide a 5xx for minutes).
pub fn oci<S: AsRef<OsStr>>(server: &TestServer, args: impl IntoIterator<Item = S>) -> Tool {
    let tool = Tool::new(server, toolbox::python_bin().join("oci"));
    tool.args(["--endpoint", server.endpoint(), "--config-file"])
        .args([server.config_file()])
        .args(["--no-retry"])
        .args(args)
}

/// A Python program with the SDK importable. It finds the server through `PARBUCKLE_ENDPOINT`,
/// `PARBUCKLE_CONFIG` (an OCI config file), `PARBUCKLE_NAMESPACE`, `PARBUCKLE_COMPARTMENT` and `PARBUCKLE_REGION`.
pub fn python<S: AsRef<OsStr>>(
    server: &TestServer,
    script: &Path,
    args: impl IntoIterator<Item = S>,
) -> Tool {
    program(server, toolbox::python_bin().join("python"))
        // Spares the import of every OCI service; the scripts import the clients they use.
        .env("OCI_PYTHON_SDK_NO_SERVICE_IMPORTS", "1")
        // Keeps compiled scripts out of the source folder.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args([script])
        .args(args)
}

/// The same with ocifs and fsspec importable as well.
pub fn ocifs<S: AsRef<OsStr>>(
    server: &TestServer,
    script: &Path,
    args: impl IntoIterator<Item = S>,
) -> Tool {
    python(server, script, args).env("PYTHONPATH", toolbox::python_files())
}

/// A Node program that can `require` the TypeScript SDK. It finds the server as a [`python`] program does.
pub fn node<S: AsRef<OsStr>>(
    server: &TestServer,
    script: &Path,
    args: impl IntoIterator<Item = S>,
) -> Tool {
    program(server, "node")
        .env("NODE_PATH", toolbox::node_modules())
        .args([script])
        .args(args)
}

/// rclone with two remotes: `admin:` is the server's admin, `public:` signs nothing. It tries everything once, so
/// that no retry hides a failure.
pub fn rclone<S: AsRef<OsStr>>(server: &TestServer, args: impl IntoIterator<Item = S>) -> Tool {
    let (bootstrap, endpoint) = (server.bootstrap(), server.endpoint());
    let (namespace, region) = (bootstrap.namespace(), bootstrap.field("region"));
    let service = format!(
        "type = oracleobjectstorage\nnamespace = {namespace}\nregion = {region}\nendpoint = {endpoint}\n"
    );
    let admin = format!(
        "provider = user_principal_auth\ncompartment = {}\nconfig_file = {}\nconfig_profile = DEFAULT\n",
        bootstrap.compartment_ocid(),
        server.config_file().display()
    );
    let config = format!("[admin]\n{service}{admin}\n[public]\n{service}provider = no_auth\n");
    let config = server.scratch_file("rclone.conf", config);
    Tool::new(server, toolbox::python_files().join("bin").join("rclone"))
        .args(["--config".as_ref(), config.as_os_str()])
        .args(["--retries", "1", "--low-level-retries", "1"])
        .args(args)
}

/// A command line as the documentation prints it, run by `sh` in the server's scratch folder; `oci`
/// and `curl` are on the path, and `oci` needs no endpoint or config option.
pub fn shell(server: &TestServer, line: &str) -> Tool {
    toolbox::need_curl();
    Tool::new(server, "sh")
        .env("OCI_CLI_ENDPOINT", server.endpoint())
        .env("OCI_CLI_CONFIG_FILE", server.config_file())
        .args(["-c", line])
}

/// curl with these arguments, its result as a reply. Paths are sent as they are (`--path-as-is`); a
/// curl that gets no reply panics.
pub async fn curl<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Reply {
    toolbox::need_curl();
    let files = TempDir::with_prefix("parbuckle-curl-")
        .unwrap_or_else(|error| panic!("making a temporary folder: {error}"));
    let (head, body) = (files.path().join("head"), files.path().join("body"));
    let args: Vec<_> = args
        .into_iter()
        .map(|arg| arg.as_ref().to_owned())
        .collect();
    let mut command = Command::new("curl");
    command
        .args(["-q", "-sS", "--noproxy", "*", "--path-as-is", "-D"])
        .arg(&head);
    command.arg("-o").arg(&body).args(&args);
    let output = run(command, b"").await.success();
    let head = std::fs::read(head).unwrap_or_default();
    let body = match args.iter().any(|arg| arg == "--head") {
        true => Vec::new(), // curl prints the headers in the place of the body
        false => std::fs::read(body).unwrap_or_default(), // no file for an empty body
    };
    parse_head(&output.command, &head, body.into())
}

/// A command being put together.
#[derive(Debug)]
#[must_use = "a tool does nothing until it runs"]
pub struct Tool {
    command: Command,
    stdin: Vec<u8>,
}

impl Tool {
    pub(crate) fn new(server: &TestServer, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        // The developer's settings and proxies must not change what is tested.
        command
            .env_clear()
            .env("PATH", path_with_tools())
            .env("HOME", server.home())
            .env("LC_ALL", "C.UTF-8")
            .env("OCI_CLI_SUPPRESS_FILE_PERMISSIONS_WARNING", "True")
            .env("SUPPRESS_LABEL_WARNING", "True")
            .current_dir(server.scratch());
        Self {
            command,
            stdin: Vec::new(),
        }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the command reads from standard input; otherwise nothing.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end, however it ends.
    pub async fn run(self) -> Output {
        run(self.command, &self.stdin).await
    }
}

/// How a command ended. The Display form shows the command, its status and both outputs.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command line.
    pub command: String,
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Output {
    /// Returns the output if the command succeeded.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.code == Some(0), "the command failed\n{self}");
        self
    }

    /// Returns the output if the command ended with a non-zero code.
    #[track_caller]
    pub fn failure(self) -> Self {
        assert!(
            self.code.is_some_and(|code| code != 0),
            "the command did not fail\n{self}"
        );
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("standard output is not JSON: {error}\n{self}"))
    }

    /// The JSON that the `oci` CLI prints under `ServiceError:` when the server refused.
    #[track_caller]
    pub fn service_error(&self) -> Value {
        let parsed = self
            .stderr
            .split_once("ServiceError:")
            .and_then(|(_, json)| serde_json::from_str(json.trim()).ok());
        parsed.unwrap_or_else(|| panic!("no ServiceError in standard error\n{self}"))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "command: {}", self.command)?;
        match self.code {
            Some(code) => writeln!(f, "status: {code}")?,
            None => writeln!(f, "status: ended by a signal")?,
        }
        write!(
            f,
            "--- stdout\n{}\n--- stderr\n{}\n",
            self.stdout, self.stderr
        )
    }
}

/// What the scripts find the server with.
fn program(server: &TestServer, interpreter: impl AsRef<OsStr>) -> Tool {
    let bootstrap = server.bootstrap();
    Tool::new(server, interpreter)
        .env("PARBUCKLE_ENDPOINT", server.endpoint())
        .env("PARBUCKLE_CONFIG", server.config_file())
        .env("PARBUCKLE_NAMESPACE", bootstrap.namespace())
        .env("PARBUCKLE_COMPARTMENT", bootstrap.compartment_ocid())
        .env("PARBUCKLE_REGION", bootstrap.field("region"))
}

async fn run(mut command: Command, stdin: &[u8]) -> Output {
    let shown = show(&command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let finished = timeout(COMMAND_TIME_MAX, async {
        let mut child = command.spawn()?;
        let mut input = child.stdin.take().expect("standard input is piped");
        let (_, output) = tokio::join!(
            async move {
                // A command that reads no input closes the pipe; that is not our failure.
                let _ = input.write_all(stdin).await;
            },
            child.wait_with_output()
        );
        output
    })
    .await;
    match finished {
        Ok(Ok(output)) => Output {
            command: shown,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        Ok(Err(error)) => panic!("running {shown}: {error}"),
        Err(_) => panic!("still running after {COMMAND_TIME_MAX:?}: {shown}"),
    }
}

fn show(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn path_with_tools() -> OsString {
    let system = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(toolbox::python_bin().to_owned());
    let folders = folders.chain(std::env::split_paths(&system));
    std::env::join_paths(folders).expect("the parts of PATH make a PATH")
}

/// Reads the last header block of curl's `-D` file; earlier ones are interim answers.
fn parse_head(request: &str, head: &[u8], body: Bytes) -> Reply {
    let head = String::from_utf8_lossy(head);
    let block = head
        .trim_end()
        .rsplit("\r\n\r\n")
        .next()
        .unwrap_or_default();
    let mut lines = block.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .unwrap_or_else(|| panic!("no status line in the answer\ncommand: {request}\n{head}"));
    let mut headers = HeaderMap::new();
    for line in lines {
        let parsed = line.split_once(':').and_then(|(name, value)| {
            Some((
                name.parse::<HeaderName>().ok()?,
                value.trim().parse::<HeaderValue>().ok()?,
            ))
        });
        let Some((name, value)) = parsed else {
            panic!("bad header line {line:?}\n{head}")
        };
        headers.append(name, value);
    }
    Reply {
        request: request.to_owned(),
        status,
        headers,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_answer_counts_not_the_interim_one() {
        let head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nETag: e\r\n\r\n";
        let reply = parse_head("curl", head, Bytes::new());
        assert_eq!((reply.status, reply.header("etag")), (200, Some("e")));
    }

    #[test]
    fn a_service_error_is_read_from_below_the_usage_text() {
        let output = Output {
            command: String::new(),
            code: Some(1),
            stdout: String::new(),
            stderr: "noise\nServiceError:\n{\"code\": \"BucketNotFound\"}\n".to_owned(),
        };
        assert_eq!(output.service_error()["code"], "BucketNotFound");
    }
}
