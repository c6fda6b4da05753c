//! One step at a time: the time loop of [`forward`](super::forward), whose memory of the past is a [`State`].
//!
//! The arithmetic and its order are the same, so the results are bit-identical to those of a whole batch. The drive of the next
//! step is computed at the end of the current one, so inputs need not be kept.

use super::{
    forward::{Output, narrow},
    kernels::{
        lanes::{Dispatch, Kernel, Lanes},
        product::{Columns, Target, Term, product},
        rows::{Picked, add_rows, sum_rows},
    },
    lif_forward::Layer,
    plan::{LayerPlan, Plan, Prepared},
    trace::SpikeList,
};
use crate::{Error, step::StepInput};

/// Plan and weights of one network, ready for stepping.
#[derive(Debug)]
pub(crate) struct Ready {
    plan: Plan,
    weights: Prepared,
}

impl Ready {
    pub(super) fn new(plan: Plan, weights: Prepared) -> Self {
        Ready { plan, weights }
    }
}

/// The memory of a network between steps, for one or more samples in parallel.
#[derive(Debug)]
pub struct State {
    steps: u64,
    inputs: usize,
    outputs: usize,
    samples: Vec<Sample>,
    /// `[batch, outputs]`
    readout: Vec<f32>,
    logits: Vec<f32>,
}

#[derive(Debug)]
struct Sample {
    layers: Vec<Hidden>,
    output: Output,
}

#[derive(Debug)]
struct Hidden {
    units: usize,
    layer: Layer,
    /// The drive of the layer at the next step, `[width]`.
    drive: Vec<f32>,
    /// Spikes of the last step.
    spikes: SpikeList,
    counts: Vec<f32>,
}

impl Hidden {
    fn new(plan: &LayerPlan) -> Self {
        let mut spikes = SpikeList::default();
        spikes.reserve_step(plan.width);
        let mut layer = Layer::new(plan, 1);
        layer.rest();
        Hidden {
            units: plan.units,
            layer,
            drive: vec![0.0; plan.width],
            spikes,
            counts: vec![0.0; plan.units],
        }
    }
}

impl State {
    /// A state at rest, before the first step.
    pub(crate) fn new(ready: &Ready, batch: usize) -> Self {
        let plan = &ready.plan;
        let sample = || {
            let mut output = Output::new(plan, 1);
            output.rest(plan);
            Sample { layers: plan.hidden.iter().map(Hidden::new).collect(), output }
        };
        State {
            steps: 0,
            inputs: plan.inputs,
            outputs: plan.outputs,
            samples: (0..batch).map(|_| sample()).collect(),
            readout: vec![0.0; batch * plan.outputs],
            logits: vec![0.0; batch * plan.outputs],
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.samples.len()
    }

    /// Number of steps since the state was at rest.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Readout potentials `U_out[n]` of the last step, `[batch, outputs]`; zeros before the first.
    #[must_use]
    pub fn readout(&self) -> &[f32] {
        &self.readout
    }

    /// Output of the head for all steps so far, `[batch, outputs]`: the logits of a batch that ends here; zeros before the first
    /// step.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Units that spiked in the last step of a sample, ascending. Hidden layers are counted from 0, the layer closest to the input.
    /// Empty if there is no such layer or sample.
    #[must_use]
    pub fn spikes(&self, layer: usize, sample: usize) -> &[u16] {
        self.hidden(layer, sample).map_or(&[], |hidden| &hidden.spikes.units)
    }

    /// Spike count of each unit of a hidden layer in a sample so far, `[units]`. Empty if there is no such layer or sample.
    #[must_use]
    pub fn counts(&self, layer: usize, sample: usize) -> &[f32] {
        self.hidden(layer, sample).map_or(&[], |hidden| &hidden.counts)
    }

    fn hidden(&self, layer: usize, sample: usize) -> Option<&Hidden> {
        self.samples.get(sample)?.layers.get(layer)
    }

    /// Whether this is a state of a network with this plan.
    fn fits(&self, plan: &Plan) -> bool {
        let Some(sample) = self.samples.first() else { return false };
        let layers = sample.layers.iter().map(|hidden| hidden.units);
        (self.inputs, self.outputs) == (plan.inputs, plan.outputs)
            && layers.eq(plan.hidden.iter().map(|layer| layer.units))
    }

    /// Resets the state to rest, without allocating or freeing memory.
    pub(crate) fn rest(&mut self, ready: &Ready) -> Result<(), Error> {
        self.check(ready)?;
        self.steps = 0;
        self.readout.fill(0.0);
        self.logits.fill(0.0);
        for sample in &mut self.samples {
            for hidden in &mut sample.layers {
                hidden.layer.rest();
                hidden.drive.fill(0.0);
                hidden.counts.fill(0.0);
                hidden.spikes.clear();
            }
            sample.output.rest(&ready.plan);
            sample.output.trace.fill(0.0);
        }
        Ok(())
    }

    fn check(&self, ready: &Ready) -> Result<(), Error> {
        if self.fits(&ready.plan) {
            return Ok(());
        }
        Err(Error::Input(
            "this state belongs to a network of a different shape: create one with `Network::state`".into(),
        ))
    }

    /// Advances by one step.
    pub(crate) fn step(
        &mut self,
        ready: &Ready,
        dispatch: Dispatch,
        input: StepInput<'_>,
    ) -> Result<&[f32], Error> {
        self.check(ready)?;
        input.check(self.samples.len(), self.inputs)?;
        dispatch.run(Step { plan: &ready.plan, weights: &ready.weights, input, state: self });
        self.steps += 1;
        Ok(&self.readout)
    }

    /// All numbers that the next step depends on, in the order of a saved state.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = Numbers<&[f64], &[f32]>> {
        self.samples.iter().flat_map(|sample| {
            let hidden = sample.layers.iter().flat_map(|Hidden { layer, drive, counts, .. }| {
                [
                    Numbers::Wide(&layer.u[..]),
                    Numbers::Wide(&layer.i),
                    Numbers::Single(&drive[..]),
                    Numbers::Single(counts),
                ]
            });
            let Output { u, i, best, trace, .. } = &sample.output;
            let output =
                [Numbers::Wide(&u[..]), Numbers::Wide(i), Numbers::Wide(best), Numbers::Single(&trace[..])];
            hidden.chain(output)
        })
    }

