//! Static large objects (Swift wire reference section 10).

use http::Method;
use parbuckle_testkit::Reply;
use serde_json::{Value, json};

use crate::stage::Stage;

/// MD5 of `0123456789` and of `abcdefghij`.
const ETAGS: [&str; 2] = [
    "781e5e245d69b566979b86e28d23f2c7",
    "a925576942e94b2ef57a066101b48876",
];

/// A container `c` with the segments `s/1` and `s/2` of ten bytes each.
async fn stage() -> Stage {
    let stage = Stage::with_container().await;
    for (name, content) in [("c/s/1", "0123456789"), ("c/s/2", "abcdefghij")] {
        let put = stage.put(name).header("content-type", "text/plain");
        put.body(content).await.expect(201);
    }
    stage
}

async fn put(stage: &Stage, path: &str, manifest: &Value) -> Reply {
    let call = stage.put(&format!("{path}?multipart-manifest=put"));
    call.header("content-type", "text/odd")
        .body(manifest.to_string())
        .await
}

/// The same with the object `o` of both segments.
async fn with_object() -> Stage {
    let stage = stage().await;
    let manifest = json!([
        {"path": "/c/s/1", "etag": ETAGS[0], "size_bytes": 10},
        {"path": "c/s/2"},
    ]);
    put(&stage, "c/o", &manifest).await.expect(201);
    stage
}

#[tokio::test]
async fn it_is_its_segments_in_order_under_a_quoted_etag() {
    let stage = with_object().await;
    let get = stage.get("c/o").await.expect(200);
    assert_eq!(get.text(), "0123456789abcdefghij");
    assert_eq!(get.required("x-static-large-object"), "True");
    assert_eq!(get.required("content-type"), "text/odd");
    // MD5 of the two etags, one behind the other.
    assert_eq!(get.required("etag"), "\"7fb6f7b0acfa1dccaa3b5c39840f8320\"");
    let head = stage.head("c/o").await.expect(200);
    for name in [
        "etag",
        "content-length",
        "x-manifest-etag",
        "x-static-large-object",
    ] {
        assert_eq!(head.required(name), get.required(name), "{name}");
    }
    assert_eq!(head.required("content-length"), "20");
}

#[tokio::test]
async fn ranges_and_conditions_are_those_of_the_whole() {
    let stage = with_object().await;
    let ask = |name: &str, value: &str| stage.get("c/o").header(name, value);
    let part = ask("range", "bytes=8-11").await.expect(206);
    assert_eq!(
        (part.text().as_str(), part.required("content-range")),
        ("89ab", "bytes 8-11/20")
    );
    let parts = ask("range", "bytes=0-0,-1").await.expect(206);
    assert!(
        parts
            .required("content-type")
            .starts_with("multipart/byteranges;boundary=")
    );
    assert!(parts.text().contains("\r\n\r\n0\r\n") && parts.text().contains("\r\n\r\nj\r\n"));
    ask("range", "bytes=20-").await.expect(416);
    let etag = stage.head("c/o").await.required("etag").to_owned();
    ask("if-none-match", &etag).await.expect(304);
    ask("if-match", ETAGS[0]).await.expect(412);
}

#[tokio::test]
async fn a_part_is_asked_for_by_its_number() {
    let stage = with_object().await;
    let part = stage.get("c/o?part-number=2").await.expect(206);
    assert_eq!(
        (part.text().as_str(), part.required("x-parts-count")),
        ("abcdefghij", "2")
    );
    assert_eq!(part.required("content-range"), "bytes 10-19/20");
    let head = stage.head("c/o?part-number=1").await.expect(206);
    assert_eq!(head.required("content-length"), "10");
    assert_eq!(head.required("content-range"), "bytes 0-9/20");
    assert_eq!(head.required("x-parts-count"), "2");
    let none = stage.get("c/o?part-number=3").await.expect(416);
    assert_eq!(none.text(), "The requested part number is not satisfiable");
    stage.head("c/o?part-number=3").await.expect(416);
    for number in ["0", "x"] {
        stage
            .get(&format!("c/o?part-number={number}"))
            .await
            .expect(400);
    }
    stage.get("c/s/1?part-number=x").await.expect(200);
}

