//! The table: every route with every caller, and how each request must end. Nothing that is refused may change or reveal
//! anything: whoever has no rights is told the same whether the target exists or not.

use std::collections::{BTreeMap, BTreeSet};

use parbuckle_api::SWIFT_ROUTES;
use parbuckle_testkit::Reply;

use crate::callers::{Caller, Target, Verdict, callers};
use crate::rows::{ACCOUNT, Act, CONTAINER, ROWS, Row};
use crate::stage::{Lists, Stage, container_of, essence};

/// What only owners of a container or an account see.
const FOR_OWNERS: [&str; 4] = [
    "x-container-read",
    "x-container-write",
    "x-container-meta-temp-url-key",
    "x-account-meta-temp-url-key",
];

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let of_rows: BTreeSet<_> = ROWS.iter().map(|row| (row.method, row.template)).collect();
    let of_server: BTreeSet<_> = SWIFT_ROUTES
        .iter()
        .map(|route| (route.method, route.template))
        .collect();
    let missing: Vec<_> = of_server.difference(&of_rows).collect();
    assert!(missing.is_empty(), "routes without a row: {missing:?}");
    let surplus: Vec<_> = of_rows.difference(&of_server).collect();
    assert!(surplus.is_empty(), "rows without a route: {surplus:?}");
}

#[tokio::test]
async fn every_caller_gets_from_every_route_what_is_his_and_nothing_else() {
    let stage = Stage::set().await;
    let mut report = Report::default();
    for row in ROWS {
        let before = stage.picture().await;
        for caller in callers() {
            refusals(&stage, row, caller, &mut report).await;
        }
        let after = stage.picture().await;
        if before != after {
            let text = format!("a refusal has changed something:\n{before}\n{after}");
            report.finding(row, Caller::Nobody, &text);
        }
        for caller in callers() {
            grants(&stage, row, caller, &mut report).await;
        }
    }
    // Its log of so many requests would bury the findings.
    drop(stage);
    report.finish();
}

/// What was found, and how much was asked.
#[derive(Default)]
struct Report {
    findings: Vec<String>,
    refused: usize,
    granted: usize,
}

impl Report {
    fn finding(&mut self, row: &Row, caller: Caller, text: &str) {
        let Row { method, act, .. } = row;
        self.findings
            .push(format!("{method} {act:?} by {caller:?}: {text}"));
    }

    fn finish(self) {
        let (rows, callers) = (ROWS.len(), callers().len());
        let (refused, granted) = (self.refused, self.granted);
        println!("{rows} rows, {callers} callers: {granted} granted, {refused} refused");
        assert!(
            self.findings.is_empty(),
            "{} findings:\n{}",
            self.findings.len(),
            self.findings.join("\n")
        );
    }
}

/// Whatever this caller must not have of this row.
async fn refusals(stage: &Stage, row: &Row, caller: Caller, report: &mut Report) {
    let sets = match caller {
        Caller::AllButRight => row.not_enough(),
        _ => vec![Vec::new()],
    };
    for permissions in sets {
        if caller == Caller::AllButRight {
            stage.allow("all-but", &permissions).await;
        }
        let mut seen: BTreeMap<u16, (Target, Reply)> = BTreeMap::new();
        for (target, status) in refused_targets(stage, row, caller) {
            let reply = caller.call(stage, row, &target).await;
            report.refused += 1;
            if reply.status != status {
                let text = format!("{target:?}: {status} expected\n{}", reply.dump());
                report.finding(row, caller, &text);
                continue;
            }
            if let Some((other, first)) = seen.get(&status)
                && essence(first) != essence(&reply)
            {
                let text = format!("{other:?} and {target:?} differ: {first} {reply}");
                report.finding(row, caller, &text);
            }
            seen.entry(status).or_insert((target, reply));
        }
    }
}

