//! Short numbers, and the trend of a curve.

/// The slope of the least-squares line through these points; `None` if undefined.
pub(super) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / n;
    let (x, y) = (mean(|it| it.0), mean(|it| it.1));
    let spread: f64 = points.iter().map(|it| (it.0 - x).powi(2)).sum();
    let slope = points.iter().map(|it| (it.0 - x) * (it.1 - y)).sum::<f64>() / spread;
    slope.is_finite().then_some(slope)
}

/// A time in the largest suitable unit: `42 s`, `12 min`, `5 h`, `3 d`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

/// A number with three digits.
#[must_use]
pub fn short_number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        it if !(1e-3..1e5).contains(&it) => format!("{value:.1e}"),
        it if it >= 100.0 => format!("{value:.0}"),
        it if it >= 10.0 => format!("{value:.1}"),
        it if it >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_and_short_numbers() {
        assert_eq!(slope(&[(1.0, 1.0), (2.0, 3.0), (3.0, 5.0)]), Some(2.0));
        assert_eq!(slope(&[(1.0, 1.0)]), None);
        assert_eq!(slope(&[]), None);
        let said = [0.0, 7490.0, 1.386_29, 0.012, 2e7, 1e-5].map(short_number);
        assert_eq!(said, ["0", "7490", "1.39", "0.012", "2.0e7", "1.0e-5"]);
        let said = [3.2, 600.0, 20_000.0, 500_000.0].map(duration);
        assert_eq!(said, ["3 s", "10 min", "6 h", "6 d"]);
    }
}
