//! The Python SDK against the server. The scripts in `clients/` hold one function per rule; each test
//! runs one of them on a server of its own.

use std::path::Path;

use parbuckle_testkit::TestServer;
use parbuckle_testkit::clients::python;

async fn run(script: &str, rule: &str) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join("clients")
        .join(script);
    python(&server, &path, [rule]).run().await.success();
}

#[tokio::test]
async fn upload_manager_stores_an_empty_file() {
    run("uploads.py", "no_bytes").await;
}

#[tokio::test]
async fn upload_manager_stores_one_byte() {
    run("uploads.py", "one_byte").await;
}

#[tokio::test]
async fn upload_manager_stores_5_mib_in_one_request() {
    run("uploads.py", "five_mib_in_one_request").await;
}

#[tokio::test]
async fn upload_manager_stores_25_mib_in_parallel_parts() {
    run("uploads.py", "twenty_five_mib_in_parallel_parts").await;
}

#[tokio::test]
async fn upload_manager_stores_a_stream_of_unknown_length() {
    run("uploads.py", "a_stream_of_unknown_length").await;
}

#[tokio::test]
async fn a_multipart_upload_keeps_its_metadata() {
    run("uploads.py", "metadata_of_a_multipart_upload").await;
}

#[tokio::test]
async fn upload_manager_resumes_an_upload() {
    run("uploads.py", "a_resumed_upload").await;
}

#[tokio::test]
async fn a_wrong_md5_is_refused() {
    run("uploads.py", "a_wrong_md5").await;
}

#[tokio::test]
async fn a_wrong_sha256_is_refused() {
    run("uploads.py", "a_wrong_sha256").await;
}

#[tokio::test]
async fn checksums_that_were_asked_for_are_kept() {
    run("uploads.py", "asked_checksums").await;
}

#[tokio::test]
async fn an_unchanged_etag_gives_304() {
    run("reads.py", "an_unchanged_etag").await;
}

#[tokio::test]
async fn another_etag_gives_the_object_or_412() {
    run("reads.py", "another_etag").await;
}

#[tokio::test]
async fn a_range_gives_its_bytes() {
    run("reads.py", "a_range").await;
}

#[tokio::test]
async fn a_range_beyond_the_end_gives_416() {
    run("reads.py", "a_range_beyond_the_end").await;
}

#[tokio::test]
async fn content_headers_come_back() {
    run("reads.py", "content_headers").await;
}

#[tokio::test]
async fn a_get_may_override_content_headers() {
    run("reads.py", "response_overrides").await;
}

#[tokio::test]
async fn a_public_bucket_is_read_without_a_signature() {
    run("reads.py", "a_public_bucket").await;
}

#[tokio::test]
async fn a_put_of_a_new_object_only_keeps_the_old_one() {
    run("reads.py", "a_new_object_only").await;
}

#[tokio::test]
async fn a_stale_delete_leaves_the_object() {
    run("reads.py", "a_stale_delete").await;
}

#[tokio::test]
async fn objects_are_listed_page_by_page() {
    run("lists.py", "objects_page_by_page").await;
}

#[tokio::test]
async fn the_pagination_helper_lists_objects_and_prefixes() {
    run("lists.py", "objects_with_the_pagination_helper").await;
}

#[tokio::test]
async fn objects_are_listed_with_every_field() {
    run("lists.py", "objects_with_every_field").await;
}

#[tokio::test]
async fn buckets_are_listed_page_by_page() {
    run("lists.py", "buckets_page_by_page").await;
}

#[tokio::test]
async fn pars_are_listed_page_by_page() {
    run("lists.py", "pars_page_by_page").await;
}

#[tokio::test]
async fn pars_are_listed_by_object_prefix() {
    run("lists.py", "pars_by_object_prefix").await;
}

#[tokio::test]
async fn uploads_are_listed_page_by_page() {
    run("lists.py", "uploads_page_by_page").await;
}

