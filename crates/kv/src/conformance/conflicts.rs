//! Rules of which commits conflict, and which must not.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{
    backward, begin, committed, conflicts, fill, forward, get, keys, put, snapshot, write,
};
use crate::{GroupScan, Row, Scan, Store, Transaction};

/// Begins a transaction that read `key` and wants to write elsewhere.
async fn reader_of(store: &dyn Store, key: &str) -> Arc<dyn Transaction> {
    let transaction = begin(store).await;
    get(&*transaction, key).await;
    put(&*transaction, "outcome", "x");
    transaction
}

/// Begins a transaction that ran `scan`, saw `expected` and wants to write elsewhere.
async fn scanner_of(store: &dyn Store, scan: &Scan, expected: &[&str]) -> Arc<dyn Transaction> {
    let transaction = begin(store).await;
    assert_eq!(keys(&*transaction, scan).await, expected);
    put(&*transaction, "outcome", "x");
    transaction
}

/// The same for a scan of the groups from a to n.
async fn lister(store: &dyn Store, limit: usize, expected: usize) -> Arc<dyn Transaction> {
    let scan = GroupScan {
        start: b"a".to_vec(),
        end: b"n".to_vec(),
        prefix_len: 0,
        delimiter: b'/',
        limit,
    };
    let transaction = begin(store).await;
    let rows: Vec<Row> = transaction
        .scan_groups(&scan)
        .await
        .expect("a range is read");
    assert_eq!(rows.len(), expected);
    put(&*transaction, "outcome", "x");
    transaction
}

/// A key that was read and then changed.
pub async fn a_changed_key_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["key"]).await;
    let transaction = reader_of(&*store, "key").await;
    write(&*store, "key", Some("new")).await;
    assert!(conflicts(&*transaction).await);
}

/// A key that was not there and then is.
pub async fn a_created_key_conflicts_with_its_absence(store: Arc<dyn Store>) {
    let transaction = reader_of(&*store, "key").await;
    write(&*store, "key", Some("new")).await;
    assert!(conflicts(&*transaction).await);
}

/// A key that was there and then is not.
pub async fn a_deleted_key_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["key"]).await;
    let transaction = reader_of(&*store, "key").await;
    write(&*store, "key", None).await;
    assert!(conflicts(&*transaction).await);
}

/// Only what comes between matters.
pub async fn a_change_before_the_begin_does_not_conflict(store: Arc<dyn Store>) {
    write(&*store, "key", Some("old")).await;
    write(&*store, "key", Some("new")).await;
    let transaction = reader_of(&*store, "key").await;
    assert!(!conflicts(&*transaction).await);
}

/// Two blind writers of one key: both commit, the later one wins.
pub async fn writes_without_reads_never_conflict(store: Arc<dyn Store>) {
    let (first, second) = (begin(&*store).await, begin(&*store).await);
    put(&*first, "key", "first");
    put(&*second, "key", "second");
    assert!(!conflicts(&*first).await);
    assert!(!conflicts(&*second).await);
    assert_eq!(committed(&*store, "key").await.as_deref(), Some("second"));
}

/// What a transaction wrote itself does not depend on others.
pub async fn reading_an_own_write_does_not_conflict(store: Arc<dyn Store>) {
    let transaction = begin(&*store).await;
    put(&*transaction, "key", "own");
    assert_eq!(get(&*transaction, "key").await.as_deref(), Some("own"));
    write(&*store, "key", Some("other")).await;
    assert!(!conflicts(&*transaction).await);
}

/// Neighbours of a key that was read are other keys.
pub async fn unrelated_writes_do_not_conflict(store: Arc<dyn Store>) {
    fill(&*store, &["key"]).await;
    let transaction = reader_of(&*store, "key").await;
    for neighbour in ["ke", "kex", "key\0", "key0", "kez"] {
        write(&*store, neighbour, Some("x")).await;
    }
    assert!(!conflicts(&*transaction).await);
}

/// A phantom.
pub async fn an_insert_into_a_scanned_range_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d"]).await;
    let transaction = scanner_of(&*store, &forward("a", "e", 9), &["b", "d"]).await;
    write(&*store, "c", Some("new")).await;
    assert!(conflicts(&*transaction).await);
}

/// A phantom the other way.
pub async fn a_delete_from_a_scanned_range_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d"]).await;
    let transaction = scanner_of(&*store, &forward("a", "e", 9), &["b", "d"]).await;
    write(&*store, "d", None).await;
    assert!(conflicts(&*transaction).await);
}

/// At the exclusive end and below the start.
pub async fn an_insert_beside_a_scanned_range_does_not_conflict(store: Arc<dyn Store>) {
    fill(&*store, &["b"]).await;
    let transaction = scanner_of(&*store, &forward("b", "e", 9), &["b"]).await;
    write(&*store, "a\u{7f}", Some("new")).await;
    write(&*store, "e", Some("new")).await;
    assert!(!conflicts(&*transaction).await);
}

