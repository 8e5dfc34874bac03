//! The benchmarks against nginx, and those of Parbuckle alone.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Result;
use crate::contest::{Effort, Rounds, Spread, alternate, median, spread};
use crate::load::{Request, Shape};
use crate::nginx::Nginx;
use crate::oci::{Access, fetch};
use crate::parbuckle::Parbuckle;
use crate::report::{Row, Target, Unit};
use crate::workload::{Expected, Uploads, cycle, get, noise, put};

const BUCKET: &str = "bench";
pub(crate) const KIB: usize = 1024;
pub(crate) const MIB: usize = 1024 * KIB;
/// Names that overwriting uploads take in turn.
const OVERWRITTEN_NAMES: usize = 4;
/// Starts of which the median counts.
const STARTS: usize = 10;
const IDLE: Duration = Duration::from_secs(2);

/// GET of a small object over and over: through an object PAR, and as a static file.
pub(crate) fn get_4k(folder: &Path, effort: Effort) -> Result<Row> {
    let rounds = get_one(
        folder,
        effort,
        4 * KIB,
        Shape {
            connections: 16,
            threads: 1,
        },
    )?;
    Ok(Row::contest(
        "GET 4 KiB, 16 connections",
        Unit::Requests,
        &rounds,
        Target::RateRatio(0.7),
    ))
}

/// GET of a large object.
pub(crate) fn get_100m(folder: &Path, effort: Effort) -> Result<Row> {
    let size = 100 * MIB;
    let rounds = get_one(
        folder,
        effort,
        size,
        Shape {
            connections: 2,
            threads: 2,
        },
    )?;
    Ok(Row::contest(
        "GET 100 MiB, 2 connections",
        Unit::Bytes(size as u64),
        &rounds,
        Target::RateRatio(0.4),
    ))
}

/// GET of 1000 small objects in turn, through one bucket PAR.
pub(crate) fn get_4k_many(folder: &Path, effort: Effort) -> Result<Row> {
    let (subject, reference) = pair(folder)?;
    let par = bucket_with_par(&subject, Access::AnyObjectReadAndList)?;
    let (mut subject_gets, mut reference_gets) = (Vec::new(), Vec::new());
    for index in 0..1000 {
        let (name, content) = (format!("many/{index:04}"), noise(index, 4 * KIB));
        subject.admin.put_object(BUCKET, &name, &content)?;
        reference.add_file(&name, &content)?;
        subject_gets.push(get(&format!("{par}{name}"), &subject.host()));
        reference_gets.push(get(&format!("/{name}"), &reference.host()));
    }
    let expected = Expected {
        statuses: &[200],
        body_bytes: Some(4 * KIB as u64),
    };
    let rounds = alternate(
        &cycle(&subject.process, subject.addr, subject_gets, expected),
        &cycle(&reference.process, reference.addr, reference_gets, expected),
        Shape {
            connections: 16,
            threads: 1,
        },
        effort,
    )?;
    Ok(Row::contest(
        "GET 4 KiB of 1000 objects",
        Unit::Requests,
        &rounds,
        Target::RateRatio(0.7),
    ))
}

/// Large uploads one after another: through a bucket PAR, durable; and by WebDAV, unsynced. Besides, how fast the digest
/// alone is that each upload needs: one stream can't be faster, and nginx computes none.
pub(crate) fn put_64m(folder: &Path, effort: Effort) -> Result<(Row, Row)> {
    let body = noise(64, 64 * MIB);
    let digest = md5_alone(&body, effort.rounds);
    let size = body.len() as u64;
    let rounds = put_fresh(
        folder,
        effort,
        body,
        Shape {
            connections: 1,
            threads: 1,
        },
        Keep::Nothing,
    )?;
    let reference = median(&rounds.reference, |r| r.requests_per_sec) * size as f64 / 1e9;
    let share = digest.median / reference;
    Ok((
        Row::contest(
            "PUT 64 MiB, 1 connection",
            Unit::Bytes(size),
            &rounds,
            Target::RateRatio(0.7),
        ),
        Row::single(
            &format!("MD5 alone over the same 64 MiB, {share:.2} of nginx's PUT rate"),
            "GB/s",
            digest,
            Target::None,
        ),
    ))
}

