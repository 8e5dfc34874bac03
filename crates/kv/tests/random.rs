//! Random interleaved transactions against a plain model: every answer must match, every commit that must
//! conflict does, and none conflicts without cause.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::sync::Arc;

use bytes::Bytes;
use parbuckle_kv::{
    CommitError, EmbeddedOptions, EmbeddedStore, Entry, GroupScan, MemoryStore, Reader, Row, Scan,
    Store, Transaction,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

#[test]
fn the_memory_store_behaves_like_the_model() {
    check(512, |run| run(Arc::new(MemoryStore::new())));
}

#[test]
fn the_embedded_store_behaves_like_the_model_while_its_cache_evicts() {
    // Room for one small entry per shard, so that about forty keys push each other out.
    let options = EmbeddedOptions {
        block_cache_bytes: 64 * 1024,
        hot_cache_bytes: 32 * 300,
    };
    check(40, |run| {
        let folder = tempfile::tempdir().unwrap();
        run(EmbeddedStore::open(folder.path(), options.clone()).unwrap())
    });
}

#[test]
fn the_embedded_store_behaves_like_the_model_while_its_cache_holds_all() {
    check(40, |run| {
        let folder = tempfile::tempdir().unwrap();
        run(EmbeddedStore::open(folder.path(), EmbeddedOptions::default()).unwrap())
    });
}

/// Runs random histories, each on the store that `with_store` makes for it.
fn check(
    cases: u32,
    with_store: impl Fn(&dyn Fn(Arc<dyn Store>) -> TestCaseResult) -> TestCaseResult,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let steps = prop::collection::vec(step(), 1..150);
    let mut runner = TestRunner::new(Config {
        cases,
        ..Config::default()
    });
    let outcome = runner.run(&steps, |steps| {
        with_store(&|store| runtime.block_on(replay(store, steps.clone())))
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

type Key = Vec<u8>;
type Map = BTreeMap<Key, Vec<u8>>;
type Writes = BTreeMap<Key, Option<Vec<u8>>>;

/// One step; the number names the transaction or the snapshot, which begins when it is first named.
#[derive(Debug, Clone)]
enum Step {
    Read(usize, Read),
    Write(usize, Key, Option<Vec<u8>>),
    Commit(usize),
    Abandon(usize),
    Look(usize, Read),
    LookAway(usize),
}

#[derive(Debug, Clone)]
enum Read {
    Keys(Vec<Key>),
    Range(Scan),
    Groups(GroupScan),
}

#[derive(Debug, PartialEq)]
enum Answer {
    Values(Vec<Option<Bytes>>),
    Entries(Vec<Entry>),
    Rows(Vec<Row>),
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop::option::weighted(
        0.7,
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..4),
            (1..400_usize).prop_map(|len| vec![b'v'; len]),
        ],
    );
    prop_oneof![
        6 => (0..4_usize, read()).prop_map(|(slot, read)| Step::Read(slot, read)),
        6 => (0..4_usize, key(), value).prop_map(|(slot, key, value)| Step::Write(slot, key, value)),
        4 => (0..4_usize).prop_map(Step::Commit),
        1 => (0..4_usize).prop_map(Step::Abandon),
        4 => (0..3_usize, read()).prop_map(|(slot, read)| Step::Look(slot, read)),
        1 => (0..3_usize).prop_map(Step::LookAway),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    prop::collection::vec(prop::sample::select(&b"ab/"[..]), 1..4)
}

fn read() -> impl Strategy<Value = Read> {
    let scan = (key(), key(), 0..6_usize, any::<bool>());
    let groups = (key(), key(), 0..6_usize, 0..3_usize);
    prop_oneof![
        2 => prop::collection::vec(key(), 1..5).prop_map(Read::Keys),
        1 => scan.prop_map(|(start, end, limit, reverse)| {
            Read::Range(Scan { start, end, limit, reverse })
        }),
        1 => groups.prop_map(|(start, end, limit, prefix_len)| {
            Read::Groups(GroupScan { start, end, prefix_len, delimiter: b'/', limit })
        }),
    ]
}

/// A transaction beside what the model knows of it.
struct Open {
    real: Arc<dyn Transaction>,
    /// The committed state at its begin.
    base: Map,
    /// How many commits there were at its begin.
    begun_after: usize,
    writes: Writes,
    /// Each read with the own writes at its time.
    reads: Vec<(Read, Writes)>,
}

#[derive(Default)]
struct Model {
    committed: Map,
    /// The keys of each commit, in order.
    commits: Vec<Vec<Key>>,
}

async fn replay(store: Arc<dyn Store>, steps: Vec<Step>) -> TestCaseResult {
    let mut model = Model::default();
    let mut open: BTreeMap<usize, Open> = BTreeMap::new();
    let mut snapshots: BTreeMap<usize, (Arc<dyn Reader>, Map)> = BTreeMap::new();
    for step in steps {
        if let Step::Read(slot, _) | Step::Write(slot, ..) = &step
            && !open.contains_key(slot)
        {
            open.insert(*slot, model.begin(&*store).await);
        }
        match step {
            Step::Read(slot, read) => {
                let transaction = open.get_mut(&slot).unwrap();
                let seen = overlay(&transaction.base, &transaction.writes);
                prop_assert_eq!(ask(&*transaction.real, &read).await, answer(&seen, &read));
                transaction.reads.push((read, transaction.writes.clone()));
            }
            Step::Write(slot, key, value) => open.get_mut(&slot).unwrap().write(key, value),
            Step::Commit(slot) => {
                if let Some(transaction) = open.remove(&slot) {
                    model.commit(transaction).await?;
                }
            }
            Step::Abandon(slot) => drop(open.remove(&slot)),
            Step::Look(slot, read) => {
                let (reader, state) = match snapshots.entry(slot) {
                    Occupied(taken) => taken.into_mut(),
                    Vacant(place) => {
                        let reader = store.snapshot().await.unwrap();
                        place.insert((reader, model.committed.clone()))
                    }
                };
                prop_assert_eq!(ask(&**reader, &read).await, answer(state, &read));
            }
            Step::LookAway(slot) => drop(snapshots.remove(&slot)),
        }
    }
    let all = Read::Range(Scan {
        start: vec![0],
        end: vec![255],
        limit: 1000,
        reverse: false,
    });
    let reader = store.snapshot().await.unwrap();
    prop_assert_eq!(ask(&*reader, &all).await, answer(&model.committed, &all));
    Ok(())
}

impl Open {
    fn write(&mut self, key: Key, value: Option<Vec<u8>>) {
        match &value {
            Some(value) => self.real.put(key.clone(), value.clone().into()),
            None => self.real.delete(key.clone()),
        }
        self.writes.insert(key, value);
    }
}

impl Model {
    async fn begin(&self, store: &dyn Store) -> Open {
        Open {
            real: store.begin().await.unwrap(),
            base: self.committed.clone(),
            begun_after: self.commits.len(),
            writes: BTreeMap::new(),
            reads: Vec::new(),
        }
    }

    async fn commit(&mut self, transaction: Open) -> TestCaseResult {
        let outcome = transaction.real.commit().await;
        let wrote = !transaction.writes.is_empty();
        match outcome {
            Ok(()) => prop_assert!(!wrote || !self.must_conflict(&transaction), "lost conflict"),
            Err(CommitError::Conflict) => {
                prop_assert!(
                    wrote && self.may_conflict(&transaction),
                    "needless conflict"
                );
                return Ok(());
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
        if wrote {
            self.committed = overlay(&self.committed, &transaction.writes);
            self.commits.push(transaction.writes.into_keys().collect());
        }
        Ok(())
    }

    /// Whether some answer would be another one now.
    fn must_conflict(&self, transaction: &Open) -> bool {
        transaction.reads.iter().any(|(read, writes)| {
            answer(&overlay(&self.committed, writes), read)
                != answer(&overlay(&transaction.base, writes), read)
        })
    }

    /// Whether a key that was read, or lies in a range that was asked for, was written since.
    fn may_conflict(&self, transaction: &Open) -> bool {
        let written = self.commits[transaction.begun_after..].iter().flatten();
        written.into_iter().any(|key| {
            transaction.reads.iter().any(|(read, _)| match read {
                Read::Keys(keys) => keys.contains(key),
                Read::Range(Scan { start, end, .. })
                | Read::Groups(GroupScan { start, end, .. }) => start <= key && key < end,
            })
        })
    }
}

fn overlay(base: &Map, writes: &Writes) -> Map {
    let mut map = base.clone();
    for (key, value) in writes {
        match value {
            Some(value) => map.insert(key.clone(), value.clone()),
            None => map.remove(key),
        };
    }
    map
}

async fn ask<R: Reader + ?Sized>(reader: &R, read: &Read) -> Answer {
    match read {
        Read::Keys(keys) => Answer::Values(reader.get_many(keys).await.unwrap()),
        Read::Range(scan) => Answer::Entries(reader.scan(scan).await.unwrap()),
        Read::Groups(scan) => Answer::Rows(reader.scan_groups(scan).await.unwrap()),
    }
}

/// The answer by definition, without any cleverness.
fn answer(map: &Map, read: &Read) -> Answer {
    let within = |start: &Key, end: &Key| -> Vec<Entry> {
        let inside = map
            .iter()
            .filter(|(key, _)| *start <= **key && **key < *end);
        inside
            .map(|(key, value)| Entry {
                key: key.clone().into(),
                value: value.clone().into(),
            })
            .collect()
    };
    match read {
        Read::Keys(keys) => Answer::Values(
            keys.iter()
                .map(|key| map.get(key).cloned().map(Bytes::from))
                .collect(),
        ),
        Read::Range(scan) => {
            let mut entries = within(&scan.start, &scan.end);
            if scan.reverse {
                entries.reverse();
            }
            entries.truncate(scan.limit);
            Answer::Entries(entries)
        }
        Read::Groups(scan) => {
            let mut rows: Vec<Row> = within(&scan.start, &scan.end)
                .into_iter()
                .map(|entry| {
                    let delimiters = entry.key.iter().enumerate().skip(scan.prefix_len);
                    match delimiters
                        .into_iter()
                        .find(|(_, byte)| **byte == scan.delimiter)
                    {
                        Some((at, _)) => Row::Group(entry.key.slice(..=at)),
                        None => Row::Entry(entry),
                    }
                })
                .collect();
            rows.dedup();
            rows.truncate(scan.limit);
            Answer::Rows(rows)
        }
    }
}
