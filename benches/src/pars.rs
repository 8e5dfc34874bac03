//! What a million PARs in a bucket cost a GET, next to a thousand.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Result;
use crate::contest::{Effort, Side, alternate, spread};
use crate::load::{self, Request, Shape, Workload};
use crate::oci::{Access, access_uri};
use crate::parbuckle::Parbuckle;
use crate::reply::Reply;
use crate::report::{Row, Target, Unit};
use crate::workload::{get, noise};

const BUCKET: &str = "bench";
const OBJECT_BYTES: usize = 4096;
const FEW: usize = 1000;
/// How long one signature is reused; the server allows five minutes.
const SIGNED_FOR: Duration = Duration::from_secs(60);
/// When the set-up counts as failed.
const CREATION_MAX: Duration = Duration::from_secs(45 * 60);
/// How long compaction after the set-up is waited for.
const SETTLE_MAX: Duration = Duration::from_secs(120);
/// Prime, and so without a common factor with the usual counts: the walk meets every PAR and looks random.
const STRIDE: usize = 611_953;

/// A GET through one PAR, through a thousand PARs, and through every PAR of the bucket, on a server whose bucket has
/// `many` PARs (at least 1000) against one whose bucket has 1000. The second result is about the server with many.
pub(crate) fn many_pars(
    folder: &Path,
    effort: Effort,
    many: usize,
) -> Result<(Vec<Row>, Vec<Row>)> {
    let crowded = Crowd::start(&folder.join("many"), many)?;
    let sparse = Crowd::start(&folder.join("few"), FEW)?;
    let thousand: Arc<[Box<str>]> = crowded
        .uris
        .iter()
        .step_by(many / FEW)
        .take(FEW)
        .cloned()
        .collect();
    let contests = [
        (
            "GET 4 KiB through one PAR",
            crowded.visit(one_of(&crowded.uris)),
            sparse.visit(one_of(&sparse.uris)),
        ),
        (
            "GET 4 KiB through 1000 PARs in turn",
            crowded.visit(thousand),
            sparse.visit(sparse.uris.clone()),
        ),
        (
            "GET 4 KiB through every PAR in turn",
            crowded.visit(crowded.uris.clone()),
            sparse.visit(sparse.uris.clone()),
        ),
    ];
    let mut rows = Vec::new();
    for (name, subject, reference) in &contests {
        let rounds = alternate(
            subject,
            reference,
            Shape {
                connections: 16,
                threads: 1,
            },
            effort,
        )?;
        rows.push(Row::contest(
            name,
            Unit::Requests,
            &rounds,
            Target::Cost(1.2),
        ));
    }
    let single =
        |name, unit, value: f64| Row::single(name, unit, spread([value].into_iter()), Target::None);
    let resident_mib = crowded.server.process.resident_bytes()? as f64 / 1_048_576.0;
    let singles = vec![
        single(
            "PARs created by signed calls, 32 connections",
            "PARs/s",
            crowded.creations_per_sec,
        ),
        single(
            "resident memory with the PARs, after the GETs",
            "MiB",
            resident_mib,
        ),
    ];
    Ok((rows, singles))
}

/// A server whose bucket has one object and many PARs on it.
struct Crowd {
    server: Parbuckle,
    uris: Arc<[Box<str>]>,
    creations_per_sec: f64,
}

impl Crowd {
    fn start(folder: &Path, count: usize) -> Result<Self> {
        let server = Parbuckle::start(folder)?;
        server.admin.create_bucket(BUCKET)?;
        server
            .admin
            .put_object(BUCKET, "object", &noise(1, OBJECT_BYTES))?;
        let uris = Arc::new(Mutex::new(Vec::with_capacity(count)));
        let start = Instant::now();
        loop {
            let made = lock(&uris).len();
            if made >= count {
                break;
            }
            if start.elapsed() > CREATION_MAX {
                return Err(format!("only {made} of {count} PARs in {CREATION_MAX:?}").into());
            }
            eprintln!("bench: {made} of {count} PARs");
            let head = server
                .admin
                .create_par_request(BUCKET, Access::ObjectRead("object"))?
                .into();
            let request = Request {
                head,
                body: Arc::default(),
            };
            load::run(
                server.addr,
                Shape {
                    connections: 32,
                    threads: 1,
                },
                SIGNED_FOR,
                &|_| {
                    Box::new(Creation {
                        request: request.clone(),
                        left: count - made,
                        uris: uris.clone(),
                    })
                },
            )?;
        }
        let creations_per_sec = count as f64 / start.elapsed().as_secs_f64();
        rustix::fs::sync();
        server.process.settle(SETTLE_MAX)?;
        let uris = std::mem::take(&mut *lock(&uris)).into();
        Ok(Self {
            server,
            uris,
            creations_per_sec,
        })
    }

    /// A side that visits these PARs one after another in a scattered order, going on where the last round ended.
    fn visit(&self, uris: Arc<[Box<str>]>) -> Side<'_> {
        let host: Arc<str> = self.server.host().into();
        let position = Arc::new(Mutex::new(0));
        Side {
            process: &self.server.process,
            addr: self.server.addr,
            workload: Box::new(move |_| {
                Box::new(Visit {
                    uris: uris.clone(),
                    host: host.clone(),
                    position: position.clone(),
                })
            }),
            after_round: None,
        }
    }
}

fn one_of(uris: &[Box<str>]) -> Arc<[Box<str>]> {
    uris.iter().skip(uris.len() / 2).take(1).cloned().collect()
}

/// Sends the same signed creation until `left` PARs are made.
struct Creation {
    request: Request,
    left: usize,
    uris: Arc<Mutex<Vec<Box<str>>>>,
}

impl Workload for Creation {
    fn next(&mut self) -> Option<Request> {
        self.left = self.left.checked_sub(1)?;
        Some(self.request.clone())
    }

    fn accept(&mut self, reply: Reply, body: &[u8]) -> Result<(), String> {
        if reply.status != 200 {
            return Err(format!(
                "creating a PAR: {} {}",
                reply.status,
                String::from_utf8_lossy(body)
            ));
        }
        let uri = access_uri(body).map_err(|error| error.to_string())?;
        lock(&self.uris).push(uri.into());
        Ok(())
    }

    fn keeps_bodies(&self) -> bool {
        true
    }
}

/// GETs through PARs in a scattered order.
struct Visit {
    uris: Arc<[Box<str>]>,
    host: Arc<str>,
    position: Arc<Mutex<usize>>,
}

impl Workload for Visit {
    fn next(&mut self) -> Option<Request> {
        let mut position = lock(&self.position);
        *position = (*position + STRIDE) % self.uris.len();
        Some(get(&self.uris[*position], &self.host))
    }

    fn accept(&mut self, reply: Reply, _body: &[u8]) -> Result<(), String> {
        match reply
            == (Reply {
                status: 200,
                body_bytes: OBJECT_BYTES as u64,
            }) {
            true => Ok(()),
            false => Err(format!("a reply of {reply:?} through a PAR")),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
