//! Lists, page by page: whatever the page size, the pages together are what the plain definition says.

use std::collections::BTreeSet;
use std::time::Duration;

use parbuckle_engine::{Caller, NewPar, NewUpload, PutObject};
use parbuckle_model::{AccessType, ListObjectsQuery, ListingAction, ParScope, Preconditions};

use super::support::body::body;
use super::support::environment::Random;
use super::support::listing::{everything, expected_rows, limit, prefix, walk_objects, walk_pages};
use super::support::world::{Stores, World};
use super::support::{expires_in, new_bucket, outcome, part};

const PAGE_SIZES: [usize; 3] = [1, 7, 1000];

/// Pieces of names: separators that pile up, characters of one to four bytes, and neighbours of `/` in byte order.
const PIECES: [&str; 13] = [
    "a",
    "b",
    "ab",
    "/",
    "/",
    "/",
    ".",
    "0",
    "-",
    "é",
    "日",
    "\u{10ffff}",
    " ",
];

#[tokio::test]
async fn objects_page_alike_at_every_page_size_for_every_combination_of_parameters() {
    let (world, names) = world_of_names(Stores::Memory, 2500).await;
    let rows = check_combinations(&world, &world.admin, &names, "", &mut Random::new(1)).await;
    // Had the parameters left next to nothing to list, the test would show nothing.
    assert!(rows > 10_000, "only {rows} rows");
}

#[tokio::test]
async fn objects_page_alike_on_disk() {
    let (world, names) = world_of_names(Stores::Disk, 300).await;
    check_combinations(&world, &world.admin, &names, "", &mut Random::new(2)).await;
}

#[tokio::test]
async fn a_prefix_par_pages_through_the_names_below_its_prefix_only() {
    let (world, names) = world_of_names(Stores::Memory, 600).await;
    let mut random = Random::new(3);
    for scope in ["a", "a/", "/", "é", "ab/", "no such"] {
        let holder = listing_par(&world, Some(scope)).await;
        check_combinations(&world, &holder, &names, scope, &mut random).await;
    }
}

#[tokio::test]
async fn a_bucket_par_pages_through_all_names() {
    let (world, names) = world_of_names(Stores::Memory, 600).await;
    let holder = listing_par(&world, None).await;
    check_combinations(&world, &holder, &names, "", &mut Random::new(4)).await;
}

#[tokio::test]
async fn uploads_page_by_object_name_at_every_page_size() {
    let (world, names) = world_of_names(Stores::Memory, 150).await;
    let mut expected = Vec::new();
    // Two uploads of each name: the id decides between them.
    for name in names.iter().chain(&names) {
        let path = world.object("b", name);
        let started = world
            .engine
            .create_upload(&world.admin, &path, NewUpload::default());
        expected.push((name.clone(), started.await.unwrap().upload.id));
    }
    expected.sort();
    for limit in PAGE_SIZES.map(limit) {
        let bucket = world.bucket("b");
        let found = walk_pages(limit, async |page| {
            world
                .engine
                .uploads(&world.admin, &bucket, page, limit)
                .await
        });
        let found = found.await.unwrap();
        let found: Vec<_> = found
            .into_iter()
            .map(|upload| (upload.object.as_str().to_owned(), upload.id))
            .collect();
        assert_eq!(found, expected, "{limit:?}");
    }
}

