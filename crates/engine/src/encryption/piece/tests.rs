//! Known answers, every border, and what a tampered piece never gives.

use parbuckle_blob::{BlobId, Store as _};
use proptest::prelude::*;

use super::*;

fn key() -> PieceKey {
    PieceKey::derive(&[1; 32], &[2; 16])
}

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 7 + (i >> 8)) % 251) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Computed by an independent implementation; stored objects depend on it.
#[test]
fn the_encrypted_form_never_changes() {
    assert_eq!(hex(&key().seal(b"")), "bf04a7bfe2e85b466dd80336fba346fd");
    assert_eq!(
        hex(&key().seal(b"hello")),
        "491f73b62d1339e204629f0ff4536ea861ac3dcaef"
    );
    let expected = [
        (
            65_536,
            "b25166313e3f78e1eca648f7d3aa51a83f1c175137aff6329de237ee5663c43e",
        ),
        (
            65_537,
            "2f5a9cd7a7df337da9df81587ffb1ddcbcec071d8c6439f70d36b26e4e26c026",
        ),
        (
            200_000,
            "2c16aec72b1628b502745b8f427548fa741098d63e8a57bf8dfd1503aa513cf3",
        ),
    ];
    for (len, hash) in expected {
        let sealed = key().seal(&data(len));
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &sealed);
        assert_eq!(hex(digest.as_ref()), hash, "{len}");
    }
}

/// Sizes around the borders of chunks.
const SIZES: [usize; 9] = [0, 1, 16, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073];

#[test]
fn lengths_are_known_both_ways_around_every_border() {
    for len in SIZES {
        let sealed = key().seal(&data(len));
        assert_eq!(sealed.len() as u64, sealed_len(len as u64), "{len}");
        assert_eq!(plain_len(sealed.len() as u64), len as u64, "{len}");
        assert_eq!(key().open(&sealed).unwrap(), data(len), "{len}");
    }
}

#[test]
fn a_piece_is_sealed_alike_however_it_comes_in() {
    for len in SIZES {
        let (plain, whole) = (data(len), key().seal(&data(len)));
        for step in [1_000, 65_535, 65_536, 65_537, 100_000] {
            let mut sealer = Sealer::new(key());
            let mut sealed = Vec::new();
            for frame in plain.chunks(step) {
                sealed.extend_from_slice(&sealer.seal(frame));
            }
            sealed.extend_from_slice(&sealer.finish());
            assert_eq!(sealed, whole, "{len} in steps of {step}");
        }
    }
}

#[test]
fn another_salt_or_key_opens_nothing() {
    let sealed = key().seal(b"secret");
    assert!(PieceKey::derive(&[1; 32], &[3; 16]).open(&sealed).is_none());
    assert!(PieceKey::derive(&[3; 32], &[2; 16]).open(&sealed).is_none());
}

#[test]
fn chunks_that_are_cut_off_swapped_or_repeated_do_not_open() {
    let sealed = key().seal(&data(3 * CHUNK_BYTES));
    let chunk = |n: usize| &sealed[n * SEALED_CHUNK_BYTES..(n + 1) * SEALED_CHUNK_BYTES];
    let forged = [
        [chunk(0), chunk(1)].concat(),
        [chunk(0), chunk(2)].concat(),
        [chunk(1), chunk(0), chunk(2)].concat(),
        [chunk(0), chunk(0), chunk(2)].concat(),
        [chunk(0), chunk(1), chunk(2), chunk(2)].concat(),
        [chunk(0), chunk(1), &chunk(2)[..100]].concat(),
        Vec::new(),
    ];
    for (n, forged) in forged.iter().enumerate() {
        assert!(key().open(forged).is_none(), "{n}");
    }
}

#[test]
fn every_flipped_bit_of_a_small_piece_is_caught() {
    let sealed = key().seal(b"hello");
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(key().open(&flipped).is_none(), "{bit}");
    }
}

/// Reads a range of a sealed blob, or says that it is damaged; the bytes before the damage come too.
async fn read(stored: &[u8], range: Range<u64>) -> (Vec<u8>, bool) {
    let store = parbuckle_blob::MemoryStore::new(Arc::new(|| std::time::SystemTime::UNIX_EPOCH));
    let id = BlobId([1; 16]);
    let mut writer = store.create(id, None).await.unwrap();
    writer.write(Bytes::copy_from_slice(stored)).await.unwrap();
    let sealed = writer.seal().await.unwrap();
    let blob = store.open(id, sealed).await.unwrap();
    let mut stream = opened(key(), blob, sealed.len, range);
    let mut all = Vec::new();
    while let Some(item) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        match item {
            Ok(bytes) => all.extend_from_slice(&bytes),
            Err(_) => return (all, false),
        }
    }
    (all, true)
}

#[tokio::test]
async fn ranges_at_the_borders_of_chunks_are_what_they_are_of_the_plaintext() {
    let plain = data(2 * CHUNK_BYTES + 100);
    let sealed = key().seal(&plain);
    let ends = [
        0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 131_172,
    ];
    for start in ends {
        for end in ends.into_iter().filter(|end| *end >= start) {
            let (got, whole) = read(&sealed, start as u64..end as u64).await;
            assert!(whole && got == plain[start..end], "{start}..{end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_range_of_any_length_is_what_it_is_of_the_plaintext(
        len in 1usize..300_000, a in 0.0f64..1.0, b in 0.0f64..1.0,
    ) {
        let at = |x: f64| (x * len as f64) as usize;
        let (start, end) = (at(a.min(b)), at(a.max(b)));
        let plain = data(len);
        let sealed = key().seal(&plain);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (got, whole) = runtime.block_on(read(&sealed, start as u64..end as u64));
        prop_assert!(whole);
        prop_assert_eq!(&got[..], &plain[start..end]);
    }

    #[test]
    fn a_tampered_piece_gives_nothing_but_a_true_beginning(
        len in 1usize..300_000, place in 0.0f64..1.0, cut in any::<bool>(), bit in 0u8..8,
    ) {
        let plain = data(len);
        let mut sealed = key().seal(&plain).to_vec();
        let place = (place * sealed.len() as f64) as usize;
        match cut {
            true => sealed.truncate(place),
            false => sealed[place] ^= 1 << bit,
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (got, whole) = runtime.block_on(read(&sealed, 0..len as u64));
        prop_assert!(!whole);
        prop_assert_eq!(&got[..], &plain[..got.len()]);
    }
}
