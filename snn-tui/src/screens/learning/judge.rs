//! What numbers of the training mean in plain words. All bounds are here, each with its reason.

use snn_run::probe::Histogram;

use ratatui::style::Style;

use crate::{data::VANISHING, theme::Theme, widgets::text::number};

/// How it stands with a matrix or a layer, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Fine,
    /// Nothing is known.
    Unknown,
    Slow,
    Fast,
    /// Few derivatives let a gradient through.
    Thin,
    TooFast,
    Vanishing,
    Exploding,
    NoGradient,
}

/// An update should be about a thousandth of the weights (Karpathy, CS231n, "Neural Networks Part 3"). Adam begins
/// with more: in the first epochs of this program's presets it is 2e-3 to 5e-2, and they learn well.
pub(super) const HEALTHY_UPDATE: f64 = 1e-3;
/// With updates smaller than this, a thousand of them change a weight by a hundredth.
const SLOW_UPDATE: f64 = 1e-5;
/// With updates larger than this, twenty of them replace the weights: at home in the first epochs alone.
const FAST_UPDATE: f64 = 5e-2;
/// With updates larger than this, a handful replaces the weights: what was learned is lost each time.
const TOO_FAST_UPDATE: f64 = 2e-1;

/// A loss is a few nats, so that with a gradient of this norm a step of a hundredth changes it by as much as it is.
const EXPLODING_GRADIENT: f64 = 1e2;
/// Adam divides by the size of the gradient plus an epsilon of 1e-8: what is smaller hardly moves a weight.
pub(super) const ADAMS_EPSILON: f64 = 1e-8;
/// What is so much smaller than the largest gradient of the network has vanished on its way through the layers. Between
/// the matrices of networks that learn, there are one or two powers of ten.
const VANISHING_SHARE: f64 = 1e-4;

/// A gradient that goes through a layer, or a step of time, is multiplied by derivatives: by more than this on average,
/// it grows from layer to layer. A derivative of a surrogate that is scaled to 1 at the threshold never is larger.
pub(super) const EXPLODING_DERIVATIVE: f64 = 1.0;
/// With so many derivatives below [`VANISHING`], only units next to their threshold learn.
const THIN: f64 = 0.9;

/// What is known of a weight matrix.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Sizes {
    /// Norm of its gradient.
    pub(super) gradient: Option<f64>,
    /// The largest of the network's matrices.
    pub(super) largest: Option<f64>,
    /// `|dW| / |W|`.
    pub(super) update: Option<f64>,
}

/// How a matrix learns, and why that is said.
pub(super) fn matrix(sizes: Sizes) -> (Verdict, String) {
    let say = |verdict, text: &str| (verdict, text.to_owned());
    if let Some(gradient) = sizes.gradient {
        if gradient == 0.0 {
            return say(Verdict::NoGradient, "no gradient reaches it");
        }
        if gradient > EXPLODING_GRADIENT {
            return (Verdict::Exploding, format!("exploding: above {}", number(EXPLODING_GRADIENT)));
        }
        if gradient < ADAMS_EPSILON {
            return say(Verdict::Vanishing, "vanishing: less than Adam's epsilon");
        }
        if let Some(largest) = sizes.largest.filter(|largest| gradient < VANISHING_SHARE * largest) {
            let times = number((largest / gradient).round());
            return (Verdict::Vanishing, format!("vanishing: 1/{times} of the largest"));
        }
    }
    match sizes.update {
        Some(update) if update > TOO_FAST_UPDATE => {
            (Verdict::TooFast, format!("too fast: updates above {}", number(TOO_FAST_UPDATE)))
        }
        Some(update) if update > FAST_UPDATE => {
            (Verdict::Fast, format!("fast: updates above {}", number(FAST_UPDATE)))
        }
        Some(update) if update < SLOW_UPDATE => {
            (Verdict::Slow, format!("slow: updates below {}", number(SLOW_UPDATE)))
        }
        None if sizes.gradient.is_none() => say(Verdict::Unknown, "-"),
        _ => say(Verdict::Fine, "fine"),
    }
}

/// How much of a gradient goes through a layer with these surrogate derivatives.
pub(super) fn derivatives(histogram: &Histogram) -> (Verdict, &'static str) {
    if histogram.total() == 0 || !histogram.mean.is_finite() {
        (Verdict::Unknown, "nothing known")
    } else if histogram.zero == histogram.total() {
        (Verdict::NoGradient, "no gradient")
    } else if histogram.mean > EXPLODING_DERIVATIVE {
        (Verdict::Exploding, "exploding")
    } else if histogram.mean < VANISHING {
        (Verdict::Vanishing, "vanishing")
    } else if histogram.share_below(VANISHING) > THIN {
        (Verdict::Thin, "thin")
    } else {
        (Verdict::Fine, "fine")
    }
}

/// The look of a judgment.
pub(super) fn style(theme: Theme, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Unknown => theme.dim(),
        Verdict::Fine => theme.good(),
        Verdict::Slow | Verdict::Fast | Verdict::Thin => theme.warning(),
        Verdict::NoGradient | Verdict::Vanishing | Verdict::TooFast | Verdict::Exploding => theme.bad(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(gradient: f64, largest: f64, update: f64) -> (Verdict, String) {
        matrix(Sizes { gradient: Some(gradient), largest: Some(largest), update: Some(update) })
    }

    #[test]
    fn matrices_are_judged_in_plain_words() {
        assert_eq!(judged(0.1, 0.5, 1e-3), (Verdict::Fine, "fine".to_owned()));
        let verdicts = [
            (judged(0.0, 0.5, 0.0), Verdict::NoGradient),
            (judged(500.0, 500.0, 1e-3), Verdict::Exploding),
            (judged(f64::INFINITY, 1.0, 1e-3), Verdict::Exploding),
            (judged(1e-9, 1e-9, 1e-3), Verdict::Vanishing),
            (judged(1e-6, 0.5, 1e-3), Verdict::Vanishing),
            (judged(0.1, 0.5, 0.3), Verdict::TooFast),
            (judged(0.1, 0.5, 0.1), Verdict::Fast),
            (judged(0.1, 0.5, 1e-6), Verdict::Slow),
            (judged(0.1, 0.5, HEALTHY_UPDATE), Verdict::Fine),
        ];
        for ((verdict, why), expected) in verdicts {
            assert_eq!(verdict, expected, "{why}");
        }
        assert_eq!(judged(1e-6, 0.5, 1e-3).1, "vanishing: 1/5e5 of the largest");
        assert_eq!(matrix(Sizes::default()).0, Verdict::Unknown);
        let without_probe = Sizes { gradient: Some(0.1), ..Sizes::default() };
        assert_eq!(matrix(without_probe).0, Verdict::Fine);
    }

    #[test]
    fn layers_are_judged_by_their_derivatives() {
        let judged = |zero, counts: &[u64], mean| {
            let edges = vec![1e-6, 1e-3, 1.0, 100.0];
            derivatives(&Histogram { zero, edges, counts: counts.to_vec(), mean }).0
        };
        assert_eq!(judged(0, &[0, 0, 0], 0.0), Verdict::Unknown);
        assert_eq!(judged(9, &[0, 0, 0], 0.0), Verdict::NoGradient);
        assert_eq!(judged(0, &[9, 0, 0], 1e-4), Verdict::Vanishing);
        assert_eq!(judged(0, &[95, 5, 0], 0.01), Verdict::Thin);
        assert_eq!(judged(0, &[10, 90, 0], 0.05), Verdict::Fine);
        assert_eq!(judged(0, &[0, 0, 9], 30.0), Verdict::Exploding);
    }
}
