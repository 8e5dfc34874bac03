//! `kill -9` under load loses nothing that was acknowledged, and leaves nothing torn.
//!
//! Workers change objects, versions, pre-authenticated requests, rules and policies and ask for copies until the server is
//! killed in the middle. Then it starts again on the same folder, and everything that was acknowledged must be there,
//! whole; what was under way may have happened or not, but not by half; accepted work must come to its end.
//!
//! `PARBUCKLE_CRASH_CYCLES=200` runs the long mode; a handful of cycles is the default.

#[path = "crash/copies.rs"]
mod copies;
#[path = "crash/objects.rs"]
mod objects;
#[path = "crash/pars.rs"]
mod pars;
#[path = "crash/random.rs"]
mod random;
#[path = "crash/settings.rs"]
mod settings;
#[path = "crash/versions.rs"]
mod versions;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use parbuckle_testkit::{Par, ParSpec, SignedClient, TestServer};
use serde_json::json;

use copies::Copies;
use objects::Objects;
use pars::Pars;
use random::{Content, Random};
use settings::Settings;
use versions::Versions;

const WORKERS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_keeps_every_acknowledged_change_whole() {
    let cycles = std::env::var("PARBUCKLE_CRASH_CYCLES")
        .map_or(5, |n| n.parse().expect("a number of cycles"));
    let mut random = Random(RandomState::new().build_hasher().finish());
    let mut server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let mut workers = workers(&server, &mut random).await;
    for cycle in 0..cycles {
        let tasks = workers
            .into_iter()
            .map(|worker| tokio::spawn(worker.work(server.admin())));
        let tasks: Vec<_> = tasks.collect();
        tokio::time::sleep(Duration::from_millis(30 + random.below(400))).await;
        server.kill9();
        workers = Vec::new();
        for task in tasks {
            workers.push(task.await.expect("a worker panicked; see above"));
        }
        server.restart().await;
        for worker in &mut workers {
            worker.check(&server.admin(), cycle).await;
        }
        check_buckets(&server.admin(), &workers, cycle).await;
    }
    let mut acknowledged = BTreeMap::new();
    for (change, count) in workers.iter().flat_map(|worker| &worker.acknowledged) {
        *acknowledged.entry(*change).or_insert(0) += count;
    }
    let sum: usize = acknowledged.values().sum();
    println!("{cycles} kills, {sum} acknowledged changes, none lost: {acknowledged:?}");
    assert!(
        sum > cycles * WORKERS,
        "too little happened before the kills: {acknowledged:?}"
    );
}

/// With the buckets that they work on.
async fn workers(server: &TestServer, random: &mut Random) -> Vec<Worker> {
    let admin = server.admin();
    for bucket in [objects::BUCKET, copies::BUCKET] {
        admin.create_bucket(bucket).await;
    }
    let versioned = json!({ "versioning": "Enabled" });
    admin.create_bucket_with(versions::BUCKET, versioned).await;
    let gate = ParSpec::any_read_write();
    let gate = admin.create_par(objects::BUCKET, gate).await;
    let region = server.bootstrap().field("region");
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        let worker = Worker::new(number, random.next(), gate.clone(), region);
        admin.create_bucket(&worker.settings.bucket).await;
        workers.push(worker);
    }
    workers
}

struct Worker {
    random: Random,
    objects: Objects,
    versions: Versions,
    pars: Pars,
    copies: Copies,
    settings: Settings,
    /// Changes by their kind.
    acknowledged: BTreeMap<&'static str, usize>,
}

impl Worker {
    fn new(number: usize, seed: u64, gate: Par, region: &str) -> Self {
        Self {
            random: Random(seed),
            objects: Objects::new(number, gate),
            versions: Versions::new(number),
            pars: Pars::default(),
            copies: Copies::new(number, region),
            settings: Settings::new(number),
            acknowledged: BTreeMap::new(),
        }
    }

    /// Changes things until the server is gone.
    async fn work(mut self, admin: SignedClient) -> Self {
        loop {
            let (change, alive) = self.change(&admin).await;
            if !alive {
                return self;
            }
            *self.acknowledged.entry(change).or_default() += 1;
        }
    }

    /// Makes some change; whether the server has answered.
    async fn change(&mut self, admin: &SignedClient) -> (&'static str, bool) {
        let random = &mut self.random;
        match random.below(18) {
            0 => ("PAR", self.pars.create(admin).await),
            1 => ("PAR", self.pars.delete(admin).await),
            2 | 3 => ("delete", self.objects.delete(admin, random).await),
            4 | 5 => ("commit", self.objects.multipart(admin, random).await),
            6 | 7 => ("rename", self.objects.rename(admin, random).await),
            8 | 9 => match self.objects.any_object(random) {
                Some(source) => ("copy", self.copies.copy(admin, source).await),
                None => ("put", self.objects.put(admin, random).await),
            },
            10 | 11 => ("version", self.versions.put(admin, random).await),
            12 => ("marker", self.versions.delete(admin, random).await),
            13 => ("drop", self.versions.drop_version(admin, random).await),
            14 => ("rule", self.settings.create_rule(admin, random).await),
            15 => ("policy", self.settings.put_policy(admin, random).await),
            _ => ("put", self.objects.put(admin, random).await),
        }
    }

    async fn check(&mut self, admin: &SignedClient, cycle: usize) {
        self.objects.check(admin, cycle).await;
        self.versions.check(admin, cycle).await;
        self.pars.check(admin, cycle).await;
        self.copies.check(admin, cycle).await;
        self.settings.check(admin, cycle).await;
    }
}

/// Lists, counters and PARs of the buckets agree with what reads have found.
async fn check_buckets(admin: &SignedClient, workers: &[Worker], cycle: usize) {
    let expected = workers.iter().flat_map(|worker| worker.objects.all());
    let expected: BTreeMap<&String, Content> = expected.collect();
    let listed = admin.list_names(objects::BUCKET, "").await;
    let names: Vec<&String> = expected.keys().copied().collect();
    let listed: Vec<&String> = listed.iter().collect();
    assert_eq!(listed, names, "cycle {cycle}: the list");
    let bytes = expected.values().map(|content| content.len).sum();
    let counted = size(admin, objects::BUCKET).await;
    assert_eq!(counted, (expected.len(), bytes), "cycle {cycle}: the size");

    let versions = workers.iter().map(|worker| worker.versions.size());
    let versions = versions.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
    let counted = size(admin, versions::BUCKET).await;
    assert_eq!(counted, versions, "cycle {cycle}: the size of versions");

    let target = format!("{}/p", admin.bucket_path(objects::BUCKET));
    let listed = admin.get(target).await.expect(200).json();
    let listed = listed.as_array().expect("a list").len();
    let pars = || workers.iter().map(|worker| &worker.pars);
    let known: usize = 1 + pars().map(Pars::len).sum::<usize>();
    let maybe: usize = pars().map(|pars| pars.maybe_created).sum();
    assert!(
        (known..=known + maybe).contains(&listed),
        "cycle {cycle}: {listed} PARs listed, {known} + {maybe} known"
    );
}

/// Objects and bytes, as the bucket counts them.
async fn size(admin: &SignedClient, bucket: &str) -> (usize, usize) {
    let path = admin.bucket_path(bucket);
    let target = format!("{path}?fields=approximateCount,approximateSize");
    let bucket = admin.get(target).await.expect(200).json();
    let number = |field: &str| bucket[field].as_u64().expect("a number") as usize;
    (number("approximateCount"), number("approximateSize"))
}
