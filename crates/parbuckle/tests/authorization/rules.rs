//! Who may do what, and how a refusal looks: the expectations, computed from the wire reference and docs/choices.md alone.

use super::callers::Caller;
use super::native;
use super::row::{Act, Content, Hides, Names, Needs, Row};
use super::stage::{Fate, HeldPar, Stage};

/// A concrete request: what stands for the words in braces.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) names: Names,
    /// The word that names something else than what was set: usually something that is missing.
    pub(crate) changed: Option<&'static str>,
    /// Whether that is a thing of the other tenancy.
    pub(crate) of_other: bool,
}

/// What a caller brings.
pub(crate) enum Credential<'a> {
    None,
    /// A signature that proves nothing.
    Unproven,
    User(Standing),
    Par(&'a HeldPar),
    /// The secret of this upload of the stage's object.
    Upload {
        secret: &'a str,
        upload: &'a str,
    },
    /// A secret that opens nothing here.
    DeadSecret(String),
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    WithRight,
    /// All but one thing that the request needs.
    AllButRight,
    WithoutRight,
    /// Without a policy, but the affair is his own.
    Himself,
    /// With every right in another tenancy.
    Foreign,
}

/// How a request must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Granted,
    /// An empty list, or the refusal of what is missing.
    NothingToSee,
    Refused(Refusal),
}

/// A refusal. Words in braces stand for what the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    /// None where the reference knows several.
    pub(crate) message: Option<&'static str>,
}

/// What is looked for in the other tenancy too, besides its namespace.
pub(crate) const CROSSING: [&str; 7] = [
    "id",
    "tenancyId",
    "compartmentId",
    "besideId",
    "userId",
    "groupId",
    "policyId",
];

const UNPROVEN: Refusal = refusal(401, "NotAuthenticated", None);
const DEAD_PAR: Refusal = refusal(401, "NotAuthenticated", Some("PAR does not exist"));
const NO_BUCKET: Refusal = refusal(
    404,
    "BucketNotFound",
    Some(
        "Either the bucket named '{bucket}' does not exist in the namespace '{namespace}' or you are not authorized to access it",
    ),
);
const NO_OTHER_BUCKET: Refusal = refusal(
    404,
    "BucketNotFound",
    Some(
        "Either the bucket named '{otherBucket}' does not exist in the namespace '{toNamespace}' or you are not authorized to access it",
    ),
);
const NO_NAMESPACE: Refusal = refusal(
    404,
    "NamespaceNotFound",
    Some(
        "You do not have authorization to perform this request, or the requested resource could not be found.",
    ),
);
const NOT_FOUND: Refusal = refusal(
    404,
    "NotAuthorizedOrNotFound",
    Some("Authorization failed or requested resource not found."),
);
const NO_COMPARTMENT: Refusal = refusal(400, "RelatedResourceNotAuthorizedOrNotFound", None);
/// A PAR reads the latest version only.
const VERSION_BY_PAR: Refusal = refusal(400, "InvalidParameter", None);
const WRONG_METHOD: Refusal = refusal(405, "MethodNotAllowed", None);
const NOT_HERE: Refusal = refusal(501, "NotImplemented", None);

const fn refusal(status: u16, code: &'static str, message: Option<&'static str>) -> Refusal {
    Refusal {
        status,
        code,
        message,
    }
}

/// How this request of this caller must end.
pub(crate) fn verdict(
    stage: &Stage,
    caller: Caller,
    row: &Row,
    set: &Names,
    asked: &Asked,
) -> Verdict {
    match caller.credential(stage, row, set, asked) {
        Credential::Par(par) => by_par(stage, par, row, asked),
        Credential::Upload { upload, .. } => by_upload(stage, upload, row, set, asked),
        Credential::DeadSecret(_) => match granted_by_secret(row) {
            Ok(_) => Verdict::Refused(DEAD_PAR),
            Err(refusal) => Verdict::Refused(refusal),
        },
        // No signature makes up for a secret that nobody has.
        _ if row.is_under_secret() => Verdict::Refused(DEAD_PAR),
        Credential::Unproven => Verdict::Refused(UNPROVEN),
        _ if is_public(row, asked) => Verdict::Granted,
        Credential::None => Verdict::Refused(match is_open_to_all(row) {
            true => NO_BUCKET,
            false => UNPROVEN,
        }),
        Credential::User(standing) => by_right(stage, standing, row, asked),
    }
}

fn by_right(stage: &Stage, standing: Standing, row: &Row, asked: &Asked) -> Verdict {
    if matches!(row.needs, Needs::Absent) {
        return Verdict::Refused(NOT_HERE);
    }
    let own = match standing {
        Standing::Foreign => &stage.other.namespace,
        _ => stage.admin.namespace(),
    };
    if row.says("namespace") && asked.names["namespace"] != own {
        return Verdict::Refused(NO_NAMESPACE);
    }
    match (row.needs, standing) {
        // His own things are his own affair, and not what this table is about.
        (_, Standing::Foreign) if asked.of_other => Verdict::Granted,
        (Needs::AnyUser, _) => Verdict::Granted,
        (_, Standing::WithRight) => within_tenancy(stage, row, asked),
        (_, Standing::Himself) if asked.changed != Some("userId") => {
            within_tenancy(stage, row, asked)
        }
        (Needs::Filtered(_), _) => Verdict::NothingToSee,
        (_, Standing::AllButRight) if row.hides == Hides::OtherBucket => {
            Verdict::Refused(in_other_bucket(stage, asked))
        }
        (_, Standing::AllButRight)
            if row.hides == Hides::BucketOfRules && asked.changed == Some("id") =>
        {
            Verdict::Granted
        }
        _ => Verdict::Refused(match row.hides {
            Hides::Bucket | Hides::OtherBucket | Hides::BucketOfRules => NO_BUCKET,
            Hides::Compartment => NO_COMPARTMENT,
            Hides::Namespace => NO_NAMESPACE,
            Hides::Resource => NOT_FOUND,
        }),
    }
}

