//! Randomness, and bytes made from it.

use bytes::Bytes;
use parbuckle_testkit::pattern;

/// splitmix64
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of these, if there is one.
    pub(crate) fn choose<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let end = all.len() as u64;
        (end > 0).then(|| all[self.below(end) as usize])
    }

    /// What an object may be: mostly small, sometimes not.
    pub(crate) fn content(&mut self) -> Content {
        let len = match self.below(3) {
            0 => self.below(600_000),
            _ => self.below(9_000),
        };
        Content {
            seed: self.next(),
            len: len as usize,
        }
    }
}

/// The bytes of an object: what `pattern` makes of these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Content {
    pub(crate) seed: u64,
    pub(crate) len: usize,
}

impl Content {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        pattern(self.seed, self.len)
    }

    pub(crate) fn is(&self, bytes: &Bytes) -> bool {
        bytes.len() == self.len && *bytes == self.bytes()
    }
}
