//! Rules of range reads.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{backward, begin, fill, forward, keys, put, snapshot, write};
use crate::{Reader, Scan, Store, Transaction};

/// Bytes compare as unsigned numbers, and a prefix comes before what it is a prefix of.
pub async fn a_scan_goes_in_byte_order(store: Arc<dyn Store>) {
    let sorted = [
        &b"\0"[..],
        b"A",
        b"a",
        b"a\0",
        b"a/",
        b"a0",
        b"aa",
        b"b",
        b"\x7f",
        b"\x80",
    ];
    let transaction = begin(&*store).await;
    for key in sorted.iter().rev() {
        transaction.put(key.to_vec(), "x".into());
    }
    transaction.commit().await.expect("it commits");
    let all = Scan {
        start: vec![0],
        end: vec![0xff],
        limit: 100,
        reverse: false,
    };
    let entries = snapshot(&*store)
        .await
        .scan(&all)
        .await
        .expect("a range is read");
    assert!(
        entries.iter().map(|entry| &entry.key[..]).eq(sorted),
        "{entries:?}"
    );
}

/// `start` belongs to the range, `end` does not.
pub async fn a_scan_starts_inclusive_and_ends_exclusive(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b", "c", "d"]).await;
    let reader = snapshot(&*store).await;
    assert_eq!(keys(&*reader, &forward("b", "d", 9)).await, ["b", "c"]);
    assert_eq!(keys(&*reader, &backward("b", "d", 9)).await, ["c", "b"]);
}

/// The first ones of the range.
pub async fn a_scan_stops_at_its_limit(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b", "c", "d"]).await;
    assert_eq!(
        keys(&*snapshot(&*store).await, &forward("a", "z", 2)).await,
        ["a", "b"]
    );
}

/// The last ones of the range, last first.
pub async fn a_reverse_scan_starts_from_the_end(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b", "c", "d"]).await;
    assert_eq!(
        keys(&*snapshot(&*store).await, &backward("a", "z", 2)).await,
        ["d", "c"]
    );
}

/// In both directions.
pub async fn a_limit_of_zero_returns_nothing(store: Arc<dyn Store>) {
    fill(&*store, &["a"]).await;
    let reader = snapshot(&*store).await;
    assert!(keys(&*reader, &forward("a", "z", 0)).await.is_empty());
    assert!(keys(&*reader, &backward("a", "z", 0)).await.is_empty());
}

/// Not an error, for readers and for transactions with writes in reach.
pub async fn an_end_at_or_below_the_start_is_an_empty_range(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b", "c"]).await;
    let transaction = begin(&*store).await;
    put(&*transaction, "b", "new");
    for scan in [
        forward("b", "b", 9),
        forward("c", "a", 9),
        backward("c", "a", 9),
    ] {
        assert!(keys(&*snapshot(&*store).await, &scan).await.is_empty());
        assert!(keys(&*transaction, &scan).await.is_empty());
    }
}

/// Deleted keys do not show and do not count.
pub async fn a_scan_skips_deleted_keys(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b", "c", "d"]).await;
    write(&*store, "b", None).await;
    let reader = snapshot(&*store).await;
    assert_eq!(keys(&*reader, &forward("a", "z", 2)).await, ["a", "c"]);
    assert_eq!(keys(&*reader, &backward("a", "d", 2)).await, ["c", "a"]);
}

/// Own keys stand in their place, with their values.
pub async fn a_scan_sees_own_writes(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d", "f"]).await;
    let transaction = disturbed(&*store).await;
    assert_eq!(
        keys(&*transaction, &forward("a", "z", 9)).await,
        ["a", "b", "c", "f", "g"]
    );
    assert_eq!(keys(&*transaction, &forward("b", "g", 2)).await, ["b", "c"]);
    let entries = transaction
        .scan(&forward("b", "c", 9))
        .await
        .expect("a range is read");
    assert_eq!(entries[0].value, "new");
}

/// The same backwards.
pub async fn a_reverse_scan_sees_own_writes(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d", "f"]).await;
    let transaction = disturbed(&*store).await;
    assert_eq!(
        keys(&*transaction, &backward("a", "z", 9)).await,
        ["g", "f", "c", "b", "a"]
    );
    assert_eq!(
        keys(&*transaction, &backward("a", "g", 2)).await,
        ["f", "c"]
    );
}

