//! Random programs: how they are drawn.

use std::ops::Range;

use parbuckle_model::{AccessType, ListingAction, PublicAccess, Versioning};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::program::{
    Bytes, Change, Condition, CopyPlan, Duration, EDGES, Flaw, Listing, NEVER, ParPlan, Payload,
    RenamePlan, RuleChange, RulePlan, Selection, Step, Tag, Target, Which, Who, object_names,
};

/// Steps of a program after those that make its buckets.
const STEPS: Range<usize> = 0..100;

/// In seconds.
const DAY: u64 = 24 * 60 * 60;

/// Programs that begin with a bucket or two, so that most steps find something.
pub(super) fn programs() -> impl Strategy<Value = Vec<Step>> {
    let bucket = || (public(), versioning());
    let begin = (bucket(), bucket()).prop_map(|(first, second)| {
        vec![
            Step::CreateBucket(Who::Admin, 0, first.0, first.1),
            Step::CreateBucket(Who::Admin, 1, second.0, second.1),
        ]
    });
    (begin, vec(step(), STEPS)).prop_map(|(mut program, rest)| {
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
        6 => rule_step(),
        4 => keeping_step(),
    ]
}

fn bucket_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (mostly_admin(), bucket(), public(), versioning())
            .prop_map(|(w, b, p, v)| Step::CreateBucket(w, b, p, v)),
        4 => (mostly_admin(), bucket(), change(), condition())
            .prop_map(|(w, b, ch, c)| Step::UpdateBucket(w, b, ch, c)),
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
        3 => (who(), target(), bytes(), condition(), which())
            .prop_map(|(w, t, b, c, v)| Step::Get(w, t, b, c, v)),
        1 => (who(), target(), condition(), which()).prop_map(|(w, t, c, v)| Step::Head(w, t, c, v)),
        4 => (mostly_admin(), target(), condition(), which())
            .prop_map(|(w, t, c, v)| Step::Delete(w, t, c, v)),
        2 => (who(), bucket(), listing()).prop_map(|(w, b, l)| Step::List(w, b, l)),
        1 => (mostly_admin(), bucket(), listing()).prop_map(|(w, b, l)| Step::ListVersions(w, b, l)),
        2 => (mostly_admin(), rename()).prop_map(|(w, r)| Step::Rename(w, r)),
        2 => copy().prop_map(Step::Copy),
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

fn rule_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (mostly_admin(), bucket(), rule()).prop_map(|(w, b, r)| Step::CreateRule(w, b, r)),
        1 => (mostly_admin(), index()).prop_map(|(w, n)| Step::GetRule(w, n)),
        1 => (mostly_admin(), bucket()).prop_map(|(w, b)| Step::ListRules(w, b)),
        2 => (mostly_admin(), index(), rule_change(), condition())
            .prop_map(|(w, n, r, c)| Step::UpdateRule(w, n, r, c)),
        3 => (mostly_admin(), index(), condition()).prop_map(|(w, n, c)| Step::DeleteRule(w, n, c)),
    ]
}

/// What time and the collector do. The leaps are about the durations of rules, which end at an exact second.
fn keeping_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => select(vec![1u64, 1, 1, 30, 60, 301, 3600]).prop_map(Step::Advance),
        3 => select(vec![DAY - 1, DAY, 14 * DAY, 365 * DAY]).prop_map(Step::Advance),
        1 => select(vec![1, 60]).prop_map(Step::SetBack),
        3 => Just(Step::CarryOutCopy),
        1 => Just(Step::CancelCopy),
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

fn versioning() -> impl Strategy<Value = Versioning> {
    prop_oneof![
        6 => Just(Versioning::Disabled),
        6 => Just(Versioning::Enabled),
        1 => Just(Versioning::Suspended),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let versioning = prop_oneof![
        1 => Just(Versioning::Disabled),
        5 => Just(Versioning::Enabled),
        5 => Just(Versioning::Suspended),
    ];
    let versioning = option::weighted(0.7, versioning);
    (option::of(public()), versioning)
        .prop_map(|(public, versioning)| Change { public, versioning })
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![
        10 => Just(Which::Current),
        7 => (0..4usize).prop_map(Which::Youngest),
        1 => (0..20usize).prop_map(Which::Any),
    ]
}

fn rename() -> impl Strategy<Value = RenamePlan> {
    (target(), on_source(), target(), condition()).prop_map(
        |(source, on_source, new, condition)| RenamePlan {
            source,
            on_source,
            new,
            condition,
        },
    )
}

fn copy() -> impl Strategy<Value = CopyPlan> {
    let source = (target(), which(), on_source());
    let rest = (target(), condition(), any::<bool>());
    (mostly_admin(), source, rest).prop_map(
        |(who, (source, which, on_source), (new, condition, new_metadata))| CopyPlan {
            who,
            source,
            which,
            on_source,
            new,
            condition,
            new_metadata,
        },
    )
}

fn on_source() -> impl Strategy<Value = Condition> {
    tag().prop_map(|if_match| Condition {
        if_match,
        if_none_match: Tag::None,
    })
}

/// Rules of some days, of years and for ever, and one that is refused.
fn duration() -> impl Strategy<Value = Option<Duration>> {
    let some = vec![
        Duration::Days(1),
        Duration::Days(1),
        Duration::Days(2),
        Duration::Days(14),
        Duration::Days(366),
        Duration::Years(1),
        Duration::Years(2),
    ];
    prop_oneof![
        1 => Just(None),
        6 => select(some).prop_map(Some),
        1 => Just(Some(Duration::Days(0))),
    ]
}

/// Locks that are too near, just far enough, and far away.
fn lock() -> impl Strategy<Value = Option<i64>> {
    option::weighted(0.5, select(vec![-1i64, 13, 14, 14, 14, 14, 14, 400]))
}

fn rule() -> impl Strategy<Value = RulePlan> {
    (any::<bool>(), duration(), lock()).prop_map(|(named, duration, locked_in_days)| RulePlan {
        named,
        duration,
        locked_in_days,
    })
}

fn rule_change() -> impl Strategy<Value = RuleChange> {
    let (duration, lock) = (option::of(duration()), option::weighted(0.3, lock()));
    (any::<bool>(), duration, lock).prop_map(|(renamed, duration, locked_in_days)| RuleChange {
        renamed,
        duration,
        locked_in_days,
    })
}

/// Half of them meet in a few names, so that these get histories.
fn target() -> impl Strategy<Value = Target> {
    let names = object_names().len();
    let aim = prop_oneof![4 => Just(true), 1 => Just(false)];
    let object = prop_oneof![0..3usize, 0..names];
    (bucket(), object, aim).prop_map(|(bucket, object, aim)| Target {
        bucket,
        object,
        aim,
    })
}

fn tag() -> impl Strategy<Value = Tag> {
    prop_oneof![
        30 => Just(Tag::None),
        3 => Just(Tag::Current),
        1 => Just(Tag::Stale),
        1 => Just(Tag::Any),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
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
