//! The order of blocks, and of the threads of a block.

/// Arbitrary on a GPU; results must not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
    /// A different one in every turn, determined by the seed.
    Shuffled(u64),
}

impl Order {
    /// All numbers below `count`, in the order of this turn.
    pub(super) fn of(self, count: usize, turn: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..count).collect();
        match self {
            Order::Ascending => {}
            Order::Descending => numbers.reverse(),
            Order::Shuffled(seed) => {
                let mut state = seed.wrapping_add((turn as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                for last in (1..count).rev() {
                    // splitmix64
                    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    let mut z = state;
                    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                    numbers.swap(last, ((z ^ z >> 31) % (last as u64 + 1)) as usize);
                }
            }
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_have_every_number_once() {
        assert_eq!(Order::Ascending.of(3, 5), [0, 1, 2]);
        assert_eq!(Order::Descending.of(3, 5), [2, 1, 0]);
        let [one, other, again] =
            [(1, 0), (1, 1), (1, 0)].map(|(seed, turn)| Order::Shuffled(seed).of(50, turn));
        assert_ne!(one, other);
        assert_eq!(one, again);
        let mut sorted = one;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
