//! Partitions of work that determine the order of sums. They depend only on shapes, and are chosen for one GPU, so that every GPU
//! computes the same bits.

/// Those of an H100 or H200.
const PROCESSORS: usize = 132;
const THREADS: usize = 2048;
const REGISTERS: usize = 65_536;
const ON_CHIP: usize = 233_472;
/// Maximum on-chip memory per block, and memory reserved in addition.
pub(super) const LARGEST_SHARED: usize = 232_448;
const RESERVED: usize = 1024;

/// How many blocks run at once, in one wave, with these threads, registers per thread, and bytes on chip.
pub(super) fn places(threads: usize, registers: usize, shared: usize) -> usize {
    let by_registers = REGISTERS / (threads * registers);
    PROCESSORS * (THREADS / threads).min(by_registers).min(ON_CHIP / (shared + RESERVED)).clamp(1, 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_by_hand() {
        assert_eq!(places(512, 40, 105_984), 132 * 2, "on-chip memory for two");
        assert_eq!(places(512, 40, 10_000), 132 * 3, "registers for three");
        assert_eq!(places(1024, 16, 0), 132 * 2, "threads for two");
        assert_eq!(places(32, 16, 0), 132 * 32, "no more than 32");
        assert_eq!(places(1024, 64, LARGEST_SHARED), 132);
    }
}
