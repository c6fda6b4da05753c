//! What files of weights say beside them.

use std::{collections::BTreeMap, path::Path};

use crate::{checkpoint::Checkpoint, error::Error, experiment::Experiment};

const RUN: &str = "run";
const EPOCH: &str = "epoch";
pub(super) const EXPERIMENT: &str = "experiment";
pub(super) const DATA: &str = "data";

/// What a checkpoint tells whoever deploys its network, beside the weights: run, epoch, experiment as TOML, and as JSON the data
/// with class names, steps, and the statistics of the channels.
pub(super) fn about(run: &str, checkpoint: &Checkpoint) -> Result<BTreeMap<&'static str, String>, Error> {
    let mut about = BTreeMap::from([
        (RUN, run.to_owned()),
        (EPOCH, checkpoint.epoch().to_string()),
        (EXPERIMENT, checkpoint.experiment().to_toml()?),
    ]);
    if let Some(data) = checkpoint.data() {
        let json = serde_json::to_string(data).map_err(|error| Error::Impossible(error.to_string()))?;
        about.insert(DATA, json);
    }
    Ok(about)
}

/// What an export says; `None` if this version does not understand it.
pub(super) fn experiment(toml: &str, path: &Path) -> Option<Experiment> {
    Experiment::from_toml(toml, &path.display().to_string()).ok()
}
