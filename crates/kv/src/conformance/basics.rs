//! Rules of single keys, snapshots and transactions that nobody disturbs.

use std::sync::Arc;

use bytes::Bytes;

use super::{begin, committed, fill, get, put, snapshot, write};
use crate::{CommitError, Error, KEY_BYTES_MAX, Store, VALUE_BYTES_MAX};

/// What was committed is there.
pub async fn a_committed_value_is_read_back(store: Arc<dyn Store>) {
    write(&*store, "key", Some("value")).await;
    assert_eq!(committed(&*store, "key").await.as_deref(), Some("value"));
}

/// Absence is an answer, not an error.
pub async fn a_missing_key_reads_as_none(store: Arc<dyn Store>) {
    fill(&*store, &["a", "c"]).await;
    assert_eq!(committed(&*store, "b").await, None);
}

/// Also when a key is asked for twice.
pub async fn values_come_in_the_order_of_the_keys_asked_for(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b"]).await;
    let keys = ["b", "x", "a", "b"].map(|key| key.as_bytes().to_vec());
    let values = snapshot(&*store)
        .await
        .get_many(&keys)
        .await
        .expect("keys are read");
    let some = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    assert_eq!(values, [some("b"), None, some("a"), some("b")]);
}

/// Within a transaction and from one to the next.
pub async fn the_last_write_of_a_key_wins(store: Arc<dyn Store>) {
    write(&*store, "key", Some("first")).await;
    let transaction = begin(&*store).await;
    transaction.delete("key".into());
    put(&*transaction, "key", "second");
    put(&*transaction, "key", "third");
    transaction.commit().await.expect("it commits");
    assert_eq!(committed(&*store, "key").await.as_deref(), Some("third"));
}

/// A delete removes, also behind a put of the same transaction.
pub async fn a_deleted_key_is_gone(store: Arc<dyn Store>) {
    write(&*store, "key", Some("value")).await;
    let transaction = begin(&*store).await;
    put(&*transaction, "key", "again");
    transaction.delete("key".into());
    transaction.commit().await.expect("it commits");
    assert_eq!(committed(&*store, "key").await, None);
}

/// Deleting is repeatable.
pub async fn deleting_a_missing_key_is_no_error(store: Arc<dyn Store>) {
    write(&*store, "key", None).await;
    assert_eq!(committed(&*store, "key").await, None);
}

/// An empty value differs from absence.
pub async fn an_empty_value_is_a_value(store: Arc<dyn Store>) {
    write(&*store, "key", Some("")).await;
    assert_eq!(committed(&*store, "key").await.as_deref(), Some(""));
}

/// Zero bytes, high bytes and prefixes of each other are distinct keys.
pub async fn keys_hold_any_bytes(store: Arc<dyn Store>) {
    let keys = [
        &b"\0"[..],
        b"\0\0",
        b"a",
        b"a\0",
        b"a\xff",
        b"\xff",
        b"\xff\xff",
    ];
    let keys = keys.map(<[u8]>::to_vec);
    let transaction = begin(&*store).await;
    for key in &keys {
        transaction.put(key.clone(), Bytes::from(key.clone()));
    }
    transaction.commit().await.expect("it commits");
    let values = snapshot(&*store)
        .await
        .get_many(&keys)
        .await
        .expect("keys are read");
    assert_eq!(values, keys.map(|key| Some(Bytes::from(key))));
}

/// Large values survive, beside small ones.
pub async fn a_value_of_a_mebibyte_is_read_back(store: Arc<dyn Store>) {
    let value: Bytes = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
    let transaction = begin(&*store).await;
    transaction.put(b"large".to_vec(), value.clone());
    put(&*transaction, "small", "x");
    transaction.commit().await.expect("it commits");
    let keys = [b"large".to_vec(), b"small".to_vec()];
    let values = snapshot(&*store)
        .await
        .get_many(&keys)
        .await
        .expect("keys are read");
    assert_eq!(values, [Some(value), Some(Bytes::from_static(b"x"))]);
}

/// A key may have [`KEY_BYTES_MAX`] bytes.
pub async fn the_longest_key_is_read_back(store: Arc<dyn Store>) {
    let key = "k".repeat(KEY_BYTES_MAX);
    write(&*store, &key, Some("value")).await;
    assert_eq!(committed(&*store, &key).await.as_deref(), Some("value"));
}

