//! The sizes and constants of a network for the kernels, and its weights in their layout.

use super::kernels::{
    lanes::{Aligned, WIDTH, padded},
    product::Packed,
};
use crate::{
    Cpu, Input, NetworkConfig, Readout, RecurrentGradient, Reset, ResetGradient, Surrogate,
    config::Decay,
    weights::{Matrix, Weights},
};
use dfdx::prelude::HasShape;

/// Number of samples that the backward pass processes in parallel. More would require fewer passes over the recurrent weights,
/// fewer would occupy more cores; eight fill the registers of the dense product.
pub(super) const BLOCK: usize = 8;

/// A reset in the step after the spike: the default, for which the kernels are optimized.
pub(super) const DELAYED: u8 = 0;
/// The same, with the amount it subtracts kept for a differentiable reset.
pub(super) const DELAYED_TRACED: u8 = 1;
/// A reset in the same step as the spike.
pub(super) const IMMEDIATE: u8 = 2;

/// Sizes and constants. `width` is the number of units rounded up to whole vectors; padded units never spike.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) batch: usize,
    pub(super) steps: usize,
    pub(super) inputs: usize,
    pub(super) hidden: Vec<LayerPlan>,
    pub(super) outputs: usize,
    pub(super) out_width: usize,
    pub(super) constants: Constants,
    pub(super) surrogate: Surrogate,
    pub(super) readout: Readout,
    pub(super) differentiable_reset: bool,
    /// Whether a spike resets the potential in the same step.
    pub(super) immediate_reset: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct LayerPlan {
    pub(super) units: usize,
    pub(super) width: usize,
    /// Number of units below.
    pub(super) below: usize,
    pub(super) recurrent: bool,
    /// Whether the gradient propagates through `V`.
    pub(super) propagate: bool,
    pub(super) threshold: f64,
    pub(super) leak_mem: f64,
    pub(super) leak_syn: f64,
    /// Number of steps between checks for faint adjoints.
    pub(super) faint_every: usize,
}

/// Number of steps in which the faster of two decays reduces a number by a factor of at most 2^16: a number above the limit of
/// [`Lanes::without_faint`](super::kernels::lanes::Lanes::without_faint), 2^-95, is then far from subnormal at the next check.
fn faint_every(decays: [f64; 2]) -> usize {
    const MOST: f64 = 64.0;
    let fastest = decays.into_iter().fold(1.0, f64::min);
    (16.0 / fastest.log2().abs()).clamp(1.0, MOST) as usize
}

/// Layers whose rows have at most this many floats process all columns of a step together.
const NARROW: usize = 512;

/// Floats per row of a layer.
///
/// Rows of wide layers without recurrence have an odd number of cache lines, so that columns processed together spread over all
/// sets of the caches; rows of 4 KB would share a few. In recurrent layers, products with the longer rows cost more than this
/// saves.
fn width(units: usize, recurrent: bool) -> usize {
    let width = padded(units);
    let wide = width > NARROW && !recurrent;
    if wide && (width / WIDTH).is_multiple_of(2) { width + WIDTH } else { width }
}

impl LayerPlan {
    /// Whether the layer processes one panel of columns at a time, over all steps, because its weights exceed the second-level
    /// cache.
    pub(super) fn is_wide(&self) -> bool {
        !self.recurrent && self.width > NARROW
    }
}

/// Constants of the readout; [`LayerPlan`] has those of a hidden layer.
///
/// Every decay is written as a leak, `y[n+1] = y[n] - leak y[n]` with `leak = 1 - b`. In `f32`, `1 - b` keeps more digits than `b`:
/// with a memory of ten steps, ten times the rounding error of `b` would accumulate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constants {
    pub(super) leak_syn: f64,
    pub(super) leak_out: f64,
    pub(super) readout_start: f64,
    /// [`LayerPlan::faint_every`]
    pub(super) faint_every: usize,
}

impl Plan {
    pub(super) fn new(config: &NetworkConfig, input: &Input<f32>) -> Self {
        Self::of_size(config, input.batch(), input.steps())
    }

    pub(super) fn of_size(config: &NetworkConfig, batch: usize, steps: usize) -> Self {
        let hidden = config.hidden.iter().enumerate().map(|(l, layer)| {
            let decay = Decay::<f64>::hidden(config, l);
            LayerPlan {
                units: layer.units,
                width: width(layer.units, layer.recurrent),
                below: config.fan_in(l),
                recurrent: layer.recurrent,
                propagate: layer.recurrent && config.recurrent_gradient == RecurrentGradient::Propagate,
                threshold: config.threshold,
                leak_mem: decay.one_minus_mem,
                leak_syn: 1.0 - decay.syn,
                faint_every: faint_every([1.0 - decay.one_minus_mem, decay.syn]),
            }
        });
        let readout = Decay::<f64>::readout(config);
        Plan {
            batch,
            steps,
            inputs: config.inputs,
            hidden: hidden.collect(),
            outputs: config.outputs,
            out_width: padded(config.outputs),
            constants: Constants {
                leak_syn: 1.0 - readout.syn,
                leak_out: readout.one_minus_mem,
                readout_start: config.readout_start,
                faint_every: faint_every([1.0 - readout.one_minus_mem, readout.syn]),
            },
            surrogate: config.surrogate,
            readout: config.readout,
            differentiable_reset: config.reset_gradient == ResetGradient::Differentiable,
            immediate_reset: config.reset == Reset::Immediate,
        }
    }

