//! The whole network as one entry on dfdx's tape: the forward time loop and its hand-derived adjoint.
//!
//! This module computes the same as [`reference`](crate::reference), but only where there are spikes: each costs one row of a
//! weight matrix, between layers and within recurrent ones, forward and backward. Blocks of samples are distributed over the cores,
//! and their sums are added in an order that does not depend on the number of threads.
//!
//! - [`plan`]: sizes and weights, padded to whole vectors;
//! - [`forward`]: the time loop, which stores the potentials and spikes of each block in its [`trace`];
//! - [`backward`]: the adjoint and its equations; [`gradient`]: the weight gradients;
//! - [`kernels`]: sums of rows, the dense product and the surrogates, for AVX-512, AVX2 and everything else;
//! - `cuda`: the same on a GPU.

mod backward;
mod cpu;
#[cfg(any(feature = "cuda", feature = "cuda-emulation"))]
pub(crate) mod cuda;
mod forward;
mod gradient;
mod kernels;
mod lif_backward;
mod lif_forward;
mod plan;
mod step;
mod trace;

use crate::{
    Cpu, Error, Events, Input, InstructionSet, NetworkConfig,
    head::Head,
    lanes::Dispatch,
    pass::{Adjoint, Answer, PassValues, Recording, TrainingPass, Wanted},
    weights::{Matrix, Weights},
};
use backward::{BackwardBlock, Partial, Scratch};
use dfdx::prelude::{Storage, TensorFromVec};
use forward::ForwardBlock;
use plan::{BLOCK, Plan, Prepared, Transposes};
use rayon::prelude::*;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
pub use step::State;
pub(crate) use step::{Numbers, Ready};
use trace::{Block, Pool};

/// State that a network keeps between calls: the instruction set, and memory to reuse.
#[derive(Debug, Clone)]
pub struct Context {
    dispatch: Dispatch,
    blocks: Pool<Block>,
    partials: Pool<Partial>,
    scratch: Pool<Scratch>,
    /// For stepping; dropped whenever the weights may change.
    ready: OnceLock<Arc<Ready>>,
    #[cfg(feature = "cuda-emulation")]
    pub(crate) emulation: Option<cuda::emulation::CudaEmulation>,
    #[cfg(feature = "cuda-emulation")]
    pub(crate) resident: cuda::Resident<Cpu>,
}

impl Default for Context {
    fn default() -> Self {
        Context {
            dispatch: Dispatch::best(),
            blocks: Pool::default(),
            partials: Pool::default(),
            scratch: Pool::default(),
            ready: OnceLock::new(),
            #[cfg(feature = "cuda-emulation")]
            emulation: None,
            #[cfg(feature = "cuda-emulation")]
            resident: cuda::Resident::default(),
        }
    }
}

impl Context {
    pub(crate) fn set_instruction_set(&mut self, set: InstructionSet) -> Result<(), Error> {
        self.dispatch = Dispatch::new(set)?;
        Ok(())
    }

    pub(crate) fn dispatch(&self) -> Dispatch {
        self.dispatch
    }

    /// Plan and weights for stepping, cached until [`forget`](Context::forget).
    pub(crate) fn ready(&self, config: &NetworkConfig, weights: &Weights<f32, Cpu>) -> Arc<Ready> {
        let make = || Arc::new(Ready::new(Plan::of_size(config, 1, 1), Prepared::new(weights)));
        Arc::clone(self.ready.get_or_init(make))
    }

    /// Drops copies of the weights, which are about to change.
    pub(crate) fn forget(&mut self) {
        self.ready.take();
        #[cfg(feature = "cuda-emulation")]
        self.resident.forget();
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
        return cuda::forward(emulation, config, weights, &context.resident, input, wanted);
    }
    let plan = Plan::new(config, input);
    let prepared = Prepared::new(weights);
    let mut answers = Answers::new(&plan);
    let mut readout =
        (wanted.recording || wanted.readout).then(|| vec![0.0; plan.batch * plan.steps * plan.outputs]);
    let mut readout_of = readout.as_mut().map(|r| r.chunks_mut(BLOCK * plan.steps * plan.outputs));
    let keep = wanted.adjoint || wanted.recording;
    let mut blocks = context.blocks.take(if keep { plan.batch.div_ceil(BLOCK) } else { 0 });
    let mut kept = blocks.iter_mut();
    let work = answers.blocks(&plan).into_iter().enumerate();
    let work: Vec<_> = work
        .map(|(k, block)| (k, block, kept.next(), readout_of.as_mut().and_then(Iterator::next)))
        .collect();
    work.into_par_iter().for_each(|(k, mut block, kept, readout)| {
        let mut own = None;
        let trace = kept.unwrap_or_else(|| own.insert(context.blocks.take_one()));
        context.dispatch.run(ForwardBlock {
            plan: &plan,
            weights: &prepared,
            input,
            first: k * BLOCK,
            samples: block.samples,
            keep,
            block: trace,
            logits: block.logits,
            counts: &mut block.counts,
            readout,
        });
        context.blocks.release(own);
    });

