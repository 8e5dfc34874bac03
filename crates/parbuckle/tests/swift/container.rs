//! Containers (Swift wire reference sections 4 and 6).

use http::Method;

use crate::stage::{Stage, page};

#[tokio::test]
async fn a_container_is_made_once_and_merged_into_afterwards() {
    let stage = Stage::new().await;
    let put = stage.put("c").header("x-container-meta-a", "1");
    let made = put.await.expect(201);
    assert_eq!(made.required("content-type"), "text/html; charset=UTF-8");
    assert!(made.body.is_empty());
    let put = stage.put("c").header("x-container-meta-b", "2");
    let again = put.await.expect(202);
    let accepted = page("Accepted", "The request is accepted for processing.");
    assert_eq!(again.text(), accepted);
    let head = stage.head("c").await.expect(204);
    assert_eq!(head.required("x-container-meta-a"), "1");
    assert_eq!(head.required("x-container-meta-b"), "2");
}

#[tokio::test]
async fn a_container_tells_what_it_holds() {
    let stage = Stage::with_container().await;
    stage.put("c/o").body("hello").await.expect(201);
    for (method, status) in [(Method::HEAD, 204), (Method::GET, 200)] {
        let reply = stage.call(method, "c").await.expect(status);
        for (name, value) in [
            ("x-container-object-count", "1"),
            ("x-container-bytes-used", "5"),
            ("accept-ranges", "bytes"),
        ] {
            assert_eq!(reply.required(name), value, "{name}");
        }
        reply.required("x-timestamp");
        reply.required("last-modified");
    }
}

