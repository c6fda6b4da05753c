//! Judgements of a network's gradients. All thresholds are here, each with its reason.

use crate::probe::Histogram;

/// A derivative below this blocks nearly all of a gradient.
pub const VANISHING_DERIVATIVE: f64 = 1e-3;

/// The state of a matrix or a layer, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judgement {
    /// No problem.
    Fine,
    /// Not enough information.
    Unknown,
    /// Updates are so small that learning is slow.
    Slow,
    /// Updates are larger than usual after the first epochs.
    Fast,
    /// Few derivatives pass a gradient.
    Thin,
    /// Updates replace the weights within a few steps.
    TooFast,
    /// The gradient has nearly vanished.
    Vanishing,
    /// The gradient is too large for any step size.
    Exploding,
    /// The gradient is exactly 0.
    NoGradient,
}

/// An update should be about a thousandth of the weights (Karpathy, CS231n, "Neural Networks Part 3"). Adam begins
/// with more: in the first epochs of this program's presets it is 2e-3 to 5e-2, and they learn well.
pub const HEALTHY_UPDATE: f64 = 1e-3;
/// With updates smaller than this, a thousand of them change a weight by a hundredth.
const SLOW_UPDATE: f64 = 1e-5;
/// With updates larger than this, twenty of them replace the weights: normal only in the first epochs.
const FAST_UPDATE: f64 = 5e-2;
/// With updates larger than this, a few of them replace the weights and undo what was learned.
const TOO_FAST_UPDATE: f64 = 2e-1;

/// A loss is a few nats: with a gradient of this norm, a step of 0.01 changes the loss by its own size.
const EXPLODING_GRADIENT: f64 = 1e2;
/// Adam divides by the size of the gradient plus an epsilon of 1e-8: smaller gradients hardly move a weight.
pub const ADAMS_EPSILON: f64 = 1e-8;
/// A gradient this much smaller than the network's largest has vanished on its way through the layers. In networks that learn,
/// the matrices differ by one or two powers of ten.
const VANISHING_SHARE: f64 = 1e-4;

/// A gradient that passes through a layer, or a time step, is multiplied by derivatives: above this mean, it grows from layer to
/// layer. The derivative of a surrogate scaled to 1 at the threshold is never larger.
pub const EXPLODING_DERIVATIVE: f64 = 1.0;
/// With this fraction of derivatives below [`VANISHING_DERIVATIVE`], only units near their threshold learn.
const THIN: f64 = 0.9;

/// What is known about a weight matrix.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sizes {
    /// Norm of its gradient.
    pub gradient: Option<f64>,
    /// The largest norm among the network's matrices.
    pub largest: Option<f64>,
    /// `|dW| / |W|`.
    pub update: Option<f64>,
}

/// Judges how a matrix learns, with the reason.
#[must_use]
pub fn matrix(sizes: Sizes) -> (Judgement, String) {
    let say = |judgement, text: &str| (judgement, text.to_owned());
    if let Some(gradient) = sizes.gradient {
        if gradient == 0.0 {
            return say(Judgement::NoGradient, "no gradient reaches it");
        }
        if gradient > EXPLODING_GRADIENT {
            return (Judgement::Exploding, format!("exploding: above {EXPLODING_GRADIENT}"));
        }
        if gradient < ADAMS_EPSILON {
            return say(Judgement::Vanishing, "vanishing: less than Adam's epsilon");
        }
        if let Some(largest) = sizes.largest.filter(|largest| gradient < VANISHING_SHARE * largest) {
            return (
                Judgement::Vanishing,
                format!("vanishing: 1/{} of the largest", short(largest / gradient)),
            );
        }
    }
    match sizes.update {
        Some(update) if update > TOO_FAST_UPDATE => {
            (Judgement::TooFast, format!("too fast: updates above {TOO_FAST_UPDATE}"))
        }
        Some(update) if update > FAST_UPDATE => {
            (Judgement::Fast, format!("fast: updates above {FAST_UPDATE}"))
        }
        Some(update) if update < SLOW_UPDATE => {
            (Judgement::Slow, format!("slow: updates below {SLOW_UPDATE:e}"))
        }
        None if sizes.gradient.is_none() => say(Judgement::Unknown, "-"),
        _ => say(Judgement::Fine, "fine"),
    }
}