#[tokio::test]
async fn parts_page_by_number_at_every_page_size() {
    let (world, _) = world_of_names(Stores::Memory, 0).await;
    let (engine, admin) = (&world.engine, &world.admin);
    let path = world.object("b", "o");
    let started = engine.create_upload(admin, &path, NewUpload::default());
    let path = world.upload("b", "o", started.await.unwrap().upload.id);
    let mut random = Random::new(5);
    let mut numbers: BTreeSet<u16> = [1, 255, 256, 257, 10_000].into();
    numbers.extend((0..60).map(|_| 1 + random.below(10_000) as u16));
    let mut uploaded: Vec<u16> = numbers.iter().copied().collect();
    uploaded.reverse();
    for number in uploaded {
        let (none, checks) = (Preconditions::default(), Default::default());
        let body = body(&number.to_be_bytes(), 1);
        let stored = engine.upload_part(admin, &path, part(number), &none, checks, body);
        assert_eq!(outcome(&stored.await), "ok");
    }
    for limit in PAGE_SIZES.map(limit) {
        let found = walk_pages(limit, async |page| {
            engine.parts(admin, &path, page, limit).await
        });
        let found = found.await.unwrap();
        assert!(
            found
                .iter()
                .map(|part| part.number.value())
                .eq(numbers.iter().copied()),
            "{limit:?}"
        );
    }
}

#[tokio::test]
async fn pars_page_from_the_oldest_at_every_page_size_and_with_every_filter() {
    let (world, names) = world_of_names(Stores::Memory, 60).await;
    let (engine, admin, bucket) = (&world.engine, &world.admin, world.bucket("b"));
    let mut made = Vec::new();
    for name in names.iter().map(Some).chain([None]) {
        let access = match name {
            Some(name) if name.len() % 2 == 0 => AccessType::ObjectRead,
            _ => AccessType::AnyObjectWrite,
        };
        let scope = ParScope::new(access, name.map(String::as_str), None).unwrap();
        made.push(
            engine
                .create_par(admin, &bucket, new_par(&world, scope))
                .await
                .unwrap()
                .par,
        );
        world.environment.advance(Duration::from_millis(1));
    }
    for filter in [
        None,
        Some(""),
        Some("a"),
        Some("a/"),
        Some("é"),
        Some("no such"),
    ] {
        let wanted = |par: &&parbuckle_engine::Par| {
            let name = par.scope.object_name();
            filter.is_none_or(|filter| name.is_some_and(|name| name.starts_with(filter)))
        };
        let expected: Vec<_> = made.iter().filter(wanted).cloned().collect();
        for limit in PAGE_SIZES.map(limit) {
            let found = walk_pages(limit, async |page| {
                engine.pars(admin, &bucket, filter, page, limit).await
            });
            assert_eq!(found.await.unwrap(), expected, "{filter:?}, {limit:?}");
        }
    }
}

/// A filter that matches nothing on one page of records still finds what lies behind it.
#[tokio::test]
async fn a_filter_finds_pars_behind_a_thousand_others() {
    let (world, _) = world_of_names(Stores::Memory, 0).await;
    let (engine, admin, bucket) = (&world.engine, &world.admin, world.bucket("b"));
    for number in 0..2100 {
        let name = if number == 2050 { "needle" } else { "hay" };
        let scope = ParScope::new(AccessType::ObjectRead, Some(name), None).unwrap();
        let made = engine
            .create_par(admin, &bucket, new_par(&world, scope))
            .await;
        assert_eq!(outcome(&made), "ok");
        world.environment.advance(Duration::from_millis(1));
    }
    for limit in PAGE_SIZES.map(limit) {
        let found = walk_pages(limit, async |page| {
            engine
                .pars(admin, &bucket, Some("needle"), page, limit)
                .await
        });
        assert_eq!(found.await.unwrap().len(), 1, "{limit:?}");
    }
}

#[tokio::test]
async fn buckets_page_by_name_at_every_page_size() {
    let (world, _) = world_of_names(Stores::Memory, 0).await;
    let (engine, admin, namespace) = (&world.engine, &world.admin, &world.namespace);
    let mut expected = BTreeSet::from(["b".to_owned()]);
    let mut random = Random::new(6);
    while expected.len() < 60 {
        let length = 1 + random.below(4);
        let name: String = (0..length)
            .map(|_| *random.pick(&["a", "B", "-", "_", ".", "9"]))
            .collect();
        if expected.insert(name.clone()) {
            let made = engine.create_bucket(admin, namespace, new_bucket(&world, &name));
            assert_eq!(outcome(&made.await), "ok");
        }
    }
    for limit in PAGE_SIZES.map(limit) {
        let found = walk_pages(limit, async |page| {
            engine
                .buckets(admin, namespace, &world.compartment, page, limit)
                .await
        });
        let found = found.await.unwrap();
        assert!(
            found
                .iter()
                .map(|bucket| bucket.name.as_str())
                .eq(expected.iter()),
            "{limit:?}"
        );
    }
}

