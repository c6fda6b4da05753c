//! The whole network as one entry on dfdx's tape: the time loop forward, and its hand-derived adjoint backward.
//!
//! It computes what [`reference`](crate::reference) computes, and never touches what is not there: a spike costs one row of
//! a weight matrix, between layers and within recurrent ones, forward and backward. Samples go through in blocks, blocks
//! are shared out among the cores, and what they sum up is added in an order that does not depend on the number of threads.
//!
//! - [`plan`]: sizes and weights, padded to whole vectors;
//! - [`forward`]: the time loop, which leaves the potentials and the spikes of each block in its [`trace`];
//! - [`backward`]: the adjoint and its equations; [`gradient`]: the weight gradients;
//! - [`kernels`]: sums of rows, the dense product and the surrogates, for AVX-512, AVX2 and everything else;
//! - `cuda`: all of it on a GPU.

mod backward;
mod cpu;
#[cfg(any(feature = "cuda", feature = "cuda-emulation"))]
pub(crate) mod cuda;
mod forward;
mod gradient;
mod kernels;
mod plan;
mod trace;

use crate::{
    Cpu, Error, Events, Input, InstructionSet, NetworkConfig,
    lanes::Dispatch,
    pass::{Adjoint, Answer, Recording, Wanted},
    weights::{Matrix, Weights},
};
use backward::{BackwardBlocks, Partial, Scratch};
use dfdx::prelude::TensorFromVec;
use forward::ForwardBlock;
use plan::{Plan, Prepared, Transposes};
use rayon::prelude::*;
use trace::{BLOCK, Block, Pool};

/// What a network keeps between calls: the instruction set, and memory to use again.
#[derive(Debug, Clone)]
pub struct Context {
    dispatch: Dispatch,
    blocks: Pool<Block>,
    partials: Pool<Partial>,
    scratch: Pool<Scratch>,
    #[cfg(feature = "cuda-emulation")]
    pub(crate) emulation: Option<cuda::emulation::CudaEmulation>,
}

impl Default for Context {
    fn default() -> Self {
        Context {
            dispatch: Dispatch::best(),
            blocks: Pool::default(),
            partials: Pool::default(),
            scratch: Pool::default(),
            #[cfg(feature = "cuda-emulation")]
            emulation: None,
        }
    }
}

impl Context {
    pub(crate) fn set_instruction_set(&mut self, set: InstructionSet) -> Result<(), Error> {
        self.dispatch = Dispatch::new(set)?;
        Ok(())
    }

    pub(crate) fn instruction_set(&self) -> InstructionSet {
        self.dispatch.set()
    }
}

/// Runs the network over all steps of `input`.
pub(crate) fn forward(
    config: &NetworkConfig,
    weights: &Weights<f32, Cpu>,
    input: &Input<f32>,
    context: &Context,
    wanted: Wanted,
) -> Result<Answer<f32, Cpu>, Error> {
    #[cfg(feature = "cuda-emulation")]
    if let Some(emulation) = &context.emulation {
        return cuda::forward(emulation, config, weights, input, wanted);
    }
    let plan = Plan::new(config, input);
    let prepared = Prepared::new(weights);
    let keep = wanted.adjoint || wanted.recording;
    let count = plan.batch.div_ceil(BLOCK);
    let mut blocks = context.blocks.take(count);
    let mut logits = vec![0.0; plan.batch * plan.outputs];
    let mut counts: Vec<Vec<f32>> = plan.hidden.iter().map(|l| vec![0.0; plan.batch * l.units]).collect();
    let mut readout =
        (wanted.recording || wanted.readout).then(|| vec![0.0; plan.batch * plan.steps * plan.outputs]);

    let mut work = Vec::with_capacity(count);
    let mut counts_of: Vec<_> =
        counts.iter_mut().zip(&plan.hidden).map(|(c, l)| c.chunks_mut(BLOCK * l.units)).collect();
    let mut readout_of = readout.as_mut().map(|r| r.chunks_mut(BLOCK * plan.steps * plan.outputs));
    for (k, (block, logits)) in blocks.iter_mut().zip(logits.chunks_mut(BLOCK * plan.outputs)).enumerate() {
        work.push(ForwardBlock {
            plan: &plan,
            weights: &prepared,
            input,
            first: k * BLOCK,
            samples: BLOCK.min(plan.batch - k * BLOCK),
            keep,
            block,
            logits,
            counts: counts_of.iter_mut().filter_map(Iterator::next).collect(),
            readout: readout_of.as_mut().and_then(Iterator::next),
        });
    }
    work.into_par_iter().for_each(|block| context.dispatch.run(block));

    let device = weights.readout.device();
    let traces = readout.as_ref().filter(|_| wanted.readout).map(|readout| {
        device
            .try_tensor_from_vec(readout.clone(), (plan.batch, plan.steps, plan.outputs))
            .map_err(Error::device)
    });
    let traces = traces.transpose()?;
    let recording = readout.filter(|_| wanted.recording).map(|readout| recording(&plan, &blocks, readout));
    let recording = recording.transpose()?;
    let tensor = |values: Vec<f32>, columns: usize| -> Result<Matrix<f32, Cpu>, Error> {
        device.try_tensor_from_vec(values, (plan.batch, columns)).map_err(Error::device)
    };
    let logits = tensor(logits, plan.outputs)?;
    let counts = counts.into_iter().zip(&plan.hidden).map(|(c, l)| tensor(c, l.units));
    let counts = counts.collect::<Result<Vec<_>, _>>()?;

    if !wanted.adjoint {
        context.blocks.release(blocks);
        return Ok(Answer { logits, counts, readout: traces, recording, adjoint: None });
    }
    let above_counts: Vec<_> = counts.iter().map(|c| c.ghost()).collect();
    let head = logits.ghost();
    let trace_head = traces.as_ref().map(|traces| traces.ghost());
    let matrices: Vec<_> = weights.named().map(|(_, w)| w.ghost()).collect();
    let (input, context) = (input.clone(), context.clone());
    let adjoint: Adjoint<f32, Cpu> = Box::new(move |gradients| {
        let d_logits = std::mem::take(&mut **gradients.get_or_alloc_mut(&head)?);
        let mut d_counts = Vec::with_capacity(above_counts.len());
        for counts in &above_counts {
            d_counts.push(std::mem::take(&mut **gradients.get_or_alloc_mut(counts)?));
        }
        let d_readout = match &trace_head {
            Some(head) => Some(std::mem::take(&mut **gradients.get_or_alloc_mut(head)?)),
            None => None,
        };
        let above = FromAbove { d_logits: &d_logits, d_counts: &d_counts, d_readout: d_readout.as_deref() };
        let partials = backward(&plan, &prepared, &input, &context, &blocks, above);
        let mut sums: Vec<_> = partials.iter().map(|p| p.matrices(&plan)).collect();
        for (w, (columns, width)) in matrices.iter().zip(plan.matrices()) {
            let sums: Vec<&[f32]> = sums.iter_mut().filter_map(Iterator::next).collect();
            reduce_partials(gradients.get_or_alloc_mut(w)?, &sums, columns, width);
        }
        drop(sums);
        **gradients.get_or_alloc_mut(&head)? = d_logits;
        for (counts, d) in above_counts.iter().zip(d_counts) {
            **gradients.get_or_alloc_mut(counts)? = d;
        }
        if let (Some(head), Some(d)) = (&trace_head, d_readout) {
            **gradients.get_or_alloc_mut(head)? = d;
        }
        context.blocks.release(blocks);
        context.partials.release(partials);
        Ok(())
    });
    Ok(Answer { logits, counts, readout: traces, recording, adjoint: Some(adjoint) })
}

