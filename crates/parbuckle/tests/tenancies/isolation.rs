//! Two tenancies in one server: neither learns what the other has.

use parbuckle_testkit::{ParSpec, Reply, TestServer, encode};
use serde_json::{Value, json};

use crate::PARBUCKLE;
use crate::tenant::{Tenant, create};

/// Names that an outsider may try.
#[derive(Clone)]
struct Names {
    namespace: String,
    bucket: String,
    object: String,
    par: String,
    tenancy: String,
    compartment: String,
    user: String,
    group: String,
    policy: String,
    membership: String,
}

impl Names {
    /// Names of nothing, in the form of the real ones.
    fn of_nothing() -> Self {
        let ocid = |kind: &str| format!("ocid1.{kind}.oc1..nothing");
        Self {
            namespace: "nothing00000".to_owned(),
            bucket: "no-such-bucket".to_owned(),
            object: "no-such-object".to_owned(),
            par: "A".repeat(64),
            tenancy: ocid("tenancy"),
            compartment: ocid("compartment"),
            user: ocid("user"),
            group: ocid("group"),
            policy: ocid("policy"),
            membership: ocid("groupmembership"),
        }
    }

    /// Makes everything that has a name.
    async fn of_all_there_is_in(tenant: &Tenant) -> Self {
        tenant.create_bucket("secret-plans").await;
        tenant
            .put_object("secret-plans", "secret-object", "x")
            .await;
        let par = ParSpec::any_read_write().listing();
        let par = tenant.create_par("secret-plans", par).await;
        let user = tenant.create_identity("users", "bob", json!({})).await;
        let group = tenant.create_identity("groups", "g", json!({})).await;
        let statements = json!({ "statements": ["Allow group g to read buckets in tenancy"] });
        let body = json!({ "userId": user, "groupId": group });
        let membership = tenant.client.post("/20160918/userGroupMemberships");
        let membership = membership.json(&body).await.expect(200).json();
        Self {
            namespace: tenant.namespace.clone(),
            bucket: "secret-plans".to_owned(),
            object: "secret-object".to_owned(),
            par: par.id,
            tenancy: tenant.ocid.clone(),
            compartment: tenant.create_identity("compartments", "c", json!({})).await,
            user,
            group,
            policy: tenant.create_identity("policies", "p", statements).await,
            membership: membership["id"].as_str().unwrap().to_owned(),
        }
    }

    /// An answer without what the question itself told: status, names of headers, body.
    fn mask(&self, reply: &Reply) -> String {
        let mut headers: Vec<_> = reply.headers.keys().map(|name| name.as_str()).collect();
        headers.sort_unstable();
        let mut text = format!("{} {headers:?} {}", reply.status, reply.text());
        for told in [
            &self.namespace,
            &self.bucket,
            &self.object,
            &self.par,
            &self.tenancy,
            &self.compartment,
            &self.user,
            &self.group,
            &self.policy,
            &self.membership,
        ] {
            text = text.replace(told.as_str(), "NAME");
        }
        text
    }
}

