//! ocifs, the fsspec file system of this service, against the server. The script in `clients/` holds one function per
//! rule; each test runs one of them on a server of its own.

use std::path::Path;

use parbuckle_testkit::TestServer;
use parbuckle_testkit::clients::ocifs;

async fn run(rule: &str) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/files.py");
    ocifs(&server, &script, [rule]).run().await.success();
}

#[tokio::test]
async fn a_file_comes_back() {
    run("a_file_comes_back").await;
}

#[tokio::test]
async fn a_large_file_goes_in_parts() {
    run("a_large_file_goes_in_parts").await;
}

#[tokio::test]
async fn ranges_are_read() {
    run("ranges_are_read").await;
}

#[tokio::test]
async fn folders_are_listed() {
    run("folders_are_listed").await;
}

#[tokio::test]
async fn trees_are_found() {
    run("trees_are_found").await;
}

#[tokio::test]
async fn things_exist_or_not() {
    run("things_exist_or_not").await;
}

#[tokio::test]
async fn a_file_is_described() {
    run("a_file_is_described").await;
}

#[tokio::test]
async fn files_are_removed() {
    run("files_are_removed").await;
}

#[tokio::test]
async fn a_file_is_appended_to() {
    run("a_file_is_appended_to").await;
}

#[tokio::test]
async fn local_files_go_up_and_down() {
    run("local_files_go_up_and_down").await;
}

#[tokio::test]
async fn a_url_is_opened_through_fsspec() {
    run("a_url_is_opened_through_fsspec").await;
}

#[tokio::test]
async fn a_bucket_is_made_and_removed() {
    run("a_bucket_is_made_and_removed").await;
}

#[tokio::test]
async fn a_file_is_copied() {
    run("a_file_is_copied").await;
}

#[tokio::test]
async fn files_are_moved() {
    run("files_are_moved").await;
}

#[tokio::test]
async fn a_file_is_renamed() {
    run("a_file_is_renamed").await;
}
