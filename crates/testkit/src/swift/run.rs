//! Sends tables of requests to two servers and compares the answers.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::compare::{Difference, differences};
use super::fill::{Values, unescaped};
use super::real::RealSwift;
use super::table::{Excuse, Row, Step, Table};
use super::wire::{Answer, Request, send};
use crate::Clock;

/// Bounds the repeating of a request until its status is reached.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A server, and who signs in there.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where it listens.
    pub address: SocketAddr,
    /// The account that the tables are about; its path is `/v1/AUTH_{account}`.
    pub account: String,
    /// The account of the user `boss`.
    pub other_account: String,
    /// The users: the tables' name for each, what he signs in as, and his password.
    pub users: Vec<(&'static str, String, String)>,
}

/// A row of a table on which the servers disagree without a reason, or agree although a reason is given.
#[derive(Debug)]
pub struct Disagreement {
    place: String,
    request: String,
    finding: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.place, self.request, self.finding)
    }
}

/// Sends each row of the tables (name and text) to both servers, the real Swift first. What comes back is everything that
/// the tables do not account for.
pub fn run_tables(
    swift: &RealSwift,
    first: &Site,
    second: &Site,
    tables: &[(&str, &str)],
) -> Vec<Disagreement> {
    let parsed: Vec<_> = tables
        .iter()
        .map(|(name, text)| {
            let table = Table::parse(text).unwrap_or_else(|error| panic!("{name}, {error}"));
            (*name, table)
        })
        .collect();
    let everywhere = parsed
        .iter()
        .flat_map(|(name, table)| {
            table
                .everywhere
                .iter()
                .map(|excuse| (*name, excuse.clone()))
        })
        .map(|(name, excuse)| (name, excuse, false))
        .collect();
    let mut run = Run {
        swift,
        sides: [Side::sign_in(first), Side::sign_in(second)],
        everywhere,
        section: String::new(),
        found: Vec::new(),
    };
    for (name, table) in &parsed {
        for step in &table.steps {
            match step {
                Step::Section(title) => {
                    run.section.clone_from(title);
                    run.sides.iter_mut().for_each(Side::clear);
                }
                Step::Settle => run.swift.update_accounts(),
                Step::Row(row) => run.row(name, row),
            }
        }
    }
    run.finish()
}

struct Run<'a> {
    swift: &'a RealSwift,
    sides: [Side; 2],
    /// By table, and whether it was needed.
    everywhere: Vec<(&'a str, Excuse, bool)>,
    /// The title of the section that is run.
    section: String,
    found: Vec<Disagreement>,
}

impl Run<'_> {
    fn row(&mut self, table: &str, row: &Row) {
        let place = format!("{table}, line {} ({})", row.line, self.section);
        let report = |finding: String| Disagreement {
            place: place.clone(),
            request: format!("{} {} {}", row.status, row.method, row.target),
            finding,
        };
        let now = wall_clock();
        let mut answers = Vec::new();
        for side in &mut self.sides {
            match side.perform(row, now) {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    let at = if answers.is_empty() {
                        "first"
                    } else {
                        "second"
                    };
                    self.found
                        .push(report(format!("at the {at} server: {error}")));
                    return;
                }
            }
        }
        let [first, second] = &answers[..] else {
            return;
        };
        if first.status != row.status {
            let body = String::from_utf8_lossy(&first.body);
            self.found.push(report(format!(
                "the first server answers {}: {body}",
                first.status
            )));
        }
        let addresses = self.sides.each_ref().map(|side| side.address.to_string());
        let differences = differences(
            (first, &addresses[0]),
            (second, &addresses[1]),
            row.unordered,
        );
        for difference in &differences {
            if !self.is_excused(row, difference) {
                self.found.push(report(format!(
                    "{:?}\n      first:  {}\n      second: {}",
                    difference.what, difference.first, difference.second
                )));
            }
        }
        for excuse in row.excuses.iter().filter(|excuse| excuse.always) {
            if !differences
                .iter()
                .any(|difference| difference.is(&excuse.what))
            {
                self.found.push(report(format!(
                    "line {} says that {:?} differs, and it does not",
                    excuse.line, excuse.what
                )));
            }
        }
    }

    fn is_excused(&mut self, row: &Row, difference: &Difference) -> bool {
        if row.excuses.iter().any(|excuse| difference.is(&excuse.what)) {
            return true;
        }
        for (_, excuse, used) in &mut self.everywhere {
            if difference.is(&excuse.what) {
                *used = true;
                return true;
            }
        }
        false
    }

    fn finish(mut self) -> Vec<Disagreement> {
        for (table, excuse, used) in &self.everywhere {
            if !used {
                self.found.push(Disagreement {
                    place: format!("{table}, line {}", excuse.line),
                    request: "everywhere".to_owned(),
                    finding: format!("{:?} differs nowhere", excuse.what),
                });
            }
        }
        self.found
    }
}

