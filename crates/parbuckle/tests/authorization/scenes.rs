//! What the rows need to be there, made anew by the administrator.

use parbuckle_testkit::{ParSpec, encode};
use serde_json::{Value, json};

use super::feature_scenes;
use super::row::{Names, Scene};
use super::stage::{BESIDE, BUCKET, Covers, Fate, MIGHTIEST, OBJECT, Stage, start_upload};

const BASE: &str = "/20160918";

/// Sets a scene and names what is in it. `newName` is free, `takenName` is the same kind of thing's name and taken.
pub(crate) async fn set(stage: &Stage, scene: Scene) -> Names {
    let mut names = everywhere(stage);
    names.extend(in_storage(stage, scene).await);
    names.extend(feature_scenes::set(stage, scene).await);
    names.extend(in_identity(stage, scene).await);
    names
}

async fn in_storage(stage: &Stage, scene: Scene) -> Names {
    let admin = &stage.admin;
    match scene {
        Scene::Stage => {
            admin.put_object(BUCKET, OBJECT, "content").await;
            Names::new()
        }
        Scene::BucketName => Names::from([("takenName", BESIDE.to_owned())]),
        Scene::Bucket => {
            let name = format!("bucket-{}-fresh", stage.next());
            admin.create_bucket(&name).await;
            let elsewhere = compartment(stage).await;
            Names::from([("bucket", name), ("compartmentId", elsewhere)])
        }
        Scene::PublicBucket => public_bucket(stage, "ObjectRead").await,
        Scene::PublicBucketWithoutList => public_bucket(stage, "ObjectReadWithoutList").await,
        Scene::FreeObject => Names::from([("object", format!("in/free-{}-object", stage.next()))]),
        Scene::Upload => {
            let (id, etag) = upload(stage).await;
            Names::from([("uploadId", id), ("partEtag", etag)])
        }
        Scene::SecretUpload => {
            let uri = start_upload(admin, &mighty(stage)).await;
            let pieces: Vec<&str> = uri.split('/').collect();
            let id = pieces[pieces.len() - 2].to_owned();
            Names::from([("uploadSecret", pieces[2].to_owned()), ("uploadId", id)])
        }
        Scene::Par => {
            let par = admin.create_par(BUCKET, ParSpec::object_read(OBJECT)).await;
            Names::from([("parId", par.id)])
        }
        _ => Names::new(),
    }
}

async fn in_identity(stage: &Stage, scene: Scene) -> Names {
    let admin = &stage.admin;
    match scene {
        Scene::User
        | Scene::Password
        | Scene::AuthToken
        | Scene::SecretKey
        | Scene::UserAndGroup => user(stage, scene).await,
        Scene::Membership => {
            let mut names = user(stage, scene).await;
            let (user, group) = (&names["userId"], &names["groupId"]);
            let id = admin.add_user_to_group(user, group).await;
            names.insert("userGroupMembershipId", id);
            names
        }
        Scene::Group => group(stage).await,
        Scene::Policy => policy(stage).await,
        Scene::DynamicGroup => dynamic_group(stage).await,
        Scene::Compartment => Names::from([
            ("compartmentId", compartment(stage).await),
            ("besideId", compartment(stage).await),
        ]),
        Scene::CompartmentName => {
            let (id, name) = (compartment(stage).await, "taken-within");
            let within = json!({ "compartmentId": id, "name": name, "description": "d" });
            create(stage, "compartments", &within).await;
            Names::from([("compartmentId", id), ("takenName", name.to_owned())])
        }
        Scene::DeletedCompartment => {
            let (id, _) = deleted_compartment(stage).await;
            Names::from([("compartmentId", id)])
        }
        Scene::WorkRequest => {
            let (_, work) = deleted_compartment(stage).await;
            Names::from([
                ("compartmentId", admin.tenancy().to_owned()),
                ("workRequestId", work),
            ])
        }
        _ => Names::new(),
    }
}

/// What every scene has.
fn everywhere(stage: &Stage) -> Names {
    Names::from([
        ("namespace", stage.admin.namespace().to_owned()),
        ("bucket", BUCKET.to_owned()),
        ("object", OBJECT.to_owned()),
        ("compartmentId", stage.admin.compartment().to_owned()),
        ("tenancyId", stage.admin.tenancy().to_owned()),
        ("newName", format!("name-{}-new", stage.next())),
        ("takenName", "just-right".to_owned()),
        ("newKey", stage.unused_key.clone()),
        ("availabilityDomain", stage.availability_domain.clone()),
        ("domainId", stage.domain.clone()),
        ("part", "1".to_owned()),
        (
            "region",
            stage.server.bootstrap().field("region").to_owned(),
        ),
        ("otherBucket", BESIDE.to_owned()),
        ("toNamespace", stage.admin.namespace().to_owned()),
        ("id", "5b2fd0a1-8a1e-4ab1-9f63-0a1b2c3d4e5f".to_owned()),
        ("name", "endpoint".to_owned()),
    ])
}

