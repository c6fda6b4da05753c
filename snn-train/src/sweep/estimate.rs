//! Estimation of a sweep's compute time.

use std::time::Instant;

use toml::Value;

use super::{Manifest, ids::Experiments};
use crate::{Error, Event, Experiment, Flow, Observer, Trainer};

/// Maximum number of kinds of runs to measure.
const KINDS: usize = 8;

/// Maximum number of runs to try of a kind whose runs diverge immediately.
const TRIES: u32 = 3;

/// A longer epoch (seconds) is not repeated for a better measurement.
const LONG: f64 = 10.0;

/// The result of a measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measured {
    /// Kinds of runs: runs of a kind have the same data, network and batch size except for seeds.
    pub kinds: usize,
    /// How many of them were measured; the others are estimated by their mean. 0 if all runs tried have diverged.
    pub measured: usize,
}

/// Trains one epoch of each kind of run on one thread, and stores the expected compute time in every point
/// ([`Point::seconds`](super::Point::seconds)). A warm-up epoch before it, in which the network may still be silent, does not
/// count unless it is long. If a run diverges before that, the next of its kind is tried. The training is discarded.
///
/// # Errors
/// Those of [`Trainer::new`] and [`Trainer::run`], and [`snn_run::Error::Io`] where threads cannot be started.
pub fn measure(manifest: &mut Manifest) -> Result<Measured, Error> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .map_err(|error| Error::io("start a thread to measure in", "")(std::io::Error::other(error)))?;
    let mut kinds: Vec<Kind> = Vec::new();
    let mut of_points = Vec::new();
    let experiments = Experiments::of(manifest)?;
    for point in &manifest.points {
        let experiment = experiments.get(point)?;
        let settings = settings(&experiment)?;
        let place = kinds.iter().position(|kind| kind.settings == settings).unwrap_or_else(|| {
            kinds.push(Kind { settings, seconds: None, tries: 0 });
            kinds.len() - 1
        });
        if kinds[place].seconds.is_none() && kinds[place].tries < TRIES && measured(&kinds) < KINDS {
            kinds[place].tries += 1;
            kinds[place].seconds = pool.install(|| epoch_seconds(experiment.clone()))?;
        }
        of_points.push((place, experiment.training.epochs));
    }
    let known: Vec<f64> = kinds.iter().filter_map(|kind| kind.seconds).collect();
    let mean = super::MeanSd::of(&known).map(|summary| summary.mean);
    for (point, (kind, epochs)) in manifest.points.iter_mut().zip(of_points) {
        let of_epoch = kinds[kind].seconds.or(mean);
        point.seconds = of_epoch.map(|seconds| seconds * f64::from(epochs));
    }
    Ok(Measured { kinds: kinds.len(), measured: known.len() })
}

/// Runs with equally long epochs.
struct Kind {
    settings: String,
    /// An epoch, once measured.
    seconds: Option<f64>,
    tries: u32,
}

fn measured(kinds: &[Kind]) -> usize {
    kinds.iter().filter(|kind| kind.seconds.is_some()).count()
}

/// The settings that determine the length of an epoch.
fn settings(experiment: &Experiment) -> Result<String, Error> {
    let mut table = experiment.to_table()?;
    table.retain(|section, _| matches!(section, "data" | "network"));
    if let Some(data) = table.get_mut("data").and_then(Value::as_table_mut) {
        data.retain(|key, _| key != "seed");
    }
    Ok(format!("{table} {}", experiment.training.batch_size))
}

/// `None` if training diverges before an epoch ends, or is refused as too large.
fn epoch_seconds(mut experiment: Experiment) -> Result<Option<f64>, Error> {
    // One more epoch than measured, so that the test is not reached.
    experiment.training.epochs = 3;
    let mut watch = Watch { began: Instant::now(), seconds: 0.0, epochs: 0 };
    let mut trainer = match Trainer::new(experiment) {
        // Its runs will be refused; the others are measured.
        Err(Error::TooLarge { .. }) => return Ok(None),
        trainer => trainer?,
    };
    match trainer.run(&mut [&mut watch]) {
        Err(Error::NotFinite { .. }) => {}
        outcome => drop(outcome?),
    }
    Ok((watch.epochs > 0).then_some(watch.seconds))
}

struct Watch {
    began: Instant,
    seconds: f64,
    epochs: u32,
}

impl Observer for Watch {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        match event {
            Event::RunStarted(_) => self.began = Instant::now(),
            Event::EpochFinished { .. } => {
                self.seconds = self.began.elapsed().as_secs_f64();
                self.began = Instant::now();
                self.epochs += 1;
                if self.epochs == 2 || self.seconds > LONG {
                    return Ok(Flow::Stop);
                }
            }
            _ => {}
        }
        Ok(Flow::Continue)
    }
}
