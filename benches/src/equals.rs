//! nginx against nginx: two equals must come out even, or the generator favours a side.

use std::path::Path;

use crate::Result;
use crate::contest::{Effort, Side, alternate};
use crate::load::Shape;
use crate::nginx::Nginx;
use crate::report::{Row, Target, Unit};
use crate::scenarios::{KIB, MIB};
use crate::workload::{Expected, Uploads, cycle, get, noise};

/// Reads and small writes in the shapes that the real benchmarks use.
pub(crate) fn generator(folder: &Path, effort: Effort) -> Result<Vec<Row>> {
    let one = Nginx::start(&folder.join("one"))?;
    let other = Nginx::start(&folder.join("other"))?;
    let contest = |name, unit, shape, load: fn(&Nginx) -> Result<Side>| -> Result<Row> {
        let rounds = alternate(&load(&one)?, &load(&other)?, shape, effort)?;
        Ok(Row::contest(name, unit, &rounds, Target::None))
    };
    let shape = |connections, threads| Shape {
        connections,
        threads,
    };
    let large = Unit::Bytes(100 * MIB as u64);
    Ok(vec![
        contest("GET 4 KiB", Unit::Requests, shape(16, 1), |nginx| {
            reads(nginx, 4 * KIB)
        })?,
        contest("GET 100 MiB", large, shape(2, 2), |nginx| {
            reads(nginx, 100 * MIB)
        })?,
        contest("PUT 4 KiB", Unit::Requests, shape(32, 1), writes)?,
    ])
}

fn reads(server: &Nginx, size: usize) -> Result<Side<'_>> {
    server.add_file("file", &noise(1, size))?;
    let expected = Expected {
        statuses: &[200],
        body_bytes: Some(size as u64),
    };
    Ok(cycle(
        &server.process,
        server.addr,
        vec![get("/file", &server.host())],
        expected,
    ))
}

fn writes(server: &Nginx) -> Result<Side<'_>> {
    let uploads = Uploads::new("/dav/", &server.host(), noise(1, 4 * KIB), &[201]);
    Ok(uploads.side(&server.process, server.addr, |_| Ok(())))
}
