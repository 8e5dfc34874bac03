//! An exact, bounded cache of point reads, absences included.
//!
//! # Why it never lies
//!
//! Batches are numbered; the state of number n holds the batches 1 to n. There is one writer, the committer.
//! For batch n it does, in this order:
//!
//! 1. commit n to the tree, durably;
//! 2. `apply(n)`: for each key of the batch, under the lock of the key's shard, set the shard's `applied` to
//!    n and replace or drop the cached entry; a replaced entry gets `since` = n;
//! 3. publish the pair (n, tree snapshot), one object, as the newest state.
//!
//! A reader holds a published pair (s, snapshot). The snapshot was taken by the committer between its batches
//! s and s + 1, so it shows exactly the batches up to s: there is no gap between the two to reason about.
//!
//! *Invariant*, at any moment and for every shard: an entry (value, `since`) is what the key holds in every
//! state from `since` up to the last batch applied to the shard.
//! - `apply` keeps it: it replaces or drops exactly the entries whose key changed. The value of a replaced
//!   entry is valid from n on.
//! - `offer` keeps it: the reader read the value in state s, and enters it with `since` = s only if
//!   `applied` <= s. Then no batch above s that touches this shard was applied, so the value still holds
//!   for the last batch applied. A later batch that changes the key comes past the same lock and finds the
//!   entry.
//!
//! *Lookup* in state s takes an entry only if `since` <= s. Since s is published, all batches up to s were
//! applied before (step 2 precedes step 3), so s lies between `since` and the last applied batch, where
//! the entry is right. An entry that a batch above s replaced has `since` > s and is not used; the reader
//! asks its own snapshot.
//!
//! If step 1 fails, steps 2 and 3 do not happen: cache and published state stay at n - 1, which is what the
//! tree shows, and no batch follows. Eviction only removes entries, which needs no argument.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, Weighter};

/// Larger values are not cached: the tree is fast enough for them, relative to what they weigh.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// Shards are locked one at a time. More of them also let more offers through beside busy writers.
const SHARD_COUNT: usize = 32;

/// What an entry costs beside its key and value: table slot, links, allocation headers.
const ENTRY_OVERHEAD_BYTES: usize = 200;

/// A guess, used to size the memory of evicted keys.
const ENTRY_BYTES_TYPICAL: u64 = 512;

pub(super) struct HotCache {
    /// `None` when the cache is off.
    shards: Option<Box<[RwLock<Shard>]>>,
    /// Seeded per process: clients choose names, and must not choose collisions.
    hashes: RandomState,
}

struct Shard {
    entries: Cache<Key, Cached, ByBytes, PassHash>,
    /// The last batch that wrote a key of this shard.
    applied: u64,
}

struct Cached {
    value: Option<Bytes>,
    /// The value is right from this batch on.
    since: u64,
}

impl HotCache {
    /// A cache for about `capacity` bytes, overheads included; zero turns it off.
    pub(super) fn new(capacity: u64) -> Self {
        let shard_capacity = capacity / SHARD_COUNT as u64;
        let shard = || {
            let items = (shard_capacity / ENTRY_BYTES_TYPICAL) as usize;
            let entries = Cache::with(
                items,
                shard_capacity,
                ByBytes,
                PassHash,
                DefaultLifecycle::default(),
            );
            RwLock::new(Shard {
                entries,
                applied: 0,
            })
        };
        let shards = (shard_capacity > 0).then(|| (0..SHARD_COUNT).map(|_| shard()).collect());
        Self {
            shards,
            hashes: RandomState::new(),
        }
    }

    /// The place of `key`, for readers.
    pub(super) fn slot<'a>(&'a self, key: &'a [u8]) -> Slot<'a> {
        Slot {
            placed: self.shards.as_deref().map(|shards| self.place(shards, key)),
        }
    }

    /// Takes over the writes of batch `number`, which is committed and not yet published; a `None` removes.
    pub(super) fn apply<'a>(
        &self,
        number: u64,
        writes: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) {
        let Some(shards) = self.shards.as_deref() else {
            return;
        };
        for (key, value) in writes {
            let (shard, probe) = self.place(shards, key);
            let mut shard = write(shard);
            shard.applied = number;
            if value.is_some_and(|value| value.len() > VALUE_BYTES_MAX) {
                shard.entries.remove(&probe);
            } else if let Some(mut cached) = shard.entries.peek_mut(&probe) {
                let value = value.map(Bytes::copy_from_slice);
                *cached = Cached {
                    value,
                    since: number,
                };
            }
        }
    }

    fn place<'a>(
        &self,
        shards: &'a [RwLock<Shard>],
        key: &'a [u8],
    ) -> (&'a RwLock<Shard>, Probe<'a>) {
        let hash = self.hashes.hash_one(key);
        // The table inside a shard uses the lowest and the highest bits.
        let shard = (hash >> 32) as usize % shards.len();
        (&shards[shard], Probe { hash, key })
    }
}

/// The place of one key.
pub(super) struct Slot<'a> {
    placed: Option<(&'a RwLock<Shard>, Probe<'a>)>,
}

