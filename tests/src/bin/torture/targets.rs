//! The parsers.

use std::path::Path;

/// A parser; its folder in the corpus has the same name.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) parse: fn(&[u8]) -> bool,
}

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "recordings", parse: snn_data::fuzzing::recording },
    Target { name: "idx", parse: snn_data::fuzzing::idx },
    Target { name: "lists", parse: snn_data::fuzzing::list },
    Target { name: "contents", parse: contents },
    Target { name: "hdf5_head", parse: snn_data::fuzzing::hdf5_head },
    Target { name: "catalogs", parse: snn_data::fuzzing::catalog },
    Target { name: "csv_spikes", parse: snn_data::fuzzing::csv },
    Target { name: "aer", parse: snn_data::fuzzing::aer },
    Target { name: "aedat", parse: snn_data::fuzzing::aedat },
    Target { name: "gestures", parse: snn_data::fuzzing::gestures },
    Target { name: "npz", parse: npz },
    Target { name: "metrics", parse: snn_run::fuzzing::records },
    Target { name: "status", parse: snn_run::fuzzing::status },
    Target { name: "environment", parse: snn_run::fuzzing::environment },
    Target { name: "probes", parse: snn_run::fuzzing::probe },
    Target { name: "manifests", parse: snn_run::fuzzing::manifest },
    Target { name: "conditions", parse: snn_run::fuzzing::condition },
    Target { name: "plans", parse: snn_train::fuzzing::manifest },
    Target { name: "checkpoints", parse: snn_train::fuzzing::checkpoint },
    Target { name: "states", parse: snn_train::fuzzing::checkpoint_state },
    Target { name: "weights", parse: snn_train::fuzzing::plain_weights },
    Target { name: "graphs", parse: snn_train::fuzzing::graph },
    Target { name: "data_records", parse: snn_train::fuzzing::data_record },
    Target { name: "experiments", parse: snn_train::fuzzing::experiment },
    Target { name: "changes", parse: snn_train::fuzzing::change },
    Target { name: "sweeps", parse: snn_train::fuzzing::sweep_file },
    Target { name: "events", parse: snn_train::fuzzing::events },
];

/// The record of the recordings in a folder, with its checksum recomputed so that damage gets past it.
fn contents(bytes: &[u8]) -> bool {
    let mut bytes = bytes.to_vec();
    bytes.truncate(bytes.len().saturating_sub(4));
    let sum = crc32(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    snn_data::fuzzing::contents(&bytes)
}

/// CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// A NumPy archive, which is read from a file.
fn npz(bytes: &[u8]) -> bool {
    // Each worker has its own working directory.
    let path = std::path::PathBuf::from(format!("npz-{}.tmp", std::process::id()));
    std::fs::write(&path, bytes).expect("room for a small file");
    let accepted = read(&path);
    let _ = std::fs::remove_file(path);
    accepted
}

fn read(path: &Path) -> bool {
    let Ok(mut archive) = snn_data::npz::Npz::open(path) else { return false };
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    names.iter().all(|name| archive.describe(name).is_ok() && archive.read::<f64>(name).is_ok())
        && !names.is_empty()
}