/// What reads who has all that is needed in the first bucket.
fn in_other_bucket(stage: &Stage, asked: &Asked) -> Refusal {
    match asked.changed {
        Some("bucket") => NO_BUCKET,
        _ if asked.names["toNamespace"] != stage.admin.namespace() => NO_NAMESPACE,
        _ => NO_OTHER_BUCKET,
    }
}

/// Rights end with the tenancy: to who has them all, things of another are as missing as those that nobody has.
fn within_tenancy(stage: &Stage, row: &Row, asked: &Asked) -> Verdict {
    if row.says("toNamespace") && asked.names["toNamespace"] != stage.admin.namespace() {
        return Verdict::Refused(NO_NAMESPACE);
    }
    let crosses = |thing: &&str| {
        // Rules and policies are looked for in the bucket, and nowhere else.
        CROSSING.contains(thing) && (*thing != "id" || row.hides == Hides::Resource)
    };
    let Some(thing) = asked.changed.filter(crosses) else {
        return Verdict::Granted;
    };
    if row.method == "GET" && row.query.contains(&format!("{{{thing}}}")) {
        return Verdict::NothingToSee;
    }
    Verdict::Refused(match row.hides {
        Hides::Resource => NOT_FOUND,
        _ => NO_COMPARTMENT,
    })
}

/// Token, time and target first: for what they do not cover there is no such PAR. Then what the type grants and the creator
/// may do: without it, there is no such bucket (wire reference 7.5).
fn by_par(stage: &Stage, par: &HeldPar, row: &Row, asked: &Asked) -> Verdict {
    let act = match granted_by_secret(row) {
        Ok(Act::Upload) => return Verdict::Refused(DEAD_PAR),
        Ok(act) => act,
        Err(refusal) => return Verdict::Refused(refusal),
    };
    let names = &asked.names;
    let is_its_bucket =
        names["bucket"] == par.bucket && names["namespace"] == stage.admin.namespace();
    let covered = act == Act::List || par.covers.covers(&names["object"]);
    let granted = match act {
        Act::Read => par.kind.reads(),
        Act::Write => par.kind.writes(),
        // A write PAR reads nothing, names included.
        Act::List => par.kind.lists && par.kind.reads(),
        Act::Upload => false,
    };
    match par.fate {
        Fate::Deleted | Fate::Expired => Verdict::Refused(DEAD_PAR),
        _ if !is_its_bucket || !covered => Verdict::Refused(DEAD_PAR),
        Fate::Alive if granted && row.says("versionId") => Verdict::Refused(VERSION_BY_PAR),
        Fate::Alive if granted => Verdict::Granted,
        _ => Verdict::Refused(NO_BUCKET),
    }
}

fn by_upload(stage: &Stage, upload: &str, row: &Row, set: &Names, asked: &Asked) -> Verdict {
    match granted_by_secret(row) {
        Ok(Act::Upload) => {}
        Ok(_) => return Verdict::Refused(DEAD_PAR),
        Err(refusal) => return Verdict::Refused(refusal),
    }
    let names = &asked.names;
    let is_its = names["uploadId"] == upload
        && names["object"] == set["object"]
        && names["bucket"] == set["bucket"]
        && names["namespace"] == stage.admin.namespace();
    match is_its {
        true => Verdict::Granted,
        false => Verdict::Refused(DEAD_PAR),
    }
}

/// What a route means under a secret: its own rows, or the same paths with a secret before them. All others are no paths.
fn granted_by_secret(row: &Row) -> Result<Act, Refusal> {
    let template = match row.is_under_secret() {
        true => row.template.to_owned(),
        false => format!("/p/{{secret}}{}", row.template),
    };
    let mut here = native::ROWS
        .iter()
        .filter(|row| row.template == template)
        .peekable();
    if here.peek().is_none() {
        return Err(NOT_FOUND);
    }
    match here
        .find(|other| other.method == row.method)
        .map(|row| row.needs)
    {
        Some(Needs::Secret(act)) => Ok(act),
        _ => Err(WRONG_METHOD),
    }
}

/// Whether the route is no path at all when a secret is put before it.
pub(crate) fn is_no_path_under_secret(row: &Row) -> bool {
    granted_by_secret(row) == Err(NOT_FOUND)
}

/// Whether it is about the public bucket that was set.
fn is_public(row: &Row, asked: &Asked) -> bool {
    let elsewhere = matches!(asked.changed, Some("bucket" | "namespace"));
    matches!(row.needs, Needs::Public) && !elsewhere
}

/// What a bucket can grant to everybody. Those of the stage grant nothing.
fn is_open_to_all(row: &Row) -> bool {
    let objects = "/n/{namespace}/b/{bucket}/o";
    let reads = ["GET", "HEAD"].contains(&row.method) && matches!(row.content, Content::Nothing);
    let object = format!("{objects}/{{object}}");
    reads && (row.template == objects || row.template == object)
}
