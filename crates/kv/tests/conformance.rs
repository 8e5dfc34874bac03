//! Every backend keeps every rule of the contract.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

use std::sync::Arc;

use parbuckle_kv::{EmbeddedOptions, EmbeddedStore, Faults, FaultyStore, MemoryStore, Store};
use tempfile::TempDir;

mod memory {
    parbuckle_kv::conformance_suite!(super::open_memory());
}

mod embedded {
    parbuckle_kv::conformance_suite!(super::open_embedded(super::EmbeddedOptions::default()));
}

/// A cache of a few entries evicts all the time.
mod embedded_with_a_tiny_cache {
    parbuckle_kv::conformance_suite!(super::open_embedded(super::TINY_CACHES));
}

mod embedded_without_cache {
    parbuckle_kv::conformance_suite!(super::open_embedded(super::NO_HOT_CACHE));
}

mod faulty_without_faults {
    parbuckle_kv::conformance_suite!(super::open_faulty());
}

const TINY_CACHES: EmbeddedOptions = EmbeddedOptions {
    block_cache_bytes: 64 * 1024,
    hot_cache_bytes: 32 * 1024,
};

const NO_HOT_CACHE: EmbeddedOptions = EmbeddedOptions {
    block_cache_bytes: 1024 * 1024,
    hot_cache_bytes: 0,
};

async fn open_memory() -> (Arc<dyn Store>, ()) {
    (Arc::new(MemoryStore::new()), ())
}

async fn open_embedded(options: EmbeddedOptions) -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path(), options).unwrap();
    (store, folder)
}

async fn open_faulty() -> (Arc<dyn Store>, ()) {
    (
        Arc::new(FaultyStore::new(
            Arc::new(MemoryStore::new()),
            Faults::new(),
        )),
        (),
    )
}
