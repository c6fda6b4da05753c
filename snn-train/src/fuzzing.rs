//! Every parser of this crate as a function of bytes, for fuzzing.
//!
//! Not part of the public interface: it may change at any time. Each function returns whether the bytes were accepted.

use std::{path::Path, str};

use crate::{Checkpoint, Experiment, sweep, tensorboard};

/// A checkpoint. Its checksum detects most damage before the rest is parsed; [`checkpoint_state`] tests the rest.
pub fn checkpoint(bytes: &[u8]) -> bool {
    Checkpoint::is_valid(bytes)
}

/// The state in a checkpoint, as JSON.
pub fn checkpoint_state(bytes: &[u8]) -> bool {
    Checkpoint::is_state(bytes)
}

/// An experiment, as TOML.
pub fn experiment(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| match Experiment::from_toml(text, "experiment") {
        Ok(experiment) => {
            assert!(experiment.to_toml().is_ok_and(|text| Experiment::from_toml(&text, "again").is_ok()));
            true
        }
        Err(error) => error.to_string().is_empty(),
    })
}

/// A change on the command line: `section.key=value`.
pub fn change(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| Experiment::default().set(&[text]).is_ok())
}

/// A sweep file.
pub fn sweep_file(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(sweep::is_sweep)
}

/// The plan of a sweep, with its experiments.
pub fn manifest(bytes: &[u8]) -> bool {
    snn_run::fuzzing::parse_manifest(bytes)
        .is_some_and(|manifest| sweep::check_points(&manifest, Path::new("manifest.json")).is_ok())
}

/// An event file of TensorBoard.
pub fn events(bytes: &[u8]) -> bool {
    tensorboard::count(bytes) > 0
}
