//! Event files for TensorBoard, enabled by the key `probe.tensorboard` or `snn train --tensorboard`.
//!
//! A file `events.out.tfevents.NUMBER.snn` in the run directory lets `tensorboard --logdir runs` show every run by name. A step
//! is an epoch: 0 is before training. Per epoch, with `LAYER` from 1 and `MATRIX` such as `W1`, `V1`, `Wout`:
//!
//! | tag | scalar |
//! |---|---|
//! | `loss/PART`, `cross_entropy/..`, `regularization/..`, `accuracy/..` | as in [`Losses`](crate::run::Losses) |
//! | `spikes/layerLAYER`, `silent/..`, `saturated/..` | as in [`LayerRecord`](crate::run::LayerRecord) |
//! | `gradient_norm/MATRIX` | mean norm of the gradient over the batches |
//! | `update_ratio/MATRIX` | norm of the last update relative to that of the weights |
//! | `learning_rate` | learning rate of the epoch |
//! | `seconds/PHASE` | wall time, as in [`Seconds`](crate::run::Seconds), and `total` |
//!
//! `PART` is `train` or `valid`, and `test` at the last epoch. Every [`Probe`] adds the histograms `weights/MATRIX`,
//! `rates/layerLAYER` (Hz) and `derivatives/layerLAYER` (of the surrogate). The file is readable after a kill at any moment.
//!
//! A resumed run starts a new file with the events of the previous one up to the checkpoint, and empties that one. Thus no step
//! is repeated, and a running TensorBoard discards later events it may have seen, because the file starts with the mark of a
//! new session. Epochs missing in the previous file, because they were trained without TensorBoard, get the scalars of
//! `metrics.jsonl`.
//!
//! Sources: `tensorflow/core/util/event.proto`, `core/framework/summary.proto` and `core/lib/io/record_writer.h`.

mod log;
mod message;
mod record;
mod summary;

use std::{io, path::PathBuf};

use snn_core::Network;
use snn_run::{Record, RunDir, unix_time};

use crate::{
    Error, Event, Start,
    probe::{Probe, update_ratios},
};
use log::{Log, Steps, event};
use summary::SummaryMessage;

pub(crate) use log::count;

/// Writes the TensorBoard file of a run.
#[derive(Debug)]
pub(crate) struct TensorBoardWriter {
    directory: PathBuf,
    /// Set when the run starts.
    log: Option<Log>,
}

impl TensorBoardWriter {
    /// A writer for the run in this directory.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, log: None }
    }

    /// Writes an event, and its probe if there is one.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`]; training does not depend on it.
    pub(crate) fn observe(&mut self, training_event: &Event<'_>, probe: Option<&Probe>) -> Result<(), Error> {
        let (step, summary) = match training_event {
            Event::RunStarted(start) => {
                let steps = self.steps_before(start)?;
                self.log = Some(Log::begin(&self.directory, &steps).map_err(self.fail())?);
                let Some(probe) = probe else { return Ok(()) };
                (start.epoch, with_probe(SummaryMessage::default(), probe, start.network))
            }
            Event::EpochFinished { record, network, optimizer, .. } => {
                let summary = SummaryMessage::default()
                    .epoch(record)
                    .scalars("update_ratio", &update_ratios(network, *optimizer));
                let summary = match probe {
                    Some(probe) => with_probe(summary, probe, network),
                    None => summary,
                };
                (record.epoch, summary)
            }
            Event::Tested(record) => (record.epoch, SummaryMessage::default().test(record)),
            _ => return Ok(()),
        };
        let message = event(unix_time(), step, summary.into_message());
        // Without a file, the error was reported at the start of the run.
        self.log.as_mut().map_or(Ok(()), |log| log.append(&message)).map_err(self.fail())
    }

    /// The events of the finished epochs, from the previous file or, if missing there, from their records.
    fn steps_before(&self, start: &Start<'_>) -> Result<Steps, Error> {
        if start.epoch == 0 && start.batch == 0 {
            return Ok(Steps::new());
        }
        let mut steps = log::read(&self.directory, start.epoch).map_err(self.fail())?;
        for record in RunDir::open(&self.directory)?.records()? {
            if let Record::Epoch(mut record) = record {
                // Old runs did not record it.
                let rate = start.experiment.learning_rate(record.epoch.saturating_sub(1));
                record.learning_rate.get_or_insert(rate);
                let summary = SummaryMessage::default().epoch(&record);
                steps
                    .entry(record.epoch.into())
                    .or_insert_with(|| event(record.time, record.epoch, summary.into_message()));
            }
        }
        Ok(steps)
    }

    fn fail(&self) -> impl FnOnce(io::Error) -> Error {
        Error::io("write the events for TensorBoard", &self.directory)
    }
}

fn with_probe(summary: SummaryMessage, probe: &Probe, network: &Network) -> SummaryMessage {
    network
        .parameters()
        .fold(summary.probe(probe), |summary, (name, _, weights)| summary.weights(&name, &weights))
}