    let device = weights.readout.device();
    let traces = readout.as_ref().filter(|_| wanted.readout).map(|readout| {
        device
            .try_tensor_from_vec(readout.clone(), (plan.batch, plan.steps, plan.outputs))
            .map_err(Error::device)
    });
    let traces = traces.transpose()?;
    let recording = readout.filter(|_| wanted.recording).map(|readout| recording(&plan, &blocks, readout));
    let recording = recording.transpose()?;
    let (logits, counts) = answers.tensors(&plan, weights)?;

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
        let sum = backward(&plan, &prepared, &input, &context, &blocks, above);
        for (w, (sum, (columns, width))) in matrices.iter().zip(sum.matrices(&plan).zip(plan.matrices())) {
            add_rows_of(gradients.get_or_alloc_mut(w)?, sum, columns, width);
        }
        context.partials.release([sum]);
        **gradients.get_or_alloc_mut(&head)? = d_logits;
        for (counts, d) in above_counts.iter().zip(d_counts) {
            **gradients.get_or_alloc_mut(counts)? = d;
        }
        if let (Some(head), Some(d)) = (&trace_head, d_readout) {
            **gradients.get_or_alloc_mut(head)? = d;
        }
        context.blocks.release(blocks);
        Ok(())
    });
    Ok(Answer { logits, counts, readout: traces, recording, adjoint: Some(adjoint) })
}

/// Logits and spike counts of a batch.
struct Answers {
    logits: Vec<f32>,
    counts: Vec<Vec<f32>>,
}

/// The same for one block: `[samples, outputs]`, and `[samples, units]` for each hidden layer.
struct BlockAnswers<'a> {
    samples: usize,
    logits: &'a mut [f32],
    counts: Vec<&'a mut [f32]>,
}

impl Answers {
    fn new(plan: &Plan) -> Self {
        Answers {
            logits: vec![0.0; plan.batch * plan.outputs],
            counts: plan.hidden.iter().map(|layer| vec![0.0; plan.batch * layer.units]).collect(),
        }
    }

    fn blocks(&mut self, plan: &Plan) -> Vec<BlockAnswers<'_>> {
        let counts = self.counts.iter_mut().zip(&plan.hidden);
        let mut counts: Vec<_> = counts.map(|(counts, l)| counts.chunks_mut(BLOCK * l.units)).collect();
        let logits = self.logits.chunks_mut(BLOCK * plan.outputs);
        let blocks = logits.map(|logits| BlockAnswers {
            samples: logits.len() / plan.outputs,
            logits,
            counts: counts.iter_mut().filter_map(Iterator::next).collect(),
        });
        blocks.collect()
    }

    fn tensors(self, plan: &Plan, weights: &Weights<f32, Cpu>) -> Result<(Tensors, Vec<Tensors>), Error> {
        let device = weights.readout.device();
        let tensor = |values: Vec<f32>, columns: usize| {
            device.try_tensor_from_vec(values, (plan.batch, columns)).map_err(Error::device)
        };
        let counts = self.counts.into_iter().zip(&plan.hidden).map(|(counts, l)| tensor(counts, l.units));
        Ok((tensor(self.logits, plan.outputs)?, counts.collect::<Result<_, _>>()?))
    }
}

/// One row per sample.
type Tensors = Matrix<f32, Cpu>;

/// Runs each block of samples forward and then immediately backward, while its trace is in the cache, so there is at most one
/// trace per thread at a time. The results are bit-identical to those of [`forward`] and the adjoint that it returns.
pub(crate) fn training_pass(
    config: &NetworkConfig,
    weights: &Weights<f32, Cpu>,
    input: &Input<f32>,
    context: &Context,
    head: Head<'_>,
) -> Result<Option<TrainingPass<f32, Cpu>>, Error> {
    #[cfg(feature = "cuda-emulation")]
    if let Some(machine) = &context.emulation {
        return cuda::training_pass(machine, config, weights, &context.resident, input, head).map(Some);
    }
    let plan = Plan::new(config, input);
    let prepared = Prepared::new(weights);
    let transposes = Transposes::new(&plan, &prepared);
    let mut answers = Answers::new(&plan);
    let (forward, backward) = (AtomicU64::new(0), AtomicU64::new(0));
    let sum = sum_partials(&plan, &context.partials, &mut answers.blocks(&plan), &|first, answer, sum| {
        let start = Instant::now();
        let BlockAnswers { samples, logits, counts } = answer;
        let mut block = context.blocks.take_one();
        context.dispatch.run(ForwardBlock {
            plan: &plan,
            weights: &prepared,
            input,
            first,
            samples: *samples,
            keep: true,
            block: &mut block,
            logits,
            counts,
            readout: None,
        });
        let middle = Instant::now();
        let mut d_logits = vec![0.0; logits.len()];
        head.logits(first, plan.outputs, logits, &mut d_logits);
        let mut d_counts: Vec<Vec<f32>> = counts.iter().map(|counts| vec![0.0; counts.len()]).collect();
        for ((counts, d_counts), layer) in counts.iter().zip(&mut d_counts).zip(&plan.hidden) {
            head.counts(layer.units, counts, d_counts);
        }
        context.dispatch.run(BackwardBlock {
            plan: &plan,
            transposes: &transposes,
            input,
            first,
            block: &block,
            d_logits: &d_logits,
            d_counts: &d_counts.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            d_readout: None,
            sum,
            scratch: &context.scratch,
        });
        context.blocks.release([block]);
        add_nanoseconds(&forward, middle.duration_since(start));
        add_nanoseconds(&backward, middle.elapsed());
    });
    let (forward, backward) = (forward.into_inner() as f64, backward.into_inner() as f64);
    let mut gradients = Vec::new();
    let matrices = weights.named().zip(sum.matrices(&plan)).zip(plan.matrices());
    for (((_, w), sum), (columns, width)) in matrices {
        let size = sum.len() / width * columns;
        let mut buffer = Storage::<f32>::try_alloc_len(w.device(), size).map_err(Error::device)?;
        add_rows_of(&mut buffer, sum, columns, width);
        gradients.push(buffer);
    }
    context.partials.release([sum]);
    let (logits, counts) = answers.tensors(&plan, weights)?;
    let forward_share = forward / (forward + backward).max(1.0);
    let values = PassValues::OnDevice { logits, counts };
    Ok(Some(TrainingPass { values, gradients, norms: None, forward_share }))
}

