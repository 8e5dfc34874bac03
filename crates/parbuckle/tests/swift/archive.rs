//! Uploading archives (Swift wire reference section 11).

use std::io::{Read, Write};

use http::Method;
use parbuckle_testkit::{Reply, pattern};
use tar::{Builder, EntryType, Header};

use crate::stage::Stage;

/// An archive of files; what ends in a slash is a folder.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        if name.ends_with('/') {
            header.set_entry_type(EntryType::Directory);
        }
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = bzip2::read::BzEncoder::new(bytes, bzip2::Compression::default());
    encoder.read_to_end(&mut packed).unwrap();
    packed
}

async fn extract(stage: &Stage, path: &str, kind: &str, bytes: Vec<u8>) -> Reply {
    let call = stage.put(&format!("{path}?extract-archive={kind}"));
    call.header("accept", "application/json")
        .body(bytes)
        .await
        .expect(200)
}

#[tokio::test]
async fn every_file_becomes_an_object_whatever_the_compression() {
    let stage = Stage::with_container().await;
    let large = pattern(300_000, 1);
    let plain = archive(&[("./a.txt", b"1"), ("dir/", b""), ("dir/b", &large)]);
    for (kind, bytes) in [
        ("tar", plain.clone()),
        ("tar.gz", gzip(&plain)),
        ("tar.bz2", bzip2(&plain)),
    ] {
        let report = extract(&stage, "c/in", kind, bytes).await.json();
        assert_eq!(report["Response Status"], "201 Created", "{kind}: {report}");
        assert_eq!(report["Number Files Created"], 2);
        let small = stage.get("c/in/a.txt").await.expect(200);
        assert_eq!(
            (small.text().as_str(), small.required("content-type")),
            ("1", "text/plain")
        );
        assert!(
            stage.get("c/in/dir/b").await.expect(200).body == large,
            "{kind}"
        );
        stage.delete("c/in/a.txt").await.expect(204);
        stage.delete("c/in/dir/b").await.expect(204);
    }
}

#[tokio::test]
async fn an_archive_for_the_account_names_containers_and_makes_them() {
    let stage = Stage::with_container().await;
    let bytes = archive(&[("beside", b"x"), ("c/old", b"1"), ("fresh/a/b", b"2")]);
    let report = extract(&stage, "", "tar", bytes).await.json();
    assert_eq!(report["Number Files Created"], 2);
    assert_eq!(stage.get("c/old").await.expect(200).text(), "1");
    assert_eq!(stage.get("fresh/a/b").await.expect(200).text(), "2");
    stage.head("beside").await.expect(404);
}

#[tokio::test]
async fn the_request_and_the_archive_bring_metadata() {
    let stage = Stage::with_container().await;
    let mut builder = Builder::new(Vec::new());
    let items = [
        ("SCHILY.xattr.user.mime_type", &b"image/png"[..]),
        ("SCHILY.xattr.user.meta.color", b"red"),
        ("SCHILY.xattr.user.meta.Shape", b"round"),
    ];
    builder.append_pax_extensions(items).unwrap();
    let mut header = Header::new_ustar();
    header.set_size(1);
    builder.append_data(&mut header, "o", &b"x"[..]).unwrap();
    let call = stage
        .put("c?extract-archive=tar")
        .header("x-object-meta-size", "small")
        .header("x-object-meta-shape", "square");
    let call = call
        .header("x-delete-after", "1000")
        .header("content-type", "application/x-tar");
    call.body(builder.into_inner().unwrap()).await.expect(200);
    let head = stage.head("c/o").await.expect(200);
    assert_eq!(head.required("content-type"), "image/png");
    assert_eq!(head.required("x-object-meta-color"), "red");
    assert_eq!(head.required("x-object-meta-size"), "small");
    assert_eq!(head.required("x-object-meta-shape"), "round");
    assert!(head.header("x-delete-at").is_some());
}

#[tokio::test]
async fn what_can_not_be_stored_is_told_and_the_rest_is_stored() {
    let stage = Stage::with_container().await;
    stage
        .post("c")
        .header("x-container-meta-quota-bytes", "5")
        .await
        .expect(204);
    let bytes = archive(&[("a", b"1"), ("too large", &[0; 600]), ("b", b"2")]);
    let report = extract(&stage, "c", "tar", bytes).await.json();
    assert_eq!(report["Response Status"], "400 Bad Request");
    assert_eq!(report["Number Files Created"], 2);
    let expected = serde_json::json!([["c/too%20large", "413 Request Entity Too Large"]]);
    assert_eq!(report["Errors"], expected);
    stage.get("c/b").await.expect(200);
}

#[tokio::test]
async fn what_is_no_archive_is_told_in_the_body() {
    let stage = Stage::with_container().await;
    let whole = archive(&[("a", &[1; 3000])]);
    for (kind, bytes, reason) in [
        ("tar", Vec::new(), "empty file"),
        ("tar", b"x".to_vec(), "truncated header"),
        ("tar", whole[..2000].to_vec(), "unexpected end of data"),
        ("tar.gz", whole.clone(), ""),
        ("tar.bz2", whole.clone(), ""),
        ("tar", archive(&[("dir/", b"")]), "No Valid Files"),
    ] {
        let report = extract(&stage, "c", kind, bytes).await.json();
        assert_eq!(report["Response Status"], "400 Bad Request");
        let body = report["Response Body"].as_str().unwrap();
        let found = body.strip_prefix("Invalid Tar File: ").unwrap();
        assert!(found.contains(reason) && !found.is_empty(), "{found}");
    }
    stage.get("c").await.expect(204);
    let unknown = stage
        .put("c?extract-archive=zip")
        .body("x")
        .await
        .expect(400);
    assert_eq!(unknown.text(), "Unsupported archive format");
}

#[tokio::test]
async fn names_that_climb_stay_names() {
    let stage = Stage::with_container().await;
    let mut header = Header::new_gnu();
    header.set_size(1);
    let name = b"../../etc/passwd";
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header, &b"x"[..]).unwrap();
    let bytes = builder.into_inner().unwrap();
    extract(&stage, "c", "tar", bytes).await;
    let listing = stage.get("c").await.expect(200).text();
    assert_eq!(listing, "../../etc/passwd\n");
}

#[tokio::test]
async fn a_user_without_rights_stores_nothing() {
    let stage = Stage::with_container().await;
    let joe = stage.user("joe").await;
    let bytes = archive(&[("c/a", b"1"), ("fresh/b", b"2")]);
    let call = joe.call(Method::PUT, "?extract-archive=tar").body(bytes);
    let text = call.await.expect(200).text();
    assert!(text.contains("Number Files Created: 0\n"), "{text}");
    assert!(
        text.contains("c/a, 403 Forbidden\nfresh/b, 403 Forbidden\n"),
        "{text}"
    );
    stage.get("c").await.expect(204);
    stage.head("fresh").await.expect(404);
    let bytes = archive(&[("c/a", b"1")]);
    let call = stage
        .anonymous(Method::PUT, "?extract-archive=tar")
        .body(bytes);
    let text = call.await.expect(200).text();
    assert!(
        text.contains("Response Status: 401 Unauthorized\n"),
        "{text}"
    );
}
