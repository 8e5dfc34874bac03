//! Checksums besides MD5: asked for, named, refused, and those of multipart objects.

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use parbuckle_engine::{
    BodyChecks, ChecksumAlgorithm, Checksums, CustomerKey, NewUpload, ObjectInfo, PartSelection,
    PutObject, ReadObject, StoredPart, UploadPart, UploadPath,
};
use parbuckle_model::Preconditions;

use super::place::Place;
use super::support::body::{body, content};
use super::support::{outcome, part};

use ChecksumAlgorithm::{Crc32c, Sha256, Sha384};

fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

fn sha384(bytes: &[u8]) -> [u8; 48] {
    digest(&SHA384, bytes).as_ref().try_into().unwrap()
}

/// What is kept of these bytes under an algorithm.
fn of(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Checksums {
    let mut kept = Checksums::default();
    match algorithm {
        Crc32c => kept.crc32c = Some(crc32c(bytes)),
        Sha256 => kept.sha256 = Some(sha256(bytes)),
        Sha384 => kept.sha384 = Some(sha384(bytes)),
    }
    kept
}

fn compute(algorithm: ChecksumAlgorithm) -> BodyChecks {
    BodyChecks {
        compute: Some(algorithm),
        ..BodyChecks::default()
    }
}

impl Place {
    async fn put_checked(&self, bytes: &[u8], checks: BodyChecks) -> Result<ObjectInfo, String> {
        let put = PutObject {
            checks,
            ..PutObject::default()
        };
        let (world, path) = (&self.world, self.world.object("b", "new"));
        let stored = world
            .engine
            .put_object(&world.admin, &path, put, body(bytes, 1));
        stored
            .await
            .map_err(|error| super::support::kind_of(&error))
    }

    async fn start(
        &self,
        checksum: Option<ChecksumAlgorithm>,
        key: Option<[u8; 32]>,
    ) -> UploadPath {
        let new = NewUpload {
            checksum,
            customer_key: key.map(CustomerKey::new),
            ..NewUpload::default()
        };
        let (world, object) = (&self.world, self.world.object("b", "new"));
        let started = world.engine.create_upload(&world.admin, &object, new).await;
        let upload = started.unwrap().upload.id;
        UploadPath { object, upload }
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        (number, bytes): (u16, &[u8]),
        checks: BodyChecks,
        key: Option<[u8; 32]>,
    ) -> StoredPart {
        let how = UploadPart {
            checks,
            customer_key: key.map(CustomerKey::new),
        };
        let (world, none) = (&self.world, Preconditions::default());
        let (number, body) = (part(number), body(bytes, 1));
        let stored = world
            .engine
            .upload_part(&world.admin, upload, number, &none, how, body);
        stored.await.unwrap()
    }

    async fn committed(&self, upload: &UploadPath) -> ObjectInfo {
        let (world, none) = (&self.world, Preconditions::default());
        let commit = world
            .engine
            .commit_upload(&world.admin, upload, PartSelection::All, &none);
        commit.await.unwrap()
    }
}

#[tokio::test]
async fn a_checksum_that_is_asked_for_is_kept_and_told_by_put_head_and_get() {
    let place = Place::new().await;
    let (world, path) = (&place.world, place.world.object("b", "new"));
    for algorithm in [Crc32c, Sha256, Sha384] {
        for size in [0, 10, 5_000] {
            let bytes = content(size, 1);
            let put = place.put_checked(&bytes, compute(algorithm)).await.unwrap();
            assert_eq!(put.checksums, of(algorithm, &bytes));
            let none = Preconditions::default();
            let head = world
                .engine
                .head_object(&world.admin, &path, &none, None, None);
            assert_eq!(head.await.unwrap().checksums, put.checksums);
            let read = world
                .engine
                .read_object(&world.admin, &path, ReadObject::default());
            assert_eq!(read.await.unwrap().info.checksums, put.checksums);
        }
    }
}

#[tokio::test]
async fn a_checksum_that_is_named_and_right_is_kept() {
    let place = Place::new().await;
    let checks = BodyChecks {
        crc32c: Some(crc32c(b"x")),
        sha384: Some(sha384(b"x")),
        ..compute(Sha256)
    };
    let put = place.put_checked(b"x", checks).await.unwrap();
    let all = Checksums {
        crc32c: Some(crc32c(b"x")),
        sha256: Some(sha256(b"x")),
        sha384: Some(sha384(b"x")),
        of_parts: false,
    };
    assert_eq!(put.checksums, all);
}

#[tokio::test]
async fn a_checksum_that_differs_stores_nothing() {
    let place = Place::new().await;
    let none = BodyChecks::default();
    let wrong = [
        BodyChecks {
            md5: Some([1; 16]),
            ..none
        },
        BodyChecks {
            crc32c: Some(1),
            ..none
        },
        BodyChecks {
            sha256: Some([1; 32]),
            ..none
        },
        BodyChecks {
            sha384: Some([1; 48]),
            ..none
        },
        BodyChecks {
            signed_sha256: Some([1; 32]),
            ..none
        },
    ];
    for checks in wrong {
        for size in [1, 5_000] {
            let refused = place.put_checked(&content(size, 1), checks).await;
            assert_eq!(refused.unwrap_err(), "ContentMismatch", "{checks:?}");
            assert_eq!(
                place.read(&place.world.admin, "new").await,
                "ObjectNotFound"
            );
        }
    }
}

#[tokio::test]
async fn what_only_the_signature_covers_is_not_kept() {
    let place = Place::new().await;
    let checks = BodyChecks {
        signed_sha256: Some(sha256(b"x")),
        ..BodyChecks::default()
    };
    let put = place.put_checked(b"x", checks).await.unwrap();
    assert_eq!(put.checksums, Checksums::default());
}

#[tokio::test]
async fn a_checksum_asked_for_at_the_start_is_that_of_every_part_and_of_the_object() {
    for (algorithm, key) in [
        (Crc32c, None),
        (Sha256, None),
        (Sha384, None),
        (Crc32c, Some([1; 32])),
    ] {
        let place = Place::new().await;
        let upload = place.start(Some(algorithm), key).await;
        let parts = [content(70_000, 1), content(5, 2)];
        for (number, bytes) in (1..).zip(&parts) {
            let stored = place
                .put_part(&upload, (number, bytes), BodyChecks::default(), key)
                .await;
            assert_eq!(stored.checksums, of(algorithm, bytes));
        }
        let info = place.committed(&upload).await;
        let expected = match algorithm {
            Crc32c => of(Crc32c, &parts.concat()),
            Sha256 => Checksums {
                of_parts: true,
                ..of(Sha256, &parts.map(|bytes| sha256(&bytes)).concat())
            },
            Sha384 => Checksums {
                of_parts: true,
                ..of(Sha384, &parts.map(|bytes| sha384(&bytes)).concat())
            },
        };
        assert_eq!(info.checksums, expected, "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_checksum_of_all_parts_is_the_objects_and_one_of_some_is_not() {
    let place = Place::new().await;
    let upload = place.start(None, None).await;
    let both = BodyChecks {
        crc32c: Some(crc32c(b"one")),
        ..compute(Sha256)
    };
    place.put_part(&upload, (1, b"one"), both, None).await;
    place
        .put_part(&upload, (2, b"two"), compute(Crc32c), None)
        .await;
    let info = place.committed(&upload).await;
    assert_eq!(info.checksums, of(Crc32c, b"onetwo"));
}

#[tokio::test]
async fn a_part_whose_checksum_differs_is_not_there() {
    let place = Place::new().await;
    let upload = place.start(Some(Crc32c), None).await;
    let how = UploadPart {
        checks: BodyChecks {
            crc32c: Some(1),
            ..BodyChecks::default()
        },
        ..UploadPart::default()
    };
    let (world, none) = (&place.world, Preconditions::default());
    let stored =
        world
            .engine
            .upload_part(&world.admin, &upload, part(1), &none, how, body(b"x", 1));
    assert_eq!(outcome(&stored.await), "ContentMismatch");
    let commit = world
        .engine
        .commit_upload(&world.admin, &upload, PartSelection::All, &none);
    assert_eq!(outcome(&commit.await), "NoPartsToCommit");
}
