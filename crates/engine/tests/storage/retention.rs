//! Retention rules: what they protect, on every path.

mod rules;
mod vault;

use std::time::Duration;

use bytes::Bytes;
use parbuckle_engine::{CopyObject, NewPar, ObjectToDelete, PutObject};
use parbuckle_model::{AccessType, ObjectName, ParScope, Versioning};

use super::support::body::sent_later;
use super::support::{expires_in, outcome};
use vault::{ALWAYS, DAY, RETAINED, Vault, days, lasting, rule};

#[tokio::test]
async fn an_object_is_protected_until_its_age_is_the_duration() {
    let (vault, _) = Vault::of_a_day().await;
    vault.advance(DAY - Duration::from_secs(1));
    assert_eq!(vault.put(&vault.0.admin, "o").await, RETAINED);
    assert_eq!(vault.delete("o", None).await, RETAINED);
    vault.advance(Duration::from_secs(1));
    assert_eq!(vault.put(&vault.0.admin, "o").await, "ok");
    // Counted from its last modification, which was just now.
    assert_eq!(vault.delete("o", None).await, RETAINED);
    vault.advance(DAY);
    assert_eq!(vault.delete("o", None).await, "ok");
}

#[tokio::test]
async fn a_rule_without_an_end_protects_for_ever() {
    let vault = Vault::new().await;
    vault.create(rule(None)).await.unwrap();
    vault.advance(DAY * 365 * 100);
    assert_eq!(vault.put(&vault.0.admin, "o").await, RETAINED);
    assert_eq!(vault.delete("o", None).await, RETAINED);
}

#[tokio::test]
async fn a_new_name_can_be_put() {
    let (vault, _) = Vault::of_a_day().await;
    assert_eq!(vault.put(&vault.0.admin, "new").await, "ok");
}

#[tokio::test]
async fn the_longest_rule_counts_and_without_rules_nothing_is_protected() {
    let (vault, short) = Vault::of_a_day().await;
    let long = vault.create(rule(days(3))).await.unwrap();
    vault.advance(2 * DAY);
    assert_eq!(vault.delete("o", None).await, RETAINED);
    assert_eq!(vault.delete_rule(&long.id).await, "ok");
    assert_eq!(vault.put(&vault.0.admin, "o").await, "ok");
    assert_eq!(vault.delete("o", None).await, RETAINED);
    assert_eq!(vault.delete_rule(&short.id).await, "ok");
    assert_eq!(vault.delete("o", None).await, "ok");
}

#[tokio::test]
async fn a_changed_duration_counts_at_once() {
    let (vault, rule) = Vault::of_a_day().await;
    vault.advance(2 * DAY);
    vault.update(&rule.id, lasting(None)).await.unwrap();
    assert_eq!(vault.delete("o", None).await, RETAINED);
    vault.update(&rule.id, lasting(days(2))).await.unwrap();
    assert_eq!(vault.delete("o", None).await, "ok");
}

#[tokio::test]
async fn a_par_does_not_overwrite_what_is_protected() {
    let (vault, _) = Vault::of_a_day().await;
    let new = NewPar {
        name: "par".to_owned(),
        scope: ParScope::new(AccessType::AnyObjectReadWrite, None, None).unwrap(),
        time_expires: expires_in(&vault.0, DAY),
    };
    let (engine, admin) = (&vault.0.engine, &vault.0.admin);
    let made = engine.create_par(admin, &vault.0.bucket("b"), new).await;
    let holder = vault.0.par(made.unwrap().token.expose()).await;
    assert_eq!(vault.put(&holder, "o").await, RETAINED);
    assert_eq!(vault.put(&holder, "new").await, "ok");
}

#[tokio::test]
async fn an_upload_does_not_replace_what_is_protected_and_stays() {
    let (vault, _) = Vault::of_a_day().await;
    let upload = vault.upload("o").await;
    assert_eq!(vault.commit("o", upload).await, RETAINED);
    vault.advance(DAY);
    assert_eq!(vault.commit("o", upload).await, "ok");
}

