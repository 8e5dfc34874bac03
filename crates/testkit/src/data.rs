//! Contents for test objects.

/// `len` bytes that look random but depend on `seed` alone, so that a swapped or shifted piece shows.
pub fn pattern(seed: u64, len: usize) -> Vec<u8> {
    // An odd multiplier and the golden-ratio increment: a full-period generator, and quick.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        bytes.extend_from_slice(&(state >> 16).to_le_bytes()[..4]);
    }
    bytes.truncate(len);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_repeatable_and_differs_by_seed() {
        assert_eq!(pattern(1, 1001), pattern(1, 1001));
        assert_eq!(pattern(1, 1001).len(), 1001);
        assert_ne!(pattern(1, 1001), pattern(2, 1001));
    }
}
