//! The rules themselves: which there can be, and who may change them until when.

use std::time::Duration;

use jiff::SignedDuration;
use parbuckle_engine::{NewRetentionRule, RetentionRule, RetentionRuleChange};
use parbuckle_kv::CommitFault;
use parbuckle_model::{ETag, EtagCondition, Preconditions, Versioning};

use super::vault::{ALWAYS, DAY, Vault, days, lasting, locking, rule};
use crate::support::audit::{all_keys, audit, census};
use crate::support::{new_bucket, outcome};

#[tokio::test]
async fn rules_and_enabled_versioning_exclude_each_other() {
    let (vault, made) = Vault::of_a_day().await;
    let conflict = "BucketStateConflict";
    assert_eq!(vault.set_versioning(Versioning::Enabled).await, conflict);
    assert_eq!(vault.delete_rule(&made.id).await, "ok");
    assert_eq!(vault.set_versioning(Versioning::Enabled).await, "ok");
    assert_eq!(outcome(&vault.create(rule(days(1))).await), conflict);
    assert_eq!(vault.set_versioning(Versioning::Suspended).await, "ok");
    assert_eq!(outcome(&vault.create(rule(days(1))).await), "ok");
}

#[tokio::test]
async fn a_bucket_has_at_most_a_hundred_rules() {
    let vault = Vault::new().await;
    for _ in 0..100 {
        vault.create(rule(days(1))).await.unwrap();
    }
    let refused = vault.create(rule(days(1))).await;
    assert_eq!(outcome(&refused), "BucketStateConflict");
    let rules = vault.rules().await;
    assert_eq!(rules.len(), 100);
    assert_eq!(vault.delete_rule(&rules[0].id).await, "ok");
    assert_eq!(outcome(&vault.create(rule(days(1))).await), "ok");
}

#[tokio::test]
async fn rules_are_listed_newest_first() {
    let vault = Vault::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        vault.advance(Duration::from_secs(1));
        made.insert(0, vault.create(rule(days(1))).await.unwrap());
    }
    assert_eq!(vault.rules().await, made);
}

#[tokio::test]
async fn a_rule_without_a_name_is_called_by_its_id() {
    let vault = Vault::new().await;
    let made = vault.create(NewRetentionRule::default()).await.unwrap();
    assert_eq!(made.display_name, made.id.to_string());
}

#[tokio::test]
async fn what_can_not_be_a_rule_is_refused() {
    let vault = Vault::new().await;
    let named = |name: &str| NewRetentionRule {
        display_name: Some(name.to_owned()),
        ..rule(days(1))
    };
    for new in [
        rule(days(0)),
        rule(days(365_001)),
        named(""),
        named("a\nb"),
        named(&"x".repeat(256)),
    ] {
        let refused = vault.create(new.clone()).await;
        assert_eq!(outcome(&refused), "InvalidParameter", "{new:?}");
    }
    assert_eq!(vault.rules().await, []);
}

#[tokio::test]
async fn a_lock_lies_at_least_fourteen_days_ahead() {
    let vault = Vault::new().await;
    let locked = |time| NewRetentionRule {
        time_locked: Some(time),
        ..rule(days(1))
    };
    let second = SignedDuration::from_secs(1);
    for time in [vault.in_days(14) - second, vault.in_days(-1)] {
        let refused = vault.create(locked(time)).await;
        assert_eq!(outcome(&refused), "InvalidParameter", "{time}");
    }
    let made = vault.create(locked(vault.in_days(14))).await.unwrap();
    assert_eq!(made.time_locked, Some(vault.in_days(14)));
    let sooner = locking(Some(vault.in_days(14) - second));
    let refused = vault.update(&made.id, sooner).await;
    assert_eq!(outcome(&refused), "InvalidParameter");
}

#[tokio::test]
async fn only_a_rule_with_a_duration_is_locked() {
    let vault = Vault::new().await;
    let locked = NewRetentionRule {
        time_locked: Some(vault.in_days(20)),
        ..rule(None)
    };
    assert_eq!(outcome(&vault.create(locked).await), "InvalidParameter");
    let made = vault.create(rule(None)).await.unwrap();
    let lock = locking(Some(vault.in_days(20)));
    let refused = vault.update(&made.id, lock).await;
    assert_eq!(outcome(&refused), "InvalidParameter");
}

/// A rule of three days whose lock comes in 14 days.
async fn to_be_locked() -> (Vault, RetentionRule) {
    let vault = Vault::new().await;
    let new = NewRetentionRule {
        time_locked: Some(vault.in_days(14)),
        ..rule(days(3))
    };
    let made = vault.create(new).await.unwrap();
    (vault, made)
}

#[tokio::test]
async fn before_its_lock_a_rule_can_be_changed_at_will() {
    let (vault, made) = to_be_locked().await;
    vault.advance(14 * DAY - Duration::from_millis(1));
    let shorter = vault.update(&made.id, lasting(days(1))).await.unwrap();
    assert_eq!(shorter.duration, days(1));
    // The lock is as it was, though it is near by now.
    assert_eq!(shorter.time_locked, made.time_locked);
    let later = locking(Some(vault.in_days(30)));
    let later = vault.update(&made.id, later).await.unwrap();
    assert_eq!(later.time_locked, Some(vault.in_days(30)));
    let freed = vault.update(&made.id, locking(None)).await.unwrap();
    assert_eq!(freed.time_locked, None);
    assert_eq!(vault.delete_rule(&made.id).await, "ok");
}

