//! A second tenancy on the same server.

use std::fs;
use std::path::Path;

use parbuckle_testkit::{SignedClient, Signer, TestKey, TestServer};
use serde_json::json;

use super::row::Names;
use super::stage::{BUCKET, OBJECT};

const NAME: &str = "other";

/// Another tenancy, as its administrator has it.
pub(crate) struct OtherTenancy {
    /// Signs for the other tenancy; its helpers for paths and names speak of the first.
    pub(crate) admin: SignedClient,
    /// It has a bucket and an object in it, both named as on the stage.
    pub(crate) namespace: String,
    /// What it has of the things that rows name.
    pub(crate) things: Names,
}

/// Adds it, as an operator does.
pub(crate) async fn other_tenancy(server: &TestServer) -> OtherTenancy {
    server.make_tenancy(NAME);
    let folder = server.data_dir().join("admin").join(NAME);
    let value = |name| config_value(&folder.join("config"), name);
    let tenancy = value("tenancy");
    let key_id = format!("{tenancy}/{}/{}", value("user"), value("fingerprint"));
    let key = TestKey::read_pem(Path::new(&value("key_file")));
    let admin = server.signed_by(Signer::new(key_id, key, server.clock().clone()));
    let namespace = admin.get("/n").await.expect(200).json();
    let namespace = namespace.as_str().unwrap().to_owned();
    let buckets = format!("/n/{namespace}/b");
    let bucket = json!({ "name": BUCKET, "compartmentId": tenancy });
    admin.post(&buckets).json(&bucket).await.expect(200);
    let object = parbuckle_testkit::encode(OBJECT);
    let put = admin.put(format!("{buckets}/{BUCKET}/o/{object}"));
    put.body("of the other").await.expect(200);
    let work = copy(&admin, &namespace, server.bootstrap().field("region")).await;
    let first = async |list| {
        let target = format!("/20160918/{list}?compartmentId={tenancy}");
        let found = admin.get(target).await.expect(200).json();
        found[0]["id"].as_str().unwrap().to_owned()
    };
    let things = Names::from([
        ("namespace", namespace.clone()),
        ("toNamespace", namespace.clone()),
        ("id", work),
        ("userId", first("users").await),
        ("groupId", first("groups").await),
        ("policyId", first("policies").await),
        ("tenancyId", tenancy.clone()),
        ("compartmentId", tenancy.clone()),
        ("besideId", tenancy.clone()),
    ]);
    OtherTenancy {
        admin,
        namespace,
        things,
    }
}

/// Has its object copied; the id of the work request.
async fn copy(admin: &SignedClient, namespace: &str, region: &str) -> String {
    let target = format!("/n/{namespace}/b/{BUCKET}/actions/copyObject");
    let copy = json!({
        "sourceObjectName": OBJECT,
        "destinationRegion": region,
        "destinationNamespace": namespace,
        "destinationBucket": BUCKET,
        "destinationObjectName": "copied",
    });
    let reply = admin.post(target).json(&copy).await.expect(202);
    reply.required("opc-work-request-id").to_owned()
}

/// A value in the DEFAULT profile of an OCI config file.
fn config_value(path: &Path, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    let found = pairs.find(|(key, _)| key.trim() == name);
    found.unwrap().1.trim().to_owned()
}
