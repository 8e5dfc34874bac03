//! `kill -9` under load loses nothing that was acknowledged, and leaves nothing torn.
//!
//! Workers put, overwrite, delete and multipart-commit objects and create and delete PARs until the server is killed in
//! the middle. Then it starts again on the same folder, and everything that was acknowledged must be there, whole; what
//! was under way may have happened or not, but not by half.
//!
//! `PARBUCKLE_CRASH_CYCLES=200` runs the long mode; a handful of cycles is the default.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use parbuckle_testkit::{Call, Par, ParSpec, SignedClient, TestServer, pattern};

const BUCKET: &str = "crash";
const WORKERS: usize = 6;
const NAMES_PER_WORKER: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_keeps_every_acknowledged_change_whole() {
    let cycles = std::env::var("PARBUCKLE_CRASH_CYCLES")
        .map_or(5, |n| n.parse().expect("a number of cycles"));
    let mut random = Random(RandomState::new().build_hasher().finish());
    let mut server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    server.admin().create_bucket(BUCKET).await;
    let gate = server
        .admin()
        .create_par(BUCKET, ParSpec::any_read_write())
        .await;
    let mut workers: Vec<Worker> = (0..WORKERS)
        .map(|n| Worker::new(n, &mut random, gate.clone()))
        .collect();
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
        check_bucket(&server.admin(), &workers, cycle).await;
    }
    let acknowledged: usize = workers.iter().map(|worker| worker.acknowledged).sum();
    println!("{cycles} kills, {acknowledged} acknowledged changes, none lost");
    assert!(
        acknowledged > cycles * WORKERS,
        "too little happened before the kills: {acknowledged} changes"
    );
}

/// The bytes of an object: what `pattern` makes of these.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Content {
    seed: u64,
    len: usize,
}

/// What an object may be now: what was acknowledged, or what was under way when the server died.
#[derive(Clone, Debug, Default)]
struct Slot {
    acknowledged: Option<Content>,
    under_way: Option<Option<Content>>,
}

struct Worker {
    random: Random,
    gate: Par,
    slots: BTreeMap<String, Slot>,
    pars: Vec<Par>,
    deleted_pars: Vec<Par>,
    par_under_deletion: Option<Par>,
    pars_maybe_created: usize,
    acknowledged: usize,
}

impl Worker {
    fn new(number: usize, random: &mut Random, gate: Par) -> Self {
        let slots = (0..NAMES_PER_WORKER)
            .map(|n| (format!("w{number}/n{n}"), Slot::default()))
            .collect();
        Self {
            random: Random(random.next()),
            gate,
            slots,
            pars: Vec::new(),
            deleted_pars: Vec::new(),
            par_under_deletion: None,
            pars_maybe_created: 0,
            acknowledged: 0,
        }
    }

    /// Changes things until the server is gone.
    async fn work(mut self, admin: SignedClient) -> Self {
        loop {
            let alive = match self.random.below(10) {
                0 => self.create_par(&admin).await,
                1 => self.delete_par(&admin).await,
                2 | 3 => self.delete_object(&admin).await,
                4 | 5 => self.multipart(&admin).await,
                _ => self.put(&admin).await,
            };
            if !alive {
                return self;
            }
            self.acknowledged += 1;
        }
    }

    async fn put(&mut self, admin: &SignedClient) -> bool {
        let len = if self.random.below(3) == 0 {
            self.random.below(600_000)
        } else {
            self.random.below(9_000)
        };
        let content = Content {
            seed: self.random.next(),
            len: len as usize,
        };
        let name = self.any_name();
        let call = admin
            .put(admin.object_path(BUCKET, &name))
            .body(pattern(content.seed, content.len));
        self.change(&name, Some(content), call, 200).await
    }

    async fn delete_object(&mut self, admin: &SignedClient) -> bool {
        let name = self.any_name();
        if self.slots[&name].acknowledged.is_none() {
            return self.put(admin).await;
        }
        let call = admin.delete(admin.object_path(BUCKET, &name));
        self.change(&name, None, call, 204).await
    }

    /// Three parts through a PAR; the object changes with the commit and not before.
    async fn multipart(&mut self, admin: &SignedClient) -> bool {
        let name = self.any_name();
        let content = Content {
            seed: self.random.next(),
            len: 1000 + self.random.below(300_000) as usize,
        };
        let bytes = pattern(content.seed, content.len);
        let http = admin.http();
        let start = http
            .put(self.gate.path_for(&name))
            .header("opc-multipart", "true")
            .attempt()
            .await;
        let Ok(start) = start else { return false };
        let uri = start.expect(200).json()["accessUri"]
            .as_str()
            .expect("an access URI")
            .to_owned();
        for (number, part) in bytes.chunks(content.len / 3 + 1).enumerate().rev() {
            let part = http
                .put(format!("{uri}{}", number + 1))
                .body(part.to_vec())
                .attempt()
                .await;
            let Ok(part) = part else { return false };
            part.expect(200);
        }
        self.change(&name, Some(content), http.post(uri), 200).await
    }

