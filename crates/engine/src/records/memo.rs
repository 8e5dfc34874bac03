//! Records that were read a moment ago, decoded once.
//!
//! The key-value store hands out the same allocation for a hot key until the key changes. A slot here keeps such an
//! allocation alive beside the record it decodes to; so the same address and length are the same bytes.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::error::Error;

/// Slots, a power of two. Two hot records that share one cost a decoding each time.
const SLOTS: usize = 256;

/// Decoded records of one kind.
pub(crate) struct Memo<T>(Box<[Mutex<Option<Slot<T>>>]>);

struct Slot<T> {
    bytes: Bytes,
    record: Arc<T>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self((0..SLOTS).map(|_| Mutex::new(None)).collect())
    }
}

impl<T: for<'b> minicbor::Decode<'b, ()>> Memo<T> {
    /// The record that these bytes are, if there are any.
    pub(crate) fn decode_optional(&self, bytes: Option<&Bytes>) -> Result<Option<Arc<T>>, Error> {
        bytes.map(|bytes| self.decode(bytes)).transpose()
    }

    fn decode(&self, bytes: &Bytes) -> Result<Arc<T>, Error> {
        // Allocations are aligned to 16 bytes at least; the bits above tell them apart.
        let slot = &self.0[(bytes.as_ptr().addr() >> 4) % SLOTS];
        let same = |slot: &Slot<T>| {
            slot.bytes.as_ptr() == bytes.as_ptr() && slot.bytes.len() == bytes.len()
        };
        let known = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|slot| same(slot)) {
            return Ok(Arc::clone(&known.record));
        }
        drop(known);
        let record = Arc::new(super::decode(bytes)?);
        let fresh = Slot {
            bytes: bytes.clone(),
            record: Arc::clone(&record),
        };
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{CounterRecord, encode};

    #[test]
    fn the_same_bytes_are_decoded_once() {
        let memo = Memo::<CounterRecord>::default();
        let bytes = encode(&CounterRecord {
            objects: 1,
            ..CounterRecord::default()
        });
        let first = memo.decode(&bytes).unwrap();
        assert!(Arc::ptr_eq(&first, &memo.decode(&bytes.clone()).unwrap()));
    }

    #[test]
    fn other_bytes_are_never_taken_for_them() {
        let memo = Memo::<CounterRecord>::default();
        for objects in 0..10_000 {
            let record = CounterRecord {
                objects,
                ..CounterRecord::default()
            };
            assert_eq!(*memo.decode(&encode(&record)).unwrap(), record);
        }
    }

    #[test]
    fn a_part_of_the_same_allocation_is_other_bytes() {
        let memo = Memo::<CounterRecord>::default();
        let record = CounterRecord {
            objects: 1,
            ..CounterRecord::default()
        };
        let bytes = encode(&record);
        memo.decode(&bytes).unwrap();
        assert!(memo.decode(&bytes.slice(..bytes.len() - 1)).is_err());
    }
}
