//! The Python SDK's upload manager with large files, streams, many parallel parts and a crash in the middle. The
//! scripts in `clients/` hold one function per rule; smaller uploads are in `python_sdk.rs`.

use std::path::Path;

use parbuckle_testkit::TestServer;
use parbuckle_testkit::clients::python;

async fn run(rule: &str) {
    run_on(&server().await, rule).await;
}

async fn server() -> TestServer {
    TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await
}

async fn run_on(server: &TestServer, rule: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/transfers.py");
    python(server, &script, [rule]).run().await.success();
}

#[tokio::test]
async fn a_file_of_300_mib_is_stored_in_16_parallel_parts() {
    run("three_hundred_mib_in_sixteen_parallel_parts").await;
}

#[tokio::test]
async fn a_file_beyond_the_default_part_size_is_stored_in_parts() {
    run("more_than_the_default_part").await;
}

#[tokio::test]
async fn every_size_around_the_part_size_comes_back() {
    run("sizes_around_the_part_size").await;
}

#[tokio::test]
async fn a_stream_without_length_is_stored_in_16_parallel_parts() {
    run("a_stream_in_sixteen_parallel_parts").await;
}

#[tokio::test]
async fn an_empty_stream_becomes_an_empty_object_and_leaves_no_upload() {
    run("an_empty_stream").await;
}

#[tokio::test]
async fn the_crc32c_of_parallel_parts_is_that_of_the_whole() {
    run("a_checksum_over_parallel_parts").await;
}

#[tokio::test]
async fn an_upload_resumes_after_the_server_was_killed() {
    let mut server = server().await;
    run_on(&server, "begin_and_break_off").await;
    server.restart().await;
    run_on(&server, "resume").await;
}
