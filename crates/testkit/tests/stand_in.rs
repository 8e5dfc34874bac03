//! The server handle and the client tools, tried on a stand-in for the server: a shell script that
//! keeps the contract of the binary and nothing more.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use parbuckle_testkit::clients::{node, oci, ocifs, python, rclone, shell};
use parbuckle_testkit::{TestKey, TestServer};
use tempfile::TempDir;

/// Makes an executable script; `serve --listen A --data-dir D` arrive as `$1` to `$5`.
fn script(folder: &TempDir, body: &str) -> PathBuf {
    let path = folder.path().join("stand-in");
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a new folder can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path
}

/// Writes the first-start files and announces a port that counts the starts.
const CONTRACT: &str = r#"
trap 'exit 7' TERM
mkdir -p "$5/admin"
echo start >> "$5/starts"
echo '{"namespace": "ns1", "compartment_ocid": "c1", "tenancy_ocid": "t1", "region": "r1"}' > "$5/admin/bootstrap.json"
echo "parbuckle: listening on http://127.0.0.1:$(wc -l < "$5/starts" | tr -d ' ')"
while :; do sleep 0.01; done
"#;

#[tokio::test]
async fn a_server_is_ready_when_it_says_so() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(script(&folder, CONTRACT)).await;
    assert_eq!(server.endpoint(), "http://127.0.0.1:1");
    assert_eq!(server.bootstrap().namespace(), "ns1");
    assert_eq!(server.anonymous().address(), "127.0.0.1:1");
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_takes_the_new_address() {
    let folder = TempDir::new().unwrap();
    let mut server = TestServer::start(script(&folder, CONTRACT)).await;
    server.restart().await;
    assert_eq!(server.endpoint(), "http://127.0.0.1:2");
}

#[tokio::test]
async fn terminate_returns_how_the_server_ended() {
    let folder = TempDir::new().unwrap();
    let mut server = TestServer::start(script(&folder, CONTRACT)).await;
    assert_eq!(server.terminate().await.code(), Some(7));
}

#[tokio::test]
#[should_panic(expected = "no such disk")]
async fn a_server_that_ends_at_start_fails_with_its_output() {
    let folder = TempDir::new().unwrap();
    TestServer::start(script(&folder, "echo 'no such disk' >&2; exit 1")).await;
}

#[tokio::test]
async fn commands_run_as_typed_in_the_scratch_folder() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(script(&folder, CONTRACT)).await;
    server.scratch_file("note", "written");
    let typed = shell(&server, "cat note; cat")
        .stdin(" and read")
        .run()
        .await
        .success();
    assert_eq!(typed.stdout, "written and read");
}

#[tokio::test]
#[should_panic(expected = "status: 3\n--- stdout\nout\n\n--- stderr\nerr\n")]
async fn a_failed_command_shows_its_status_and_both_outputs() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(script(&folder, CONTRACT)).await;
    shell(&server, "echo out; echo err >&2; exit 3")
        .run()
        .await
        .success();
}

#[tokio::test]
async fn the_python_sdk_is_the_pinned_one() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(script(&folder, CONTRACT)).await;
    let program = server.scratch_file("version.py", "import oci\nprint(oci.__version__)\n");
    let printed = python(&server, &program, [""; 0]).run().await.success();
    assert_eq!(printed.stdout, "2.189.0\n");
}

#[tokio::test]
async fn ocifs_is_the_pinned_one() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(script(&folder, CONTRACT)).await;
    let program = server.scratch_file("version.py", "import ocifs\nprint(ocifs.__version__)\n");
    let printed = ocifs(&server, &program, [""; 0]).run().await.success();
    assert_eq!(printed.stdout, "1.3.4\n");
}

#[tokio::test]
async fn the_typescript_sdk_is_the_pinned_one() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(script(&folder, CONTRACT)).await;
    let asked = "console.log(require('oci-objectstorage/package.json').version)";
    let program = server.scratch_file("version.js", asked);
    let printed = node(&server, &program, [""; 0]).run().await.success();
    assert_eq!(printed.stdout, "2.142.1\n");
}

#[tokio::test]
async fn rclone_is_the_pinned_one() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(script(&folder, CONTRACT)).await;
    let printed = rclone(&server, ["version"]).run().await.success();
    assert!(printed.stdout.starts_with("rclone v1.75.2\n"), "{printed}");
}

#[tokio::test]
async fn the_oci_command_is_the_pinned_one() {
    let folder = TempDir::new().unwrap();
    let server = TestServer::start(script(&folder, CONTRACT)).await;
    let key = server.scratch_file("key.pem", TestKey::generate().private_pem());
    let config = format!(
        "[DEFAULT]\nuser=ocid1.user.oc1..x\ntenancy=ocid1.tenancy.oc1..x\nregion=local\n\
         fingerprint={}00\nkey_file={}\n",
        "00:".repeat(15),
        key.display()
    );
    fs::write(server.config_file(), config).unwrap();
    assert_eq!(
        oci(&server, ["--version"]).run().await.success().stdout,
        "3.95.1\n"
    );
}