#[tokio::test]
async fn a_locked_rule_can_only_be_made_longer() {
    let (vault, made) = to_be_locked().await;
    vault.advance(14 * DAY);
    let named = RetentionRuleChange {
        display_name: Some("other".to_owned()),
        ..RetentionRuleChange::default()
    };
    for change in [
        lasting(days(2)),
        lasting(None),
        locking(None),
        locking(Some(vault.in_days(30))),
        named,
    ] {
        let refused = vault.update(&made.id, change.clone()).await;
        assert_eq!(outcome(&refused), "RetentionRuleConflict", "{change:?}");
    }
    assert_eq!(vault.delete_rule(&made.id).await, "RetentionRuleConflict");
    assert_eq!(vault.rules().await, std::slice::from_ref(&made));
    let longer = vault.update(&made.id, lasting(days(4))).await.unwrap();
    assert_eq!(longer.duration, days(4));
}

#[tokio::test]
async fn a_locked_rule_goes_with_its_bucket_once_that_is_empty() {
    let (vault, _) = to_be_locked().await;
    vault.advance(14 * DAY);
    let (engine, admin) = (&vault.0.engine, &vault.0.admin);
    let path = vault.0.bucket("b");
    let refused = engine.delete_bucket(admin, &path, &ALWAYS).await;
    assert_eq!(outcome(&refused), "BucketNotEmpty");
    assert_eq!(vault.delete("o", None).await, "ok");
    let deleted = engine.delete_bucket(admin, &path, &ALWAYS).await;
    assert_eq!(outcome(&deleted), "ok");
    assert!(!census(&all_keys(&vault.0).await).contains_key("Y"));
    audit(&vault.0).await;
}

#[tokio::test]
async fn a_change_or_deletion_asks_for_the_etag_that_is_there() {
    let (vault, made) = Vault::of_a_day().await;
    let (engine, admin) = (&vault.0.engine, &vault.0.admin);
    let path = vault.0.bucket("b");
    let matching = |etag: ETag| Preconditions {
        if_match: Some(EtagCondition::OneOf(vec![etag])),
        if_none_match: None,
    };
    let was = matching(made.etag);
    let change = lasting(days(2));
    let changed = engine
        .update_retention_rule(admin, &path, &made.id, change.clone(), &was)
        .await
        .unwrap();
    assert_ne!(changed.etag, made.etag);
    let again = engine.update_retention_rule(admin, &path, &made.id, change, &was);
    assert_eq!(outcome(&again.await), "IfMatchFailed");
    let deleted = engine.delete_retention_rule(admin, &path, &made.id, &was);
    assert_eq!(outcome(&deleted.await), "IfMatchFailed");
    let is = matching(changed.etag);
    let deleted = engine.delete_retention_rule(admin, &path, &made.id, &is);
    assert_eq!(outcome(&deleted.await), "ok");
}

#[tokio::test]
async fn a_rule_is_found_in_its_own_bucket_only() {
    let (vault, made) = Vault::of_a_day().await;
    let (engine, admin) = (&vault.0.engine, &vault.0.admin);
    let new = new_bucket(&vault.0, "c");
    engine
        .create_bucket(admin, &vault.0.namespace, new)
        .await
        .unwrap();
    let (here, there) = (vault.0.bucket("b"), vault.0.bucket("c"));
    let found = engine.retention_rule(admin, &here, &made.id).await;
    assert_eq!(found.unwrap(), made);
    let missing = "RetentionRuleNotFound";
    let found = engine.retention_rule(admin, &there, &made.id).await;
    assert_eq!(outcome(&found), missing);
    let change = RetentionRuleChange::default();
    let changed = engine.update_retention_rule(admin, &there, &made.id, change, &ALWAYS);
    assert_eq!(outcome(&changed.await), missing);
    let deleted = engine.delete_retention_rule(admin, &there, &made.id, &ALWAYS);
    assert_eq!(outcome(&deleted.await), missing);
}

#[tokio::test]
async fn strangers_see_no_rules() {
    let (vault, _) = Vault::of_a_day().await;
    let (engine, path) = (&vault.0.engine, vault.0.bucket("b"));
    let anonymous = vault.0.anonymous().await;
    let seen = engine.retention_rules(&anonymous, &path).await;
    assert_eq!(outcome(&seen), "BucketNotFound");
    let seen = engine.retention_rules(&vault.0.foreigner, &path).await;
    assert_eq!(outcome(&seen), "NamespaceNotFound");
    let made = engine.create_retention_rule(&anonymous, &path, rule(days(1)));
    assert_eq!(outcome(&made.await), "BucketNotFound");
}

#[tokio::test]
async fn after_an_unknown_outcome_each_call_has_happened_once() {
    for fault in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let vault = Vault::new().await;
        let faults = &vault.0.kv_faults;
        faults.on_commit(1, fault);
        let made = vault.create(rule(days(1))).await.unwrap();
        assert_eq!(
            vault.rules().await,
            std::slice::from_ref(&made),
            "{fault:?}"
        );
        faults.on_commit(1, fault);
        let changed = vault.update(&made.id, lasting(days(2))).await.unwrap();
        assert_eq!(vault.rules().await, [changed], "{fault:?}");
        faults.on_commit(1, fault);
        assert_eq!(vault.delete_rule(&made.id).await, "ok", "{fault:?}");
        assert_eq!(vault.rules().await, [], "{fault:?}");
        assert_eq!(vault.delete("o", None).await, "ok", "{fault:?}");
    }
}
