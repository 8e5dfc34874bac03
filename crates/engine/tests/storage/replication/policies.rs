//! Policies: which there can be, what they make of their buckets, and how they end.

use parbuckle_engine::{
    BucketChange, CopyObject, NewPar, NewUpload, PartSelection, PutObject, RenameObject, UploadPart,
};
use parbuckle_kv::CommitFault;
use parbuckle_model::{AccessType, ObjectName, PageLimit, ParScope, Versioning};

use super::pair::{ALWAYS, DAY, Pair};
use crate::support::audit::audit;
use crate::support::body::body;
use crate::support::{expires_in, outcome, part};

/// Whatever writes to the destination.
#[tokio::test]
async fn a_destination_is_read_only_to_everybody_else() {
    let pair = Pair::of(Versioning::Disabled, Versioning::Enabled).await;
    let (engine, admin) = (&pair.0.engine, &pair.0.admin);
    assert_eq!(pair.put("to", "o", 1).await, "ok");
    let old = pair.head("to", "o").await.unwrap().version_id;
    assert_eq!(pair.put("to", "o", 1).await, "ok");
    let object = pair.0.object("to", "o");
    let started = engine.create_upload(admin, &object, NewUpload::default());
    let upload = pair.0.upload("to", "o", started.await.unwrap().upload.id);
    let (bytes, options) = (body(b"x", 1), UploadPart::default());
    let stored = engine.upload_part(admin, &upload, part(1), &ALWAYS, options, bytes);
    stored.await.unwrap();
    pair.bind("from", "to").await.unwrap();

    let scope = ParScope::new(AccessType::AnyObjectReadWrite, None, None).unwrap();
    let new = NewPar {
        name: "par".to_owned(),
        scope,
        time_expires: expires_in(&pair.0, DAY),
    };
    let par = engine.create_par(admin, &pair.0.bucket("to"), new).await;
    let holder = pair.0.par(par.unwrap().token.expose()).await;
    let commit = engine.commit_upload(admin, &upload, PartSelection::All, &ALWAYS);
    let name = |text: &str| ObjectName::parse(text.as_bytes()).unwrap();
    let rename = RenameObject {
        source: name("o"),
        destination: name("new"),
        source_if_match: None,
        preconditions: ALWAYS.clone(),
    };
    let destination = pair.0.bucket("to");
    let renamed = engine.rename_object(admin, &destination, rename);
    assert_eq!(pair.put("other", "source", 1).await, "ok");
    let copy = CopyObject {
        source_version: None,
        source_if_match: None,
        destination_region: engine.region().to_owned(),
        destination: pair.0.object("to", "copy"),
        preconditions: ALWAYS.clone(),
        metadata: None,
        storage_tier: None,
        keys: Default::default(),
    };
    let source = pair.0.object("other", "source");
    let copied = engine.copy_object(admin, &source, copy);
    let none = PutObject::default;
    for (what, done) in [
        ("put", pair.put("to", "new", 1).await),
        ("overwrite", pair.put("to", "o", 1).await),
        ("delete", pair.delete("to", "o", None).await),
        ("delete a version", pair.delete("to", "o", Some(old)).await),
        (
            "PAR",
            pair.put_bytes(&holder, ("to", "new"), none(), b"x").await,
        ),
        ("commit", outcome(&commit.await)),
        ("rename", outcome(&renamed.await)),
        ("copy", outcome(&copied.await)),
    ] {
        assert_eq!(done, "BucketReadOnly", "{what}");
    }
    assert_eq!(
        pair.put_bytes(&holder, ("to", "o"), none(), b"x").await,
        "BucketReadOnly"
    );
    assert_eq!(pair.held("to").await.len(), 1);
}

#[tokio::test]
async fn one_policy_a_bucket_and_no_chains() {
    let (pair, _) = Pair::bound().await;
    let conflict = "BucketStateConflict";
    for (from, to) in [
        ("from", "other"),
        ("from", "to"),
        ("to", "other"),
        ("to", "from"),
        ("other", "from"),
        ("other", "to"),
    ] {
        let refused = pair.bind(from, to).await;
        assert_eq!(outcome(&refused), conflict, "{from} to {to}");
    }
}

#[tokio::test]
async fn what_can_not_be_a_policy_is_refused() {
    let pair = Pair::unbound().await;
    let mut elsewhere = pair.new_policy("to");
    elsewhere.destination_region = "us-ashburn-1".to_owned();
    let mut nameless = pair.new_policy("to");
    nameless.name = String::new();
    for new in [elsewhere, nameless, pair.new_policy("from")] {
        let refused = pair.create("from", new.clone()).await;
        assert_eq!(outcome(&refused), "InvalidParameter", "{new:?}");
    }
    assert_eq!(outcome(&pair.bind("from", "nope").await), "BucketNotFound");
    assert_eq!(outcome(&pair.bind("nope", "to").await), "BucketNotFound");
    assert_eq!(pair.policies().await, []);
}