#[tokio::test]
async fn uncommitted_uploads_are_not_protected() {
    let (vault, _) = Vault::of_a_day().await;
    let upload = vault.upload("o").await;
    let (engine, admin) = (&vault.0.engine, &vault.0.admin);
    let path = vault.0.upload("b", "o", upload);
    assert_eq!(outcome(&engine.abort_upload(admin, &path).await), "ok");
}

#[tokio::test]
async fn versions_of_a_suspended_bucket_are_protected_too() {
    let vault = Vault::new().await;
    assert_eq!(vault.set_versioning(Versioning::Enabled).await, "ok");
    let old = vault.version("o").await;
    assert_eq!(vault.put(&vault.0.admin, "o").await, "ok");
    assert_eq!(vault.set_versioning(Versioning::Suspended).await, "ok");
    vault.create(rule(days(1))).await.unwrap();
    let current = vault.version("o").await;
    assert_ne!(old, current);
    for version in [old, current] {
        assert_eq!(vault.delete("o", Some(version)).await, RETAINED);
    }
    vault.advance(DAY);
    for version in [old, current] {
        assert_eq!(vault.delete("o", Some(version)).await, "ok");
    }
}

#[tokio::test]
async fn neither_side_of_a_rename_may_be_protected() {
    let vault = Vault::new().await;
    vault.advance(DAY);
    assert_eq!(vault.put(&vault.0.admin, "young").await, "ok");
    vault.create(rule(days(1))).await.unwrap();
    assert_eq!(vault.rename("young", "new").await, RETAINED);
    assert_eq!(vault.rename("o", "young").await, RETAINED);
    assert_eq!(vault.rename("o", "new").await, "ok");
}

#[tokio::test]
async fn a_batch_tells_which_objects_are_protected() {
    let vault = Vault::new().await;
    vault.advance(DAY);
    assert_eq!(vault.put(&vault.0.admin, "young").await, "ok");
    vault.create(rule(days(1))).await.unwrap();
    let asked = ["o", "young"].map(|name| ObjectToDelete {
        object: ObjectName::parse(name.as_bytes()).unwrap(),
        preconditions: ALWAYS.clone(),
    });
    let (engine, admin) = (&vault.0.engine, &vault.0.admin);
    let path = vault.0.bucket("b");
    let deleted = engine.delete_objects(admin, &path, asked.to_vec());
    let outcomes: Vec<_> = deleted
        .await
        .unwrap()
        .iter()
        .map(|(_, done)| outcome(done))
        .collect();
    assert_eq!(outcomes, ["ok", RETAINED]);
}

#[tokio::test]
async fn a_copy_does_not_replace_what_is_protected() {
    let (vault, _) = Vault::of_a_day().await;
    assert_eq!(vault.put(&vault.0.admin, "new").await, "ok");
    let copy = CopyObject {
        source_version: None,
        source_if_match: None,
        destination_region: vault.0.engine.region().to_owned(),
        destination: vault.0.object("b", "o"),
        preconditions: ALWAYS.clone(),
        metadata: None,
        storage_tier: None,
        keys: Default::default(),
    };
    let (engine, admin) = (&vault.0.engine, &vault.0.admin);
    let source = vault.0.object("b", "new");
    let accepted = engine.copy_object(admin, &source, copy).await;
    assert_eq!(outcome(&accepted), RETAINED);
}

#[tokio::test]
async fn a_rule_that_comes_while_a_body_comes_in_protects() {
    let vault = Vault::new().await;
    let (engine, admin) = (&vault.0.engine, &vault.0.admin);
    let path = vault.0.object("b", "o");
    let (sender, slow) = sent_later(2);
    let put = engine.put_object(admin, &path, PutObject::default(), slow);
    let rest = async {
        sender.send(Bytes::from_static(b"a")).await.unwrap();
        vault.create(rule(days(1))).await.unwrap();
        sender.send(Bytes::from_static(b"b")).await.unwrap();
    };
    let (put, ()) = tokio::join!(put, rest);
    assert_eq!(outcome(&put), RETAINED);
    assert_eq!(vault.rules().await.len(), 1);
}
