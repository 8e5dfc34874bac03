//! The TypeScript SDK and its upload manager against the server: signatures with `x-date`, mixed-case header names,
//! `progress` in commits. The script in `clients/` holds one function per rule; each test runs one of them on a
//! server of its own.

use std::path::Path;

use parbuckle_testkit::TestServer;
use parbuckle_testkit::clients::node;

async fn run(rule: &str) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/typescript.js");
    node(&server, &script, [rule]).run().await.success();
}

#[tokio::test]
async fn a_bucket_is_made_changed_and_deleted() {
    run("aBucketIsMadeChangedAndDeleted").await;
}

#[tokio::test]
async fn odd_names_come_back() {
    run("oddNamesComeBack").await;
}

#[tokio::test]
async fn metadata_and_content_headers_come_back() {
    run("metadataAndContentHeadersComeBack").await;
}

#[tokio::test]
async fn conditions_and_ranges_hold() {
    run("conditionsAndRangesHold").await;
}

#[tokio::test]
async fn objects_are_listed_page_by_page() {
    run("objectsAreListedPageByPage").await;
}

#[tokio::test]
async fn parts_are_committed_in_any_order() {
    run("partsAreCommittedInAnyOrder").await;
}

#[tokio::test]
async fn an_upload_is_aborted() {
    run("anUploadIsAborted").await;
}

#[tokio::test]
async fn the_upload_manager_stores_files_of_any_size() {
    run("theUploadManagerStoresFilesOfAnySize").await;
}

#[tokio::test]
async fn the_upload_manager_stores_a_stream() {
    run("theUploadManagerStoresAStream").await;
}

#[tokio::test]
async fn a_par_serves_without_a_signature() {
    run("aParServesWithoutASignature").await;
}

#[tokio::test]
async fn an_object_is_copied_by_a_work_request() {
    run("anObjectIsCopiedByAWorkRequest").await;
}

#[tokio::test]
async fn an_object_is_renamed() {
    run("anObjectIsRenamed").await;
}

#[tokio::test]
async fn older_versions_are_listed_and_read() {
    run("olderVersionsAreListedAndRead").await;
}

#[tokio::test]
async fn objects_are_deleted_in_a_batch() {
    run("objectsAreDeletedInABatch").await;
}
