//! The socket between the command and a running server.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use parbuckle_testkit::TestServer;

use crate::PARBUCKLE;
use crate::tenant::{Tenant, create, mode_of, tenancy};

#[tokio::test]
async fn the_socket_belongs_to_its_owner_alone_and_goes_with_the_server() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let socket = server.data_dir().join("control");
    assert_eq!(mode_of(&socket), 0o600);
    assert!(server.terminate().await.success());
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_socket_that_a_killed_server_left_hinders_neither_command_nor_start() {
    let mut server = TestServer::start(PARBUCKLE).await;
    server.kill9();
    assert!(server.data_dir().join("control").exists());
    create(server.data_dir(), "stopped");
    server.restart().await;
    create(server.data_dir(), "running");
    for name in ["stopped", "running"] {
        Tenant::read(&server, name).asked_namespace().await;
    }
}

#[tokio::test]
async fn a_data_folder_with_a_long_path_has_a_socket_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d".repeat(100)).join("e".repeat(100));
    fs::create_dir_all(&data).unwrap();
    let mut server = TestServer::builder(PARBUCKLE).data_dir(&data).start().await;
    assert_eq!(mode_of(&data.join("control")), 0o600);
    create(&data, "acme");
    Tenant::read(&server, "acme").asked_namespace().await;
    assert!(server.terminate().await.success());
    assert!(!data.join("control").exists());
}

#[tokio::test]
async fn what_is_no_command_is_answered_and_harms_nothing() {
    let server = TestServer::start(PARBUCKLE).await;
    let path = server.data_dir().join("control");
    for line in [
        "\n",
        "{}\n",
        "{\"create-tenancy\":{\"name\":\"../x\"}}\n",
        "{\"create-tenancy\":{\"name\":\"config\"}}\n",
        "{\"drop-everything\":{}}\n",
    ] {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("{\"failed\":"), "{line:?}: {reply}");
    }
    create(server.data_dir(), "acme");
}

#[tokio::test]
async fn a_folder_that_somebody_holds_without_answering_is_reported_as_in_use() {
    let mut server = TestServer::start(PARBUCKLE).await;
    assert!(server.terminate().await.success());
    let lock = OpenOptions::new()
        .write(true)
        .open(server.data_dir().join("lock"))
        .unwrap();
    lock.try_lock().unwrap();
    let ran = tenancy(server.data_dir(), &["create", "acme"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("in use"), "{ran:?}");
}