#[tokio::test]
async fn the_manifest_is_shown_with_the_etag_that_listings_have() {
    let stage = with_object().await;
    let shown = stage.get("c/o?multipart-manifest=get").await.expect(200);
    assert_eq!(
        shown.required("content-type"),
        "application/json; charset=utf-8"
    );
    let first = &shown.json()[0];
    assert_eq!(
        (&first["name"], &first["bytes"]),
        (&json!("/c/s/1"), &json!(10))
    );
    assert_eq!(
        (&first["hash"], &first["content_type"]),
        (&json!(ETAGS[0]), &json!("text/plain"))
    );
    let etag = shown.required("etag");
    let head = stage.head("c/o?multipart-manifest=get").await.expect(200);
    assert_eq!(head.required("etag"), etag);
    assert_eq!(
        head.required("content-length"),
        shown.body.len().to_string()
    );
    assert_eq!(stage.head("c/o").await.required("x-manifest-etag"), etag);
    let listing = stage.get("c?format=json&prefix=o").await.json();
    assert_eq!(
        (&listing[0]["hash"], &listing[0]["bytes"]),
        (&json!(etag), &json!(20))
    );
    let slo_etag = stage.head("c/o").await.required("etag").to_owned();
    assert_eq!(listing[0]["slo_etag"], slo_etag);
    let ask = stage
        .get("c/o?multipart-manifest=get")
        .header("range", "bytes=0-1");
    assert_eq!(ask.await.expect(206).text(), "[{");
}

#[tokio::test]
async fn the_etag_of_a_shown_manifest_is_the_md5_of_its_bytes() {
    let stage = with_object().await;
    for query in [
        "multipart-manifest=get",
        "multipart-manifest=get&format=raw",
    ] {
        let shown = stage.get(&format!("c/o?{query}")).await.expect(200);
        // Who puts the same bytes gets the same etag.
        let again = stage
            .put("c/bytes")
            .body(shown.body.clone())
            .await
            .expect(201);
        assert_eq!(again.required("etag"), shown.required("etag"), "{query}");
    }
}

#[tokio::test]
async fn a_raw_manifest_can_be_put_again() {
    let stage = with_object().await;
    let raw = stage
        .get("c/o?multipart-manifest=get&format=raw")
        .await
        .expect(200);
    assert_eq!(raw.required("content-type"), "text/odd");
    put(&stage, "c/again", &raw.json()).await.expect(201);
    let again = stage.get("c/again").await.expect(200);
    assert_eq!(again.text(), "0123456789abcdefghij");
}

