//! What the table has found.

use std::collections::BTreeSet;

use parbuckle_testkit::Reply;
use serde_json::Value;

use super::callers::Caller;
use super::row::Row;
use super::rules::{Asked, Refusal, Verdict};

/// Most findings that are printed.
const SHOWN_MAX: usize = 40;

/// Counts and findings.
#[derive(Default)]
pub(crate) struct Report {
    requests: usize,
    refusals: usize,
    pairs: usize,
    grants: usize,
    cells: BTreeSet<(String, String)>,
    /// Granted or changed although it must be refused.
    open: Vec<String>,
    /// Refused although it must be granted.
    closed: Vec<String>,
    /// Refused in another way than expected.
    misworded: Vec<String>,
    /// Refused in different ways for what exists and what does not.
    distinguishable: Vec<String>,
}

impl Report {
    /// Takes the reply to a request that must be refused.
    pub(crate) fn refusal(
        &mut self,
        row: &Row,
        caller: Caller,
        asked: &Asked,
        verdict: Verdict,
        reply: &Reply,
    ) {
        self.refusals += 1;
        self.count(row, caller);
        let at = place(row, caller, asked);
        let finding = match verdict {
            Verdict::Refused(refusal) => is_worded(row, asked, refusal, reply),
            Verdict::NothingToSee if is_empty(reply) => Ok(()),
            Verdict::NothingToSee => Err("shows something".to_owned()),
            Verdict::Granted => Err("is no refusal".to_owned()),
        };
        let Err(why) = finding else { return };
        let list = if reply.status < 400 {
            &mut self.open
        } else {
            &mut self.misworded
        };
        list.push(format!(
            "{at}: expected {verdict:?}, {why}\n{}",
            reply.dump()
        ));
    }

    /// Takes the reply to a request that must be granted.
    pub(crate) fn grant(&mut self, row: &Row, caller: Caller, reply: &Reply) {
        self.grants += 1;
        self.count(row, caller);
        if reply.status != row.granted || tells_a_failure(reply) {
            self.closed.push(format!(
                "{} by {caller:?}: expected {}\n{}",
                row.label(),
                row.granted,
                reply.dump()
            ));
        }
    }

    /// Compares the refusals that one caller got on one route for what exists and for what does not.
    pub(crate) fn alike(&mut self, row: &Row, caller: Caller, seen: &[(Verdict, Asked, Reply)]) {
        // Who is granted the request itself may see an empty list for one thing, and a refusal for another.
        let is_entitled = seen.iter().all(|(_, asked, _)| asked.changed.is_some());
        let apart = |(verdict, asked, _): &(Verdict, Asked, Reply)| {
            let by_thing = is_entitled && *verdict == Verdict::NothingToSee;
            (*verdict, asked.changed.filter(|_| by_thing))
        };
        for (at, this) in seen.iter().enumerate() {
            let (_, asked, reply) = this;
            let first = seen[..at].iter().find(|other| apart(other) == apart(this));
            let Some((_, other_asked, other)) = first else {
                continue;
            };
            self.pairs += 1;
            let (one, two) = (
                shape(row, caller, other_asked, other),
                shape(row, caller, asked, reply),
            );
            if one != two {
                let at = place(row, caller, asked);
                self.distinguishable
                    .push(format!("{at}:\n{}\n{}", other.dump(), reply.dump()));
            }
        }
    }

    /// Compares what there was before all refused requests of a row with what there is after them.
    pub(crate) fn unchanged(&mut self, row: &Row, before: &str, after: &str) {
        if before.lines().count() != after.lines().count() {
            let finding = format!("{}: a refused request changed", row.label());
            self.open.push(format!("{finding}\n{before}\nto\n{after}"));
        }
        for (was, is) in before
            .lines()
            .zip(after.lines())
            .filter(|(was, is)| was != is)
        {
            self.open.push(format!(
                "{}: a refused request changed\n{was}\nto\n{is}",
                row.label()
            ));
        }
    }

