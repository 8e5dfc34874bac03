//! What a pre-authenticated request refuses, and when it stops working (wire reference 7.2 to 7.5).

use insta::assert_snapshot;
use parbuckle_testkit::clients::curl;
use parbuckle_testkit::{Par, ParSpec, Reply, SignedClient, TestServer};
use serde_json::json;

/// The answer to every request that the token does not cover.
const DEAD: &str = "401 NotAuthenticated: PAR does not exist";

async fn bucket() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    admin.put_object("b", "a.txt", "hello").await;
    (server, admin)
}

/// A bucket on a server whose clock the test moves.
async fn bucket_with_clock() -> (TestServer, SignedClient) {
    let builder = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle")).arg("--dev");
    let server = builder.start().await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    admin.put_object("b", "a.txt", "hello").await;
    (server, admin)
}

async fn put(url: &str) -> Reply {
    curl(["-X", "PUT", "--data-binary", "new", url]).await
}

/// The answer for an operation that the PAR's type does not grant.
fn hidden(admin: &SignedClient) -> String {
    format!(
        "404 BucketNotFound: Either the bucket named 'b' does not exist in the namespace '{}' \
         or you are not authorized to access it",
        admin.namespace()
    )
}

#[tokio::test]
async fn an_unknown_token_does_not_exist() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let url = par.url_for("a.txt").replace(par.token(), &"A".repeat(64));
    assert_eq!(curl([&url]).await.to_string(), DEAD);
}

#[tokio::test]
async fn a_token_with_one_letter_changed_does_not_exist() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let last = if par.token().ends_with('A') { "B" } else { "A" };
    let near = format!("{}{last}", &par.token()[..par.token().len() - 1]);
    let url = par.url_for("a.txt").replace(par.token(), &near);
    assert_eq!(curl([&url]).await.to_string(), DEAD);
}

#[tokio::test]
async fn the_head_with_an_unknown_token_has_no_body() {
    let (server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let path = par.path_for("a.txt").replace(par.token(), &"A".repeat(64));
    let reply = server.anonymous().head(path).await.expect(401);
    assert_eq!(reply.body.len(), 0);
}

#[tokio::test]
async fn the_id_of_a_par_is_not_its_secret() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let id = parbuckle_testkit::encode(&par.id);
    let url = par.url_for("a.txt").replace(par.token(), &id);
    assert_eq!(curl([&url]).await.to_string(), DEAD);
}

#[tokio::test]
async fn a_deleted_par_ends_with_the_next_request() {
    let (_server, admin) = bucket().await;
    let par = admin
        .create_par("b", ParSpec::any_read_write().listing())
        .await;
    curl([&par.url_for("a.txt")]).await.expect(200);
    admin.delete_par("b", &par).await;
    assert_eq!(curl([&par.url_for("a.txt")]).await.to_string(), DEAD);
    assert_eq!(put(&par.url_for("a.txt")).await.to_string(), DEAD);
    assert_eq!(curl([&par.url()]).await.to_string(), DEAD);
}

#[tokio::test]
async fn deleting_one_par_leaves_its_twin() {
    let (_server, admin) = bucket().await;
    let first = admin.create_par("b", ParSpec::any_read()).await;
    let second = admin.create_par("b", ParSpec::any_read()).await;
    admin.delete_par("b", &first).await;
    curl([&second.url_for("a.txt")]).await.expect(200);
}

async fn par_for_an_hour(server: &TestServer, admin: &SignedClient, spec: ParSpec) -> Par {
    admin
        .create_par("b", spec.expires(&server.clock().rfc3339_in(3600)))
        .await
}

#[tokio::test]
async fn an_expired_par_does_not_exist() {
    let (server, admin) = bucket_with_clock().await;
    let par = par_for_an_hour(&server, &admin, ParSpec::any_read_write().listing()).await;
    server.advance_clock(3590).await;
    curl([&par.url_for("a.txt")]).await.expect(200);
    server.advance_clock(20).await;
    assert_eq!(curl([&par.url_for("a.txt")]).await.to_string(), DEAD);
    assert_eq!(put(&par.url_for("a.txt")).await.to_string(), DEAD);
    assert_eq!(curl([&par.url()]).await.to_string(), DEAD);
}

#[tokio::test]
async fn an_expired_par_stays_listed_and_keeps_its_bucket() {
    let (server, admin) = bucket_with_clock().await;
    let par = par_for_an_hour(&server, &admin, ParSpec::any_read()).await;
    server.advance_clock(7200).await;
    let listed = admin
        .get(format!("{}/p", admin.bucket_path("b")))
        .await
        .expect(200);
    assert_eq!(listed.json()[0]["id"], par.id);
    admin.delete_object("b", "a.txt").await;
    let refused = admin.delete(admin.bucket_path("b")).await.expect(409);
    assert_eq!(refused.code(), "PreauthenticatedRequestStillExists");
    admin.delete_par("b", &par).await;
    admin.delete(admin.bucket_path("b")).await.expect(204);
}