fn add_nanoseconds(total: &AtomicU64, time: Duration) {
    total.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Gradients of the results of the forward pass.
#[derive(Clone, Copy)]
struct FromAbove<'a> {
    d_logits: &'a [f32],
    d_counts: &'a [Vec<f32>],
    /// `[batch, steps, outputs]`, if the readout potentials are on the tape.
    d_readout: Option<&'a [f32]>,
}

/// Runs the backward pass of all blocks.
fn backward(
    plan: &Plan,
    prepared: &Prepared,
    input: &Input<f32>,
    context: &Context,
    blocks: &[Block],
    FromAbove { d_logits, d_counts, d_readout }: FromAbove<'_>,
) -> Partial {
    let transposes = Transposes::new(plan, prepared);
    let mut work: Vec<&Block> = blocks.iter().collect();
    sum_partials(plan, &context.partials, &mut work, &|first, block, sum| {
        let part =
            |values: &[f32], columns: usize| first * columns..values.len().min((first + BLOCK) * columns);
        let d_counts = d_counts.iter().zip(&plan.hidden);
        let d_counts: Vec<&[f32]> = d_counts.map(|(d, layer)| &d[part(d, layer.units)]).collect();
        context.dispatch.run(BackwardBlock {
            plan,
            transposes: &transposes,
            input,
            first,
            block,
            d_logits: &d_logits[part(d_logits, plan.outputs)],
            d_counts: &d_counts,
            d_readout: d_readout.map(|d| &d[part(d, plan.steps * plan.outputs)]),
            sum,
            scratch: &context.scratch,
        });
    })
}

/// Sums the results of `leaf` over all blocks; `leaf` receives the first sample of its block.
fn sum_partials<W: Send>(
    plan: &Plan,
    pool: &Pool<Partial>,
    blocks: &mut [W],
    leaf: &(impl Fn(usize, &mut W, &mut Partial) + Sync),
) -> Partial {
    let share = blocks.len().div_ceil(plan.partials(blocks.len()));
    sum_tree(plan, pool, 0, share, blocks, leaf)
}

/// Sums `blocks`, starting with block `first`: groups of `share` blocks sequentially, then the sums of these groups in pairs, and
/// pairs of pairs, so that only a few sums per thread exist at a time. The order depends only on the number of blocks.
fn sum_tree<W: Send>(
    plan: &Plan,
    pool: &Pool<Partial>,
    first: usize,
    share: usize,
    blocks: &mut [W],
    leaf: &(impl Fn(usize, &mut W, &mut Partial) + Sync),
) -> Partial {
    let shares = blocks.len().div_ceil(share);
    if shares <= 1 {
        let mut sum = pool.take_one();
        sum.clear(plan);
        for (k, block) in blocks.iter_mut().enumerate() {
            leaf((first + k) * BLOCK, block, &mut sum);
        }
        return sum;
    }
    let middle = shares / 2 * share;
    let (left, right) = blocks.split_at_mut(middle);
    let (mut left, right) = rayon::join(
        || sum_tree(plan, pool, first, share, left, leaf),
        || sum_tree(plan, pool, first + middle, share, right, leaf),
    );
    left.add(&right);
    pool.release([right]);
    left
}

/// `total[r][c] += sum[r][c]` for rows of `width` floats.
fn add_rows_of(total: &mut [f32], sum: &[f32], columns: usize, width: usize) {
    for (total, sum) in total.chunks_exact_mut(columns).zip(sum.chunks_exact(width)) {
        for (t, s) in total.iter_mut().zip(sum) {
            *t += s;
        }
    }
}

/// Extracts spikes and potentials from the traces.
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
