//! Requests that touch more than their path names: each thing that they touch asks for its own right.

use std::time::UNIX_EPOCH;

use http::Method;
use parbuckle_testkit::{Reply, temp_url_query};
use serde_json::json;

use crate::stage::{ACCOUNT_KEY, PAGE, Stage, path_in};

async fn bulk_delete(stage: &Stage, user: Option<&str>, names: &str) -> Reply {
    let target = format!("{}?bulk-delete", stage.path(""));
    let call = stage.server.anonymous().call(Method::POST, target);
    let call = match user {
        Some(user) => call.header("x-auth-token", &stage.tokens[user]),
        None => call,
    };
    call.header("content-type", "text/plain")
        .header("accept", "application/json")
        .body(names.to_owned())
        .await
}

#[tokio::test]
async fn a_bulk_delete_removes_only_what_its_own_delete_would() {
    let stage = Stage::set().await;
    let before = stage.picture().await;
    let names = "closed/o\nclosed/missing\nclosed\nmissing/o\nmissing\n";
    let nobody = bulk_delete(&stage, None, names).await;
    assert!(
        nobody.status == 401 || nobody.json()["Number Deleted"] == 0,
        "{}",
        nobody.dump()
    );
    for user in ["no-policy", "other", "writer"] {
        let reply = bulk_delete(&stage, Some(user), names).await;
        if reply.status == 200 {
            let outcome = reply.json();
            assert_eq!(outcome["Number Deleted"], 0, "{user}: {outcome}");
            // What is there and what is not look alike.
            assert_eq!(outcome["Number Not Found"], 0, "{user}: {outcome}");
            assert_eq!(outcome["Errors"].as_array().unwrap().len(), 5, "{outcome}");
        } else {
            assert_eq!(reply.status, 403, "{}", reply.dump());
        }
    }
    assert_eq!(stage.picture().await, before);
    let allowed = bulk_delete(&stage, Some("writer"), "open/o\nclosed/o\n").await;
    assert_eq!(allowed.expect(200).json()["Number Deleted"], 1);
    stage.call("admin", Method::GET, "open/o").await.expect(404);
    stage
        .call("admin", Method::GET, "closed/o")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_bulk_delete_with_a_dead_token_is_refused_whole() {
    let stage = Stage::set().await;
    for user in ["blocked", "ended", "new-password"] {
        bulk_delete(&stage, Some(user), "open/o\n")
            .await
            .expect(401);
    }
    stage.call("admin", Method::GET, "open/o").await.expect(200);
}

#[tokio::test]
async fn a_copy_reads_its_source_on_the_authority_of_who_asks() {
    let stage = Stage::set().await;
    let copy = |user: &str, from: &str| {
        let put = stage.call(user, Method::PUT, "open/copied");
        put.header("x-copy-from", from)
    };
    copy("writer", "closed/o").await.expect(403);
    copy("writer", "closed/missing").await.expect(403);
    copy("writer", "missing/o").await.expect(403);
    copy("reader", "open/o").await.expect(403);
    let foreign = stage.call("writer", Method::PUT, "open/copied");
    let foreign = foreign.header("x-copy-from", "closed/o");
    let foreign = foreign.header("x-copy-from-account", &stage.other_account);
    foreign.await.expect(403);
    stage
        .call("admin", Method::GET, "open/copied")
        .await
        .expect(404);
    copy("member", "open/o").await.expect(201);
    let target = stage.anonymous(Method::from_bytes(b"COPY").unwrap(), "open/o");
    let target = target.header("referer", PAGE);
    target
        .header("destination", "open/copied-2")
        .await
        .expect(401);
}

#[tokio::test]
async fn a_dynamic_large_object_shows_nothing_of_segments_that_its_reader_may_not_read() {
    let stage = Stage::set().await;
    let put = stage.call("admin", Method::PUT, "open/large");
    put.header("x-object-manifest", "closed/o")
        .await
        .expect(201);
    let whole = stage
        .call("admin", Method::GET, "open/large")
        .await
        .expect(200);
    assert_eq!(whole.text(), "content");
    for method in [Method::GET, Method::HEAD] {
        let refused = stage.call("reader", method.clone(), "open/large").await;
        assert_eq!(refused.status, 403, "{}", refused.dump());
        assert_ne!(refused.header("content-length"), Some("7"));
        let nobody = stage
            .anonymous(method, "open/large")
            .header("referer", PAGE);
        nobody.await.expect(401);
    }
}

#[tokio::test]
async fn a_static_large_object_is_made_only_of_segments_that_its_maker_may_see() {
    let stage = Stage::set().await;
    let manifest = |path: &str| json!([{ "path": path, "size_bytes": 7 }]).to_string();
    let put = async |path: &str| {
        let target = format!("{}?multipart-manifest=put", stage.path("open/static"));
        let put = stage.server.anonymous().put(target).body(manifest(path));
        put.header("x-auth-token", &stage.tokens["writer"])
            .header("accept", "application/json")
            .await
    };
    let mut told = Vec::new();
    for segment in ["/closed/o", "/closed/missing", "/missing/o"] {
        let reply = put(segment).await;
        assert!((400..500).contains(&reply.status), "{}", reply.dump());
        told.push(reply.text().replace(segment, "SEGMENT"));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    stage
        .call("admin", Method::GET, "open/static")
        .await
        .expect(404);
}

#[tokio::test]
async fn a_signature_reaches_nothing_but_its_object() {
    let stage = Stage::set().await;
    let now = stage
        .server
        .clock()
        .now()
        .duration_since(UNIX_EPOCH)
        .unwrap();
    let end = i64::try_from(now.as_secs()).unwrap() + 600;
    let signed = |method: &str, rest: &str, more: &str| {
        let path = format!("/v1/{}/{rest}", stage.account);
        let query = temp_url_query(ACCOUNT_KEY, method, &path, end);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let target = format!("{}{query}{more}", path_in(&stage.account, rest));
        stage.server.anonymous().call(method, target)
    };
    // What was not signed does not count: no large object comes of it.
    let manifest = json!([{ "path": "/open/o", "size_bytes": 7 }]).to_string();
    let put = signed("PUT", "closed/static", "&multipart-manifest=put");
    put.body(manifest.clone()).await.expect(201);
    let read = stage
        .call("admin", Method::GET, "closed/static")
        .await
        .expect(200);
    assert_eq!(read.header("x-static-large-object"), None);
    assert_eq!(read.text(), manifest);
    for header in ["x-copy-from", "x-object-manifest"] {
        let put = signed("PUT", "closed/pointer", "").header(header, "open/o");
        put.await.expect(400);
    }
    let bulk = signed("POST", "closed/o", "&bulk-delete").body("open/o\n");
    bulk.await.expect(202);
    let archive = signed("PUT", "closed/o", "&extract-archive=tar").body("x");
    archive.await.expect(201);
    stage.call("admin", Method::GET, "open/o").await.expect(200);
    // A manifest is deleted, its segments are not.
    let target = format!("{}?multipart-manifest=put", stage.path("closed/static"));
    let put = stage.server.anonymous().put(target).body(manifest);
    let put = put.header("x-auth-token", &stage.tokens["admin"]);
    put.await.expect(201);
    let delete = signed("DELETE", "closed/static", "&multipart-manifest=delete");
    delete.await.expect(204);
    stage.call("admin", Method::GET, "open/o").await.expect(200);
    stage
        .call("admin", Method::GET, "closed/static")
        .await
        .expect(404);
}
