//! The minimum work of a training step, and the time that the processor needs for it: a lower bound for timings.

use crate::{
    jobs::{Data, Job},
    measure::Timing,
    peak::Peaks,
};
use serde::Serialize;

/// The work of a phase that no order of computation avoids.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Work {
    /// Operations of dense products: adjoint currents with transposed weights, analog input with weights, analog input with adjoints.
    pub(crate) product_gflop: f64,
    /// Floats of the rows selected by spikes: of weights in the forward pass, of adjoint currents in the backward pass.
    pub(crate) row_gfloat: f64,
    /// Element-wise operations on states and adjoints; those in `f64` count twice.
    pub(crate) element_gflop: f64,
    /// Bytes of the trace of potentials, written in the forward pass and read in the backward pass.
    pub(crate) trace_gb: f64,
}

/// Operations per unit and step: nine in `f64` forward; fourteen in `f32` backward, four of them for the surrogate derivative.
const ELEMENT: [f64; 2] = [18.0, 14.0];

impl Work {
    /// The work of forward and backward pass, with the measured spike counts.
    pub(crate) fn of(job: &Job, timing: &Timing) -> [Work; 2] {
        let rows = (job.batch * job.steps) as f64;
        let [mut forward, mut backward] = [Work::default(); 2];
        let mut spikes_below = timing.input_spikes;
        for (l, &(units, recurrent)) in job.hidden.iter().enumerate() {
            let units = units as f64;
            let above = job.hidden.get(l + 1).map_or(job.outputs, |&(units, _)| units) as f64;
            let spikes = timing.spikes.get(l).copied().unwrap_or(0.0);
            let picked = (spikes_below + if recurrent { spikes } else { 0.0 }) * units;
            forward.row_gfloat += picked / 1e9;
            backward.row_gfloat += picked / 1e9;
            let own = if recurrent { units } else { 0.0 };
            backward.product_gflop += 2.0 * rows * units * (own + above) / 1e9;
            if l == 0 && matches!(job.data, Data::Analog) {
                let input = 2.0 * rows * units * job.inputs as f64 / 1e9;
                forward.product_gflop += input;
                backward.product_gflop += input;
            }
            for (work, element) in [&mut forward, &mut backward].into_iter().zip(ELEMENT) {
                work.element_gflop += rows * units * element / 1e9;
                work.trace_gb += rows * units * 4.0 / 1e9;
            }
            spikes_below = spikes;
        }
        for work in [&mut forward, &mut backward] {
            work.row_gfloat += spikes_below * job.outputs as f64 / 1e9;
        }
        [forward, backward]
    }

    /// The minimum time in milliseconds: products and element-wise operations at the rate of multiply-adds (an element-wise operation takes
    /// as long as a multiply-add, which counts as two), rows from the first-level cache, the trace from the second-level cache.
    pub(crate) fn floor_ms(&self, peaks: &Peaks) -> f64 {
        let arithmetic = (self.product_gflop + 2.0 * self.element_gflop) / peaks.gflops;
        (arithmetic + 4.0 * self.row_gfloat / peaks.l1_gb + self.trace_gb / peaks.l2_gb) * 1e3
    }
}

/// A timing and its lower bound.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Roofline {
    pub(crate) job: String,
    pub(crate) forward: Work,
    pub(crate) backward: Work,
    pub(crate) floor_ms: f64,
    /// Lower bound divided by the median: of processor time, divided by the number of threads, if the system reports it.
    pub(crate) share: f64,
    pub(crate) forward_share: f64,
    pub(crate) backward_share: f64,
}

impl Roofline {
    pub(crate) fn new(job: &Job, timing: &Timing, peaks: &Peaks, threads: usize) -> Self {
        let [forward, backward] = Work::of(job, timing);
        let [floor_forward, floor_backward] = [forward, backward].map(|work| work.floor_ms(peaks));
        let floor_ms = floor_forward + floor_backward;
        let threads = threads as f64;
        let taken = timing.processor_ms.map_or(timing.median_ms, |ms| ms / threads);
        let clock = [timing.forward_ms, timing.backward_ms];
        let [forward_ms, backward_ms] =
            timing.processor_phases_ms.map_or(clock, |phases| phases.map(|ms| ms / threads));
        Roofline {
            job: job.name.into(),
            forward,
            backward,
            floor_ms,
            share: floor_ms / taken,
            forward_share: floor_forward / forward_ms,
            backward_share: floor_backward / backward_ms,
        }
    }
}
