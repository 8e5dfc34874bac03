//! Deleting many things at once (Swift wire reference section 11).

use http::Method;
use parbuckle_testkit::Call;
use serde_json::json;

use crate::stage::Stage;

/// Containers `c` and `d`, in each the object `a b`.
async fn stage() -> Stage {
    let stage = Stage::with_container().await;
    stage.put("d").await.expect(201);
    for name in ["c/a b", "d/a b"] {
        stage.put(name).body("x").await.expect(201);
    }
    stage
}

fn delete(stage: &Stage, names: &str) -> Call {
    let call = stage
        .post("?bulk-delete")
        .header("content-type", "text/plain");
    call.body(names.to_owned())
}

#[tokio::test]
async fn objects_go_before_their_containers_and_what_is_missing_is_no_error() {
    let stage = stage().await;
    let reply = delete(&stage, "c\n/c/a%20b\nc/none\n\nnone/o\n")
        .await
        .expect(200);
    assert_eq!(reply.required("content-type"), "text/plain");
    assert_eq!(
        reply.text(),
        "Number Deleted: 2\nNumber Not Found: 2\nResponse Body: \nResponse Status: 200 OK\nErrors:\n"
    );
    stage.head("c").await.expect(404);
    stage.get("d/a b").await.expect(200);
}

#[tokio::test]
async fn delete_does_the_same_as_post() {
    let stage = stage().await;
    let call = stage
        .delete("?bulk-delete")
        .header("content-type", "text/plain");
    let call = call
        .header("accept", "application/json")
        .header("content-length", "7");
    let report = call.body("c/a%20b").await.expect(200).json();
    assert_eq!(report["Number Deleted"], 1);
}

#[tokio::test]
async fn what_fails_is_told_by_its_name_as_it_was_written() {
    let stage = stage().await;
    let call = delete(&stage, "/d\nc/a%20b").header("accept", "application/json");
    let reply = call.await.expect(200);
    assert_eq!(reply.required("content-type"), "application/json");
    let expected = json!({
        "Response Status": "400 Bad Request",
        "Response Body": "",
        "Number Deleted": 1,
        "Number Not Found": 0,
        "Errors": [["/d", "409 Conflict"]],
    });
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn reports_can_be_xml() {
    let stage = stage().await;
    let reply = delete(&stage, "d")
        .header("accept", "application/xml")
        .await
        .expect(200);
    assert_eq!(
        reply.text(),
        "<delete>\n<number_deleted>0</number_deleted>\n<number_not_found>0</number_not_found>\n\
         <response_body></response_body>\n<response_status>400 Bad Request</response_status>\n\
         <errors>\n<object><name>d</name><status>409 Conflict</status></object>\n</errors>\n</delete>\n"
    );
}

#[tokio::test]
async fn a_request_that_can_not_be_done_says_so_in_its_body() {
    let stage = stage().await;
    let status = |reply: parbuckle_testkit::Reply| {
        let text = reply.expect(200).text();
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("Response Status: "));
        line.unwrap().to_owned()
    };
    let empty = delete(&stage, "").await;
    assert!(
        empty
            .text()
            .contains("Response Body: Invalid bulk delete.\n")
    );
    assert_eq!(status(empty), "400 Bad Request");
    let json = stage
        .post("?bulk-delete")
        .header("content-type", "application/json");
    assert_eq!(status(json.body("c").await), "406 Not Acceptable");
    let picture = delete(&stage, "c").header("accept", "image/png").await;
    assert_eq!(status(picture), "406 Not Acceptable");
    let many = "c/none\n".repeat(10_001);
    assert_eq!(
        status(delete(&stage, &many).await),
        "413 Request Entity Too Large"
    );
    assert_eq!(
        status(delete(&stage, &"x".repeat(10_000)).await),
        "400 Bad Request"
    );
}

#[tokio::test]
async fn a_line_that_names_nothing_does_not_keep_the_others() {
    let stage = stage().await;
    let call = delete(&stage, "c/%ff\n/\nc/a%20b\n").header("accept", "application/json");
    let report = call.await.expect(200).json();
    assert_eq!(report["Number Deleted"], 1);
    let expected = json!([["c/%FF", "412 Precondition Failed"], ["/", "403 Forbidden"]]);
    assert_eq!(report["Errors"], expected);
}

#[tokio::test]
async fn each_thing_asks_for_its_own_permission() {
    let stage = stage().await;
    let joe = stage.user("joe").await;
    let grant = format!("{}:joe", stage.account);
    stage
        .post("c")
        .header("x-container-write", &grant)
        .await
        .expect(204);
    let call = joe
        .call(Method::POST, "?bulk-delete")
        .header("content-type", "text/plain");
    let call = call
        .header("accept", "application/json")
        .body("c/a%20b\nd/a%20b\n");
    let report = call.await.expect(200).json();
    assert_eq!(report["Number Deleted"], 1);
    assert_eq!(report["Errors"], json!([["d/a%20b", "403 Forbidden"]]));
    stage.get("d/a b").await.expect(200);
}

#[tokio::test]
async fn a_hundred_objects_go_at_once() {
    let stage = Stage::with_container().await;
    let mut names = String::new();
    for n in 0..100 {
        stage.put(&format!("c/{n}")).await.expect(201);
        names.push_str(&format!("c/{n}\n"));
    }
    let reply = delete(&stage, &names).await.expect(200);
    assert!(
        reply.text().starts_with("Number Deleted: 100\n"),
        "{}",
        reply.text()
    );
    stage.get("c").await.expect(204);
}
