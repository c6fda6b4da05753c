//! The initial weights for the figures, chosen by the activity of the untrained network.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::Serialize;
use snn_core::Network;
use snn_plot::{Axes, AxisScale, BLUE, GRAY, Stroke};

use super::{FigureOutput, Scale, Table, sources::preset_of};
use crate::{
    Error, Experiment,
    train::{evaluate_activity, spread},
};

/// The data set used for the choice.
pub(super) const RANDMAN: &str = "randman";

/// The candidate gains of the uniform distribution.
const GAINS: [u8; 6] = [1, 2, 3, 4, 6, 8];
/// Minimum number of hidden spikes per input of the untrained network.
const ENOUGH: f64 = 0.5;
/// Number of training samples to average over: all of the manifolds'.
const SAMPLES: usize = 8000;
/// Number of draws of the initial weights to average over.
const SEEDS: u64 = 10;

/// The initial weights of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize)]
#[serde(into = "String")]
pub enum FirstWeights {
    /// Those of the presets: the smallest gain with which the untrained network is active.
    #[default]
    Active,
    /// As printed in the paper: uniform, gain 1.
    Printed,
    /// Uniform with a different gain.
    Gain(u8),
    /// Fluctuation-driven: membrane potentials with mean 0 and standard deviation 1.
    FluctuationDriven,
}

impl FirstWeights {
    /// The names of all.
    pub const NAMES: [&str; 8] =
        ["active", "printed", "gain-2", "gain-3", "gain-4", "gain-6", "gain-8", "fluctuation-driven"];

    /// All initial weights.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.iter().filter_map(|name| name.parse().ok())
    }

    /// Whether the protocol has figures at full scale from these weights.
    pub(super) fn has_full_scale(self) -> bool {
        matches!(self, Self::Active | Self::Printed)
    }

    /// Changes to a preset.
    pub(super) fn changes(self) -> Vec<String> {
        match self {
            Self::Active => Vec::new(),
            Self::Printed => changes_of_gain(1),
            Self::Gain(gain) => changes_of_gain(gain),
            Self::FluctuationDriven => vec!["initialization.distribution=fluctuation-driven".to_owned()],
        }
    }

    /// The folder of its figures within the directory of all: `full`, or `full-printed`.
    #[must_use]
    pub fn directory(self, scale: Scale) -> PathBuf {
        match self {
            Self::Active => scale.to_string(),
            other => format!("{scale}-{other}"),
        }
        .into()
    }
}

fn changes_of_gain(gain: u8) -> Vec<String> {
    vec!["initialization.distribution=uniform".to_owned(), format!("initialization.gain={gain}")]
}

impl fmt::Display for FirstWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("active"),
            Self::Printed => f.write_str("printed"),
            Self::Gain(gain) => write!(f, "gain-{gain}"),
            Self::FluctuationDriven => f.write_str("fluctuation-driven"),
        }
    }
}

impl From<FirstWeights> for String {
    fn from(weights: FirstWeights) -> Self {
        weights.to_string()
    }
}

impl FromStr for FirstWeights {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let gain = |name: &str| name.strip_prefix("gain-")?.parse().ok().map(Self::Gain);
        match name {
            "active" => Ok(Self::Active),
            "printed" => Ok(Self::Printed),
            "fluctuation-driven" => Ok(Self::FluctuationDriven),
            name => gain(name).filter(|_| Self::NAMES.contains(&name)).ok_or_else(|| {
                let all = Self::NAMES.join(", ");
                Error::Impossible(format!("there are no initial weights `{name}`; there are {all}"))
            }),
        }
    }
}

/// The activity of untrained networks with some initial weights.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UntrainedActivity {
    /// The distribution of the weights: `uniform, gain 4`.
    pub weights: String,
    /// Hidden spikes per input, for each seed of the initial weights; mean over the training part.
    pub spikes: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Whether this is the choice for figures: the smallest gain with at least half a spike.
    pub chosen: bool,
}