#[tokio::test]
async fn another_bucket_is_out_of_scope() {
    let (_server, admin) = bucket().await;
    admin.create_bucket("other").await;
    admin.put_object("other", "a.txt", "secret").await;
    let par = admin.create_par("b", ParSpec::any_read_write()).await;
    let url = par.url_for("a.txt").replace("/b/b/o/", "/b/other/o/");
    assert_eq!(curl([&url]).await.to_string(), DEAD);
    assert_eq!(put(&url).await.to_string(), DEAD);
}

#[tokio::test]
async fn another_namespace_is_out_of_scope() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let namespace = format!("/n/{}/", admin.namespace());
    let url = par.url_for("a.txt").replace(&namespace, "/n/another/");
    assert_eq!(curl([&url]).await.to_string(), DEAD);
}

#[tokio::test]
async fn an_object_par_serves_no_other_object() {
    let (_server, admin) = bucket().await;
    admin.put_object("b", "a.txt2", "secret").await;
    let par = admin
        .create_par("b", ParSpec::object_read_write("a.txt"))
        .await;
    for other in ["a.txt2", "A.TXT", "a.tx", "a.txt/", "./a.txt"] {
        assert_eq!(curl([&par.url_for(other)]).await.to_string(), DEAD);
        assert_eq!(put(&par.url_for(other)).await.to_string(), DEAD);
    }
}

#[tokio::test]
async fn an_object_par_cannot_list() {
    let (_server, admin) = bucket().await;
    let par = admin
        .create_par("b", ParSpec::object_read_write("a.txt"))
        .await;
    let reply = curl([&par.url_for("")]).await;
    assert_eq!(reply.to_string(), hidden(&admin));
}

#[tokio::test]
async fn a_prefix_par_reads_nothing_outside_its_prefix() {
    let (_server, admin) = bucket().await;
    for name in ["photos/1.jpg", "photo", "Photos/1.jpg"] {
        admin.put_object("b", name, "jpg").await;
    }
    let par = admin
        .create_par("b", ParSpec::any_read().prefix("photos/"))
        .await;
    curl([&par.url_for("photos/1.jpg")]).await.expect(200);
    for outside in [
        "a.txt",
        "photo",
        "Photos/1.jpg",
        "/photos/1.jpg",
        "x/photos/1.jpg",
    ] {
        let reply = curl([&par.url_for(outside)]).await;
        assert_eq!(reply.to_string(), DEAD);
    }
}

#[tokio::test]
async fn dots_do_not_lead_out_of_a_prefix() {
    let (_server, admin) = bucket().await;
    let par = admin
        .create_par("b", ParSpec::any_read().prefix("photos/"))
        .await;
    let reply = curl([&par.url_for("photos/../a.txt")]).await;
    assert_snapshot!(reply, @"404 ObjectNotFound: The object 'photos/../a.txt' was not found in the bucket 'b'");
}

#[tokio::test]
async fn a_prefix_par_writes_nothing_outside_its_prefix() {
    let (_server, admin) = bucket().await;
    let par = admin
        .create_par("b", ParSpec::any_write().prefix("in/"))
        .await;
    put(&par.url_for("in/x")).await.expect(200);
    assert_eq!(put(&par.url_for("out/x")).await.to_string(), DEAD);
    assert_eq!(admin.list_names("b", "").await, ["a.txt", "in/x"]);
}

#[tokio::test]
async fn a_write_par_cannot_read() {
    let (server, admin) = bucket().await;
    for spec in [ParSpec::any_write(), ParSpec::object_write("a.txt")] {
        let par = admin.create_par("b", spec).await;
        assert_eq!(
            curl([&par.url_for("a.txt")]).await.to_string(),
            hidden(&admin)
        );
        let head = server
            .anonymous()
            .head(par.path_for("a.txt"))
            .await
            .expect(404);
        assert_eq!(head.body.len(), 0);
    }
}

#[tokio::test]
async fn a_write_par_tells_nothing_about_what_exists() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_write()).await;
    let (there, missing) = (
        curl([&par.url_for("a.txt")]).await,
        curl([&par.url_for("none")]).await,
    );
    assert_eq!(there.to_string(), missing.to_string());
}

#[tokio::test]
async fn a_read_par_cannot_write() {
    let (_server, admin) = bucket().await;
    for spec in [ParSpec::any_read(), ParSpec::object_read("a.txt")] {
        let par = admin.create_par("b", spec).await;
        assert_eq!(put(&par.url_for("a.txt")).await.to_string(), hidden(&admin));
    }
    assert_eq!(admin.read_object("b", "a.txt").await, "hello");
}

