//! The activity of a network for a few samples, before and after training.

use snn_core::{Events, Input, Network};
use snn_data::{Dataset, Split};
use snn_plot::{Axes, AxisScale, BLACK, Canvas, GRAY, Rect, Stroke};

use super::{Preview, Reproduction};
use crate::{Checkpoint, Error, experiment::Selection, run::RunDir, train::batch};

/// Spikes, potentials and readout of a network for some samples.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    pub(super) labels: Vec<u16>,
    pub(super) steps: usize,
    pub(super) dt: f64,
    pub(super) inputs: Vec<Spikes>,
    /// Spikes of the first hidden layer.
    pub(super) hidden: Vec<Spikes>,
    /// Potentials of the first hidden layer, `[samples, steps, units]`.
    pub(super) potentials: Vec<f32>,
    /// Readout potentials, `[samples, steps, outputs]`.
    pub(super) readout: Vec<f32>,
    pub(super) outputs: usize,
}

/// The spikes of a layer for one sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spikes {
    pub(super) units: usize,
    /// (step, unit), ascending.
    pub(super) spikes: Vec<(usize, u16)>,
}

/// The selection of samples.
#[derive(Debug, Clone, Copy)]
pub(super) enum Samples {
    /// This many of the test part, cycling through all classes.
    Few(usize),
    /// The whole test part.
    Test,
}

impl Snapshot {
    /// The snapshot of a run's initial or trained network. `None` if the run does not exist.
    pub(super) fn take(
        reproduction: &Reproduction,
        id: &str,
        trained: bool,
        samples: Samples,
    ) -> Result<Option<Self>, Error> {
        let Ok(checkpoint) = RunDir::open(reproduction.run_path(id))
            .map_err(Error::from)
            .and_then(|run| Checkpoint::of_run(&run, Selection::Best))
        else {
            return Ok(None);
        };
        let experiment = checkpoint.experiment();
        let data = experiment.data.open()?;
        let mut network = experiment.network(&*data)?;
        if trained {
            checkpoint.restore(&mut network)?;
        }
        let samples = match samples {
            Samples::Few(count) => Preview::choose(&*data, Split::Test, None, count),
            Samples::Test => data.splits().test.clone(),
        };
        Self::of(&network, &*data, &samples).map(Some)
    }

    fn of(network: &Network, data: &dyn Dataset, samples: &[u32]) -> Result<Self, Error> {
        let (input, labels) = batch::load(data, samples)?;
        let (_, recording) = network.record(&input)?;
        let inputs = match &input {
            Input::Events(events) => spikes(events),
            Input::Frames(_) => Vec::new(),
        };
        Ok(Self {
            labels,
            steps: data.steps(),
            dt: data.dt(),
            inputs,
            hidden: recording.spikes.first().map(spikes).unwrap_or_default(),
            potentials: recording.potentials.into_iter().next().unwrap_or_default(),
            readout: recording.readout,
            outputs: network.config().outputs,
        })
    }

    /// How often each unit spikes in each sample.
    pub(super) fn counts(&self) -> Vec<usize> {
        let of_sample = |sample: &Spikes| {
            let mut counts = vec![0; sample.units];
            sample.spikes.iter().for_each(|&(_, unit)| counts[usize::from(unit)] += 1);
            counts
        };
        self.hidden.iter().flat_map(of_sample).collect()
    }

    /// The readout potential of a class over time (ms).
    pub(super) fn readout(&self, sample: usize, class: usize) -> impl Iterator<Item = (f64, f64)> {
        self.trace(&self.readout, self.outputs, sample, class)
    }

    /// The potential of a hidden unit over time (ms).
    pub(super) fn potential(&self, sample: usize, unit: usize) -> impl Iterator<Item = (f64, f64)> {
        self.trace(&self.potentials, self.hidden[sample].units, sample, unit)
    }

    fn trace(
        &self,
        values: &[f32],
        all: usize,
        sample: usize,
        unit: usize,
    ) -> impl Iterator<Item = (f64, f64)> {
        let value = move |step: usize| f64::from(values[(sample * self.steps + step) * all + unit]);
        (0..self.steps).map(move |step| (step as f64 * self.dt, value(step)))
    }

    /// Draws readout above hidden above input for the first samples, side by side in `place`; `color` of each class.
    pub(super) fn draw(&self, canvas: &mut Canvas, place: Rect, labeled: bool, color: fn(u16) -> Stroke) {
        let end = self.steps as f64 * self.dt;
        let samples = place.columns(&vec![1.0; self.labels.len()], 5.0);
        let (low, high) = self.readout.iter().fold((0.0_f64, 0.1_f64), |(low, high), &value| {
            (low.min(f64::from(value)), high.max(f64::from(value)))
        });
        for (sample, place) in samples.into_iter().enumerate() {
            let first = sample == 0;
            let rows = place.rows(&[0.7, 1.0, 0.5], 5.0);
            let x = |numbers: bool| {
                let number = |value: f64| if numbers { value.to_string() } else { String::new() };
                AxisScale::linear(0.0, end).with_ticks([(0.0, number(0.0)), (end, number(end))])
            };
            let own = color(self.labels[sample]);
            let readout = Axes::new(rows[0], x(false), AxisScale::linear(low, high)).without_x();
            let readout = if first {
                readout.labels("", if labeled { "Readout" } else { "" })
            } else {
                readout.without_y()
            };
            readout.draw(canvas);
            for class in 0..self.outputs {
                let mine = class == usize::from(self.labels[sample]);
                let stroke = if mine { Stroke { width: 1.0, ..own } } else { Stroke::new(GRAY, 0.5) };
                readout.line(canvas, self.readout(sample, class), stroke);
            }
            let layers =
                [(rows[1], self.hidden.get(sample), "Hidden"), (rows[2], self.inputs.get(sample), "Input")];
            for (row, (place, spikes, label)) in layers.into_iter().enumerate() {
                let Some(Spikes { units, spikes }) = spikes else { continue };
                let last = row == 1;
                let y = AxisScale::linear(0.0, *units as f64 + 1.0)
                    .with_ticks([(1.0, "1".to_owned()), (*units as f64, units.to_string())]);
                let mut axes = Axes::new(place, x(first), y);
                axes = if first {
                    axes.labels(if last { "Time (ms)" } else { "" }, if labeled { label } else { "" })
                } else {
                    axes.without_y()
                };
                if !last {
                    axes = axes.without_x();
                }
                axes.draw(canvas);
                let stroke = if last { Stroke { width: 0.8, ..own } } else { Stroke::new(BLACK, 0.5) };
                let places =
                    spikes.iter().map(|&(step, unit)| (step as f64 * self.dt, f64::from(unit) + 1.0));
                axes.raster(canvas, places, stroke);
            }
        }
    }
}

fn spikes(events: &Events) -> Vec<Spikes> {
    let of_sample = |sample: usize| {
        let row = |step: usize| events.row(sample, step).iter().map(move |&unit| (step, unit));
        Spikes { units: events.units(), spikes: (0..events.steps()).flat_map(row).collect() }
    };
    (0..events.batch()).map(of_sample).collect()
}
