//! The request that provokes each row. Each leaves the scene as the others need it.

use parbuckle_testkit::{Call, ParSpec, Reply, SignedClient, Signer, TestKey, TestServer};
use serde_json::json;

/// A server whose clock can be moved, with the bucket `b` and the object `o` in it.
pub(crate) struct Scene {
    server: TestServer,
    pub(crate) admin: SignedClient,
    etag: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let server = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle"));
        let server = server.arg("--dev").start().await;
        let admin = server.admin();
        admin.create_bucket("b").await;
        let put = admin.put_object("b", "o", "hello\n").await;
        let etag = put.required("etag").to_owned();
        Self {
            server,
            admin,
            etag,
        }
    }

    fn bucket(&self) -> String {
        self.admin.bucket_path("b")
    }

    fn object(&self) -> String {
        self.admin.object_path("b", "o")
    }

    /// Replaces nothing: the tests give it a wrong digest or condition.
    fn put(&self, name: &str, value: &str) -> Call {
        let call = self.admin.put(self.object()).body("hello");
        call.header(name, value)
    }
}

/// The reply to the request that belongs to this row; none if the row is not among those below.
pub(crate) async fn reply(scene: &Scene, row: &str) -> Option<Reply> {
    let mut found = bad_request(scene, row).await;
    if found.is_none() {
        found = not_authenticated(scene, row).await;
    }
    if found.is_none() {
        found = not_found(scene, row).await;
    }
    if found.is_none() {
        found = conflict(scene, row).await;
    }
    found
}

async fn bad_request(scene: &Scene, row: &str) -> Option<Reply> {
    let (admin, bucket) = (&scene.admin, scene.bucket());
    let call = match row {
        "bad query value" => admin.get(format!("{bucket}/o?limit=many")),
        "unknown field name" => admin.get(format!("{bucket}/o?fields=name,colour")),
        "policy statement about nobody" => admin.post("/20160918/policies").json(&json!({
            "compartmentId": admin.compartment(),
            "name": "p",
            "description": "d",
            "statements": ["Allow group nobody to read buckets in tenancy"],
        })),
        "required parameter missing" => admin.get(admin.buckets_path()),
        "malformed JSON" => {
            let call = admin.post(admin.buckets_path());
            call.header("content-type", "application/json").body("{")
        }
        "JSON of another type" => admin.post(format!("{bucket}/p")).json(&json!({
            "name": "p",
            "accessType": "AnyObjectRead",
            "timeExpires": 4_070_908_800_u64,
        })),
        "Content-MD5 of another body" => scene.put("content-md5", "sZRqySSS0jR8YjW00mERhA=="),
        "CRC32C of another body" => scene.put("opc-content-crc32c", "AAAAAA=="),
        "SHA-256 of another body" => scene.put(
            "opc-content-sha256",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        ),
        "SHA-384 of another body" => scene.put(
            "opc-content-sha384",
            "OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb",
        ),
        "commit of no parts" => {
            let started = admin.post(format!("{bucket}/u"));
            let started = started.json(&json!({ "object": "big" })).await.expect(200);
            let id = started.json()["uploadId"].as_str().unwrap().to_owned();
            let commit = admin.post(format!("{bucket}/u/big?uploadId={id}"));
            let reply = commit.json(&json!({ "partsToCommit": [] })).await;
            let abort = admin.delete(format!("{bucket}/u/big?uploadId={id}"));
            abort.await.expect(204);
            return Some(reply);
        }
        "unknown compartment in a body" => admin.post(admin.buckets_path()).json(&json!({
            "name": "new",
            "compartmentId": "ocid1.compartment.oc1..aaaaaaaanope",
        })),
        "GET of an unchanged object" => admin
            .get(scene.object())
            .header("if-none-match", &scene.etag),
        "HEAD of an unchanged object" => admin
            .head(scene.object())
            .header("if-none-match", &scene.etag),
        "GET of an unchanged bucket" | "HEAD of an unchanged bucket" => {
            let etag = admin.head(&bucket).await.required("etag").to_owned();
            let call = match row.starts_with("GET") {
                true => admin.get(bucket),
                false => admin.head(bucket),
            };
            call.header("if-none-match", &etag)
        }
        _ => return None,
    };
    Some(call.await)
}

