//! Listing versions, page by page: whatever the page size, the pages together are what the plain definition says (wire
//! reference section 5).

use parbuckle_engine::{ListedVersion, ObjectVersion, VersionListing};
use parbuckle_model::{
    ListObjectsQuery, PageToken, Preconditions, PublicAccess, VersionId, Versioning,
};

use super::shelf::Shelf;
use super::support::body::content;
use super::support::environment::Random;
use super::support::listing::{everything, limit, prefix};
use super::support::world::{Stores, World};
use super::support::{kind_of, outcome};

#[tokio::test]
async fn only_users_on_their_own_authority_list_versions() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let (world, bucket) = (&shelf.world, shelf.bucket());
    let change = parbuckle_engine::BucketChange {
        public_access: Some(PublicAccess::ObjectRead),
        ..Default::default()
    };
    let none = Preconditions::default();
    let updated = world
        .engine
        .update_bucket(&world.admin, bucket, change, &none);
    assert_eq!(outcome(&updated.await), "ok");
    let query = everything();
    for (caller, expected) in [
        (&shelf.par().await, "BucketNotFound"),
        (&world.anonymous().await, "BucketNotFound"),
        (&world.foreigner, "NamespaceNotFound"),
        (&world.admin, "ok"),
    ] {
        let listed = world
            .engine
            .list_object_versions(caller, bucket, &query, None);
        assert_eq!(outcome(&listed.await), expected);
    }
}

#[tokio::test]
async fn bounds_that_are_no_names_and_empty_pages_are_refused() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let bad = || Some("a\0b".to_owned());
    let query = everything;
    let queries = [
        ListObjectsQuery {
            start: bad(),
            ..query()
        },
        ListObjectsQuery {
            start_after: bad(),
            ..query()
        },
        ListObjectsQuery {
            end: bad(),
            ..query()
        },
        ListObjectsQuery {
            start: Some("a".to_owned()),
            start_after: Some("a".to_owned()),
            ..query()
        },
    ];
    let (engine, admin, bucket) = (&shelf.world.engine, &shelf.world.admin, shelf.bucket());
    for query in &queries {
        let listed = engine.list_object_versions(admin, bucket, query, None);
        assert_eq!(outcome(&listed.await), "InvalidParameter", "{query:?}");
    }
    let empty = PageToken::new(Vec::new());
    let query = query();
    let listed = engine.list_object_versions(admin, bucket, &query, Some(&empty));
    assert_eq!(outcome(&listed.await), "InvalidParameter");
}

/// What comes between two pages neither repeats nor hides what was there before.
#[tokio::test]
async fn an_overwrite_between_two_pages_does_not_disturb_the_walk() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    for size in 1..=3 {
        shelf.put("o", &content(size, 1)).await;
    }
    shelf.put("p", &content(9, 1)).await;
    let query = ListObjectsQuery {
        limit: limit(1),
        ..everything()
    };
    let (mut page, mut sizes) = (None, Vec::new());
    loop {
        let (engine, admin) = (&shelf.world.engine, &shelf.world.admin);
        let listing = engine
            .list_object_versions(admin, shelf.bucket(), &query, page.as_ref())
            .await
            .unwrap();
        for listed in &listing.versions {
            if let ObjectVersion::Object(info) = &listed.version {
                sizes.push(info.size);
            }
        }
        shelf.put("o", &content(100, 1)).await;
        page = listing.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [3, 2, 1, 9]);
}

/// Names with separators that pile up and neighbours of `/` and of zero in byte order.
const PIECES: [&str; 9] = ["a", "b", "/", "/", ".", "0", "\u{1}", "é", "\u{10ffff}"];

/// A line of a listing: a prefix, or a name with a version.
type Line = (String, Option<VersionId>);

#[tokio::test]
async fn versions_page_alike_at_every_page_size_for_every_combination_of_parameters() {
    check_listings(Stores::Memory, 300, 1).await;
}

#[tokio::test]
async fn versions_page_alike_on_disk() {
    check_listings(Stores::Disk, 60, 2).await;
}

#[tokio::test]
async fn without_versioning_the_current_objects_are_the_versions() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let mut expected = Vec::new();
    for name in ["a", "a/b", "b"] {
        expected.push(ListedVersion {
            name: name.to_owned(),
            version: ObjectVersion::Object(shelf.put(name, b"x").await),
        });
    }
    assert_eq!(shelf.versions().await, expected);
}

