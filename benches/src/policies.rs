//! What a tenancy's policies cost a GET through a PAR: many statements, groups and compartments next to one of each.

use std::path::Path;

use crate::Result;
use crate::contest::{Effort, Side, alternate};
use crate::load::Shape;
use crate::oci::Access;
use crate::parbuckle::Parbuckle;
use crate::report::{Row, Target, Unit};
use crate::workload::{Expected, cycle, get, noise};

/// Differs from the buckets of the other statements in its last digits only.
const BUCKET: &str = "bench-499";
const OBJECT_BYTES: usize = 4096;
const STATEMENTS: usize = 500;
const GROUPS: usize = 50;
/// Levels of compartments below the root; the bucket is in the lowest.
const LEVELS: usize = 5;
const STATEMENTS_PER_POLICY: usize = 100;

/// GET of one object through a PAR whose creator is in 50 groups, in a tenancy with 500 statements and five levels of
/// compartments, against one whose creator has his rights from the only statement about the only group. Only the last of
/// the 500 allows the GET; all are about groups of the creator.
///
/// The first row is what a large tenancy looks like. The second is the worst that 500 statements can cost, and has no target.
pub(crate) fn par_policies(folder: &Path, effort: Effort) -> Result<Vec<Row>> {
    let plain = Tenancy::plain(&folder.join("plain"))?;
    let contest = |name, others, subfolder, target| -> Result<Row> {
        let full = Tenancy::full(&folder.join(subfolder), others)?;
        let shape = Shape {
            connections: 16,
            threads: 1,
        };
        let rounds = alternate(&full.side(), &plain.side(), shape, effort)?;
        Ok(Row::contest(name, Unit::Requests, &rounds, target))
    };
    Ok(vec![
        contest(
            "GET 4 KiB, statements of several sorts",
            Others::Several,
            "several",
            Target::Cost(1.3),
        )?,
        contest(
            "GET 4 KiB, every condition is tried",
            Others::Close,
            "close",
            Target::None,
        )?,
    ])
}

/// What the statements are that do not allow the GET.
#[derive(Clone, Copy)]
enum Others {
    /// A third each: about other permissions, other compartments, other buckets.
    Several,
    /// About this permission in this place, but under the condition that it is another bucket.
    Close,
}

/// A server with one object and a PAR on it that a user of limited rights made.
struct Tenancy {
    server: Parbuckle,
    par: String,
}

impl Tenancy {
    fn plain(folder: &Path) -> Result<Self> {
        let server = Parbuckle::start(folder)?;
        let root = server.admin.tenancy().to_owned();
        let group = server.admin.create_group("group-0")?;
        let statement = allowing("group-0", "tenancy", BUCKET);
        server.admin.create_policy(&root, "policy", &[statement])?;
        Self::share(server, &root, &[group])
    }

    fn full(folder: &Path, others: Others) -> Result<Self> {
        let server = Parbuckle::start(folder)?;
        let admin = &server.admin;
        let mut levels = vec![admin.tenancy().to_owned()];
        for level in 1..=LEVELS {
            let above = levels.last().cloned().unwrap_or_default();
            admin.create_compartment(&above, &format!("beside-{level}"))?;
            levels.push(admin.create_compartment(&above, &format!("level-{level}"))?);
        }
        let groups: Vec<String> = (0..GROUPS)
            .map(|number| admin.create_group(&format!("group-{number}")))
            .collect::<Result<_>>()?;
        for (number, first) in (0..STATEMENTS).step_by(STATEMENTS_PER_POLICY).enumerate() {
            let attached = number % LEVELS;
            let statements: Vec<String> = (first..first + STATEMENTS_PER_POLICY)
                .map(|index| statement(others, index, attached + 1))
                .collect();
            admin.create_policy(&levels[attached], &format!("policy-{number}"), &statements)?;
        }
        let lowest = levels.pop().unwrap_or_default();
        Self::share(server, &lowest, &groups)
    }

    /// The bucket, its object, the user and his PAR.
    fn share(server: Parbuckle, compartment: &str, groups: &[String]) -> Result<Self> {
        let admin = &server.admin;
        admin.create_bucket_in(compartment, BUCKET)?;
        admin.put_object(BUCKET, "object", &noise(1, OBJECT_BYTES))?;
        let user = admin.create_user_in("alice", groups)?;
        let par = user.create_par(BUCKET, Access::ObjectRead("object"))?;
        Ok(Self { server, par })
    }

    fn side(&self) -> Side<'_> {
        let request = get(&self.par, &self.server.host());
        let expected = Expected {
            statuses: &[200],
            body_bytes: Some(OBJECT_BYTES as u64),
        };
        cycle(
            &self.server.process,
            self.server.addr,
            vec![request],
            expected,
        )
    }
}

/// Statement `index` of all, about level `level`. Only the last, 499, is about the bucket that there is.
fn statement(others: Others, index: usize, level: usize) -> String {
    let group = format!("group-{}", index % GROUPS);
    let here = format!("compartment level-{level}");
    let close = allowing(&group, &here, &format!("bench-{index:03}"));
    match (others, index % 3) {
        _ if index + 1 == STATEMENTS => close,
        (Others::Close, _) | (Others::Several, 0) => close,
        (Others::Several, 1) => format!("Allow group {group} to read buckets in {here}"),
        (Others::Several, _) => {
            format!("Allow group {group} to manage object-family in compartment beside-{level}")
        }
    }
}

/// Allows the GET in a bucket, and making a PAR for it.
fn allowing(group: &str, place: &str, bucket: &str) -> String {
    format!(
        "Allow group {group} to {{PAR_MANAGE, OBJECT_READ}} in {place} where target.bucket.name = '{bucket}'"
    )
}
