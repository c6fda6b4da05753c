//! Taking probes.

use std::collections::BTreeMap;

use snn_core::{
    ActivityMonitor, AnyLoss, Events, Input, LossFunction, Network, Optimizer, Output, Recording,
};
use snn_data::Dataset;

use super::{
    Histogram, InputProbe, LayerProbe, MAX_CLASSES, MAX_POINTS, PROBE_VERSION, Probe, Raster, SampleProbe,
    Traces,
};
use crate::{Error, Evaluation, Experiment, experiment::ProbeSection, train::batch};

/// What to probe: the same samples and units throughout a run.
#[derive(Debug)]
pub(super) struct Subject {
    samples: Vec<u32>,
    section: ProbeSection,
    /// The loss, which determines predictions.
    loss: AnyLoss,
}

/// Data of an epoch for a probe, besides the network.
#[derive(Clone, Copy)]
pub(super) struct Epoch<'a> {
    pub(super) epoch: u32,
    pub(super) optimizer: &'a dyn Optimizer,
    pub(super) activity: &'a ActivityMonitor,
    pub(super) validation: Option<&'a Evaluation>,
}

/// Default number of samples, and of traced units per layer.
const FEW: usize = 4;

impl Subject {
    pub(super) fn new(experiment: &Experiment, dataset: &dyn Dataset) -> Self {
        let section = &experiment.probe;
        let samples = if section.samples.is_empty() {
            choose_samples(dataset)
        } else {
            section.samples.iter().filter_map(|&sample| u32::try_from(sample).ok()).collect()
        };
        Self { samples, section: section.clone(), loss: experiment.loss_function() }
    }

    /// Probes `network` after an epoch, or before training.
    pub(super) fn probe(
        &self,
        network: &Network,
        dataset: &dyn Dataset,
        epoch: Option<Epoch<'_>>,
    ) -> Result<Probe, Error> {
        let (input, labels) = batch::load(dataset, &self.samples)?;
        let (output, recording) = network.record(&input)?;
        let output = self.loss.scored(output);
        let outputs = network.config().outputs;
        let predictions = output.predictions();
        let samples = (0..self.samples.len()).map(|at| SampleProbe {
            index: self.samples[at],
            label: labels[at],
            prediction: u16::try_from(predictions[at]).unwrap_or(u16::MAX),
            input: self.input(&input, at),
            hidden: recording.spikes.iter().map(|events| self.raster(events, at)).collect(),
            potentials: self.potentials(network, &recording, at),
            readout: traces(&recording.readout, dataset.steps(), outputs, at, spread(outputs, MAX_CLASSES)),
        });
        Ok(Probe {
            version: PROBE_VERSION,
            epoch: epoch.map_or(0, |epoch| epoch.epoch),
            seconds: 0.0,
            steps: u32::try_from(dataset.steps()).unwrap_or(u32::MAX),
            dt: dataset.dt(),
            threshold: network.config().threshold,
            samples: samples.collect(),
            layers: layers(network, dataset, &output, &recording, epoch.map(|epoch| epoch.activity)),
            update_ratios: epoch.map(|epoch| update_ratios(network, epoch.optimizer)).unwrap_or_default(),
            confusion: match epoch.and_then(|epoch| epoch.validation) {
                Some(validation) if dataset.classes() <= MAX_CLASSES => validation.confusion.rows(),
                _ => Vec::new(),
            },
        })
    }

    fn input(&self, input: &Input<f32>, sample: usize) -> InputProbe {
        match input {
            Input::Events(events) => InputProbe::Spikes(self.raster(events, sample)),
            Input::Frames(frames) => {
                let units = spread(input.units(), self.section.units);
                InputProbe::Frames(traces(frames.values(), frames.steps(), input.units(), sample, units))
            }
        }
    }

    fn raster(&self, events: &Events, sample: usize) -> Raster {
        let units = spread(events.units(), self.section.units);
        let mut spikes = vec![Vec::new(); units.len()];
        for step in 0..events.steps() {
            for &unit in events.row(sample, step) {
                if let Ok(at) = units.binary_search(&unit.into())
                    && spikes[at].last() != Some(&(step as u32))
                {
                    spikes[at].push(step as u32);
                }
            }
        }
        Raster { size: events.units(), units, spikes }
    }

    fn potentials(&self, network: &Network, recording: &Recording<f32>, sample: usize) -> Vec<Traces> {
        let layers = recording.spikes.iter().zip(&recording.potentials).zip(&network.config().hidden);
        let of_layer = |((spikes, potentials), layer): ((&Events, &Vec<f32>), &snn_core::Layer)| {
            let named = self.section.neurons.iter().filter(|&&unit| unit < layer.units);
            let units = match &self.section.neurons[..] {
                [] => spread(layer.units, FEW),
                _ => named.map(|&unit| unit as u32).collect(),
            };
            traces(potentials, spikes.steps(), layer.units, sample, units)
        };
        layers.map(of_layer).collect()
    }
}

