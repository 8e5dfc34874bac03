//! Objects: put, read, post, delete, copy, and what the native API has of them.

use parbuckle_engine::swift::{
    CopySwiftObject, EtagList, ObjectFields, PutSwiftObject, ReadConditions, ReadOutcome, SwiftRead,
};
use parbuckle_engine::{Deleted, Error, PutObject, ReadObject};
use parbuckle_model::{ObjectAttributes, RangeRequest, UserMetadata};

use crate::stage::{Stage, acls, body, fields, joined, outcome, pairs};

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage
}

fn shown(metadata: &UserMetadata) -> Vec<(String, String)> {
    metadata
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[tokio::test]
async fn what_is_put_is_read_with_its_md5_as_etag() {
    let stage = stage().await;
    let put = stage.put("c", "o", b"hello").await;
    assert_eq!(put.etag.to_string(), "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(stage.read("c", "o").await, b"hello");
}

#[tokio::test]
async fn an_object_put_by_swift_is_read_natively_and_the_other_way_round() {
    let stage = stage().await;
    let mut written = fields(&[("Color", "blue")]);
    written.attributes.content_type = Some("text/plain".to_owned());
    stage.put_with("c", "o", written, b"hello").await.unwrap();
    let (admin, path) = (&stage.world.admin, stage.object("c", "o"));
    let read = stage
        .engine()
        .read_object(admin, &path, ReadObject::default())
        .await
        .unwrap();
    assert_eq!(
        read.info.attributes.content_type.as_deref(),
        Some("text/plain")
    );
    assert_eq!(
        shown(&read.info.attributes.metadata),
        pairs(&[("color", "blue")])
    );
    let put = PutObject {
        attributes: ObjectAttributes {
            metadata: UserMetadata::new(pairs(&[("shape", "round")])).unwrap(),
            ..ObjectAttributes::default()
        },
        ..PutObject::default()
    };
    stage
        .engine()
        .put_object(admin, &path, put, body(b"world"))
        .await
        .unwrap();
    let content = stage
        .open(&stage.owner, "c", "o", &SwiftRead::default())
        .await
        .unwrap();
    assert_eq!(
        shown(&content.object.fields.attributes.metadata),
        pairs(&[("shape", "round")])
    );
    assert_eq!(joined(content).await.unwrap(), b"world");
}

#[tokio::test]
async fn metadata_of_4096_bytes_is_kept_and_read_natively() {
    let stage = stage().await;
    let items: Vec<(String, String)> = (0..16)
        .map(|n| (format!("n{n:02}"), "v".repeat(253)))
        .collect();
    let items: Vec<(&str, &str)> = items
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    stage
        .put_with("c", "o", fields(&items), b"x")
        .await
        .unwrap();
    let (admin, path) = (&stage.world.admin, stage.object("c", "o"));
    let info = stage
        .engine()
        .read_object(admin, &path, ReadObject::default())
        .await
        .unwrap()
        .info;
    assert_eq!(shown(&info.attributes.metadata), pairs(&items));
}

#[tokio::test]
async fn another_md5_than_announced_stores_nothing() {
    let stage = stage().await;
    let put = PutSwiftObject {
        md5: Some([0; 16]),
        ..PutSwiftObject::default()
    };
    let path = stage.object("c", "o");
    let done = stage
        .engine()
        .swift_put_object(&stage.owner, &path, put, body(b"x"))
        .await;
    assert_eq!(outcome(&done), "ContentMismatch");
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "o").await,
        "ObjectNotFound"
    );
}

#[tokio::test]
async fn only_new_objects_are_put_where_that_is_asked_for() {
    let stage = stage().await;
    let put = || PutSwiftObject {
        only_new: true,
        ..PutSwiftObject::default()
    };
    let path = stage.object("c", "o");
    let first = stage
        .engine()
        .swift_put_object(&stage.owner, &path, put(), body(b"x"))
        .await;
    let second = stage
        .engine()
        .swift_put_object(&stage.owner, &path, put(), body(b"x"))
        .await;
    assert_eq!(
        (outcome(&first), outcome(&second)),
        ("ok".to_owned(), "IfNoneMatchFailed".to_owned())
    );
}

#[tokio::test]
async fn a_post_replaces_metadata_and_headers_and_keeps_the_content_type() {
    let stage = stage().await;
    let mut before = fields(&[("A", "1")]);
    before.attributes.content_type = Some("text/plain".to_owned());
    before.attributes.content_encoding = Some("gzip".to_owned());
    before.robots = Some("noindex".to_owned());
    let put = stage.put_with("c", "o", before, b"hello").await.unwrap();
    stage.world.environment.advance(5);
    let path = stage.object("c", "o");
    stage
        .engine()
        .swift_post_object(&stage.owner, &path, &fields(&[("B", "2")]))
        .await
        .unwrap();
    let after = stage
        .open(&stage.owner, "c", "o", &SwiftRead::default())
        .await
        .unwrap()
        .object;
    assert_eq!(
        shown(&after.fields.attributes.metadata),
        pairs(&[("b", "2")])
    );
    assert_eq!(
        after.fields.attributes.content_type.as_deref(),
        Some("text/plain")
    );
    assert_eq!(
        (
            after.fields.attributes.content_encoding,
            after.fields.robots
        ),
        (None, None)
    );
    assert_eq!(after.etag, put.etag);
    assert!(after.time_modified > put.time_modified);
    assert_eq!(stage.read("c", "o").await, b"hello");
}

