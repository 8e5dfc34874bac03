//! Requests whose commits conflict or whose outcome is unknown do their work once; gateways that share a store agree.

use std::sync::Arc;

use parbuckle_engine::swift::{MetadataChange, PutContainer};
use parbuckle_engine::{Backends, ControllableEnvironment, Engine, Environment, Proof, Settings};
use parbuckle_kv::{CommitFault, MemoryStore};
use parbuckle_model::StorageTier;

use crate::stage::{PEER, Stage, acls, fields, metadata, pairs};

const FAULTS: [CommitFault; 3] = [
    CommitFault::UnknownApplied,
    CommitFault::UnknownNotApplied,
    CommitFault::Conflict,
];

#[tokio::test]
async fn a_sign_in_that_runs_again_returns_the_token_that_holds() {
    for fault in FAULTS {
        let stage = Stage::new().await;
        let (_, secret) = stage.stranger("joe").await;
        stage.world.faults.on_commit(1, fault);
        let token = stage.sign_in("joe", secret.expose()).await.unwrap().token;
        assert_eq!(stage.token_outcome(&token).await, "ok", "{fault:?}");
        let again = stage.sign_in("joe", secret.expose()).await.unwrap().token;
        assert_eq!(token, again, "{fault:?}");
    }
}

#[tokio::test]
async fn a_container_that_is_put_again_by_its_own_request_was_created() {
    for fault in FAULTS {
        let stage = Stage::new().await;
        let (path, change) = (stage.container("c"), metadata(&[("A", "1")]));
        stage.world.faults.on_commit(1, fault);
        let tier = StorageTier::Standard;
        let put = stage
            .engine()
            .swift_put_container(&stage.owner, &path, &change, tier)
            .await;
        assert_eq!(put.unwrap(), PutContainer::Created, "{fault:?}");
    }
}

#[tokio::test]
async fn posts_that_run_again_succeed() {
    for fault in FAULTS {
        let stage = Stage::new().await;
        stage.put_container("c", acls("", "")).await;
        stage.put("c", "o", b"x").await;
        let (container, object) = (stage.container("c"), stage.object("c", "o"));
        let strike = || stage.world.faults.on_commit(1, fault);
        let (engine, owner) = (stage.engine(), &stage.owner);
        strike();
        let fields = fields(&[("A", "1")]);
        let posted = engine.swift_post_object(owner, &object, &fields);
        posted.await.unwrap();
        strike();
        let change = metadata(&[("A", "1")]);
        let posted = engine.swift_update_container(owner, &container, &change);
        posted.await.unwrap();
        strike();
        let change = MetadataChange {
            set: pairs(&[("A", "1")]),
            remove: Vec::new(),
        };
        let posted = engine.swift_update_account(owner, &stage.namespace, &change);
        posted.await.unwrap();
        strike();
        engine.swift_delete_object(owner, &object).await.unwrap();
    }
}

#[tokio::test]
async fn sign_ins_at_the_same_time_return_one_token() {
    let stage = Stage::new().await;
    let (_, secret) = stage.stranger("joe").await;
    let sign_in = || stage.sign_in("joe", secret.expose());
    let (first, second, third) = tokio::join!(sign_in(), sign_in(), sign_in());
    let first = first.unwrap().token;
    assert_eq!(first, second.unwrap().token);
    assert_eq!(first, third.unwrap().token);
}

#[tokio::test]
async fn a_token_holds_on_every_gateway_that_shares_the_store() {
    let environment: Arc<dyn Environment> = Arc::new(ControllableEnvironment::default());
    let backends = Backends {
        kv: Arc::new(MemoryStore::new()),
        blobs: parbuckle_blob::MemoryStore::new(Arc::new(|| std::time::SystemTime::UNIX_EPOCH)),
    };
    let open = || {
        Engine::open(
            backends.clone(),
            Arc::clone(&environment),
            Settings::default(),
        )
    };
    let (one, other) = (open().await.unwrap(), open().await.unwrap());
    let plan = one.plan_tenancy("own").unwrap();
    one.create_tenancy(&plan).await.unwrap();
    let login = format!("{}:{}", plan.namespace, plan.admin_user_name);
    let password = plan.admin_password.expose();
    let first = one.sign_in(&login, password, PEER).await.unwrap().token;
    let proof = Proof::SwiftToken {
        token: first.expose(),
        referrer: None,
    };
    assert!(other.authenticate(proof).await.is_ok());
    let second = other.sign_in(&login, password, PEER).await.unwrap().token;
    assert_eq!(first, second);
}