/// Samples of different classes, preferably held-out ones: the first of each class.
fn choose_samples(dataset: &dyn Dataset) -> Vec<u32> {
    let splits = dataset.splits();
    let part = if splits.valid.is_empty() { &splits.train } else { &splits.valid };
    let first =
        |class: u32| part.iter().copied().find(|&sample| u32::from(dataset.label(sample as usize)) == class);
    let mut samples: Vec<_> = spread(dataset.classes(), FEW).into_iter().filter_map(first).collect();
    if samples.is_empty() {
        samples.extend(part.first());
    }
    samples
}

/// At most `limit` of the numbers below `all`, evenly spaced.
fn spread(all: usize, limit: usize) -> Vec<u32> {
    let number = all.min(limit);
    (0..number).map(|k| (k * all / number) as u32).collect()
}

/// Rows of a `[batch, steps, all units]` array.
fn traces(values: &[f32], steps: usize, all: usize, sample: usize, units: Vec<u32>) -> Traces {
    let stride = steps.div_ceil(MAX_POINTS).max(1);
    let of_unit = |&unit: &u32| {
        let at = |step: usize| values[(sample * steps + step) * all + unit as usize];
        (0..steps).step_by(stride).map(|step| short(at(step))).collect()
    };
    let values = units.iter().map(of_unit).collect();
    Traces { units, stride: stride as u32, values }
}

/// Rounds to four significant digits, enough for a plot; JSON has no infinities.
fn short(value: f32) -> f32 {
    // Rounding the largest number would make it infinite.
    let value = if value.is_nan() { 0.0 } else { value.clamp(-1e38, 1e38) };
    format!("{value:.3e}").parse().unwrap_or(value)
}

fn layers(
    network: &Network,
    dataset: &dyn Dataset,
    output: &Output<f32>,
    recording: &Recording<f32>,
    activity: Option<&ActivityMonitor>,
) -> Vec<LayerProbe> {
    let config = network.config();
    let mut of_samples = ActivityMonitor::new(config, dataset.steps());
    of_samples.observe(output);
    let (samples, spikes) = activity.unwrap_or(&of_samples).state();
    let seconds = dataset.steps() as f64 * dataset.dt() * 1e-3 * samples.max(1) as f64;
    let layer = |(spikes, potentials): (&Vec<f64>, &Vec<f32>)| LayerProbe {
        rates: Histogram::decades(-1, 3).fill(spikes.iter().map(|count| count / seconds)),
        derivatives: Histogram::decades(-6, 2)
            .fill(potentials.iter().map(|u| config.surrogate.derivative(f64::from(*u) - config.threshold))),
    };
    spikes.iter().zip(&recording.potentials).map(layer).collect()
}

/// The norm of the last update of each weight matrix relative to that of its weights.
pub(crate) fn update_ratios(network: &Network, optimizer: &dyn Optimizer) -> BTreeMap<String, f64> {
    let updates: BTreeMap<_, _> = optimizer.last_update().into_iter().collect();
    let ratio = |name: &str, weights: &[f32]| {
        let size = weights.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
        if size > 0.0 { updates.get(name).map_or(0.0, |update| update / size) } else { 0.0 }
    };
    network.parameters().map(|(name, _, weights)| (name.clone(), ratio(&name, &weights))).collect()
}

#[cfg(test)]
mod tests {
    use snn_core::LossKind;
    use snn_data::Split;

    use super::*;
    use crate::{Goal, evaluate};

    #[test]
    fn units_are_spread_evenly() {
        assert_eq!(spread(5, 10), [0, 1, 2, 3, 4]);
        assert_eq!(spread(100, 4), [0, 25, 50, 75]);
        assert!(spread(0, 4).is_empty());
    }

    #[test]
    fn values_are_short_and_finite() {
        assert_eq!(short(0.123_456), 0.1235);
        assert_eq!(short(-1234.56), -1235.0);
        assert_eq!(short(f32::NAN), 0.0);
        assert!(short(f32::INFINITY).is_finite());
    }

