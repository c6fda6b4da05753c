//! Partitions of work that determine the order of sums. They depend only on shapes, and are chosen for one GPU, so that every GPU
//! computes the same bits.

use super::kernel_device::WARP;
use crate::fused::plan::Plan;

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

/// Maximum number of floats in the partial sums of one gradient.
pub(super) const PARTIAL_FLOATS: usize = 1 << 26;

/// A network for which one block runs the whole training step of a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneBlock {
    pub(super) threads: [usize; 2],
    /// Bytes on chip.
    pub(super) shared: usize,
}

/// Maximum units and outputs of such a network, which has one hidden layer without recurrence.
const MOST_UNITS: usize = 512;
const MOST_OUTPUTS: usize = 128;
/// Minimum threads per block; at least one warp has no output.
const LEAST_THREADS: usize = 256;
/// Maximum samples: blocks of the kernels that compute the gradients otherwise.
const MOST_SAMPLES: usize = 65_535;

/// Whether the gradients of this plan are partial sums of single samples. If all that a sample needs fits on chip, one block can then
/// compute its whole training step. Other kernels compute the same partial sums, so that the result does not depend on the GPU, nor
/// on whether the loss is on dfdx's tape.
pub(super) fn by_sample(plan: &Plan) -> Option<OneBlock> {
    let [layer] = plan.hidden[..] else { return None };
    let (inputs, units, outputs, steps) = (plan.inputs, layer.units, plan.outputs, plan.steps);
    let partials = plan.batch * units * inputs.max(outputs);
    if layer.recurrent
        || units > MOST_UNITS
        || outputs > MOST_OUTPUTS
        || plan.batch > MOST_SAMPLES
        || partials > PARTIAL_FLOATS
    {
        return None;
    }
    // the layout of `train_on_chip` in `sample.cuh`
    let traces = if plan.differentiable_reset { 3 } else { 2 };
    let values = outputs * 4 * (steps.div_ceil(4) | 1)
        + traces * steps * units
        + inputs * units
        + units * (outputs | 1)
        + 2 * (outputs + units)
        + steps * units.div_ceil(WARP)
        + steps
        + 1;
    let width = units.next_multiple_of(WARP);
    let shared = values * size_of::<f32>();
    let fits = shared <= LARGEST_SHARED;
    fits.then_some(OneBlock { threads: [width, LEAST_THREADS.div_ceil(width).next_power_of_two()], shared })
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
