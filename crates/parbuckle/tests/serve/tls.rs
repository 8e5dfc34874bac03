//! The listener with TLS.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Process, bootstrap, refused};

/// A folder with a certificate for 127.0.0.1 and its key.
struct Files {
    folder: TempDir,
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        fs::write(&cert, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Self { folder, cert, key }
    }

    /// Arguments for `serve`; the listener and the data folder among them.
    fn args(&self) -> Vec<String> {
        let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
        let data = self.folder.path().join("data");
        [
            "--data-dir",
            &path(&data),
            "--listen",
            "127.0.0.1:0",
            "--tls-cert",
            &path(&self.cert),
            "--tls-key",
            &path(&self.key),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn start(&self) -> Process {
        let args = self.args();
        Process::start(&args.iter().map(String::as_str).collect::<Vec<_>>(), &[])
    }

    fn refused(&self) -> (Option<i32>, String) {
        let args = self.args();
        refused(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What curl prints for `/healthz` and then the HTTP version.
    fn curl(&self, server: &Process, args: &[&str]) -> String {
        let output = Command::new("curl")
            .args([
                "-q",
                "-sS",
                "--noproxy",
                "*",
                "-w",
                "%{http_version}",
                "--cacert",
            ])
            .arg(&self.cert)
            .args(args)
            .arg(format!("{}/healthz", server.url))
            .output()
            .expect("curl is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }
}

#[test]
fn a_client_that_trusts_the_certificate_is_served_over_http_2_and_1() {
    let files = Files::make();
    let server = files.start();
    assert!(server.url.starts_with("https://"), "{}", server.url);
    assert_eq!(files.curl(&server, &["--http2"]), "ok\n2");
    assert_eq!(files.curl(&server, &["--http1.1"]), "ok\n1.1");
}

#[test]
fn both_versions_of_tls_that_are_safe_are_spoken() {
    let files = Files::make();
    let server = files.start();
    assert_eq!(files.curl(&server, &["--tls-max", "1.2"]), "ok\n2");
    assert_eq!(files.curl(&server, &["--tlsv1.3"]), "ok\n2");
}

#[test]
fn the_bootstrap_file_names_the_tls_endpoint() {
    let files = Files::make();
    let server = files.start();
    assert_eq!(
        bootstrap(&files.folder.path().join("data"))["endpoint"],
        server.url.as_str()
    );
}

#[test]
fn clear_text_on_the_tls_port_gets_no_http() {
    let files = Files::make();
    let server = files.start();
    let output = Command::new("curl")
        .args([
            "-q",
            "-sS",
            "--noproxy",
            "*",
            "-m",
            "20",
            &format!("http://{}/healthz", server.address()),
        ])
        .output()
        .expect("curl is installed");
    assert!(!output.status.success());
    assert_eq!(output.stdout, b"");
}

#[test]
fn a_key_file_without_a_key_is_refused_by_name() {
    let files = Files::make();
    fs::write(&files.key, "not a key").unwrap();
    let (code, error) = files.refused();
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(files.key.to_str().unwrap()), "{error}");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let files = Files::make();
    fs::copy(Files::make().key, &files.key).unwrap();
    let (code, error) = files.refused();
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("do not work together"), "{error}");
}

#[test]
fn a_refused_certificate_leaves_no_data_folder_behind() {
    let files = Files::make();
    fs::write(&files.cert, "").unwrap();
    let (_, error) = files.refused();
    assert!(error.contains("holds no PEM certificate"), "{error}");
    assert!(!files.folder.path().join("data").exists());
}
