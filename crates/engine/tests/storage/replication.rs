//! Replication between two buckets: the destination becomes what the source is, whatever happens in between, and nobody
//! else writes to it.

mod pair;
mod policies;

use std::collections::BTreeMap;
use std::time::Duration;

use parbuckle_engine::{CustomerKey, NewUpload, PartSelection, PutObject, UploadPart};
use parbuckle_kv::CommitFault;
use parbuckle_model::{ObjectAttributes, StorageTier, UserMetadata, Versioning};

use super::support::audit::audit;
use super::support::body::{body, content};
use super::support::environment::Random;
use super::support::{new_bucket, outcome, part};
use pair::{ALWAYS, DAY, Kept, Pair, SIZES};

#[tokio::test]
async fn objects_come_with_bytes_etag_digests_attributes_and_tier() {
    let (pair, _) = Pair::bound().await;
    let put = PutObject {
        attributes: ObjectAttributes {
            content_type: Some("text/plain".to_owned()),
            metadata: UserMetadata::new([("k".to_owned(), "v".to_owned())]).unwrap(),
            ..ObjectAttributes::default()
        },
        storage_tier: Some(StorageTier::InfrequentAccess),
        ..PutObject::default()
    };
    for (name, len) in ["small", "large"].into_iter().zip(SIZES) {
        let admin = &pair.0.admin;
        let bytes = content(len, 1);
        let done = pair.put_bytes(admin, ("from", name), put.clone(), &bytes);
        assert_eq!(done.await, "ok");
    }
    pair.replicate().await;
    pair.assert_mirrored().await;
    let there = pair.head("to", "large").await.unwrap();
    assert_eq!(there.attributes, put.attributes);
    assert_eq!(there.storage_tier, StorageTier::InfrequentAccess);
}

#[tokio::test]
async fn a_multipart_object_keeps_its_parts() {
    let (pair, _) = Pair::bound().await;
    let (engine, admin) = (&pair.0.engine, &pair.0.admin);
    let path = pair.0.object("from", "o");
    let started = engine.create_upload(admin, &path, NewUpload::default());
    let upload = pair.0.upload("from", "o", started.await.unwrap().upload.id);
    for number in [1, 2, 5] {
        let (bytes, options) = (content(100, u64::from(number)), UploadPart::default());
        let stored = engine.upload_part(
            admin,
            &upload,
            part(number),
            &ALWAYS,
            options,
            body(&bytes, 1),
        );
        stored.await.unwrap();
    }
    engine
        .commit_upload(admin, &upload, PartSelection::All, &ALWAYS)
        .await
        .unwrap();
    pair.replicate().await;
    pair.assert_mirrored().await;
    assert_eq!(pair.release("to").await, "ok");
    audit(&pair.0).await;
}

#[tokio::test]
async fn what_is_overwritten_or_deleted_is_so_at_the_destination() {
    let (pair, _) = Pair::bound().await;
    for name in ["a", "b", "c"] {
        assert_eq!(pair.put("from", name, SIZES[1]).await, "ok");
    }
    pair.replicate().await;
    assert_eq!(pair.put("from", "a", SIZES[0]).await, "ok");
    assert_eq!(pair.delete("from", "b", None).await, "ok");
    pair.replicate().await;
    pair.assert_mirrored().await;
    assert_eq!(pair.release("to").await, "ok");
    audit(&pair.0).await;
}

#[tokio::test]
async fn only_what_changes_after_the_policy_is_made_is_replicated() {
    let pair = Pair::unbound().await;
    assert_eq!(pair.put("from", "old", 1).await, "ok");
    pair.bind("from", "to").await.unwrap();
    assert_eq!(pair.put("from", "new", 1).await, "ok");
    pair.replicate().await;
    assert_eq!(Vec::from_iter(pair.held("to").await.into_keys()), ["new"]);
}

#[tokio::test]
async fn what_the_destination_held_stays_until_an_object_of_its_name_comes() {
    let pair = Pair::unbound().await;
    assert_eq!(pair.put("to", "a", 1).await, "ok");
    assert_eq!(pair.put("to", "b", 1).await, "ok");
    pair.bind("from", "to").await.unwrap();
    assert_eq!(pair.put("from", "b", 2).await, "ok");
    pair.replicate().await;
    let sizes = |held: &BTreeMap<String, Kept>| {
        let sizes = held.values().map(|kept| kept.info.size);
        sizes.collect::<Vec<_>>()
    };
    assert_eq!(sizes(&pair.held("to").await), [1, 2]);
}

