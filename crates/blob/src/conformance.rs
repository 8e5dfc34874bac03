//! What every backend must do: one function per rule, over a fresh store. A breach panics.
//!
//! [`blob_conformance!`](crate::blob_conformance) makes a test of each rule for a backend.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Blob, BlobId, Error, Sealed, Store};

/// Makes one `#[tokio::test]` per rule. The expression gives a fresh `Arc<dyn Store>` and a guard that keeps it
/// alive, as a pair; the calling crate needs tokio.
#[macro_export]
macro_rules! blob_conformance {
    ($make:expr) => {
        $crate::blob_conformance!(@rules $make;
            sealed_bytes_read_back_whole
            every_range_reads_the_same_bytes_as_the_whole
            an_empty_range_has_no_bytes
            a_range_beyond_the_length_is_an_error
            an_id_is_used_once
            a_delete_can_be_repeated
            a_deleted_blob_is_not_found
            a_delete_does_not_end_open_streams
            an_unsealed_blob_that_is_deleted_does_not_seal
            a_blob_opens_only_as_it_was_sealed
            an_unsealed_blob_cannot_be_opened
            a_dropped_writer_leaves_nothing
            pages_of_every_size_list_the_same
            a_listing_begins_after_any_id
            writers_do_not_disturb_each_other
            pieces_of_any_size_keep_their_order
        );
    };
    (@rules $make:expr; $($rule:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let (store, _guard) = $make;
                $crate::conformance::$rule(store).await;
            }
        )*
    };
}

const KIB: usize = 1024;

/// Lengths around the borders of chunks and buffers.
const LENGTHS: [usize; 8] = [
    0,
    1,
    64 * KIB - 1,
    64 * KIB,
    64 * KIB + 1,
    256 * KIB,
    1024 * KIB + 7,
    5 * 1024 * KIB,
];

/// How often a rule looks for the effect of something that happens in the background.
const LOOKS: usize = 10_000;

/// What was sealed reads back, byte for byte, at every length.
pub async fn sealed_bytes_read_back_whole(store: Arc<dyn Store>) {
    for (number, len) in LENGTHS.into_iter().enumerate() {
        let bytes = content(len, number as u64);
        let sealed = stored(&*store, id(number), &bytes).await;
        assert_eq!(sealed.len, len as u64);
        assert!(
            whole(&*store, id(number), sealed).await == bytes,
            "{len} bytes"
        );
    }
}

/// A range has the bytes that a slice of the whole has, wherever it begins and ends.
pub async fn every_range_reads_the_same_bytes_as_the_whole(store: Arc<dyn Store>) {
    let bytes = content(1024 * KIB + 7, 1);
    let sealed = stored(&*store, id(1), &bytes).await;
    let blob = opened(&*store, id(1), sealed).await;
    let mut random = Random(1);
    for _ in 0..200 {
        let mut ends = [0, 0].map(|_| random.below(sealed.len + 1));
        ends.sort_unstable();
        let range = ends[0]..ends[1];
        let read = read_all(blob.clone(), range.clone()).await;
        let slice = &bytes[range.start as usize..range.end as usize];
        assert!(read.is_ok_and(|read| read == slice), "{range:?}");
    }
}

/// An empty range is empty everywhere up to and including the end.
pub async fn an_empty_range_has_no_bytes(store: Arc<dyn Store>) {
    let sealed = stored(&*store, id(1), &content(100 * KIB, 1)).await;
    let blob = opened(&*store, id(1), sealed).await;
    for at in [0, 1, 64 * 1024, sealed.len] {
        let read = read_all(blob.clone(), at..at).await;
        assert!(read.is_ok_and(|read| read.is_empty()), "at {at}");
    }
}

/// Asking for bytes that the blob does not have is refused before any byte.
pub async fn a_range_beyond_the_length_is_an_error(store: Arc<dyn Store>) {
    let sealed = stored(&*store, id(1), b"0123456789").await;
    let blob = opened(&*store, id(1), sealed).await;
    for (start, end) in [(0, 11), (10, 11), (11, 11), (4, 3), (0, u64::MAX)] {
        let outcome = read_all(blob.clone(), start..end).await;
        let refused = outcome.is_err_and(|(read, error)| {
            read.is_empty()
                && matches!(error, Error::Io(error) if error.kind() == ErrorKind::InvalidInput)
        });
        assert!(refused, "{start}..{end}");
    }
}

/// A second blob of the same id is refused, and the first stays.
pub async fn an_id_is_used_once(store: Arc<dyn Store>) {
    for (number, len) in [10, 500 * KIB].into_iter().enumerate() {
        let bytes = content(len, 1);
        let sealed = stored(&*store, id(number), &bytes).await;
        let second = put(&*store, id(number), &content(len, 2)).await;
        let refused =
            matches!(second, Err(Error::Io(error)) if error.kind() == ErrorKind::AlreadyExists);
        assert!(refused, "{len} bytes");
        assert!(
            whole(&*store, id(number), sealed).await == bytes,
            "{len} bytes"
        );
    }
}

