//! Deleting buckets that are empty, but on which much hangs yet.

use parbuckle_kv::CommitFault;
use parbuckle_model::Versioning;

use super::shelf::Shelf;
use super::support::audit::{all_keys, census};

/// More than one transaction deletes.
const MANY: usize = 1010;

async fn keys(shelf: &Shelf, kind: &str) -> usize {
    let census = census(&all_keys(&shelf.world).await);
    census.get(kind).copied().unwrap_or(0)
}

#[tokio::test]
async fn a_bucket_with_many_counters_is_deleted_in_several_transactions() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    for _ in 0..MANY / 2 {
        shelf.put("o", b"x").await;
        shelf.delete("o").await;
    }
    assert_eq!(keys(&shelf, "C").await, MANY);
    let before = shelf.world.kv_faults.commits();
    assert_eq!(shelf.delete_bucket().await, "ok");
    assert_eq!(shelf.world.kv_faults.commits() - before, 2);
    assert_eq!(keys(&shelf, "C").await, 0);
}

#[tokio::test]
async fn a_bucket_whose_counters_were_folded_by_a_deletion_that_failed_counts_right() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    for _ in 0..MANY / 2 {
        shelf.put("o", b"x").await;
        shelf.delete("o").await;
    }
    shelf.world.kv_faults.on_commit(2, CommitFault::NotDone);
    assert_ne!(shelf.delete_bucket().await, "ok");
    assert!(keys(&shelf, "C").await < MANY);
    shelf.put("o", b"abc").await;
    assert_eq!(shelf.counts().await, (1, 3));
    shelf.world.engine.empty_trash().await.unwrap();
    assert_eq!(shelf.counts().await, (1, 3));
}
