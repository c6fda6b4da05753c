//! The metrics, in order of importance.

use snn_run::scalars::GRADIENT_NORMS;

use super::choice::{ALL, Choice};
use crate::{data::History, state::UiState};

/// The metrics of the selected runs. Training and validation are one metric.
pub(super) fn metrics(state: &UiState) -> Vec<String> {
    let histories = state.chosen();
    let all = histories.iter().filter_map(|id| state.model.histories.get(id)).flat_map(History::metrics);
    let mut names: Vec<String> = all
        .map(|name| name.strip_prefix("train.").or(name.strip_prefix("valid.")).unwrap_or(name).to_owned())
        .collect();
    names.sort_by(|a, b| (rank(a), a).cmp(&(rank(b), b)));
    names.dedup();
    names
}

/// From performance to duration.
fn rank(metric: &str) -> usize {
    const BEGINNINGS: [&str; 8] = [
        "loss",
        "accuracy",
        "spikes",
        GRADIENT_NORMS,
        "layers.",
        "learning_rate",
        "cross_entropy",
        "regularization",
    ];
    BEGINNINGS.iter().position(|beginning| metric.starts_with(beginning)).unwrap_or(BEGINNINGS.len())
}

/// The entries of the list: loss and accuracy together, small multiples of all, then each alone.
pub(super) fn entries(state: &UiState) -> Vec<Option<String>> {
    [None, Some(ALL.to_owned())].into_iter().chain(metrics(state).into_iter().map(Some)).collect()
}

/// The index of the current entry.
pub(super) fn place(choice: &Choice, entries: &[Option<String>]) -> usize {
    entries.iter().position(|entry| *entry == choice.metric).unwrap_or(0)
}

/// Goes to another entry; after the last comes the first.
pub(super) fn turn(choice: &mut Choice, entries: &[Option<String>], by: isize) {
    let next = (place(choice, entries) as isize + by).rem_euclid(entries.len().max(1) as isize);
    choice.metric = entries.get(next as usize).cloned().flatten();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_cycle_starting_with_loss_and_accuracy() {
        let entries = [None, Some("all".to_owned()), Some("a".to_owned())];
        let mut choice = Choice::default();
        let mut seen = Vec::new();
        for _ in 0..4 {
            turn(&mut choice, &entries, 1);
            seen.push(choice.metric.clone());
        }
        assert_eq!(seen, [Some("all".into()), Some("a".into()), None, Some("all".into())]);
        turn(&mut choice, &entries, -2);
        assert_eq!(choice.metric, Some("a".into()));
        choice.metric = Some("no such metric".into());
        turn(&mut choice, &entries, 1);
        assert_eq!(choice.metric, Some("all".into()));
    }
}