/// Writes and deletes at random, and compares listings with what was written: every combination of parameters with
/// random values, at three page sizes.
async fn check_listings(stores: Stores, writes: usize, seed: u64) {
    let shelf = Shelf::over(stores, Versioning::Enabled).await;
    let mut random = Random::new(seed);
    let all = fill(&shelf, writes, &mut random).await;
    let mut listed = 0;
    for combination in 0..32u32 {
        let has = |bit: u32| combination & (1 << bit) != 0;
        if has(1) && has(2) {
            continue;
        }
        for _ in 0..3 {
            let mut bound = || bound(&all, &mut random);
            let query = ListObjectsQuery {
                prefix: prefix(&if has(0) { bound() } else { String::new() }),
                start: has(1).then(&mut bound),
                start_after: has(2).then(&mut bound),
                end: has(3).then(&mut bound),
                delimited: has(4),
                ..everything()
            };
            let expected = expected_lines(&all, &query);
            listed += expected.len();
            for items in [1, 7, 1000] {
                let limit = limit(items);
                let query = ListObjectsQuery {
                    limit,
                    ..query.clone()
                };
                assert_eq!(walk(&shelf.world, &query).await, expected, "{query:?}");
            }
        }
    }
    // Had the parameters left next to nothing to list, the test would show nothing.
    assert!(listed > 10 * writes, "only {listed} lines");
}

/// All versions by name, youngest first. One name has many.
async fn fill(shelf: &Shelf, writes: usize, random: &mut Random) -> Vec<(String, VersionId)> {
    let mut made: Vec<(String, VersionId)> = Vec::new();
    for write in 0..writes {
        let pieces = 1 + random.below(4);
        let name: String = match write % 10 {
            0 => "a/many".to_owned(),
            _ => (0..pieces).map(|_| *random.pick(&PIECES)).collect(),
        };
        let version = shelf.put(&name, b"x").await.version_id;
        made.push((name.clone(), version));
        if random.below(3) == 0 {
            let marker = shelf.delete(&name).await.version_id.unwrap();
            made.push((name, marker));
        }
    }
    // The order of making says which is younger, whatever the ids are.
    made.reverse();
    made.sort_by(|a, b| a.0.cmp(&b.0));
    made
}

/// A name or the beginning of one.
fn bound(all: &[(String, VersionId)], random: &mut Random) -> String {
    let name = &random.pick(all).0;
    let chars = match random.below(3) {
        0 => name.chars().count(),
        _ => 1 + random.below(2),
    };
    name.chars().take(chars).collect()
}

fn expected_lines(all: &[(String, VersionId)], query: &ListObjectsQuery) -> Vec<Line> {
    let asked = query.prefix.as_str();
    let wanted = |name: &str| {
        name.starts_with(asked)
            && query.start.as_deref().is_none_or(|start| name >= start)
            && query
                .start_after
                .as_deref()
                .is_none_or(|after| name > after)
            && query.end.as_deref().is_none_or(|end| name < end)
    };
    let mut lines: Vec<Line> = Vec::new();
    for (name, version) in all.iter().filter(|(name, _)| wanted(name)) {
        let line = match name[asked.len()..].find('/').filter(|_| query.delimited) {
            Some(at) => (name[..asked.len() + at + 1].to_owned(), None),
            None => (name.clone(), Some(*version)),
        };
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Follows the cursor to the end. Every page but the last is full.
async fn walk(world: &World, query: &ListObjectsQuery) -> Vec<Line> {
    let (mut lines, mut page) = (Vec::new(), None::<PageToken>);
    loop {
        let listing = world
            .engine
            .list_object_versions(&world.admin, &world.bucket("b"), query, page.as_ref())
            .await
            .unwrap_or_else(|error| panic!("{}", kind_of(&error)));
        let on_page = lines_of(&listing);
        let next = listing.next;
        let full = on_page.len() == query.limit.value();
        assert!(full || (next.is_none() && on_page.len() < query.limit.value()));
        lines.extend(on_page);
        // The cursor goes by way of its text, as it does with clients.
        page = next.map(|token| PageToken::parse(&token.to_text()).unwrap());
        if page.is_none() {
            return lines;
        }
    }
}

/// The lines of one page, prefixes at their place.
fn lines_of(listing: &VersionListing) -> Vec<Line> {
    let versions = listing.versions.iter();
    let versions = versions.map(|v| (v.name.clone(), Some(v.version.version_id())));
    let prefixes = listing.prefixes.iter().map(|p| (p.clone(), None));
    let mut lines: Vec<Line> = versions.chain(prefixes).collect();
    // Stable: versions of one name stay as they came.
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines
}
