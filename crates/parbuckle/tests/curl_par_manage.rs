//! Creating, showing, listing and deleting pre-authenticated requests with signed raw requests
//! (wire reference 3.5, 4.4, 7.4 and 10.2), where the SDKs would hide what is on the wire.

use parbuckle_testkit::clients::curl;
use parbuckle_testkit::{ParSpec, Reply, SignedClient, TestServer};
use serde_json::{Value, json};

async fn bucket() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    (server, admin)
}

async fn create(admin: &SignedClient, body: &Value) -> Reply {
    admin
        .post(format!("{}/p", admin.bucket_path("b")))
        .json(body)
        .await
}

/// A body that is good but for the given field; null leaves the field out.
fn body_with(field: &str, value: Value) -> Value {
    let mut body = json!({
        "name": "par",
        "accessType": "ObjectRead",
        "objectName": "o",
        "timeExpires": "2099-01-01T00:00:00Z",
    });
    match value {
        Value::Null => drop(body.as_object_mut().expect("an object").remove(field)),
        value => body[field] = value,
    }
    body
}

#[tokio::test]
async fn the_answer_of_create_has_every_field() {
    let (server, admin) = bucket().await;
    let answer = create(&admin, &ParSpec::any_read().prefix("p").listing().to_json()).await;
    let answer = answer.expect(200).json();
    assert_eq!(answer["name"], "par");
    assert_eq!(answer["objectName"], "p");
    assert_eq!(answer["accessType"], "AnyObjectRead");
    assert_eq!(answer["bucketListingAction"], "ListObjects");
    assert_eq!(answer["timeExpires"], "2099-12-31T23:59:59.000Z");
    assert_eq!(
        answer["timeCreated"].as_str().map(str::len),
        Some(24),
        "{answer:#}"
    );
    let access_uri = answer["accessUri"].as_str().expect("text");
    assert_eq!(
        answer["fullPath"],
        format!("{}{access_uri}", server.endpoint())
    );
}

#[tokio::test]
async fn the_public_url_begins_the_full_path() {
    let builder = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle"));
    let server = builder
        .arg("--public-url")
        .arg("https://files.example.com")
        .start()
        .await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    assert_eq!(
        par.json["fullPath"],
        format!("https://files.example.com{}", par.access_uri)
    );
}

#[tokio::test]
async fn two_pars_share_neither_id_nor_secret() {
    let (_server, admin) = bucket().await;
    let first = admin.create_par("b", ParSpec::any_read()).await;
    let second = admin.create_par("b", ParSpec::any_read()).await;
    assert_ne!(first.id, second.id);
    assert_ne!(first.token(), second.token());
}

#[tokio::test]
async fn get_and_list_never_show_the_secret_again() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let shown = admin.get(admin.par_path("b", &par.id)).await.expect(200);
    let listed = admin
        .get(format!("{}/p", admin.bucket_path("b")))
        .await
        .expect(200);
    assert_eq!(listed.json()[0], shown.json());
    for reply in [shown, listed] {
        let text = reply.text();
        assert!(!text.contains(par.token()), "{}", reply.dump());
        assert!(
            !text.contains("accessUri") && !text.contains("fullPath"),
            "{}",
            reply.dump()
        );
    }
}

