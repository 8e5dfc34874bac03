//! Read buffers that come back when their bytes have been sent.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Size of a pooled buffer in bytes: the largest single read.
pub(crate) const BUFFER_BYTES: usize = 256 * 1024;

/// Idle buffers kept at most (16 MiB); more are freed.
const IDLE_MAX: usize = 64;

/// A pool of buffers of [`BUFFER_BYTES`].
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Box<[u8]>>>,
}

impl Pool {
    /// A buffer of exactly `len` bytes, which is [`BUFFER_BYTES`] at most. Its content is undefined.
    pub(crate) fn take(self: &Arc<Self>, len: usize) -> Buffer {
        // A small read must not pin a large buffer for as long as a slow client takes.
        if len <= BUFFER_BYTES / 4 {
            return Buffer {
                bytes: vec![0; len].into(),
                len,
                pool: None,
            };
        }
        let idle = self.lock().pop();
        Buffer {
            bytes: idle.unwrap_or_else(|| vec![0; BUFFER_BYTES].into()),
            len: len.min(BUFFER_BYTES),
            pool: Some(self.clone()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Box<[u8]>>> {
        // A list of idle buffers is sound whatever its last user did.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer on loan; dropping it returns it.
pub(crate) struct Buffer {
    bytes: Box<[u8]>,
    len: usize,
    pool: Option<Arc<Pool>>,
}

impl Buffer {
    /// The buffer as shared bytes; it returns to the pool when the last of them is dropped.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// Keeps the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            let mut idle = pool.lock();
            if idle.len() < IDLE_MAX {
                idle.push(std::mem::take(&mut self.bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_returns_when_its_last_bytes_are_dropped() {
        let pool = Arc::new(Pool::default());
        let bytes = pool.take(BUFFER_BYTES).freeze();
        let slice = bytes.slice(3..9);
        drop(bytes);
        assert_eq!(pool.lock().len(), 0);
        drop(slice);
        assert_eq!(pool.lock().len(), 1);
    }

    #[test]
    fn a_small_read_does_not_pin_a_pooled_buffer() {
        let pool = Arc::new(Pool::default());
        drop(pool.take(4096));
        assert_eq!(pool.lock().len(), 0);
    }

    #[test]
    fn idle_buffers_are_bounded() {
        let pool = Arc::new(Pool::default());
        let loans: Vec<_> = (0..IDLE_MAX + 5).map(|_| pool.take(BUFFER_BYTES)).collect();
        drop(loans);
        assert_eq!(pool.lock().len(), IDLE_MAX);
    }
}
