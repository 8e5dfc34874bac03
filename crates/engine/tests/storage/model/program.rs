//! Random programs: what the steps are, and how they are drawn.
//!
//! Steps name things by small numbers that are taken modulo what there is, so that a program keeps its meaning while
//! it shrinks.

use parbuckle_model::{AccessType, ListingAction, PublicAccess};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

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
const EDGES: [&str; 11] = [
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

/// One step of a program.
#[derive(Debug, Clone)]
pub(super) enum Step {
    CreateBucket(Who, usize, PublicAccess),
    UpdateBucket(Who, usize, Option<PublicAccess>, Condition),
    GetBucket(Who, usize, Condition),
    DeleteBucket(Who, usize, Condition),
    ListBuckets(usize),
    Put(Who, Target, Payload, Condition),
    Get(Who, Target, Bytes, Condition),
    Head(Who, Target, Condition),
    Delete(Who, Target, Condition),
    List(Who, usize, Listing),
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
    Advance(u64),
    EmptyTrash,
    Sweep,
    Background,
}

/// Programs that begin with a bucket or two, so that most steps find something.
pub(super) fn programs() -> impl Strategy<Value = Vec<Step>> {
    let begin = (public(), public()).prop_map(|(first, second)| {
        vec![
            Step::CreateBucket(Who::Admin, 0, first),
            Step::CreateBucket(Who::Admin, 1, second),
        ]
    });
    (begin, vec(step(), 0..100)).prop_map(|(mut program, rest)| {
        program.extend(rest);
        program
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => bucket_step(),
        24 => object_step(),
        16 => upload_step(),
        8 => par_step(),
        3 => keeping_step(),
    ]
}

fn bucket_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (mostly_admin(), bucket(), public()).prop_map(|(w, b, p)| Step::CreateBucket(w, b, p)),
        2 => (mostly_admin(), bucket(), option::of(public()), condition())
            .prop_map(|(w, b, p, c)| Step::UpdateBucket(w, b, p, c)),
        2 => (mostly_admin(), bucket(), condition()).prop_map(|(w, b, c)| Step::GetBucket(w, b, c)),
        3 => (mostly_admin(), bucket(), condition())
            .prop_map(|(w, b, c)| Step::DeleteBucket(w, b, c)),
        1 => limit().prop_map(Step::ListBuckets),
    ]
}

fn object_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        7 => (who(), target(), payload(), condition())
            .prop_map(|(w, t, p, c)| Step::Put(w, t, p, c)),
        3 => (who(), target(), bytes(), condition()).prop_map(|(w, t, b, c)| Step::Get(w, t, b, c)),
        1 => (who(), target(), condition()).prop_map(|(w, t, c)| Step::Head(w, t, c)),
        3 => (mostly_admin(), target(), condition()).prop_map(|(w, t, c)| Step::Delete(w, t, c)),
        2 => (who(), bucket(), listing()).prop_map(|(w, b, l)| Step::List(w, b, l)),
    ]
}

fn upload_step() -> impl Strategy<Value = Step> {
    let number = || prop_oneof![4 => 1..5u16, 1 => Just(10_000u16)];
    prop_oneof![
        3 => (who(), target(), condition()).prop_map(|(w, t, c)| Step::CreateUpload(w, t, c)),
        6 => (at_upload(), index(), number(), payload())
            .prop_map(|(w, u, n, p)| Step::UploadPart(w, u, n, p)),
        4 => (at_upload(), index(), selection(), condition())
            .prop_map(|(w, u, s, c)| Step::Commit(w, u, s, c)),
        1 => (at_upload(), index()).prop_map(|(w, u)| Step::Abort(w, u)),
        1 => (mostly_admin(), bucket(), limit()).prop_map(|(w, b, l)| Step::ListUploads(w, b, l)),
        1 => (mostly_admin(), index(), limit()).prop_map(|(w, u, l)| Step::ListParts(w, u, l)),
    ]
}

fn par_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (mostly_admin(), par_plan()).prop_map(|(w, p)| Step::CreatePar(w, p)),
        1 => (mostly_admin(), index(), any::<bool>()).prop_map(|(w, p, s)| Step::GetPar(w, p, s)),
        1 => (mostly_admin(), bucket(), option::of(edge()), limit())
            .prop_map(|(w, b, e, l)| Step::ListPars(w, b, e, l)),
        2 => (mostly_admin(), index()).prop_map(|(w, p)| Step::DeletePar(w, p)),
    ]
}

