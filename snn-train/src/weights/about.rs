//! The metadata of weight files.

use std::{collections::BTreeMap, path::Path};

use snn_data::DataIdentity;

use crate::{checkpoint::Checkpoint, error::Error, experiment::Experiment};

const RUN: &str = "run";
const EPOCH: &str = "epoch";
pub(super) const EXPERIMENT: &str = "experiment";
pub(super) const DATA: &str = "data";

/// The metadata of a checkpoint for deployment: run, epoch, experiment as TOML, and as JSON the data with class names, steps, and
/// channel statistics.
pub(super) fn about(run: &str, checkpoint: &Checkpoint) -> Result<BTreeMap<&'static str, String>, Error> {
    let mut about = known(Some(checkpoint.experiment()), checkpoint.data())?;
    about.extend([(RUN, run.to_owned()), (EPOCH, checkpoint.epoch().to_string())]);
    Ok(about)
}

/// The same of other weights, as far as it is known.
pub(super) fn known(
    experiment: Option<&Experiment>,
    data: Option<&DataIdentity>,
) -> Result<BTreeMap<&'static str, String>, Error> {
    let mut about = BTreeMap::new();
    if let Some(experiment) = experiment {
        about.insert(EXPERIMENT, experiment.to_toml()?);
    }
    if let Some(data) = data {
        let json = serde_json::to_string(data).map_err(|error| Error::Impossible(error.to_string()))?;
        about.insert(DATA, json);
    }
    Ok(about)
}

/// The metadata of an export; `None` if this version cannot parse it.
pub(super) fn experiment(toml: &str, path: &Path) -> Option<Experiment> {
    Experiment::from_toml(toml, &path.display().to_string()).ok()
}
