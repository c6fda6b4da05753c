//! The performance of a network on a set of samples.

use serde::Serialize;
use snn_core::Readout;
use snn_run::{LayerRecord, Losses, probe::lost_classes};

/// The performance of a network on a set of samples.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Evaluation {
    /// Number of samples.
    pub samples: usize,
    /// Loss and accuracy.
    #[serde(flatten)]
    pub losses: Losses,
    /// Activity of each hidden layer.
    pub layers: Vec<LayerRecord>,
    /// How many samples of each class (row) were classified as each class (column).
    pub confusion: Vec<Vec<u32>>,
}

impl Evaluation {
    /// A warning about classes that the network never predicts, though it predicts others.
    pub(super) fn warning(&self, head: Readout) -> Option<String> {
        let lost = lost_classes(&self.confusion);
        let chance = 1.0 / self.confusion.len().max(1) as f64;
        if lost.is_empty() || self.losses.accuracy < 2.0 * chance {
            return None;
        }
        let names = lost.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (classes, units) = if lost.len() == 1 { ("class", "unit") } else { ("classes", "units") };
        let cause = match head {
            Readout::Max => format!(
                "The readout {units} may be stuck: with Max, a unit whose potential never rises above its initial value has no \
                 gradient. Lower optimizer.learning_rate, use another initialization.seed, or use the Sum readout \
                 (readout.head=sum)"
            ),
            Readout::Sum => "Lower optimizer.learning_rate, or use another initialization.seed".to_owned(),
        };
        Some(format!("no validation sample is classified as {classes} {names}. {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_never_predicts_a_class_gives_a_warning() {
        let of = |accuracy, confusion: [[u32; 3]; 3]| Evaluation {
            losses: Losses { accuracy, ..Losses::default() },
            confusion: confusion.map(Vec::from).into(),
            ..Evaluation::default()
        };
        let lost = of(0.67, [[10, 0, 0], [5, 0, 5], [0, 0, 10]]);
        let warning = lost.warning(Readout::Max).unwrap();
        assert!(
            warning.contains("classified as class 1.") && warning.contains("readout.head=sum"),
            "{warning}"
        );
        assert!(!lost.warning(Readout::Sum).unwrap().contains("Max"));
        assert_eq!(of(1.0, [[10, 0, 0], [0, 10, 0], [0, 0, 10]]).warning(Readout::Max), None);
        // At the start, no class is known.
        assert_eq!(of(0.33, [[10, 0, 0], [10, 0, 0], [10, 0, 0]]).warning(Readout::Max), None);
    }
}
