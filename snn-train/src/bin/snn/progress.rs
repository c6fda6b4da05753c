//! Progress of a run on standard error: a bar on a terminal, a line per epoch elsewhere.

use std::{
    collections::HashSet,
    io::Write as _,
    time::{Duration, Instant},
};

use snn_train::{
    Error, Event, ExpectedActivity, Flow, Observer, Phase, Start,
    run::{EpochRecord, Losses, WarningRecord},
};

use crate::bar::Bar;

const TEMPLATE: &str = "{prefix} {bar:10} {percent:>3} %, {eta} to go: {wide_msg}";

pub(crate) fn observer(quiet: bool) -> Box<dyn Observer> {
    match quiet {
        true => Box::new(Quiet::default()),
        false if snn_terminal::stderr().is_terminal() => Box::new(WithBar::new()),
        false => Box::new(Lines::default()),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Tracks which warnings were printed: a layer that is silent for a hundred epochs is reported once.
#[derive(Default)]
struct Warnings(HashSet<String>);

impl Warnings {
    fn line(&mut self, warning: &WarningRecord) -> Option<String> {
        let is_new = self.0.insert(warning.message.clone());
        is_new.then(|| match warning.epoch {
            0 => format!("warning: {}", warning.message),
            epoch => format!("warning: epoch {epoch}: {}", warning.message),
        })
    }
}

/// No progress, but warnings.
#[derive(Default)]
struct Quiet(Warnings);

impl Observer for Quiet {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        if let Event::Warning(warning) = event
            && let Some(line) = self.0.line(warning)
        {
            let _ = writeln!(snn_terminal::stderr(), "{}", snn_terminal::escape(&line));
        }
        Ok(Flow::Continue)
    }
}

/// One bar for all batches of all epochs including validation, so that its ETA is that of the run.
struct WithBar {
    bar: Bar,
    epochs: u32,
    batches: u64,
    validation_batches: u64,
    /// Accuracy of the last validation.
    valid: Option<f64>,
    warnings: Warnings,
}

impl WithBar {
    fn new() -> Self {
        let bar = Bar::new(0, TEMPLATE);
        Self { bar, epochs: 0, batches: 0, validation_batches: 0, valid: None, warnings: Warnings::default() }
    }

    fn start(&mut self, start: &Start<'_>) {
        self.epochs = start.experiment.training.epochs;
        (self.batches, self.validation_batches) = (start.batches.into(), start.validation_batches.into());
        self.bar.set_length(u64::from(self.epochs) * (self.batches + self.validation_batches));
        self.bar.set_position(self.position(start.epoch, start.batch.into()));
        // Earlier sessions do not count for the speed.
        self.bar.reset_elapsed();
        self.bar.reset_eta();
        self.bar.enable_steady_tick(Duration::from_millis(250));
    }

    fn position(&self, epochs_done: u32, batches: u64) -> u64 {
        u64::from(epochs_done) * (self.batches + self.validation_batches) + batches
    }
}

impl Observer for WithBar {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        match event {
            Event::RunStarted(start) => {
                self.start(start);
                if let Some(line) = untrained(start.untrained) {
                    self.bar.println(&line);
                }
            }
            Event::BatchFinished(progress) if progress.phase != Phase::Test => {
                let trained = if progress.phase == Phase::Validation { self.batches } else { 0 };
                self.bar.set_position(self.position(progress.epoch - 1, trained + u64::from(progress.batch)));
                self.bar.set_prefix(&format!("epoch {}/{}", progress.epoch, self.epochs));
                if progress.phase == Phase::Training {
                    let valid =
                        self.valid.map_or_else(String::new, |valid| format!(", valid {}", percent(valid)));
                    let train = percent(progress.accuracy);
                    self.bar.set_message(&format!("loss {:.3}, train {train}{valid}", progress.loss));
                }
            }
            Event::EpochFinished { record, .. } => self.valid = record.valid.map(|valid| valid.accuracy),
            Event::Warning(warning) => {
                if let Some(line) = self.warnings.line(warning) {
                    self.bar.println(&line);
                }
            }
            Event::RunFinished(_) | Event::RunFailed(_) => self.bar.finish_and_clear(),
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

/// The activity of each hidden layer before training; `None` without hidden layers.
fn untrained(layers: &[ExpectedActivity]) -> Option<String> {
    let layer = |(number, layer): (usize, &ExpectedActivity)| format!("hidden layer {number}: {layer}");
    let text = (1..).zip(layers).map(layer).collect::<Vec<_>>().join("; ");
    (!layers.is_empty()).then(|| format!("before training, {text}"))
}

/// A line per epoch.
#[derive(Default)]
struct Lines {
    epochs: u32,
    /// Completed epochs and the time when this session started.
    started: Option<(u32, Instant)>,
    warnings: Warnings,
}

impl Lines {
    fn line(&self, record: &EpochRecord) -> String {
        let EpochRecord { epoch, train, valid, layers, .. } = record;
        let Losses { loss, accuracy, .. } = train;
        let epochs = self.epochs;
        let width = epochs.to_string().len();
        let valid = valid.map_or_else(String::new, |valid| format!(", valid {}", percent(valid.accuracy)));
        let best = if record.best { " (best)" } else { "" };
        let spikes: Vec<_> = layers.iter().map(|layer| format!("{:.0}", layer.spikes)).collect();
        let spikes =
            if spikes.is_empty() { String::new() } else { format!(", {} spikes", spikes.join(" + ")) };
        let eta = self.eta(*epoch).map_or_else(String::new, |eta| format!(", {eta} to go"));
        format!(
            "epoch {epoch:>width$}/{epochs} loss {loss:.4}, train {}{valid}{best}{spikes}{eta}",
            percent(*accuracy)
        )
    }

    fn eta(&self, epoch: u32) -> Option<String> {
        let (before, start) = self.started?;
        let each = start.elapsed().checked_div(epoch.checked_sub(before)?)?;
        let left = each * self.epochs.saturating_sub(epoch);
        Some(format!("{} s", left.as_secs_f64().round()))
    }
}

impl Observer for Lines {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        let line = match event {
            Event::RunStarted(start) => {
                self.epochs = start.experiment.training.epochs;
                self.started = Some((start.epoch, Instant::now()));
                untrained(start.untrained)
            }
            Event::EpochFinished { record, .. } => Some(self.line(record)),
            Event::Warning(warning) => self.warnings.line(warning),
            _ => None,
        };
        if let Some(line) = line {
            // Training continues if the reader exits.
            let _ = writeln!(snn_terminal::stderr(), "{line}");
        }
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid() {
        indicatif::ProgressStyle::with_template(TEMPLATE).unwrap();
    }
}