/// GB/s of MD5 over a body in memory, on one core.
fn md5_alone(body: &[u8], rounds: usize) -> Spread {
    let rates = (0..rounds).map(|_| {
        let started = Instant::now();
        std::hint::black_box(fast_md5::digest(std::hint::black_box(body)));
        body.len() as f64 / 1e9 / started.elapsed().as_secs_f64()
    });
    spread(rates)
}

/// Large uploads over objects that exist. Here nginx too waits for the disk: ext4 writes a new file out before a rename
/// puts it in the place of another.
pub(crate) fn put_64m_over(folder: &Path, effort: Effort) -> Result<Row> {
    let (subject, reference) = pair(folder)?;
    let par = bucket_with_par(&subject, Access::AnyObjectWrite)?;
    let body = noise(64, 64 * MIB);
    let puts = |base: &str, host: &str| -> Vec<Request> {
        let targets = (0..OVERWRITTEN_NAMES).map(|name| format!("{base}{name}"));
        targets
            .map(|target| put(&target, host, body.clone()))
            .collect()
    };
    let expected = |statuses| Expected {
        statuses,
        body_bytes: None,
    };
    let rounds = alternate(
        &cycle(
            &subject.process,
            subject.addr,
            puts(&par, &subject.host()),
            expected(&[200]),
        ),
        &cycle(
            &reference.process,
            reference.addr,
            puts("/dav/", &reference.host()),
            expected(&[201, 204]),
        ),
        Shape {
            connections: 1,
            threads: 1,
        },
        effort,
    )?;
    ensure_same("parbuckle", &subject.admin.object(BUCKET, "0")?, &body)?;
    ensure_same("nginx", &fs::read(reference.file("dav/0"))?, &body)?;
    let unit = Unit::Bytes(body.len() as u64);
    Ok(Row::contest(
        "PUT 64 MiB over an object, 1 connection",
        unit,
        &rounds,
        Target::RateRatio(0.7),
    ))
}

/// Small uploads, 32 at a time: through a bucket PAR, durable; and by WebDAV, unsynced.
pub(crate) fn put_4k(folder: &Path, effort: Effort) -> Result<Row> {
    let shape = Shape {
        connections: 32,
        threads: 1,
    };
    let rounds = put_fresh(folder, effort, noise(4, 4 * KIB), shape, Keep::Everything)?;
    Ok(Row::contest(
        "durable PUT 4 KiB, 32 connections",
        Unit::Requests,
        &rounds,
        Target::RateRatio(0.3),
    ))
}

/// A listing of 1000 names through a bucket PAR; beside it nginx's JSON index of a folder with 1000 files, which also
/// reads every file's size and time.
pub(crate) fn list_1000(folder: &Path, effort: Effort) -> Result<Row> {
    let (subject, reference) = pair(folder)?;
    let par = bucket_with_par(&subject, Access::AnyObjectReadAndList)?;
    for index in 0..1000 {
        let name = format!("list/object-{index:06}.bin");
        subject.admin.put_object(BUCKET, &name, b"entry")?;
        reference.add_file(&name, b"entry")?;
    }
    let listing = fetch(subject.addr, &par)?;
    let parsed: serde_json::Value = serde_json::from_slice(&listing)?;
    let count = parsed["objects"].as_array().map_or(0, Vec::len);
    if count != 1000 || !parsed["nextStartWith"].is_null() {
        return Err(format!("a listing of {count} names instead of 1000").into());
    }
    let index_bytes = fetch(reference.addr, "/list/")?.len();
    let expected = |length: usize| Expected {
        statuses: &[200],
        body_bytes: Some(length as u64),
    };
    let rounds = alternate(
        &cycle(
            &subject.process,
            subject.addr,
            vec![get(&par, &subject.host())],
            expected(listing.len()),
        ),
        &cycle(
            &reference.process,
            reference.addr,
            vec![get("/list/", &reference.host())],
            expected(index_bytes),
        ),
        Shape {
            connections: 4,
            threads: 1,
        },
        effort,
    )?;
    Ok(Row::contest(
        "LIST 1000 names, 4 connections",
        Unit::Requests,
        &rounds,
        Target::CpuUs(1000.0),
    ))
}

