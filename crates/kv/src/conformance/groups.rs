//! Rules of range reads that collapse groups.

use std::sync::Arc;

use super::{begin, fill, put, snapshot, text, write};
use crate::{GroupScan, Reader, Row, Store};

/// All keys from `start` to `end`, grouped by slashes at or behind byte `prefix_len`.
fn by_slash(start: &str, end: &str, prefix_len: usize, limit: usize) -> GroupScan {
    GroupScan {
        start: start.into(),
        end: end.into(),
        prefix_len,
        delimiter: b'/',
        limit,
    }
}

/// The rows as text: entries by their keys, groups in brackets.
async fn rows<R: Reader + ?Sized>(reader: &R, scan: &GroupScan) -> Vec<String> {
    let rows = reader.scan_groups(scan).await.expect("a range is read");
    let name = |row: &Row| match row {
        Row::Entry(entry) => text(&entry.key),
        Row::Group(group) => format!("[{}]", text(group)),
    };
    rows.iter().map(name).collect()
}

async fn committed_rows(store: &dyn Store, scan: &GroupScan) -> Vec<String> {
    rows(&*snapshot(store).await, scan).await
}

/// Entries and groups mixed; a key may sort between a group and its delimiter's neighbours.
pub async fn groups_appear_once_in_key_order(store: Arc<dyn Store>) {
    fill(
        &*store,
        &["a", "b-", "b/1", "b/2/3", "b0", "c", "d/", "d/x"],
    )
    .await;
    let all = by_slash("a", "z", 0, 100);
    assert_eq!(
        committed_rows(&*store, &all).await,
        ["a", "b-", "[b/]", "b0", "c", "[d/]"]
    );
}

/// Neither when the delimiter is the prefix's last byte nor when it lies within.
pub async fn delimiters_inside_the_prefix_do_not_count(store: Arc<dyn Store>) {
    fill(&*store, &["p/q/a", "p/q/b/1", "p/q/b/2", "p/q/c"]).await;
    let below = by_slash("p/q/", "p/q0", 4, 100);
    assert_eq!(
        committed_rows(&*store, &below).await,
        ["p/q/a", "[p/q/b/]", "p/q/c"]
    );
    let on_delimiter = by_slash("p/q", "p/q0", 3, 100);
    assert_eq!(committed_rows(&*store, &on_delimiter).await, ["[p/q/]"]);
}

/// It can not hold a delimiter behind the prefix.
pub async fn a_key_shorter_than_the_prefix_is_an_entry(store: Arc<dyn Store>) {
    fill(&*store, &["a/", "a/long/x"]).await;
    let scan = by_slash("a", "b", 5, 100);
    assert_eq!(committed_rows(&*store, &scan).await, ["a/", "[a/long/]"]);
}

/// The group is reported whole if a key of it lies in the range, and else not at all.
pub async fn a_group_scan_may_start_within_a_group(store: Arc<dyn Store>) {
    fill(&*store, &["g/a", "g/m", "h"]).await;
    assert_eq!(
        committed_rows(&*store, &by_slash("g/b", "z", 0, 100)).await,
        ["[g/]", "h"]
    );
    assert_eq!(
        committed_rows(&*store, &by_slash("g/n", "z", 0, 100)).await,
        ["h"]
    );
}

/// A group whose first key lies at or behind the end is outside.
pub async fn a_group_scan_ends_before_its_end(store: Arc<dyn Store>) {
    fill(&*store, &["a", "g/b", "g/m", "h"]).await;
    assert_eq!(
        committed_rows(&*store, &by_slash("a", "g/b", 0, 100)).await,
        ["a"]
    );
    assert_eq!(
        committed_rows(&*store, &by_slash("a", "g/c", 0, 100)).await,
        ["a", "[g/]"]
    );
    assert!(
        committed_rows(&*store, &by_slash("z", "a", 0, 100))
            .await
            .is_empty()
    );
}

/// The first and the last keys of the range may belong to groups.
pub async fn groups_at_the_edges_are_reported(store: Arc<dyn Store>) {
    fill(&*store, &["a/1", "a/2", "m", "z/1", "z/2"]).await;
    let all = by_slash("a/1", "z/3", 0, 100);
    assert_eq!(committed_rows(&*store, &all).await, ["[a/]", "m", "[z/]"]);
}

/// Entries and groups count alike, and a page can go on behind either.
pub async fn a_group_scan_stops_at_its_limit(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b/1", "b/2", "c", "d/1"]).await;
    let page = |start, limit| by_slash(start, "z", 0, limit);
    assert_eq!(committed_rows(&*store, &page("a", 2)).await, ["a", "[b/]"]);
    assert_eq!(committed_rows(&*store, &page("b0", 1)).await, ["c"]);
    assert_eq!(committed_rows(&*store, &page("c\0", 1)).await, ["[d/]"]);
    assert!(committed_rows(&*store, &page("a", 0)).await.is_empty());
}

/// A key that ends with its first delimiter belongs to the group of the same name.
pub async fn a_key_that_equals_its_group_is_a_group(store: Arc<dyn Store>) {
    fill(&*store, &["folder/", "folder0"]).await;
    assert_eq!(
        committed_rows(&*store, &by_slash("a", "z", 0, 9)).await,
        ["[folder/]", "folder0"]
    );
}

/// There is no next byte to seek to; the seek must go up one place, or end.
pub async fn the_highest_delimiter_byte_works(store: Arc<dyn Store>) {
    let transaction = begin(&*store).await;
    for key in [&b"a\xff1"[..], b"a\xff2", b"b", b"\xff1", b"\xff2"] {
        transaction.put(key.to_vec(), "x".into());
    }
    transaction.commit().await.expect("it commits");
    let scan = GroupScan {
        start: b"a".to_vec(),
        end: vec![0xff; 4],
        prefix_len: 0,
        delimiter: 0xff,
        limit: 9,
    };
    let rows = snapshot(&*store)
        .await
        .scan_groups(&scan)
        .await
        .expect("a range is read");
    let [Row::Group(first), Row::Entry(entry), Row::Group(last)] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (&first[..], &entry.key[..], &last[..]),
        (&b"a\xff"[..], &b"b"[..], &b"\xff"[..])
    );
}

/// However many keys it holds.
pub async fn a_group_of_many_keys_is_one_row(store: Arc<dyn Store>) {
    let names: Vec<String> = (0..3_000).map(|number| format!("big/{number}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.extend(["after", "last"]);
    fill(&*store, &names).await;
    assert_eq!(
        committed_rows(&*store, &by_slash("a", "z", 0, 9)).await,
        ["after", "[big/]", "last"]
    );
}

/// Own keys make groups, join groups and empty them.
pub async fn a_group_scan_sees_own_writes(store: Arc<dyn Store>) {
    fill(&*store, &["b/1", "c/1", "c/2", "d"]).await;
    let transaction = begin(&*store).await;
    put(&*transaction, "a/1", "new");
    put(&*transaction, "c/0", "new");
    put(&*transaction, "e", "new");
    transaction.delete("b/1".into());
    transaction.delete("c/1".into());
    let seen = rows(&*transaction, &by_slash("a", "z", 0, 9)).await;
    assert_eq!(seen, ["[a/]", "[c/]", "d", "e"]);
}

/// A group lives by its keys.
pub async fn a_group_whose_only_key_was_deleted_is_gone(store: Arc<dyn Store>) {
    fill(&*store, &["a/1", "b/1"]).await;
    write(&*store, "a/1", None).await;
    assert_eq!(
        committed_rows(&*store, &by_slash("a", "z", 0, 9)).await,
        ["[b/]"]
    );
}