#[tokio::test]
async fn parts_are_listed_page_by_page() {
    run("lists.py", "parts_page_by_page").await;
}

#[tokio::test]
async fn a_missing_bucket_is_refused_by_every_operation() {
    run("errors.py", "a_missing_bucket").await;
}

#[tokio::test]
async fn the_head_of_a_missing_thing_has_no_code() {
    run("errors.py", "the_head_of_a_missing_thing").await;
}

#[tokio::test]
async fn a_missing_object_is_named() {
    run("errors.py", "a_missing_object").await;
}

#[tokio::test]
async fn an_unknown_namespace_is_refused() {
    run("errors.py", "an_unknown_namespace").await;
}

#[tokio::test]
async fn an_existing_bucket_is_not_created_again() {
    run("errors.py", "an_existing_bucket").await;
}

#[tokio::test]
async fn a_bucket_with_objects_is_not_deleted() {
    run("errors.py", "a_bucket_with_objects").await;
}

#[tokio::test]
async fn a_bad_bucket_name_is_refused() {
    run("errors.py", "a_bad_bucket_name").await;
}

#[tokio::test]
async fn a_bad_object_name_is_refused() {
    run("errors.py", "a_bad_object_name").await;
}

#[tokio::test]
async fn a_bad_list_parameter_is_refused() {
    run("errors.py", "a_bad_list_parameter").await;
}

#[tokio::test]
async fn a_signature_with_a_wrong_key_is_refused() {
    run("errors.py", "a_wrong_key").await;
}

#[tokio::test]
async fn an_unknown_upload_is_refused() {
    run("errors.py", "an_unknown_upload").await;
}

#[tokio::test]
async fn a_commit_without_parts_is_refused() {
    run("errors.py", "a_commit_without_parts").await;
}

#[tokio::test]
async fn a_commit_of_an_unknown_part_is_refused() {
    run("errors.py", "a_commit_of_an_unknown_part").await;
}

#[tokio::test]
async fn a_bad_part_number_is_refused() {
    run("errors.py", "a_bad_part_number").await;
}

#[tokio::test]
async fn an_unknown_par_is_refused() {
    run("errors.py", "an_unknown_par").await;
}

#[tokio::test]
async fn a_stale_bucket_update_is_refused() {
    run("errors.py", "a_stale_bucket_update").await;
}

#[tokio::test]
async fn a_par_serves_until_it_is_deleted() {
    run("pars.py", "a_life").await;
}

#[tokio::test]
async fn the_id_of_an_object_par_ends_with_the_object() {
    run("pars.py", "the_id_of_an_object_par_ends_with_the_object").await;
}

#[tokio::test]
async fn the_id_of_a_prefix_par_has_no_suffix() {
    run("pars.py", "the_id_of_a_prefix_par_has_no_suffix").await;
}

#[tokio::test]
async fn par_ids_with_slash_and_plus_work() {
    run("pars.py", "ids_with_slash_and_plus_work").await;
}

#[tokio::test]
async fn object_par_ids_with_slash_and_plus_work() {
    run("pars.py", "ids_of_object_pars_with_slash_and_plus_work").await;
}

#[tokio::test]
async fn every_access_type_can_be_created() {
    run("pars.py", "six_access_types").await;
}

#[tokio::test]
async fn par_names_need_not_differ() {
    run("pars.py", "names_need_not_differ").await;
}

#[tokio::test]
async fn a_par_may_expire_in_the_year_9999() {
    run("pars.py", "far_expiry_is_allowed").await;
}

#[tokio::test]
async fn a_bucket_with_a_par_is_not_deleted() {
    run("pars.py", "a_bucket_with_a_par_stays").await;
}

#[tokio::test]
async fn a_par_is_deleted_once() {
    run("pars.py", "deleting_twice").await;
}

#[tokio::test]
async fn many_pars_serve_side_by_side() {
    run("pars.py", "many_pars_in_one_bucket").await;
}
