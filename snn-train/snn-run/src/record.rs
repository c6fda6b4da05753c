//! The lines of `metrics.jsonl`.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

/// The version in every line of `metrics.jsonl`; it is incremented when the meaning of a field changes.
pub const METRICS_VERSION: u32 = 1;

/// The start of the epoch lines that this version writes.
pub(crate) const EPOCH: &str = r#"{"version":1,"kind":"epoch",""#;

/// One line of `metrics.jsonl`: `{"version":1,"kind":"epoch",...}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// An epoch has been trained and validated.
    Epoch(EpochRecord),
    /// A warning for the user; training continues.
    Warning(WarningRecord),
    /// The selected model has been tested.
    Test(TestRecord),
    /// A kind unknown to this reader.
    #[serde(other)]
    Unknown,
}

/// The results of one epoch of training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EpochRecord {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Updates of the weights since the start of the run.
    pub step: u64,
    /// When the epoch ended, seconds since 1970-01-01 UTC.
    pub time: f64,
    /// On the training samples, each evaluated with the weights at its batch.
    pub train: Losses,
    /// On the validation samples, with the weights at the end of the epoch; `None` if no samples are held out.
    pub valid: Option<Losses>,
    /// Whether this epoch is the best so far on validation.
    pub best: bool,
    /// Activity of each hidden layer over the training samples.
    pub layers: Vec<LayerRecord>,
    /// Learning rate of the optimizer in this epoch; `None` in old runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Euclidean norm of the gradient of each weight matrix, before Adam, averaged over the batches.
    pub gradient_norms: BTreeMap<String, f64>,
    /// Time spent by phase.
    pub seconds: Seconds,
}

/// Loss and accuracy over a set of samples.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Losses {
    /// Cross-entropy plus regularization.
    pub loss: f64,
    /// Softmax cross-entropy, mean over samples (nats).
    pub cross_entropy: f64,
    /// Both activity regularizers, mean over samples, summed over layers.
    pub regularization: f64,
    /// Fraction of samples classified correctly, 0 to 1.
    pub accuracy: f64,
}

/// Activity of one hidden layer.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerRecord {
    /// Spikes of the whole layer per sample.
    pub spikes: f64,
    /// Fraction of units that never spiked, 0 to 1.
    pub silent: f64,
    /// Fraction of units that spike about as often as the refractory step allows, 0 to 1.
    pub saturated: f64,
}

/// Wall time by phase, in seconds. For the fused implementation, it is divided between forward and backward pass in proportion to
/// the threads' time in each; on a GPU, `forward` is the time to queue the work, and waiting for it counts as `backward`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Seconds {
    /// Waiting for batches to be assembled.
    pub data: f64,
    /// Forward pass and loss.
    pub forward: f64,
    /// Backward pass.
    pub backward: f64,
    /// Adam.
    pub update: f64,
    /// Validation.
    pub validation: f64,
    /// Writing checkpoints since the previous record; the one after this epoch counts for the next epoch.
    pub checkpoint: f64,
}

impl Seconds {
    /// The sum of all phases.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.data + self.forward + self.backward + self.update + self.validation + self.checkpoint
    }
}

/// A warning, for example about a silent or saturated layer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WarningRecord {
    /// The epoch after which it was raised.
    pub epoch: u32,
    /// The observation, the likely cause and the remedy.
    pub message: String,
}

/// The selected model on samples that were not used for training or selection.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TestRecord {
    /// The last epoch trained.
    pub epoch: u32,
    /// The epoch whose weights were tested.
    pub selected_epoch: u32,
    /// Number of test samples.
    pub samples: usize,
    /// Loss and accuracy on them.
    #[serde(flatten)]
    pub test: Losses,
    /// Activity of each hidden layer over them.
    pub layers: Vec<LayerRecord>,
}

impl Record {
    /// The epoch that the record belongs to.
    #[must_use]
    pub fn epoch(&self) -> Option<u32> {
        match self {
            Self::Epoch(record) => Some(record.epoch),
            Self::Warning(record) => Some(record.epoch),
            Self::Test(record) => Some(record.epoch),
            Self::Unknown => None,
        }
    }

    /// Parses a line. A line of an unknown kind, or of a known kind in a newer format, is [`Record::Unknown`]; a line that is
    /// not a JSON object with a `kind` is `None`.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(borrow)]
            kind: Cow<'a, str>,
        }
        // Lists read millions of lines, nearly all of this kind and written by this program.
        if line.starts_with(EPOCH)
            && let Ok(epoch) = serde_json::from_str(line)
        {
            return Some(Self::Epoch(epoch));
        }
        // Parse others twice, first only their kind, without building a tree of values.
        let Ok(Kind { kind }) = serde_json::from_str(line) else {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            value.get("kind")?.as_str()?;
            return Some(serde_json::from_value(value).unwrap_or(Self::Unknown));
        };
        let record = match &*kind {
            "epoch" => serde_json::from_str(line).map(Self::Epoch),
            "warning" => serde_json::from_str(line).map(Self::Warning),
            "test" => serde_json::from_str(line).map(Self::Test),
            _ => Ok(Self::Unknown),
        };
        Some(record.unwrap_or(Self::Unknown))
    }

    /// The record as a line of JSON with its version, without a line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            version: u32,
            #[serde(flatten)]
            record: &'a Record,
        }
        // Maps with string keys, numbers and strings always serialize.
        serde_json::to_string(&Line { version: METRICS_VERSION, record: self }).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back() {
        let record = Record::Epoch(EpochRecord {
            epoch: 3,
            valid: Some(Losses { loss: 0.1 + 0.2, accuracy: 1.0 / 3.0, ..Losses::default() }),
            gradient_norms: BTreeMap::from([("W1".to_owned(), 1e-300)]),
            ..EpochRecord::default()
        });
        let line = record.to_line();
        assert!(line.starts_with(EPOCH), "{line}");
        assert_eq!(Record::parse(&line), Some(record));
    }

    #[test]
    fn unknown_kinds_are_ignored() {
        assert_eq!(Record::parse(r#"{"version":9,"kind":"probe","x":1}"#), Some(Record::Unknown));
        assert_eq!(Record::parse(r#"{"version":9,"kind":"epoch","epoch":"three"}"#), Some(Record::Unknown));
        let more = Record::parse(r#"{"version":1,"kind":"epoch","epoch":3,"new":[1]}"#);
        assert_eq!(more.and_then(|record| record.epoch()), Some(3));
        for (line, kind) in [
            (r#"{"\u006bind":"w\u0061rning","message":"a\nb","kinds":[{"kind":1}]}"#, "Warning"),
            (r#"{"kind":"test","accuracy":0.5,"samples":3}"#, "Test"),
            (r#"{"kind":"epoch","kind":"warning"}"#, "Warning"),
        ] {
            let record = format!("{:?}", Record::parse(line).unwrap());
            assert!(record.starts_with(kind), "{line}: {record}");
        }
        assert_eq!(Record::parse(r#"{"version":1,"kind":"ep"#), None);
        assert_eq!(Record::parse(r#"{"version":1,"kind":7}"#), None);
        assert_eq!(Record::parse(r#"{"version":1,"kind":"epoch"} x"#), None);
        assert_eq!(Record::parse("7"), None);
    }
}
