//! Quotas of containers (Swift wire reference section 12).

use crate::stage::Stage;

async fn stage(name: &str, value: &str) -> Stage {
    let stage = Stage::with_container().await;
    stage.post("c").header(name, value).await.expect(204);
    stage
}

#[tokio::test]
async fn a_quota_of_bytes_refuses_what_goes_over_it() {
    let stage = stage("x-container-meta-quota-bytes", "10").await;
    stage.put("c/a").body("12345").await.expect(201);
    let refused = stage.put("c/b").body("123456").await.expect(413);
    assert_eq!(refused.text(), "Upload exceeds quota.");
    stage.get("c/b").await.expect(404);
    stage.put("c/b").body("12345").await.expect(201);
    stage
        .put("c/c")
        .header("x-copy-from", "c/a")
        .await
        .expect(413);
}

#[tokio::test]
async fn a_quota_of_objects_refuses_one_more() {
    let stage = stage("x-container-meta-quota-count", "1").await;
    stage.put("c/a").body("1").await.expect(201);
    stage.put("c/b").body("1").await.expect(413);
    stage.delete("c/a").await.expect(204);
    stage.put("c/b").body("1").await.expect(201);
}

#[tokio::test]
async fn a_quota_is_a_number() {
    let stage = Stage::with_container().await;
    for (name, sentence) in [
        ("x-container-meta-quota-bytes", "Invalid bytes quota."),
        ("x-container-meta-quota-count", "Invalid count quota."),
    ] {
        let refused = stage.post("c").header(name, "many").await.expect(400);
        assert_eq!(refused.text(), sentence);
        stage.put("c2").header(name, "-1").await.expect(400);
    }
}
