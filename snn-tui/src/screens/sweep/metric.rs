//! What a map shows of each run.

use snn_run::{
    sweep::{Better, Row, RunState},
    verdict::chance_loss,
};

use crate::data::Run;

/// A scale of colors covers at least so much of the way from chance to perfection.
const LEAST_WAY: f64 = 0.2;
/// Without a chance level, it covers at least so much of the largest value.
const LEAST_SPAN: f64 = 0.1;

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
            Self::Epochs => "epochs done, of all runs",
        }
    }

    /// Which of two values comes first. Fewer spikes cost less, if the accuracy is the same.
    pub(super) fn better(self) -> Better {
        match self {
            Self::Best | Self::Test | Self::Epochs => Better::Higher,
            Self::Spikes | Self::Loss | Self::TrainLoss => Better::Lower,
        }
    }

    /// What a ranking by it is called.
    pub(super) fn ranking(self) -> &'static str {
        match self {
            Self::Best | Self::Test => "best settings",
            Self::Loss | Self::TrainLoss => "lowest loss",
            Self::Spikes => "fewest spikes",
            Self::Epochs => "most epochs",
        }
    }

    /// The value of a run that is done, as far as there is one: what others have come to so far cannot be compared with it. How far they are
    /// is for all of them.
    pub(super) fn of_done(self, row: &Row, run: Option<&Run>) -> Option<f64> {
        (row.state == RunState::Done || self == Self::Epochs).then(|| self.of(row, run)).flatten()
    }

    /// What guessing comes to among so many classes, where that is known.
    pub(super) fn chance(self, classes: Option<usize>, is_cross_entropy: bool) -> Option<f64> {
        let classes = classes.filter(|&classes| classes > 1)?;
        match self {
            Self::Best | Self::Test => Some(100.0 / classes as f64),
            Self::Loss | Self::TrainLoss if is_cross_entropy => Some(chance_loss(classes)),
            _ => None,
        }
    }

    /// Values of the darkest and the brightest shade for these values: from chance to the best of them, and at least [`LEAST_WAY`] of the way
    /// from chance to perfection. Where there is no chance level, from the worst to the best of them, at least [`LEAST_SPAN`] of the larger one
    /// apart. So noise around chance, or between settings that are equally good, does not look like a landscape.
    pub(super) fn scale(self, values: &[f64], chance: Option<f64>) -> Option<(f64, f64)> {
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        Some(match (self, chance) {
            (Self::Best | Self::Test, Some(chance)) => {
                (chance, high.max(chance + LEAST_WAY * (100.0 - chance)))
            }
            (_, Some(chance)) => (chance, low.min(chance - LEAST_WAY * chance)),
            _ => {
                let span = (high - low).max(LEAST_SPAN * high.abs().max(low.abs()));
                match self.better() {
                    Better::Higher => (high - span, high),
                    Better::Lower => (low + span, low),
                }
            }
        })
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
    fn colors_begin_at_chance_and_do_not_stretch_noise() {
        let classes = Some(10);
        let scale =
            |metric: Metric, values: &[f64]| metric.scale(values, metric.chance(classes, true)).unwrap();
        assert_eq!(scale(Metric::Best, &[97.0, 50.0]), (10.0, 97.0));
        assert_eq!(scale(Metric::Best, &[9.0, 12.0]), (10.0, 28.0), "all of them guess");
        let (dark, bright) = scale(Metric::Loss, &[0.5, 9.0]);
        assert!((dark - 10.0_f64.ln()).abs() < 1e-12 && bright == 0.5);
        let (dark, bright) = scale(Metric::TrainLoss, &[2.3, 2.29]);
        assert!((bright - 0.8 * dark).abs() < 1e-12, "{dark} {bright}");
        assert_eq!(scale(Metric::Spikes, &[100.0, 101.0]), (110.1, 100.0), "few spikes are bright");
        assert_eq!(scale(Metric::Spikes, &[100.0, 200.0]), (200.0, 100.0));
        assert_eq!(scale(Metric::Epochs, &[3.0, 3.0]).1, 3.0);
        assert_eq!(Metric::Loss.chance(classes, false), None, "another loss than the cross-entropy");
        assert_eq!(Metric::Best.chance(None, true), None);
        let (dark, bright) = Metric::Best.scale(&[97.0, 96.0], None).unwrap();
        assert!(bright == 97.0 && (dark - 0.9 * 97.0).abs() < 1e-9);
        assert_eq!(Metric::Best.scale(&[], None), None);
    }

    #[test]
    fn all_metrics_come_round() {
        let turned = Metric::ALL.iter().fold(Metric::Test, |metric, _| metric.turn(1));
        assert_eq!(turned, Metric::Test);
        assert_eq!(Metric::Best.turn(-1), Metric::Epochs);
    }
}