#[tokio::test]
async fn metadata_and_lists_of_containers_merge_and_go_by_remove_headers() {
    let stage = Stage::with_container().await;
    let post = stage.post("c").header("x-container-read", " a , .ref:* ");
    let post = post.header("x-container-write", "a:joe");
    post.header("x-container-meta-fooBar", "ü")
        .await
        .expect(204);
    let head = stage.head("c").await;
    assert_eq!(head.required("x-container-read"), "a,.r:*");
    assert_eq!(head.required("x-container-write"), "a:joe");
    assert_eq!(
        head.headers["x-container-meta-foobar"].as_bytes(),
        "ü".as_bytes()
    );
    let post = stage.post("c").header("x-remove-container-meta-foobar", "");
    let post = post.header("x-remove-container-read", "");
    post.header("x-container-write", "").await.expect(204);
    let head = stage.head("c").await;
    for name in [
        "x-container-read",
        "x-container-write",
        "x-container-meta-foobar",
    ] {
        assert_eq!(head.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_list_that_means_nothing_is_refused() {
    let stage = Stage::with_container().await;
    for (name, list, sentence) in [
        (
            "x-container-read",
            ".r:",
            "No host/domain value after referrer designation in ACL: '.r:'",
        ),
        (
            "x-container-read",
            ".word:x",
            "Unknown designator '.word' in ACL: '.word:x'",
        ),
        (
            "x-container-write",
            ".r:*",
            "Referrers not allowed in write ACL: '.r:*'",
        ),
    ] {
        let reply = stage.post("c").header(name, list).await.expect(400);
        assert_eq!(reply.text(), sentence);
    }
}

#[tokio::test]
async fn quotas_must_be_numbers() {
    let stage = Stage::with_container().await;
    for (name, sentence) in [
        ("x-container-meta-quota-bytes", "Invalid bytes quota."),
        ("x-container-meta-quota-count", "Invalid count quota."),
    ] {
        let reply = stage.put("c").header(name, "many").await.expect(400);
        assert_eq!(reply.text(), sentence);
    }
}

#[tokio::test]
async fn the_limits_of_metadata_hold_over_the_stored_set() {
    let stage = Stage::with_container().await;
    let many = (0..90).fold(stage.post("c"), |call, n| {
        call.header(&format!("x-container-meta-{n}"), "v")
    });
    many.await.expect(204);
    let one_more = stage.post("c").header("x-container-meta-more", "v");
    assert_eq!(
        one_more.await.expect(400).text(),
        "Too many metadata items; max 90"
    );
    stage
        .post("c")
        .header("x-container-meta-1", "w")
        .await
        .expect(204);
}

#[tokio::test]
async fn a_container_that_is_not_there_can_not_be_read_changed_or_deleted() {
    let stage = Stage::new().await;
    for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
        stage.call(method, "missing").await.expect(404);
    }
}

#[tokio::test]
async fn a_container_is_deleted_when_it_is_empty() {
    let stage = Stage::with_container().await;
    stage.put("c/o").body("x").await.expect(201);
    let reply = stage.delete("c").await.expect(409);
    let conflict = page(
        "Conflict",
        "There was a conflict when trying to complete your request.",
    );
    assert_eq!(reply.text(), conflict);
    stage.delete("c/o").await.expect(204);
    stage.delete("c").await.expect(204);
    stage.head("c").await.expect(404);
}

#[tokio::test]
async fn a_pre_authenticated_request_keeps_its_container() {
    let stage = Stage::with_container().await;
    let admin = stage.server.admin();
    let par = admin
        .create_par("c", parbuckle_testkit::ParSpec::any_read())
        .await;
    stage.delete("c").await.expect(409);
    admin.delete_par("c", &par).await;
    stage.delete("c").await.expect(204);
}

#[tokio::test]
async fn lists_and_keys_are_shown_to_owners_only() {
    let stage = Stage::with_container().await;
    let read = format!("{}:joe", stage.account);
    let post = stage.post("c").header("x-container-read", &read);
    post.header("x-container-meta-temp-url-key", "secret")
        .await
        .expect(204);
    let shown = stage.head("c").await;
    assert_eq!(shown.required("x-container-meta-temp-url-key"), "secret");
    let joe = stage.user("joe").await;
    let hidden = joe.call(Method::HEAD, "c").await.expect(204);
    for name in ["x-container-read", "x-container-meta-temp-url-key"] {
        assert_eq!(hidden.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_write_list_gives_writing_and_neither_reading_nor_listing() {
    let stage = Stage::with_container().await;
    let joe = stage.user("joe").await;
    let write = format!("{}:joe", stage.account);
    stage
        .post("c")
        .header("x-container-write", &write)
        .await
        .expect(204);
    joe.call(Method::PUT, "c/o").body("x").await.expect(201);
    joe.call(Method::POST, "c/o").await.expect(202);
    joe.call(Method::GET, "c/o").await.expect(403);
    joe.call(Method::GET, "c").await.expect(403);
    joe.call(Method::POST, "c").await.expect(403);
    joe.call(Method::DELETE, "c/o").await.expect(204);
}

#[tokio::test]
async fn an_archive_container_is_made_by_its_storage_class() {
    let stage = Stage::new().await;
    let put = stage.put("archive").header("x-storage-class", "Archive");
    put.await.expect(201);
    let head = stage.head("archive").await.expect(204);
    assert_eq!(head.required("x-storage-class"), "Archive");
    stage.put("archive/o").body("x").await.expect(201);
    stage.get("archive/o").await.expect(400);
    stage
        .put("other")
        .header("x-storage-class", "Best")
        .await
        .expect(400);
}

#[tokio::test]
async fn a_bucket_of_the_native_api_is_a_container() {
    let stage = Stage::new().await;
    let admin = stage.server.admin();
    admin.create_bucket("photos").await;
    admin.put_object("photos", "o", "hello").await;
    let get = stage.get("photos/o").await.expect(200);
    assert_eq!(get.required("etag"), "5d41402abc4b2a76b9719d911017c592");
    stage.put("photos/p").body("from swift").await.expect(201);
    assert_eq!(admin.read_object("photos", "p").await, "from swift");
}

#[tokio::test]
async fn a_container_that_is_put_again_counts_as_changed() {
    let server = parbuckle_testkit::TestServer::builder(crate::PARBUCKLE).arg("--dev");
    let stage = Stage::on(server.start().await).await;
    stage.put("c").await.expect(201);
    let before = stage.head("c").await.required("last-modified").to_owned();
    stage.server.advance_clock(60).await;
    stage.put("c/o").await.expect(201);
    assert_eq!(stage.head("c").await.required("last-modified"), before);
    stage.put("c").await.expect(202);
    assert_ne!(stage.head("c").await.required("last-modified"), before);
}
