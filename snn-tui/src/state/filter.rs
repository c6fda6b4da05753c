//! Filters: words that a run must have, and conditions on the numbers of its columns.

use super::columns::{COLUMNS, Column, Key};
use crate::data::{ConfigSummary, Run};

/// `randman running lr<0.02 best>90`: all of them must hold. A word may stand anywhere in the texts of a run.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    words: Vec<String>,
    conditions: Vec<(usize, char, f64)>,
}

impl Filter {
    pub(crate) fn new(text: &str) -> Self {
        let mut filter = Self::default();
        for word in text.split_whitespace() {
            match condition(word) {
                Some(condition) => filter.conditions.push(condition),
                None => filter.words.push(word.to_lowercase()),
            }
        }
        filter
    }

    pub(crate) fn takes(&self, run: &Run, facts: Option<&ConfigSummary>) -> bool {
        let texts = || COLUMNS.iter().filter(|column| column.is_text);
        let has = |word: &String| {
            texts().any(|column: &Column| (column.text)(run, facts).to_lowercase().contains(word.as_str()))
        };
        let holds = |&(column, relation, bound): &(usize, char, f64)| {
            let column = &COLUMNS[column];
            // Accuracies are compared as they are shown, in per cent; seeds are texts that may be numbers.
            let value = match (column.key)(run, facts) {
                Key::Number(value) => value,
                Key::Text(text) => text.parse().ok(),
            };
            let percent = matches!(column.heading, "best" | "valid" | "test");
            value.map(|value| if percent { 100.0 * value } else { value }).is_some_and(|value| match relation
            {
                '<' => value < bound,
                '>' => value > bound,
                _ => (value - bound).abs() <= 1e-3 * bound.abs(),
            })
        };
        self.words.iter().all(has) && self.conditions.iter().all(holds)
    }
}

/// `column<number`, `column>number` or `column=number`.
fn condition(word: &str) -> Option<(usize, char, f64)> {
    let at = word.find(['<', '>', '='])?;
    let (name, rest) = word.split_at(at);
    let column = COLUMNS.iter().position(|column| column.heading == name)?;
    let bound = rest[1..].parse().ok()?;
    Some((column, rest.chars().next()?, bound))
}

#[cfg(test)]
mod tests {
    use snn_run::{Best, RunState, Status};

    use super::*;

    #[test]
    fn words_and_conditions_must_all_hold() {
        let mut run = Run::new("randman-7".into(), "".into(), Some(RunState::Done));
        let best = Best { accuracy: 0.95, ..Best::default() };
        run.status = Some(Status { best: Some(best), ..Status::default() });
        let facts = ConfigSummary { learning_rate: Some(0.01), seed: "3".into(), ..ConfigSummary::default() };
        let takes = |text: &str| Filter::new(text).takes(&run, Some(&facts));
        assert!(takes("") && takes("RANDMAN done") && takes("best>90 lr<0.02 lr=0.01 seed=3"));
        assert!(!takes("mnist") && !takes("randman failed") && !takes("best<90") && !takes("seed=4"));
        assert!(!takes("spikes>0"), "what is not known fulfills nothing");
        assert!(!takes("no<3"), "no column: a word that no run has");
    }
}