    /// How the forward pass resets; `trace` indicates whether a backward pass follows.
    pub(super) fn reset(&self, trace: bool) -> u8 {
        match (self.immediate_reset, self.differentiable_reset && trace) {
            (true, _) => IMMEDIATE,
            (false, true) => DELAYED_TRACED,
            (false, false) => DELAYED,
        }
    }

    /// Whether the backward pass needs the amounts that resets subtract. An immediate reset subtracts `b_mem U[n]`, which follows from the
    /// potentials.
    pub(super) fn keeps_reset_amount(&self) -> bool {
        self.differentiable_reset && !self.immediate_reset
    }

    /// Number of units that feed the readout.
    pub(super) fn below_readout(&self) -> usize {
        self.hidden.last().map_or(self.inputs, |layer| layer.units)
    }

    /// Units and padded width of the post-synaptic side of every matrix, in the order `W1`, `V1`, `W2`, .. `Wout`.
    pub(super) fn matrices(&self) -> Vec<(usize, usize)> {
        let hidden = self.hidden.iter().flat_map(|l| vec![(l.units, l.width); 1 + usize::from(l.recurrent)]);
        hidden.chain([(self.outputs, self.out_width)]).collect()
    }

    /// Floats in one set of weight gradients.
    pub(super) fn gradient_size(&self) -> usize {
        let hidden = self.hidden.iter().map(|l| (l.below + if l.recurrent { l.units } else { 0 }) * l.width);
        hidden.sum::<usize>() + self.below_readout() * self.out_width
    }

    /// Number of steps that the backward pass processes at a time: as many as keep the adjoint currents of the widest layer of a
    /// block in the second-level cache. Very wide layers process more, because reading and writing the rows of the weight gradient
    /// once per chunk would otherwise cost more than the additions to them.
    pub(super) fn chunk(&self) -> usize {
        const FLOATS: usize = 1 << 17;
        const FEWEST: usize = 64;
        let widest =
            self.hidden.iter().map(|l| l.width).chain([self.out_width]).max().unwrap_or(self.out_width);
        (FLOATS / (BLOCK * widest)).max(FEWEST).min(self.steps)
    }

    /// Number of partial sums of the weight gradients, at most one per block: as many as keep the cost of adding them well below
    /// that of the time loop. It depends on shapes only, so results do not depend on the number of threads.
    pub(super) fn partials(&self, blocks: usize) -> usize {
        let widths = self.hidden.iter().map(|l| l.width).sum::<usize>() + self.out_width;
        let work = self.batch * self.steps * widths;
        (work / (4 * self.gradient_size())).clamp(1, blocks.max(1))
    }
}

/// Weights with rows padded to whole vectors: `[pre, width]`.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) hidden: Vec<PreparedLayer>,
    pub(super) readout: Aligned<f32>,
}

#[derive(Debug)]
pub(super) struct PreparedLayer {
    pub(super) input: Aligned<f32>,
    pub(super) recurrent: Option<Aligned<f32>>,
}

impl Prepared {
    pub(super) fn new(weights: &Weights<f32, Cpu>) -> Self {
        let layer = |a: &crate::weights::Afferents<f32, Cpu>| PreparedLayer {
            input: padded_rows(&a.input, a.recurrent.is_some()),
            recurrent: a.recurrent.as_ref().map(|v| padded_rows(v, true)),
        };
        Prepared {
            hidden: weights.hidden.iter().map(layer).collect(),
            readout: padded_rows(&weights.readout, true),
        }
    }
}

fn padded_rows(matrix: &Matrix<f32, Cpu>, recurrent: bool) -> Aligned<f32> {
    let &(rows, columns) = matrix.shape();
    let width = width(columns, recurrent);
    let mut out = Aligned::zeros(rows * width);
    if width == columns {
        matrix.copy_into(&mut out);
        return out;
    }
    let mut values = vec![0.0; rows * columns];
    matrix.copy_into(&mut values);
    for (out, row) in out.chunks_exact_mut(width).zip(values.chunks_exact(columns)) {
        out[..columns].copy_from_slice(row);
    }
    out
}

/// The transposed weights that propagate adjoints to each hidden layer: from the layer above, and from the layer itself.
#[derive(Debug)]
pub(super) struct Transposes {
    pub(super) hidden: Vec<LayerTransposes>,
}

#[derive(Debug)]
pub(super) struct LayerTransposes {
    pub(super) above: Packed,
    /// Empty if no gradient propagates through `V`.
    pub(super) own: Packed,
}

impl Transposes {
    pub(super) fn new(plan: &Plan, weights: &Prepared) -> Self {
        let layer = |(l, layer): (usize, &LayerPlan)| {
            let (above, above_units, above_width) = match (weights.hidden.get(l + 1), plan.hidden.get(l + 1))
            {
                (Some(weights), Some(plan)) => (&weights.input, plan.units, plan.width),
                _ => (&weights.readout, plan.outputs, plan.out_width),
            };
            let own = weights.hidden[l].recurrent.as_ref().filter(|_| layer.propagate);
            LayerTransposes {
                above: Packed::transposed(above, layer.units, layer.width, above_units, above_width),
                own: own.map_or_else(Packed::default, |v| {
                    Packed::transposed(v, layer.units, layer.width, layer.units, layer.width)
                }),
            }
        };
        Transposes { hidden: plan.hidden.iter().enumerate().map(layer).collect() }
    }
}
