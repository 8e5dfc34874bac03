//! Accounts (Swift wire reference sections 3 and 6).

use http::Method;

use crate::stage::{Stage, page};

#[tokio::test]
async fn an_account_tells_what_it_holds() {
    let stage = Stage::with_container().await;
    stage.put("c/o").body("hello").await.expect(201);
    stage.put("empty").await.expect(201);
    for (method, status) in [(Method::HEAD, 204), (Method::GET, 200)] {
        let reply = stage.call(method, "").await.expect(status);
        for (name, value) in [
            ("x-account-container-count", "2"),
            ("x-account-object-count", "1"),
            ("x-account-bytes-used", "5"),
            ("accept-ranges", "bytes"),
            ("content-type", "text/plain; charset=utf-8"),
            ("vary", "Accept"),
        ] {
            assert_eq!(reply.required(name), value, "{name}");
        }
        let (seconds, decimals) = reply.required("x-timestamp").split_once('.').unwrap();
        assert_eq!((seconds.len(), decimals.len()), (10, 5));
    }
    let head = stage.head("").await;
    assert_eq!(head.required("content-length"), "0");
}

#[tokio::test]
async fn head_has_the_type_that_a_listing_would_have() {
    let stage = Stage::new().await;
    let kind = async |rest: &str| {
        let reply = stage.head(rest).await.expect(204);
        reply.required("content-type").to_owned()
    };
    assert_eq!(
        kind("?format=json").await,
        "application/json; charset=utf-8"
    );
    assert_eq!(kind("?format=xml").await, "application/xml; charset=utf-8");
}

#[tokio::test]
async fn an_empty_account_is_204_in_text_and_200_in_json_and_xml() {
    let stage = Stage::new().await;
    stage.get("").await.expect(204);
    assert_eq!(stage.get("?format=json").await.expect(200).text(), "[]");
    assert_eq!(
        stage.get("?format=xml").await.expect(200).text(),
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<account name=\"{}\">\n</account>",
            stage.account
        )
    );
}

#[tokio::test]
async fn metadata_of_accounts_merges_and_goes_by_empty_value_or_remove_header() {
    let stage = Stage::new().await;
    let meta = async |name: &str| {
        let reply = stage.head("").await;
        reply
            .header(&format!("x-account-meta-{name}"))
            .map(str::to_owned)
    };
    let post = stage.post("").header("x-account-meta-a", "1");
    post.header("x-account-meta-b", "2").await.expect(204);
    stage
        .post("")
        .header("x-account-meta-c", "3")
        .await
        .expect(204);
    assert_eq!(meta("a").await.as_deref(), Some("1"));
    assert_eq!(meta("c").await.as_deref(), Some("3"));
    let post = stage.post("").header("x-account-meta-a", "");
    post.header("x-remove-account-meta-b", "").await.expect(204);
    assert_eq!(meta("a").await, None);
    assert_eq!(meta("b").await, None);
    let post = stage.post("").header("x-remove-account-meta-c", "x");
    post.header("x-account-meta-c", "4").await.expect(204);
    assert_eq!(meta("c").await.as_deref(), Some("4"));
}

#[tokio::test]
async fn limits_of_metadata_are_refused_with_their_sentences() {
    let stage = Stage::new().await;
    let long = "n".repeat(129);
    let post = stage
        .post("")
        .header(&format!("x-account-meta-{long}"), "v");
    assert_eq!(
        post.await.expect(400).text(),
        format!("Metadata name too long: x-account-meta-N{}", &long[1..])
    );
    let post = stage.post("").header("x-account-meta-n", &"v".repeat(257));
    assert_eq!(
        post.await.expect(400).text(),
        "Metadata value longer than 256: x-account-meta-N"
    );
    let many = (0..91).fold(stage.post(""), |call, n| {
        call.header(&format!("x-account-meta-{n}"), "v")
    });
    assert_eq!(
        many.await.expect(400).text(),
        "Too many metadata items; max 90"
    );
    let post = stage.post("").header("x-account-meta-", "v");
    assert_eq!(
        post.await.expect(400).text(),
        "Metadata name cannot be empty"
    );
}

#[tokio::test]
async fn accounts_are_neither_made_nor_deleted_by_their_administrators() {
    let stage = Stage::new().await;
    for method in [Method::PUT, Method::DELETE] {
        let reply = stage.call(method.clone(), "").await.expect(403);
        let expected = page("Forbidden", "Access was denied to this resource.");
        assert_eq!(reply.text(), expected);
        stage.anonymous(method, "").await.expect(401);
    }
}