/// What he must be refused, with which status: what is there, what is not, and what is another's.
fn refused_targets(stage: &Stage, row: &Row, caller: Caller) -> Vec<(Target, u16)> {
    let target = target_of(stage, row, &container_of(caller.lists()));
    let elsewhere = |account: &str| Target {
        account: account.to_owned(),
        ..target.clone()
    };
    let missing_object = Target {
        object: "missing".to_owned(),
        ..target.clone()
    };
    let missing_container = Target {
        container: "missing".to_owned(),
        ..target.clone()
    };
    let mut all = Vec::new();
    if let Verdict::Refused(status) = caller.verdict(row) {
        all.push((target.clone(), status));
        // Who may put new objects only, or read the source of a copy, may know what is missing.
        let may_know = row.method == "PUT" || row.act == Act::Copy && caller.may_read();
        if row.is_about_object() && !may_know {
            all.push((missing_object, status));
        }
        // A container that is there: who may not make one is not told so.
        if row.act == Act::NewContainer && caller.is_blind() {
            let there = container_of(caller.lists());
            all.push((target_of_container(&target, &there), status));
        }
        if row.is_in_container() && row.act != Act::NewContainer && caller.is_blind() {
            all.push((missing_container, status));
        }
    }
    let has_account = row.is_in_container() || row.template == ACCOUNT;
    let is_signed = matches!(caller, Caller::Signed(_));
    let is_basic = matches!(caller, Caller::Basic(_));
    if has_account && caller != Caller::Stranger("other") && caller != Caller::Listed("other") {
        let status = match caller.verdict(row) {
            // He is a user of the account in the path, or none.
            _ if is_basic => 401,
            // No list and no key is there, and no policy reaches so far.
            Verdict::Granted if is_signed || matches!(caller, Caller::Referrer(_)) => 401,
            Verdict::Granted => 403,
            Verdict::Refused(status) => status,
        };
        all.push((elsewhere(&stage.other_account), status));
        all.push((elsewhere("Storage-nobodysaccount"), status));
    }
    all
}

fn target_of(stage: &Stage, row: &Row, container: &str) -> Target {
    let container = match row.act {
        Act::NewContainer => format!("new-in-{container}"),
        _ => container.to_owned(),
    };
    let object = match row.act {
        Act::WriteNew => "new",
        _ => "o",
    };
    Target {
        account: stage.account.clone(),
        container,
        object: object.to_owned(),
    }
}

fn target_of_container(target: &Target, container: &str) -> Target {
    Target {
        container: container.to_owned(),
        ..target.clone()
    }
}

/// What he must be granted, each on a container of its own; and what is missing he is told so.
async fn grants(stage: &Stage, row: &Row, caller: Caller, report: &mut Report) {
    if caller.verdict(row) != Verdict::Granted {
        return;
    }
    let sets = match caller {
        _ if caller.has_just_right() => row.needs.to_vec(),
        _ => vec![&[][..]],
    };
    for permissions in sets {
        if caller.has_just_right() {
            stage.allow("just", permissions).await;
        }
        report.granted += 1;
        let name = format!("granted-{}", report.granted);
        let target = target_of(stage, row, &name);
        if row.is_in_container() && row.act != Act::NewContainer {
            let filled = row.act != Act::RemoveContainer;
            let class = match row.act {
                Act::Restore => "Archive",
                _ => "Standard",
            };
            stage
                .container_of_class(&name, caller.lists(), filled, class)
                .await;
        }
        let reply = caller.call(stage, row, &target).await;
        if reply.status != row.status {
            let text = format!("{} expected\n{}", row.status, reply.dump());
            report.finding(row, caller, &text);
        }
        let is_owner = caller == Caller::Admin || row.needs == [["OBJECTSTORAGE_NAMESPACE_UPDATE"]];
        let shown = FOR_OWNERS.iter().any(|name| reply.header(name).is_some());
        if shown && !is_owner {
            report.finding(row, caller, &format!("sees an owner's: {}", reply.dump()));
        }
        let object_is_missing = Target {
            object: "missing".to_owned(),
            ..target.clone()
        };
        let container_is_missing = Target {
            container: "missing".to_owned(),
            ..target.clone()
        };
        let would_make_it = row.method == "PUT" && row.template == CONTAINER;
        if row.is_in_container() && !would_make_it && !caller.is_blind() {
            let reply = caller.call(stage, row, &container_is_missing).await;
            if reply.status != 404 {
                let text = format!("missing container: {}", reply.dump());
                report.finding(row, caller, &text);
            }
        }
        if row.is_about_object() && row.act != Act::WriteNew && row.method != "PUT" {
            let reply = caller.call(stage, row, &object_is_missing).await;
            if reply.status != 404 {
                let text = format!("missing object: {}", reply.dump());
                report.finding(row, caller, &text);
            }
        }
    }
}

#[test]
fn every_kind_of_list_is_asked() {
    let asked: Vec<Lists> = callers().into_iter().map(Caller::lists).collect();
    for lists in [Lists::Closed, Lists::Open, Lists::Pages] {
        assert!(asked.contains(&lists), "{lists:?}");
    }
}