#[tokio::test]
async fn expiry_may_come_with_any_offset_and_precision() {
    let (_server, admin) = bucket().await;
    for (given, shown) in [
        ("2099-09-01T00:09:51.000+02:00", "2099-08-31T22:09:51.000Z"),
        ("2099-09-01T00:09:51Z", "2099-09-01T00:09:51.000Z"),
        ("2099-09-01T00:09:51.123456789Z", "2099-09-01T00:09:51.123Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
        (
            "2099-09-01T00:09:51.000000-11:30",
            "2099-09-01T11:39:51.000Z",
        ),
    ] {
        let reply = create(&admin, &body_with("timeExpires", json!(given)))
            .await
            .expect(200);
        assert_eq!(reply.json()["timeExpires"], shown, "{given}");
    }
}

#[tokio::test]
async fn expiry_is_required() {
    let (_server, admin) = bucket().await;
    let reply = create(&admin, &body_with("timeExpires", Value::Null))
        .await
        .expect(400);
    assert!(
        ["MissingParameter", "InvalidParameter"].contains(&reply.code().as_str()),
        "{reply}"
    );
}

#[tokio::test]
async fn expiry_that_is_no_rfc_3339_time_is_refused() {
    let (_server, admin) = bucket().await;
    for bad in [
        "tomorrow",
        "2099-13-01T00:00:00Z",
        "2099-01-01T00:00:00",
        "4102444800",
        "",
    ] {
        let reply = create(&admin, &body_with("timeExpires", json!(bad)))
            .await
            .expect(400);
        assert_eq!(reply.code(), "InvalidValue", "{bad}: {reply}");
        assert!(reply.text().contains("RFC 3339"), "{bad}: {reply}");
    }
}

#[tokio::test]
async fn expiry_in_the_past_is_refused() {
    let (_server, admin) = bucket().await;
    create(
        &admin,
        &body_with("timeExpires", json!("2022-11-21T23:00:00Z")),
    )
    .await
    .expect(400);
}

#[tokio::test]
async fn name_and_access_type_are_required() {
    let (_server, admin) = bucket().await;
    for field in ["name", "accessType"] {
        create(&admin, &body_with(field, Value::Null))
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn an_unknown_access_type_is_refused() {
    let (_server, admin) = bucket().await;
    for bad in [
        json!("ObjectDelete"),
        json!("objectread"),
        json!(1),
        json!(""),
    ] {
        create(&admin, &body_with("accessType", bad))
            .await
            .expect(400);
    }
}

#[tokio::test]
async fn an_object_access_type_needs_an_object() {
    let (_server, admin) = bucket().await;
    for kind in ["ObjectRead", "ObjectWrite", "ObjectReadWrite"] {
        let mut body = body_with("objectName", Value::Null);
        body["accessType"] = json!(kind);
        create(&admin, &body).await.expect(400);
    }
}

#[tokio::test]
async fn listing_is_refused_for_one_object() {
    let (_server, admin) = bucket().await;
    let body = body_with("bucketListingAction", json!("ListObjects"));
    create(&admin, &body).await.expect(400);
}

#[tokio::test]
async fn listing_may_be_denied_in_so_many_words() {
    let (_server, admin) = bucket().await;
    let mut body = ParSpec::any_read().to_json();
    body["bucketListingAction"] = json!("Deny");
    let answer = create(&admin, &body).await.expect(200).json();
    assert_eq!(answer["bucketListingAction"], "Deny");
}

#[tokio::test]
async fn a_par_of_more_than_3500_bytes_is_refused() {
    let (_server, admin) = bucket().await;
    let body = body_with("objectName", json!("ö".repeat(512)));
    create(&admin, &body).await.expect(200);
    let mut body = body_with("objectName", json!("n".repeat(1024)));
    body["name"] = json!("x".repeat(3500));
    create(&admin, &body).await.expect(400);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_refused() {
    let (_server, admin) = bucket().await;
    let target = format!("{}/p", admin.bucket_path("b"));
    for bad in ["", "{", "[]", "null", "{\"name\":}"] {
        let reply = admin.post(&target).body(bad).await.expect(400);
        assert!(!reply.code().is_empty(), "{bad}: {}", reply.dump());
    }
}

#[tokio::test]
async fn a_par_is_found_by_its_id_raw_or_encoded() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::object_read("dir/a b")).await;
    let bucket = admin.bucket_path("b");
    for path in [
        admin.par_path("b", &par.id),
        format!("{bucket}/p/{}", par.id.replace(' ', "%20")),
        format!(
            "{bucket}/p/{}",
            par.id.replace(' ', "%20").replace('/', "%2F")
        ),
    ] {
        assert_eq!(
            admin.get(&path).await.expect(200).json()["id"],
            par.id,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_par_of_another_bucket_is_not_found() {
    let (_server, admin) = bucket().await;
    admin.create_bucket("other").await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let path = admin.par_path("other", &par.id);
    assert_eq!(
        admin.get(&path).await.expect(404).code(),
        "PreauthenticatedRequestNotFound"
    );
    assert_eq!(
        admin.delete(&path).await.expect(404).code(),
        "PreauthenticatedRequestNotFound"
    );
    admin.get(admin.par_path("b", &par.id)).await.expect(200);
}

#[tokio::test]
async fn pars_are_listed_in_pages() {
    let (_server, admin) = bucket().await;
    let mut created = Vec::new();
    for _ in 0..5 {
        created.push(admin.create_par("b", ParSpec::any_read()).await.id);
    }
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    for _ in 0..3 {
        let page = admin
            .get(format!("{}/p{query}", admin.bucket_path("b")))
            .await
            .expect(200);
        let ids = page.json();
        let ids = ids.as_array().expect("a bare array").iter();
        seen.extend(ids.map(|par| par["id"].as_str().expect("text").to_owned()));
        let Some(next) = page.header("opc-next-page") else {
            break;
        };
        query = format!("?limit=2&page={}", parbuckle_testkit::encode(next));
    }
    seen.sort();
    created.sort();
    assert_eq!(seen, created);
}

#[tokio::test]
async fn a_par_in_a_missing_bucket_is_refused() {
    let (_server, admin) = bucket().await;
    let target = format!("{}/p", admin.bucket_path("nope"));
    let reply = admin
        .post(target)
        .json(&ParSpec::any_read().to_json())
        .await
        .expect(404);
    assert_eq!(reply.code(), "BucketNotFound");
}

#[tokio::test]
async fn managing_pars_needs_a_signature() {
    let (server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let url = |path: String| format!("{}{path}", server.endpoint());
    let list = url(format!("{}/p", admin.bucket_path("b")));
    let one = url(admin.par_path("b", &par.id));
    let body = ParSpec::any_read().to_json().to_string();
    for reply in [
        curl([&list]).await,
        curl([&one]).await,
        curl(["-X", "DELETE", &one]).await,
        curl([
            "-H",
            "content-type: application/json",
            "--data-binary",
            &body,
            &list,
        ])
        .await,
    ] {
        assert_eq!(reply.code(), "NotAuthenticated", "{}", reply.dump());
    }
    let listed = admin
        .get(format!("{}/p", admin.bucket_path("b")))
        .await
        .expect(200)
        .json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}
