//! The `oci` commands of Oracle's pages on pre-authenticated requests, typed as the pages print them.
//! Only the names of hosts, the namespace and the dates differ (the pages' expiry dates have passed).

use page::{BUCKET, page, typed};
use parbuckle_testkit::clients::{Output, shell};
use parbuckle_testkit::{Par, ParSpec, SignedClient, TestServer};
use serde_json::{Value, json};

#[path = "clients/page.rs"]
mod page;

const EXPIRES: &str = "2099-11-21T23:00:00+00:00";

fn par_url(server: &TestServer, created: &Value) -> String {
    let access_uri = created["data"]["access-uri"]
        .as_str()
        .expect("an access-uri is printed");
    format!("{}{access_uri}", server.endpoint())
}

/// Checks a printed PAR against the page: constant fields by value, the others by their shape.
#[track_caller]
fn assert_printed_par(data: &Value, fields: &Value) {
    for (name, value) in fields.as_object().expect("fields are given as an object") {
        assert_eq!(&data[name], value, "{name} in {data:#}");
    }
    assert_eq!(data["time-expires"], EXPIRES);
    let created = data["time-created"].as_str().expect("time-created is text");
    // As on the page: 2021-04-02T22:25:27.322000+00:00
    assert_eq!(
        (created.len(), &created[23..]),
        (32, "000+00:00"),
        "{created}"
    );
    let id = data["id"].as_str().expect("id is text");
    let suffix = data["object-name"].as_str().filter(|_| {
        data["access-type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("Object"))
    });
    let random = match suffix {
        Some(object) => id
            .strip_suffix(&format!(":{object}"))
            .expect("id ends with the object"),
        None => id,
    };
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    assert!(random.len() == 64 && random.chars().all(is_base64), "{id}");
}

/// `/p/{64 base64url characters}/n/{namespace}/b/MyParBucket/o/` and the tail.
#[track_caller]
fn assert_access_uri(server: &TestServer, data: &Value, tail: &str) {
    let uri = data["access-uri"].as_str().expect("access-uri is text");
    let token = uri.split('/').nth(2).unwrap_or_default();
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    assert!(
        token.len() == 64 && token.chars().all(is_base64url),
        "{uri}"
    );
    let namespace = server.bootstrap().namespace();
    assert_eq!(uri, format!("/p/{token}/n/{namespace}/b/{BUCKET}/o/{tail}"));
}

#[tokio::test]
async fn a_bucket_par_with_listing_is_created_used_and_listed_as_printed() {
    let (server, admin) = page().await;
    let line = format!(
        r#"oci os preauth-request create --namespace $NS --bucket-name MyParBucket --name MyAllObjectsReadWritePAR --access-type AnyObjectReadWrite --time-expires="{EXPIRES}" --bucket-listing-action ListObjects"#
    );
    let created = typed(&server, "", &line).await.json();
    assert_printed_par(
        &created["data"],
        &json!({
            "access-type": "AnyObjectReadWrite",
            "bucket-listing-action": "ListObjects",
            "name": "MyAllObjectsReadWritePAR",
            "object-name": null,
        }),
    );
    assert_access_uri(&server, &created["data"], "");

    let url = par_url(&server, &created);
    server.scratch_file("edit-lifecycle-rules.pdf", "%PDF rules");
    typed(
        &server,
        &url,
        "curl -X PUT --data-binary '@edit-lifecycle-rules.pdf' ${URL}edit-lifecycle-rules.pdf",
    )
    .await;
    admin.put_object(BUCKET, "VPN.png", "png").await;
    let listed = typed(&server, &url, "curl -X GET $URL").await;
    assert_eq!(
        listed.stdout,
        r#"{"objects":[{"name":"VPN.png"},{"name":"edit-lifecycle-rules.pdf"}]}"#
    );
}

#[tokio::test]
async fn a_bucket_par_without_a_listing_action_denies_listing() {
    let (server, _) = page().await;
    let line = format!(
        r#"oci os preauth-request create --namespace $NS --bucket-name MyParBucket --name NoListing --access-type AnyObjectReadWrite --time-expires="{EXPIRES}""#
    );
    let created = typed(&server, "", &line).await.json();
    assert_ne!(created["data"]["bucket-listing-action"], "ListObjects");

    let refused = typed(&server, &par_url(&server, &created), "curl -X GET $URL")
        .await
        .json();
    let namespace = server.bootstrap().namespace();
    let message = format!(
        "Either the bucket named '{BUCKET}' does not exist in the namespace '{namespace}' \
         or you are not authorized to access it"
    );
    assert_eq!(
        refused,
        json!({ "code": "BucketNotFound", "message": message })
    );
}

#[tokio::test]
async fn an_object_par_is_created_written_and_read_as_printed() {
    let (server, _) = page().await;
    let line = format!(
        r#"oci os preauth-request create --namespace $NS --bucket-name MyParBucket --name MyObjectReadWritePAR --access-type ObjectReadWrite --object-name OCI_User_Guide.pdf --time-expires="{EXPIRES}""#
    );
    let created = typed(&server, "", &line).await.json();
    assert_printed_par(
        &created["data"],
        &json!({
            "access-type": "ObjectReadWrite",
            "bucket-listing-action": null,
            "name": "MyObjectReadWritePAR",
            "object-name": "OCI_User_Guide.pdf",
        }),
    );
    assert_access_uri(&server, &created["data"], "OCI_User_Guide.pdf");

    let url = par_url(&server, &created);
    server.scratch_file("OCI_User_Guide.pdf", "%PDF guide");
    let put = typed(
        &server,
        &url,
        "curl -X PUT --data-binary '@OCI_User_Guide.pdf' $URL",
    )
    .await;
    assert_eq!(put.stdout, "");
    assert_eq!(
        typed(&server, &url, "curl -X GET $URL").await.stdout,
        "%PDF guide"
    );
}

#[tokio::test]
async fn a_prefix_par_writes_and_lists_only_its_prefix() {
    let (server, admin) = page().await;
    let names = [
        "servicechanges.html",
        "serviceessentials.html",
        "servicelogreference.htm",
        "services.html",
    ];
    for name in names
        .into_iter()
        .chain(["servant.html", "Service.html", "VPN.png"])
    {
        admin.put_object(BUCKET, name, "text").await;
    }
    let line = format!(
        r#"oci os preauth-request create --namespace $NS --bucket-name MyParBucket --name PrefixedObjectsReadWritePAR --access-type AnyObjectReadWrite --object-name service --time-expires "{EXPIRES}" --bucket-listing-action ListObjects"#
    );
    let created = typed(&server, "", &line).await.json();
    assert_printed_par(
        &created["data"],
        &json!({
            "access-type": "AnyObjectReadWrite",
            "bucket-listing-action": "ListObjects",
            "name": "PrefixedObjectsReadWritePAR",
            "object-name": "service",
        }),
    );
    assert_access_uri(&server, &created["data"], "");

    let url = par_url(&server, &created);
    server.scratch_file("servicediscovery.dita", "<dita/>");
    server.scratch_file("objectstoragelogreference.htm", "<html/>");
    typed(
        &server,
        &url,
        "curl -X PUT --data-binary '@servicediscovery.dita' ${URL}servicediscovery.dita",
    )
    .await;
    let listed = typed(&server, &url, "curl -X GET $URL").await;
    assert_eq!(
        listed.stdout,
        concat!(
            r#"{"objects":[{"name":"servicechanges.html"},{"name":"servicediscovery.dita"},"#,
            r#"{"name":"serviceessentials.html"},{"name":"servicelogreference.htm"},"#,
            r#"{"name":"services.html"}]}"#
        )
    );

    let refused = typed(
        &server,
        &url,
        "curl -X PUT --data-binary '@objectstoragelogreference.htm' ${URL}objectstoragelogreference.htm",
    )
    .await;
    assert_eq!(
        refused.stdout,
        r#"{"code":"NotAuthenticated","message":"PAR does not exist"}"#
    );
    assert!(
        !admin
            .list_names(BUCKET, "")
            .await
            .contains(&"objectstoragelogreference.htm".into())
    );
}

#[tokio::test]
async fn a_prefix_may_span_folders() {
    let (server, admin) = page().await;
    let spec = ParSpec::any_read_write().prefix("reports/2024/").listing();
    let par = admin.create_par(BUCKET, spec).await;
    server.scratch_file("q1.csv", "a,b");
    typed(
        &server,
        &par.url(),
        "curl -X PUT --data-binary '@q1.csv' ${URL}reports/2024/q1.csv",
    )
    .await;
    let read = typed(&server, &par.url(), "curl -X GET ${URL}reports/2024/q1.csv").await;
    assert_eq!(read.stdout, "a,b");
    let refused = typed(&server, &par.url(), "curl -X GET ${URL}reports/2023/q1.csv").await;
    assert_eq!(refused.json()["message"], "PAR does not exist");
}

async fn three_pars(admin: &SignedClient) -> [Par; 3] {
    let prefix = ParSpec::any_read_write().prefix("service").listing();
    let bucket = ParSpec::any_read_write().listing();
    let object = ParSpec::object_read_write("OCI_User_Guide.pdf");
    [
        admin
            .create_par(
                BUCKET,
                prefix.named("PrefixedObjectsReadWritePAR").expires(EXPIRES),
            )
            .await,
        admin
            .create_par(
                BUCKET,
                bucket.named("MyAllObjectsReadWritePAR").expires(EXPIRES),
            )
            .await,
        admin
            .create_par(
                BUCKET,
                object.named("MyObjectReadWritePAR").expires(EXPIRES),
            )
            .await,
    ]
}

#[tokio::test]
async fn pars_are_listed_as_printed_without_their_secrets() {
    let (server, admin) = page().await;
    let pars = three_pars(&admin).await;
    let line = "oci os preauth-request list --namespace $NS --bucket-name MyParBucket";
    let listed = typed(&server, "", line).await;
    let json = listed.json();
    let data = json["data"].as_array().expect("a list is printed");
    assert_eq!(data.len(), 3);
    for par in &pars {
        let printed = data
            .iter()
            .find(|entry| entry["id"] == par.id)
            .expect("the PAR is listed");
        let fields = json!({
            "access-type": par.json["accessType"],
            "bucket-listing-action": par.json["bucketListingAction"],
            "name": par.json["name"],
            "object-name": par.json["objectName"],
        });
        assert_printed_par(printed, &fields);
        assert!(!listed.stdout.contains(par.token()), "{listed}");
    }
    assert!(!listed.stdout.contains("access-uri"), "{listed}");
}

#[tokio::test]
async fn a_par_is_shown_as_printed_without_its_secret() {
    let (server, admin) = page().await;
    let [prefix, ..] = three_pars(&admin).await;
    let line = format!(
        "oci os preauth-request get --namespace $NS --bucket-name MyParBucket --par-id {}",
        prefix.id
    );
    let shown = typed(&server, "", &line).await;
    assert_printed_par(
        &shown.json()["data"],
        &json!({
            "access-type": "AnyObjectReadWrite",
            "bucket-listing-action": "ListObjects",
            "id": prefix.id,
            "name": "PrefixedObjectsReadWritePAR",
            "object-name": "service",
        }),
    );
    assert!(!shown.stdout.contains("access-uri"), "{shown}");
    assert!(!shown.stdout.contains(prefix.token()), "{shown}");
}

/// Runs a command of a page that asks a question.
async fn answered(server: &TestServer, line: &str, answer: &str) -> Output {
    shell(server, line)
        .env("NS", server.bootstrap().namespace())
        .stdin(answer)
        .run()
        .await
}

#[tokio::test]
async fn deleting_a_par_asks_first_and_ends_its_access_at_once() {
    let (server, admin) = page().await;
    admin
        .put_object(BUCKET, "OCI_User_Guide.pdf", "%PDF guide")
        .await;
    let [_, _, object] = three_pars(&admin).await;
    let line = format!(
        "oci os preauth-request delete --namespace $NS --bucket-name MyParBucket --par-id {}",
        object.id
    );
    let deleted = answered(&server, &line, "y\n").await.success();
    let prompt = "Are you sure you want to delete this resource? [y/N]: ";
    assert!(deleted.stdout.starts_with(prompt), "{deleted}");
    let refused = typed(&server, &object.url(), "curl -X GET $URL").await;
    assert_eq!(
        refused.stdout,
        r#"{"code":"NotAuthenticated","message":"PAR does not exist"}"#
    );
}

#[tokio::test]
async fn answering_no_to_the_prompt_keeps_the_par() {
    let (server, admin) = page().await;
    admin
        .put_object(BUCKET, "OCI_User_Guide.pdf", "%PDF guide")
        .await;
    let [_, _, object] = three_pars(&admin).await;
    let line = format!(
        "oci os preauth-request delete --namespace $NS --bucket-name MyParBucket --par-id {}",
        object.id
    );
    answered(&server, &line, "n\n").await.failure();
    assert_eq!(
        typed(&server, &object.url(), "curl -X GET $URL")
            .await
            .stdout,
        "%PDF guide"
    );
}
