//! What the checks on every request cost, and how long a new key takes.
//!
//! Run with `cargo bench -p parbuckle-iam`. Prints the best and the median of repeated rounds; the
//! best is what the code costs, the median what the machine made of it.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has failed"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::*;
use parbuckle_iam::signature::{
    Authorization, BodyRule, Field, KeyId, RequestView, SigningKey, sign, verify,
};

const TENANCY: &str = "ocid1.tenancy.oc1..root";
const ROUNDS: usize = 15;

fn main() {
    policies();
    signatures();
    key_generation();
}

/// 500 statements, a principal in 50 groups, 5 levels of compartments.
fn policies() {
    let groups: Vec<String> = (0..50).map(|number| id("group", number)).collect();
    let compartments: Vec<String> = (0..40).map(|number| id("compartment", number)).collect();
    let mut path: Vec<Compartment<'_>> = compartments[..4]
        .iter()
        .map(|id| Compartment { id, name: "level" })
        .collect();
    path.push(Compartment {
        id: TENANCY,
        name: "root",
    });

    let single = set(vec![statement(&groups[0], TENANCY, "")]);
    report(
        "evaluate, 1 statement, allowed",
        &single,
        &groups[..1],
        &path,
    );

    let mut spread: Vec<AttachedStatement> = (0..499)
        .map(|n| {
            statement(
                &groups[n % 50],
                &compartments[n % 40],
                " where target.bucket.name = 'other'",
            )
        })
        .collect();
    spread.push(statement(
        &groups[49],
        TENANCY,
        " where target.object.name = 'prod/*'",
    ));
    report(
        "evaluate, 500 over 50 groups, the last one allows",
        &set(spread.clone()),
        &groups,
        &path,
    );

    spread.pop();
    report(
        "evaluate, 499 over 50 groups, denied",
        &set(spread.clone()),
        &groups,
        &path,
    );

    spread.push(statement(&groups[49], TENANCY, ""));
    let mut with_deny = spread;
    with_deny.extend((0..20).map(|n| {
        let mut deny = statement(&groups[n], TENANCY, " where target.bucket.name = 'other'");
        deny.resolved.statement.effect = Effect::Deny;
        deny
    }));
    report(
        "the same, allowed, and 20 Deny statements",
        &set(with_deny),
        &groups,
        &path,
    );

    let one_group = (0..500)
        .map(|_| statement(&groups[0], TENANCY, " where target.bucket.name = 'other'"))
        .collect();
    report(
        "evaluate, 500 conditions of one group all false (worst)",
        &set(one_group),
        &groups,
        &path,
    );
}

fn signatures() {
    let key = SigningKey::generate().unwrap();
    let key_id = KeyId {
        tenancy: id("tenancy", 0),
        user: id("user", 0),
        fingerprint: key.public_key().fingerprint(),
    };
    let header = sign(&key, &key_id, BodyRule::NoBody.signed_headers(), &Get).unwrap();
    let now = "2023-01-05T21:31:40Z".parse().unwrap();
    measure("parse and verify a signed GET, RSA-2048", 2_000, || {
        let authorization = Authorization::parse(black_box(&header)).unwrap();
        let _ = black_box(
            verify(
                &authorization,
                &Get,
                key.public_key(),
                now,
                BodyRule::NoBody,
            )
            .unwrap(),
        );
    });
}

fn key_generation() {
    let mut times: Vec<f64> = (0..30)
        .map(|_| {
            let start = Instant::now();
            black_box(SigningKey::generate().unwrap());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "new RSA-2048 key, 30 runs: min {:.0} ms, quartiles {:.0} / {:.0} / {:.0} ms, max {:.0} ms",
        times[0], times[7], times[15], times[22], times[29]
    );
}

fn report(name: &str, set: &PolicySet, groups: &[String], path: &[Compartment<'_>]) {
    let principal = Principal {
        tenancy_id: TENANCY,
        kind: PrincipalKind::User {
            id: "ocid1.user.oc1..alice",
            name: "alice",
        },
        groups,
    };
    let request = AccessRequest {
        permission: Permission::ObjectRead,
        operation: Operation::GetObject,
        now: "2030-01-01T00:00:00Z".parse().unwrap(),
        region_key: "iad",
        compartments: path,
        target: Target {
            bucket_name: Some("Photos"),
            object_name: Some("prod/2030/report.pdf"),
            ..Target::default()
        },
    };
    measure(name, 20_000, || {
        let _ = black_box(set.evaluate(black_box(&principal), black_box(&request)));
    });
}

/// Prints the time of one call.
fn measure(name: &str, calls: u32, mut call: impl FnMut()) {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| call());
            start.elapsed() / calls
        })
        .collect();
    rounds.sort();
    let (best, median) = (rounds[0].as_nanos(), rounds[ROUNDS / 2].as_nanos());
    println!("{name:60} {best:>7} ns best, {median:>7} ns median");
}

fn set(statements: Vec<AttachedStatement>) -> PolicySet {
    PolicySet::compile(TENANCY, Some("ocid1.group.oc1..admins"), statements)
}

fn statement(group: &str, compartment: &str, condition: &str) -> AttachedStatement {
    let text = format!(
        "Allow group id {group} to manage object-family in compartment id {compartment}{condition}"
    );
    let resolved = ResolvedStatement {
        statement: Statement::parse(&text).unwrap(),
        groups: vec![group.to_owned()],
        compartment_id: compartment.to_owned(),
    };
    AttachedStatement {
        policy_name: "bench".into(),
        attached_to: TENANCY.into(),
        resolved,
    }
}

/// An OCID of real length.
fn id(kind: &str, number: u8) -> String {
    let letter = |index: u8| {
        char::from(b'a' + number.wrapping_mul(97).wrapping_add(index.wrapping_mul(59)) % 26)
    };
    let unique: String = (0..57).map(letter).collect();
    format!("ocid1.{kind}.oc1..{unique}{number:03}")
}

struct Get;

impl RequestView for Get {
    fn method(&self) -> &str {
        "GET"
    }

    fn raw_target(&self) -> &str {
        "/n/acme/b/photos/o/prod%2F2030%2Freport.pdf"
    }

    fn header(&self, name: &str) -> Field<'_> {
        match name {
            "host" => Field::Single(b"127.0.0.1:8080"),
            "date" => Field::Single(b"Thu, 05 Jan 2023 21:31:40 GMT"),
            _ => Field::Absent,
        }
    }
}
