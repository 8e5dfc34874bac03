//! What users with some rights must not learn: of containers elsewhere they can't tell whether these are there.

use http::Method;
use serde_json::json;

use crate::stage::{Lists, Stage, essence};

/// Every way to ask for a container or an object in it.
const ASKED: [(&str, &str); 9] = [
    ("GET", ""),
    ("HEAD", ""),
    ("PUT", ""),
    ("POST", ""),
    ("DELETE", ""),
    ("GET", "/o"),
    ("HEAD", "/o"),
    ("PUT", "/o"),
    ("DELETE", "/o"),
];

#[tokio::test]
async fn a_container_in_a_compartment_without_rights_looks_as_one_that_is_not_there() {
    let mut stage = Stage::set().await;
    let home = stage.admin.create_compartment("home").await;
    let group = stage.admin.create_group("homely").await;
    stage.user("homely", &[&group]).await;
    let statement = format!("Allow group homely to manage object-family in compartment id {home}");
    stage.admin.create_policy("homely", &[&statement]).await;
    let fields = json!({ "compartmentId": home });
    stage.admin.create_bucket_with("own", fields).await;
    let own = stage.call("homely", Method::PUT, "own/o").body("x");
    own.await.expect(201);
    for (method, rest) in ASKED {
        let mut seen = Vec::new();
        for container in ["closed", "missing"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let rest = format!("{container}{rest}");
            seen.push(essence(&stage.call("homely", method, &rest).await));
        }
        assert_eq!(seen[0], seen[1], "{method} {rest}");
    }
}

#[tokio::test]
async fn whoever_a_list_names_is_forbidden_what_it_does_not_grant_and_not_told_it_is_missing() {
    let mut stage = Stage::set().await;
    let home = stage.admin.create_compartment("home").await;
    let group = stage.admin.create_group("homely").await;
    stage.user("homely", &[&group]).await;
    let statement = format!("Allow group homely to manage object-family in compartment id {home}");
    stage.admin.create_policy("homely", &[&statement]).await;
    stage.container("shared", Lists::Closed, true).await;
    let post = stage.call("admin", Method::POST, "shared");
    let list = format!("{}:homely", stage.account);
    post.header("x-container-read", &list).await.expect(204);
    let get = stage.call("homely", Method::GET, "shared/o");
    assert_eq!(get.await.expect(200).text(), "content");
    let put = stage.call("homely", Method::PUT, "shared/o").body("x");
    put.await.expect(403);
    stage
        .call("homely", Method::DELETE, "shared")
        .await
        .expect(403);
}
