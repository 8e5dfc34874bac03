//! A PAR never permits what its creator may not do: whatever policies say, and whoever asks.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use parbuckle_engine::{
    BodyError, Caller, Error, NewPar, ObjectPath, Proof, PutObject, ReadObject, RequestBody,
};
use parbuckle_model::{
    AccessType, Expiry, ListObjectsQuery, ListingAction, ObjectFields, ObjectName, ObjectPrefix,
    PageLimit, ParScope,
};

use crate::world::{ALWAYS, World, outcome};

const BUCKET: &str = "photos";
const OBJECTS: [&str; 4] = ["in/a", "in/new", "out/a", "b"];
const PERMISSIONS: [&str; 7] = [
    "OBJECT_READ",
    "OBJECT_CREATE",
    "OBJECT_OVERWRITE",
    "OBJECT_INSPECT",
    "OBJECT_DELETE",
    "BUCKET_READ",
    "PAR_MANAGE",
];
const CONDITIONS: [&str; 7] = [
    "",
    " where target.object.name = 'in/*'",
    " where target.bucket.name = 'photos'",
    " where target.bucket.name = 'films'",
    " where request.operation = 'GetObject'",
    " where request.permission != 'OBJECT_READ'",
    " where any {request.operation = 'PutObject', target.object.name = /*a/}",
];

#[tokio::test]
async fn a_par_never_permits_what_its_creator_may_not_do() {
    let cases = std::env::var("PARBUCKLE_PROPTEST_CASES").map_or(60, |n| n.parse().unwrap());
    let world = World::new().await;
    world.create_bucket(BUCKET, &world.root).await;
    let (_, alice, policy) = world
        .worker("alice", "to manage object-family in tenancy")
        .await;
    let pars = pars(&world, &alice).await;
    let (mut permitted, mut refused) = (0, 0);
    for case in 0..cases {
        let statements = statements(&mut Random(case));
        let texts: Vec<&str> = statements.iter().map(String::as_str).collect();
        world.rewrite(&policy, &texts).await;
        // Gone again, so that putting it asks to create it.
        let new = path(&world, "in/new");
        let _ = world
            .engine
            .delete_object(&world.admin, &new, &ALWAYS, None)
            .await;
        for act in acts() {
            // The creator asks first: if he may not put an object, it is there as before when his PARs try.
            let by_creator = permits(&world, &alice, &act).await;
            let mut by_par = false;
            for par in &pars {
                by_par |= permits(&world, par, &act).await;
            }
            assert!(
                by_creator || !by_par,
                "case {case}: {act:?} with {statements:#?}"
            );
            permitted += usize::from(by_par);
            refused += usize::from(!by_creator);
        }
    }
    assert!(
        permitted > 0 && refused > 0,
        "{permitted} permitted, {refused} refused"
    );
}

#[derive(Debug)]
enum Act {
    Read(&'static str),
    Head(&'static str),
    Put(&'static str),
    List,
}

fn acts() -> Vec<Act> {
    let each = |object| [Act::Read(object), Act::Head(object), Act::Put(object)];
    let mut acts: Vec<Act> = OBJECTS.into_iter().flat_map(each).collect();
    acts.push(Act::List);
    acts
}

async fn permits(world: &World, caller: &Caller, act: &Act) -> bool {
    let path = |object| path(world, object);
    let engine = &world.engine;
    let result: Result<(), Error> = match act {
        Act::Read(object) => engine
            .read_object(caller, &path(object), ReadObject::default())
            .await
            .map(drop),
        Act::Head(object) => engine
            .head_object(caller, &path(object), &ALWAYS, None, None)
            .await
            .map(drop),
        Act::Put(object) => engine
            .put_object(caller, &path(object), PutObject::default(), body())
            .await
            .map(drop),
        Act::List => engine
            .list_objects(caller, &world.bucket(BUCKET), &everything())
            .await
            .map(drop),
    };
    match outcome(result).as_str() {
        "ok" | "ObjectNotFound" => true,
        "BucketNotFound" | "ParDoesNotExist" => false,
        other => panic!("neither permitted nor refused: {other}"),
    }
}

fn path(world: &World, object: &str) -> ObjectPath {
    ObjectPath {
        bucket: world.bucket(BUCKET),
        object: ObjectName::parse(object.as_bytes()).unwrap(),
    }
}

/// One PAR of every type on every kind of target, made while everything is allowed.
async fn pars(world: &World, creator: &Caller) -> Vec<Caller> {
    let mut pars = Vec::new();
    for access in AccessType::ALL {
        let targets: &[Option<&str>] = match access.is_single_object() {
            true => &[Some("in/a"), Some("in/new"), Some("b")],
            false => &[None, Some("in/")],
        };
        let listing = (!access.is_single_object()).then_some(ListingAction::ListObjects);
        for target in targets {
            let new = NewPar {
                name: "a PAR".to_owned(),
                scope: ParScope::new(access, *target, listing).unwrap(),
                time_expires: Expiry::parse("2999-01-01T00:00:00Z").unwrap(),
            };
            let bucket = world.bucket(BUCKET);
            let made = world
                .engine
                .create_par(creator, &bucket, new)
                .await
                .unwrap();
            let proof = Proof::ParSecret(made.token.expose());
            pars.push(world.engine.authenticate(proof).await.unwrap().caller);
        }
    }
    pars
}

fn statements(random: &mut Random) -> Vec<String> {
    (0..1 + random.below(3))
        .map(|_| {
            let some: Vec<&str> = PERMISSIONS
                .into_iter()
                .filter(|_| random.below(2) == 0)
                .collect();
            let list = if some.is_empty() {
                "OBJECT_READ".to_owned()
            } else {
                some.join(", ")
            };
            let condition = CONDITIONS[random.below(CONDITIONS.len())];
            format!("Allow group alice-group to {{{list}}} in tenancy{condition}")
        })
        .collect()
}

fn everything() -> ListObjectsQuery {
    ListObjectsQuery {
        prefix: ObjectPrefix::parse(b"").unwrap(),
        start: None,
        start_after: None,
        end: None,
        delimited: false,
        limit: PageLimit::default(),
        fields: ObjectFields::default(),
    }
}

fn body() -> RequestBody {
    RequestBody {
        stream: Box::pin(Whole(Some(Bytes::from_static(b"body")))),
        length: Some(4),
    }
}

struct Whole(Option<Bytes>);

impl Stream for Whole {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// splitmix64
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % end
    }
}
