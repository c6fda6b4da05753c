//! What a map shows of each run.

use snn_run::sweep::Row;

use crate::data::Run;

/// A number that every run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Metric {
    #[default]
    Best,
    Test,
    Spikes,
    Loss,
    TrainLoss,
    Epochs,
}

impl Metric {
    const ALL: [Self; 6] = [Self::Best, Self::Test, Self::Spikes, Self::Loss, Self::TrainLoss, Self::Epochs];

    /// The one after this, or before it.
    pub(super) fn turn(self, by: isize) -> Self {
        let place = self as isize + by;
        Self::ALL[place.rem_euclid(Self::ALL.len() as isize) as usize]
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Best => "best validation accuracy (%)",
            Self::Test => "test accuracy (%)",
            Self::Spikes => "hidden spikes per sample, last epoch",
            Self::Loss => "validation loss of the best epoch",
            Self::TrainLoss => "training loss, last epoch",
            Self::Epochs => "epochs done",
        }
    }

    /// The value of a run, as far as there is one.
    pub(super) fn of(self, row: &Row, run: Option<&Run>) -> Option<f64> {
        let value = match self {
            Self::Best => row.valid_accuracy.map(|share| 100.0 * share),
            Self::Test => row.test_accuracy.map(|share| 100.0 * share),
            Self::Spikes => run.and_then(Run::spikes),
            Self::Loss => row.valid_loss,
            Self::TrainLoss => run.and_then(|run| Some(run.last.as_ref()?.train.loss)),
            Self::Epochs => (row.epoch > 0).then_some(f64::from(row.epoch)),
        };
        value.filter(|value| value.is_finite())
    }

    /// A value in at most so many cells; `None` if even its integer part is longer.
    pub(super) fn text(self, value: f64, cells: usize) -> Option<String> {
        let most = match self {
            Self::Best | Self::Test => 2,
            Self::Spikes => 1,
            Self::Loss | Self::TrainLoss => 3,
            Self::Epochs => 0,
        };
        let whole = |text: &String| text.len() <= cells;
        // A loss that has exploded needs a power of ten.
        let large = || Some(crate::widgets::text::number(value)).filter(whole);
        let short = (0..=most).rev().map(|digits| format!("{value:.digits$}")).find(whole);
        if value.abs() >= 1e6 { large() } else { short }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_exact_as_there_is_room() {
        let text = |cells| Metric::Best.text(99.456, cells);
        assert_eq!([5, 4, 3, 2].map(text).map(Option::unwrap_or_default), ["99.46", "99.5", "99", "99"]);
        assert_eq!(text(1), None);
        assert_eq!(Metric::Loss.text(3.0e18, 7).as_deref(), Some("3e18"));
        assert_eq!(Metric::Epochs.text(50.0, 7).as_deref(), Some("50"));
    }

    #[test]
    fn all_metrics_come_round() {
        let turned = Metric::ALL.iter().fold(Metric::Test, |metric, _| metric.turn(1));
        assert_eq!(turned, Metric::Test);
        assert_eq!(Metric::Best.turn(-1), Metric::Epochs);
    }
}
