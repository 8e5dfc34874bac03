//! The Swift face beside a real OpenStack Swift of one node, as the test suite starts it, with a process per core for each
//! of its servers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parbuckle_testkit::swift::{Plan, RealUser};
use serde_json::Value;

use crate::Result;
use crate::contest::{Effort, Side, alternate};
use crate::load::{self, Request, Shape, Workload};
use crate::parbuckle::Parbuckle;
use crate::process::Process;
use crate::reply::Reply;
use crate::report::{Row, Target, Unit};
use crate::scenarios::KIB;
use crate::workload::{Expected, cycle, noise};

/// Worker processes of each server of the real Swift: one per core of the machine class the budgets were set on.
const WORKERS: usize = 2;
const CONTAINER: &str = "bench";
/// Where the long listing is.
const SHELF: &str = "shelf";
const NAMES: usize = 10_000;
const SHAPE: Shape = Shape {
    connections: 16,
    threads: 1,
};
const LISTING_SHAPE: Shape = Shape {
    connections: 4,
    threads: 1,
};
/// What the face is to reach, in requests per second of the real Swift's.
const TARGET: Target = Target::RateRatio(50.0);
/// When a real Swift that is not ready counts as failed.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// When filling the shelf counts as failed.
const FILLED_WITHIN: Duration = Duration::from_secs(15 * 60);

/// GET and PUT of 4 KiB, and listings of 10,000 names.
pub(crate) fn swift(folder: &Path, effort: Effort) -> Result<Vec<Row>> {
    let ours_in = folder.join("parbuckle");
    let parbuckle = Parbuckle::start(&ours_in)?;
    let real = Real::start(&folder.join("swift"))?;
    let (user, password) = administrator(&ours_in.join("data"))?;
    let ours = Account::sign_in(parbuckle.addr, &user, &password)?;
    let theirs = Account::sign_in(real.addr, &format!("{ACCOUNT}:{USER}"), PASSWORD)?;
    for account in [&ours, &theirs] {
        account.prepare()?;
    }
    let mut rows = Vec::new();
    let small = Expected {
        statuses: &[200],
        body_bytes: Some(4 * KIB as u64),
    };
    let get = |account: &Account| vec![account.request("GET", &format!("{CONTAINER}/o"), &[])];
    let rounds = alternate(
        &cycle(&parbuckle.process, ours.addr, get(&ours), small),
        &cycle(&real.process, theirs.addr, get(&theirs), small),
        SHAPE,
        effort,
    )?;
    let unit = Unit::Requests;
    rows.push(Row::contest(
        "Swift GET 4 KiB, 16 connections",
        unit,
        &rounds,
        TARGET,
    ));
    let rounds = alternate(
        &ours.uploads(&parbuckle.process),
        &theirs.uploads(&real.process),
        SHAPE,
        effort,
    )?;
    rows.push(Row::contest(
        "Swift PUT 4 KiB, 16 connections",
        unit,
        &rounds,
        TARGET,
    ));
    let rounds = alternate(
        &ours.listings(&parbuckle.process)?,
        &theirs.listings(&real.process)?,
        LISTING_SHAPE,
        effort,
    )?;
    rows.push(Row::contest(
        "Swift listing of 10000 names, 4 connections",
        unit,
        &rounds,
        TARGET,
    ));
    Ok(rows)
}

const ACCOUNT: &str = "bench";
const USER: &str = "admin";
const PASSWORD: &str = "secret";

/// `account:user` and password of Parbuckle's administrator.
fn administrator(data: &Path) -> Result<(String, String)> {
    let path = data.join("admin").join("bootstrap.json");
    let bootstrap: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let text = |field: &str| {
        let text = bootstrap[field].as_str();
        text.ok_or_else(|| format!("bootstrap.json has no {field}"))
    };
    let user = format!("{}:{}", text("swift_account")?, text("admin_user_name")?);
    Ok((user, text("admin_password")?.to_owned()))
}

/// A running Swift.
struct Real {
    addr: SocketAddr,
    /// The proxy; the servers behind it go along.
    process: Process,
}

impl Real {
    fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let user = RealUser {
            account: ACCOUNT.to_owned(),
            name: USER.to_owned(),
            password: PASSWORD.to_owned(),
            admin: true,
        };
        let mut plan = Plan::make(folder, &[user], WORKERS);
        let mut processes = Vec::new();
        for command in &mut plan.commands {
            processes.push(Process::spawn(command)?);
        }
        let deadline = Instant::now() + READY_WITHIN;
        while !plan.is_ready() {
            for process in &mut processes {
                process
                    .ensure_alive()
                    .map_err(|error| format!("{error}\n{}", plan.output()))?;
            }
            if Instant::now() > deadline {
                return Err(format!("Swift was not ready:\n{}", plan.output()).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // memcached, the first, forks nothing.
        for process in &mut processes[1..] {
            process.adopt_workers(WORKERS, READY_WITHIN)?;
        }
        let mut process = processes.pop().ok_or("a Swift without processes")?;
        process.take_along(processes);
        Ok(Self {
            addr: plan.address,
            process,
        })
    }
}

/// An account on a server, signed in.
struct Account {
    addr: SocketAddr,
    token: String,
    /// Path of the account.
    path: String,
}

impl Account {
    fn sign_in(addr: SocketAddr, user: &str, password: &str) -> Result<Self> {
        let request = format!(
            "GET /auth/v1.0 HTTP/1.1\r\nHost: {addr}\r\nX-Auth-User: {user}\r\nX-Auth-Key: {password}\r\nConnection: close\r\n\r\n"
        );
        let answer = exchange(addr, request.as_bytes())?;
        let header = |name: &str| {
            let line = answer.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found
                    .eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            });
            line.ok_or_else(|| format!("signing in: no {name} in {answer}"))
        };
        let url = header("x-storage-url")?;
        let (_, path) = url
            .split_once("/v1/")
            .ok_or("an account's URL without a version")?;
        Ok(Self {
            addr,
            token: header("x-auth-token")?,
            path: format!("/v1/{path}"),
        })
    }

