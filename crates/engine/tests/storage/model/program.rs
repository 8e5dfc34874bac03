//! Random programs: what the steps are.
//!
//! Steps name things by small numbers that are taken modulo what there is, so that a program keeps its meaning while
//! it shrinks.

use parbuckle_model::{AccessType, ListingAction, PublicAccess, Versioning};

/// The buckets of all programs.
pub(super) const BUCKETS: [&str; 3] = ["b", "B.1", "b-2_x"];

/// In place of seconds: the last second of the year 9999.
pub(super) const NEVER: i64 = i64::MAX;

/// Object names: separators in all places, dots, several bytes to a character, order traps, and the longest one.
pub(super) fn object_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "a",
        "a/",
        "a/b",
        "a/b/c",
        "a//b",
        "a/é",
        "a0",
        "..",
        "../a",
        "/",
        "/a",
        "é",
        "é/ü",
        "日本/語",
        "B",
        " ",
        "a%2Fb",
        "\u{7f}",
        "\u{10ffff}",
    ]
    .map(str::to_owned)
    .into();
    names.push("é".repeat(512));
    names
}

/// Prefixes and bounds of listings, and prefixes of PARs.
pub(super) const EDGES: [&str; 11] = [
    "",
    "a",
    "a/",
    "a/b",
    "a//",
    "..",
    "é",
    "é/",
    "日",
    "\u{10ffff}",
    "zzz",
];

/// Who makes a step. PARs and secrets are numbered in the order in which the program made them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who {
    Admin,
    Foreigner,
    Anonymous,
    Par(usize),
    /// The secret of an upload.
    Secret(usize),
}

/// An object. With `aim` the numbers pick among what the caller may hope to find, else among all names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) bucket: usize,
    pub(super) object: usize,
    pub(super) aim: bool,
}

/// A condition on an etag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tag {
    None,
    Current,
    Stale,
    Any,
}

/// Both conditions of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition {
    pub(super) if_match: Tag,
    pub(super) if_none_match: Tag,
}

/// What a body is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload {
    pub(super) size: usize,
    pub(super) fill: u64,
    pub(super) announced: bool,
    pub(super) flaw: Flaw,
}

/// What is wrong or right with a body.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Flaw {
    None,
    RightMd5,
    WrongMd5,
    KeepSha256,
    CutShort,
    Disconnected,
}

/// One byte range.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bytes {
    All,
    FromTo(u64, u64),
    From(u64),
    Last(u64),
}

/// Parts to commit.
#[derive(Debug, Clone)]
pub(super) enum Selection {
    All,
    /// All but these.
    Without(Vec<u16>),
    /// These, whether or not they are there, with their etags if so wanted.
    Numbers(Vec<u16>, bool),
    /// The first one with a foreign etag.
    WrongEtag,
    None,
}

/// Parameters of a listing.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    pub(super) prefix: &'static str,
    pub(super) start: Option<&'static str>,
    pub(super) start_after: Option<&'static str>,
    pub(super) end: Option<&'static str>,
    pub(super) delimited: bool,
    pub(super) limit: usize,
}

/// A PAR to be made.
#[derive(Debug, Clone)]
pub(super) struct ParPlan {
    pub(super) bucket: usize,
    pub(super) access: AccessType,
    pub(super) object: usize,
    pub(super) prefix: &'static str,
    pub(super) listing: Option<ListingAction>,
    pub(super) expires_in_secs: i64,
}

/// Which version of an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Which {
    /// The current one: no version is named.
    Current,
    /// One of the name's own, counted from the youngest.
    Youngest(usize),
    /// Any that ever was, of whatever name.
    Any(usize),
}

/// A change of a bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) public: Option<PublicAccess>,
    pub(super) versioning: Option<Versioning>,
}

/// A renaming within the bucket of its source.
#[derive(Debug, Clone, Copy)]
pub(super) struct RenamePlan {
    pub(super) source: Target,
    /// Only `if_match`.
    pub(super) on_source: Condition,
    pub(super) new: Target,
    /// Of what has the new name.
    pub(super) condition: Condition,
}

/// A copy, within a bucket or into another.
#[derive(Debug, Clone, Copy)]
pub(super) struct CopyPlan {
    pub(super) who: Who,
    pub(super) source: Target,
    pub(super) which: Which,
    /// Only `if_match`.
    pub(super) on_source: Condition,
    pub(super) new: Target,
    /// Of what is there already.
    pub(super) condition: Condition,
    pub(super) new_metadata: bool,
}

/// How long a retention rule protects.
#[derive(Debug, Clone, Copy)]
pub(super) enum Duration {
    Days(u64),
    Years(u64),
}

/// A retention rule to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct RulePlan {
    pub(super) named: bool,
    /// Nothing means for ever.
    pub(super) duration: Option<Duration>,
    pub(super) locked_in_days: Option<i64>,
}

/// A change of a retention rule: what is absent stays.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleChange {
    pub(super) renamed: bool,
    pub(super) duration: Option<Option<Duration>>,
    pub(super) locked_in_days: Option<Option<i64>>,
}

/// One step of a program.
#[derive(Debug, Clone)]
pub(super) enum Step {
    CreateBucket(Who, usize, PublicAccess, Versioning),
    UpdateBucket(Who, usize, Change, Condition),
    GetBucket(Who, usize, Condition),
    DeleteBucket(Who, usize, Condition),
    ListBuckets(usize),
    Put(Who, Target, Payload, Condition),
    Get(Who, Target, Bytes, Condition, Which),
    Head(Who, Target, Condition, Which),
    Delete(Who, Target, Condition, Which),
    List(Who, usize, Listing),
    ListVersions(Who, usize, Listing),
    Rename(Who, RenamePlan),
    /// At most one copy waits: another begins when that is done.
    Copy(CopyPlan),
    CarryOutCopy,
    CancelCopy,
    CreateUpload(Who, Target, Condition),
    UploadPart(Who, usize, u16, Payload),
    Commit(Who, usize, Selection, Condition),
    Abort(Who, usize),
    ListUploads(Who, usize, usize),
    ListParts(Who, usize, usize),
    CreatePar(Who, ParPlan),
    GetPar(Who, usize, bool),
    ListPars(Who, usize, Option<&'static str>, usize),
    DeletePar(Who, usize),
    CreateRule(Who, usize, RulePlan),
    GetRule(Who, usize),
    ListRules(Who, usize),
    UpdateRule(Who, usize, RuleChange, Condition),
    DeleteRule(Who, usize, Condition),
    Advance(u64),
    SetBack(u64),
    EmptyTrash,
    Sweep,
    Background,
}
