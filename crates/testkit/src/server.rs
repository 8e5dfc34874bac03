//! A real server process per test, on a free port and its own data folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clock::Clock;
use crate::http::Http;
use crate::key::TestKey;
use crate::sign::Signer;
use crate::storage::SignedClient;

/// The one line of standard output that says the server answers.
const READY_LINE: &str = "listening on http://";
/// Bounds start and stop; both take milliseconds on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A running `parbuckle serve`. Dropping it kills the process and removes its files; when the test is
/// panicking, what the server wrote is printed first.
#[derive(Debug)]
pub struct TestServer {
    builder: TestServerBuilder,
    temp: TempDir,
    data_dir: PathBuf,
    starts: usize,
    child: Child,
    endpoint: String,
    bootstrap: Bootstrap,
    clock: Clock,
}

impl TestServer {
    /// Starts the binary (`env!("CARGO_BIN_EXE_parbuckle")`) on a new data folder and waits until it
    /// answers.
    pub async fn start(binary: impl Into<PathBuf>) -> Self {
        Self::builder(binary).start().await
    }

    /// For further arguments or an old data folder.
    pub fn builder(binary: impl Into<PathBuf>) -> TestServerBuilder {
        TestServerBuilder {
            binary: binary.into(),
            args: Vec::new(),
            data_dir: None,
        }
    }

    /// The first user, who may do everything.
    pub fn admin(&self) -> SignedClient {
        let config = OciConfig::read(&self.config_file());
        let key_id = format!("{}/{}/{}", config.tenancy, config.user, config.fingerprint);
        self.signed_by(Signer::new(
            key_id,
            TestKey::read_pem(&config.key_file),
            self.clock.clone(),
        ))
    }

    /// A client with any signer, for this server's namespace and root compartment.
    pub fn signed_by(&self, signer: Signer) -> SignedClient {
        SignedClient::new(
            self.anonymous(),
            Arc::new(signer),
            &self.bootstrap,
            self.clock.clone(),
        )
    }

    /// A client that signs nothing: for PARs, public buckets and refusals.
    pub fn anonymous(&self) -> Http {
        Http::new(self.endpoint.trim_start_matches("http://"))
    }

    /// `http://127.0.0.1:PORT`; another port after [`TestServer::restart`].
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What the first start wrote for people and tools (DESIGN section 6).
    pub fn bootstrap(&self) -> &Bootstrap {
        &self.bootstrap
    }

    /// Adds a tenancy, as an operator does beside the running server; what was written for its administrator.
    pub fn make_tenancy(&self, name: &str) -> Bootstrap {
        let mut command = Command::new(&self.builder.binary);
        command
            .args(["tenancy", "create", name, "--data-dir"])
            .arg(&self.data_dir)
            .env_clear();
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("running {command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {output:?}");
        let folder = self.data_dir.join("admin").join(name);
        Bootstrap::read(&folder.join("bootstrap.json"))
    }

    /// The OCI config file of the admin, profile DEFAULT.
    pub fn config_file(&self) -> PathBuf {
        self.data_dir.join("admin").join("config")
    }

    /// The clock that this server's test clients use.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A folder for the test's own files; goes with the server.
    pub fn scratch(&self) -> PathBuf {
        self.folder("scratch")
    }

    /// Writes a file into [`TestServer::scratch`]; the name may hold folders, which are made.
    pub fn scratch_file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.scratch().join(name);
        let folder = path.parent().expect("the path lies in the scratch folder");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, content))
            .unwrap_or_else(|error| panic!("writing {}: {error}", path.display()));
        path
    }

    /// The home folder of the client tools; goes with the server.
    pub fn home(&self) -> PathBuf {
        self.folder("home")
    }

    /// Moves the clock of a server started with `--dev` forward, and the test clients' clock with it.
    pub async fn advance_clock(&self, secs: u32) {
        let body = json!({ "advanceSeconds": secs });
        self.anonymous()
            .post("/dev/clock")
            .json(&body)
            .await
            .expect(204);
        self.clock.advance(secs);
    }

    /// SIGKILL, as a power cut would do it to the process.
    pub fn kill9(&mut self) {
        // Fails only if the process is gone already, which is what was asked for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM; returns how the server ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        if let Ok(None) = self.child.try_wait() {
            kill_process(Pid::from_child(&self.child), Signal::TERM)
                .unwrap_or_else(|error| panic!("sending SIGTERM: {error}"));
        }
        let began = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status,
                Ok(None) if began.elapsed() < PATIENCE => {}
                Ok(None) => panic!(
                    "still running {PATIENCE:?} after SIGTERM\n{}",
                    self.output()
                ),
                Err(error) => panic!("waiting for the server: {error}"),
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Starts again on the same data folder; kills the old process first if it still runs.
    pub async fn restart(&mut self) {
        self.kill9();
        self.starts += 1;
        self.child = self
            .builder
            .spawn(self.temp.path(), &self.data_dir, self.starts);
        self.clock = Clock::default();
        self.become_ready().await;
    }

    /// Everything the server has written to standard output and standard error, all starts.
    pub fn output(&self) -> String {
        let mut text = String::new();
        for start in 1..=self.starts {
            for stream in ["stdout", "stderr"] {
                let written =
                    fs::read(log_path(self.temp.path(), stream, start)).unwrap_or_default();
                text.push_str(&format!("--- server {stream}, start {start}\n"));
                text.push_str(&String::from_utf8_lossy(&written));
            }
        }
        text
    }

    async fn become_ready(&mut self) {
        let began = Instant::now();
        loop {
            if let Some(endpoint) = self.announced_endpoint() {
                self.endpoint = endpoint;
                break;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the server ended at start: {status}\n{}", self.output());
            }
            if began.elapsed() > PATIENCE {
                panic!(
                    "the server was not ready within {PATIENCE:?}\n{}",
                    self.output()
                );
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        self.bootstrap = Bootstrap::read(&self.data_dir.join("admin").join("bootstrap.json"));
    }

    /// The address in the ready line, once the whole line is there.
    fn announced_endpoint(&self) -> Option<String> {
        let path = log_path(self.temp.path(), "stdout", self.starts);
        let written = fs::read_to_string(path).ok()?;
        let (_, rest) = written.split_once(READY_LINE)?;
        let (address, _) = rest.split_once('\n')?;
        Some(format!("http://{}", address.trim()))
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.temp.path().join(name);
        fs::create_dir_all(&path)
            .unwrap_or_else(|error| panic!("making {}: {error}", path.display()));
        path
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            eprintln!("{}", self.output());
        }
    }
}

