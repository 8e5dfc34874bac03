//! Large objects, dynamic and static, and bulk deletion.

use parbuckle_engine::swift::{
    BulkItem, CopySwiftObject, DynamicManifest, NewSegment, ObjectFields, PutSwiftObject,
    ReadConditions, ReadOutcome, Segment, SegmentRefusal, StaticManifest, SwiftRead, SwiftRefusal,
};
use parbuckle_engine::{ErrorKind, ReadObject};
use parbuckle_model::RangeRequest;

use crate::stage::{Stage, acls, joined, outcome};

/// A container with three segments, `seg/1` to `seg/3`.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage.put_container("parts", acls("", "")).await;
    for (name, bytes) in [("seg/1", "abcd"), ("seg/2", "efg"), ("seg/3", "hi")] {
        stage.put("parts", name, bytes.as_bytes()).await;
    }
    stage
}

fn segment(name: &str) -> NewSegment {
    NewSegment {
        container: "parts".to_owned(),
        object: name.to_owned(),
        spelled: format!("/parts/{name}"),
        etag: None,
        size: None,
        range: None,
        inline: None,
    }
}

/// What clients are shown of a manifest does not matter here.
fn unshown(_: &[Segment]) -> Vec<u8> {
    Vec::new()
}

fn dynamic(container: &str, prefix: &str) -> ObjectFields {
    ObjectFields {
        dynamic: Some(DynamicManifest {
            container: container.to_owned(),
            prefix: prefix.to_owned(),
            sent: None,
        }),
        ..ObjectFields::default()
    }
}

async fn put_static(
    stage: &Stage,
    name: &str,
    segments: &[NewSegment],
) -> Result<String, parbuckle_engine::Error> {
    let (path, put) = (stage.object("c", name), PutSwiftObject::default());
    let done = stage
        .engine()
        .swift_put_manifest(&stage.owner, &path, put, segments, &unshown)
        .await?;
    Ok(done.etag.to_string())
}

/// Reads the manifest of an object of `c`.
async fn manifest_of(stage: &Stage, name: &str) -> StaticManifest {
    let (path, always) = (stage.object("c", name), ReadConditions::default());
    let engine = stage.engine();
    match engine
        .swift_read_manifest(&stage.owner, &path, &always)
        .await
    {
        Ok(ReadOutcome::Found(manifest)) => manifest,
        other => panic!("{other:?}"),
    }
}

async fn put_three(stage: &Stage) {
    let segments = ["seg/1", "seg/2", "seg/3"].map(segment);
    put_static(stage, "slo", &segments).await.unwrap();
}

async fn read_ranges(stage: &Stage, name: &str, ranges: &[RangeRequest]) -> String {
    let read = SwiftRead {
        ranges: ranges.to_vec(),
        ..SwiftRead::default()
    };
    let content = stage.open(&stage.owner, "c", name, &read).await.unwrap();
    String::from_utf8(joined(content).await.unwrap()).unwrap()
}

