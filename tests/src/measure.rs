//! Differences between results.

/// Smallest norm to divide by: products of many small factors approach the lower end of the range of `f32` (1e-38) and
/// lose digits there.
const FLOOR: f64 = 1e-20;

/// `|a - b| / |b|` in the Euclidean norm; NaN if a value is NaN.
///
/// # Panics
/// If the lengths differ.
pub fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "number of values");
    let difference: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    difference.sqrt() / norm(b).max(FLOOR)
}

/// Euclidean norm.
pub fn norm(a: &[f64]) -> f64 {
    a.iter().map(|a| a * a).sum::<f64>().sqrt()
}

/// The largest of some errors; NaN if one is NaN.
pub fn worst(errors: impl IntoIterator<Item = f64>) -> f64 {
    errors
        .into_iter()
        .fold(0.0, |worst: f64, error| if worst.is_nan() || error <= worst { worst } else { error })
}
