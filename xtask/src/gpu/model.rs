//! Lower bounds of kernels from the shape of a job, with which measured times are compared.

use super::lines::{Ceilings, Job};

/// The minimum work of a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Work {
    /// Bytes read or written off chip, each value once.
    pub(super) bytes: f64,
    /// In `f32`, additions; a multiply-add counts as two.
    pub(super) operations: f64,
}

/// The limits of a GPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Floor {
    pub(super) ms: f64,
    pub(super) by_memory: bool,
}

impl Work {
    pub(super) fn floor(self, limits: Ceilings) -> Floor {
        let arithmetic = self.operations / limits.gflop_per_s / 1e6;
        let memory = self.bytes / limits.gb_per_s / 1e6;
        Floor { ms: arithmetic.max(memory), by_memory: memory > arithmetic }
    }
}

/// Bytes of a value, and of the index of an event.
const VALUE: f64 = 4.0;
const INDEX: f64 = 2.0;

/// Operations per unit and step of the time loop, forward (in `f64`, counted twice) and backward, without the surrogate.
const STEP_FORWARD: f64 = 20.0;
const STEP_BACKWARD: f64 = 12.0;

impl Job {
    fn rows(&self) -> f64 {
        (self.batch * self.steps) as f64
    }

    /// With B samples, T steps, I inputs, H hidden units and O outputs:
    ///
    /// - arithmetic: products with adjoint currents, `V a` (H x H) and `W_out a` (H x O), and those with analog input, forward
    ///   and backward (2 I x H), are dense regardless of spikes: `2 B T H (H if recurrent + O + 2 I if analog)` operations. Sums of
    ///   weight rows picked by spikes are not counted, they become fewer with the spikes.
    /// - memory: the backward pass needs every potential of the forward pass, 4 B T H bytes written and 4 B T H read; both passes
    ///   read the input, 2 bytes per event and 4 per row of events, or 4 B T I for analog input. Everything else could stay on
    ///   chip and is not counted. The same holds for a whole batch that fits the second-level cache: this bound is then too high.
    pub(super) fn work(&self) -> Work {
        let rows = self.rows();
        let [inputs, hidden, outputs] = [self.inputs, self.hidden, self.outputs].map(|units| units as f64);
        let own = if self.recurrent { hidden } else { 0.0 };
        let analog = if self.events.is_none() { 2.0 * inputs } else { 0.0 };
        Work {
            operations: 2.0 * rows * hidden * (own + outputs + analog),
            bytes: 2.0 * (VALUE * rows * hidden + self.input_bytes()),
        }
    }

    fn input_bytes(&self) -> f64 {
        let rows = self.rows();
        self.events.map_or(VALUE * rows * self.inputs as f64, |it| INDEX * it as f64 + VALUE * rows)
    }

    /// The minimum work of all launches of a kernel in a step. Kernels exchange data through memory. `None` for kernels with little
    /// work, and for those of dfdx.
    pub(super) fn work_of(&self, kernel: &str) -> Option<Work> {
        let rows = self.rows();
        let [inputs, hidden, outputs] = [self.inputs, self.hidden, self.outputs].map(|units| units as f64);
        let events = self.events.map_or(0.0, |it| it as f64);
        let spikes = self.spikes_per_sample * self.batch as f64;
        let own = if self.recurrent { hidden } else { 0.0 };
        // the bits of all spikes
        let masks = VALUE * rows * (hidden / 32.0).ceil();
        let traces = VALUE * rows * hidden;
        let weights = VALUE * inputs * hidden;
        let (bytes, operations) = match kernel {
            "project_events" | "project_events_on_chip" => {
                (self.input_bytes() + weights + traces, events * hidden)
            }
            "project_spikes" => (masks + VALUE * rows * outputs, spikes * outputs),
            // the potential replaces the drive
            "lif_forward" => (2.0 * traces + masks, STEP_FORWARD * rows * hidden),
            "lif_forward_recurrent" | "lif_forward_recurrent_wide" => {
                (2.0 * traces + masks, STEP_FORWARD * rows * hidden + spikes * hidden)
            }
            "readout" | "readout_adjoint" => (VALUE * rows * outputs, STEP_BACKWARD * rows * outputs),
            // from the readout's adjoints to the layer; for analog input, also the drive and the gradient of W
            "product" => {
                let down = (VALUE * rows * outputs + traces, 2.0 * rows * hidden * outputs);
                match self.events {
                    Some(_) => down,
                    None => (
                        down.0 + 2.0 * (self.input_bytes() + traces + weights),
                        down.1 + 4.0 * rows * inputs * hidden,
                    ),
                }
            }
            // reads potentials and adjoint currents, and writes these
            "lif_backward" => (3.0 * traces + masks, STEP_BACKWARD * rows * hidden),
            name if name.starts_with("lif_backward_recurrent") => {
                (3.0 * traces + masks, rows * hidden * (STEP_BACKWARD + 2.0 * own))
            }
            "gather_events" => (self.input_bytes() + traces + weights, events * hidden),
            "gather_spikes" => {
                let recurrent = if self.recurrent { masks + traces } else { 0.0 };
                (masks + VALUE * rows * outputs + recurrent, spikes * (own + outputs))
            }
            // reads the input and the weights, and writes a gradient per sample; spikes and events add rows forward and backward
            "train_events" | "train_frames" => {
                let gradients = VALUE * self.batch as f64 * hidden * (inputs + outputs);
                let dense =
                    hidden * (STEP_FORWARD + STEP_BACKWARD + 2.0 * outputs) + 2.0 * STEP_BACKWARD * outputs;
                let below = match self.events {
                    Some(_) => 2.0 * events * hidden,
                    None => 4.0 * rows * inputs * hidden,
                };
                (
                    self.input_bytes() + weights + VALUE * hidden * outputs + gradients,
                    rows * dense + below + 2.0 * spikes * outputs,
                )
            }
            _ => return None,
        };
        Some(Work { bytes, operations })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::lines::{Line, parse},
        *,
    };