#[tokio::test]
async fn segments_can_be_parts_and_bytes_and_large_objects() {
    let stage = with_object().await;
    let manifest = json!([
        {"path": "/c/s/1", "range": "-2"},
        {"data": "PDw="},
        {"path": "/c/o", "range": "9-10"},
        {"path": "/c/s/2"},
    ]);
    put(&stage, "c/nested", &manifest).await.expect(201);
    assert_eq!(
        stage.get("c/nested").await.expect(200).text(),
        "89<<9aabcdefghij"
    );
    let shown = stage.get("c/nested?multipart-manifest=get").await.json();
    assert_eq!(
        (&shown[0]["range"], &shown[1]["data"]),
        (&json!("8-9"), &json!("PDw="))
    );
    assert_eq!(
        (&shown[2]["sub_slo"], &shown[3]["sub_slo"]),
        (&json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn segments_that_can_not_be_used_are_all_listed_and_nothing_is_stored() {
    let stage = stage().await;
    let manifest = json!([
        {"path": "/c/s/1", "etag": "0".repeat(32)},
        {"path": "/c/s/2", "size_bytes": 9},
        {"path": "/c/none"},
    ]);
    let errors = [
        "/c/s/1, Etag Mismatch\n",
        "/c/s/2, Size Mismatch\n",
        "/c/none, 404 Not Found\n",
    ];
    let refused = put(&stage, "c/o", &manifest).await.expect(400);
    assert_eq!(refused.text(), format!("Errors:\n{}", errors.concat()));
    let call = stage
        .put("c/o?multipart-manifest=put")
        .header("accept", "application/json");
    let refused = call.body(manifest.to_string()).await.expect(400).json();
    assert_eq!(refused["Errors"][0], json!(["/c/s/1", "Etag Mismatch"]));
    stage.get("c/o").await.expect(404);
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let stage = stage().await;
    let ask = |body: &'static str| stage.put("c/o?multipart-manifest=put").body(body);
    assert_eq!(
        ask("").await.expect(400).text(),
        "Manifest must be valid JSON.\n"
    );
    let foreign = ask(r#"[{"path": "/c/s/1", "foo": 1}]"#).await.expect(400);
    assert_eq!(foreign.text(), "Index 0: extraneous keys \"foo\"\n");
    let many = vec![json!({"path": "/c/s/1"}); 2049];
    let refused = put(&stage, "c/o", &json!(many)).await.expect(413);
    assert_eq!(
        refused.text(),
        "Number of object-backed segments must be <= 2048"
    );
    stage
        .put("c/o")
        .header("x-static-large-object", "true")
        .await
        .expect(400);
    ask("[]").await.expect(201);
    assert_eq!(stage.get("c/o").await.expect(200).text(), "");
}

#[tokio::test]
async fn capabilities_tell_what_large_objects_and_bulk_requests_may_be() {
    let stage = Stage::new().await;
    let info = stage.http().get("/info").await.expect(200).json();
    assert_eq!(info["slo"]["max_manifest_segments"], 2048);
    assert_eq!(info["slo"]["max_manifest_size"], 8 << 20);
    assert_eq!(info["bulk_delete"]["max_deletes_per_request"], 10_000);
    assert_eq!(info["bulk_upload"]["max_failed_extractions"], 1000);
    let digests = json!(["sha1", "sha256", "sha512"]);
    assert_eq!(info["tempurl"]["allowed_digests"], digests);
}

#[tokio::test]
async fn the_etag_that_a_client_expects_is_that_of_the_whole() {
    let stage = stage().await;
    let manifest = json!([{"path": "/c/s/1"}, {"path": "/c/s/2"}]).to_string();
    let ask = |etag: &str| {
        let call = stage.put("c/o?multipart-manifest=put").header("etag", etag);
        call.body(manifest.clone())
    };
    ask(ETAGS[0]).await.expect(422);
    stage.get("c/o").await.expect(404);
    ask("\"7fb6f7b0acfa1dccaa3b5c39840f8320\"")
        .await
        .expect(201);
}

#[tokio::test]
async fn with_a_heartbeat_the_outcome_stands_in_the_body() {
    let stage = stage().await;
    let ask = |manifest: Value| {
        let call = stage.put("c/o?multipart-manifest=put&heartbeat=on");
        call.header("accept", "application/json")
            .body(manifest.to_string())
    };
    let refused = ask(json!([{"path": "/c/none"}])).await.expect(202).json();
    assert_eq!(refused["Response Status"], "400 Bad Request");
    assert_eq!(refused["Errors"], json!([["/c/none", "404 Not Found"]]));
    let done = ask(json!([{"path": "/c/s/1"}, {"path": "/c/s/2"}]))
        .await
        .expect(202)
        .json();
    assert_eq!(done["Response Status"], "201 Created");
    assert_eq!(done["Etag"], "\"7fb6f7b0acfa1dccaa3b5c39840f8320\"");
}

#[tokio::test]
async fn it_is_deleted_with_or_without_its_segments() {
    let stage = with_object().await;
    put(&stage, "c/o2", &json!([{"path": "/c/s/1"}]))
        .await
        .expect(201);
    stage.delete("c/o2").await.expect(204);
    stage.get("c/s/1").await.expect(200);
    let reply = stage
        .delete("c/o?multipart-manifest=delete")
        .await
        .expect(200);
    assert!(
        reply
            .text()
            .starts_with("Number Deleted: 3\nNumber Not Found: 0\n")
    );
    stage.get("c").await.expect(204);
}

#[tokio::test]
async fn other_objects_are_not_deleted_as_manifests() {
    let stage = stage().await;
    let plain = stage
        .delete("c/s/1?multipart-manifest=delete")
        .await
        .expect(200);
    assert!(plain.text().contains("Response Status: 400 Bad Request\n"));
    assert!(
        plain
            .text()
            .ends_with("Errors:\n/c/s/1, Not an SLO manifest\n")
    );
    stage.get("c/s/1").await.expect(200);
    let missing = stage
        .delete("c/none?multipart-manifest=delete")
        .await
        .expect(200);
    assert!(missing.text().contains("Number Not Found: 1\n"));
    assert!(missing.text().contains("Response Status: 200 OK\n"));
}

#[tokio::test]
async fn a_changed_segment_makes_a_conflict() {
    let stage = with_object().await;
    stage.put("c/s/1").body("changed").await.expect(201);
    stage.get("c/o").await.expect(409);
    stage.head("c/o").await.expect(200);
}

#[tokio::test]
async fn a_post_keeps_it_what_it_is() {
    let stage = with_object().await;
    stage
        .post("c/o")
        .header("x-object-meta-a", "1")
        .await
        .expect(202);
    let get = stage.get("c/o").await.expect(200);
    assert_eq!(
        (get.text().len(), get.required("x-object-meta-a")),
        (20, "1")
    );
}

#[tokio::test]
async fn a_copy_is_the_content_unless_the_manifest_is_asked_for() {
    let stage = with_object().await;
    stage
        .put("c/plain")
        .header("x-copy-from", "c/o")
        .await
        .expect(201);
    let plain = stage.get("c/plain").await.expect(200);
    assert_eq!(
        (plain.text().len(), plain.header("x-static-large-object")),
        (20, None)
    );
    let call = stage.call(
        Method::from_bytes(b"COPY").unwrap(),
        "c/o?multipart-manifest=get",
    );
    call.header("destination", "c/again").await.expect(201);
    let again = stage.get("c/again").await.expect(200);
    assert_eq!(again.required("x-static-large-object"), "True");
    assert_eq!(again.text().len(), 20);
}

#[tokio::test]
async fn a_part_is_copied_by_its_number() {
    let stage = with_object().await;
    for (name, number, content) in [("one", 1, "0123456789"), ("two", 2, "abcdefghij")] {
        let source = format!("c/o?part-number={number}");
        let copy = Method::from_bytes(b"COPY").unwrap();
        let copied = stage
            .call(copy, &source)
            .header("destination", &format!("c/{name}"));
        copied.await.expect(201);
        assert_eq!(stage.get(&format!("c/{name}")).await.text(), content);
    }
    let from = stage
        .put("c/three?part-number=3")
        .header("x-copy-from", "c/o");
    from.await.expect(416);
    stage.head("c/three").await.expect(404);
}

#[tokio::test]
async fn a_manifest_is_copied_only_while_its_segments_are_as_it_has_them() {
    let stage = with_object().await;
    let copy = |target: &str| {
        let call = stage.put(&format!("c/{target}?multipart-manifest=get"));
        call.header("x-copy-from", "c/o")
            .header("accept", "text/plain")
    };
    copy("copy").await.expect(201);
    let shown = stage.get("c/copy?multipart-manifest=get").await.expect(200);
    assert_eq!(shown.json().as_array().unwrap().len(), 2);
    stage.put("c/s/1").body("changed").await.expect(201);
    stage.delete("c/s/2").await.expect(204);
    let refused = copy("late").await.expect(400);
    for error in ["/c/s/1, Etag Mismatch", "/c/s/2, 404 Not Found"] {
        assert!(refused.text().contains(error), "{refused}");
    }
    stage.head("c/late").await.expect(404);
}