impl Slot<'_> {
    /// What the key holds in the state of batch `number`, if that is known: `Some(None)` means absent.
    pub(super) fn lookup(&self, number: u64) -> Option<Option<Bytes>> {
        let (shard, probe) = self.placed.as_ref()?;
        let shard = read(shard);
        let cached = shard.entries.get(probe)?;
        (cached.since <= number).then(|| cached.value.clone())
    }

    /// Offers `value`, which the key holds in the tree snapshot of batch `number`.
    pub(super) fn offer(&self, value: &Option<Bytes>, number: u64) {
        let Some((shard, probe)) = &self.placed else {
            return;
        };
        if value
            .as_ref()
            .is_some_and(|value| value.len() > VALUE_BYTES_MAX)
        {
            return;
        }
        let mut shard = write(shard);
        // Present already: then it is from a newer state, or another reader was faster.
        if shard.applied <= number && !shard.entries.contains_key(probe) {
            let key = Key {
                hash: probe.hash,
                bytes: probe.key.into(),
            };
            shard.entries.insert(
                key,
                Cached {
                    value: value.clone(),
                    since: number,
                },
            );
        }
    }
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard
        .read()
        .expect("no code panics while it holds this lock")
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard
        .write()
        .expect("no code panics while it holds this lock")
}

/// A cached key with its hash, so that it is computed once per access.
#[derive(PartialEq, Eq)]
struct Key {
    hash: u64,
    bytes: Box<[u8]>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// A key to look for.
struct Probe<'a> {
    hash: u64,
    key: &'a [u8],
}

impl Hash for Probe<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Equivalent<Key> for Probe<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.hash == key.hash && *self.key == *key.bytes
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Cached> for ByBytes {
    fn weight(&self, key: &Key, cached: &Cached) -> u64 {
        let value = cached.value.as_ref().map_or(0, Bytes::len);
        (key.bytes.len() + value + ENTRY_OVERHEAD_BYTES) as u64
    }
}

/// Hands on the hash that [`Key`] and [`Probe`] carry.
#[derive(Clone)]
struct PassHash;

impl BuildHasher for PassHash {
    type Hasher = PassedHash;

    fn build_hasher(&self) -> PassedHash {
        PassedHash(0)
    }
}

struct PassedHash(u64);

impl Hasher for PassedHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Not used by the keys above; correct for any other.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"key";

    fn some(text: &'static str) -> Option<Bytes> {
        Some(Bytes::from_static(text.as_bytes()))
    }

    fn cache_with(value: Option<Bytes>, number: u64) -> HotCache {
        let cache = HotCache::new(1 << 20);
        cache.slot(KEY).offer(&value, number);
        cache
    }

    fn apply(cache: &HotCache, number: u64, value: Option<Bytes>) {
        cache.apply(number, std::iter::once((KEY, value.as_deref())));
    }

    #[test]
    fn an_offered_value_serves_its_state_and_later_ones() {
        let cache = cache_with(some("a"), 3);
        assert_eq!(cache.slot(KEY).lookup(3), Some(some("a")));
        assert_eq!(cache.slot(KEY).lookup(9), Some(some("a")));
    }

    #[test]
    fn an_offered_value_does_not_serve_earlier_states() {
        assert_eq!(cache_with(some("a"), 3).slot(KEY).lookup(2), None);
    }

    #[test]
    fn absence_is_cached() {
        assert_eq!(cache_with(None, 3).slot(KEY).lookup(3), Some(None));
    }

    #[test]
    fn an_applied_write_serves_only_states_that_hold_it() {
        let cache = cache_with(some("a"), 3);
        apply(&cache, 4, some("b"));
        assert_eq!(cache.slot(KEY).lookup(3), None);
        assert_eq!(cache.slot(KEY).lookup(4), Some(some("b")));
    }

    #[test]
    fn an_offer_from_before_an_applied_write_is_refused() {
        let cache = HotCache::new(1 << 20);
        apply(&cache, 4, some("b"));
        cache.slot(KEY).offer(&some("a"), 3);
        assert_eq!(cache.slot(KEY).lookup(4), None);
    }

    #[test]
    fn a_value_that_grew_too_large_is_dropped() {
        let cache = cache_with(some("a"), 3);
        apply(&cache, 4, Some(vec![0; VALUE_BYTES_MAX + 1].into()));
        assert_eq!(cache.slot(KEY).lookup(4), None);
    }

    #[test]
    fn the_cache_stays_within_its_capacity() {
        let capacity = 1 << 20;
        let cache = HotCache::new(capacity);
        for number in 0..20_000_u64 {
            cache
                .slot(&number.to_be_bytes())
                .offer(&Some(vec![0; 1000].into()), 1);
        }
        let weight: u64 = cache
            .shards
            .iter()
            .flatten()
            .map(|shard| read(shard).entries.weight())
            .sum();
        assert!(weight <= capacity && weight > capacity / 2, "{weight}");
    }

    #[test]
    fn a_cache_without_capacity_is_off() {
        let cache = HotCache::new(0);
        cache.slot(KEY).offer(&some("a"), 1);
        assert_eq!(cache.slot(KEY).lookup(1), None);
    }
}
