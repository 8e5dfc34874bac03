//! The contract as tests: one function per rule, over an empty store of any backend.
//!
//! A backend runs them all, each as a test of its own, on a store made for it:
//!
//! ```text
//! // Gives the store, and whatever must live as long as it (a folder, a process).
//! async fn open() -> (Arc<dyn Store>, Guard) { .. }
//!
//! parbuckle_kv::conformance_suite!(open());
//! ```

mod basics;
mod concurrency;
mod conflicts;
mod groups;
mod scans;

use std::sync::Arc;

use bytes::Bytes;

use crate::{CommitError, Entry, Reader, Scan, Store, Transaction};

/// Names every rule once: for use as functions, and as tests. (The first argument is a dollar sign, which can
/// not be written in a macro that defines another one.)
macro_rules! rules {
    ($dollar:tt $($module:ident { $($rule:ident,)+ })+) => {
        $(pub use $module::{$($rule),+};)+

        /// Makes a test of every rule in [`conformance`](crate::conformance). The expression is evaluated
        /// once per test and gives a future of an empty `Arc<dyn Store>` and a guard that is dropped after it.
        /// The test crate needs `tokio` with its macros and its threaded runtime.
        #[macro_export]
        macro_rules! conformance_suite {
            ($dollar open:expr) => {
                $($(
                    #[tokio::test(flavor = "multi_thread")]
                    async fn $rule() {
                        let (store, _guard) = $dollar open.await;
                        $crate::conformance::$rule(store).await;
                    }
                )+)+
            };
        }
    };
}

rules! {
    $
    basics {
        a_committed_value_is_read_back,
        a_missing_key_reads_as_none,
        values_come_in_the_order_of_the_keys_asked_for,
        the_last_write_of_a_key_wins,
        a_deleted_key_is_gone,
        deleting_a_missing_key_is_no_error,
        an_empty_value_is_a_value,
        keys_hold_any_bytes,
        a_value_of_a_mebibyte_is_read_back,
        the_longest_key_is_read_back,
        a_key_or_value_out_of_bounds_is_refused_whole,
        a_snapshot_does_not_move,
        a_snapshot_sees_what_committed_before_it,
        a_transaction_reads_one_state,
        a_transaction_sees_its_own_writes,
        nobody_sees_writes_before_the_commit,
        a_dropped_transaction_leaves_no_trace,
        a_transaction_commits_all_its_writes,
        a_read_only_transaction_commits,
    }
    scans {
        a_scan_goes_in_byte_order,
        a_scan_starts_inclusive_and_ends_exclusive,
        a_scan_stops_at_its_limit,
        a_reverse_scan_starts_from_the_end,
        a_limit_of_zero_returns_nothing,
        an_end_at_or_below_the_start_is_an_empty_range,
        a_scan_skips_deleted_keys,
        a_scan_sees_own_writes,
        a_reverse_scan_sees_own_writes,
        own_deletes_do_not_use_up_the_limit,
        a_scan_on_a_snapshot_does_not_move,
        pages_of_any_size_join_to_the_whole,
        a_visit_shows_what_a_scan_returns,
        a_visit_ends_when_it_is_told_to,
        a_visit_in_a_transaction_sees_own_writes,
    }
    groups {
        groups_appear_once_in_key_order,
        delimiters_inside_the_prefix_do_not_count,
        a_key_shorter_than_the_prefix_is_an_entry,
        a_group_scan_may_start_within_a_group,
        a_group_scan_ends_before_its_end,
        groups_at_the_edges_are_reported,
        a_group_scan_stops_at_its_limit,
        a_key_that_equals_its_group_is_a_group,
        the_highest_delimiter_byte_works,
        a_group_of_many_keys_is_one_row,
        a_group_scan_sees_own_writes,
        a_group_whose_only_key_was_deleted_is_gone,
    }
    conflicts {
        a_changed_key_conflicts,
        a_created_key_conflicts_with_its_absence,
        a_deleted_key_conflicts,
        a_change_before_the_begin_does_not_conflict,
        writes_without_reads_never_conflict,
        reading_an_own_write_does_not_conflict,
        unrelated_writes_do_not_conflict,
        an_insert_into_a_scanned_range_conflicts,
        a_delete_from_a_scanned_range_conflicts,
        an_insert_beside_a_scanned_range_does_not_conflict,
        an_insert_behind_a_full_page_does_not_conflict,
        an_insert_within_a_full_page_conflicts,
        an_insert_behind_a_full_reverse_page_does_not_conflict,
        an_insert_within_a_full_reverse_page_conflicts,
        an_insert_behind_a_short_page_conflicts,
        an_insert_into_an_empty_range_conflicts,
        an_insert_into_a_visited_range_conflicts,
        a_new_group_in_a_group_scan_conflicts,
        a_vanished_group_in_a_group_scan_conflicts,
        an_insert_behind_a_full_group_page_does_not_conflict,
        a_conflicted_transaction_writes_nothing,
        a_conflict_is_gone_in_the_next_try,
        snapshots_never_conflict_with_writers,
    }
    concurrency {
        concurrent_increments_add_up,
        one_of_many_creators_wins,
        write_skew_is_prevented,
        an_empty_check_races_safely_with_an_insert,
        pairs_written_together_are_read_together,
        an_answered_commit_is_seen_by_the_next_reader,
    }
}