fn refusals(error: &parbuckle_engine::Error) -> Vec<SegmentRefusal> {
    match error.kind() {
        ErrorKind::Swift(SwiftRefusal::SegmentsRefused(refused)) => refused.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dynamic_large_object_is_what_lies_under_its_prefix_now() {
    let stage = stage().await;
    stage
        .put_with("c", "dlo", dynamic("parts", "seg/"), b"")
        .await
        .unwrap();
    assert_eq!(stage.read("c", "dlo").await, b"abcdefghi");
    stage.put("parts", "seg/4", b"jk").await;
    assert_eq!(stage.read("c", "dlo").await, b"abcdefghijk");
    assert_eq!(
        read_ranges(&stage, "dlo", &[RangeRequest::FromTo(3, 7)]).await,
        "defgh"
    );
    let several = [RangeRequest::FromTo(0, 0), RangeRequest::FromTo(2, 2)];
    assert_eq!(read_ranges(&stage, "dlo", &several).await, "abcdefghijk");
}

#[tokio::test]
async fn the_etag_of_a_dynamic_large_object_is_quoted_and_made_of_its_segments() {
    let stage = stage().await;
    stage
        .put_with("c", "dlo", dynamic("parts", "seg/1"), b"")
        .await
        .unwrap();
    let object = stage
        .open(&stage.owner, "c", "dlo", &SwiftRead::default())
        .await
        .unwrap()
        .object;
    // MD5 of the 32 digits of the MD5 of "abcd".
    assert_eq!(
        object.etag.to_string(),
        "\"1fdda3f0c5555b8b3057369ba3c58215\""
    );
    assert_eq!((object.size, object.manifest_size), (4, 0));
}

#[tokio::test]
async fn a_dynamic_large_object_without_segments_is_empty() {
    let stage = stage().await;
    stage
        .put_with("c", "dlo", dynamic("parts", "none/"), b"")
        .await
        .unwrap();
    assert_eq!(stage.read("c", "dlo").await, b"");
}

#[tokio::test]
async fn a_post_without_manifest_makes_a_plain_object() {
    let stage = stage().await;
    stage
        .put_with("c", "dlo", dynamic("parts", "seg/"), b"x")
        .await
        .unwrap();
    let path = stage.object("c", "dlo");
    stage
        .engine()
        .swift_post_object(&stage.owner, &path, &ObjectFields::default())
        .await
        .unwrap();
    assert_eq!(stage.read("c", "dlo").await, b"x");
}

#[tokio::test]
async fn a_static_large_object_is_its_segments_in_order() {
    let stage = stage().await;
    put_three(&stage).await;
    assert_eq!(stage.read("c", "slo").await, b"abcdefghi");
    assert_eq!(
        read_ranges(&stage, "slo", &[RangeRequest::FromTo(3, 7)]).await,
        "defgh"
    );
    let several = [RangeRequest::FromTo(0, 0), RangeRequest::Last(2)];
    assert_eq!(read_ranges(&stage, "slo", &several).await, "ahi");
}

#[tokio::test]
async fn a_segment_is_read_by_its_number() {
    let stage = stage().await;
    put_three(&stage).await;
    let read = |number| SwiftRead {
        part_number: Some(number),
        ..SwiftRead::default()
    };
    let content = stage
        .open(&stage.owner, "c", "slo", &read(2))
        .await
        .unwrap();
    assert_eq!(content.part_count, Some(3));
    assert_eq!(content.ranges.first(), Some(&(4..7)));
    assert_eq!(joined(content).await.unwrap(), b"efg");
    let path = stage.object("c", "slo");
    for number in [0, 4] {
        let done = stage
            .engine()
            .swift_read_object(&stage.owner, &path, &read(number))
            .await
            .unwrap();
        assert!(matches!(done, ReadOutcome::RangeUnsatisfiable(_)));
    }
}

#[tokio::test]
async fn segments_may_be_used_in_part_and_lie_in_one_another() {
    let stage = stage().await;
    let part = NewSegment {
        range: Some(RangeRequest::Last(2)),
        ..segment("seg/1")
    };
    put_static(&stage, "inner", &[part, segment("seg/2")])
        .await
        .unwrap();
    let inner = NewSegment {
        container: "c".to_owned(),
        range: Some(RangeRequest::FromTo(1, 3)),
        ..segment("inner")
    };
    put_static(&stage, "outer", &[segment("seg/3"), inner])
        .await
        .unwrap();
    assert_eq!(stage.read("c", "inner").await, b"cdefg");
    assert_eq!(stage.read("c", "outer").await, b"hidef");
}

#[tokio::test]
async fn of_more_segments_in_one_another_than_memory_should_hold_only_parts_are_read() {
    let stage = stage().await;
    let thousand = vec![segment("seg/1"); 1000];
    put_static(&stage, "thousand", &thousand).await.unwrap();
    let nested = NewSegment {
        container: "c".to_owned(),
        ..segment("thousand")
    };
    put_static(&stage, "many", &vec![nested; 101])
        .await
        .unwrap();
    let first = [RangeRequest::FromTo(0, 5)];
    assert_eq!(read_ranges(&stage, "many", &first).await, "abcdab");
    let whole = stage.read_outcome(&stage.owner, "c", "many").await;
    assert_eq!(whole, "LargeObjectBroken");
}

#[tokio::test]
async fn segments_that_can_not_be_used_are_all_told_and_nothing_is_stored() {
    let stage = stage().await;
    stage.put("parts", "zero", b"").await;
    let segments = [
        NewSegment {
            etag: Some("0".repeat(32)),
            ..segment("seg/1")
        },
        NewSegment {
            size: Some(9),
            ..segment("seg/2")
        },
        segment("missing"),
        NewSegment {
            range: Some(RangeRequest::From(9)),
            ..segment("seg/3")
        },
        segment("zero"),
        segment("seg/1"),
    ];
    let refused = refusals(&put_static(&stage, "slo", &segments).await.unwrap_err());
    let told: Vec<_> = refused
        .iter()
        .map(|r| (r.path.as_str(), r.reason))
        .collect();
    let expected = [
        ("/parts/seg/1", "Etag Mismatch"),
        ("/parts/seg/2", "Size Mismatch"),
        ("/parts/missing", "404 Not Found"),
        ("/parts/seg/3", "Unsatisfiable Range"),
        (
            "/parts/zero",
            "Too small; each segment must be at least 1 byte.",
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "slo").await,
        "ObjectNotFound"
    );
}

#[tokio::test]
async fn a_segment_that_has_changed_breaks_the_object() {
    let stage = stage().await;
    put_three(&stage).await;
    stage.put("parts", "seg/1", b"ABCD").await;
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "slo").await,
        "LargeObjectBroken"
    );
    assert_eq!(
        read_ranges(&stage, "slo", &[RangeRequest::From(4)]).await,
        "efghi"
    );
}