#[tokio::test]
async fn both_ends_are_shown_for_what_they_are() {
    let (pair, policy) = Pair::bound().await;
    let (engine, admin) = (&pair.0.engine, &pair.0.admin);
    let mut shown = Vec::new();
    for name in ["from", "to"] {
        let path = pair.0.bucket(name);
        let bucket = engine.bucket(admin, &path, Default::default(), &ALWAYS);
        let bucket = bucket.await.unwrap();
        shown.push((bucket.replicates, bucket.read_only));
    }
    assert_eq!(shown, [(true, false), (false, true)]);
    assert_eq!(pair.policies().await, [policy]);
    let limit = PageLimit::default();
    let sources = async |name| {
        let path = pair.0.bucket(name);
        let page = engine.replication_sources(admin, &path, None, limit).await;
        let items = page.unwrap().items;
        let names = items.iter().map(|source| source.source_bucket.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(sources("to").await, ["from"]);
    assert!(sources("from").await.is_empty());
}

#[tokio::test]
async fn neither_end_is_deleted_before_it_is_released() {
    let (pair, policy) = Pair::bound().await;
    let (engine, admin) = (&pair.0.engine, &pair.0.admin);
    let delete = async |name| {
        let path = pair.0.bucket(name);
        outcome(&engine.delete_bucket(admin, &path, &ALWAYS).await)
    };
    assert_eq!(delete("from").await, "BucketStateConflict");
    assert_eq!(delete("to").await, "BucketStateConflict");
    assert_eq!(pair.unbind(&policy.id).await, "ok");
    assert_eq!(delete("from").await, "ok");
    assert_eq!(delete("to").await, "BucketStateConflict");
    assert_eq!(pair.release("to").await, "ok");
    assert_eq!(delete("to").await, "ok");
}

#[tokio::test]
async fn a_deleted_policy_leaves_its_destination_read_only() {
    let (pair, policy) = Pair::bound().await;
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    assert_eq!(pair.unbind(&policy.id).await, "ok");
    assert_eq!(pair.unbind(&policy.id).await, "ReplicationPolicyNotFound");
    // Changes that waited are forgotten, and no more are noted.
    assert_eq!(pair.waiting().await, 0);
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    pair.replicate().await;
    assert_eq!((pair.waiting().await, pair.held("to").await.len()), (0, 0));
    assert_eq!(pair.put("to", "a", 1).await, "BucketReadOnly");
    assert_eq!(
        outcome(&pair.bind("other", "to").await),
        "BucketStateConflict"
    );
    assert_eq!(pair.release("to").await, "ok");
    assert_eq!(pair.put("to", "a", 1).await, "ok");
    audit(&pair.0).await;
}

#[tokio::test]
async fn a_released_destination_is_writable_and_its_policy_is_gone() {
    let (pair, _) = Pair::bound().await;
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    assert_eq!(pair.release("to").await, "ok");
    assert_eq!(pair.policies().await, []);
    assert_eq!(pair.put("to", "b", 1).await, "ok");
    assert_eq!(pair.put("from", "c", 1).await, "ok");
    pair.replicate().await;
    assert_eq!(Vec::from_iter(pair.held("to").await.into_keys()), ["b"]);
    // Both ends are free for other policies.
    pair.bind("to", "from").await.unwrap();
    assert_eq!(pair.release("from").await, "ok");
    // What is writable stays so.
    assert_eq!(pair.release("from").await, "ok");
    audit(&pair.0).await;
}

#[tokio::test]
async fn after_an_unknown_outcome_each_call_on_policies_has_happened_once() {
    for fault in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let pair = Pair::unbound().await;
        let faults = &pair.0.kv_faults;
        faults.on_commit(1, fault);
        let made = pair.bind("from", "to").await.unwrap();
        assert_eq!(
            pair.policies().await,
            std::slice::from_ref(&made),
            "{fault:?}"
        );
        faults.on_commit(1, fault);
        assert_eq!(pair.unbind(&made.id).await, "ok", "{fault:?}");
        assert_eq!(pair.policies().await, [], "{fault:?}");
        faults.on_commit(1, fault);
        assert_eq!(pair.release("to").await, "ok", "{fault:?}");
        audit(&pair.0).await;
    }
}

#[tokio::test]
async fn changes_of_a_bucket_go_on_beside_its_policy() {
    let (pair, policy) = Pair::bound().await;
    let (engine, admin) = (&pair.0.engine, &pair.0.admin);
    let change = BucketChange {
        versioning: Some(Versioning::Enabled),
        ..BucketChange::default()
    };
    for name in ["from", "to"] {
        let path = pair.0.bucket(name);
        let updated = engine.update_bucket(admin, &path, change.clone(), &ALWAYS);
        updated.await.unwrap();
    }
    assert_eq!(pair.put("from", "a", 1).await, "ok");
    pair.replicate().await;
    pair.assert_mirrored().await;
    assert_eq!(pair.policies().await[0].id, policy.id);
}

#[tokio::test]
async fn strangers_see_no_policies() {
    let (pair, policy) = Pair::bound().await;
    let (engine, path) = (&pair.0.engine, pair.0.bucket("from"));
    let destination = pair.0.bucket("to");
    let anonymous = pair.0.anonymous().await;
    let limit = PageLimit::default();
    for (caller, refused) in [
        (&anonymous, "BucketNotFound"),
        (&pair.0.foreigner, "NamespaceNotFound"),
    ] {
        let seen = engine.replication_policies(caller, &path, None, limit);
        assert_eq!(outcome(&seen.await), refused);
        let seen = engine.replication_policy(caller, &path, &policy.id);
        assert_eq!(outcome(&seen.await), refused);
        let deleted = engine.delete_replication_policy(caller, &path, &policy.id);
        assert_eq!(outcome(&deleted.await), refused);
        let released = engine.make_bucket_writable(caller, &destination);
        assert_eq!(outcome(&released.await), refused);
    }
}

/// More entries of a journal than one transaction drops.
const MANY: usize = 1010;

/// As a crash leaves it that comes between the end of a policy and that of its journal.
async fn with_a_journal_left() -> Pair {
    let (pair, policy) = Pair::bound().await;
    for _ in 0..MANY {
        assert_eq!(pair.put("from", "o", 1).await, "ok");
    }
    pair.0.kv_faults.on_commit(2, CommitFault::NotDone);
    assert_ne!(pair.unbind(&policy.id).await, "ok");
    assert_eq!(pair.policies().await, []);
    assert_eq!(pair.waiting().await, MANY);
    assert_eq!(pair.release("to").await, "ok");
    pair
}

#[tokio::test]
async fn a_new_policy_drops_what_an_earlier_one_has_left_in_several_transactions() {
    let pair = with_a_journal_left().await;
    let before = pair.0.kv_faults.commits();
    assert_eq!(outcome(&pair.bind("from", "to").await), "ok");
    assert_eq!(pair.0.kv_faults.commits() - before, 2);
    assert_eq!(pair.waiting().await, 0);
    pair.replicate().await;
    assert!(pair.held("to").await.is_empty());
}

#[tokio::test]
async fn a_bucket_with_a_journal_left_is_deleted_in_several_transactions() {
    let pair = with_a_journal_left().await;
    assert_eq!(pair.delete("from", "o", None).await, "ok");
    let (engine, path) = (&pair.0.engine, pair.0.bucket("from"));
    let deleted = engine.delete_bucket(&pair.0.admin, &path, &ALWAYS);
    assert_eq!(outcome(&deleted.await), "ok");
    assert_eq!(pair.waiting().await, 0);
}

/// Journal entries that are read at a time.
const PAGE: usize = 1000;

#[tokio::test(start_paused = true)]
async fn what_is_written_during_a_round_waits_for_the_next_one() {
    let (pair, _) = Pair::bound().await;
    let engine = &pair.0.engine;
    let reads = pair.0.kv_faults.reads();
    engine.upkeep_once().await.unwrap();
    let least = pair.0.kv_faults.reads() - reads;
    for _ in 0..PAGE {
        assert_eq!(pair.put("from", "o", 1).await, "ok");
    }
    // While the first page is at work.
    let pause = std::time::Duration::from_millis(10);
    let delay = parbuckle_kv::ReadFault::Delay(2 * pause);
    pair.0.kv_faults.on_read(least + 1, delay);
    let meanwhile = async {
        tokio::time::sleep(pause).await;
        pair.0.environment.advance(pause);
        for _ in 0..PAGE {
            assert_eq!(pair.put("from", "p", 1).await, "ok");
        }
    };
    let (round, ()) = tokio::join!(engine.upkeep_once(), meanwhile);
    round.unwrap();
    assert_eq!(pair.waiting().await, PAGE);
    assert_eq!(Vec::from_iter(pair.held("to").await.into_keys()), ["o"]);
    pair.replicate().await;
    pair.assert_mirrored().await;
}