/// What time and the collector do.
fn keeping_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => select(vec![1u64, 1, 1, 30, 60, 301, 3600]).prop_map(Step::Advance),
        1 => Just(Step::EmptyTrash),
        1 => Just(Step::Sweep),
        1 => Just(Step::Background),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        20 => Just(Who::Admin),
        20 => index().prop_map(Who::Par),
        1 => index().prop_map(Who::Secret),
        1 => Just(Who::Foreigner),
        3 => Just(Who::Anonymous),
    ]
}

fn mostly_admin() -> impl Strategy<Value = Who> {
    prop_oneof![15 => Just(Who::Admin), 1 => who()]
}

fn at_upload() -> impl Strategy<Value = Who> {
    prop_oneof![5 => Just(Who::Admin), 5 => index().prop_map(Who::Secret), 1 => who()]
}

fn index() -> impl Strategy<Value = usize> {
    0..6usize
}

fn bucket() -> impl Strategy<Value = usize> {
    prop_oneof![8 => Just(0usize), 3 => Just(1usize), 1 => Just(2usize)]
}

fn limit() -> impl Strategy<Value = usize> {
    select(vec![1, 2, 7, 1000])
}

fn edge() -> impl Strategy<Value = &'static str> {
    select(EDGES.to_vec())
}

fn public() -> impl Strategy<Value = PublicAccess> {
    prop_oneof![
        4 => Just(PublicAccess::NoPublicAccess),
        1 => Just(PublicAccess::ObjectRead),
        1 => Just(PublicAccess::ObjectReadWithoutList),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    let names = object_names().len();
    let aim = prop_oneof![4 => Just(true), 1 => Just(false)];
    (bucket(), 0..names, aim).prop_map(|(bucket, object, aim)| Target {
        bucket,
        object,
        aim,
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let tag = || {
        prop_oneof![
            30 => Just(Tag::None),
            3 => Just(Tag::Current),
            1 => Just(Tag::Stale),
            1 => Just(Tag::Any),
        ]
    };
    (tag(), tag()).prop_map(|(if_match, if_none_match)| Condition {
        if_match,
        if_none_match,
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    let size = prop_oneof![
        20 => select(vec![0usize, 1, 10, 63, 64, 65, 66, 100, 1000]),
        1 => Just(70_000usize),
    ];
    let flaw = prop_oneof![
        30 => Just(Flaw::None),
        1 => Just(Flaw::RightMd5),
        1 => Just(Flaw::WrongMd5),
        1 => Just(Flaw::KeepSha256),
        1 => Just(Flaw::CutShort),
        1 => Just(Flaw::Disconnected),
    ];
    (size, 0..1000u64, any::<bool>(), flaw).prop_map(|(size, fill, announced, flaw)| Payload {
        size,
        fill,
        announced,
        flaw,
    })
}

fn bytes() -> impl Strategy<Value = Bytes> {
    let place = || select(vec![0u64, 1, 9, 63, 64, 65, 99, 1000, u64::MAX]);
    prop_oneof![
        3 => Just(Bytes::All),
        2 => (place(), place()).prop_map(|(a, b)| Bytes::FromTo(a.min(b), a.max(b))),
        1 => place().prop_map(Bytes::From),
        1 => place().prop_map(Bytes::Last),
    ]
}

fn selection() -> impl Strategy<Value = Selection> {
    let numbers = || vec(1..5u16, 0..4);
    prop_oneof![
        3 => Just(Selection::All),
        4 => numbers().prop_map(Selection::Without),
        2 => (numbers(), any::<bool>()).prop_map(|(n, etags)| Selection::Numbers(n, etags)),
        1 => Just(Selection::WrongEtag),
        1 => Just(Selection::None),
    ]
}

fn listing() -> impl Strategy<Value = Listing> {
    (
        edge(),
        option::weighted(0.2, edge()),
        option::weighted(0.2, edge()),
        option::weighted(0.2, edge()),
        any::<bool>(),
        limit(),
    )
        .prop_map(
            |(prefix, start, start_after, end, delimited, limit)| Listing {
                prefix,
                start,
                start_after,
                end,
                delimited,
                limit,
            },
        )
}

fn par_plan() -> impl Strategy<Value = ParPlan> {
    let names = object_names().len();
    let listing = select(vec![
        None,
        Some(ListingAction::Deny),
        Some(ListingAction::ListObjects),
    ]);
    let expires = prop_oneof![1 => -1..=0i64, 20 => select(vec![60, 3600, NEVER])];
    (
        bucket(),
        select(AccessType::ALL.to_vec()),
        0..names,
        edge(),
        listing,
        expires,
    )
        .prop_map(
            |(bucket, access, object, prefix, listing, expires_in_secs)| ParPlan {
                bucket,
                access,
                object,
                prefix,
                listing,
                expires_in_secs,
            },
        )
}
