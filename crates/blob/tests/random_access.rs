//! Random splits of the writes and random ranges against a plain vector.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use parbuckle_blob::conformance::{content, read_all};
use parbuckle_blob::local::tamper;
use parbuckle_blob::{BlobId, LocalStore, MemoryStore, Store};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const ID: BlobId = BlobId([9; 16]);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_blob_is_the_vector_that_was_written(
        seed in any::<u64>(),
        pieces in prop::collection::vec(prop_oneof![0..300usize, 0..200_000usize], 0..12),
        ranges in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..12),
        cold in any::<bool>(),
    ) {
        let bytes = content(pieces.iter().sum(), seed);
        let ranges: Vec<_> = ranges
            .iter()
            .map(|(one, other)| {
                let (one, other) = (one.index(bytes.len() + 1), other.index(bytes.len() + 1));
                one.min(other)..one.max(other)
            })
            .collect();
        let folder = TempDir::new().expect("a folder for the test");
        let clock = Arc::new(|| SystemTime::UNIX_EPOCH);
        let local = LocalStore::open(folder.path(), clock.clone()).expect("an empty folder opens");
        let memory = MemoryStore::new(clock);
        Runtime::new().expect("a runtime").block_on(async {
            for store in [local.clone() as Arc<dyn Store>, memory] {
                let mut writer = store.create(ID, None).await?;
                let mut rest = Bytes::from(bytes.clone());
                for len in &pieces {
                    writer.write(rest.split_to(*len)).await?;
                }
                let sealed = writer.seal().await?;
                prop_assert_eq!(sealed.len, bytes.len() as u64);
                if cold {
                    // Of no effect on the memory store's blob, which has the same id.
                    tamper::evict(&local, ID)?;
                }
                let blob = store.open(ID, sealed).await?;
                for range in &ranges {
                    let read = read_all(blob.clone(), range.start as u64..range.end as u64).await;
                    prop_assert!(read.is_ok_and(|read| read == bytes[range.clone()]), "{:?}", range);
                }
            }
            Ok(())
        })?;
    }
}
