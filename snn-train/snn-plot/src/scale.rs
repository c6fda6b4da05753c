//! The mapping of values to positions on an axis, and ticks.

use super::step::round_step;

/// The layout of values along an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisScale {
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<Tick>,
}

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Its value.
    pub value: f64,
    /// Its label; empty for a minor tick.
    pub label: String,
}

impl Tick {
    fn new(value: f64, label: impl Into<String>) -> Self {
        Self { value, label: label.into() }
    }
}

impl AxisScale {
    /// A linear scale, with about four labeled ticks at round numbers.
    #[must_use]
    pub fn linear(low: f64, high: f64) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        let step = tick_step((high - low) / 4.0);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|index| {
            let value = index as f64 * step;
            Tick::new(value, minus(&format!("{value:.decimals$}")))
        });
        Self { low, high, logarithmic: false, ticks: ticks.collect() }
    }

    /// A logarithmic scale, with labeled ticks at powers of ten. Both ends are positive.
    #[must_use]
    pub fn logarithmic(low: f64, high: f64) -> Self {
        let low = low.max(f64::MIN_POSITIVE);
        let high = if high > low { high } else { low * 10.0 };
        let decades = (low.log10() - 1e-9).floor() as i32..=(high.log10() + 1e-9).floor() as i32;
        let every = if decades.clone().count() > 6 { 2 } else { 1 };
        let within = |value: f64| value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9);
        let mut ticks = Vec::new();
        for decade in decades {
            for digit in 1..10 {
                let value = f64::from(digit) * 10_f64.powi(decade);
                if within(value) {
                    let major = digit == 1 && decade % every == 0;
                    ticks.push(Tick::new(value, if major { power_of_ten(decade) } else { String::new() }));
                }
            }
        }
        Self { low, high, logarithmic: true, ticks }
    }

    /// One position per label, 0, 1, .., with half a step at both ends.
    pub fn categories<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        let ticks: Vec<_> =
            labels.into_iter().enumerate().map(|(index, label)| Tick::new(index as f64, label)).collect();
        let high = ticks.len().max(1) as f64 - 0.5;
        Self { low: -0.5, high, logarithmic: false, ticks }
    }

    /// The same scale with other ticks.
    #[must_use]
    pub fn with_ticks<S: Into<String>>(mut self, ticks: impl IntoIterator<Item = (f64, S)>) -> Self {
        self.ticks = ticks.into_iter().map(|(value, label)| Tick::new(value, label)).collect();
        self
    }

    /// Ticks, ascending unless custom ones are set.
    #[must_use]
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// The value at the beginning.
    #[must_use]
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The value at the end.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.high
    }

    /// The position of a value: 0 at the low end, 1 at the high end, outside this range for values outside.
    #[must_use]
    pub fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            // Values up to 0 are infinitely far to the left; they are moved to the low end.
            (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }
}

/// The smallest distance of ticks not below `step`. A step of 2.5 has one decimal more than its power of ten, which labels below 10
/// would cut off.
fn tick_step(step: f64) -> f64 {
    let factors: &[f64] = if step < 10.0 { &[1.0, 2.0, 5.0] } else { &[1.0, 2.0, 2.5, 5.0] };
    round_step(step, factors)
}

fn power_of_ten(exponent: i32) -> String {
    match exponent {
        0 => "1".to_owned(),
        1 => "10".to_owned(),
        _ => format!("10^{{{}}}", minus(&exponent.to_string())),
    }
}

/// A number with a typographic minus sign, which "-0.0" loses.
fn minus(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(digits) if digits.contains(|c: char| c.is_ascii_digit() && c != '0') => format!("−{digits}"),
        Some(digits) => digits.to_owned(),
        None => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &AxisScale) -> Vec<&str> {
        scale.ticks().iter().map(|tick| tick.label.as_str()).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(&AxisScale::linear(0.0, 100.0)), ["0", "25", "50", "75", "100"]);
        assert_eq!(labels(&AxisScale::linear(-0.5, 0.5)), ["−0.5", "0.0", "0.5"]);
        assert_eq!(labels(&AxisScale::linear(0.0, 0.07)), ["0.00", "0.02", "0.04", "0.06"]);
        assert_eq!(
            labels(&AxisScale::linear(3.0, 3.0)),
            ["2.5", "3.0", "3.5"],
            "a single value has an axis, too"
        );
        assert_eq!(AxisScale::linear(0.0, 50.0).share(25.0), 0.5);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten() {
        let scale = AxisScale::logarithmic(1e-3, 0.1);
        assert_eq!(labels(&scale), ["10^{−3}", "10^{−2}", "10^{−1}"]);
        assert_eq!(scale.ticks().len(), 19, "1 to 9 in two decades, and 0.1");
        assert!((scale.share(0.01) - 0.5).abs() < 1e-12);
        assert_eq!(labels(&AxisScale::logarithmic(1.0, 100.0)), ["1", "10", "10^{2}"]);
        assert!(scale.share(0.0) < 0.0 && scale.share(0.0).is_finite());
    }

    #[test]
    fn categories_are_centered() {
        let scale = AxisScale::categories(["FF", "RC"]);
        assert_eq!((scale.share(0.0), scale.share(1.0)), (0.25, 0.75));
        assert_eq!(labels(&scale), ["FF", "RC"]);
    }
}
