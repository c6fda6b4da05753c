//! The columns of the table of runs: each is defined once, with its text and its sort key.

use std::cmp::Ordering;

use snn_run::RunState;

use crate::{
    data::{ConfigSummary, Run},
    widgets::text::{decimals, duration, number, percent},
};

/// A column.
pub(crate) struct Column {
    pub(crate) heading: &'static str,
    /// Minimum width, so that the column does not change as numbers change.
    pub(crate) least: usize,
    /// Whether its text is left-aligned; numbers are right-aligned.
    pub(crate) is_text: bool,
    /// Whether its value comes from the experiment, which is only read when needed.
    pub(crate) is_fact: bool,
    pub(crate) text: fn(&Run, Option<&ConfigSummary>) -> String,
    pub(crate) key: fn(&Run, Option<&ConfigSummary>) -> Key,
}

/// The sort key of a column. Unknown values are last in either order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Key {
    Number(Option<f64>),
    Text(String),
}

impl Key {
    pub(crate) fn compare(&self, other: &Self, reverse: bool) -> Ordering {
        let turn = |order: Ordering| if reverse { order.reverse() } else { order };
        match (self, other) {
            (Self::Number(Some(a)), Self::Number(Some(b))) => turn(a.total_cmp(b)),
            (Self::Number(a), Self::Number(b)) => b.is_some().cmp(&a.is_some()),
            (Self::Text(a), Self::Text(b)) => turn(a.cmp(b)),
            _ => Ordering::Equal,
        }
    }
}

/// The learning rate of the last epoch or, if that was not recorded, of the first epoch.
pub(crate) fn learning_rate(run: &Run, facts: Option<&ConfigSummary>) -> Option<f64> {
    run.learning_rate().or(facts?.learning_rate)
}

/// In display order. The first two are always shown.
pub(crate) static COLUMNS: [Column; 18] = [
    Column {
        heading: "verdict",
        least: 12,
        is_text: true,
        is_fact: false,
        text: |run, _| run.verdict().map_or_else(|| "...".to_owned(), |verdict| verdict.to_string()),
        key: |run, _| Key::Number(run.verdict().map(|verdict| f64::from(verdict as u8))),
    },
    Column {
        heading: "run",
        least: 8,
        is_text: true,
        is_fact: false,
        // The list of runs replaces this with the name of the run among the others.
        text: |run, _| run.id.clone(),
        // Ids of sweeps have no order; their plans do.
        key: |run, _| Key::Text(format!("{:09}{}", run.place, run.id)),
    },
    Column {
        heading: "state",
        least: 8,
        is_text: true,
        is_fact: false,
        text: |run, _| run.state_name().to_owned(),
        key: |run, _| Key::Number(run.state.map(|state| f64::from(state as u8))),
    },
    Column {
        heading: "epoch",
        least: 7,
        is_text: false,
        is_fact: false,
        text: |run, _| {
            let status = run.status.as_ref();
            status.map_or_else(|| "-".to_owned(), |status| format!("{}/{}", status.epoch, status.epochs))
        },
        key: |run, _| Key::Number(run.status.as_ref().map(|status| f64::from(status.epoch))),
    },
    Column {
        heading: "to go",
        least: 7,
        is_text: false,
        is_fact: false,
        text: |run, _| match run.state {
            Some(RunState::Stalled) => format!("({})", duration(run.silent)),
            _ => run.remaining().map_or_else(|| "-".to_owned(), duration),
        },
        key: |run, _| Key::Number(run.remaining()),
    },
    Column {
        heading: "best",
        least: 6,
        is_text: false,
        is_fact: false,
        text: |run, _| percent(run.best_accuracy()),
        key: |run, _| Key::Number(run.best_accuracy()),
    },
    Column {
        heading: "valid",
        least: 6,
        is_text: false,
        is_fact: false,
        text: |run, _| percent(run.last_accuracy()),
        key: |run, _| Key::Number(run.last_accuracy()),
    },
    Column {
        heading: "loss",
        least: 7,
        is_text: false,
        is_fact: false,
        text: |run, _| decimals(run.last.as_ref().map(|last| last.train.loss), 4),
        key: |run, _| Key::Number(run.last.as_ref().map(|last| last.train.loss)),
    },
    Column {
        heading: "spikes",
        least: 7,
        is_text: false,
        is_fact: false,
        text: |run, _| decimals(run.spikes(), 1),
        key: |run, _| Key::Number(run.spikes()),
    },
    Column {
        heading: "lr",
        least: 6,
        is_text: false,
        is_fact: true,
        text: |run, facts| known(learning_rate(run, facts)),
        key: |run, facts| Key::Number(learning_rate(run, facts)),
    },
    Column {
        heading: "beta",
        least: 5,
        is_text: false,
        is_fact: true,
        text: |_, facts| known(facts.and_then(|facts| facts.beta)),
        key: |_, facts| Key::Number(facts.and_then(|facts| facts.beta)),
    },
    Column {
        heading: "seed",
        least: 4,
        is_text: false,
        is_fact: true,
        text: |_, facts| word(facts.map(|facts| &facts.seed)),
        key: |_, facts| Key::Text(word(facts.map(|facts| &facts.seed))),
    },
    Column {
        heading: "test",
        least: 6,
        is_text: false,
        is_fact: false,
        text: |run, _| percent(run.test_accuracy()),
        key: |run, _| Key::Number(run.test_accuracy()),
    },
    Column {
        heading: "samples/s",
        least: 9,
        is_text: false,
        is_fact: false,
        text: |run, _| known(run.samples_per_second()),
        key: |run, _| Key::Number(run.samples_per_second()),
    },
    Column {
        heading: "data",
        least: 7,
        is_text: true,
        is_fact: true,
        text: |_, facts| word(facts.map(|facts| &facts.data)),
        key: |_, facts| Key::Text(word(facts.map(|facts| &facts.data))),
    },
    Column {
        heading: "hidden",
        least: 6,
        is_text: true,
        is_fact: true,
        text: |_, facts| word(facts.map(|facts| &facts.hidden)),
        key: |_, facts| Key::Text(word(facts.map(|facts| &facts.hidden))),
    },
    Column {
        heading: "surrogate",
        least: 9,
        is_text: true,
        is_fact: true,
        text: |_, facts| word(facts.map(|facts| &facts.shape)),
        key: |_, facts| Key::Text(word(facts.map(|facts| &facts.shape))),
    },
    Column {
        heading: "device",
        least: 6,
        is_text: true,
        is_fact: true,
        text: |_, facts| word(facts.map(|facts| &facts.device)),
        key: |_, facts| Key::Text(word(facts.map(|facts| &facts.device))),
    },
];

fn known(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), number)
}

fn word(text: Option<&String>) -> String {
    text.filter(|text| !text.is_empty()).map_or_else(|| "-".to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_are_last_in_either_order() {
        for reverse in [false, true] {
            let mut keys = [Key::Number(None), Key::Number(Some(2.0)), Key::Number(Some(1.0))];
            keys.sort_by(|a, b| a.compare(b, reverse));
            assert_eq!(keys[2], Key::Number(None));
            assert_eq!(keys[0], Key::Number(Some(if reverse { 2.0 } else { 1.0 })));
        }
    }

    #[test]
    fn headings_differ() {
        let mut headings: Vec<_> = COLUMNS.iter().map(|column| column.heading).collect();
        headings.sort_unstable();
        headings.dedup();
        assert_eq!(headings.len(), COLUMNS.len());
    }
}
