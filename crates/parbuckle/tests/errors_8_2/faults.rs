//! The rows that need a fault below the server: bytes damaged on the disk, a disk that takes no more.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use parbuckle_testkit::{Reply, TestServer, pattern};
use tempfile::TempDir;

/// Larger than what is kept inside records, so that it has a file of its own.
const LARGE: usize = 1 << 20;
/// The longest file that the full disk takes: the key-value store's journal is somewhat shorter.
const FILE_BYTES_MAX: usize = 80 << 20;

/// The reply to the request that belongs to this row; none if the row is not among those below.
pub(crate) async fn reply(row: &str) -> Option<Reply> {
    match row {
        "damaged object" => Some(damaged_object().await),
        "full disk" => Some(full_disk().await),
        _ => None,
    }
}

async fn damaged_object() -> Reply {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    admin.put_object("b", "o", pattern(1, LARGE)).await;
    let blobs = files_below(&server.data_dir().join("blobs"));
    let long = |path: &&PathBuf| fs::metadata(path).unwrap().len() >= LARGE as u64;
    let blob = blobs.iter().find(long).expect("the object has a file");
    let file = fs::File::options().write(true).open(blob).unwrap();
    file.set_len(LARGE as u64 / 2).unwrap();
    admin.get(admin.object_path("b", "o")).await
}

/// A limit on the length of files makes writes fail as a full disk does.
async fn full_disk() -> Reply {
    let folder = TempDir::with_prefix("parbuckle-full-").unwrap();
    let script = folder.path().join("serve");
    let binary = env!("CARGO_BIN_EXE_parbuckle");
    let blocks = FILE_BYTES_MAX / 512;
    let text = format!("#!/bin/sh\ntrap '' XFSZ\nulimit -f {blocks}\nexec '{binary}' \"$@\"\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let server = TestServer::start(script).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    let target = admin.object_path("b", "o");
    admin
        .put(target)
        .body(pattern(1, FILE_BYTES_MAX + LARGE))
        .await
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files
}
