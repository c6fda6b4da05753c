//! The metrics of a map.

use snn_run::{
    sweep::{Better, Row, RunState},
    verdict::chance_loss,
};

use crate::data::Run;

/// Minimum range of a color scale, as a fraction of the distance from chance to perfection.
const LEAST_WAY: f64 = 0.2;
/// Without a chance level, its minimum range as a fraction of the largest value.
const LEAST_SPAN: f64 = 0.1;

/// A number that every run has.
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

    /// The next or previous metric.
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

    /// The order of values. At equal accuracy, fewer spikes are better.
    pub(super) fn better(self) -> Better {
        match self {
            Self::Best | Self::Test | Self::Epochs => Better::Higher,
            Self::Spikes | Self::Loss | Self::TrainLoss => Better::Lower,
        }
    }

    /// The heading of a ranking by this metric.
    pub(super) fn ranking(self) -> &'static str {
        match self {
            Self::Best | Self::Test => "best settings",
            Self::Loss | Self::TrainLoss => "lowest loss",
            Self::Spikes => "fewest spikes",
            Self::Epochs => "most epochs",
        }
    }

    /// The value of a run that is done, if there is one: intermediate values of others are not comparable. Only their progress is, so
    /// [`Self::Epochs`] includes all runs.
    pub(super) fn of_done(self, row: &Row, run: Option<&Run>) -> Option<f64> {
        (row.state == RunState::Done || self == Self::Epochs).then(|| self.of(row, run)).flatten()
    }

    /// The value of guessing among this number of classes, if known.
    pub(super) fn chance(self, classes: Option<usize>, is_cross_entropy: bool) -> Option<f64> {
        let classes = classes.filter(|&classes| classes > 1)?;
        match self {
            Self::Best | Self::Test => Some(100.0 / classes as f64),
            Self::Loss | Self::TrainLoss if is_cross_entropy => Some(chance_loss(classes)),
            _ => None,
        }
    }

    /// Values of the darkest and the brightest shade. They range from chance to the best value, over at least [`LEAST_WAY`] of the
    /// distance from chance to perfection. Without a chance level, they range from the worst to the best value, at least [`LEAST_SPAN`]
    /// of the larger one apart. This keeps noise around chance, or between equally good settings, from looking like a landscape.
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

    /// The value of a run, if there is one.
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

    /// A value in at most this number of cells; `None` if its integer part is longer.
    pub(super) fn text(self, value: f64, cells: usize) -> Option<String> {
        let most = match self {
            Self::Best | Self::Test => 2,
            Self::Spikes => 1,
            Self::Loss | Self::TrainLoss => 3,
            Self::Epochs => 0,
        };
        let whole = |text: &String| text.len() <= cells;
        // An exploded loss needs a power of ten.
        let large = || Some(crate::widgets::text::number(value)).filter(whole);
        let short = (0..=most).rev().map(|digits| format!("{value:.digits$}")).find(whole);
        if value.abs() >= 1e6 { large() } else { short }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_as_many_digits_as_fit() {
        let text = |cells| Metric::Best.text(99.456, cells);
        assert_eq!([5, 4, 3, 2].map(text).map(Option::unwrap_or_default), ["99.46", "99.5", "99", "99"]);
        assert_eq!(text(1), None);
        assert_eq!(Metric::Loss.text(3.0e18, 7).as_deref(), Some("3e18"));
        assert_eq!(Metric::Epochs.text(50.0, 7).as_deref(), Some("50"));
    }

    #[test]
    fn colors_start_at_chance_and_do_not_amplify_noise() {
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
        assert_eq!(Metric::Loss.chance(classes, false), None, "a loss other than the cross-entropy");
        assert_eq!(Metric::Best.chance(None, true), None);
        let (dark, bright) = Metric::Best.scale(&[97.0, 96.0], None).unwrap();
        assert!(bright == 97.0 && (dark - 0.9 * 97.0).abs() < 1e-9);
        assert_eq!(Metric::Best.scale(&[], None), None);
    }

    #[test]
    fn metrics_cycle() {
        let turned = Metric::ALL.iter().fold(Metric::Test, |metric, _| metric.turn(1));
        assert_eq!(turned, Metric::Test);
        assert_eq!(Metric::Best.turn(-1), Metric::Epochs);
    }
}
