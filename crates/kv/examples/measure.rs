//! Measures the embedded store on the folder given as the only argument, which should be on the disk of
//! interest: `cargo run --release -p parbuckle-kv --example measure -- FOLDER`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parbuckle_kv::{CommitError, EmbeddedOptions, EmbeddedStore, GroupScan, Reader, Scan, Store};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const WRITERS: u64 = 32;
const COMMITS_PER_WRITER: u64 = 10_000;
const VALUE_BYTES: usize = 300;

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = std::env::args_os().nth(1).ok_or("name a folder")?;
    let folder = tempfile::tempdir_in(folder)?;
    for number in 0..5 {
        let fresh = folder.path().join(number.to_string());
        drop(timed("open, empty folder", 1, || open(&fresh))?);
    }
    let store = open(folder.path())?;
    println!("{:<44} {} KiB", "resident after open", resident_kib()?);
    commits(&store, "blind commits, 32 writers", false).await?;
    commits(&store, "conditional commits, 32 writers", true).await?;
    println!("{:<44} {} KiB", "resident after commits", resident_kib()?);
    reads(&*store).await?;
    scans(&*store).await?;
    drop(store);
    let store = timed("reopen after a clean end", 1, || open(folder.path()))?;
    drop(store);
    Ok(())
}

fn open(folder: &Path) -> Outcome<Arc<EmbeddedStore>> {
    Ok(EmbeddedStore::open(folder, EmbeddedOptions::default())?)
}

/// Runs `body` and prints how long each of its `count` rounds took.
fn timed<T>(name: &str, count: u32, body: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = body();
    report(name, start.elapsed() / count);
    result
}

fn report(name: &str, each: Duration) {
    println!("{name:<44} {:.2} us", each.as_secs_f64() * 1e6);
}

fn key(number: u64) -> Vec<u8> {
    format!(
        "tenancy/bucket/00000000/object-{:016x}",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    )
    .into_bytes()
}

async fn commits(store: &Arc<EmbeddedStore>, name: &str, conditional: bool) -> Outcome<()> {
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(store);
        tasks.spawn(async move { write_many(&*store, writer, conditional).await });
    }
    let mut conflicts = 0;
    while let Some(done) = tasks.join_next().await {
        conflicts += done??;
    }
    let rate = (WRITERS * COMMITS_PER_WRITER) as f64 / start.elapsed().as_secs_f64();
    println!("{name:<44} {rate:.0}/s, {conflicts} conflicts");
    Ok(())
}

async fn write_many(store: &dyn Store, writer: u64, conditional: bool) -> Outcome<u64> {
    let mut conflicts = 0;
    for number in 0..COMMITS_PER_WRITER {
        let key = key(writer * COMMITS_PER_WRITER + number);
        let transaction = store.begin().await?;
        if conditional {
            transaction.get_many(std::slice::from_ref(&key)).await?;
        }
        transaction.put(key, Bytes::from(vec![b'v'; VALUE_BYTES]));
        match transaction.commit().await {
            Err(CommitError::Conflict) => conflicts += 1,
            other => other?,
        }
    }
    Ok(conflicts)
}

async fn reads(store: &dyn Store) -> Outcome<()> {
    const ROUNDS: u32 = 200_000;
    let hot: Vec<Vec<u8>> = (0..4).map(key).collect();
    store.snapshot().await?.get_many(&hot).await?;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        drop(store.snapshot().await?);
    }
    report("snapshot", start.elapsed() / ROUNDS);
    let start = Instant::now();
    for _ in 0..ROUNDS {
        store.snapshot().await?.get_many(&hot).await?;
    }
    report("snapshot and 4 hot keys", start.elapsed() / ROUNDS);
    let start = Instant::now();
    for _ in 0..ROUNDS {
        store.begin().await?.get_many(&hot).await?;
    }
    report(
        "transaction and 4 hot keys, dropped",
        start.elapsed() / ROUNDS,
    );
    let reader = store.snapshot().await?;
    let start = Instant::now();
    for number in 0..u64::from(ROUNDS) {
        reader.get_many(&[key(number)]).await?;
    }
    report("1 key, most not in the hot cache", start.elapsed() / ROUNDS);
    Ok(())
}

async fn scans(store: &dyn Store) -> Outcome<()> {
    const ROUNDS: u32 = 200;
    let reader: Arc<dyn Reader> = store.snapshot().await?;
    let (start_key, end) = (b"tenancy/".to_vec(), b"tenancy0".to_vec());
    let scan = Scan {
        start: start_key.clone(),
        end: end.clone(),
        limit: 1_000,
        reverse: false,
    };
    let start = Instant::now();
    for _ in 0..ROUNDS {
        assert_eq!(reader.scan(&scan).await?.len(), 1_000);
    }
    report("scan of 1,000 entries", start.elapsed() / ROUNDS);
    // A group ends at the next zero digit behind the first two.
    let prefix_len = b"tenancy/bucket/00000000/object-00".len();
    let groups = GroupScan {
        start: start_key,
        end,
        prefix_len,
        delimiter: b'0',
        limit: 100,
    };
    let start = Instant::now();
    for _ in 0..ROUNDS {
        assert_eq!(reader.scan_groups(&groups).await?.len(), 100);
    }
    report("group scan of 100 rows", start.elapsed() / ROUNDS);
    Ok(())
}

fn resident_kib() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
