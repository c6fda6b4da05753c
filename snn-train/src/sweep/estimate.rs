//! How long a sweep will compute.

use std::time::Instant;

use toml::Value;

use super::Manifest;
use crate::{Error, Event, Experiment, Flow, Observer, Trainer};

/// So many kinds of runs are measured at most.
const KINDS: usize = 8;

/// An epoch that takes longer (seconds) is not repeated for a better measurement.
const LONG: f64 = 10.0;

/// What a measurement has found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measured {
    /// Kinds of runs: those of one kind have the same data, network and batch size but for seeds.
    pub kinds: usize,
    /// How many of them were measured; the others are taken to be like their mean.
    pub measured: usize,
}

impl Manifest {
    /// Trains one epoch of each kind of runs on one thread, and notes in every point how long it will compute
    /// ([`Point::seconds`](super::Point::seconds)). An epoch before it, which wakes the network up, does not count unless
    /// it is long. Nothing is kept of the training.
    ///
    /// # Errors
    /// Those of [`Trainer::new`] and [`Trainer::run`], and [`Error::Io`] where threads cannot be started.
    pub fn measure(&mut self) -> Result<Measured, Error> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .map_err(|error| Error::io("start a thread to measure in", "")(std::io::Error::other(error)))?;
        let mut kinds: Vec<(String, Option<f64>)> = Vec::new();
        let mut of_points = Vec::new();
        for point in &self.points {
            let experiment = self.experiment(point)?;
            let kind = kind(&experiment)?;
            let place = kinds.iter().position(|(known, _)| *known == kind).map_or_else(
                || {
                    let measured = kinds.iter().filter(|(_, seconds)| seconds.is_some()).count();
                    let seconds = if measured < KINDS {
                        Some(pool.install(|| epoch_seconds(experiment.clone()))?)
                    } else {
                        None
                    };
                    kinds.push((kind, seconds));
                    Ok::<_, Error>(kinds.len() - 1)
                },
                Ok,
            )?;
            of_points.push((place, experiment.training.epochs));
        }
        let known: Vec<f64> = kinds.iter().filter_map(|(_, seconds)| *seconds).collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        for (point, (kind, epochs)) in self.points.iter_mut().zip(of_points) {
            point.seconds = Some(kinds[kind].1.unwrap_or(mean) * f64::from(epochs));
        }
        Ok(Measured { kinds: kinds.len(), measured: known.len() })
    }
}

/// What determines how long an epoch takes.
fn kind(experiment: &Experiment) -> Result<String, Error> {
    let mut table = experiment.to_table()?;
    table.retain(|section, _| matches!(section, "data" | "network"));
    if let Some(data) = table.get_mut("data").and_then(Value::as_table_mut) {
        data.retain(|key, _| key != "seed");
    }
    Ok(format!("{table} {}", experiment.training.batch_size))
}

fn epoch_seconds(mut experiment: Experiment) -> Result<f64, Error> {
    // One more than is watched, so that nothing is tested.
    experiment.training.epochs = 3;
    let mut watch = Watch { began: Instant::now(), seconds: 0.0, epochs: 0 };
    Trainer::new(experiment)?.run(&mut [&mut watch])?;
    Ok(watch.seconds)
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