async fn not_authenticated(scene: &Scene, row: &str) -> Option<Reply> {
    let (admin, server) = (&scene.admin, &scene.server);
    let stranger = |fingerprint: &str| {
        let owner = server.bootstrap();
        let id = format!(
            "{}/{}/{fingerprint}",
            owner.tenancy_ocid(),
            owner.field("admin_user_ocid")
        );
        server.signed_by(Signer::new(id, TestKey::generate(), server.clock().clone()))
    };
    Some(match row {
        "no signature" => {
            server
                .anonymous()
                .post(admin.buckets_path())
                .json(&json!({}))
                .await
        }
        "unreadable signature" => {
            let call = server.anonymous().get("/n");
            call.header("authorization", "Bearer token").await
        }
        "signature of another key" => {
            let config = std::fs::read_to_string(server.config_file()).unwrap();
            let line = |line: &str| line.strip_prefix("fingerprint=").map(str::to_owned);
            let fingerprint = config.lines().find_map(line).unwrap();
            stranger(&fingerprint).get("/n").await
        }
        "unknown key" => {
            let fingerprint = ["00"; 16].join(":");
            stranger(&fingerprint).get("/n").await
        }
        "clock skew" => {
            let call = admin.get("/n");
            call.header("date", "Thu, 05 Jan 2023 21:31:40 GMT").await
        }
        "dead PAR" => {
            let par = admin.create_par("b", ParSpec::object_read("o")).await;
            admin.delete_par("b", &par).await;
            server.anonymous().get(par.access_uri).await
        }
        _ => return None,
    })
}

async fn not_found(scene: &Scene, row: &str) -> Option<Reply> {
    let (admin, bucket) = (&scene.admin, scene.bucket());
    let missing = admin.object_path("b", "no/such");
    let par = admin.par_path("b", &"A".repeat(64));
    let call = match row {
        "unknown namespace" => {
            let target = format!("/n/nosuchnamespace/b?compartmentId={}", admin.compartment());
            admin.get(target)
        }
        "missing bucket" => admin.get(admin.bucket_path("nope")),
        "anonymous GET in a private bucket" => admin.http().get(scene.object()),
        "HEAD of a missing bucket" => admin.head(admin.bucket_path("nope")),
        "GET of a missing object" => admin.get(missing),
        "HEAD of a missing object" => admin.head(missing),
        "DELETE of a missing object" => admin.delete(missing),
        "rename of a missing object" => {
            let names = json!({ "sourceName": "no/such", "newName": "new" });
            admin
                .post(format!("{bucket}/actions/renameObject"))
                .json(&names)
        }
        "unknown upload" => {
            let id = "00000000-0000-0000-0000-000000000000";
            admin.get(format!("{bucket}/u/o?uploadId={id}"))
        }
        "GET of an unknown PAR" => admin.get(par),
        "DELETE of an unknown PAR" => admin.delete(par),
        "unknown work request" => admin.get("/workRequests/00000000-0000-0000-0000-000000000000"),
        "unknown user" => admin.get("/20160918/users/ocid1.user.oc1..aaaaaaaanope"),
        "wrong verb" => admin.put(admin.buckets_path()).json(&json!({})),
        "feature that is absent" => {
            let endpoint = json!({ "name": "pe", "compartmentId": admin.compartment() });
            admin
                .post(format!("/n/{}/pe", admin.namespace()))
                .json(&endpoint)
        }
        _ => return None,
    };
    Some(call.await)
}

async fn conflict(scene: &Scene, row: &str) -> Option<Reply> {
    let (admin, bucket) = (&scene.admin, scene.bucket());
    let call = match row {
        "bucket that exists" => {
            let details = json!({ "name": "b", "compartmentId": admin.compartment() });
            admin.post(admin.buckets_path()).json(&details)
        }
        "DELETE of a bucket with objects" => admin.delete(bucket),
        "DELETE of a bucket with a PAR" => {
            admin.create_bucket("with-par").await;
            admin.create_par("with-par", ParSpec::any_read()).await;
            admin.delete(admin.bucket_path("with-par"))
        }
        "DELETE of a bucket with an expired PAR" => {
            admin.create_bucket("with-old").await;
            let soon = scene.server.clock().rfc3339_in(60);
            let par = ParSpec::any_read().expires(&soon);
            admin.create_par("with-old", par).await;
            scene.server.advance_clock(120).await;
            admin.delete(admin.bucket_path("with-old"))
        }
        "recovery of what is not deleted" => {
            let id = admin.create_compartment("c").await;
            let action = "actions/recoverCompartment";
            admin.post(format!("/20160918/compartments/{id}/{action}"))
        }
        "retry token with another body" => {
            let user = |name: &str| {
                let call = admin
                    .post("/20160918/users")
                    .header("opc-retry-token", "again");
                let tenancy = admin.tenancy();
                call.json(&json!({ "compartmentId": tenancy, "name": name, "description": "d" }))
            };
            user("first").await.expect(200);
            user("second")
        }
        "overwrite with a stale etag" => scene.put("if-match", "stale"),
        "DELETE with a stale etag" => {
            let reply = admin
                .delete(scene.object())
                .header("if-match", "stale")
                .await;
            // Nothing was changed (8.2).
            assert_eq!(admin.read_object("b", "o").await, "hello\n");
            return Some(reply);
        }
        "new object that exists" => scene.put("if-none-match", "*"),
        "stale etag of a group" => {
            let id = admin.create_group("g").await;
            let call = admin.put(format!("/20160918/groups/{id}"));
            call.json(&json!({ "description": "new" }))
                .header("if-match", "stale")
        }
        _ => return None,
    };
    Some(call.await)
}