/// A full page depends on nothing behind its last key.
pub async fn an_insert_behind_a_full_page_does_not_conflict(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d", "f"]).await;
    let transaction = scanner_of(&*store, &forward("a", "z", 2), &["b", "d"]).await;
    write(&*store, "d\0", Some("new")).await;
    write(&*store, "f", None).await;
    assert!(!conflicts(&*transaction).await);
}

/// Up to and including its last key.
pub async fn an_insert_within_a_full_page_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d", "f"]).await;
    for key in ["a", "c", "d"] {
        let transaction = scanner_of(&*store, &forward("a", "z", 2), &["b", "d"]).await;
        write(&*store, key, Some("new")).await;
        assert!(conflicts(&*transaction).await, "{key}");
        if key != "d" {
            write(&*store, key, None).await;
        }
    }
}

/// A full reverse page depends on nothing below its lowest key.
pub async fn an_insert_behind_a_full_reverse_page_does_not_conflict(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d", "f"]).await;
    let transaction = scanner_of(&*store, &backward("a", "g", 2), &["f", "d"]).await;
    write(&*store, "c", Some("new")).await;
    write(&*store, "b", None).await;
    assert!(!conflicts(&*transaction).await);
}

/// Down to and including its lowest key, up to the end of the range.
pub async fn an_insert_within_a_full_reverse_page_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d", "f"]).await;
    for key in ["f0", "e", "d"] {
        let transaction = scanner_of(&*store, &backward("a", "g", 2), &["f", "d"]).await;
        write(&*store, key, Some("new")).await;
        assert!(conflicts(&*transaction).await, "{key}");
        if key != "d" {
            write(&*store, key, None).await;
        }
    }
}

/// A page below its limit says that nothing follows.
pub async fn an_insert_behind_a_short_page_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["b"]).await;
    let transaction = scanner_of(&*store, &forward("a", "z", 2), &["b"]).await;
    write(&*store, "y", Some("new")).await;
    assert!(conflicts(&*transaction).await);
}

/// "Nothing is here" is an answer too.
pub async fn an_insert_into_an_empty_range_conflicts(store: Arc<dyn Store>) {
    let transaction = scanner_of(&*store, &forward("a", "c", 1), &[]).await;
    write(&*store, "b", Some("new")).await;
    assert!(conflicts(&*transaction).await);
}

/// A visit is a read as well.
pub async fn an_insert_into_a_visited_range_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["a", "c"]).await;
    let transaction = begin(&*store).await;
    transaction
        .visit(&forward("a", "z", 9), &mut |_, _| ControlFlow::Continue(()))
        .await
        .expect("a range is read");
    put(&*transaction, "outcome", "x");
    write(&*store, "b", Some("new")).await;
    assert!(conflicts(&*transaction).await);
}

/// Between known groups and behind the last one.
pub async fn a_new_group_in_a_group_scan_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["a/1", "c/1"]).await;
    for key in ["b/1", "d/1"] {
        let transaction = lister(&*store, 9, 2).await;
        write(&*store, key, Some("new")).await;
        assert!(conflicts(&*transaction).await, "{key}");
        write(&*store, key, None).await;
    }
}

/// The group's last key went away.
pub async fn a_vanished_group_in_a_group_scan_conflicts(store: Arc<dyn Store>) {
    fill(&*store, &["a/1", "c/1"]).await;
    let transaction = lister(&*store, 9, 2).await;
    write(&*store, "c/1", None).await;
    assert!(conflicts(&*transaction).await);
}

/// As with scans.
pub async fn an_insert_behind_a_full_group_page_does_not_conflict(store: Arc<dyn Store>) {
    fill(&*store, &["a/1", "c/1"]).await;
    let transaction = lister(&*store, 1, 1).await;
    write(&*store, "b/1", Some("new")).await;
    assert!(!conflicts(&*transaction).await);
}

/// All or none.
pub async fn a_conflicted_transaction_writes_nothing(store: Arc<dyn Store>) {
    let transaction = reader_of(&*store, "key").await;
    put(&*transaction, "second", "x");
    write(&*store, "key", Some("new")).await;
    assert!(conflicts(&*transaction).await);
    assert_eq!(committed(&*store, "outcome").await, None);
    assert_eq!(committed(&*store, "second").await, None);
}

/// The next transaction sees what the first one stumbled over, at once.
pub async fn a_conflict_is_gone_in_the_next_try(store: Arc<dyn Store>) {
    for round in 0..20 {
        let transaction = reader_of(&*store, "key").await;
        write(&*store, "key", Some(&round.to_string())).await;
        assert!(conflicts(&*transaction).await);
        let again = reader_of(&*store, "key").await;
        assert!(!conflicts(&*again).await);
    }
}

/// Readers hold no one up.
pub async fn snapshots_never_conflict_with_writers(store: Arc<dyn Store>) {
    fill(&*store, &["key"]).await;
    let reader = snapshot(&*store).await;
    assert_eq!(get(&*reader, "key").await.as_deref(), Some("key"));
    let transaction = reader_of(&*store, "key").await;
    put(&*transaction, "key", "new");
    assert!(!conflicts(&*transaction).await);
}