/// A transaction over b, d, f that wrote a, b, c and g and deleted d.
async fn disturbed(store: &dyn Store) -> Arc<dyn Transaction> {
    let transaction = begin(store).await;
    for key in ["a", "b", "c", "g"] {
        put(&*transaction, key, "new");
    }
    transaction.delete("d".into());
    transaction
}

/// A page behind own deletes is as full as any other.
pub async fn own_deletes_do_not_use_up_the_limit(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b", "c", "d"]).await;
    let transaction = begin(&*store).await;
    transaction.delete("a".into());
    transaction.delete("b".into());
    assert_eq!(keys(&*transaction, &forward("a", "z", 1)).await, ["c"]);
}

/// Inserts, changes and deletes behind it do not show.
pub async fn a_scan_on_a_snapshot_does_not_move(store: Arc<dyn Store>) {
    fill(&*store, &["a", "c"]).await;
    let before = snapshot(&*store).await;
    write(&*store, "a", None).await;
    write(&*store, "b", Some("new")).await;
    write(&*store, "c", Some("new")).await;
    let entries = before
        .scan(&forward("a", "z", 9))
        .await
        .expect("a range is read");
    let pairs: Vec<_> = entries
        .iter()
        .map(|entry| (&entry.key[..], &entry.value[..]))
        .collect();
    assert_eq!(pairs, [(&b"a"[..], &b"a"[..]), (b"c", b"c")]);
}

/// Paging by "the key behind the last one" loses nothing and repeats nothing.
pub async fn pages_of_any_size_join_to_the_whole(store: Arc<dyn Store>) {
    let names: Vec<String> = (0..50)
        .map(|number| format!("k{}", number * 7 % 50))
        .collect();
    fill(
        &*store,
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    let reader = snapshot(&*store).await;
    let whole = keys(&*reader, &forward("a", "z", 100)).await;
    assert_eq!(whole.len(), 50);
    for size in [1, 3, 50, 51] {
        let mut joined = Vec::new();
        let mut start = "a".to_owned();
        loop {
            let page = keys(&*reader, &forward(&start, "z", size)).await;
            let Some(last) = page.last() else { break };
            start = format!("{last}\0");
            joined.extend(page);
        }
        assert_eq!(joined, whole, "pages of {size}");
    }
}

/// The same entries in the same order, whatever the range, the limit and the direction.
pub async fn a_visit_shows_what_a_scan_returns(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b", "c", "d"]).await;
    write(&*store, "b", None).await;
    let reader = snapshot(&*store).await;
    for scan in [
        forward("a", "z", 9),
        forward("a", "z", 2),
        forward("a", "z", 0),
        forward("b", "d", 9),
        forward("d", "a", 9),
        backward("a", "z", 9),
        backward("a", "d", 1),
    ] {
        let scanned = reader.scan(&scan).await.expect("a range is read");
        let scanned: Vec<_> = scanned
            .iter()
            .map(|entry| (entry.key.to_vec(), entry.value.to_vec()))
            .collect();
        assert_eq!(
            visited(&*reader, &scan, usize::MAX).await,
            scanned,
            "{scan:?}"
        );
    }
}

/// The entry at which it breaks is the last one shown.
pub async fn a_visit_ends_when_it_is_told_to(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b", "c"]).await;
    let reader = snapshot(&*store).await;
    let shown = visited(&*reader, &forward("a", "z", 9), 2).await;
    assert_eq!(shown, [pair("a", "a"), pair("b", "b")]);
}

/// Own keys stand in their place, with their values.
pub async fn a_visit_in_a_transaction_sees_own_writes(store: Arc<dyn Store>) {
    fill(&*store, &["b", "d", "f"]).await;
    let transaction = disturbed(&*store).await;
    let shown = visited(&*transaction, &forward("b", "g", 9), 9).await;
    assert_eq!(shown, [pair("b", "new"), pair("c", "new"), pair("f", "f")]);
}

fn pair(key: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
    (key.into(), value.into())
}

/// What a visit shows that breaks after `most` entries.
async fn visited<R: Reader + ?Sized>(
    reader: &R,
    scan: &Scan,
    most: usize,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut shown = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        shown.push((key.to_vec(), value.to_vec()));
        match shown.len() < most {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    };
    reader
        .visit(scan, &mut visit)
        .await
        .expect("a range is read");
    shown
}
