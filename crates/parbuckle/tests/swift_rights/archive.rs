//! Who may restore what is archived: nobody but whom a policy lets.

use http::Method;
use parbuckle_testkit::{Call, basic_authorization};

use crate::stage::{Lists, PAGE, Stage};

fn restore(stage: &Stage) -> Call {
    let path = stage.path("archive/o").replacen("/v1/", "/v0/", 1);
    stage.server.anonymous().post(format!("{path}?restore"))
}

#[tokio::test]
async fn a_refused_restoration_restores_nothing() {
    let stage = Stage::set().await;
    stage
        .container_of_class("archive", Lists::Open, true, "Archive")
        .await;
    restore(&stage).header("referer", PAGE).await.expect(401);
    for user in ["reader", "writer", "member", "other", "no-policy"] {
        let call = restore(&stage).header("x-auth-token", &stage.tokens[user]);
        call.header("referer", PAGE).await.expect(403);
    }
    for user in ["reader", "writer", "member", "no-policy"] {
        let header = basic_authorization(user, &stage.secrets[user]);
        let call = restore(&stage).header("authorization", &header);
        call.await.expect(403);
    }
    for user in ["blocked", "ended", "new-password"] {
        let call = restore(&stage).header("x-auth-token", &stage.tokens[user]);
        call.await.expect(401);
    }
    let get = || stage.call("admin", Method::GET, "archive/o");
    get().await.expect(400);
    let call = restore(&stage).header("x-auth-token", &stage.tokens["admin"]);
    call.await.expect(202);
    get().await.expect(200);
}

#[tokio::test]
async fn restoring_grants_no_reading() {
    let stage = Stage::set().await;
    stage
        .container_of_class("archive", Lists::Closed, true, "Archive")
        .await;
    stage.allow("just", &["OBJECT_RESTORE"]).await;
    let call = restore(&stage).header("x-auth-token", &stage.tokens["just"]);
    call.await.expect(202);
    stage
        .call("just", Method::GET, "archive/o")
        .await
        .expect(403);
    stage.allow("just", &["OBJECT_READ"]).await;
    stage
        .call("just", Method::GET, "archive/o")
        .await
        .expect(200);
}