/// Commits `value` under `key`, or removes the key.
async fn write(store: &dyn Store, key: &str, value: Option<&str>) {
    let transaction = begin(store).await;
    match value {
        Some(value) => put(&*transaction, key, value),
        None => transaction.delete(key.into()),
    }
    transaction.commit().await.expect("a single write commits");
}

/// Commits each key with its own name as the value.
async fn fill(store: &dyn Store, keys: &[&str]) {
    let transaction = begin(store).await;
    for key in keys {
        put(&*transaction, key, key);
    }
    transaction
        .commit()
        .await
        .expect("writes without reads commit");
}

async fn begin(store: &dyn Store) -> Arc<dyn Transaction> {
    store.begin().await.expect("a transaction begins")
}

async fn snapshot(store: &dyn Store) -> Arc<dyn Reader> {
    store.snapshot().await.expect("a snapshot is taken")
}

fn put(transaction: &dyn Transaction, key: &str, value: &str) {
    transaction.put(key.into(), Bytes::copy_from_slice(value.as_bytes()));
}

/// The value of `key` as text.
async fn get<R: Reader + ?Sized>(reader: &R, key: &str) -> Option<String> {
    let values = reader.get_many(&[key.into()]).await.expect("a key is read");
    let [value] = values.as_slice() else {
        panic!("{} answers for one key", values.len())
    };
    value.as_ref().map(|value| text(value))
}

/// The value of `key` as it is committed now.
async fn committed(store: &dyn Store, key: &str) -> Option<String> {
    get(&*snapshot(store).await, key).await
}

/// The keys that a scan returns, as text.
async fn keys<R: Reader + ?Sized>(reader: &R, scan: &Scan) -> Vec<String> {
    let entries = reader.scan(scan).await.expect("a range is read");
    entries
        .into_iter()
        .map(|Entry { key, .. }| text(&key))
        .collect()
}

fn forward(start: &str, end: &str, limit: usize) -> Scan {
    Scan {
        start: start.into(),
        end: end.into(),
        limit,
        reverse: false,
    }
}

fn backward(start: &str, end: &str, limit: usize) -> Scan {
    Scan {
        reverse: true,
        ..forward(start, end, limit)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether the commit conflicted. Any other failure is a failure of the rule.
async fn conflicts(transaction: &dyn Transaction) -> bool {
    match transaction.commit().await {
        Ok(()) => false,
        Err(CommitError::Conflict) => true,
        Err(other) => panic!("a commit failed: {other:?}"),
    }
}
