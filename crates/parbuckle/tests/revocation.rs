//! Revocation under load: while eight clients use a pre-authenticated request, it dies, in every way it can. No request that
//! starts after the reply to the change is allowed; when the right returns, the request lives again.
//!
//! `PARBUCKLE_REVOCATION_TRIALS` says how many such requests all load tests make together; without it, about 500.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

#[path = "revocation/field.rs"]
mod field;
#[path = "revocation/load.rs"]
mod load;

use std::io::{Read, Write};
use std::net::TcpStream;

use parbuckle_testkit::{Reply, pattern};
use serde_json::json;

use field::{BUCKET, Death, Field, SEEN};
use load::{AFTER, CLIENTS, Load, Use};

/// How many tests share the trials, each for readers and for writers.
const DEATHS: usize = 11;
const TRIALS_DEFAULT: usize = 500;

/// The refusal of what is not there: the token, or the time, is over.
const NO_PAR: (u16, &str) = (401, "NotAuthenticated");
/// The refusal of what the creator may not do.
const NO_BUCKET: (u16, &str) = (404, "BucketNotFound");

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_par_is_dead_with_the_reply() {
    dies(Death::ParDeleted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_par_is_dead_on_time() {
    dies(Death::Expired).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_dies_with_its_creator() {
    dies(Death::CreatorDeleted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_rests_while_its_creator_is_blocked() {
    dies(Death::CreatorBlocked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_rests_while_its_creator_may_not_use_api_keys() {
    dies(Death::CapabilityRemoved).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_rests_while_its_creator_is_not_in_the_group() {
    dies(Death::RemovedFromGroup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_rests_until_a_new_group_has_the_rights_of_a_deleted_one() {
    dies(Death::GroupDeleted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_rests_while_the_policy_is_deleted() {
    dies(Death::PolicyDeleted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_rests_while_the_policy_lacks_the_permission() {
    dies(Death::PolicyChanged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_rests_while_a_policy_denies_the_permission() {
    dies(Death::PolicyDenies).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_par_rests_while_its_bucket_lies_where_its_creator_has_no_rights() {
    dies(Death::BucketMoved).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_credentials_of_its_creator_leave_a_par_alone() {
    let field = Field::set().await;
    let grant = field.grant("rotates").await;
    let admin = &field.admin;
    let load = Load::start(&field, &grant.par, Use::Get).await;
    let keys = format!("/20160918/users/{}/apiKeys", grant.user.id);
    let old = admin.get(keys).await.expect(200).json()[0]["fingerprint"].clone();
    admin.add_key(&grant.user.id).await;
    admin
        .delete_api_key(&grant.user.id, old.as_str().unwrap())
        .await;
    let password = format!("/20160918/users/{}/uiPassword", grant.user.id);
    for _ in 0..2 {
        admin.post(&password).await.expect(200);
    }
    let no_password = json!({ "canUseConsolePassword": false });
    admin.update_capabilities(&grant.user.id, no_password).await;
    for request in load.finish_after_change().await {
        assert_eq!(request.reply.status, 200, "{}", request.reply.dump());
    }
    // The creator himself can no longer use the key that the PAR was made with.
    let refused = grant.client.get(admin.object_path(BUCKET, SEEN)).await;
    assert_eq!(refused.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namesake_of_its_deleted_creator_does_not_wake_a_par() {
    let field = Field::set().await;
    let grant = field.grant("namesake").await;
    field.admin.delete_user(&grant.user.id).await;
    let namesake = field.admin.create_user("namesake").await;
    field
        .admin
        .add_user_to_group(&namesake.id, &grant.group)
        .await;
    let client = field.admin.add_key(&namesake.id).await;
    client
        .get(client.object_path(BUCKET, SEEN))
        .await
        .expect(200);
    assert_refused(&field.read(&grant.par).await, NO_BUCKET);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namesake_of_a_deleted_group_gives_nobody_its_rights() {
    let field = Field::set().await;
    let grant = field.grant("group").await;
    field.admin.delete_group(&grant.group).await;
    let namesake = field.admin.create_group("group").await;
    field
        .admin
        .add_user_to_group(&grant.user.id, &namesake)
        .await;
    assert_refused(&field.read(&grant.par).await, NO_BUCKET);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_rests_with_the_right_of_its_creator() {
    let field = Field::set().await;
    let grant = field.grant("uploads").await;
    let uri = field.start_upload(&grant.par, "in/upload").await;
    field.admin.remove_membership(&grant.membership).await;
    let http = field.admin.http();
    assert_refused(&http.put(format!("{uri}2")).body("part").await, NO_BUCKET);
    assert_refused(&http.post(&uri).await, NO_BUCKET);
    assert_refused(&http.delete(&uri).await, NO_BUCKET);
    assert_eq!(field.names().await, [SEEN]);
    field
        .admin
        .add_user_to_group(&grant.user.id, &grant.group)
        .await;
    http.post(&uri).await.expect(200);
    assert_eq!(field.admin.read_object(BUCKET, "in/upload").await, "part");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_dies_with_its_par() {
    let field = Field::set().await;
    let grant = field.grant("uploads").await;
    let uri = field.start_upload(&grant.par, "in/upload").await;
    field.admin.delete_par(BUCKET, &grant.par).await;
    let http = field.admin.http();
    assert_refused(&http.put(format!("{uri}2")).body("part").await, NO_PAR);
    assert_refused(&http.post(&uri).await, NO_PAR);
    assert_refused(&http.delete(&uri).await, NO_PAR);
    assert_eq!(field.names().await, [SEEN]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_overwrites_needs_the_right_to_overwrite() {
    let field = Field::set().await;
    let grant = field.grant("overwrites").await;
    let uri = field.start_upload(&grant.par, SEEN).await;
    let creates = field.statement("overwrites", "{PAR_MANAGE, OBJECT_CREATE}");
    field.admin.update_policy(&grant.policy, &[&creates]).await;
    assert_refused(&field.admin.http().post(&uri).await, NO_BUCKET);
    assert_eq!(field.admin.read_object(BUCKET, SEEN).await, "seen");
}

/// A body in two halves, with the change between them: for an object kept in its record and one kept as a blob.
#[tokio::test(flavor = "multi_thread")]
async fn a_put_whose_par_dies_before_its_body_ends_never_becomes_visible() {
    let deaths = [
        Death::ParDeleted,
        Death::Expired,
        Death::CreatorDeleted,
        Death::CreatorBlocked,
        Death::RemovedFromGroup,
        Death::PolicyChanged,
        Death::BucketMoved,
    ];
    let mut field = Field::set().await;
    for death in deaths {
        for bytes in [1000, 3 << 20] {
            let grant = field.grant(&format!("{death:?}-{bytes}")).await;
            let body = pattern(1, bytes);
            let (first, second) = body.split_at(bytes / 2);
            let path = grant.par.path_for("in/late");
            let mut stream = TcpStream::connect(field.admin.http().address()).unwrap();
            let head = format!(
                "PUT {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {bytes}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(first).unwrap();
            let undo = field.kill(&grant, death).await;
            // The server may have refused already, and closed.
            let _ = stream.write_all(second);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            let answer = String::from_utf8_lossy(&answer);
            let (status, _) = death.refusal();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{death:?}: {answer}"
            );
            assert_eq!(field.names().await, [SEEN], "{death:?}, {bytes} bytes");
            field.undo(&grant, undo).await;
        }
    }
}

/// The same, with a right that returns while the body is still on its way: only the moment of the commit counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_put_is_decided_when_its_body_has_ended() {
    let mut field = Field::set().await;
    let grant = field.grant("returns").await;
    let path = grant.par.path_for("in/late");
    let mut stream = TcpStream::connect(field.admin.http().address()).unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 8\r\n\r\nfour"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let undo = field.kill(&grant, Death::CreatorBlocked).await;
    field.undo(&grant, undo).await;
    stream.write_all(b"more").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(field.admin.read_object(BUCKET, "in/late").await, "fourmore");
}

/// One way to die, for readers and for writers, as often as the number of trials asks for.
async fn dies(death: Death) {
    let mut field = Field::set().await;
    let trials = match std::env::var("PARBUCKLE_REVOCATION_TRIALS") {
        Ok(text) => text
            .parse()
            .expect("PARBUCKLE_REVOCATION_TRIALS is a number"),
        Err(_) => TRIALS_DEFAULT,
    };
    let rounds = trials.div_ceil(DEATHS * 2 * CLIENTS * AFTER);
    let mut counted = 0;
    for round in 0..rounds {
        for how in [Use::Get, Use::Put] {
            let grant = field.grant(&format!("{how:?}-{round}")).await;
            let load = Load::start(&field, &grant.par, how).await;
            let undo = field.kill(&grant, death).await;
            let late = load.finish_after_change().await;
            for request in &late {
                assert_refused(&request.reply, death.refusal());
            }
            field.assert_unwritten(&late).await;
            counted += late.len();
            if field.undo(&grant, undo).await {
                field.read(&grant.par).await.expect(200);
                let put = field.admin.http().put(grant.par.path_for("in/again"));
                put.body("again").await.expect(200);
            } else {
                assert_refused(&field.read(&grant.par).await, death.refusal());
            }
        }
    }
    println!(
        "revocation: {death:?}: {} changes, {counted} requests after them, 0 allowed",
        rounds * 2
    );
}

#[track_caller]
fn assert_refused(reply: &Reply, (status, code): (u16, &str)) {
    let seen = (reply.status, reply.code());
    assert_eq!(seen, (status, code.to_owned()), "{}", reply.dump());
}
