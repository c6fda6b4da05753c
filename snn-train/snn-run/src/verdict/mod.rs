//! What is to be said of a run: one verdict, computed here and shown alike by `snn runs`, `snn train`, `snn sweep status`, JSON
//! and the dashboard.
//!
//! [`Evidence`] is what a verdict is drawn from: a run's records, taken in one after the other. [`judge`] draws it, a pure
//! function; its bounds are in `rules.rs`, each with its reason. [`RunDir::diagnosis`](crate::RunDir::diagnosis) reads all that
//! is needed and adds the remedy, with a command to copy.

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

/// What is to be said of a run. In JSON, CSV and conditions in small letters (`lost_classes`), for people in large ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The loss has exploded, or what was learned has been lost; also where guessing is all that is left since.
    Diverged,
    /// The network does no better than guessing.
    Chance,
    /// A hidden layer has no spikes, so that nothing goes through it.
    Silent,
    /// A hidden layer spikes as often as it can, so that its spikes say nothing.
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
    /// Not heard of any more, and its process is gone from this machine: killed.
    Dead,
    /// Not heard of any more: killed, or its machine is gone.
    Stalled,
    /// Stopped on request.
    Stopped,
    /// Too few epochs to tell.
    Starting,
    /// Being trained, and better than guessing.
    Learning,
    /// Trained to the end, and better than guessing.
    Learned,
    /// Not begun.
    Pending,
    /// In a state that this program does not know.
    #[serde(other)]
    Unknown,
}

impl Verdict {
    /// All of them, those that want a look first.
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

    /// The words for people.
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

    /// Whether all is well.
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

    /// Takes both kinds of words: `lost_classes`, `LOST CLASSES`.
    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.trim().to_lowercase().replace([' ', '-'], "_");
        let found = Self::ALL.into_iter().find(|it| it.name() == word);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
            format!("there is no verdict `{text}`: use one of {}", names.join(", "))
        })
    }
}

/// All that is to be said of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on, in short: `epoch 3, loss 7490`.
    pub detail: String,
    /// What it means and what helps, in a sentence or a few.
    pub remedy: String,
    /// A command that does so, to be copied.
    pub command: Option<String>,
    /// Classes never predicted on validation, as the last probe has it.
    pub lost_classes: Option<usize>,
    /// Computing time of all epochs (s).
    pub seconds: f64,
    /// What the trainer has warned of, the last first.
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
    fn words_are_read_in_both_spellings_and_mistakes_are_named() {
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
