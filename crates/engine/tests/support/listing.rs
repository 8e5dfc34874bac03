//! What a listing is, said in the plainest way, and walks through pages.

use std::collections::BTreeMap;

use parbuckle_engine::{BucketPath, Caller, Engine, Error, ObjectListing, ObjectVersion, Page};
use parbuckle_model::{ListObjectsQuery, ObjectFields, ObjectPrefix, PageLimit, PageToken};

/// The rows of a listing on one page: names in byte order, `true` for a prefix.
pub(crate) type Rows = Vec<(String, bool)>;

/// A query without conditions.
pub(crate) fn everything() -> ListObjectsQuery {
    ListObjectsQuery {
        prefix: prefix(""),
        start: None,
        start_after: None,
        end: None,
        delimited: false,
        limit: PageLimit::default(),
        fields: ObjectFields::default(),
    }
}

/// A prefix.
pub(crate) fn prefix(text: &str) -> ObjectPrefix {
    ObjectPrefix::parse(text.as_bytes()).unwrap()
}

/// A page of so many items.
pub(crate) fn limit(items: usize) -> PageLimit {
    PageLimit::parse(&items.to_string()).unwrap()
}

/// All rows that a query has for someone who sees the names that begin with `scope`, whatever the page size.
pub(crate) fn expected_rows<'a>(
    names: impl Iterator<Item = &'a str>,
    scope: &str,
    query: &ListObjectsQuery,
) -> Rows {
    let asked = query.prefix.as_str();
    let wanted = |name: &str| name.starts_with(scope) && wanted(name, query);
    let mut rows = BTreeMap::new();
    for name in names.filter(|name| wanted(name)) {
        match name[asked.len()..].find('/').filter(|_| query.delimited) {
            Some(at) => rows.insert(name[..asked.len() + at + 1].to_owned(), true),
            None => rows.insert(name.to_owned(), false),
        };
    }
    rows.into_iter().collect()
}

/// Whether a query asks for a name.
fn wanted(name: &str, query: &ListObjectsQuery) -> bool {
    let after = query.start_after.as_deref();
    name.starts_with(query.prefix.as_str())
        && query.start.as_deref().is_none_or(|start| name >= start)
        && after.is_none_or(|after| name > after)
        && query.end.as_deref().is_none_or(|end| name < end)
}

/// The rows of a listing of versions: names in byte order, without a version for a prefix.
pub(crate) type VersionRows = Vec<(String, Option<ObjectVersion>)>;

/// All rows that a query has, whatever the page size. The versions come by name, then youngest first.
pub(crate) fn expected_version_rows(
    versions: impl Iterator<Item = (String, ObjectVersion)>,
    query: &ListObjectsQuery,
) -> VersionRows {
    let asked = query.prefix.as_str().len();
    let mut rows = VersionRows::new();
    for (name, version) in versions.filter(|(name, _)| wanted(name, query)) {
        match name[asked..].find('/').filter(|_| query.delimited) {
            Some(at) => rows.push((name[..asked + at + 1].to_owned(), None)),
            None => rows.push((name, Some(version))),
        }
    }
    rows.dedup_by(|b, a| a.0 == b.0 && a.1.is_none());
    rows
}

/// Follows the cursors of a listing of versions to the end. Every page is within its limit, and each but the last is
/// full.
pub(crate) async fn walk_versions(
    engine: &Engine,
    caller: &Caller,
    bucket: &BucketPath,
    query: &ListObjectsQuery,
) -> Result<VersionRows, Error> {
    let (most, mut rows, mut next) = (query.limit.value(), VersionRows::new(), None);
    loop {
        let page = engine.list_object_versions(caller, bucket, query, next.as_ref());
        let page = page.await?;
        let versions = page.versions.into_iter().map(|v| (v.name, Some(v.version)));
        let prefixes = page.prefixes.into_iter().map(|prefix| (prefix, None));
        let mut on_page: VersionRows = versions.chain(prefixes).collect();
        // Stable: the versions of a name stay as they came.
        on_page.sort_by(|a, b| a.0.cmp(&b.0));
        assert!(on_page.len() <= most, "{} rows", on_page.len());
        let full = on_page.len() == most;
        rows.extend(on_page);
        let Some(token) = page.next else {
            return Ok(rows);
        };
        assert!(full, "a page with a next one is full");
        // The cursor goes by way of its text, as it does with clients.
        next = Some(PageToken::parse(&token.to_text()).unwrap());
    }
}

/// The rows of one page, in order.
pub(crate) fn rows_of(page: &ObjectListing) -> Rows {
    let objects = page.objects.iter().map(|o| (o.name.clone(), false));
    let prefixes = page.prefixes.iter().map(|p| (p.clone(), true));
    let mut rows: Rows = objects.chain(prefixes).collect();
    rows.sort();
    rows
}

/// Follows `next_start_with` to the end. Every page is sorted and within its limit, and each but the last is full.
pub(crate) async fn walk_objects(
    engine: &Engine,
    caller: &Caller,
    bucket: &BucketPath,
    query: &ListObjectsQuery,
) -> Result<Rows, Error> {
    let mut query = query.clone();
    let mut rows = Rows::new();
    loop {
        let page = engine.list_objects(caller, bucket, &query).await?;
        assert!(
            page.objects.is_sorted_by(|a, b| a.name < b.name),
            "{page:?}"
        );
        assert!(page.prefixes.is_sorted_by(|a, b| a < b), "{page:?}");
        let on_page = rows_of(&page);
        let most = query.limit.value();
        assert!(on_page.len() <= most, "{} rows", on_page.len());
        rows.extend(on_page.iter().cloned());
        let Some(next) = page.next_start_with else {
            return Ok(rows);
        };
        assert_eq!(on_page.len(), most, "a page with a next one is full");
        query.start_after = None;
        query.start = Some(next);
    }
}

/// Follows the cursors of a list to the end. No page is over its limit.
pub(crate) async fn walk_pages<T, F>(limit: PageLimit, mut page: F) -> Result<Vec<T>, Error>
where
    F: AsyncFnMut(Option<&PageToken>) -> Result<Page<T>, Error>,
{
    let mut items = Vec::new();
    let mut next: Option<PageToken> = None;
    loop {
        let got = page(next.as_ref()).await?;
        assert!(got.items.len() <= limit.value(), "{}", got.items.len());
        items.extend(got.items);
        // The cursor goes by way of its text, as it does with clients.
        next = got
            .next
            .map(|token| PageToken::parse(&token.to_text()).unwrap());
        if next.is_none() {
            return Ok(items);
        }
    }
}