/// Deleting what is gone, or never was, succeeds.
pub async fn a_delete_can_be_repeated(store: Arc<dyn Store>) {
    stored(&*store, id(1), b"abc").await;
    for _ in 0..2 {
        store.delete(id(1)).await.expect("a delete can be repeated");
    }
    store
        .delete(id(2))
        .await
        .expect("a blob that never was can be deleted");
}

/// After a delete, the blob is gone for `open` and `list`, also if it was read before.
pub async fn a_deleted_blob_is_not_found(store: Arc<dyn Store>) {
    let sealed = stored(&*store, id(1), b"abc").await;
    whole(&*store, id(1), sealed).await;
    store
        .delete(id(1))
        .await
        .expect("a sealed blob can be deleted");
    assert!(matches!(
        store.open(id(1), sealed).await.err(),
        Some(Error::NotFound)
    ));
    assert_eq!(listed(&*store).await, []);
}

/// A stream that was begun, and a blob that was open, deliver everything after a delete.
pub async fn a_delete_does_not_end_open_streams(store: Arc<dyn Store>) {
    let bytes = content(1024 * KIB + 7, 1);
    let sealed = stored(&*store, id(1), &bytes).await;
    let blob = opened(&*store, id(1), sealed).await;
    let mut stream = blob.clone().read(0..sealed.len);
    let first = poll_fn(|context| stream.as_mut().poll_next(context)).await;
    let first = first
        .expect("the stream is not empty")
        .expect("the first bytes are good");
    store
        .delete(id(1))
        .await
        .expect("a blob that is open can be deleted");
    let mut read = first.to_vec();
    while let Some(item) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        read.extend_from_slice(&item.expect("the stream outlives the name"));
    }
    assert!(read == bytes);
    assert!(
        read_all(blob, 0..sealed.len)
            .await
            .is_ok_and(|read| read == bytes)
    );
}

/// A blob in the making that was listed and then deleted does not come back.
pub async fn an_unsealed_blob_that_is_deleted_does_not_seal(store: Arc<dyn Store>) {
    let mut writer = store.create(id(1), None).await.expect("the id is free");
    writer
        .write(content(200 * KIB, 1).into())
        .await
        .expect("the blob takes bytes");
    until_listed(&*store, &[id(1)]).await;
    store
        .delete(id(1))
        .await
        .expect("an unsealed blob can be deleted");
    assert!(matches!(writer.seal().await, Err(Error::NotFound)));
    until_listed(&*store, &[]).await;
}

/// Another length, check or blob's `Sealed` is refused as damage, before and after a good open.
pub async fn a_blob_opens_only_as_it_was_sealed(store: Arc<dyn Store>) {
    let sealed = stored(&*store, id(1), &content(100 * KIB, 1)).await;
    let other = stored(&*store, id(2), &content(100 * KIB, 1)).await;
    let Sealed { len, check } = sealed;
    let wrong = [
        Sealed {
            len: len - 1,
            check,
        },
        Sealed {
            len: len + 1,
            check,
        },
        Sealed {
            len: u64::MAX,
            check,
        },
        Sealed {
            len,
            check: check ^ 1,
        },
        other,
    ];
    for round in ["before", "after"] {
        for wrong in wrong {
            let opened = store.open(id(1), wrong).await.err();
            assert!(
                matches!(opened, Some(Error::Damaged(_))),
                "{wrong:?} {round}"
            );
        }
        opened(&*store, id(1), sealed).await;
    }
}

/// A blob that is still being written is not readable.
pub async fn an_unsealed_blob_cannot_be_opened(store: Arc<dyn Store>) {
    let bytes = content(200 * KIB, 1);
    let sealed = stored(&*store, id(1), &bytes).await;
    store
        .delete(id(1))
        .await
        .expect("a sealed blob can be deleted");
    let mut writer = store
        .create(id(1), None)
        .await
        .expect("the id is free again");
    writer
        .write(bytes.into())
        .await
        .expect("the blob takes bytes");
    let opened = store.open(id(1), sealed).await.err();
    assert!(matches!(opened, Some(Error::NotFound | Error::Damaged(_))));
}

/// A writer that is dropped takes its blob with it, small or large, idle or busy.
pub async fn a_dropped_writer_leaves_nothing(store: Arc<dyn Store>) {
    for (number, len) in [0, 10, 100 * KIB, 3 * 1024 * KIB].into_iter().enumerate() {
        let mut writer = store
            .create(id(number), None)
            .await
            .expect("the id is free");
        for piece in Bytes::from(content(len, 1)).chunks(300 * KIB) {
            writer
                .write(Bytes::copy_from_slice(piece))
                .await
                .expect("the blob takes bytes");
        }
    }
    until_listed(&*store, &[]).await;
}

/// The size of a page does not change what a walk finds, nor its order.
pub async fn pages_of_every_size_list_the_same(store: Arc<dyn Store>) {
    let mut ids: Vec<_> = (0..150).map(id).collect();
    for id in &ids {
        stored(&*store, *id, b"abc").await;
    }
    ids.sort_unstable();
    for size in [1, 7, 50, 150, 1000] {
        let mut walked = Vec::new();
        loop {
            let page = store
                .list(walked.last().copied(), size)
                .await
                .expect("a page");
            walked.extend(page.iter().map(|listed| listed.id));
            if page.len() < size {
                break;
            }
        }
        assert_eq!(walked, ids, "pages of {size}");
    }
    assert_eq!(store.list(None, 0).await.expect("an empty page"), []);
}