/// Walks every combination of present and absent parameters, each with several random values, at every page size.
/// Returns how many rows all the listings had.
async fn check_combinations(
    world: &World,
    caller: &Caller,
    names: &BTreeSet<String>,
    scope: &str,
    random: &mut Random,
) -> usize {
    let mut listed = 0;
    let sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    for combination in 0..32u32 {
        let has = |bit: u32| combination & (1 << bit) != 0;
        if has(1) && has(2) {
            continue;
        }
        for _ in 0..3 {
            let query = ListObjectsQuery {
                prefix: prefix(if has(0) { bound(&sorted, random) } else { "" }),
                start: has(1).then(|| bound(&sorted, random).to_owned()),
                start_after: has(2).then(|| bound(&sorted, random).to_owned()),
                end: has(3).then(|| bound(&sorted, random).to_owned()),
                delimited: has(4),
                ..everything()
            };
            let expected = expected_rows(sorted.iter().copied(), scope, &query);
            listed += expected.len();
            for limit in PAGE_SIZES.map(limit) {
                let query = ListObjectsQuery {
                    limit,
                    ..query.clone()
                };
                let path = world.bucket("b");
                let rows = walk_objects(&world.engine, caller, &path, &query).await;
                assert_eq!(rows.unwrap(), expected, "{query:?} in {scope:?}");
            }
        }
    }
    listed
}

/// A name, the beginning of one, or something next to one.
fn bound<'a>(names: &[&'a str], random: &mut Random) -> &'a str {
    let name = random.pick(names);
    let ends: Vec<usize> = (1..=name.len())
        .filter(|at| name.is_char_boundary(*at))
        .collect();
    // Short beginnings keep many names.
    match random.below(4) {
        0 => name,
        1 => &name[..*random.pick(&ends)],
        _ => &name[..ends[random.below(ends.len().min(2))]],
    }
}

/// A bucket `b` with objects of so many random names.
async fn world_of_names(stores: Stores, count: usize) -> (World, BTreeSet<String>) {
    let world = World::new(stores, 1).await;
    let made = world
        .engine
        .create_bucket(&world.admin, &world.namespace, new_bucket(&world, "b"));
    assert_eq!(outcome(&made.await), "ok");
    let mut random = Random::new(count as u64);
    let mut names = BTreeSet::new();
    while names.len() < count {
        let pieces = 1 + random.below(6);
        let name: String = (0..pieces).map(|_| *random.pick(&PIECES)).collect();
        if names.insert(name.clone()) {
            let path = world.object("b", &name);
            let put = PutObject::default();
            let stored = world
                .engine
                .put_object(&world.admin, &path, put, body(b"", 1));
            assert_eq!(outcome(&stored.await), "ok");
        }
    }
    (world, names)
}

/// The holder of a PAR that lists, for a prefix or the whole bucket.
async fn listing_par(world: &World, scope: Option<&str>) -> Caller {
    let listing = Some(ListingAction::ListObjects);
    let scope = ParScope::new(AccessType::AnyObjectRead, scope, listing).unwrap();
    let (bucket, new) = (world.bucket("b"), new_par(world, scope));
    let made = world.engine.create_par(&world.admin, &bucket, new);
    world.par(made.await.unwrap().token.expose()).await
}

fn new_par(world: &World, scope: ParScope) -> NewPar {
    NewPar {
        name: "par".to_owned(),
        scope,
        time_expires: expires_in(world, Duration::from_secs(3600)),
    }
}
