//! Listings of containers.

use parbuckle_engine::ObjectMd5;
use parbuckle_engine::swift::{ContainerRow, ListQuery};

use crate::stage::{Stage, acls, fields, outcome};

const NAMES: [&str; 8] = [
    "a",
    "b/1",
    "b/2",
    "b/c/3",
    "d",
    "photos--x",
    "photos--y",
    "é",
];

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    for name in NAMES {
        stage.put("c", name, name.as_bytes()).await;
    }
    stage
}

fn query(words: &[(&str, &str)]) -> ListQuery {
    let mut query = ListQuery::default();
    for (word, value) in words {
        let value = (*value).to_owned();
        match *word {
            "prefix" => query.prefix = value,
            "marker" => query.marker = value,
            "end_marker" => query.end_marker = value,
            "delimiter" => query.delimiter = value,
            "path" => query.path = Some(value),
            "reverse" => query.reverse = true,
            "limit" => query.limit = value.parse().unwrap(),
            other => panic!("{other}"),
        }
    }
    query
}

#[tokio::test]
async fn names_come_in_byte_order_within_marker_end_marker_prefix_and_limit() {
    let stage = stage().await;
    for (words, expected) in [
        (&[][..], &NAMES[..]),
        (&[("marker", "b/1"), ("end_marker", "d")], &["b/2", "b/c/3"]),
        (&[("prefix", "b/"), ("limit", "2")], &["b/1", "b/2"]),
        (&[("limit", "0")], &[]),
        (&[("prefix", "b/"), ("marker", "zzz")], &[]),
    ] {
        assert_eq!(stage.names("c", &query(words)).await, expected, "{words:?}");
    }
}

#[tokio::test]
async fn reverse_turns_the_order_and_the_markers() {
    let stage = stage().await;
    let all: Vec<&str> = NAMES.iter().rev().copied().collect();
    assert_eq!(stage.names("c", &query(&[("reverse", "")])).await, all);
    let words = [("reverse", ""), ("marker", "d"), ("end_marker", "b/1")];
    assert_eq!(stage.names("c", &query(&words)).await, ["b/c/3", "b/2"]);
}

#[tokio::test]
async fn a_delimiter_of_any_length_collapses_names() {
    let stage = stage().await;
    for (words, expected) in [
        (
            &[("delimiter", "/")][..],
            &["a", "b/*", "d", "photos--x", "photos--y", "é"][..],
        ),
        (
            &[("delimiter", "/"), ("prefix", "b/")],
            &["b/1", "b/2", "b/c/*"],
        ),
        (&[("delimiter", "--"), ("prefix", "p")], &["photos--*"]),
        (&[("delimiter", "/"), ("limit", "2")], &["a", "b/*"]),
        (
            &[("delimiter", "/"), ("marker", "b/")],
            &["d", "photos--x", "photos--y", "é"],
        ),
        (
            &[("delimiter", "/"), ("marker", "b/1"), ("limit", "1")],
            &["b/*"],
        ),
        (
            &[
                ("delimiter", "/"),
                ("reverse", ""),
                ("end_marker", "a"),
                ("marker", "d"),
            ],
            &["b/*"],
        ),
    ] {
        assert_eq!(stage.names("c", &query(words)).await, expected, "{words:?}");
    }
}

#[tokio::test]
async fn a_path_lists_what_lies_directly_below_it() {
    let stage = stage().await;
    stage.put("c", "b/", b"").await;
    stage.put("c", "b/c/", b"").await;
    for (path, expected) in [
        ("b", &["b/1", "b/2", "b/c/"][..]),
        ("b/", &["b/1", "b/2", "b/c/"]),
        ("", &["a", "b/", "d", "photos--x", "photos--y", "é"]),
    ] {
        assert_eq!(
            stage.names("c", &query(&[("path", path)])).await,
            expected,
            "{path}"
        );
    }
}

#[tokio::test]
async fn groups_larger_than_a_read_are_stepped_over_in_both_directions() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    for n in 0..300 {
        stage.put("c", &format!("g/{n:03}"), b"").await;
    }
    stage.put("c", "a", b"").await;
    stage.put("c", "z", b"").await;
    assert_eq!(
        stage.names("c", &query(&[("delimiter", "/")])).await,
        ["a", "g/*", "z"]
    );
    let back = query(&[("delimiter", "/"), ("reverse", "")]);
    assert_eq!(stage.names("c", &back).await, ["z", "g/*", "a"]);
    assert_eq!(stage.names("c", &query(&[])).await.len(), 302);
}

#[tokio::test]
async fn more_rows_than_ten_thousand_are_refused() {
    let stage = stage().await;
    let (path, query) = (stage.container("c"), query(&[("limit", "10001")]));
    let done = stage
        .engine()
        .swift_list_container(&stage.owner, &path, &query, |_| ());
    assert_eq!(outcome(&done.await), "InvalidParameter");
}

#[tokio::test]
async fn a_row_tells_bytes_hash_type_and_time() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    let mut fields = fields(&[]);
    fields.attributes.content_type = Some("text/plain".to_owned());
    let put = stage.put_with("c", "o", fields, b"hello").await.unwrap();
    let path = stage.container("c");
    let mut rows = 0;
    let show = |row: ContainerRow<'_>| {
        let ContainerRow::Object(row) = row else {
            panic!("{row:?}")
        };
        rows += 1;
        let md5 = "5d41402abc4b2a76b9719d911017c592";
        let md5 = u128::from_str_radix(md5, 16).unwrap().to_be_bytes();
        assert_eq!((row.bytes, row.hash), (5, ObjectMd5::Whole(md5)));
        assert_eq!(row.content_type, Some("text/plain"));
        assert_eq!((row.time_modified, row.slo_etag), (put.time_modified, None));
    };
    stage
        .engine()
        .swift_list_container(&stage.owner, &path, &ListQuery::default(), show)
        .await
        .unwrap();
    assert_eq!(rows, 1);
}
