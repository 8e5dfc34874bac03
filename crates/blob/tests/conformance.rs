//! Every backend keeps every rule.

use std::sync::Arc;
use std::time::SystemTime;

use parbuckle_blob::{Clock, FaultyStore, LocalStore, MemoryStore, Store};
use tempfile::TempDir;

mod memory {
    parbuckle_blob::blob_conformance!(super::memory());
}

mod local {
    parbuckle_blob::blob_conformance!(super::local());
}

mod faulty {
    parbuckle_blob::blob_conformance!({
        let (store, guard) = super::memory();
        (
            super::FaultyStore::new(store) as super::Arc<dyn super::Store>,
            guard,
        )
    });
}

fn memory() -> (Arc<dyn Store>, ()) {
    (MemoryStore::new(clock()), ())
}

fn local() -> (Arc<dyn Store>, TempDir) {
    let folder = TempDir::new().expect("a folder for the test");
    let store = LocalStore::open(folder.path(), clock()).expect("an empty folder opens");
    (store, folder)
}

fn clock() -> Clock {
    Arc::new(|| SystemTime::UNIX_EPOCH)
}