#[tokio::test]
async fn a_later_segment_that_is_gone_ends_the_body_early() {
    let stage = stage().await;
    put_three(&stage).await;
    let path = stage.object("parts", "seg/3");
    stage
        .engine()
        .swift_delete_object(&stage.owner, &path)
        .await
        .unwrap();
    let content = stage
        .open(&stage.owner, "c", "slo", &SwiftRead::default())
        .await
        .unwrap();
    assert_eq!(outcome(&joined(content).await), "LargeObjectBroken");
}

#[tokio::test]
async fn a_reader_needs_rights_to_the_segments_too() {
    let stage = stage().await;
    put_three(&stage).await;
    let (_, joe) = stage.caller("joe").await;
    stage
        .put_container("c", acls(stage.namespace.as_str(), ""))
        .await;
    assert_eq!(
        stage.read_outcome(&joe, "c", "slo").await,
        "LargeObjectBroken"
    );
    stage
        .put_container("parts", acls(stage.namespace.as_str(), ""))
        .await;
    assert_eq!(stage.read_outcome(&joe, "c", "slo").await, "ok");
}

#[tokio::test]
async fn a_manifest_tells_its_segments() {
    let stage = stage().await;
    put_three(&stage).await;
    let segments = manifest_of(&stage, "slo").await.segments;
    let told: Vec<_> = segments
        .iter()
        .map(|s| (s.object.as_str(), s.size, s.nested))
        .collect();
    assert_eq!(
        told,
        [
            ("seg/1", 4, false),
            ("seg/2", 3, false),
            ("seg/3", 2, false)
        ]
    );
    let plain = stage.object("parts", "seg/1");
    let (engine, always) = (stage.engine(), ReadConditions::default());
    let plain = engine
        .swift_read_manifest(&stage.owner, &plain, &always)
        .await;
    assert_eq!(outcome(&plain), "NotStaticManifest");
}

#[tokio::test]
async fn a_manifest_has_the_etag_and_size_of_what_clients_are_shown() {
    let stage = stage().await;
    let path = stage.object("c", "slo");
    let show = |segments: &[Segment]| segments[0].object.clone().into_bytes();
    let (put, segments) = (PutSwiftObject::default(), [segment("seg/1")]);
    let engine = stage.engine();
    let done = engine
        .swift_put_manifest(&stage.owner, &path, put, &segments, &show)
        .await;
    let made = done.unwrap();
    let shown = manifest_of(&stage, "slo").await.object;
    let md5: String = fast_md5::digest(b"seg/1")
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!((shown.etag.to_string(), shown.size), (md5, 5));
    assert_eq!(made.manifest_etag, shown.etag);
}

