//! The faulty store fails as planned, and only so.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parbuckle_kv::{
    CommitError, CommitFault, Error, Faults, FaultyStore, MemoryStore, ReadFault, Scan, Store,
};

struct Stage {
    inner: Arc<MemoryStore>,
    faults: Faults,
    store: FaultyStore,
}

impl Stage {
    fn new() -> Self {
        let inner = Arc::new(MemoryStore::new());
        let faults = Faults::new();
        let store = FaultyStore::new(inner.clone(), faults.clone());
        Self {
            inner,
            faults,
            store,
        }
    }

    async fn put(&self, key: &str) -> Result<(), CommitError> {
        let transaction = self.store.begin().await.unwrap();
        transaction.put(key.into(), Bytes::from_static(b"x"));
        transaction.commit().await
    }

    async fn read(&self) -> Result<(), Error> {
        self.store
            .snapshot()
            .await?
            .get_many(&[b"key".to_vec()])
            .await
            .map(drop)
    }

    /// Whether the inner store holds `key`.
    async fn holds(&self, key: &str) -> bool {
        let reader = self.inner.snapshot().await.unwrap();
        reader.get_many(&[key.into()]).await.unwrap()[0].is_some()
    }
}

#[tokio::test]
async fn only_the_planned_read_fails() {
    let stage = Stage::new();
    stage.read().await.unwrap();
    stage.faults.on_read(2, ReadFault::Unavailable);
    stage.faults.on_read(3, ReadFault::Damaged);
    stage.read().await.unwrap();
    assert!(matches!(stage.read().await, Err(Error::Unavailable(..))));
    assert!(matches!(stage.read().await, Err(Error::Damaged(..))));
    stage.read().await.unwrap();
    assert_eq!(stage.faults.reads(), 5);
}

#[tokio::test]
async fn scans_and_reads_of_transactions_count_as_reads() {
    let stage = Stage::new();
    stage.faults.on_read(2, ReadFault::Unavailable);
    let transaction = stage.store.begin().await.unwrap();
    let scan = Scan {
        start: b"a".to_vec(),
        end: b"b".to_vec(),
        limit: 1,
        reverse: false,
    };
    transaction.scan(&scan).await.unwrap();
    assert!(transaction.scan(&scan).await.is_err());
}

#[tokio::test]
async fn a_commit_that_is_not_done_writes_nothing() {
    let stage = Stage::new();
    stage.faults.on_commit(2, CommitFault::NotDone);
    stage.put("first").await.unwrap();
    assert!(matches!(
        stage.put("second").await,
        Err(CommitError::NotDone(_))
    ));
    stage.put("third").await.unwrap();
    assert!(stage.holds("first").await && !stage.holds("second").await);
}

#[tokio::test]
async fn an_unknown_commit_is_applied_or_not_as_planned() {
    let stage = Stage::new();
    stage.faults.on_commit(1, CommitFault::UnknownApplied);
    stage.faults.on_commit(2, CommitFault::UnknownNotApplied);
    assert!(matches!(
        stage.put("applied").await,
        Err(CommitError::Unknown(_))
    ));
    assert!(matches!(
        stage.put("lost").await,
        Err(CommitError::Unknown(_))
    ));
    assert!(stage.holds("applied").await && !stage.holds("lost").await);
}

#[tokio::test]
async fn a_conflict_can_be_made_up() {
    let stage = Stage::new();
    stage.faults.on_commit(1, CommitFault::Conflict);
    assert!(matches!(stage.put("key").await, Err(CommitError::Conflict)));
    assert!(!stage.holds("key").await);
    stage.put("key").await.unwrap();
}

#[tokio::test]
async fn a_commit_without_writes_does_not_count() {
    let stage = Stage::new();
    stage.faults.on_commit(1, CommitFault::NotDone);
    stage.store.begin().await.unwrap().commit().await.unwrap();
    assert_eq!(stage.faults.commits(), 0);
    assert!(stage.put("key").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_delayed_commit_takes_its_time_and_succeeds() {
    let stage = Stage::new();
    let start = tokio::time::Instant::now();
    stage
        .faults
        .on_commit(1, CommitFault::Delay(Duration::from_secs(5)));
    stage
        .faults
        .on_read(1, ReadFault::Delay(Duration::from_secs(2)));
    stage.put("key").await.unwrap();
    stage.read().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 7);
    assert!(stage.holds("key").await);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_can_be_given_up() {
    let stage = Stage::new();
    stage.faults.on_commit(1, CommitFault::Never);
    stage.faults.on_read(1, ReadFault::Never);
    let patience = Duration::from_secs(3600);
    assert!(
        tokio::time::timeout(patience, stage.put("key"))
            .await
            .is_err()
    );
    assert!(tokio::time::timeout(patience, stage.read()).await.is_err());
    assert!(!stage.holds("key").await);
    stage.put("key").await.unwrap();
}

#[tokio::test]
async fn after_a_power_cut_nothing_is_accepted() {
    let stage = Stage::new();
    let reader = stage.store.snapshot().await.unwrap();
    let open = stage.store.begin().await.unwrap();
    open.put(b"open".to_vec(), Bytes::new());
    stage.faults.cut_power_after(2);
    stage.put("first").await.unwrap();
    stage.put("second").await.unwrap();
    assert!(matches!(
        stage.store.begin().await,
        Err(Error::Unavailable(..))
    ));
    assert!(matches!(
        stage.store.snapshot().await,
        Err(Error::Unavailable(..))
    ));
    assert!(matches!(
        reader.get_many(&[]).await,
        Err(Error::Unavailable(..))
    ));
    let refused = open.commit().await;
    assert!(
        matches!(refused, Err(CommitError::NotDone(Error::Unavailable(..)))),
        "{refused:?}"
    );
    assert!(stage.holds("first").await && stage.holds("second").await);
    assert!(!stage.holds("open").await);
}

#[tokio::test]
async fn a_power_cut_falls_between_two_concurrent_commits() {
    let stage = Arc::new(Stage::new());
    stage.faults.cut_power_after(5);
    let mut open = Vec::new();
    for number in 0..16 {
        let transaction = stage.store.begin().await.unwrap();
        transaction.put(number.to_string().into_bytes(), Bytes::new());
        open.push(transaction);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for transaction in open {
        tasks.spawn(async move { transaction.commit().await.is_ok() });
    }
    let done = tasks
        .join_all()
        .await
        .into_iter()
        .filter(|done| *done)
        .count();
    let all = Scan {
        start: vec![0],
        end: vec![0xff],
        limit: 100,
        reverse: false,
    };
    let held = stage
        .inner
        .snapshot()
        .await
        .unwrap()
        .scan(&all)
        .await
        .unwrap()
        .len();
    assert_eq!((done, held), (5, 5));
}

#[tokio::test]
async fn an_unapplied_commit_does_not_bring_the_power_cut_nearer() {
    let stage = Stage::new();
    stage.faults.cut_power_after(1);
    stage.faults.on_commit(1, CommitFault::NotDone);
    assert!(stage.put("first").await.is_err());
    stage.put("second").await.unwrap();
    assert!(stage.store.begin().await.is_err());
}
