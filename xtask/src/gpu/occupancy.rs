//! Number of blocks of a kernel that run at once, by NVIDIA's rules, without the GPU.

/// Properties of a GPU. Source: CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Model {
    /// Compute capability without the dot.
    pub(super) capability: u32,
    pub(super) name: &'static str,
    processors: u32,
    /// Per multiprocessor.
    threads: u32,
    registers: u32,
    shared: u32,
    blocks: u32,
    /// Maximum on-chip memory per block.
    pub(super) largest_shared: u32,
}

/// On-chip memory reserved per block in addition.
const RESERVED: u32 = 1024;
const WARP: u32 = 32;
/// Granularity of the registers of a warp.
const REGISTER_UNIT: u32 = 256;
/// Schedulers per multiprocessor, which share its warps evenly.
const SCHEDULERS: u32 = 4;

const LIKE_HOPPER: Model = Model {
    capability: 90,
    name: "H100, H200",
    processors: 132,
    threads: 2048,
    registers: 65_536,
    shared: 233_472,
    blocks: 32,
    largest_shared: 232_448,
};

/// The GPUs for which launches are checked.
pub(super) const MODELS: [Model; 3] = [
    Model {
        capability: 80,
        name: "A100",
        processors: 108,
        shared: 167_936,
        largest_shared: 166_912,
        ..LIKE_HOPPER
    },
    LIKE_HOPPER,
    Model { capability: 100, name: "B200", processors: 148, ..LIKE_HOPPER },
];

impl Model {
    /// Number of blocks with these threads, registers per thread, and bytes on chip that fit on a multiprocessor at once; possibly 0.
    pub(super) fn blocks_per_processor(&self, threads: u32, registers: u32, shared: u32) -> u32 {
        let warps = threads.div_ceil(WARP);
        let of_warp = (registers * WARP).next_multiple_of(REGISTER_UNIT).max(1);
        // each scheduler has a quarter of the registers
        let by_registers = self.registers / SCHEDULERS / of_warp * SCHEDULERS / warps.max(1);
        let by_threads = self.threads / WARP / warps.max(1);
        let by_shared = self.shared / (shared.next_multiple_of(128) + RESERVED);
        by_registers.min(by_threads).min(by_shared).min(self.blocks)
    }

    /// Fraction of the threads of all multiprocessors that a kernel uses at once, 0 to 1.
    pub(super) fn occupancy(&self, threads: u32, blocks_per_processor: u32) -> f64 {
        f64::from(blocks_per_processor * threads.next_multiple_of(WARP)) / f64::from(self.threads)
    }

    /// Number of times that all multiprocessors must be filled for `blocks` blocks.
    pub(super) fn waves(&self, blocks: u64, blocks_per_processor: u32) -> f64 {
        blocks as f64 / f64::from(self.processors * blocks_per_processor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_by_hand() {
        let [ampere, hopper, _] = MODELS;
        assert_eq!(hopper.blocks_per_processor(512, 128, 100_000), 1, "registers for one");
        assert_eq!(hopper.blocks_per_processor(512, 37, 105_984), 2, "on-chip memory for two");
        assert_eq!(ampere.blocks_per_processor(512, 32, 105_984), 1);
        assert_eq!(
            hopper.blocks_per_processor(256, 40, 0),
            6,
            "registers: 1,280 a warp, 12 warps a scheduler"
        );
        assert_eq!(hopper.blocks_per_processor(32, 16, 0), 32, "no more than that");
        assert_eq!(hopper.blocks_per_processor(1024, 65, 0), 0, "registers for none");
        assert_eq!(hopper.blocks_per_processor(1024, 32, 240_000), 0, "on-chip memory for none");
    }

    #[test]
    fn waves_and_occupancy_by_hand() {
        let hopper = MODELS[1];
        assert_eq!(hopper.occupancy(512, 2), 0.5);
        assert_eq!(hopper.waves(264, 2), 1.0);
        assert_eq!(hopper.waves(66, 1), 0.5);
    }
}
