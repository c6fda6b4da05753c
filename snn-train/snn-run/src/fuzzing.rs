//! Every parser of this crate as a function of bytes, for fuzzing.
//!
//! Not part of the public interface: it may change at any time. Each function returns whether the bytes were accepted, and
//! uses the result as programs do.

use std::{path::Path, str};

use crate::{
    condition::{Cells, Condition},
    environment::Environment,
    probe::Probe,
    record::Record,
    state::RunState,
    status::Status,
    sweep::Manifest,
};

/// The lines of `metrics.jsonl`.
pub fn records(bytes: &[u8]) -> bool {
    let lines = bytes.split(|&byte| byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
    let records: Vec<_> = lines.filter_map(Record::parse).collect();
    for record in &records {
        if let Record::Epoch(epoch) = record {
            epoch.scalars().iter().for_each(|scalar| drop(scalar.name.clone()));
        }
        assert!(
            *record == Record::Unknown || Record::parse(&record.to_line()).is_some(),
            "records round-trip"
        );
    }
    !records.is_empty()
}

/// `status.json`.
pub fn status(bytes: &[u8]) -> bool {
    let Ok(status) = serde_json::from_slice::<Status>(bytes) else { return false };
    assert!((0.0..=1.0).contains(&status.progress()), "progress is a fraction");
    let _ = RunState::of(&status, crate::silence(std::time::SystemTime::UNIX_EPOCH, status.heartbeat, None));
    true
}

/// `env.json`.
pub fn environment(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Environment>(bytes).is_ok()
}

/// A probe.
pub fn probe(bytes: &[u8]) -> bool {
    let Ok(probe) = serde_json::from_slice::<Probe>(bytes) else { return false };
    let _ = (probe.class_accuracies(), probe.lost_classes());
    for layer in &probe.layers {
        for histogram in [&layer.rates, &layer.derivatives] {
            let _ = (histogram.total(), histogram.share_below(0.01));
        }
    }
    true
}

/// The plan of a sweep, as far as it can be checked without an experiment.
pub fn manifest(bytes: &[u8]) -> bool {
    Manifest::parse(bytes, Path::new("manifest.json")).is_ok()
}

/// The plan of a sweep, if valid.
#[must_use]
pub fn parse_manifest(bytes: &[u8]) -> Option<Manifest> {
    Manifest::parse(bytes, Path::new("manifest.json")).ok()
}

/// A condition of `--where`.
pub fn condition(bytes: &[u8]) -> bool {
    let Some(condition) = str::from_utf8(bytes).ok().and_then(|text| text.parse::<Condition>().ok()) else {
        return false;
    };
    /// Returns the same value for every column.
    struct Row(&'static str);
    impl Cells for Row {
        fn cell(&self, _: &str) -> String {
            self.0.to_owned()
        }

        fn is_text(&self, _: &str) -> bool {
            self.0 == "done"
        }
    }
    for row in ["", "1", "-1e308", "nan", "done"].map(Row) {
        assert_eq!(condition.holds(&row), condition.holds(&row), "it is deterministic");
        let _ = condition.check(&[row]);
    }
    true
}

/// `config.toml` as plain TOML.
pub fn config(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| text.parse::<toml::Table>().is_ok())
}