    /// The same, mutable, for reading a saved state.
    pub(crate) fn numbers_mut(&mut self) -> impl Iterator<Item = Numbers<&mut [f64], &mut [f32]>> {
        self.samples.iter_mut().flat_map(|sample| {
            let hidden = sample.layers.iter_mut().flat_map(|Hidden { layer, drive, counts, .. }| {
                let Layer { u, i, .. } = layer;
                [
                    Numbers::Wide(&mut u[..]),
                    Numbers::Wide(i),
                    Numbers::Single(&mut drive[..]),
                    Numbers::Single(counts),
                ]
            });
            let Output { u, i, best, trace, .. } = &mut sample.output;
            let output = [
                Numbers::Wide(&mut u[..]),
                Numbers::Wide(i),
                Numbers::Wide(best),
                Numbers::Single(&mut trace[..]),
            ];
            hidden.chain(output)
        })
    }

    /// Sizes that distinguish the states of different networks: inputs, outputs, batch, units of each layer.
    pub(crate) fn shape(&self) -> Vec<u64> {
        let layers = self.samples.first().map(|sample| sample.layers.as_slice()).unwrap_or_default();
        let ends = [self.inputs, self.outputs, self.samples.len()].map(|size| size as u64);
        ends.into_iter().chain(layers.iter().map(|hidden| hidden.units as u64)).collect()
    }

    /// Completes the state after its [`numbers`](State::numbers) were read.
    pub(crate) fn restored(&mut self, steps: u64, readout: Vec<f32>) {
        self.steps = steps;
        self.readout = readout;
        if steps > 0 {
            self.tell_logits();
        }
    }

    fn tell_logits(&mut self) {
        for (sample, logits) in self.samples.iter().zip(self.logits.chunks_exact_mut(self.outputs)) {
            narrow(&sample.output.best, logits);
        }
    }
}

/// A few numbers of a state, in one of two precisions.
pub(crate) enum Numbers<W, S> {
    Wide(W),
    Single(S),
}

/// One step of all samples.
struct Step<'a> {
    plan: &'a Plan,
    weights: &'a Prepared,
    input: StepInput<'a>,
    state: &'a mut State,
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Step { plan, weights, input, state } = self;
        let now = usize::try_from(state.steps).unwrap_or(usize::MAX);
        let readouts = state.readout.chunks_exact_mut(plan.outputs);
        for (k, (sample, readout)) in state.samples.iter_mut().zip(readouts).enumerate() {
            // the spikes of every layer depend only on earlier steps
            for (hidden, shape) in sample.layers.iter_mut().zip(&plan.hidden) {
                if now.is_multiple_of(64) {
                    hidden.layer.forget_faint();
                }
                hidden.spikes.clear();
                hidden.layer.advance(
                    lanes,
                    shape,
                    plan.reset(false),
                    1,
                    &mut hidden.drive,
                    &mut hidden.spikes,
                );
                for &unit in &hidden.spikes.units {
                    hidden.counts[usize::from(unit)] += 1.0;
                }
            }
            if now.is_multiple_of(64) {
                sample.output.forget_faint();
            }
            sample.output.advance(lanes, plan, now..now.saturating_add(1));
            readout.copy_from_slice(&sample.output.trace[..plan.outputs]);
            // these spikes drive the next step
            for l in 0..plan.hidden.len() {
                let (below, above) = sample.layers.split_at_mut(l);
                let Hidden { drive, spikes, .. } = &mut above[0];
                let below = below.last().map(|below| below.spikes.units.as_slice());
                let prepared = &weights.hidden[l];
                drive_by(lanes, below, input, k, &prepared.input, plan.hidden[l].width, drive);
                if let Some(v) = &prepared.recurrent {
                    add_rows(lanes, drive, v, plan.hidden[l].width, 0, &spikes.units);
                }
            }
            let below = sample.layers.last().map(|below| below.spikes.units.as_slice());
            drive_by(lanes, below, input, k, &weights.readout, plan.out_width, &mut sample.output.trace);
        }
        state.tell_logits();
    }
}

/// `drive = (spikes of the layer below, or the input of sample `k`) weights`
#[inline(always)]
fn drive_by<L: Lanes>(
    lanes: L,
    below: Option<&[u16]>,
    input: StepInput<'_>,
    k: usize,
    weights: &[f32],
    width: usize,
    drive: &mut [f32],
) {
    let spikes = match (below, input) {
        (Some(spikes), _) => spikes,
        (None, StepInput::Spikes(units)) => units,
        (None, StepInput::Rows { offsets, units }) => &units[offsets[k] as usize..offsets[k + 1] as usize],
        (None, StepInput::Frame(values)) => {
            let inputs = weights.len() / width;
            let a = &values[k * inputs..(k + 1) * inputs];
            let term = Term { a, a_row: inputs, a_depth: 1, b: Columns::rows(weights, width), depth: inputs };
            product(lanes, 1, &[term], Target::rows(drive, width));
            return;
        }
    };
    sum_rows(lanes, drive, [Picked { matrix: weights, rows: spikes }]);
}
