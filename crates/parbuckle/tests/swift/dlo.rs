//! Dynamic large objects (Swift wire reference section 9).

use crate::stage::Stage;

/// A container `c` with three segments `s/1` to `s/3` and the object `o` that stands for them.
async fn stage() -> Stage {
    let stage = Stage::with_container().await;
    for (name, content) in [("c/s/2", "fghij"), ("c/s/1", "abcde"), ("c/s/3", "k")] {
        stage.put(name).body(content).await.expect(201);
    }
    let put = stage.put("c/o").header("x-object-manifest", "c/s%2F");
    put.header("content-type", "text/plain").await.expect(201);
    stage
}

#[tokio::test]
async fn it_is_read_as_its_segments_in_order_of_their_names() {
    let stage = stage().await;
    let get = stage.get("c/o").await.expect(200);
    assert_eq!(get.text(), "abcdefghijk");
    assert_eq!(get.required("x-object-manifest"), "c/s%2F");
    assert_eq!(get.required("content-type"), "text/plain");
    let etag = get.required("etag");
    assert!(
        etag.starts_with('"') && etag.ends_with('"') && etag.len() == 34,
        "{etag}"
    );
    let head = stage.head("c/o").await.expect(200);
    assert_eq!(head.required("etag"), etag);
    assert_eq!(head.required("content-length"), "11");
    stage.put("c/s/4").body("l").await.expect(201);
    assert_eq!(stage.get("c/o").await.text(), "abcdefghijkl");
}

#[tokio::test]
async fn one_range_is_served_and_several_are_the_whole() {
    let stage = stage().await;
    let ask = |range: &str| stage.get("c/o").header("range", range);
    let part = ask("bytes=4-6").await.expect(206);
    assert_eq!(
        (part.text().as_str(), part.required("content-range")),
        ("efg", "bytes 4-6/11")
    );
    ask("bytes=11-").await.expect(416);
    assert_eq!(ask("bytes=0-0,2-2").await.expect(200).text(), "abcdefghijk");
}

#[tokio::test]
async fn conditions_are_on_the_etag_of_the_whole() {
    let stage = stage().await;
    let etag = stage.head("c/o").await.required("etag").to_owned();
    stage
        .get("c/o")
        .header("if-none-match", &etag)
        .await
        .expect(304);
    stage
        .get("c/o")
        .header("if-match", "other")
        .await
        .expect(412);
}

#[tokio::test]
async fn without_segments_it_is_empty() {
    let stage = Stage::with_container().await;
    stage
        .put("c/o")
        .header("x-object-manifest", "c/none")
        .await
        .expect(201);
    let get = stage.get("c/o").await.expect(200);
    assert_eq!(
        (get.text().as_str(), get.required("content-length")),
        ("", "0")
    );
}

#[tokio::test]
async fn the_stored_object_can_be_asked_for() {
    let stage = stage().await;
    let get = stage.get("c/o?multipart-manifest=get").await.expect(200);
    assert_eq!(get.text(), "");
    assert_eq!(get.required("etag"), "d41d8cd98f00b204e9800998ecf8427e");
    assert_eq!(get.required("x-object-manifest"), "c/s%2F");
}

#[tokio::test]
async fn a_post_makes_and_unmakes_it_and_a_delete_leaves_the_segments() {
    let stage = stage().await;
    stage.post("c/o").await.expect(202);
    assert_eq!(stage.get("c/o").await.expect(200).text(), "");
    stage
        .post("c/o")
        .header("x-object-manifest", "c/s/")
        .await
        .expect(202);
    assert_eq!(stage.get("c/o").await.expect(200).text(), "abcdefghijk");
    stage.delete("c/o").await.expect(204);
    stage.get("c/s/1").await.expect(200);
}

#[tokio::test]
async fn a_copy_is_the_content_unless_the_manifest_is_asked_for() {
    let stage = stage().await;
    stage
        .put("c/plain")
        .header("x-copy-from", "c/o")
        .await
        .expect(201);
    let plain = stage.get("c/plain").await.expect(200);
    assert_eq!(plain.text(), "abcdefghijk");
    assert_eq!(plain.header("x-object-manifest"), None);
    let call = stage
        .put("c/again?multipart-manifest=get")
        .header("x-copy-from", "c/o");
    call.await.expect(201);
    stage.put("c/s/4").body("l").await.expect(201);
    assert_eq!(
        stage.get("c/again").await.expect(200).text(),
        "abcdefghijkl"
    );
}

#[tokio::test]
async fn what_names_no_container_and_prefix_is_refused() {
    let stage = Stage::with_container().await;
    for value in ["c", "c/", "/c/p", "c/p?x", "c/p&x"] {
        let reply = stage
            .put("c/o")
            .header("x-object-manifest", value)
            .await
            .expect(400);
        let sentence = "X-Object-Manifest must be in the format container/prefix";
        assert_eq!(reply.text(), sentence, "{value}");
    }
}