    /// Prints the counts; fails if there is a finding.
    pub(crate) fn finish(self, rows: usize, callers: usize) {
        println!(
            "authorization: {rows} rows x {callers} callers = {} cells, {} requests: {} to be refused, {} to be granted; \
             {} pairs of refusals compared",
            self.cells.len(),
            self.requests,
            self.refusals,
            self.grants,
            self.pairs,
        );
        println!(
            "authorization: {} fail-open, {} distinguishable refusals, {} fail-closed, {} worded otherwise",
            self.open.len(),
            self.distinguishable.len(),
            self.closed.len(),
            self.misworded.len(),
        );
        let findings = [
            ("FAIL-OPEN", self.open),
            ("DISTINGUISHABLE", self.distinguishable),
            ("FAIL-CLOSED", self.closed),
            ("WORDED OTHERWISE", self.misworded),
        ];
        let all: Vec<String> = findings
            .iter()
            .flat_map(|(kind, list)| list.iter().map(move |finding| format!("{kind} {finding}")))
            .collect();
        for finding in all.iter().take(SHOWN_MAX) {
            println!("{finding}\n");
        }
        assert!(
            all.is_empty(),
            "{} findings, of which the first are above",
            all.len()
        );
        assert_eq!(
            self.cells.len(),
            rows * callers,
            "every cell has an expectation"
        );
    }

    fn count(&mut self, row: &Row, caller: Caller) {
        self.requests += 1;
        let scene = format!(
            "{} {:?} {:?} {:?}",
            row.label(),
            row.headers,
            row.content,
            row.scene
        );
        self.cells.insert((scene, format!("{caller:?}")));
    }
}

fn place(row: &Row, caller: Caller, asked: &Asked) -> String {
    match asked.changed {
        None => format!("{} by {caller:?}", row.label()),
        Some(thing) if asked.of_other => {
            format!(
                "{} by {caller:?}, {thing} of the other tenancy",
                row.label()
            )
        }
        Some(thing) => format!("{} by {caller:?}, another {thing}", row.label()),
    }
}

/// Status, code and message, and nothing else in the body.
fn is_worded(row: &Row, asked: &Asked, refusal: Refusal, reply: &Reply) -> Result<(), String> {
    if reply.status != refusal.status {
        return Err("the status is another".to_owned());
    }
    if row.method == "HEAD" {
        return match reply.body.is_empty() {
            true => Ok(()),
            false => Err("a HEAD has a body".to_owned()),
        };
    }
    let body: Value = serde_json::from_slice(&reply.body).map_err(|error| error.to_string())?;
    let fields: Vec<&str> = body
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    if fields != ["code", "message"] {
        return Err("the body has other fields than code and message".to_owned());
    }
    if body["code"] != refusal.code {
        return Err("the code is another".to_owned());
    }
    let Some(message) = refusal.message else {
        return Ok(());
    };
    let words = ["bucket", "namespace", "otherBucket", "toNamespace"];
    let message = words.iter().fold(message.to_owned(), |message, word| {
        message.replace(&format!("{{{word}}}"), &asked.names[word])
    });
    match body["message"] == message {
        true => Ok(()),
        false => Err("the message is another".to_owned()),
    }
}

/// Whether the reply is a success as a whole only, as that of a batch can be.
fn tells_a_failure(reply: &Reply) -> bool {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    body["failed"]
        .as_array()
        .is_some_and(|list| !list.is_empty())
}

fn is_empty(reply: &Reply) -> bool {
    (reply.status == 200 && reply.text() == "[]") || reply.code() == "NotAuthorizedOrNotFound"
}

/// A reply without what differs between any two requests, and without the names that the client sent.
fn shape(row: &Row, caller: Caller, asked: &Asked, reply: &Reply) -> String {
    let mut headers: Vec<String> = reply
        .headers
        .iter()
        .filter(|(name, _)| !["date", "opc-request-id"].contains(&name.as_str()))
        .filter(|(name, _)| *name != "content-length" || row.method == "HEAD")
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    let mut names: Vec<_> = asked
        .names
        .iter()
        .filter(|(name, _)| row.says(name))
        .collect();
    names.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    let body = names.iter().fold(reply.text(), |body, (name, value)| {
        body.replace(value.as_str(), &format!("{{{name}}}"))
    });
    // The message of a skewed date tells the time.
    let body = match caller {
        Caller::Dated(_) => body.replace(|c: char| c.is_ascii_digit(), "0"),
        _ => body,
    };
    format!("{}\n{}\n{body}", reply.status, headers.join("\n"))
}
