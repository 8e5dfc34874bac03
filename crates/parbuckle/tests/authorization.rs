//! The table of authorization: every route with every caller, and how each request must end.
//!
//! Nothing that is refused may change or reveal anything: a refusal looks the same whether its target exists or not.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

#[path = "authorization/callers.rs"]
mod callers;
#[path = "authorization/feature_scenes.rs"]
mod feature_scenes;
#[path = "authorization/features.rs"]
mod features;
#[path = "authorization/identity.rs"]
mod identity;
#[path = "authorization/native.rs"]
mod native;
#[path = "authorization/picture.rs"]
mod picture;
#[path = "authorization/report.rs"]
mod report;
#[path = "authorization/row.rs"]
mod row;
#[path = "authorization/rules.rs"]
mod rules;
#[path = "authorization/scenes.rs"]
mod scenes;
#[path = "authorization/stage.rs"]
mod stage;
#[path = "authorization/tenancy.rs"]
mod tenancy;

use std::collections::BTreeSet;

use parbuckle_api::{IDENTITY_ROUTES, NATIVE_ROUTES};
use parbuckle_testkit::{Call, Connection, Reply};

use callers::Caller;
use picture::picture;
use report::Report;
use row::{Hides, Names, Needs, Row, Scene, absent};
use rules::{Asked, Verdict, is_no_path_under_secret, verdict};
use stage::{OBJECT, Stage};

/// The words in braces that name something which may exist or not.
const THINGS: [&str; 27] = [
    "namespace",
    "toNamespace",
    "bucket",
    "otherBucket",
    "object",
    "versionId",
    "id",
    "uploadId",
    "partEtag",
    "parId",
    "newName",
    "compartmentId",
    "besideId",
    "tenancyId",
    "userId",
    "userName",
    "fingerprint",
    "authTokenId",
    "customerSecretKeyId",
    "groupId",
    "groupName",
    "userGroupMembershipId",
    "policyId",
    "dynamicGroupId",
    "workRequestId",
    "domainId",
    "availabilityDomain",
];

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let of_rows: BTreeSet<_> = rows()
        .iter()
        .map(|row| (row.method, row.template))
        .collect();
    let of_server: BTreeSet<_> = NATIVE_ROUTES
        .iter()
        .chain(IDENTITY_ROUTES)
        .map(|route| (route.method, route.template))
        .collect();
    let missing: Vec<_> = of_server.difference(&of_rows).collect();
    assert!(missing.is_empty(), "routes without a row: {missing:?}");
    let surplus: Vec<_> = of_rows.difference(&of_server).collect();
    assert!(surplus.is_empty(), "rows without a route: {surplus:?}");
}

#[test]
fn a_row_is_absent_exactly_where_the_server_says_so() {
    for route in NATIVE_ROUTES.iter().chain(IDENTITY_ROUTES) {
        for row in rows() {
            if (row.method, row.template) == (route.method, route.template) {
                let absent = matches!(row.needs, Needs::Absent);
                assert_eq!(absent, !route.implemented, "{}", row.label());
            }
        }
    }
}

#[tokio::test]
async fn every_caller_gets_from_every_route_what_is_his_and_nothing_else() {
    let stage = Stage::set().await;
    let mut report = Report::default();
    for row in rows() {
        stage.grant(&row).await;
        let set = refusals(&stage, &row, &mut report).await;
        grants(&stage, &row, &set, &mut report).await;
    }
    // Its log of so many requests would bury the findings.
    drop(stage);
    report.finish(rows().len(), callers::callers().len());
}

fn rows() -> Vec<Row> {
    [native::ROWS, &features::rows(), &identity::rows()].concat()
}

/// All that must be refused, on one scene, which must look the same afterwards.
async fn refusals(stage: &Stage, row: &Row, report: &mut Report) -> Names {
    let mut set = scenes::set(stage, row.scene).await;
    let taken = set["takenName"].clone();
    set.insert("newName", taken);
    let before = picture(stage, &set).await;
    let mut wire = Wire::default();
    for caller in callers::callers() {
        let mut seen = Vec::new();
        for asked in variants(stage, caller, row, &set) {
            let verdict = verdict(stage, caller, row, &set, &asked);
            if verdict == Verdict::Granted {
                continue;
            }
            let reply = wire
                .send(stage, caller.call(stage, row, &set, &asked))
                .await;
            report.refusal(row, caller, &asked, verdict, &reply);
            seen.push((verdict, asked, reply));
        }
        report.alike(row, caller, &seen);
    }
    let after = picture(stage, &set).await;
    report.unchanged(row, &before, &after);
    set
}

/// All that must be granted, each on a scene of its own like the one that is set already.
async fn grants(stage: &Stage, row: &Row, set: &Names, report: &mut Report) {
    let mut wire = Wire::default();
    for caller in callers::callers() {
        let asked = |set: &Names| Asked {
            names: caller.names(stage, set.clone()),
            changed: None,
            of_other: false,
        };
        if verdict(stage, caller, row, set, &asked(set)) != Verdict::Granted {
            continue;
        }
        let set = scenes::set(stage, row.scene).await;
        let call = caller.call(stage, row, &set, &asked(&set));
        report.grant(row, caller, &wire.send(stage, call).await);
    }
}

/// The request for what was set, and for each thing that it names the same request for what is not there, or belongs to
/// another tenancy.
fn variants(stage: &Stage, caller: Caller, row: &Row, set: &Names) -> Vec<Asked> {
    let names = caller.names(stage, set.clone());
    let of = |thing: &'static str, value: String, of_other| Asked {
        names: [names.clone(), Names::from([(thing, value)])]
            .into_iter()
            .flatten()
            .collect(),
        changed: Some(thing),
        of_other,
    };
    let mut all = vec![Asked {
        names: names.clone(),
        changed: None,
        of_other: false,
    }];
    // What is no path names nothing: a few holders of secrets are enough to show that for things that are missing.
    if is_no_path_under_secret(row) && caller.is_one_of_many_with_secrets() {
        return all;
    }
    for thing in THINGS.into_iter().filter(|thing| row.says(thing)) {
        let there = row.scene == Scene::FreeObject && thing == "object";
        let other = match there {
            true => OBJECT.to_owned(),
            false => absent(&names[thing]),
        };
        all.push(of(thing, other, false));
        // The other tenancy has a work request, and neither rules nor policies of buckets.
        let foreign = stage.other.things.get(thing);
        let foreign = foreign.filter(|_| thing != "id" || row.hides == Hides::Resource);
        all.extend(foreign.map(|other| of(thing, other.clone(), true)));
    }
    all
}

/// Connections are kept while the server keeps them.
#[derive(Default)]
struct Wire(Option<Connection>);

impl Wire {
    async fn send(&mut self, stage: &Stage, call: Call) -> Reply {
        let mut connection = match self.0.take() {
            Some(connection) => connection,
            None => stage.admin.http().connect().await,
        };
        let reply = match connection.send(call.clone()).await {
            Ok(reply) => reply,
            // The server may have closed it since.
            Err(_) => call.await,
        };
        if reply.header("connection") != Some("close") {
            self.0 = Some(connection);
        }
        reply
    }
}