#[tokio::test]
async fn bytes_can_stand_in_the_manifest_itself() {
    let stage = stage().await;
    let inline = |bytes: &'static [u8]| NewSegment {
        inline: Some(bytes.into()),
        ..segment("")
    };
    let segments = [inline(b"<<"), segment("seg/1"), inline(b">>")];
    put_static(&stage, "slo", &segments).await.unwrap();
    assert_eq!(stage.read("c", "slo").await, b"<<abcd>>");
    let ranges = [RangeRequest::FromTo(1, 2), RangeRequest::Last(1)];
    assert_eq!(read_ranges(&stage, "slo", &ranges).await, "<a>");
    let path = stage.object("c", "slo");
    let deleted = stage
        .engine()
        .swift_delete_manifest(&stage.owner, &path)
        .await;
    assert_eq!(deleted.unwrap().deleted, 2);
    let refused = put_static(&stage, "slo", &[inline(b"")]).await;
    assert_eq!(refusals(&refused.unwrap_err()).len(), 1);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_segment_is_told() {
    let stage = stage().await;
    let wrong = NewSegment {
        etag: Some("0".repeat(32)),
        size: Some(9),
        ..segment("seg/1")
    };
    let refused = refusals(&put_static(&stage, "slo", &[wrong]).await.unwrap_err());
    let reasons: Vec<_> = refused.iter().map(|refusal| refusal.reason).collect();
    assert_eq!(reasons, ["Size Mismatch", "Etag Mismatch"]);
}

#[tokio::test]
async fn the_etag_expected_of_the_whole_is_compared() {
    let stage = stage().await;
    let put = PutSwiftObject {
        md5: Some([0; 16]),
        ..PutSwiftObject::default()
    };
    let path = stage.object("c", "slo");
    let done = stage
        .engine()
        .swift_put_manifest(&stage.owner, &path, put, &[segment("seg/1")], &unshown)
        .await;
    assert_eq!(outcome(&done), "EtagMismatch");
}

#[tokio::test]
async fn a_copy_of_a_large_object_is_its_content_unless_the_manifest_is_asked_for() {
    let stage = stage().await;
    put_three(&stage).await;
    let (source, target) = (stage.object("c", "slo"), stage.object("c", "copy"));
    for (manifest, is_static) in [(false, false), (true, true)] {
        let copy = CopySwiftObject {
            manifest,
            ..CopySwiftObject::default()
        };
        let done = stage
            .engine()
            .swift_copy_object(&stage.owner, &source, &target, copy, &|_| Vec::new())
            .await
            .unwrap();
        let ReadOutcome::Found(copied) = done else {
            panic!("not copied")
        };
        assert_eq!((copied.copy.is_static, copied.copy.size), (is_static, 9));
        assert_eq!(stage.read("c", "copy").await, b"abcdefghi");
    }
}

#[tokio::test]
async fn the_native_api_reads_the_manifest_and_not_the_whole() {
    let stage = stage().await;
    put_three(&stage).await;
    let path = stage.object("c", "slo");
    let read = stage
        .engine()
        .read_object(&stage.world.admin, &path, ReadObject::default())
        .await;
    assert_ne!(read.unwrap().info.size, 9);
}

#[tokio::test]
async fn a_static_large_object_is_deleted_with_its_segments() {
    let stage = stage().await;
    put_three(&stage).await;
    let path = stage.object("parts", "seg/3");
    stage
        .engine()
        .swift_delete_object(&stage.owner, &path)
        .await
        .unwrap();
    let path = stage.object("c", "slo");
    let done = stage
        .engine()
        .swift_delete_manifest(&stage.owner, &path)
        .await
        .unwrap();
    assert_eq!((done.deleted, done.not_found, done.errors.len()), (3, 1, 0));
    assert_eq!(
        stage.names("parts", &Default::default()).await,
        Vec::<String>::new()
    );
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "slo").await,
        "ObjectNotFound"
    );
}

#[tokio::test]
async fn bulk_deletion_counts_and_goes_on_after_what_fails() {
    let stage = stage().await;
    let item = |container: &str, object: Option<&str>| BulkItem {
        container: container.to_owned(),
        object: object.map(str::to_owned),
    };
    let items = [
        item("parts", Some("seg/1")),
        item("parts", None),
        item("parts", Some("missing")),
        item("no such container!", Some("x")),
        item("c", None),
    ];
    let done = stage
        .engine()
        .swift_bulk_delete(&stage.owner, &stage.namespace, &items)
        .await
        .unwrap();
    assert_eq!((done.deleted, done.not_found), (2, 2));
    assert_eq!(done.errors.len(), 1);
    assert!(matches!(
        done.errors[0].1.kind(),
        ErrorKind::BucketNotEmpty(_)
    ));
}