    #[test]
    fn a_probe_records_the_activity() {
        let mut experiment = Experiment::default();
        let changes = ["data.samples_per_class=20", "network.hidden=[30, 12]", "initialization.gain=8"];
        experiment.set(&changes).unwrap();
        experiment.probe.units = 7;
        let dataset = experiment.data.open().unwrap();
        let config = experiment.network_config(&*dataset);
        let network = Network::new(config, experiment.initialization(), 1).unwrap();
        let subject = Subject::new(&experiment, &*dataset);
        let probe = subject.probe(&network, &*dataset, None).unwrap();

        assert_eq!((probe.epoch, probe.steps, probe.samples.len()), (0, 100, FEW));
        let labels: Vec<_> = probe.samples.iter().map(|sample| sample.label).collect();
        assert_eq!(labels, [0, 2, 5, 7]);
        let sample = &probe.samples[1];
        assert!(dataset.splits().valid.contains(&sample.index));
        let InputProbe::Spikes(input) = &sample.input else { panic!("randman spikes") };
        assert_eq!((input.size, input.units.len()), (20, 7));
        assert!(input.spikes.iter().all(|steps| steps.len() == 1), "each input spikes once");
        assert_eq!(sample.hidden[1].units, [0, 1, 3, 5, 6, 8, 10]);

        // A potential above the threshold is a spike, here of a unit that both show.
        let (trace, raster) = (&sample.potentials[0], &sample.hidden[0]);
        let steps = trace.values[0].iter().enumerate().filter(|(_, u)| **u > 1.0).map(|(n, _)| n as u32);
        assert_eq!((trace.units[0], raster.units[0]), (0, 0));
        assert_eq!(steps.collect::<Vec<_>>(), raster.spikes[0]);
        assert!(probe.samples.iter().any(|sample| sample.hidden[0].spikes.iter().any(|s| !s.is_empty())));

        let maximum = |k: usize| sample.readout.values[k].iter().copied().fold(0.0, f32::max);
        let largest = (0..10).fold(0, |m, k| if maximum(k) > maximum(m) { k } else { m });
        assert_eq!(largest, usize::from(sample.prediction), "the head is the maximum");
        assert_eq!(probe.layers[0].rates.total(), 30);
        assert_eq!(probe.layers[1].derivatives.total(), (FEW * 100 * 12) as u64);
        assert!(probe.confusion.is_empty() && probe.update_ratios.is_empty());
    }

    #[test]
    fn a_probe_predicts_like_an_evaluation_with_every_loss() {
        let mut experiment = Experiment::default();
        experiment
            .set(&["data.samples_per_class=20", "network.hidden=[30]", "initialization.gain=8"])
            .unwrap();
        let dataset = experiment.data.open().unwrap();
        let network =
            Network::new(experiment.network_config(&*dataset), experiment.initialization(), 1).unwrap();
        let samples = &dataset.splits().valid;
        experiment.probe.samples = samples.iter().map(|&sample| sample as usize).collect();
        let mut answers = Vec::new();
        for name in [LossKind::CrossEntropy, LossKind::SpikeCount] {
            experiment.loss.name = name;
            let probe = Subject::new(&experiment, &*dataset).probe(&network, &*dataset, None).unwrap();
            let mut confusion = vec![vec![0; 10]; 10];
            for sample in &probe.samples {
                confusion[usize::from(sample.label)][usize::from(sample.prediction)] += 1;
            }
            let (loss, regularizer) = (experiment.loss_function(), experiment.regularizer());
            let goal = Goal { loss: &loss, regularizer: &regularizer };
            let evaluation = evaluate(&network, &*dataset, Split::Valid, goal, 100).unwrap();
            assert_eq!(confusion, evaluation.confusion.rows(), "{name:?}");
            answers.push(confusion);
        }
        assert_ne!(answers[0], answers[1], "the losses give different predictions");
    }

    #[test]
    fn the_update_size_is_that_of_the_weight_difference() {
        let mut experiment = Experiment::default();
        experiment.set(&["data.samples_per_class=20", "initialization.gain=8"]).unwrap();
        let dataset = experiment.data.open().unwrap();
        let config = experiment.network_config(&*dataset);
        let mut network: Network = Network::new(config, experiment.initialization(), 1).unwrap();
        let rule = experiment.optimizer.name;
        let mut optimizer = rule.fit(&experiment.optimizer_settings(), &network, None).unwrap();
        let (input, labels) = batch::load(&*dataset, &dataset.splits().train).unwrap();
        for _ in 0..3 {
            let before: Vec<_> = network.parameters().collect();
            let gradients =
                network.loss(&input, &labels, &experiment.regularizer()).unwrap().backward().unwrap();
            optimizer.update(&mut network, &gradients).unwrap();
            let ratios = update_ratios(&network, &*optimizer);
            for ((name, _, old), (_, _, new)) in before.iter().zip(network.parameters()) {
                let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
                let difference = norm(&mut old.iter().zip(&new).map(|(a, b)| f64::from(a - b)));
                let expected = difference / norm(&mut new.iter().map(|&w| f64::from(w)));
                assert!((ratios[name] / expected - 1.0).abs() < 1e-3, "{name}: {} {expected}", ratios[name]);
            }
        }
    }
}