/// From the start of the process to the ready line, on an empty folder.
pub(crate) fn start(folder: &Path) -> Result<Row> {
    let mut millis = Vec::with_capacity(STARTS);
    for index in 0..STARTS {
        let server = Parbuckle::start(&folder.join(index.to_string()))?;
        millis.push(server.ready_after.as_secs_f64() * 1e3);
    }
    Ok(Row::single(
        "start to ready on an empty folder",
        "ms",
        spread(millis.into_iter()),
        Target::Below(100.0),
    ))
}

/// Resident memory of a server that has served nothing yet.
pub(crate) fn memory(folder: &Path) -> Result<Row> {
    let server = Parbuckle::start(folder)?;
    std::thread::sleep(IDLE);
    let mib = server.process.resident_bytes()? as f64 / MIB as f64;
    Ok(Row::single(
        "resident memory after 2 s idle",
        "MiB",
        spread([mib].into_iter()),
        Target::Below(40.0),
    ))
}

fn get_one(folder: &Path, effort: Effort, size: usize, shape: Shape) -> Result<Rounds> {
    let (subject, reference) = pair(folder)?;
    let content = noise(1, size);
    subject.admin.create_bucket(BUCKET)?;
    subject.admin.put_object(BUCKET, "object", &content)?;
    let par = subject
        .admin
        .create_par(BUCKET, Access::ObjectRead("object"))?;
    reference.add_file("object", &content)?;
    ensure_same("parbuckle", &fetch(subject.addr, &par)?, &content)?;
    ensure_same("nginx", &fetch(reference.addr, "/object")?, &content)?;
    let expected = Expected {
        statuses: &[200],
        body_bytes: Some(size as u64),
    };
    alternate(
        &cycle(
            &subject.process,
            subject.addr,
            vec![get(&par, &subject.host())],
            expected,
        ),
        &cycle(
            &reference.process,
            reference.addr,
            vec![get("/object", &reference.host())],
            expected,
        ),
        shape,
        effort,
    )
}

/// What stays on disk between the rounds of uploads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    Everything,
    Nothing,
}

/// Uploads under names that are new in every round. The last of each round is read back.
fn put_fresh(
    folder: &Path,
    effort: Effort,
    body: Arc<[u8]>,
    shape: Shape,
    keep: Keep,
) -> Result<Rounds> {
    let (subject, reference) = pair(folder)?;
    let par = bucket_with_par(&subject, Access::AnyObjectWrite)?;
    let after_subject = |numbers: Range<u64>| {
        let last = Uploads::name(numbers.end - 1);
        ensure_same("parbuckle", &subject.admin.object(BUCKET, &last)?, &body)?;
        match keep {
            Keep::Everything => Ok(()),
            Keep::Nothing => numbers
                .map(Uploads::name)
                .try_for_each(|name| subject.admin.delete_object(BUCKET, &name)),
        }
    };
    let after_reference = |numbers: Range<u64>| {
        let file = |number| reference.file(&format!("dav/{}", Uploads::name(number)));
        ensure_same("nginx", &fs::read(file(numbers.end - 1))?, &body)?;
        match keep {
            Keep::Everything => Ok(()),
            Keep::Nothing => Ok(numbers.map(file).try_for_each(fs::remove_file)?),
        }
    };
    let subject_puts = Uploads::new(&par, &subject.host(), body.clone(), &[200]);
    let reference_puts = Uploads::new("/dav/", &reference.host(), body.clone(), &[201]);
    alternate(
        &subject_puts.side(&subject.process, subject.addr, after_subject),
        &reference_puts.side(&reference.process, reference.addr, after_reference),
        shape,
        effort,
    )
}

/// Both servers, each with a folder of its own on the same disk.
fn pair(folder: &Path) -> Result<(Parbuckle, Nginx)> {
    Ok((
        Parbuckle::start(&folder.join("parbuckle"))?,
        Nginx::start(&folder.join("nginx"))?,
    ))
}

/// A new bucket and the access URI of a PAR on the whole of it.
fn bucket_with_par(server: &Parbuckle, access: Access) -> Result<String> {
    server.admin.create_bucket(BUCKET)?;
    server.admin.create_par(BUCKET, access)
}

fn ensure_same(server: &str, got: &[u8], content: &[u8]) -> Result<()> {
    match got == content {
        true => Ok(()),
        false => Err(format!(
            "{server} returned {} bytes that differ from those sent",
            got.len()
        )
        .into()),
    }
}
