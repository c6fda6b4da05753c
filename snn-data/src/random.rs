//! Random numbers: one ChaCha8 stream for each purpose.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The order of the samples within an epoch.
const SHUFFLE: Purpose = Purpose(*b"snn-data sample order   ");

/// The purpose of random numbers, as the last 24 bytes of the ChaCha key.
///
/// With the purpose in the key, two purposes share no random numbers even with the same user-supplied seed.
#[derive(Clone, Copy)]
pub(crate) struct Purpose(pub(crate) [u8; 24]);

impl Purpose {
    /// The random-number stream for this purpose and seed; `index` counts classes, epochs, ...
    pub(crate) fn stream(self, seed: u64, index: u64) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..].copy_from_slice(&self.0);
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        rng
    }
}

/// The samples of an epoch in random order: a permutation of `indices`.
///
/// The order is a pure function of `(seed, epoch)` and the list: a resumed run computes the order of any epoch
/// without replaying the epochs before it.
///
/// ```
/// use snn_data::shuffled;
///
/// let train = [10, 11, 12, 13, 14, 15, 16, 17];
/// let mut order = shuffled(&train, 42, 7);
/// assert_eq!(order, shuffled(&train, 42, 7));
/// assert_ne!(order, shuffled(&train, 42, 8));
///
/// order.sort();
/// assert_eq!(order, train);
/// ```
pub fn shuffled(indices: &[u32], seed: u64, epoch: u64) -> Vec<u32> {
    let mut order = indices.to_vec();
    order.shuffle(&mut SHUFFLE.stream(seed, epoch));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_fixed() {
        // A checkpoint guarantees the same order after resuming: this list must not change between versions.
        assert_eq!(shuffled(&[0, 1, 2, 3, 4, 5, 6, 7], 0, 0), [7, 4, 5, 6, 0, 1, 2, 3]);
    }

    #[test]
    fn every_seed_has_different_orders() {
        let indices: Vec<u32> = (0..100).collect();
        assert_ne!(shuffled(&indices, 0, 1), shuffled(&indices, 1, 0));
        assert_ne!(shuffled(&indices, 0, 1), shuffled(&indices, 1, 1));
    }

    #[test]
    fn an_empty_list_stays_empty() {
        assert!(shuffled(&[], 0, 0).is_empty());
    }
}