/// A walk may begin after an id that no blob has.
pub async fn a_listing_begins_after_any_id(store: Arc<dyn Store>) {
    for first in [0, 3, 4, 200, 255] {
        stored(&*store, BlobId([first; 16]), b"abc").await;
    }
    let page = store.list(Some(BlobId([3; 16])), 2).await.expect("a page");
    assert_eq!(
        page.iter().map(|listed| listed.id.0[0]).collect::<Vec<_>>(),
        [4, 200]
    );
    let page = store
        .list(Some(BlobId([100; 16])), 9)
        .await
        .expect("a page");
    assert_eq!(
        page.iter().map(|listed| listed.id.0[0]).collect::<Vec<_>>(),
        [200, 255]
    );
    assert_eq!(
        store
            .list(Some(BlobId([255; 16])), 9)
            .await
            .expect("a page"),
        []
    );
}

/// 32 blobs written at the same time are as good as one.
pub async fn writers_do_not_disturb_each_other(store: Arc<dyn Store>) {
    let tasks = (0..32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let bytes = content(number * 17 * KIB + 1, number as u64);
            let sealed = stored(&*store, id(number), &bytes).await;
            assert!(
                whole(&*store, id(number), sealed).await == bytes,
                "writer {number}"
            );
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no writer failed");
    }
    assert_eq!(listed(&*store).await.len(), 32);
}

/// Pieces of very different sizes, empty ones too, arrive in order.
pub async fn pieces_of_any_size_keep_their_order(store: Arc<dyn Store>) {
    let bytes = Bytes::from(content(2 * 1024 * KIB, 1));
    let mut writer = store.create(id(1), Some(7)).await.expect("the id is free");
    let (mut random, mut rest) = (Random(2), bytes.clone());
    while !rest.is_empty() {
        let scale = 1 << random.below(20);
        let len = rest.len().min(random.below(scale) as usize);
        writer
            .write(rest.split_to(len))
            .await
            .expect("the blob takes bytes");
    }
    let sealed = writer.seal().await.expect("the blob seals");
    assert!(whole(&*store, id(1), sealed).await == bytes);
}

/// `len` bytes that look random and depend on `seed`.
pub fn content(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let words = std::iter::repeat_with(|| random.next().to_le_bytes());
    words.take(len.div_ceil(8)).flatten().take(len).collect()
}

/// Stores a blob, in pieces of 256 KiB.
pub async fn put(store: &dyn Store, id: BlobId, bytes: &[u8]) -> Result<Sealed, Error> {
    let mut writer = store.create(id, Some(bytes.len() as u64)).await?;
    for piece in bytes.chunks(256 * KIB) {
        writer.write(Bytes::copy_from_slice(piece)).await?;
    }
    writer.seal().await
}

/// All bytes of a range, or those before the error, with it. Checks that an error is the last item.
pub async fn read_all(blob: Arc<dyn Blob>, range: Range<u64>) -> Result<Vec<u8>, (Vec<u8>, Error)> {
    let mut stream = blob.read(range);
    let mut read = Vec::new();
    loop {
        match poll_fn(|context| stream.as_mut().poll_next(context)).await {
            Some(Ok(bytes)) => read.extend_from_slice(&bytes),
            Some(Err(error)) => {
                let next = poll_fn(|context| stream.as_mut().poll_next(context)).await;
                assert!(next.is_none(), "an error ends the stream");
                return Err((read, error));
            }
            None => return Ok(read),
        }
    }
}

async fn stored(store: &dyn Store, id: BlobId, bytes: &[u8]) -> Sealed {
    put(store, id, bytes).await.expect("the blob seals")
}

async fn opened(store: &dyn Store, id: BlobId, sealed: Sealed) -> Arc<dyn Blob> {
    store.open(id, sealed).await.expect("a sealed blob opens")
}

async fn whole(store: &dyn Store, id: BlobId, sealed: Sealed) -> Vec<u8> {
    let blob = opened(store, id, sealed).await;
    read_all(blob, 0..sealed.len)
        .await
        .expect("sealed bytes are good")
}

async fn listed(store: &dyn Store) -> Vec<BlobId> {
    let page = store.list(None, 10_000).await.expect("a page");
    page.iter().map(|listed| listed.id).collect()
}

/// Looks until the store lists just `ids`: a background job may still be under way.
async fn until_listed(store: &dyn Store, ids: &[BlobId]) {
    for _ in 0..LOOKS {
        if listed(store).await == ids {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(listed(store).await, ids);
}

/// The id number `number` of a fixed random series.
fn id(number: usize) -> BlobId {
    let mut random = Random(number as u64 ^ 0x5eed);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next().to_le_bytes());
    id[8..].copy_from_slice(&random.next().to_le_bytes());
    BlobId(id)
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