/// One of the two servers, with everybody signed in.
struct Side {
    address: SocketAddr,
    values: Values,
    /// By the tables' name of the user.
    tokens: BTreeMap<&'static str, String>,
    owners: Vec<(&'static str, String)>,
}

impl Side {
    fn sign_in(site: &Site) -> Self {
        let mut named = BTreeMap::from([
            ("account".to_owned(), site.account.clone()),
            ("other".to_owned(), site.other_account.clone()),
            ("host".to_owned(), site.address.to_string()),
        ]);
        let mut tokens = BTreeMap::new();
        for (user, login, password) in &site.users {
            let request = Request::new("GET", "/auth/v1.0")
                .header("X-Auth-User", login.as_str())
                .header("X-Auth-Key", password.as_str());
            let answer = send(site.address, &request);
            let answer = answer.unwrap_or_else(|error| panic!("signing in {login}: {error}"));
            let token = answer.header("x-auth-token");
            let token = token.unwrap_or_else(|| panic!("{login} can't sign in: {answer:?}"));
            tokens.insert(*user, token.to_owned());
            let name = login.split_once(':').map_or("", |(_, name)| name);
            for (kind, value) in [
                ("token", token),
                ("login", login),
                ("name", name),
                ("password", password),
            ] {
                named.insert(format!("{kind}:{user}"), value.to_owned());
            }
        }
        Self {
            address: site.address,
            values: Values {
                now: wall_clock(),
                named,
            },
            tokens,
            owners: vec![
                ("admin", format!("/v1/AUTH_{}", site.account)),
                ("boss", format!("/v1/AUTH_{}", site.other_account)),
            ],
        }
    }

    /// Empties both accounts.
    fn clear(&mut self) {
        for (owner, account) in self.owners.clone() {
            let token = self.tokens[owner].clone();
            let call = |method: &str, target: &str| {
                let request = Request::new(method, target)
                    .header("X-Auth-Token", token.as_str())
                    .header("Content-Length", "0");
                let answer = send(self.address, &request);
                answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
            };
            for container in names(&call("GET", &format!("{account}?format=json"))) {
                let container = format!("{account}/{}", crate::encode(&container));
                for object in names(&call("GET", &format!("{container}?format=json"))) {
                    call("DELETE", &format!("{container}/{}", crate::encode(&object)));
                }
                call("DELETE", &container);
            }
        }
    }

    fn perform(&mut self, row: &Row, now: Timestamp) -> Result<Answer, String> {
        self.values.now = now;
        let request = self.request(row)?;
        let began = Instant::now();
        let answer = loop {
            let answer = send(self.address, &request).map_err(|error| error.to_string())?;
            let reached = answer.status == row.status;
            if reached || !row.repeated || began.elapsed() > PATIENCE {
                break answer;
            }
            std::thread::sleep(POLL_INTERVAL);
        };
        for (name, header) in &row.captures {
            let value = answer.header(header).unwrap_or_default().to_owned();
            self.values.named.insert(name.clone(), value);
        }
        Ok(answer)
    }

    fn request(&self, row: &Row) -> Result<Request, String> {
        let mut request = Request::new(&row.method, &self.values.target(&row.target)?);
        for (name, value) in &row.headers {
            let value = unescaped(&self.values.text(value)?)?;
            request = request.header(name, value);
        }
        request.body = match &row.described {
            Some(body) => body.clone(),
            None => unescaped(&self.values.text(&row.body)?)?,
        };
        let carries_body = !request.body.is_empty() || matches!(&*row.method, "PUT" | "POST");
        let framed = request.has("content-length") || request.has("transfer-encoding");
        if carries_body && !framed && !row.without.contains(&"content-length".to_owned()) {
            let length = request.body.len().to_string();
            request = request.header("Content-Length", length);
        }
        if let Some(user) = &row.user {
            let token = self.tokens.get(user.as_str());
            let token = token.ok_or_else(|| format!("nobody is called {user:?}"))?;
            request = request.header("X-Auth-Token", token.as_str());
        }
        Ok(request)
    }
}

/// The names in a JSON listing; none if it is no listing.
fn names(answer: &Answer) -> Vec<String> {
    let listed: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let entries = listed.as_array().into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry["name"].as_str()?.to_owned()))
        .collect()
}

/// The time as any client has it.
fn wall_clock() -> Timestamp {
    Timestamp::try_from(Clock::default().now()).expect("the year of a test run fits a timestamp")
}
