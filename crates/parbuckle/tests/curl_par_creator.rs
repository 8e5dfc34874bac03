//! A pre-authenticated request lives on its creator's rights, checked at every use (wire reference 7.3).

use parbuckle_testkit::clients::curl;
use parbuckle_testkit::{Par, ParSpec, Reply, SignedClient, TestServer, UserClient};
use serde_json::json;

/// What a creator of read and write PARs needs.
const ALL_RIGHTS: &str = "Allow group makers to manage object-family in tenancy";

/// Alice, whose rights come from one policy for her group, and a PAR that she made.
struct Scene {
    _server: TestServer,
    admin: SignedClient,
    alice: UserClient,
    membership: String,
    policy: String,
    group: String,
    par: Par,
}

impl Scene {
    async fn new(spec: ParSpec) -> Self {
        let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
        let admin = server.admin();
        admin.create_bucket("b").await;
        admin.put_object("b", "a.txt", "hello").await;
        let group = admin.create_group("makers").await;
        let policy = admin.create_policy("makers", &[ALL_RIGHTS]).await;
        let alice = admin.create_user_client("alice", &[]).await;
        let membership = admin.add_user_to_group(&alice.id, &group).await;
        let par = alice.client.create_par("b", spec).await;
        Self {
            _server: server,
            admin,
            alice,
            membership,
            policy,
            group,
            par,
        }
    }

    async fn get(&self) -> Reply {
        curl([&self.par.url_for("a.txt")]).await
    }

    async fn put(&self, object: &str) -> Reply {
        curl([
            "-X",
            "PUT",
            "--data-binary",
            "new",
            &self.par.url_for(object),
        ])
        .await
    }

    /// The refusal of a PAR whose creator may no longer do what the PAR does.
    fn hidden(&self) -> String {
        format!(
            "404 BucketNotFound: Either the bucket named 'b' does not exist in the namespace '{}' \
             or you are not authorized to access it",
            self.admin.namespace()
        )
    }
}

#[tokio::test]
async fn a_par_works_while_its_creator_holds_the_rights() {
    let scene = Scene::new(ParSpec::any_read_write()).await;
    assert_eq!(scene.get().await.expect(200).text(), "hello");
    scene.put("b.txt").await.expect(200);
}

#[tokio::test]
async fn a_par_dies_with_its_creator() {
    let scene = Scene::new(ParSpec::any_read_write()).await;
    scene.admin.remove_membership(&scene.membership).await;
    scene.admin.delete_user(&scene.alice.id).await;
    assert_eq!(scene.get().await.to_string(), scene.hidden());
    assert_eq!(scene.put("a.txt").await.to_string(), scene.hidden());
    assert_eq!(scene.admin.read_object("b", "a.txt").await, "hello");
}

#[tokio::test]
async fn a_par_ends_when_its_creator_leaves_the_group() {
    let scene = Scene::new(ParSpec::any_read()).await;
    scene.get().await.expect(200);
    scene.admin.remove_membership(&scene.membership).await;
    assert_eq!(scene.get().await.to_string(), scene.hidden());
}

#[tokio::test]
async fn a_par_ends_when_the_policy_is_deleted() {
    let scene = Scene::new(ParSpec::any_read()).await;
    scene.get().await.expect(200);
    scene.admin.delete_policy(&scene.policy).await;
    assert_eq!(scene.get().await.to_string(), scene.hidden());
}

#[tokio::test]
async fn a_par_works_again_when_the_rights_come_back() {
    let scene = Scene::new(ParSpec::any_read()).await;
    scene.admin.remove_membership(&scene.membership).await;
    scene.get().await.expect(404);
    scene
        .admin
        .add_user_to_group(&scene.alice.id, &scene.group)
        .await;
    assert_eq!(scene.get().await.expect(200).text(), "hello");
}

#[tokio::test]
async fn each_use_needs_the_permission_for_that_use_alone() {
    let scene = Scene::new(ParSpec::any_read_write()).await;
    let read_only = ["Allow group makers to read objects in tenancy"];
    scene.admin.update_policy(&scene.policy, &read_only).await;
    assert_eq!(scene.get().await.expect(200).text(), "hello");
    assert_eq!(scene.put("new.txt").await.to_string(), scene.hidden());
    assert_eq!(scene.admin.list_names("b", "").await, ["a.txt"]);
}

#[tokio::test]
async fn using_a_par_does_not_need_the_right_to_make_one() {
    let scene = Scene::new(ParSpec::any_read()).await;
    let no_par_manage = ["Allow group makers to read object-family in tenancy"];
    scene
        .admin
        .update_policy(&scene.policy, &no_par_manage)
        .await;
    scene.get().await.expect(200);
    let target = format!("{}/p", scene.admin.bucket_path("b"));
    let refused = scene
        .alice
        .client
        .post(target)
        .json(&ParSpec::any_read().to_json())
        .await;
    assert_eq!(refused.to_string(), scene.hidden());
}

#[tokio::test]
async fn making_a_write_par_needs_the_right_to_write() {
    let scene = Scene::new(ParSpec::any_read()).await;
    let statements = [
        "Allow group makers to manage buckets in tenancy",
        "Allow group makers to read objects in tenancy",
    ];
    scene.admin.update_policy(&scene.policy, &statements).await;
    let target = format!("{}/p", scene.admin.bucket_path("b"));
    let alice = &scene.alice.client;
    alice
        .post(&target)
        .json(&ParSpec::any_read().to_json())
        .await
        .expect(200);
    let refused = alice
        .post(&target)
        .json(&ParSpec::any_write().to_json())
        .await;
    assert_eq!(refused.to_string(), scene.hidden());
}

#[tokio::test]
async fn new_keys_for_the_creator_change_nothing() {
    let scene = Scene::new(ParSpec::any_read()).await;
    let keys = format!("/20160918/users/{}/apiKeys", scene.alice.id);
    let listed = scene.admin.get(keys).await.expect(200).json();
    let fingerprint = listed[0]["fingerprint"]
        .as_str()
        .expect("a fingerprint is text");
    scene
        .admin
        .delete_api_key(&scene.alice.id, fingerprint)
        .await;
    scene.admin.add_key(&scene.alice.id).await;
    assert_eq!(scene.get().await.expect(200).text(), "hello");
}

#[tokio::test]
async fn a_par_ends_with_the_capability_it_was_made_with() {
    let scene = Scene::new(ParSpec::any_read()).await;
    let off = json!({ "canUseApiKeys": false });
    scene.admin.update_capabilities(&scene.alice.id, off).await;
    assert_eq!(scene.get().await.to_string(), scene.hidden());
}

#[tokio::test]
async fn an_upload_cannot_be_committed_after_its_creator_lost_the_rights() {
    let scene = Scene::new(ParSpec::any_write()).await;
    let url = scene.par.url_for("big");
    let started = curl(["-X", "PUT", "-H", "opc-multipart: true", &url])
        .await
        .expect(200)
        .json();
    let access_uri = started["accessUri"]
        .as_str()
        .expect("the answer has an accessUri");
    let upload = url
        .split("/p/")
        .next()
        .expect("a URL begins with its host")
        .to_owned()
        + access_uri;
    curl(["-X", "PUT", "--data-binary", "one", &format!("{upload}1")])
        .await
        .expect(200);
    scene.admin.remove_membership(&scene.membership).await;
    assert_eq!(
        curl(["-X", "POST", &upload]).await.to_string(),
        scene.hidden()
    );
    assert_eq!(scene.admin.list_names("b", "").await, ["a.txt"]);
}