    /// Makes one change and notes whether it was acknowledged.
    async fn change(&mut self, name: &str, to: Option<Content>, call: Call, status: u16) -> bool {
        let slot = self.slots.get_mut(name).expect("a name of this worker");
        match call.attempt().await {
            Ok(reply) => {
                reply.expect(status);
                slot.acknowledged = to;
                true
            }
            Err(error) => {
                slot.under_way = error.sent.then_some(to);
                false
            }
        }
    }

    async fn create_par(&mut self, admin: &SignedClient) -> bool {
        let target = format!("{}/p", admin.bucket_path(BUCKET));
        match admin
            .post(target)
            .json(&ParSpec::any_read().to_json())
            .attempt()
            .await
        {
            Ok(reply) => {
                let endpoint = format!("http://{}", admin.http().address());
                self.pars
                    .push(Par::from_answer(reply.expect(200).json(), &endpoint));
                true
            }
            Err(error) => {
                self.pars_maybe_created += usize::from(error.sent);
                false
            }
        }
    }

    async fn delete_par(&mut self, admin: &SignedClient) -> bool {
        let Some(par) = self.pars.pop() else {
            return self.create_par(admin).await;
        };
        match admin
            .delete(admin.par_path(BUCKET, &par.id))
            .attempt()
            .await
        {
            Ok(reply) => {
                reply.expect(204);
                self.deleted_pars.push(par);
                true
            }
            Err(error) if error.sent => {
                self.par_under_deletion = Some(par);
                false
            }
            Err(_) => {
                self.pars.push(par);
                false
            }
        }
    }

    /// Everything acknowledged is there; what was under way is settled by what is found.
    async fn check(&mut self, admin: &SignedClient, cycle: usize) {
        for (name, slot) in &mut self.slots {
            let reply = admin.get(admin.object_path(BUCKET, name)).await;
            let possible = [Some(slot.acknowledged), slot.under_way];
            let found = possible
                .into_iter()
                .flatten()
                .find(|content| match content {
                    Some(content) => {
                        reply.status == 200 && reply.body == pattern(content.seed, content.len)
                    }
                    None => reply.status == 404,
                });
            let Some(found) = found else {
                panic!(
                    "cycle {cycle}: {name} is none of {possible:?}\n{}",
                    reply.dump()
                )
            };
            *slot = Slot {
                acknowledged: found,
                under_way: None,
            };
        }
        let any = self
            .slots
            .keys()
            .next()
            .expect("workers have names")
            .clone();
        for par in &self.pars {
            let reply = admin.http().get(par.path_for(&any)).await;
            assert!(
                matches!(reply.status, 200 | 404),
                "cycle {cycle}: a created PAR is lost\n{}",
                reply.dump()
            );
        }
        for par in &self.deleted_pars {
            admin.http().get(par.path_for(&any)).await.expect(401);
        }
        if let Some(par) = self.par_under_deletion.take() {
            match admin.http().get(par.path_for(&any)).await.status {
                401 => self.deleted_pars.push(par),
                _ => self.pars.push(par),
            }
        }
    }

    fn any_name(&mut self) -> String {
        let n = self.random.below(self.slots.len() as u64) as usize;
        self.slots
            .keys()
            .nth(n)
            .expect("n is below the length")
            .clone()
    }
}

/// The list, the counters and the PARs of the bucket agree with what reads have found.
async fn check_bucket(admin: &SignedClient, workers: &[Worker], cycle: usize) {
    let slots = workers.iter().flat_map(|worker| &worker.slots);
    let expected: BTreeMap<&String, Content> = slots
        .filter_map(|(name, slot)| slot.acknowledged.map(|content| (name, content)))
        .collect();
    let names: Vec<&String> = expected.keys().copied().collect();
    let listed = admin.list_names(BUCKET, "").await;
    assert_eq!(
        listed.iter().collect::<Vec<_>>(),
        names,
        "cycle {cycle}: the list"
    );
    let fields = format!(
        "{}?fields=approximateCount,approximateSize",
        admin.bucket_path(BUCKET)
    );
    let bucket = admin.get(fields).await.expect(200).json();
    assert_eq!(
        bucket["approximateCount"],
        expected.len(),
        "cycle {cycle}: the count"
    );
    let bytes: usize = expected.values().map(|content| content.len).sum();
    assert_eq!(bucket["approximateSize"], bytes, "cycle {cycle}: the size");
    let pars = admin
        .get(format!("{}/p", admin.bucket_path(BUCKET)))
        .await
        .expect(200)
        .json();
    let listed = pars.as_array().expect("a list").len();
    let known: usize = 1 + workers
        .iter()
        .map(|worker| worker.pars.len())
        .sum::<usize>();
    let maybe: usize = workers.iter().map(|worker| worker.pars_maybe_created).sum();
    assert!(
        (known..=known + maybe).contains(&listed),
        "cycle {cycle}: {listed} PARs listed, {known} + {maybe} known"
    );
}

/// splitmix64
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