/// Hidden spikes per input of the preset's untrained network on one of [`DATA_SETS`](super::DATA_SETS), for each gain and for
/// fluctuation-driven weights: up to 8000 training samples, ten draws of the weights. The choice does not depend on accuracy.
///
/// # Errors
/// [`Error::Impossible`] for another data set, and those of [`Experiment::network`] and of opening the data.
pub fn untrained_activity(data_set: &str) -> Result<Vec<UntrainedActivity>, Error> {
    let mut experiment = Experiment::preset(preset_of(data_set)?)?;
    let data = experiment.data.open()?;
    let samples = spread(&data.splits().train, SAMPLES);
    let mut rows = Vec::new();
    let gains = GAINS.map(|gain| (format!("uniform, gain {gain}"), changes_of_gain(gain)));
    let driven = FirstWeights::FluctuationDriven;
    for (weights, changes) in gains.into_iter().chain([(driven.to_string(), driven.changes())]) {
        experiment.set(&changes)?;
        let spikes = (0..SEEDS).map(|seed| {
            experiment.initialization.seed = seed;
            let network: Network = experiment.network(&*data)?;
            let layers = evaluate_activity(&network, &*data, &samples)?;
            Ok(layers.iter().map(|layer| layer.spikes_per_sample).sum())
        });
        let spikes = spikes.collect::<Result<Vec<f64>, Error>>()?;
        let mean = spikes.iter().sum::<f64>() / spikes.len() as f64;
        let chosen = mean >= ENOUGH
            && !rows.iter().any(|row: &UntrainedActivity| row.chosen)
            && weights.starts_with("uniform");
        rows.push(UntrainedActivity { weights, spikes, mean, chosen });
    }
    Ok(rows)
}

/// The figure of [`untrained_activity`], which is not in the paper.
pub(super) fn draw(rows: &[UntrainedActivity]) -> FigureOutput {
    let mut output = FigureOutput::new(260.0, 190.0, "Activity before training");
    let place = output.canvas.page().inset(44.0, 20.0, 10.0, 52.0);
    let highest = rows.iter().map(|row| row.mean).fold(1.0, f64::max);
    let labels = rows.iter().map(|row| row.weights.replace("uniform, ", "").replace('-', "-\n"));
    let labels: Vec<String> = labels.collect();
    let axes = Axes::new(
        place,
        AxisScale::categories(labels.iter().map(String::as_str)),
        AxisScale::linear(0.0, 1.1 * highest),
    )
    .labels("Initial weights", "Hidden spikes per input");
    let end = rows.len() as f64 - 0.5;
    let mut table = Table::new(["initial_weights", "seed", "spikes_per_input", "mean", "chosen"]);
    for (x, row) in rows.iter().enumerate() {
        let color = if row.chosen { BLUE } else { GRAY };
        axes.bar(&mut output.canvas, x as f64, 0.7, row.mean, 0.0, color);
        for (seed, spikes) in row.spikes.iter().enumerate() {
            table.push(&[&row.weights, &seed, spikes, &row.mean, &row.chosen]);
        }
    }
    axes.line(&mut output.canvas, [(-0.5, ENOUGH), (end, ENOUGH)], Stroke::new(GRAY, 0.6).dashed());
    axes.draw(&mut output.canvas);
    output.table("", table);
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_others_refused() {
        let all: Vec<_> = FirstWeights::all().map(|weights| weights.to_string()).collect();
        assert_eq!(all, FirstWeights::NAMES);
        for name in ["gain-5", "gain-x", "active "] {
            let message = name.parse::<FirstWeights>().unwrap_err().to_string();
            assert!(message.contains("fluctuation-driven"), "{message}");
        }
        let directories =
            [FirstWeights::Active, FirstWeights::Printed].map(|weights| weights.directory(Scale::Full));
        assert_eq!(directories, [PathBuf::from("full"), PathBuf::from("full-printed")]);
    }

    /// The rule of the protocol, and the resulting preset.
    #[test]
    fn the_preset_has_the_smallest_gain_at_which_the_untrained_network_is_active() {
        let rows = untrained_activity(RANDMAN).unwrap();
        let chosen: Vec<_> = rows.iter().filter(|row| row.chosen).collect();
        let gain = Experiment::preset("randman").unwrap().initialization.gain;
        assert_eq!(chosen.len(), 1, "{rows:?}");
        assert_eq!(chosen[0].weights, format!("uniform, gain {gain}"));
        assert!(rows.iter().take_while(|row| !row.chosen).all(|row| row.mean < ENOUGH));
        assert!(rows.last().is_some_and(|row| row.mean > 1.0), "fluctuation-driven: {rows:?}");
    }
}
