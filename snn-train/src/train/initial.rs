//! The network before training: its initial weights and activity.

use std::fmt;

use snn_core::{
    ActivityMonitor, Backend, Cpu, FluctuationDriven, Gains, InitialWeights, LayerActivity, Network,
};
use snn_data::Dataset;

use super::batch;
use crate::{
    error::Error,
    experiment::{Distribution, Experiment},
};

/// Number of training samples, evenly spaced in the training part, to measure the rates of inputs and layers.
const SAMPLES: usize = 512;
/// Number of samples to measure the activity of the untrained network.
const LOOKED_AT: usize = 100;

/// The activity of a hidden layer in the untrained network on training samples.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ExpectedActivity {
    /// Spikes, and the number of active units.
    pub activity: LayerActivity,
    /// The highest membrane potential of any unit.
    pub highest: f64,
}

impl Experiment {
    /// The network with its initial weights.
    ///
    /// ```
    /// use snn_train::Experiment;
    ///
    /// let mut experiment = Experiment::default();
    /// experiment.set(&["data.samples_per_class=20", "initialization.distribution=fluctuation-driven"])?;
    /// let data = experiment.data.open()?;
    /// let network = experiment.network(&*data)?;
    /// assert!(snn_train::expected_activity(&network, &*data)?[0].activity.spikes_per_sample > 1.0);
    /// # Ok::<(), snn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Network`] for an invalid network, and for a mean and deviation of membrane potentials that no weights achieve;
    /// [`Error::Data`] if samples cannot be read.
    pub fn network(&self, dataset: &dyn Dataset) -> Result<Network, Error> {
        self.network_on(Cpu::default(), dataset)
    }

    /// [`Experiment::network`] on the given device.
    ///
    /// # Errors
    /// Those of [`Experiment::network`].
    pub fn network_on<D: Backend<f32>>(
        &self,
        device: D,
        dataset: &dyn Dataset,
    ) -> Result<Network<f32, D>, Error> {
        let section = &self.initialization;
        let config = self.network_config(dataset);
        let gains = Gains {
            input: section.input_gain,
            recurrent: section.recurrent_gain,
            readout: section.readout_gain,
        };
        if section.distribution != Distribution::FluctuationDriven {
            let initial = InitialWeights { distribution: self.initialization(), gains };
            return Ok(Network::drawn(device, config, initial, section.seed)?);
        }
        let how = FluctuationDriven {
            mean: section.mean,
            deviation: section.deviation,
            recurrent_share: section.recurrent_share,
        };
        let (input, _) = batch::load(dataset, &spread(&dataset.splits().train, SAMPLES))?;
        Ok(Network::fluctuation_driven(device, config, &how, gains, section.seed, &input)?)
    }
}

/// This number of samples, evenly spaced.
pub(crate) fn spread(samples: &[u32], count: usize) -> Vec<u32> {
    let count = count.min(samples.len());
    (0..count).map(|place| samples[place * samples.len() / count]).collect()
}

/// The activity of each hidden layer on a hundred evenly spaced training samples.
///
/// # Errors
/// [`Error::Data`] or [`Error::Network`] if a sample violates the contract of data set and network.
pub fn expected_activity(network: &Network, dataset: &dyn Dataset) -> Result<Vec<ExpectedActivity>, Error> {
    let samples = spread(&dataset.splits().train, LOOKED_AT);
    let layers = network.config().hidden.len();
    let mut monitor = ActivityMonitor::new(network.config(), dataset.steps());
    let mut highest = vec![f64::NEG_INFINITY; layers];
    // Potentials of large networks take memory: a few samples at a time.
    for samples in samples.chunks(10) {
        let (input, _) = batch::load(dataset, samples)?;
        let (output, recording) = network.record(&input)?;
        monitor.observe(&output);
        for (highest, potentials) in highest.iter_mut().zip(&recording.potentials) {
            *highest = potentials.iter().fold(*highest, |highest, &u| highest.max(u.into()));
        }
    }
    let layers = monitor.report().into_iter().zip(highest);
    Ok(layers.map(|(activity, highest)| ExpectedActivity { activity, highest }).collect())
}

/// The activity of each hidden layer over samples.
#[cfg(feature = "figures")]
pub(crate) fn evaluate_activity(
    network: &Network,
    dataset: &dyn Dataset,
    samples: &[u32],
) -> Result<Vec<LayerActivity>, Error> {
    let mut monitor = ActivityMonitor::new(network.config(), dataset.steps());
    for samples in samples.chunks(500) {
        monitor.observe(&network.forward(&batch::load(dataset, samples)?.0)?);
    }
    Ok(monitor.report())
}

impl fmt::Display for ExpectedActivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LayerActivity { spikes_per_sample: spikes, silent_fraction, .. } = self.activity;
        let active = 100.0 * (1.0 - silent_fraction);
        write!(f, "{spikes:.2} spikes per input, {active:.0} % of units active")
    }
}