/// Nothing of such a transaction is committed, and the store goes on.
pub async fn a_key_or_value_out_of_bounds_is_refused_whole(store: Arc<dyn Store>) {
    let fits = Bytes::from_static(b"x");
    let writes = [
        (Vec::new(), fits.clone()),
        (vec![b'k'; KEY_BYTES_MAX + 1], fits),
        (b"key".to_vec(), vec![0; VALUE_BYTES_MAX + 1].into()),
    ];
    for (key, value) in writes {
        let transaction = begin(&*store).await;
        put(&*transaction, "beside", "x");
        transaction.put(key, value);
        let refused = transaction.commit().await;
        assert!(
            matches!(refused, Err(CommitError::NotDone(Error::Damaged(..)))),
            "{refused:?}"
        );
    }
    assert_eq!(committed(&*store, "beside").await, None);
    write(&*store, "after", Some("x")).await;
}

/// A reader keeps its state whatever commits.
pub async fn a_snapshot_does_not_move(store: Arc<dyn Store>) {
    fill(&*store, &["changed", "deleted"]).await;
    let before = snapshot(&*store).await;
    write(&*store, "changed", Some("new")).await;
    write(&*store, "deleted", None).await;
    write(&*store, "created", Some("new")).await;
    assert_eq!(get(&*before, "changed").await.as_deref(), Some("changed"));
    assert_eq!(get(&*before, "deleted").await.as_deref(), Some("deleted"));
    assert_eq!(get(&*before, "created").await, None);
    // The newest state, once read, must not leak into the older one either.
    assert_eq!(committed(&*store, "changed").await.as_deref(), Some("new"));
    assert_eq!(get(&*before, "changed").await.as_deref(), Some("changed"));
}

/// Each of many snapshots shows the commit before it.
pub async fn a_snapshot_sees_what_committed_before_it(store: Arc<dyn Store>) {
    for round in 0..20 {
        let value = round.to_string();
        write(&*store, "key", Some(&value)).await;
        assert_eq!(committed(&*store, "key").await, Some(value));
    }
}

/// Reads of a transaction agree with each other even when another one commits in between.
pub async fn a_transaction_reads_one_state(store: Arc<dyn Store>) {
    fill(&*store, &["a", "b"]).await;
    let transaction = begin(&*store).await;
    assert_eq!(get(&*transaction, "a").await.as_deref(), Some("a"));
    write(&*store, "b", Some("new")).await;
    assert_eq!(get(&*transaction, "b").await.as_deref(), Some("b"));
}

/// Puts and deletes show in later reads of the same transaction.
pub async fn a_transaction_sees_its_own_writes(store: Arc<dyn Store>) {
    fill(&*store, &["changed", "deleted"]).await;
    let transaction = begin(&*store).await;
    put(&*transaction, "changed", "new");
    put(&*transaction, "created", "new");
    transaction.delete("deleted".into());
    assert_eq!(get(&*transaction, "changed").await.as_deref(), Some("new"));
    assert_eq!(get(&*transaction, "created").await.as_deref(), Some("new"));
    assert_eq!(get(&*transaction, "deleted").await, None);
}

/// Neither other transactions nor snapshots.
pub async fn nobody_sees_writes_before_the_commit(store: Arc<dyn Store>) {
    let transaction = begin(&*store).await;
    put(&*transaction, "key", "value");
    assert_eq!(committed(&*store, "key").await, None);
    assert_eq!(get(&*begin(&*store).await, "key").await, None);
}

/// No write, and no conflict for others.
pub async fn a_dropped_transaction_leaves_no_trace(store: Arc<dyn Store>) {
    let reader = begin(&*store).await;
    assert_eq!(get(&*reader, "key").await, None);
    let dropped = begin(&*store).await;
    put(&*dropped, "key", "value");
    drop(dropped);
    put(&*reader, "other", "x");
    reader
        .commit()
        .await
        .expect("nothing was committed beside it");
    assert_eq!(committed(&*store, "key").await, None);
}

/// Many keys, one commit.
pub async fn a_transaction_commits_all_its_writes(store: Arc<dyn Store>) {
    let keys: Vec<String> = (0..500).map(|number| format!("{number:03}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    fill(&*store, &keys).await;
    let asked: Vec<Vec<u8>> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    let values = snapshot(&*store)
        .await
        .get_many(&asked)
        .await
        .expect("keys are read");
    assert!(values.iter().all(Option::is_some));
}

/// Even when what it read has changed since: its reads were consistent with each other.
pub async fn a_read_only_transaction_commits(store: Arc<dyn Store>) {
    let transaction = begin(&*store).await;
    assert_eq!(get(&*transaction, "key").await, None);
    write(&*store, "key", Some("value")).await;
    transaction.commit().await.expect("it wrote nothing");
}