#[tokio::test]
async fn after_any_changes_and_rounds_the_destination_is_the_source() {
    for seed in 0..20 {
        let (pair, _) = Pair::bound().await;
        let mut random = Random::new(seed);
        for _ in 0..60 {
            let name = *random.pick(&["a", "b", "c"]);
            match random.below(5) {
                0 => {
                    pair.delete("from", name, None).await;
                }
                1 => pair.replicate().await,
                _ => {
                    let len = *random.pick(&SIZES);
                    assert_eq!(pair.put("from", name, len).await, "ok");
                }
            }
        }
        pair.replicate().await;
        pair.assert_mirrored().await;
        assert_eq!(pair.release("to").await, "ok");
        audit(&pair.0).await;
    }
}

#[tokio::test]
async fn changes_that_come_while_others_are_replicated_are_not_lost() {
    let (pair, _) = Pair::bound().await;
    let writers = async |names: [&str; 2]| {
        for turn in 0..40 {
            for name in names {
                if turn % 7 == 3 {
                    pair.delete("from", name, None).await;
                } else {
                    let len = SIZES[turn % 2];
                    assert_eq!(pair.put("from", name, len).await, "ok");
                }
            }
        }
    };
    let rounds = async || {
        for _ in 0..40 {
            pair.replicate().await;
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(writers(["a", "b"]), writers(["b", "c"]), rounds(), rounds());
    pair.replicate().await;
    pair.assert_mirrored().await;
}

#[tokio::test]
async fn after_an_unknown_outcome_nothing_is_lost_or_done_twice() {
    for fault in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let pair = Pair::of(Versioning::Disabled, Versioning::Enabled).await;
        pair.bind("from", "to").await.unwrap();
        for len in SIZES {
            assert_eq!(pair.put("from", "a", len).await, "ok");
            pair.0.kv_faults.on_commit(1, fault);
            pair.replicate().await;
            pair.assert_mirrored().await;
        }
        // The second put made the first an old version; no other was made.
        assert_eq!(pair.keys("V").await, 1, "{fault:?}");
        assert_eq!(pair.delete("from", "a", None).await, "ok");
        pair.0.kv_faults.on_commit(1, fault);
        pair.replicate().await;
        pair.assert_mirrored().await;
        assert_eq!(pair.keys("V").await, 3, "{fault:?}");
    }
}

#[tokio::test]
async fn a_power_cut_at_any_commit_only_repeats_work() {
    for commits in 0..=3 {
        let (mut pair, _) = Pair::bound().await;
        for name in ["a", "b", "c"] {
            assert_eq!(pair.put("from", name, SIZES[1]).await, "ok");
        }
        pair.0.kv_faults.cut_power_after(commits);
        let cut = pair.try_replicate().await;
        assert_eq!(outcome(&cut), "Unavailable", "{commits}");
        pair = Pair(pair.0.restart().await);
        pair.replicate().await;
        pair.assert_mirrored().await;
        assert_eq!(pair.release("to").await, "ok");
        audit(&pair.0).await;
    }
}

#[tokio::test]
async fn damaged_bytes_keep_no_other_object() {
    let (pair, policy) = Pair::bound().await;
    assert_eq!(pair.put("from", "bad", SIZES[1]).await, "ok");
    let blobs: &dyn parbuckle_blob::Store = &*pair.0.blobs;
    let bad = blobs.list(None, usize::MAX).await.unwrap()[0].id;
    pair.0.flip_bit(bad, 0);
    assert_eq!(pair.put("from", "good", SIZES[1]).await, "ok");
    let failed = pair.try_replicate().await;
    assert_eq!(outcome(&failed), "Internal");
    assert!(pair.head("to", "good").await.is_some());
    assert!(pair.head("to", "bad").await.is_none());
    assert_eq!(pair.waiting().await, 1);
    // It is the server's fault, not the owner's.
    assert_eq!(pair.policy(&policy.id).await.fault, None);
}

#[tokio::test]
async fn objects_under_a_key_of_the_customers_are_not_replicated() {
    let (pair, _) = Pair::bound().await;
    let put = PutObject {
        customer_key: Some(CustomerKey::new([7; 32])),
        ..PutObject::default()
    };
    for len in SIZES {
        let admin = &pair.0.admin;
        let bytes = content(len, 1);
        let done = pair.put_bytes(admin, ("from", "secret"), put.clone(), &bytes);
        assert_eq!(done.await, "ok");
        pair.replicate().await;
        assert!(pair.head("to", "secret").await.is_none());
        assert_eq!(pair.waiting().await, 0);
    }
}

#[tokio::test]
async fn the_destination_follows_the_current_versions_of_the_source() {
    let pair = Pair::of(Versioning::Enabled, Versioning::Disabled).await;
    pair.bind("from", "to").await.unwrap();
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    let first = pair.head("from", "a").await.unwrap();
    assert_eq!(pair.put("from", "a", 2).await, "ok");
    pair.replicate().await;
    pair.assert_mirrored().await;
    let placed = pair.head("to", "a").await.unwrap();
    // An old version that goes changes nothing there.
    assert_eq!(pair.put("from", "b", 1).await, "ok");
    assert_eq!(pair.delete("from", "a", Some(first.version_id)).await, "ok");
    pair.replicate().await;
    assert_eq!(pair.head("to", "a").await, Some(placed));
    // Under a delete marker there is no current version.
    assert_eq!(pair.delete("from", "a", None).await, "ok");
    pair.replicate().await;
    pair.assert_mirrored().await;
}

#[tokio::test]
async fn a_version_that_becomes_current_again_comes_back() {
    let pair = Pair::of(Versioning::Enabled, Versioning::Disabled).await;
    pair.bind("from", "to").await.unwrap();
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    assert_eq!(pair.put("from", "a", 2).await, "ok");
    pair.replicate().await;
    let current = pair.head("from", "a").await.unwrap().version_id;
    assert_eq!(pair.delete("from", "a", Some(current)).await, "ok");
    pair.replicate().await;
    pair.assert_mirrored().await;
    assert_eq!(pair.head("to", "a").await.unwrap().size, 1);
}

#[tokio::test]
async fn an_archive_bucket_keeps_its_replicas_archived() {
    let pair = Pair::unbound().await;
    let mut new = new_bucket(&pair.0, "cold");
    new.storage_tier = StorageTier::Archive;
    let (engine, admin) = (&pair.0.engine, &pair.0.admin);
    engine
        .create_bucket(admin, &pair.0.namespace, new)
        .await
        .unwrap();
    pair.bind("from", "cold").await.unwrap();
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    pair.replicate().await;
    let there = pair.head("cold", "a").await.unwrap();
    assert_eq!(there.storage_tier, StorageTier::Archive);
}

#[tokio::test]
async fn a_replica_is_moved_to_another_tier_where_it_is() {
    let (pair, _) = Pair::bound().await;
    assert_eq!(pair.put("from", "a", SIZES[1]).await, "ok");
    pair.replicate().await;
    let placed = pair.head("to", "a").await.unwrap();
    // A retention rule does not stand in the way of tiers.
    pair.retain("to").await;
    let (engine, admin) = (&pair.0.engine, &pair.0.admin);
    let (path, tier) = (pair.0.object("from", "a"), StorageTier::InfrequentAccess);
    let moved = engine.update_object_tier(admin, &path, None, tier).await;
    assert_eq!(outcome(&moved), "ok");
    pair.replicate().await;
    pair.assert_mirrored().await;
    let there = pair.head("to", "a").await.unwrap();
    assert_eq!(there.storage_tier, tier);
    assert_eq!(there.version_id, placed.version_id);
}

#[tokio::test]
async fn what_a_retention_rule_protects_waits_and_keeps_no_other_object() {
    let (pair, policy) = Pair::bound().await;
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    pair.replicate().await;
    pair.retain("to").await;
    assert_eq!(pair.delete("from", "a", None).await, "ok");
    assert_eq!(pair.put("from", "b", 1).await, "ok");
    pair.replicate().await;
    assert!(pair.head("to", "a").await.is_some() && pair.head("to", "b").await.is_some());
    let fault = pair.policy(&policy.id).await.fault.unwrap();
    assert!(
        fault.contains("'a'") && fault.contains("retention"),
        "{fault}"
    );
    pair.0.environment.advance(DAY);
    pair.replicate().await;
    pair.assert_mirrored().await;
    assert_eq!(pair.policy(&policy.id).await.fault, None);
}

#[tokio::test]
async fn the_last_sync_is_the_time_up_to_which_everything_is_replicated() {
    let (pair, policy) = Pair::bound().await;
    assert_eq!(policy.time_last_sync, policy.time_created);
    let now = || pair.0.engine.environment().now();
    pair.0.environment.advance(DAY);
    assert_eq!(pair.policy(&policy.id).await.time_last_sync, now());
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    let changed = now();
    pair.0.environment.advance(DAY);
    assert_eq!(pair.put("from", "b", 1).await, "ok");
    assert_eq!(pair.policy(&policy.id).await.time_last_sync, changed);
    pair.replicate().await;
    assert_eq!(pair.policies().await[0].time_last_sync, now());
}

/// The loop's next round would come five seconds later.
#[tokio::test(start_paused = true)]
async fn a_change_wakes_the_background() {
    let (pair, _) = Pair::bound().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let background = tokio::spawn(pair.0.engine.clone().run_background(stopped));
    // Its first round is over.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    while pair.head("to", "a").await.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(3), "not replicated");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(true).unwrap();
    background.await.unwrap();
}
