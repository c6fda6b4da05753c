//! The performance of a network on a set of samples.

use serde::Serialize;
use snn_core::Readout;
use snn_run::{LayerRecord, Losses};

use super::confusion::Confusion;

/// With more lost classes than this, a warning names only some of them.
const MAX_NAMED: usize = 20;

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
    /// How many samples of each class were classified as each class.
    pub confusion: Confusion,
}

impl Evaluation {
    /// A warning about classes that the network never predicts, though it predicts others.
    pub(super) fn warning(&self, head: Readout) -> Option<String> {
        let lost = self.confusion.lost_classes();
        let chance = 1.0 / self.confusion.classes().max(1) as f64;
        if lost.is_empty() || self.losses.accuracy < 2.0 * chance {
            return None;
        }
        let mut names: Vec<_> = lost.iter().take(MAX_NAMED).map(ToString::to_string).collect();
        if lost.len() > MAX_NAMED {
            names.push(format!("and {} others", lost.len() - MAX_NAMED));
        }
        let names = names.join(", ");
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
        let of = |accuracy, rows: [[u32; 3]; 3]| {
            let mut confusion = Confusion::new(3);
            for (class, row) in rows.iter().enumerate() {
                for (predicted, &count) in row.iter().enumerate() {
                    (0..count).for_each(|_| confusion.count(class, predicted));
                }
            }
            let losses = Losses { accuracy, ..Losses::default() };
            Evaluation { losses, confusion, ..Evaluation::default() }
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

        let mut confusion = Confusion::new(2000);
        (0..2000).for_each(|class| confusion.count(class, class % 2));
        let losses = Losses { accuracy: 0.001, ..Losses::default() };
        let many = Evaluation { losses, confusion, ..Evaluation::default() };
        let warning = many.warning(Readout::Sum).unwrap();
        assert!(
            warning.contains(" as classes 2, 3, ") && warning.contains(", 21, and 1978 others. "),
            "{warning}"
        );
    }
}
