//! Measures the local store: `cargo run --release -p parbuckle-blob --example measure -- FOLDER`.
//! FOLDER must not exist; it is removed at the end.

use std::future::poll_fn;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use parbuckle_blob::local::tamper;
use parbuckle_blob::{Blob, BlobId, Error, LocalStore, Sealed, Store};

const MIB: usize = 1024 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: PathBuf = std::env::args().nth(1).ok_or("name a folder")?.into();
    let begun = Instant::now();
    let store = LocalStore::open(&folder, Arc::new(|| SystemTime::UNIX_EPOCH))?;
    println!("first open            {:8.2} ms", millis(begun));
    drop(store);
    let begun = Instant::now();
    let store = LocalStore::open(&folder, Arc::new(|| SystemTime::UNIX_EPOCH))?;
    println!("second open           {:8.2} ms", millis(begun));

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()?;
    let spawned = store.clone();
    runtime.block_on(runtime.spawn(async move {
        large(&spawned).await?;
        small(&spawned).await?;
        parallel(spawned).await
    }))??;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

async fn large(store: &LocalStore) -> Result<(), Error> {
    for (round, piece) in [256 * 1024, 512 * 1024, MIB]
        .into_iter()
        .cycle()
        .take(9)
        .enumerate()
    {
        let id = BlobId([round as u8; 16]);
        let buffer = Bytes::from(vec![round as u8; piece]);
        let begun = Instant::now();
        let mut writer = store.create(id, Some(64 * MIB as u64)).await?;
        for _ in 0..64 * MIB / piece {
            writer.write(buffer.clone()).await?;
        }
        let written = millis(begun);
        writer.seal().await?;
        println!(
            "write 64 MiB by {:4} KiB: {written:6.1} ms = {:.2} GB/s; with seal {:6.1} ms",
            piece / 1024,
            64.0 * MIB as f64 / written / 1e6,
            millis(begun),
        );
        store.delete(id).await?;
    }
    let id = BlobId([99; 16]);
    let sealed = write(store, id, 100 * MIB).await?;
    for what in ["warm", "warm", "warm", "cold", "cold"] {
        if what == "cold" {
            tamper::evict(store, id).map_err(Error::Io)?;
        }
        let blob = store.open(id, sealed).await?;
        let begun = Instant::now();
        drain(blob, 0..sealed.len).await?;
        let took = millis(begun);
        let rate = 100.0 * MIB as f64 / took / 1e6;
        println!("read 100 MiB {what}     {took:8.2} ms = {rate:.2} GB/s");
    }
    Ok(())
}

async fn small(store: &LocalStore) -> Result<(), Error> {
    let mut micros = Vec::new();
    let mut blobs = Vec::new();
    for number in 0..2000u32 {
        let begun = Instant::now();
        let id = id(number);
        blobs.push((id, write(store, id, 4096).await?));
        micros.push(millis(begun) * 1e3);
    }
    micros.sort_by(f64::total_cmp);
    println!(
        "write+seal 4 KiB      {:8.0} us median, {:.0} us p99",
        micros[1000], micros[1980]
    );
    // The store keeps fewer handles than the second round needs.
    for different in [1, 2000] {
        let begun = Instant::now();
        for (id, sealed) in blobs[..different].iter().cycle().take(20_000) {
            drain(store.open(*id, *sealed).await?, 0..4096).await?;
        }
        let micros = millis(begun) * 1e3 / 20_000.0;
        println!("open+read 4 KiB       {micros:8.2} us, {different} blobs in turn");
    }
    Ok(())
}

async fn parallel(store: Arc<LocalStore>) -> Result<(), Error> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..32u32)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..200 {
                    write(&store, id(1_000_000 + task * 1000 + number), 4096).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.map_err(|gone| Error::Io(gone.into()))??;
    }
    println!(
        "32 writers of 4 KiB   {:8.0} sealed/s",
        32.0 * 200.0 / millis(begun) * 1e3
    );
    Ok(())
}

fn id(number: u32) -> BlobId {
    let spread = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    BlobId(spread.to_be_bytes())
}

async fn write(store: &LocalStore, id: BlobId, len: usize) -> Result<Sealed, Error> {
    let mut writer = store.create(id, Some(len as u64)).await?;
    let piece = Bytes::from(vec![7; len.min(MIB)]);
    for _ in 0..len.div_ceil(MIB) {
        writer.write(piece.clone()).await?;
    }
    writer.seal().await
}

async fn drain(blob: Arc<dyn Blob>, range: Range<u64>) -> Result<(), Error> {
    let mut stream = blob.read(range);
    while let Some(item) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        item?;
    }
    Ok(())
}
