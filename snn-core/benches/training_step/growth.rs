//! The growth with one quantity: measurements, and fitted exponents.

use serde::Serialize;

/// A point of an axis.
#[derive(Serialize)]
pub(crate) struct Point {
    pub(crate) size: usize,
    /// Minimum processor time per step over all threads; wall time if the system does not report it.
    pub(crate) processor_ms: f64,
    /// Minimum wall time.
    pub(crate) least_ms: f64,
    pub(crate) memory_mb: Option<f64>,
}

/// The measurements of an axis.
#[derive(Serialize)]
pub(crate) struct Growth {
    pub(crate) axis: &'static str,
    /// The fixed settings.
    pub(crate) fixed: String,
    pub(crate) points: Vec<Point>,
    /// Exponents of processor time and memory: the slope of a line through the logarithms.
    pub(crate) exponents: [f64; 2],
    /// The maximum exponents of the work.
    pub(crate) expected: [f64; 2],
    /// Whether time or memory grows faster than the work.
    pub(crate) fault: bool,
}

/// Tolerance of fitted exponents: exceeding the capacity of a cache costs this much.
const MARGIN: f64 = 0.15;

impl Growth {
    pub(crate) fn new(axis: &'static str, fixed: String, points: Vec<Point>, expected: [f64; 2]) -> Self {
        let of = |value: fn(&Point) -> Option<f64>| {
            exponent(points.iter().filter_map(|p| Some((p.size as f64, value(p)?))))
        };
        let exponents = [of(|p| Some(p.processor_ms)), of(|p| p.memory_mb)];
        let fault = exponents.iter().zip(expected).any(|(fitted, expected)| *fitted > expected + MARGIN);
        Growth { axis, fixed, points, exponents, expected, fault }
    }
}

/// The slope of the least-squares line through the logarithms; 0 for fewer than two points.
fn exponent(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let points: Vec<(f64, f64)> = points.map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|p| p.0), mean(|p| p.1));
    let (mut xy, mut xx) = (0.0, 0.0);
    for (x, y) in &points {
        xy += (x - x_mean) * (y - y_mean);
        xx += (x - x_mean) * (x - x_mean);
    }
    if xx > 0.0 { xy / xx } else { 0.0 }
}
