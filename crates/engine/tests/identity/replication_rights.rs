//! A replication policy works with its creator's rights as they are at each time.

use bytes::Bytes;
use parbuckle_engine::{
    Caller, Error, NewReplicationPolicy, ObjectPath, Policy, PutObject, ReplicationPolicy,
    RequestBody, User,
};
use parbuckle_iam::permission::{Operation, Requirement};
use parbuckle_model::ObjectName;

use crate::world::{ALWAYS, World, outcome};

const ALL: &str = "Allow group alice-group to manage object-family in tenancy";

/// Buckets `from` and `to`, and alice, who may do everything with them.
struct Stage {
    world: World,
    user: User,
    alice: Caller,
    policy: Policy,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        for name in ["from", "to"] {
            world.create_bucket(name, &world.root).await;
        }
        let rights = "to manage object-family in tenancy";
        let (user, alice, policy) = world.worker("alice", rights).await;
        Self {
            world,
            user,
            alice,
            policy,
        }
    }

    async fn create(&self) -> Result<ReplicationPolicy, Error> {
        let new = NewReplicationPolicy {
            name: "p".to_owned(),
            destination_region: self.world.engine.region().to_owned(),
            destination_bucket: self.world.bucket("to").bucket,
        };
        let (engine, from) = (&self.world.engine, self.world.bucket("from"));
        engine
            .create_replication_policy(&self.alice, &from, new)
            .await
    }

    /// The administrator puts an object into the source; then a round of the background.
    async fn put_and_replicate(&self, object: &str) {
        let body = RequestBody {
            stream: Box::pin(Once(Some(Bytes::from_static(b"x")))),
            length: Some(1),
        };
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        let path = self.object("from", object);
        let put = engine.put_object(admin, &path, PutObject::default(), body);
        put.await.unwrap();
        engine.upkeep_once().await.unwrap();
    }

    async fn is_there(&self, object: &str) -> bool {
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        let path = self.object("to", object);
        let found = engine.head_object(admin, &path, &ALWAYS, None, None).await;
        found.is_ok()
    }

    async fn fault(&self, policy: &ReplicationPolicy) -> Option<String> {
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        let from = self.world.bucket("from");
        let found = engine.replication_policy(admin, &from, &policy.id).await;
        found.unwrap().fault
    }

    fn object(&self, bucket: &str, object: &str) -> ObjectPath {
        ObjectPath {
            bucket: self.world.bucket(bucket),
            object: ObjectName::parse(object.as_bytes()).unwrap(),
        }
    }
}

/// A body of one frame.
struct Once(Option<Bytes>);

impl futures_core::Stream for Once {
    type Item = Result<Bytes, parbuckle_engine::BodyError>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.take().map(Ok))
    }
}

#[tokio::test]
async fn a_policy_asks_for_every_permission_in_both_buckets() {
    let stage = Stage::new().await;
    let Requirement::AllOf(needed) = Operation::CreateReplicationPolicy.requires() else {
        panic!("it needs all of a set");
    };
    for missing in needed.iter() {
        for bucket in ["from", "to"] {
            let others = needed.iter().filter(|permission| *permission != missing);
            let others: Vec<&str> = others.map(|permission| permission.as_str()).collect();
            let statements = [
                format!(
                    "Allow group alice-group to {{{}}} in tenancy",
                    others.join(", ")
                ),
                format!(
                    "Allow group alice-group to {{{}}} in tenancy where target.bucket.name != '{bucket}'",
                    missing.as_str()
                ),
            ];
            let statements = statements.each_ref().map(String::as_str);
            stage.world.rewrite(&stage.policy, &statements).await;
            let refused = stage.create().await;
            assert_eq!(
                outcome(refused),
                "BucketNotFound",
                "{missing:?} in {bucket}"
            );
        }
    }
    stage.world.rewrite(&stage.policy, &[ALL]).await;
    assert_eq!(outcome(stage.create().await), "ok");
}

#[tokio::test]
async fn a_policy_rests_while_its_creator_lacks_the_rights() {
    let stage = Stage::new().await;
    let policy = stage.create().await.unwrap();
    stage.put_and_replicate("a").await;
    assert!(stage.is_there("a").await);
    let fewer = "Allow group alice-group to read object-family in tenancy";
    stage.world.rewrite(&stage.policy, &[fewer]).await;
    stage.put_and_replicate("b").await;
    assert!(!stage.is_there("b").await);
    let fault = stage.fault(&policy).await.unwrap();
    assert!(fault.contains("'from'"), "{fault}");
    stage.world.rewrite(&stage.policy, &[ALL]).await;
    stage.world.engine.upkeep_once().await.unwrap();
    assert!(stage.is_there("b").await);
    assert_eq!(stage.fault(&policy).await, None);
}

#[tokio::test]
async fn a_policy_rests_while_its_creator_is_blocked() {
    let stage = Stage::new().await;
    let policy = stage.create().await.unwrap();
    let (engine, admin) = (&stage.world.engine, &stage.world.admin);
    let id = &stage.user.entity.id;
    let blocked = engine.update_user_state(admin, id, true, &ALWAYS).await;
    blocked.unwrap();
    stage.put_and_replicate("a").await;
    assert!(!stage.is_there("a").await);
    assert!(stage.fault(&policy).await.is_some());
    let free = engine.update_user_state(admin, id, false, &ALWAYS).await;
    free.unwrap();
    engine.upkeep_once().await.unwrap();
    assert!(stage.is_there("a").await);
}

#[tokio::test]
async fn a_policy_does_not_read_for_others_what_its_creator_may_not_read() {
    let stage = Stage::new().await;
    let policy = stage.create().await.unwrap();
    let (engine, admin) = (&stage.world.engine, &stage.world.admin);
    let root = &stage.world.root;
    engine.enable_deny_statements(admin, root).await.unwrap();
    let secret =
        "Deny group alice-group to {OBJECT_READ} in tenancy where target.object.name = 'secret'";
    stage.world.rewrite(&stage.policy, &[ALL, secret]).await;
    stage.put_and_replicate("secret").await;
    stage.put_and_replicate("open").await;
    assert!(!stage.is_there("secret").await);
    assert!(stage.is_there("open").await);
    assert!(stage.fault(&policy).await.is_some());
}
