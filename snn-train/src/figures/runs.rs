//! The runs of a figure, and selections among them.
//!
//! A diverged run is a finished run: it counts as a model with accuracy 0. Runs that failed for other reasons, such as a full
//! disk, are not informative and are left out.

use toml::Value;

use super::protocol::{BETA, ETA, HIDDEN, RECURRENT};
use crate::{
    error::DIVERGED,
    sweep::{Axis, Results, Row, RunState, Selection, Settings},
};

/// The finished runs of a figure.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    rows: Vec<Row>,
}

impl Runs {
    pub(super) fn new(results: Results) -> Self {
        let ended = results.rows.into_iter().filter(is_ended);
        let rows = ended.map(|row| match row.state {
            RunState::Done => row,
            _ => Row {
                state: RunState::Done,
                valid_accuracy: Some(0.0),
                test_accuracy: Some(0.0),
                spikes: None,
                late_gain: None,
                verdict: None,
                detail: None,
                ..row
            },
        });
        Self { rows: rows.collect() }
    }

    /// How many of the runs never predict some class.
    pub(super) fn with_a_lost_class(&self) -> usize {
        self.rows.iter().filter(|row| row.lost_classes.is_some_and(|classes| classes > 0)).count()
    }

    /// These runs and others.
    pub(super) fn and(mut self, others: Self) -> Self {
        self.rows.extend(others.rows);
        self
    }

    /// The runs of a condition.
    pub(super) fn of(&self, condition: impl Fn(&Row) -> bool) -> Self {
        Self { rows: self.rows.iter().filter(|row| condition(row)).cloned().collect() }
    }

    /// The runs whose value of `key` is on `axis`.
    pub(super) fn on(&self, key: &str, axis: &Axis) -> Self {
        let Ok(values) = axis.values() else { return Self::default() };
        let wanted: Vec<_> = values.iter().filter_map(snn_run::number).collect();
        self.of(|row| wanted.iter().any(|&value| same(row.number(key), value)))
    }

    /// The `count` best of these runs on validation, best first. The test part is not used.
    pub(super) fn best(&self, count: usize) -> Self {
        let selection = Selection { best: Some(count), by: Some(Vec::new()) };
        let results = Results { keys: Vec::new(), seeds: Vec::new(), rows: self.rows.clone() };
        let groups = results.groups(&selection);
        let models = groups.iter().flat_map(|group| &group.models);
        Self { rows: models.map(|&index| self.rows[index].clone()).collect() }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Accuracies on the test part, in per cent.
    pub(super) fn accuracies(&self) -> Vec<f64> {
        self.rows.iter().filter_map(|row| row.test_accuracy).map(|share| 100.0 * share).collect()
    }

    /// Mean accuracy on the test part, in per cent; NaN without runs.
    pub(super) fn mean_accuracy(&self) -> f64 {
        let accuracies = self.accuracies();
        accuracies.iter().sum::<f64>() / accuracies.len() as f64
    }
}

/// Whether a run is done, or has diverged, which a retry would not change.
pub(super) fn is_ended(row: &Row) -> bool {
    let diverged = || row.message.as_ref().is_some_and(|message| message.contains(DIVERGED));
    row.state == RunState::Done || row.state == RunState::Failed && diverged()
}

/// Typed access to the settings of a run.
pub(super) trait Setting {
    /// NaN if there is no such number.
    fn number(&self, key: &str) -> f64;
    fn is(&self, key: &str, word: &str) -> bool;
    /// Hidden layers.
    fn depth(&self) -> usize;
    fn recurrent(&self) -> bool;

    fn eta(&self) -> f64 {
        self.number(ETA)
    }

    fn beta(&self) -> f64 {
        self.number(BETA)
    }
}

impl Setting for Settings {
    fn number(&self, key: &str) -> f64 {
        self.get(key).and_then(snn_run::number).unwrap_or(f64::NAN)
    }

    fn is(&self, key: &str, word: &str) -> bool {
        self.get(key).and_then(Value::as_str) == Some(word)
    }

    fn depth(&self) -> usize {
        self.get(HIDDEN).and_then(Value::as_array).map_or(0, Vec::len)
    }

    fn recurrent(&self) -> bool {
        self.get(RECURRENT).and_then(Value::as_bool) == Some(true)
    }
}

impl Setting for Row {
    fn number(&self, key: &str) -> f64 {
        self.settings.number(key)
    }

    fn is(&self, key: &str, word: &str) -> bool {
        self.settings.is(key, word)
    }

    fn depth(&self) -> usize {
        self.settings.depth()
    }

    fn recurrent(&self) -> bool {
        self.settings.recurrent()
    }
}

/// Whether two values of a grid are equal up to rounding.
pub(super) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-4 * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, beta: f64, valid: f64, test: f64) -> Row {
        Row {
            id: id.to_owned(),
            settings: Settings::from([(BETA.to_owned(), Value::Float(beta))]),
            state: RunState::Done,
            epoch: 1,
            valid_accuracy: Some(valid),
            valid_loss: Some(1.0),
            late_gain: None,
            verdict: None,
            detail: None,
            lost_classes: Some(usize::from(id == "b")),
            test_accuracy: Some(test),
            spikes: Some(vec![3.0, 4.0]),
            seconds: 0.0,
            message: None,
        }
    }

    #[test]
    fn models_are_selected_on_validation_and_reported_on_test() {
        let mut rows = vec![row("a", 1.0, 0.9, 0.1), row("b", 10.0, 0.8, 1.0), row("c", 10.0, 0.95, 0.5)];
        rows.push(Row { state: RunState::Failed, ..row("d", 10.0, 1.0, 1.0) });
        let message = Some(format!("the loss is NaN: {DIVERGED}"));
        rows.push(Row { state: RunState::Failed, message, ..row("e", 3.0, 1.0, 1.0) });
        let runs = Runs::new(Results { keys: Vec::new(), seeds: Vec::new(), rows });
        assert_eq!(runs.best(2).accuracies(), [50.0, 10.0]);
        assert_eq!(runs.of(|row| same(row.beta(), 10.0)).best(1).rows()[0].id, "c");
        let few = runs.on(BETA, &Axis::logarithmic(1.0, 3.0, 2));
        assert_eq!(few.accuracies(), [10.0, 0.0], "a diverged run has accuracy 0");
        assert_eq!(runs.best(4).rows()[3].id, "e");
        assert_eq!(runs.with_a_lost_class(), 1);
        assert_eq!(runs.of(|row| row.id != "b").with_a_lost_class(), 0);
        assert!(Runs::default().mean_accuracy().is_nan());
    }
}
