//! Every parser of this crate as a function of bytes, for fuzzing.
//!
//! Not part of the public interface: it may change at any time. Each function returns whether the bytes were accepted.

use std::{path::Path, str};

use crate::{Checkpoint, Experiment, run::DataRecord, sweep, tensorboard, weights};

/// A checkpoint. Its checksum detects most damage before the rest is parsed; [`checkpoint_state`] tests the rest.
pub fn checkpoint(bytes: &[u8]) -> bool {
    Checkpoint::is_valid(bytes)
}

/// The state in a checkpoint, as JSON.
pub fn checkpoint_state(bytes: &[u8]) -> bool {
    Checkpoint::is_state(bytes)
}

/// Weights in a safetensors file of any program.
pub fn plain_weights(bytes: &[u8]) -> bool {
    weights::is_plain(bytes)
}

/// The response of the process that reads a NIR graph.
#[cfg(feature = "nir")]
pub fn graph(bytes: &[u8]) -> bool {
    weights::is_graph(bytes)
}

/// The response of the process that reads this graph.
///
/// # Panics
/// If it cannot be written as JSON.
#[cfg(feature = "nir")]
#[must_use]
#[expect(clippy::expect_used, reason = "JSON can represent every graph")]
pub fn graph_answer(graph: &crate::nir::Graph) -> Vec<u8> {
    weights::graph_answer(graph).expect("a graph is JSON")
}

/// `data.json`: the identity of a run's data.
pub fn data_record(bytes: &[u8]) -> bool {
    let Ok(record) = serde_json::from_slice::<DataRecord>(bytes) else { return false };
    let again = serde_json::to_vec(&record).map(|text| serde_json::from_slice::<DataRecord>(&text));
    assert!(again.is_ok_and(|again| again.is_ok()), "what is read is written");
    true
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
