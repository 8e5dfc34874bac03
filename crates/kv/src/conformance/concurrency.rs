//! Rules that only show when many tasks work at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{begin, committed, conflicts, forward, get, keys, put, snapshot, text, write};
use crate::Store;

const TASK_COUNT: usize = 32;

/// Runs `body` in many tasks at once and returns what each gave, in no order.
async fn in_many_tasks<T, F>(body: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..TASK_COUNT {
        tasks.spawn(body(number));
    }
    tasks.join_all().await
}

/// No increment is lost, however often it must be tried.
pub async fn concurrent_increments_add_up(store: Arc<dyn Store>) {
    const INCREMENTS: usize = 10;
    in_many_tasks(|_| {
        let store = Arc::clone(&store);
        async move {
            for _ in 0..INCREMENTS {
                increment(&*store).await;
            }
        }
    })
    .await;
    let total = (TASK_COUNT * INCREMENTS).to_string();
    assert_eq!(committed(&*store, "counter").await, Some(total));
}

async fn increment(store: &dyn Store) {
    loop {
        let transaction = begin(store).await;
        let value = get(&*transaction, "counter")
            .await
            .unwrap_or_else(|| "0".to_owned());
        let value: u64 = value.parse().expect("a counter is a number");
        put(&*transaction, "counter", &(value + 1).to_string());
        if !conflicts(&*transaction).await {
            return;
        }
    }
}

/// "Create if absent" has one winner.
pub async fn one_of_many_creators_wins(store: Arc<dyn Store>) {
    let outcomes = in_many_tasks(|number| {
        let store = Arc::clone(&store);
        async move {
            let transaction = begin(&*store).await;
            if get(&*transaction, "key").await.is_some() {
                return None;
            }
            put(&*transaction, "key", &number.to_string());
            (!conflicts(&*transaction).await).then_some(number)
        }
    })
    .await;
    let winners: Vec<_> = outcomes.into_iter().flatten().collect();
    let [winner] = winners.as_slice() else {
        panic!("{winners:?}")
    };
    assert_eq!(committed(&*store, "key").await, Some(winner.to_string()));
}

/// Two transactions that read the same two keys and each write the other one: one must fail.
pub async fn write_skew_is_prevented(store: Arc<dyn Store>) {
    for round in 0..50 {
        let (left, right) = (format!("left{round}"), format!("right{round}"));
        let (first, second) = (begin(&*store).await, begin(&*store).await);
        for transaction in [&first, &second] {
            assert_eq!(get(&**transaction, &left).await, None);
            assert_eq!(get(&**transaction, &right).await, None);
        }
        put(&*first, &left, "x");
        put(&*second, &right, "x");
        let (first, second) = tokio::join!(first.commit(), second.commit());
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    }
}

/// "The bucket is empty, so delete it" against "the bucket is there, so put an object": never both.
pub async fn an_empty_check_races_safely_with_an_insert(store: Arc<dyn Store>) {
    for round in 0..50 {
        let (bucket, object) = (format!("bucket{round}"), format!("object{round}/a"));
        write(&*store, &bucket, Some("x")).await;
        let (remove, insert) = (begin(&*store).await, begin(&*store).await);
        let objects = forward(&format!("object{round}/"), &format!("object{round}0"), 1);
        assert!(keys(&*remove, &objects).await.is_empty());
        remove.delete(bucket.clone().into());
        assert!(get(&*insert, &bucket).await.is_some());
        put(&*insert, &object, "x");
        let (removed, inserted) = tokio::join!(remove.commit(), insert.commit());
        assert!(
            removed.is_ok() != inserted.is_ok(),
            "{removed:?} {inserted:?}"
        );
        let bucket_is_there = committed(&*store, &bucket).await.is_some();
        assert_eq!(committed(&*store, &object).await.is_some(), bucket_is_there);
    }
}

/// Readers never see half of a commit, nor go back in time, while writers run.
pub async fn pairs_written_together_are_read_together(store: Arc<dyn Store>) {
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        readers.spawn(async move {
            let mut last = [0; 4];
            while !done.load(Ordering::Relaxed) {
                for (pair, last) in last.iter_mut().enumerate() {
                    let seen = read_pair(&*store, pair).await;
                    assert!(seen >= *last, "{seen} came after {last}");
                    *last = seen;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for round in 1..=300_u64 {
        let transaction = begin(&*store).await;
        let pair = round % 4;
        for half in ["a", "b"] {
            put(
                &*transaction,
                &format!("pair{pair}{half}"),
                &round.to_string(),
            );
        }
        transaction.commit().await.expect("blind writes commit");
    }
    done.store(true, Ordering::Relaxed);
    readers.join_all().await;
}

/// Reads both halves in one call and one more time each, and returns their common value.
async fn read_pair(store: &dyn Store, pair: usize) -> u64 {
    let reader = snapshot(store).await;
    let halves = ["a", "b"].map(|half| format!("pair{pair}{half}"));
    let asked = halves.clone().map(String::into_bytes);
    let values = reader.get_many(&asked).await.expect("keys are read");
    let values: Vec<_> = values
        .iter()
        .map(|value| value.as_ref().map(|v| text(v)))
        .collect();
    assert_eq!(values[0], values[1]);
    for half in &halves {
        assert_eq!(get(&*reader, half).await, values[0]);
    }
    values[0]
        .as_ref()
        .map_or(0, |value| value.parse().expect("a round is a number"))
}

/// Once a commit is answered, every snapshot taken later holds it, on any task.
pub async fn an_answered_commit_is_seen_by_the_next_reader(store: Arc<dyn Store>) {
    let answered = Arc::new(AtomicU64::new(0));
    let watchers = in_many_tasks(|_| {
        let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
        async move {
            for _ in 0..50 {
                let least = answered.load(Ordering::SeqCst);
                let seen = committed(&*store, "round")
                    .await
                    .unwrap_or_else(|| "0".to_owned());
                let seen: u64 = seen.parse().expect("a round is a number");
                assert!(seen >= least, "round {least} was answered, {seen} is read");
                tokio::task::yield_now().await;
            }
        }
    });
    let writer = async {
        for round in 1..=100 {
            write(&*store, "round", Some(&round.to_string())).await;
            answered.store(round, Ordering::SeqCst);
        }
    };
    tokio::join!(watchers, writer);
}