fn mighty(stage: &Stage) -> String {
    let par = stage.held.iter().find(|par| {
        par.kind == MIGHTIEST
            && par.bucket == BUCKET
            && par.fate == Fate::Alive
            && par.covers == Covers::Bucket
    });
    par.unwrap().token.clone()
}

async fn public_bucket(stage: &Stage, access: &str) -> Names {
    let name = format!("bucket-{}-public", stage.next());
    let fields = json!({ "publicAccessType": access });
    stage.admin.create_bucket_with(&name, fields).await;
    let put = stage.admin.put_object(&name, OBJECT, "content").await;
    let version = put.required("version-id").to_owned();
    Names::from([("bucket", name), ("versionId", version)])
}

async fn upload(stage: &Stage) -> (String, String) {
    let admin = &stage.admin;
    let start = admin.post(format!("{}/u", admin.bucket_path(BUCKET)));
    let answer = start.json(&json!({ "object": OBJECT })).await.expect(200);
    let id = text(&answer.json(), "uploadId");
    let path = format!("{}/u/{}", admin.bucket_path(BUCKET), encode(OBJECT));
    let part = admin.put(format!("{path}?uploadId={id}&uploadPartNum=1"));
    let stored = part.body("part").await.expect(200);
    (id, stored.required("etag").to_owned())
}

async fn user(stage: &Stage, scene: Scene) -> Names {
    let admin = &stage.admin;
    let name = format!("user-{}-made", stage.next());
    let id = admin.create_user(&name).await.id;
    let (key_id, fingerprint) = stage.add_key(&id).await;
    let mut names = Names::from([
        ("takenName", name.clone()),
        ("userName", name),
        ("keyId", key_id),
        ("fingerprint", fingerprint),
    ]);
    match scene {
        Scene::Password => {
            let target = format!("{BASE}/users/{id}/uiPassword");
            admin.post(target).await.expect(200);
        }
        Scene::AuthToken => {
            names.insert("authTokenId", admin.create_auth_token(&id).await.0);
        }
        Scene::SecretKey => {
            let target = format!("{BASE}/users/{id}/customerSecretKeys");
            let body = json!({ "displayName": "d" });
            let made = admin.post(target).json(&body).await.expect(200).json();
            names.insert("customerSecretKeyId", text(&made, "id"));
        }
        Scene::UserAndGroup | Scene::Membership => names.extend(group(stage).await),
        _ => {}
    }
    names.insert("userId", id);
    names
}

async fn group(stage: &Stage) -> Names {
    let name = format!("group-{}-made", stage.next());
    let id = stage.admin.create_group(&name).await;
    Names::from([
        ("groupId", id),
        ("takenName", name.clone()),
        ("groupName", name),
    ])
}

async fn policy(stage: &Stage) -> Names {
    let mut names = group(stage).await;
    let name = format!("policy-{}-made", stage.next());
    let statement = format!(
        "Allow group {} to inspect buckets in tenancy",
        names["groupName"]
    );
    let id = stage.admin.create_policy(&name, &[&statement]).await;
    names.insert("policyId", id);
    names.insert("takenName", name);
    names
}

async fn dynamic_group(stage: &Stage) -> Names {
    let name = format!("dynamic-{}-made", stage.next());
    let body = json!({
        "compartmentId": stage.admin.tenancy(),
        "name": name,
        "description": "d",
        "matchingRule": "instance.id = 'ocid1.instance.oc1..aaaa'",
    });
    let id = create(stage, "dynamicGroups", &body).await;
    Names::from([("dynamicGroupId", id), ("takenName", name)])
}

async fn compartment(stage: &Stage) -> String {
    let name = format!("compartment-{}-made", stage.next());
    stage.admin.create_compartment(&name).await
}

/// Its id and that of the work request.
async fn deleted_compartment(stage: &Stage) -> (String, String) {
    let id = compartment(stage).await;
    let delete = stage.admin.delete(format!("{BASE}/compartments/{id}"));
    let reply = delete.await.expect(202);
    (id, reply.required("opc-work-request-id").to_owned())
}

async fn create(stage: &Stage, collection: &str, body: &Value) -> String {
    let call = stage.admin.post(format!("{BASE}/{collection}")).json(body);
    text(&call.await.expect(200).json(), "id")
}

pub(crate) fn text(json: &Value, field: &str) -> String {
    json[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field:?} in {json}"))
        .to_owned()
}
