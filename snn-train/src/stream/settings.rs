//! The training settings that a stream needs.

use snn_core::LossKind;
use snn_data::ChannelStatistics;

use crate::{error::Error, experiment::Experiment};

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) experiment: Experiment,
    pub(super) statistics: Option<ChannelStatistics>,
}

impl Settings {
    /// Losses with their own scores do not use the readout.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.experiment.loss.name {
            LossKind::CrossEntropy => Ok(()),
            other => Err(Error::Impossible(format!(
                "a network trained with loss.name = \"{}\" does not classify with its readout, which streams require",
                LossKind::WORDS[other as usize]
            ))),
        }
    }
}

pub(super) fn unknown_data() -> Error {
    Error::Impossible(
        "these weights do not record the data they were trained on: classes, steps and channel statistics are unknown; use a \
         checkpoint, or an export of this program"
            .to_owned(),
    )
}
