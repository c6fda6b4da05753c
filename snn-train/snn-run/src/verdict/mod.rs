//! The diagnosis of a run: one verdict, computed here and shown by `snn runs`, `snn train`, `snn sweep status`, JSON and the
//! dashboard.
//!
//! [`Evidence`] summarizes a run's records, added one by one. [`judge`], a pure function, derives the verdict; its thresholds
//! are in `rules.rs`, each with its reason. [`RunDir::diagnosis`](crate::RunDir::diagnosis) reads everything needed and adds the
//! remedy, with a command to copy.

mod course;
mod evidence;
mod read;
mod remedy;
mod rules;
mod subject;
mod trend;
mod warnings;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use evidence::Evidence;
pub use read::Doctor;
pub use rules::{Finding, chance_loss, had_learned, has_exploded, is_at_chance, judge};
pub use subject::{Settings, Subject};
pub use trend::{duration, short_number};
pub use warnings::SeenWarning;

/// The diagnosis of a run in a word: lowercase in JSON, CSV and conditions (`lost_classes`), uppercase for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The loss has exploded, or what was learned has been lost, and the network has only guessed since.
    Diverged,
    /// The network does no better than guessing.
    Chance,
    /// A hidden layer never spikes and passes nothing on.
    Silent,
    /// A hidden layer spikes as often as it can, so its spikes carry no information.
    Saturated,
    /// The gradient of a weight matrix has vanished.
    Vanishing,
    /// The gradient of a weight matrix is too large for any step.
    Exploding,
    /// Some classes are never predicted.
    LostClasses,
    /// The network memorizes its training samples.
    Overfitting,
    /// Ended by an error.
    Failed,
    /// Its files cannot be read.
    Damaged,
    /// No sign of life, and its process on this machine has ended: killed.
    Dead,
    /// No sign of life: killed, or its machine is down.
    Stalled,
    /// Stopped on request.
    Stopped,
    /// Too few epochs to judge.
    Starting,
    /// Being trained, and better than guessing.
    Learning,
    /// Trained to the end, and better than guessing.
    Learned,
    /// Not started.
    Pending,
    /// In a state unknown to this program.
    #[serde(other)]
    Unknown,
}

impl Verdict {
    /// All verdicts, those that need attention first.
    pub const ALL: [Self; 18] = [
        Self::Diverged,
        Self::Chance,
        Self::Silent,
        Self::Saturated,
        Self::Vanishing,
        Self::Exploding,
        Self::LostClasses,
        Self::Overfitting,
        Self::Failed,
        Self::Damaged,
        Self::Dead,
        Self::Stalled,
        Self::Stopped,
        Self::Starting,
        Self::Learning,
        Self::Learned,
        Self::Pending,
        Self::Unknown,
    ];

    /// The word in JSON, CSV and conditions.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// The words shown to people.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Diverged => ("diverged", "DIVERGED"),
            Self::Chance => ("chance", "CHANCE"),
            Self::Silent => ("silent", "SILENT"),
            Self::Saturated => ("saturated", "SATURATED"),
            Self::Vanishing => ("vanishing", "VANISHING"),
            Self::Exploding => ("exploding", "EXPLODING"),
            Self::LostClasses => ("lost_classes", "LOST CLASSES"),
            Self::Overfitting => ("overfitting", "OVERFITTING"),
            Self::Failed => ("failed", "FAILED"),
            Self::Damaged => ("damaged", "DAMAGED"),
            Self::Dead => ("dead", "DEAD"),
            Self::Stalled => ("stalled", "STALLED"),
            Self::Stopped => ("stopped", "STOPPED"),
            Self::Starting => ("starting", "STARTING"),
            Self::Learning => ("learning", "LEARNING"),
            Self::Learned => ("learned", "LEARNED"),
            Self::Pending => ("pending", "PENDING"),
            Self::Unknown => ("unknown", "UNKNOWN"),
        }
    }

    /// Whether something is wrong with the training.
    #[must_use]
    pub fn is_bad(self) -> bool {
        self <= Self::Stalled
    }

    /// Whether everything is fine.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Learning | Self::Learned)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl FromStr for Verdict {
    type Err = String;

    /// Accepts both forms: `lost_classes`, `LOST CLASSES`.
    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim().to_lowercase().replace([' ', '-'], "_");
        let found = Self::ALL.into_iter().find(|it| it.name() == word);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
            format!("there is no verdict `{text}`: use one of {}", names.join(", "))
        })
    }
}

/// The complete diagnosis of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The verdict.
    pub verdict: Verdict,
    /// The evidence in short: `epoch 3, loss 7490`.
    pub detail: String,
    /// The meaning and the remedy, in a few sentences.
    pub remedy: String,
    /// A command to copy that applies the remedy.
    pub command: Option<String>,
    /// Classes never predicted on validation, according to the last probe.
    pub lost_classes: Option<usize>,
    /// Compute time of all epochs (s).
    pub seconds: f64,
    /// The trainer's warnings, newest first.
    pub warnings: Vec<SeenWarning>,
}

impl Diagnosis {
    /// Verdict and detail in one line: `DIVERGED epoch 3, loss 7490`.
    #[must_use]
    pub fn headline(&self) -> String {
        format!("{} {}", self.verdict, self.detail).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_errors_list_the_words() {
        for verdict in Verdict::ALL {
            assert_eq!(verdict.name().parse(), Ok(verdict));
            assert_eq!(verdict.label().parse(), Ok(verdict));
            assert_eq!(serde_json::to_string(&verdict).unwrap(), format!("\"{}\"", verdict.name()));
            assert!(!(verdict.is_bad() && verdict.is_good()), "{verdict}");
        }
        assert_eq!("Lost-Classes".parse(), Ok(Verdict::LostClasses));
        let error = "learnt".parse::<Verdict>().unwrap_err();
        assert!(error.contains("`learnt`") && error.contains("learned"), "{error}");
    }
}