/// The first layer in which no unit reaches the threshold, and what to change.
pub(super) fn warning(experiment: &Experiment, layers: &[ExpectedActivity]) -> Option<String> {
    let (number, layer) = (1..).zip(layers).find(|(_, layer)| layer.activity.silent_fraction >= 1.0)?;
    let threshold = experiment.network.threshold;
    let section = &experiment.initialization;
    // Without spikes in this layer, its potentials are proportional to its weights.
    let factor = threshold / layer.highest;
    let mut text = format!(
        "before training, no unit of hidden layer {number} reaches the threshold (network.threshold, {threshold:?}) on {LOOKED_AT} \
         training samples: the highest potential is {:.3}. ",
        layer.highest
    );
    let raise = |key: &str, value: f64| {
        let least = (10.0 * value * factor).ceil() / 10.0;
        format!("Units start to spike above {key} = {least:?} (now {value:?})")
    };
    if !(factor.is_finite() && factor > 0.0) {
        text += "No input reaches it within data.steps: inspect the data with `snn data info`";
    } else if section.distribution == Distribution::FluctuationDriven {
        text += &raise("initialization.deviation", section.deviation);
    } else if number == 1 {
        text += &raise("initialization.gain", section.gain);
    } else {
        text += &raise("initialization.input_gain", section.input_gain);
        text += ", which also makes the layers below spike more";
    }
    let regularizer = &experiment.regularizer;
    if regularizer.lower_strength > 0.0 && regularizer.lower_threshold > 0.0 {
        text += "; otherwise only the lower regularizer (regularizer.lower_strength), which is enabled, can activate it";
    } else {
        text += "; or enable the lower regularizer (regularizer.lower_strength 100, regularizer.lower_threshold 0.001)";
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::keys;

    fn untrained(changes: &[&str]) -> (Experiment, Vec<ExpectedActivity>) {
        let mut experiment = Experiment::default();
        experiment.set(&["data.samples_per_class=50"]).unwrap();
        experiment.set(changes).unwrap();
        let data = experiment.data.open().unwrap();
        let network = experiment.network(&*data).unwrap();
        let layers = expected_activity(&network, &*data).unwrap();
        (experiment, layers)
    }

    #[test]
    fn a_silent_layer_is_reported_with_the_required_gain() {
        let (experiment, layers) = untrained(&[]);
        let text = warning(&experiment, &layers).unwrap();
        for word in text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')) {
            let word = word.trim_end_matches('.');
            if word.contains('_') || word.starts_with("initialization.") {
                assert!(keys().any(|key| key.path == word), "`{word}` in: {text}");
            }
        }
        // The number is correct: just below it, the layer is silent; just above, it is not.
        let (_, rest) = text.split_once("initialization.gain = ").unwrap();
        let gain: f64 = rest.split(' ').next().unwrap().parse().unwrap();
        let (below, above) =
            (format!("initialization.gain={}", gain - 0.1), format!("initialization.gain={gain}"));
        let (experiment, layers) = untrained(&[&below]);
        assert!(warning(&experiment, &layers).is_some(), "{below}: {layers:?}");
        let (experiment, layers) = untrained(&[&above]);
        assert_eq!(warning(&experiment, &layers), None, "{above}: {layers:?}");
    }

    #[test]
    fn the_layer_and_the_key_of_the_distribution_are_named() {
        let (experiment, layers) = untrained(&[
            "network.hidden=[100, 100]",
            "initialization.gain=4",
            "initialization.readout_gain=2",
        ]);
        let text = warning(&experiment, &layers);
        assert!(
            text.is_none_or(|text| text.contains("layer 2") && text.contains("initialization.input_gain"))
        );
        let driven = "initialization.distribution=fluctuation-driven";
        let (experiment, layers) =
            untrained(&[driven, "initialization.deviation=0.01", "regularizer.lower_strength=0"]);
        let text = warning(&experiment, &layers).unwrap();
        assert!(text.contains("initialization.deviation = ") && text.contains("enable the lower"), "{text}");
    }

    #[test]
    fn gains_of_single_matrices_reach_them() {
        let weights = |changes: &[&str]| {
            let mut experiment = Experiment::default();
            experiment.set(&["data.samples_per_class=20", "network.recurrent=true"]).unwrap();
            experiment.set(changes).unwrap();
            let data = experiment.data.open().unwrap();
            let network = experiment.network(&*data).unwrap();
            network.parameters().map(|(name, _, values)| (name, values[0])).collect::<Vec<_>>()
        };
        for distribution in ["uniform", "normal", "fluctuation-driven"] {
            let distribution = format!("initialization.distribution={distribution}");
            let plain = weights(&[&distribution]);
            for (place, key) in ["input_gain", "recurrent_gain", "readout_gain"].into_iter().enumerate() {
                let changed = weights(&[&distribution, &format!("initialization.{key}=2")]);
                let factor = changed[place].1 / plain[place].1;
                assert!((factor - 2.0).abs() < 1e-6, "{distribution} {key}: {plain:?} {changed:?}");
            }
        }
    }
}