    /// Makes the containers, the object that is read, and the names that are listed.
    fn prepare(&self) -> Result<()> {
        let body = noise(1, 4 * KIB);
        let names = (0..NAMES).map(|number| format!("{SHELF}/object-{number:06}"));
        let firsts = [CONTAINER, SHELF].map(|name| self.request("PUT", name, &[]));
        let object = self.request("PUT", &format!("{CONTAINER}/o"), &body);
        for request in firsts.into_iter().chain([object]) {
            self.send_all(vec![request], 1)?;
        }
        let puts = names.map(|name| self.request("PUT", &name, b"x"));
        self.send_all(puts.collect(), SHAPE.connections)
    }

    fn send_all(&self, requests: Vec<Request>, connections: usize) -> Result<()> {
        let count = requests.len();
        let puts = Arc::new(Once {
            requests,
            next: AtomicU64::new(0),
        });
        let shape = Shape {
            connections,
            threads: 1,
        };
        let workload = |_| -> Box<dyn Workload> { Box::new(OnceEach(puts.clone())) };
        let outcome = load::run(self.addr, shape, FILLED_WITHIN, &workload)?;
        match usize::try_from(outcome.requests)? == count {
            true => Ok(()),
            false => Err(format!("{} of {count} uploads in time", outcome.requests).into()),
        }
    }

    fn uploads<'a>(&'a self, process: &'a Process) -> Side<'a> {
        let next = Arc::new(AtomicU64::new(0));
        let body = noise(2, 4 * KIB);
        Side {
            process,
            addr: self.addr,
            workload: Box::new(move |_| {
                Box::new(Uploads {
                    account: format!("{}/{CONTAINER}", self.path),
                    host: self.addr.to_string(),
                    token: self.token.clone(),
                    body: body.clone(),
                    next: next.clone(),
                })
            }),
            after_round: None,
        }
    }

    fn listings<'a>(&self, process: &'a Process) -> Result<Side<'a>> {
        let head = format!(
            "GET {}/{SHELF} HTTP/1.1\r\nHost: {}\r\nX-Auth-Token: {}\r\nConnection: close\r\n\r\n",
            self.path, self.addr, self.token
        );
        let listing = exchange(self.addr, head.as_bytes())?;
        let (_, names) = listing
            .split_once("\r\n\r\n")
            .ok_or("a listing without a head")?;
        let count = names
            .lines()
            .filter(|name| name.starts_with("object-"))
            .count();
        if count != NAMES {
            return Err(format!("a listing of {count} names").into());
        }
        let expected = Expected {
            statuses: &[200],
            body_bytes: Some(names.len() as u64),
        };
        let requests = vec![self.request("GET", SHELF, &[])];
        Ok(cycle(process, self.addr, requests, expected))
    }

    fn request(&self, method: &str, name: &str, body: &[u8]) -> Request {
        let target = format!("{}/{name}", self.path);
        request(
            method,
            &target,
            &self.addr.to_string(),
            &self.token,
            body.into(),
        )
    }
}

/// Requests that are sent once each.
struct Once {
    requests: Vec<Request>,
    next: AtomicU64,
}

struct OnceEach(Arc<Once>);

impl Workload for OnceEach {
    fn next(&mut self) -> Option<Request> {
        let index = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.requests.get(usize::try_from(index).ok()?).cloned()
    }

    fn accept(&mut self, reply: Reply, _body: &[u8]) -> Result<(), String> {
        created(reply)
    }
}

/// Uploads under names never used before, through all rounds.
struct Uploads {
    account: String,
    host: String,
    token: String,
    body: Arc<[u8]>,
    next: Arc<AtomicU64>,
}

impl Workload for Uploads {
    fn next(&mut self) -> Option<Request> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let target = format!("{}/{number:012}", self.account);
        let body = self.body.clone();
        Some(request("PUT", &target, &self.host, &self.token, body))
    }

    fn accept(&mut self, reply: Reply, _body: &[u8]) -> Result<(), String> {
        created(reply)
    }
}

fn created(reply: Reply) -> Result<(), String> {
    match reply.status {
        201 => Ok(()),
        _ => Err(format!("a reply of {reply:?} to an upload")),
    }
}

fn request(method: &str, target: &str, host: &str, token: &str, body: Arc<[u8]>) -> Request {
    let length = match method {
        "PUT" => format!(
            "Content-Type: application/octet-stream\r\nContent-Length: {}\r\n",
            body.len()
        ),
        _ => String::new(),
    };
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {token}\r\n{length}\r\n"
    );
    Request {
        head: head.into_bytes().into(),
        body,
    }
}

/// Sends a request that closes the connection and reads to its end.
fn exchange(addr: SocketAddr, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