    pub(crate) const JOB_S: &str = r#"{"kind":"job","job":"S","batch":256,"steps":500,"inputs":700,"hidden":256,"recurrent":true,
        "outputs":20,"events":2048000,"spikes_per_sample":2000.4}"#;

    pub(crate) fn job(text: &str) -> Job {
        match parse(text) {
            Some(Line::Job(job)) => job,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn floors_follow_their_formulas() {
        let at = |gflop_per_s, gb_per_s| Ceilings { gflop_per_s, gb_per_s };
        // 2 x 128,000 rows x 256 x (256 + 20) operations; 8 x 128,000 x 256 + 2 (2 x 2,048,000 + 4 x 128,000) bytes
        let shd = job(JOB_S);
        let floor = shd.work().floor(at(1000.0, 1000.0));
        assert!((floor.ms - 18.087_936).abs() < 1e-6 && !floor.by_memory, "{floor:?}");
        let floor = shd.work().floor(at(1e9, 1000.0));
        assert!((floor.ms - 0.271_36).abs() < 1e-6 && floor.by_memory, "{floor:?}");
        let analog = Job { events: None, recurrent: false, ..shd };
        let floor = analog.work().floor(at(1000.0, 1e9));
        assert!((floor.ms - 2.0 * 128.0 * 256.0 * 1420.0 / 1e6).abs() < 1e-6, "{floor:?}");
        let floor = analog.work().floor(at(1e9, 1000.0));
        assert!((floor.ms - 8.0 * 128.0 * 956.0 / 1e6).abs() < 1e-6, "{floor:?}");
    }

    #[test]
    fn kernels_of_a_step_do_what_is_counted() {
        let shd = job(JOB_S);
        let of = |kernel: &str| shd.work_of(kernel).unwrap_or_else(|| panic!("{kernel}"));
        let traces = 4.0 * 128_000.0 * 256.0;
        let backward = of("lif_backward_recurrent_tile_2");
        assert_eq!(backward.bytes, 3.0 * traces + 4.0 * 128_000.0 * 8.0);
        assert_eq!(backward.operations, 128_000.0 * 256.0 * (2.0 * 256.0 + 12.0));
        let gather = of("gather_events");
        assert_eq!(gather.operations, 2_048_000.0 * 256.0);
        assert_eq!(gather.bytes, 2.0 * 2_048_000.0 + 4.0 * 128_000.0 + traces + 4.0 * 700.0 * 256.0);
        assert_eq!(of("gather_spikes").operations, 256.0 * 2000.4 * 276.0);
        assert_eq!(shd.work_of("transpose"), None);
        // both passes of a sample: 256 gradients of 256 x (700 + 20) weights
        let whole = of("train_events");
        let gradients = 4.0 * 256.0 * 256.0 * 720.0;
        assert_eq!(whole.bytes, 2.0 * 2_048_000.0 + 4.0 * 128_000.0 + 4.0 * 256.0 * 720.0 + gradients);
        let dense = 128_000.0 * (256.0 * (20.0 + 12.0 + 40.0) + 480.0);
        assert_eq!(whole.operations, dense + 2.0 * 2_048_000.0 * 256.0 + 2.0 * 256.0 * 2000.4 * 20.0);
        // dense operations of a step are those of its kernels
        let analog = Job { events: None, ..shd.clone() };
        let dense = |job: &Job, kernel: &str| job.work_of(kernel).map_or(0.0, |it| it.operations);
        let together = dense(&analog, "product") + 2.0 * 128_000.0 * 256.0 * 256.0;
        assert_eq!(analog.work().operations, together);
    }
}
