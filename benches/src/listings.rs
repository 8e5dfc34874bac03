//! What a million objects in a bucket cost a page of a listing, next to a thousand; and a hundred thousand names below ten
//! prefixes next to a hundred, when the listing asks for the prefixes only.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::contest::{Effort, Side, alternate, spread};
use crate::load::{self, Request, Shape, Workload};
use crate::oci::{Access, fetch};
use crate::parbuckle::Parbuckle;
use crate::reply::Reply;
use crate::report::{Row, Target, Unit};
use crate::workload::{Expected, cycle, get, put};

const BUCKET: &str = "bench";
/// Objects on a page.
const PAGE: usize = 1000;
/// Pages that are asked for in turn.
const PAGES: usize = 100;
const PREFIXES: usize = 10;
const NAMES_BELOW_MANY: usize = 10_000;
const NAMES_BELOW_FEW: usize = 10;
/// When the set-up counts as failed.
const CREATION_MAX: Duration = Duration::from_secs(45 * 60);
/// How long compaction after the set-up is waited for.
const SETTLE_MAX: Duration = Duration::from_secs(120);
const SHAPE: Shape = Shape {
    connections: 4,
    threads: 1,
};

/// Pages of 1000 names from all over a bucket of `many` objects (at least 1000) against the one page of a bucket of 1000;
/// and a listing with a delimiter. The second result is about the server with many.
pub(crate) fn listings(folder: &Path, effort: Effort, many: usize) -> Result<(Vec<Row>, Vec<Row>)> {
    let (crowded, objects_per_sec) = Shelf::start(&folder.join("many"), numbered(many))?;
    let (sparse, _) = Shelf::start(&folder.join("few"), numbered(PAGE))?;
    let step = (many - PAGE).max(1) / PAGES;
    let pages = (0..PAGES).map(|page| format!("?start={}", name(page * step)));
    let mut rows = vec![contest(
        &format!("LIST 1000 of {many} names"),
        &crowded.lists(pages.collect())?,
        &sparse.lists(vec![String::new()])?,
        effort,
    )?];
    let narrow = vec![format!("?prefix={}", &name(many / 2)[..NAME_DIGITS - 2])];
    rows.push(contest(
        &format!("LIST 100 of {many} names by prefix"),
        &crowded.lists(narrow)?,
        &sparse.lists(vec![format!("?prefix={}", &name(100)[..NAME_DIGITS - 2])])?,
        effort,
    )?);
    let (deep, _) = Shelf::start(&folder.join("deep"), below_prefixes(NAMES_BELOW_MANY))?;
    let (shallow, _) = Shelf::start(&folder.join("shallow"), below_prefixes(NAMES_BELOW_FEW))?;
    // What counts here is the number of keys read, one a prefix (a test of the key-value store shows it); time is for information.
    let delimited = || vec!["?delimiter=/".to_owned()];
    let rounds = alternate(
        &deep.lists(delimited())?,
        &shallow.lists(delimited())?,
        SHAPE,
        effort,
    )?;
    rows.push(Row::contest(
        "LIST 10 prefixes over 100000 names",
        Unit::Requests,
        &rounds,
        Target::None,
    ));
    let single = Row::single(
        "objects of one byte put, 32 connections",
        "objects/s",
        spread([objects_per_sec].into_iter()),
        Target::None,
    );
    Ok((rows, vec![single]))
}

const NAME_DIGITS: usize = 8;

fn name(number: usize) -> String {
    format!("{number:0width$}", width = NAME_DIGITS)
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(name)
}

fn below_prefixes(count: usize) -> impl Iterator<Item = String> {
    (0..PREFIXES)
        .flat_map(move |prefix| (0..count).map(move |number| format!("{prefix}/{number:06}")))
}

fn contest(name: &str, subject: &Side<'_>, reference: &Side<'_>, effort: Effort) -> Result<Row> {
    let rounds = alternate(subject, reference, SHAPE, effort)?;
    Ok(Row::contest(
        name,
        Unit::Requests,
        &rounds,
        Target::Cost(1.2),
    ))
}

/// A server with objects of one byte, and a PAR that lists them.
struct Shelf {
    server: Parbuckle,
    par: String,
}

impl Shelf {
    /// Also says how many objects were put in a second.
    fn start(folder: &Path, names: impl Iterator<Item = String> + Send) -> Result<(Self, f64)> {
        let server = Parbuckle::start(folder)?;
        server.admin.create_bucket(BUCKET)?;
        let access = Access::AnyObjectReadAndList;
        let par = server.admin.create_par(BUCKET, access)?;
        let write = server.admin.create_par(BUCKET, Access::AnyObjectWrite)?;
        let (start, count) = (Instant::now(), fill(&server, &write, names)?);
        let per_sec = count as f64 / start.elapsed().as_secs_f64();
        rustix::fs::sync();
        server.process.settle(SETTLE_MAX)?;
        Ok((Self { server, par }, per_sec))
    }

    /// A side that asks for these pages in turn.
    fn lists(&self, queries: Vec<String>) -> Result<Side<'_>> {
        let targets: Vec<String> = queries
            .iter()
            .map(|query| format!("{}{query}", self.par))
            .collect();
        let length = fetch(self.server.addr, &targets[0])?.len() as u64;
        for target in &targets {
            let page = fetch(self.server.addr, target)?;
            if page.len() as u64 != length {
                return Err(format!(
                    "{target} has {} bytes where {length} were expected",
                    page.len()
                )
                .into());
            }
        }
        let requests = targets
            .iter()
            .map(|target| get(target, &self.server.host()));
        let expected = Expected {
            statuses: &[200],
            body_bytes: Some(length),
        };
        Ok(cycle(
            &self.server.process,
            self.server.addr,
            requests.collect(),
            expected,
        ))
    }
}

/// Puts one object under each name; says how many there were.
fn fill(
    server: &Parbuckle,
    base: &str,
    names: impl Iterator<Item = String> + Send,
) -> Result<usize> {
    let names: Vec<String> = names.collect();
    let filling = Filling {
        base: base.into(),
        host: server.host().into(),
        body: Arc::new(*b"x"),
        names: names.into(),
        next: Arc::default(),
    };
    let shape = Shape {
        connections: 32,
        threads: 1,
    };
    load::run(server.addr, shape, CREATION_MAX, &|_| {
        Box::new(filling.clone())
    })?;
    let done = filling.next.load(Ordering::Relaxed);
    match done >= filling.names.len() {
        true => Ok(filling.names.len()),
        false => Err(format!("only {done} objects in {CREATION_MAX:?}").into()),
    }
}

#[derive(Clone)]
struct Filling {
    base: Arc<str>,
    host: Arc<str>,
    body: Arc<[u8]>,
    names: Arc<[String]>,
    /// Index of the next name.
    next: Arc<AtomicUsize>,
}

impl Workload for Filling {
    fn next(&mut self) -> Option<Request> {
        let name = self.names.get(self.next.fetch_add(1, Ordering::Relaxed))?;
        Some(put(
            &format!("{}{name}", self.base),
            &self.host,
            self.body.clone(),
        ))
    }

    fn accept(&mut self, reply: Reply, _body: &[u8]) -> Result<(), String> {
        match reply.status {
            200 => Ok(()),
            status => Err(format!("putting an object: {status}")),
        }
    }
}
