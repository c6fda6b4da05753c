//! What a stream needs to know of how its network was trained.

use snn_core::LossKind;
use snn_data::ChannelStatistics;

use crate::{error::Error, experiment::Experiment};

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) experiment: Experiment,
    pub(super) statistics: Option<ChannelStatistics>,
}

impl Settings {
    /// Losses with scores of their own have nothing to do with the readout.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.experiment.loss.name {
            LossKind::CrossEntropy => Ok(()),
            other => Err(Error::Impossible(format!(
                "a network trained with loss.name = \"{}\" does not decide by its readout, which is what a stream follows",
                LossKind::WORDS[other as usize]
            ))),
        }
    }
}

pub(super) fn unknown_data() -> Error {
    Error::Impossible(
        "these weights do not say which data they were trained on: classes, steps and statistics of the channels are unknown; take a \
         checkpoint, or an export of this program"
            .to_owned(),
    )
}
