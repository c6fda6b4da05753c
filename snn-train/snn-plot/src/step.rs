//! Round steps between ticks.

/// Rounds `step` up to one of `factors` times a power of ten, for the spacing of axis ticks; `factors` ascend from 1 to below 10.
/// Returns 1 for a step that is not finite and positive.
#[must_use]
pub fn round_step(step: f64, factors: &[f64]) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    let factor = factors.iter().find(|&factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(&10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let step = |step: f64| round_step(step, &[1.0, 2.0, 5.0]);
        assert_eq!((step(1.0), step(1.1), step(4.0), step(70.0)), (1.0, 2.0, 5.0, 100.0));
        assert_eq!(round_step(24.0, &[1.0, 2.0, 2.5, 5.0]), 25.0);
        assert_eq!((step(0.0), step(f64::NAN), step(f64::INFINITY)), (1.0, 1.0, 1.0));
    }
}