/// A large integer in a few characters: `870`, `5e5`.
fn short(value: f64) -> String {
    if value < 1e4 { format!("{value:.0}") } else { format!("{value:.0e}") }
}

/// Judges how much of a gradient passes through a layer with these surrogate derivatives.
#[must_use]
pub fn derivatives(histogram: &Histogram) -> (Judgement, &'static str) {
    if histogram.total() == 0 || !histogram.mean.is_finite() {
        (Judgement::Unknown, "unknown")
    } else if histogram.zero == histogram.total() {
        (Judgement::NoGradient, "no gradient")
    } else if histogram.mean > EXPLODING_DERIVATIVE {
        (Judgement::Exploding, "exploding")
    } else if histogram.mean < VANISHING_DERIVATIVE {
        (Judgement::Vanishing, "vanishing")
    } else if histogram.share_below(VANISHING_DERIVATIVE) > THIN {
        (Judgement::Thin, "thin")
    } else {
        (Judgement::Fine, "fine")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(gradient: f64, largest: f64, update: f64) -> (Judgement, String) {
        matrix(Sizes { gradient: Some(gradient), largest: Some(largest), update: Some(update) })
    }

    #[test]
    fn matrices_are_judged_in_plain_words() {
        assert_eq!(judged(0.1, 0.5, 1e-3), (Judgement::Fine, "fine".to_owned()));
        let judgements = [
            (judged(0.0, 0.5, 0.0), Judgement::NoGradient),
            (judged(500.0, 500.0, 1e-3), Judgement::Exploding),
            (judged(f64::INFINITY, 1.0, 1e-3), Judgement::Exploding),
            (judged(1e-9, 1e-9, 1e-3), Judgement::Vanishing),
            (judged(1e-6, 0.5, 1e-3), Judgement::Vanishing),
            (judged(0.1, 0.5, 0.3), Judgement::TooFast),
            (judged(0.1, 0.5, 0.1), Judgement::Fast),
            (judged(0.1, 0.5, 1e-6), Judgement::Slow),
            (judged(0.1, 0.5, HEALTHY_UPDATE), Judgement::Fine),
        ];
        for ((judgement, why), expected) in judgements {
            assert_eq!(judgement, expected, "{why}");
        }
        assert_eq!(judged(1e-6, 0.5, 1e-3).1, "vanishing: 1/5e5 of the largest");
        assert_eq!(judged(0.1, 0.5, 1e-6).1, "slow: updates below 1e-5");
        assert_eq!(matrix(Sizes::default()).0, Judgement::Unknown);
        let without_probe = Sizes { gradient: Some(0.1), ..Sizes::default() };
        assert_eq!(matrix(without_probe).0, Judgement::Fine);
    }

    #[test]
    fn layers_are_judged_by_their_derivatives() {
        let judged = |zero, counts: &[u64], mean| {
            let edges = vec![1e-6, 1e-3, 1.0, 100.0];
            derivatives(&Histogram { zero, edges, counts: counts.to_vec(), mean }).0
        };
        assert_eq!(judged(0, &[0, 0, 0], 0.0), Judgement::Unknown);
        assert_eq!(judged(9, &[0, 0, 0], 0.0), Judgement::NoGradient);
        assert_eq!(judged(0, &[9, 0, 0], 1e-4), Judgement::Vanishing);
        assert_eq!(judged(0, &[95, 5, 0], 0.01), Judgement::Thin);
        assert_eq!(judged(0, &[10, 90, 0], 0.05), Judgement::Fine);
        assert_eq!(judged(0, &[0, 0, 9], 30.0), Judgement::Exploding);
    }
}
