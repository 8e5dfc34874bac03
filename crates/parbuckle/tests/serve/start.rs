//! The first start, the starts after it, and refusals to start.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use parbuckle_testkit::TestServer;
use parbuckle_testkit::clients::shell;

use crate::PARBUCKLE;
use crate::process::{Process, bootstrap, refused};

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn the_files_of_the_first_start_belong_to_their_owner_alone() {
    let server = TestServer::start(PARBUCKLE).await;
    let admin = server.data_dir().join("admin");
    assert_eq!(mode_of(server.data_dir()), 0o700);
    assert_eq!(mode_of(&admin), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&admin).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode_of(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["bootstrap.json", "config", "oci_api_key.pem"]);
}

#[tokio::test]
async fn the_commands_printed_at_the_first_start_work() {
    let server = TestServer::start(PARBUCKLE).await;
    let output = server.output();
    let (_, steps) = output.split_once("listening on ").unwrap();
    let (_, steps) = steps.split_once('\n').unwrap();
    let (steps, _) = steps.split_once("---").unwrap();
    assert_eq!(
        steps.lines().filter(|line| !line.starts_with('#')).count(),
        3,
        "{steps}"
    );
    let ran = shell(&server, steps).run().await.success();
    assert!(ran.stdout.ends_with("Hello from a link"), "{ran}");
}

#[tokio::test]
async fn a_later_start_keeps_the_tenancy_prints_one_line_and_renews_the_endpoint() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let before = bootstrap(server.data_dir());
    server.restart().await;
    let after = bootstrap(server.data_dir());
    assert_eq!(after["endpoint"], server.endpoint());
    assert_eq!(
        after["swift_auth_url"],
        format!("{}/auth/v1.0", server.endpoint())
    );
    for kept in [
        "namespace",
        "tenancy_ocid",
        "admin_user_ocid",
        "admin_password",
        "swift_account",
    ] {
        assert_eq!(before[kept], after[kept], "{kept}");
    }
    let output = server.output();
    let (_, second) = output.split_once("--- server stdout, start 2\n").unwrap();
    let (stdout, _) = second.split_once("--- server stderr").unwrap();
    assert_eq!(
        stdout,
        format!("parbuckle: listening on {}\n", server.endpoint())
    );
    server.admin().create_bucket("still-the-same-key").await;
}

#[tokio::test]
async fn a_first_start_that_died_before_the_tenancy_is_repeated_whole() {
    let folder = tempfile::tempdir().unwrap();
    let admin = folder.path().join("admin");
    let abandoned = {
        let server = TestServer::start(PARBUCKLE).await;
        fs::create_dir(&admin).unwrap();
        for name in ["config", "oci_api_key.pem", "bootstrap.json"] {
            fs::copy(server.data_dir().join("admin").join(name), admin.join(name)).unwrap();
        }
        fs::copy(
            server.data_dir().join("layout"),
            folder.path().join("layout"),
        )
        .unwrap();
        bootstrap(server.data_dir())
    };
    let server = TestServer::builder(PARBUCKLE)
        .data_dir(folder.path())
        .start()
        .await;
    assert_ne!(
        bootstrap(server.data_dir())["tenancy_ocid"],
        abandoned["tenancy_ocid"]
    );
    server.admin().create_bucket("the-new-key-works").await;
}

#[tokio::test]
async fn a_second_process_on_the_data_folder_is_refused() {
    let server = TestServer::start(PARBUCKLE).await;
    let folder = server.data_dir().canonicalize().unwrap();
    let (code, error) = refused(&[
        "--data-dir",
        folder.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, Some(3), "{error}");
    assert!(
        error.contains(folder.to_str().unwrap()) && error.contains("in use"),
        "{error}"
    );
    server.admin().create_bucket("the-first-goes-on").await;
}

#[test]
fn a_folder_of_someone_else_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "x").unwrap();
    let (code, error) = refused(&[
        "--data-dir",
        folder.path().to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains("not Parbuckle's") && error.contains(folder.path().to_str().unwrap()),
        "{error}"
    );
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data");
    fs::write(&file, "x").unwrap();
    let (code, error) = refused(&["--data-dir", file.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains(file.to_str().unwrap()), "{error}");
}

#[test]
fn a_port_that_is_taken_is_refused_by_address() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let (code, error) = refused(&[
        "--data-dir",
        folder.path().to_str().unwrap(),
        "--listen",
        &address,
    ]);
    assert_eq!(code, Some(1), "{error}");
    assert!(
        error.contains(&format!("cannot listen on {address}")),
        "{error}"
    );
}

#[test]
fn a_listener_for_other_machines_without_tls_is_refused() {
    let (code, error) = refused(&["--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("--allow-insecure-listen"), "{error}");
}

#[test]
fn variables_stand_between_flags_and_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("parbuckle.toml");
    fs::write(&config, "region = \"file-1\"\nlisten = \"127.0.0.1:0\"").unwrap();
    let config = config.to_str().unwrap();
    let region = |args: &[&str], variables: &[(&str, &str)]| {
        let data = tempfile::tempdir_in(folder.path()).unwrap();
        let mut all = vec![
            "--config",
            config,
            "--data-dir",
            data.path().to_str().unwrap(),
        ];
        all.extend_from_slice(args);
        let _server = Process::start(&all, variables);
        bootstrap(data.path())["region"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(region(&[], &[]), "file-1");
    assert_eq!(
        region(&[], &[("PARBUCKLE_REGION", "variable-1")]),
        "variable-1"
    );
    assert_eq!(
        region(
            &["--region", "flag-1"],
            &[("PARBUCKLE_REGION", "variable-1")]
        ),
        "flag-1"
    );
}

#[test]
fn the_configuration_file_can_be_named_by_a_variable() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("parbuckle.toml");
    let data = folder.path().join("data");
    fs::write(
        &config,
        format!("data-dir = {data:?}\nlisten = \"127.0.0.1:0\""),
    )
    .unwrap();
    let _server = Process::start(&[], &[("PARBUCKLE_CONFIG", config.to_str().unwrap())]);
    assert!(data.join("admin/config").exists());
}