#[tokio::test]
async fn a_par_without_listing_cannot_list() {
    let (_server, admin) = bucket().await;
    for spec in [
        ParSpec::any_read(),
        ParSpec::any_read_write(),
        ParSpec::any_write(),
    ] {
        let par = admin.create_par("b", spec).await;
        assert_eq!(curl([&par.url()]).await.to_string(), hidden(&admin));
    }
}

#[tokio::test]
async fn a_write_par_may_be_created_with_listing() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_write().listing()).await;
    assert_eq!(par.json["bucketListingAction"], "ListObjects");
}

#[tokio::test]
async fn a_par_never_deletes_an_object() {
    let (_server, admin) = bucket().await;
    let bucket_par = admin
        .create_par("b", ParSpec::any_read_write().listing())
        .await;
    let object_par = admin
        .create_par("b", ParSpec::object_read_write("a.txt"))
        .await;
    for url in [bucket_par.url_for("a.txt"), object_par.url()] {
        let reply = curl(["-X", "DELETE", &url]).await;
        assert_eq!(reply.status, 405, "{}", reply.dump());
    }
    assert_eq!(admin.read_object("b", "a.txt").await, "hello");
}

#[tokio::test]
async fn a_par_never_touches_the_bucket_or_other_pars() {
    let (server, admin) = bucket().await;
    let par = admin
        .create_par("b", ParSpec::any_read_write().listing())
        .await;
    let bucket = par.root().trim_end_matches("/o/").to_owned();
    for path in [bucket.clone(), format!("{bucket}/p"), format!("{bucket}/u")] {
        for method in ["GET", "POST", "DELETE", "PUT"] {
            let url = format!("{}{path}", server.endpoint());
            let reply = curl(["-X", method, "--data-binary", "{}", &url]).await;
            assert_eq!(reply.status, 404, "{}", reply.dump());
        }
    }
    admin.get(admin.bucket_path("b")).await.expect(200);
    assert_eq!(admin.read_object("b", "a.txt").await, "hello");
}

#[tokio::test]
async fn a_post_to_an_object_is_refused() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read_write()).await;
    let reply = curl(["-X", "POST", "--data-binary", "x", &par.url_for("a.txt")]).await;
    assert_eq!(reply.status, 405, "{}", reply.dump());
    assert_eq!(admin.read_object("b", "a.txt").await, "hello");
}

#[tokio::test]
async fn the_buckets_public_access_changes_nothing_for_a_par() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_write()).await;
    let change = json!({ "publicAccessType": "ObjectRead" });
    admin
        .post(admin.bucket_path("b"))
        .json(&change)
        .await
        .expect(200);
    assert_eq!(curl([&par.url_for("a.txt")]).await.status, 404);
    put(&par.url_for("b.txt")).await.expect(200);
}

#[tokio::test]
async fn a_par_serves_an_object_that_was_deleted_and_made_again() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::object_read("a.txt")).await;
    admin.delete_object("b", "a.txt").await;
    assert_eq!(curl([&par.url()]).await.code(), "ObjectNotFound");
    admin.put_object("b", "a.txt", "again").await;
    assert_eq!(curl([&par.url()]).await.expect(200).text(), "again");
}

#[tokio::test]
async fn a_par_may_be_made_before_its_object() {
    let (_server, admin) = bucket().await;
    let par = admin
        .create_par("b", ParSpec::object_read_write("later.txt"))
        .await;
    assert_eq!(curl([&par.url()]).await.code(), "ObjectNotFound");
    put(&par.url()).await.expect(200);
    assert_eq!(curl([&par.url()]).await.expect(200).text(), "new");
}

#[tokio::test]
async fn a_par_outlives_a_kill_of_the_server() {
    let (mut server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::object_read("a.txt")).await;
    server.restart().await;
    let reply = curl([&format!("{}{}", server.endpoint(), par.access_uri)])
        .await
        .expect(200);
    assert_eq!(reply.text(), "hello");
}

#[tokio::test]
async fn a_deleted_par_stays_deleted_after_a_kill_of_the_server() {
    let (mut server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::object_read("a.txt")).await;
    admin.delete_par("b", &par).await;
    server.restart().await;
    curl([&format!("{}{}", server.endpoint(), par.access_uri)])
        .await
        .expect(401);
}

#[tokio::test]
async fn the_server_writes_no_secret_to_its_log_or_its_data() {
    let (mut server, admin) = bucket().await;
    let par = admin
        .create_par("b", ParSpec::any_read_write().listing())
        .await;
    curl([&par.url_for("a.txt")]).await.expect(200);
    curl([&par.url_for("missing")]).await.expect(404);
    put(&par.url_for("x")).await.expect(200);
    server.terminate().await;
    assert!(
        !server.output().contains(par.token()),
        "the token is in the log"
    );
    let files = std::process::Command::new("grep")
        .args(["-r", "-l", "-F", "-a", "-e", par.token()])
        .arg(server.data_dir())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(files.stdout).unwrap(),
        "",
        "files that hold the token"
    );
}