#[tokio::test]
async fn post_and_delete_of_a_missing_object_say_so() {
    let stage = stage().await;
    let path = stage.object("c", "o");
    let post = stage
        .engine()
        .swift_post_object(&stage.owner, &path, &ObjectFields::default())
        .await;
    let delete: Result<Deleted, Error> = stage
        .engine()
        .swift_delete_object(&stage.owner, &path)
        .await;
    assert_eq!(outcome(&post), "ObjectNotFound");
    assert_eq!(outcome(&delete), "ObjectToDeleteNotFound");
}

#[tokio::test]
async fn conditions_speak_of_md5_and_time() {
    let stage = stage().await;
    stage.put("c", "o", b"hello").await;
    let path = stage.object("c", "o");
    let read = |conditions| {
        let read = SwiftRead {
            conditions,
            ..SwiftRead::default()
        };
        let (stage, path) = (&stage, &path);
        async move {
            stage
                .engine()
                .swift_read_object(&stage.owner, path, &read)
                .await
                .unwrap()
        }
    };
    let own = Some(EtagList::parse("\"5d41402abc4b2a76b9719d911017c592\""));
    let matching = ReadConditions {
        if_match: own.clone(),
        ..ReadConditions::default()
    };
    assert!(matches!(read(matching).await, ReadOutcome::Found(_)));
    let fresh = ReadConditions {
        if_none_match: own,
        ..ReadConditions::default()
    };
    assert!(matches!(read(fresh).await, ReadOutcome::NotModified(_)));
    let other = Some(EtagList::parse("00"));
    let other = ReadConditions {
        if_match: other,
        ..ReadConditions::default()
    };
    assert!(matches!(
        read(other).await,
        ReadOutcome::PreconditionFailed(Some(_))
    ));
}

#[tokio::test]
async fn if_match_any_fails_on_a_missing_object() {
    let stage = stage().await;
    let conditions = ReadConditions {
        if_match: Some(EtagList::Any),
        ..ReadConditions::default()
    };
    let read = SwiftRead {
        conditions,
        ..SwiftRead::default()
    };
    let path = stage.object("c", "o");
    let done = stage
        .engine()
        .swift_head_object(&stage.owner, &path, &read)
        .await
        .unwrap();
    assert!(matches!(done, ReadOutcome::PreconditionFailed(None)));
}

#[tokio::test]
async fn several_ranges_are_several_bodies() {
    let stage = stage().await;
    for (size, name) in [(10, "small"), (100_000, "large")] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| n as u8).collect();
        stage.put("c", name, &bytes).await;
        let read = SwiftRead {
            ranges: vec![RangeRequest::FromTo(1, 2), RangeRequest::Last(3)],
            ..SwiftRead::default()
        };
        let content = stage.open(&stage.owner, "c", name, &read).await.unwrap();
        let end = bytes.len();
        assert_eq!(content.ranges, [1..3, end as u64 - 3..end as u64]);
        let expected = [&bytes[1..3], &bytes[end - 3..]].concat();
        assert_eq!(joined(content).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn ranges_outside_are_told_with_the_object() {
    let stage = stage().await;
    stage.put("c", "o", b"hello").await;
    let read = SwiftRead {
        ranges: vec![RangeRequest::From(5)],
        ..SwiftRead::default()
    };
    let path = stage.object("c", "o");
    let done = stage
        .engine()
        .swift_read_object(&stage.owner, &path, &read)
        .await
        .unwrap();
    assert!(matches!(done, ReadOutcome::RangeUnsatisfiable(object) if object.size == 5));
}

#[tokio::test]
async fn a_copy_keeps_metadata_and_takes_what_the_request_brings() {
    let stage = stage().await;
    let mut source = fields(&[("A", "1"), ("B", "1")]);
    source.attributes.content_type = Some("text/plain".to_owned());
    stage.put_with("c", "o", source, b"hello").await.unwrap();
    let copied = copy(
        &stage,
        CopySwiftObject {
            fields: fields(&[("B", "2")]),
            ..CopySwiftObject::default()
        },
    );
    let copied = copied.await;
    assert_eq!(
        shown(&copied.attributes.metadata),
        pairs(&[("a", "1"), ("b", "2")])
    );
    assert_eq!(
        copied.attributes.content_type.as_deref(),
        Some("text/plain")
    );
    let fresh = CopySwiftObject {
        fields: fields(&[("C", "3")]),
        fresh: true,
        ..CopySwiftObject::default()
    };
    let copied = copy(&stage, fresh).await;
    assert_eq!(shown(&copied.attributes.metadata), pairs(&[("c", "3")]));
    assert_eq!(
        copied.attributes.content_type.as_deref(),
        Some("text/plain")
    );
    assert_eq!(stage.read("c", "copy").await, b"hello");
}

#[tokio::test]
async fn a_copy_of_a_range_is_that_part() {
    let stage = stage().await;
    stage.put("c", "o", b"hello").await;
    let ranges = vec![RangeRequest::FromTo(1, 3), RangeRequest::From(9)];
    copy(
        &stage,
        CopySwiftObject {
            ranges,
            ..CopySwiftObject::default()
        },
    )
    .await;
    assert_eq!(stage.read("c", "copy").await, b"ell");
}

async fn copy(stage: &Stage, copy: CopySwiftObject) -> ObjectFields {
    let (source, target) = (stage.object("c", "o"), stage.object("c", "copy"));
    let done = stage
        .engine()
        .swift_copy_object(&stage.owner, &source, &target, copy, &|_| Vec::new())
        .await
        .unwrap();
    let ReadOutcome::Found(copied) = done else {
        panic!("not copied")
    };
    copied.copy.fields
}