/// How to start a server.
#[derive(Clone, Debug)]
pub struct TestServerBuilder {
    binary: PathBuf,
    args: Vec<String>,
    data_dir: Option<PathBuf>,
}

impl TestServerBuilder {
    /// Adds one argument after `serve --data-dir D --listen 127.0.0.1:0`.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Uses a folder that the caller owns and keeps.
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Starts the server and waits until it answers.
    pub async fn start(self) -> TestServer {
        let temp = TempDir::with_prefix("parbuckle-test-")
            .unwrap_or_else(|error| panic!("making a temporary folder: {error}"));
        let data_dir = self
            .data_dir
            .clone()
            .unwrap_or_else(|| temp.path().join("data"));
        let child = self.spawn(temp.path(), &data_dir, 1);
        let mut server = TestServer {
            builder: self,
            temp,
            data_dir,
            starts: 1,
            child,
            endpoint: String::new(),
            bootstrap: Bootstrap { json: Value::Null },
            clock: Clock::default(),
        };
        server.become_ready().await;
        server
    }

    fn spawn(&self, logs: &Path, data_dir: &Path, start: usize) -> Child {
        let log = |stream| {
            let path = log_path(logs, stream, start);
            File::create(&path).unwrap_or_else(|error| panic!("making {}: {error}", path.display()))
        };
        let mut command = Command::new(&self.binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir);
        command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log("stdout"))
            .stderr(log("stderr"));
        // The developer's own settings must not change what is tested.
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PARBUCKLE_") {
                command.env_remove(name);
            }
        }
        command
            .spawn()
            .unwrap_or_else(|error| panic!("starting {}: {error}", self.binary.display()))
    }
}

/// `<data>/admin/bootstrap.json`. Its Debug form shows no values: the admin's password is among them.
#[derive(Clone)]
pub struct Bootstrap {
    json: Value,
}

impl Bootstrap {
    /// A field that has to be there as text, for example `admin_password`.
    #[track_caller]
    pub fn field(&self, name: &str) -> &str {
        self.json[name]
            .as_str()
            .unwrap_or_else(|| panic!("bootstrap.json has no text {name:?}"))
    }

    /// The namespace of the tenancy.
    pub fn namespace(&self) -> &str {
        self.field("namespace")
    }

    /// The compartment that new buckets go to.
    pub fn compartment_ocid(&self) -> &str {
        self.field("compartment_ocid")
    }

    /// The tenancy, which is also the root compartment.
    pub fn tenancy_ocid(&self) -> &str {
        self.field("tenancy_ocid")
    }

    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
        let json = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{} is not JSON: {error}", path.display()));
        Self { json }
    }
}

impl std::fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bootstrap(..)")
    }
}

/// The DEFAULT profile of an OCI config file.
struct OciConfig {
    tenancy: String,
    user: String,
    fingerprint: String,
    key_file: PathBuf,
}

impl OciConfig {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find(|(key, _)| key.trim() == name)
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_else(|| panic!("{} has no {name}", path.display()))
        };
        Self {
            tenancy: value("tenancy"),
            user: value("user"),
            fingerprint: value("fingerprint"),
            key_file: PathBuf::from(value("key_file")),
        }
    }
}

fn log_path(folder: &Path, stream: &str, start: usize) -> PathBuf {
    folder.join(format!("{stream}-{start}.log"))
}