/// Gradients that come from above.
#[derive(Clone, Copy)]
struct FromAbove<'a> {
    d_logits: &'a [f32],
    d_counts: &'a [Vec<f32>],
    /// `[batch, steps, outputs]`, where the readout potentials are on the tape.
    d_readout: Option<&'a [f32]>,
}

/// Takes all blocks through the backward pass.
fn backward(
    plan: &Plan,
    prepared: &Prepared,
    input: &Input<f32>,
    context: &Context,
    blocks: &[Block],
    FromAbove { d_logits, d_counts, d_readout }: FromAbove<'_>,
) -> Vec<Partial> {
    let transposes = Transposes::new(plan, prepared);
    let share = blocks.len().div_ceil(plan.partials(blocks.len()));
    let mut partials = context.partials.take(blocks.len().div_ceil(share));
    let d_counts: Vec<&[f32]> = d_counts.iter().map(Vec::as_slice).collect();
    let work: Vec<_> = blocks.chunks(share).zip(&mut partials).enumerate().collect();
    work.into_par_iter().for_each(|(k, (blocks, sum))| {
        sum.clear(plan);
        let first = k * share * BLOCK;
        let transposes = &transposes;
        let (d_counts, scratch) = (&d_counts, &context.scratch);
        context.dispatch.run(BackwardBlocks {
            plan,
            transposes,
            input,
            first,
            blocks,
            d_logits,
            d_counts,
            d_readout,
            sum,
            scratch,
        });
    });
    partials
}

/// `total[r][c] += sum of the partial sums`, whose rows have `width` floats, in their order.
fn reduce_partials(total: &mut [f32], sums: &[&[f32]], columns: usize, width: usize) {
    const ROWS: usize = 32;
    total.par_chunks_mut(ROWS * columns).enumerate().for_each(|(k, total)| {
        for (r, total) in total.chunks_exact_mut(columns).enumerate() {
            let at = (k * ROWS + r) * width;
            for sum in sums {
                for (t, s) in total.iter_mut().zip(&sum[at..at + columns]) {
                    *t += s;
                }
            }
        }
    });
}

/// Spikes and potentials out of the traces.
fn recording(plan: &Plan, blocks: &[Block], readout: Vec<f32>) -> Result<Recording<f32>, Error> {
    let (mut spikes, mut potentials) = (Vec::new(), Vec::new());
    for (l, shape) in plan.hidden.iter().enumerate() {
        let (mut offsets, mut units) = (vec![0u32], Vec::new());
        let mut u = Vec::with_capacity(plan.batch * plan.steps * shape.units);
        for block in blocks {
            let layer = &block.layers[l];
            for (sample, list) in layer.spikes[..block.samples].iter().enumerate() {
                let base = units.len() as u32;
                units.extend_from_slice(&list.units);
                offsets.extend(list.offsets[1..].iter().map(|o| base + o));
                for n in 0..plan.steps {
                    let row = &layer.x[(sample * plan.steps + n) * shape.width..][..shape.units];
                    u.extend(row.iter().map(|x| (f64::from(*x) + shape.threshold) as f32));
                }
            }
        }
        spikes.push(Events::new(plan.batch, plan.steps, shape.units, offsets, units)?);
        potentials.push(u);
    }
    Ok(Recording { spikes, potentials, readout })
}