/// Method, target and body of a request.
type Question = (&'static str, String, Option<Value>);

/// Questions of the native API about a namespace, a bucket and what is in it.
fn storage_questions(names: &Names, own_compartment: &str) -> Vec<Question> {
    let namespace = format!("/n/{}", names.namespace);
    let buckets = format!("{namespace}/b");
    let bucket = format!("{buckets}/{}", names.bucket);
    let object = format!("{bucket}/o/{}", names.object);
    let par = format!("{bucket}/p/{}", encode(&names.par));
    let new_par = json!({ "name": "p", "accessType": "AnyObjectRead", "timeExpires": "2099-01-01T00:00:00Z" });
    let new_bucket =
        |compartment: &str| Some(json!({ "name": names.bucket, "compartmentId": compartment }));
    let rename = json!({ "sourceName": names.object, "newName": "n" });
    vec![
        ("GET", namespace.clone(), None),
        (
            "GET",
            format!("{buckets}?compartmentId={own_compartment}"),
            None,
        ),
        (
            "GET",
            format!("{buckets}?compartmentId={}", names.tenancy),
            None,
        ),
        ("POST", buckets.clone(), new_bucket(own_compartment)),
        ("POST", buckets, new_bucket(&names.tenancy)),
        ("GET", bucket.clone(), None),
        ("HEAD", bucket.clone(), None),
        (
            "POST",
            bucket.clone(),
            Some(json!({ "name": names.bucket })),
        ),
        ("DELETE", bucket.clone(), None),
        ("GET", format!("{bucket}/o"), None),
        ("GET", object.clone(), None),
        ("HEAD", object.clone(), None),
        ("PUT", object.clone(), None),
        ("DELETE", object, None),
        (
            "POST",
            format!("{bucket}/actions/renameObject"),
            Some(rename),
        ),
        ("GET", format!("{bucket}/p"), None),
        ("POST", format!("{bucket}/p"), Some(new_par)),
        ("GET", par.clone(), None),
        ("DELETE", par, None),
        ("GET", format!("{bucket}/u"), None),
        (
            "POST",
            format!("{bucket}/u"),
            Some(json!({ "object": names.object })),
        ),
    ]
}

/// Questions of the Identity API about resources.
fn identity_questions(names: &Names, own: &Tenant) -> Vec<Question> {
    let at = |path: String| format!("/20160918/{path}");
    let named = |compartment: &str, extra: Value| {
        let mut body = json!({ "compartmentId": compartment, "name": "n", "description": "d" });
        for (field, value) in extra.as_object().into_iter().flatten() {
            body[field] = value.clone();
        }
        Some(body)
    };
    let described = || Some(json!({ "description": "d" }));
    let of_id = |id: &str| format!("Allow group id {id} to read buckets in tenancy");
    let in_id = |id: &str| format!("Allow any-user to read buckets in compartment id {id}");
    let statement = |text: String| named(&own.ocid, json!({ "statements": [text] }));
    let mut questions = Vec::new();
    for (collection, id) in [
        ("users", &names.user),
        ("groups", &names.group),
        ("policies", &names.policy),
        ("compartments", &names.compartment),
    ] {
        let one = at(format!("{collection}/{id}"));
        let list = at(format!("{collection}?compartmentId={}", names.tenancy));
        questions.extend([
            ("GET", one.clone(), None),
            ("PUT", one.clone(), described()),
            ("DELETE", one, None),
            ("GET", list, None),
        ]);
    }
    for part in ["apiKeys", "authTokens", "customerSecretKeys"] {
        let part = at(format!("users/{}/{part}", names.user));
        questions.extend([("GET", part.clone(), None), ("POST", part, described())]);
    }
    let user = at(format!("users/{}", names.user));
    let membership = at(format!("userGroupMemberships/{}", names.membership));
    let into = Some(json!({ "userId": names.user, "groupId": names.group }));
    questions.extend([
        ("POST", format!("{user}/uiPassword"), None),
        (
            "PUT",
            format!("{user}/state"),
            Some(json!({ "blocked": true })),
        ),
        (
            "PUT",
            format!("{user}/capabilities"),
            Some(json!({ "canUseApiKeys": false })),
        ),
        ("GET", membership.clone(), None),
        ("DELETE", membership, None),
        ("POST", at("userGroupMemberships".to_owned()), into),
        (
            "GET",
            at(format!(
                "userGroupMemberships?compartmentId={}",
                names.tenancy
            )),
            None,
        ),
        ("GET", at(format!("tenancies/{}", names.tenancy)), None),
        (
            "GET",
            at(format!("tenancies/{}/regionSubscriptions", names.tenancy)),
            None,
        ),
        (
            "GET",
            at(format!(
                "availabilityDomains?compartmentId={}",
                names.tenancy
            )),
            None,
        ),
        (
            "POST",
            at("users".to_owned()),
            named(&names.tenancy, json!({})),
        ),
        (
            "POST",
            at("groups".to_owned()),
            named(&names.tenancy, json!({})),
        ),
        (
            "POST",
            at("compartments".to_owned()),
            named(&names.compartment, json!({})),
        ),
        (
            "POST",
            at("policies".to_owned()),
            named(
                &names.tenancy,
                json!({ "statements": ["Allow any-user to read buckets in tenancy"] }),
            ),
        ),
        (
            "POST",
            at("policies".to_owned()),
            statement(of_id(&names.group)),
        ),
        (
            "POST",
            at("policies".to_owned()),
            statement(in_id(&names.compartment)),
        ),
    ]);
    questions
}

async fn ask(asker: &Tenant, (method, target, body): &Question) -> Reply {
    let call = asker.client.call(method.parse().unwrap(), target.as_str());
    match body {
        Some(body) => call.json(body).await,
        None => call.await,
    }
}

async fn two_tenants(server: &TestServer) -> (Tenant, Tenant) {
    create(server.data_dir(), "acme");
    create(server.data_dir(), "zenith");
    (Tenant::read(server, "acme"), Tenant::read(server, "zenith"))
}

/// Asks the same about what is there, and about what is nowhere: the answers must not differ.
async fn assert_indistinguishable(
    asker: &Tenant,
    there: (&Names, Vec<Question>),
    nowhere: (&Names, Vec<Question>),
) {
    assert_eq!(there.1.len(), nowhere.1.len());
    for (of_there, of_nowhere) in there.1.iter().zip(&nowhere.1) {
        let told = ask(asker, of_there).await;
        let expected = ask(asker, of_nowhere).await;
        assert_eq!(
            there.0.mask(&told),
            nowhere.0.mask(&expected),
            "{of_there:?}\n{of_nowhere:?}"
        );
        assert!(told.status >= 400, "{of_there:?}: {}", told.dump());
    }
}

#[tokio::test]
async fn buckets_of_one_name_do_not_meet() {
    let server = TestServer::start(PARBUCKLE).await;
    let (acme, zenith) = two_tenants(&server).await;
    for (tenant, body) in [(&acme, "of acme"), (&zenith, "of zenith")] {
        tenant.create_bucket("photos").await;
        tenant.put_object("photos", "o", body).await;
    }
    assert_eq!(acme.read_object("photos", "o").await, "of acme");
    assert_eq!(zenith.read_object("photos", "o").await, "of zenith");
    let one = acme.path("photos", "/o/o");
    acme.client.delete(one).await.expect(204);
    assert_eq!(zenith.read_object("photos", "o").await, "of zenith");
}

#[tokio::test]
async fn a_foreign_namespace_cannot_be_told_from_none() {
    let server = TestServer::start(PARBUCKLE).await;
    let (acme, zenith) = two_tenants(&server).await;
    let there = Names::of_all_there_is_in(&zenith).await;
    let nowhere = Names::of_nothing();
    let questions = |names| storage_questions(names, &acme.ocid);
    assert_indistinguishable(
        &acme,
        (&there, questions(&there)),
        (&nowhere, questions(&nowhere)),
    )
    .await;
}

#[tokio::test]
async fn a_foreign_bucket_object_or_par_cannot_be_told_from_none() {
    let server = TestServer::start(PARBUCKLE).await;
    let (acme, zenith) = two_tenants(&server).await;
    let there = Names::of_all_there_is_in(&zenith).await;
    let nowhere = Names {
        namespace: there.namespace.clone(),
        tenancy: there.tenancy.clone(),
        ..Names::of_nothing()
    };
    let questions = |names| storage_questions(names, &acme.ocid);
    assert_indistinguishable(
        &acme,
        (&there, questions(&there)),
        (&nowhere, questions(&nowhere)),
    )
    .await;
}

#[tokio::test]
async fn foreign_identities_cannot_be_told_from_none() {
    let server = TestServer::start(PARBUCKLE).await;
    let (acme, zenith) = two_tenants(&server).await;
    let there = Names::of_all_there_is_in(&zenith).await;
    let nowhere = Names::of_nothing();
    assert_indistinguishable(
        &acme,
        (&there, identity_questions(&there, &acme)),
        (&nowhere, identity_questions(&nowhere, &acme)),
    )
    .await;
}

#[tokio::test]
async fn everything_of_a_tenancy_is_there_after_another_has_tried_all_questions() {
    let server = TestServer::start(PARBUCKLE).await;
    let (acme, zenith) = two_tenants(&server).await;
    let there = Names::of_all_there_is_in(&zenith).await;
    let mut questions = storage_questions(&there, &acme.ocid);
    questions.extend(identity_questions(&there, &acme));
    for question in &questions {
        ask(&acme, question).await;
    }
    assert_eq!(
        zenith.read_object("secret-plans", "secret-object").await,
        "x"
    );
    for path in [
        format!("users/{}", there.user),
        format!("groups/{}", there.group),
        format!("policies/{}", there.policy),
        format!("compartments/{}", there.compartment),
        format!("userGroupMemberships/{}", there.membership),
    ] {
        let kept = zenith.client.get(format!("/20160918/{path}")).await;
        kept.expect(200);
    }
    let par = zenith.path("secret-plans", &format!("/p/{}", encode(&there.par)));
    zenith.client.get(par).await.expect(200);
}

#[tokio::test]
async fn names_taken_in_one_tenancy_are_free_in_another() {
    let server = TestServer::start(PARBUCKLE).await;
    let (acme, zenith) = two_tenants(&server).await;
    Names::of_all_there_is_in(&zenith).await;
    Names::of_all_there_is_in(&acme).await;
}

#[tokio::test]
async fn a_par_opens_nothing_of_another_tenancy() {
    let server = TestServer::start(PARBUCKLE).await;
    let (acme, zenith) = two_tenants(&server).await;
    for tenant in [&acme, &zenith] {
        tenant.create_bucket("photos").await;
        tenant.put_object("photos", "o", "x").await;
    }
    let wide = ParSpec::any_read_write().listing();
    let par = acme.create_par("photos", wide).await;
    let http = server.anonymous();
    http.get(par.path_for("o")).await.expect(200);
    for (bucket, object) in [("photos", "o"), ("photos", "none"), ("nothing", "o")] {
        for token in [par.token(), "bm90aGluZw"] {
            let root = format!("/p/{token}{}", zenith.path(bucket, "/o/"));
            for (method, target) in [
                ("GET", format!("{root}{object}")),
                ("HEAD", format!("{root}{object}")),
                ("PUT", format!("{root}{object}")),
                ("GET", root.clone()),
            ] {
                let reply = http.call(method.parse().unwrap(), &target).await;
                let told = (reply.status, reply.text());
                let body = match method {
                    "HEAD" => "",
                    _ => r#"{"code":"NotAuthenticated","message":"PAR does not exist"}"#,
                };
                assert_eq!(told, (401, body.to_owned()), "{method} {target}");
            }
        }
    }
    assert_eq!(zenith.read_object("photos", "o").await, "x");
}
