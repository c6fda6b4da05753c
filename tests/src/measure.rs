//! How far apart two results are.

/// `|a - b| / |b|` in the Euclidean norm; the norm of the difference where `b` is zero.
pub fn relative_error(a: impl IntoIterator<Item = f64>, b: impl IntoIterator<Item = f64>) -> f64 {
    let (mut difference, mut size, mut count) = (0.0f64, 0.0f64, 0usize);
    let mut a = a.into_iter();
    for b in b {
        let a = a.next().expect("as many values as the reference");
        difference += (a - b).powi(2);
        size += b * b;
        count += 1;
    }
    assert!(a.next().is_none(), "more than the {count} values of the reference");
    if size > 0.0 { (difference / size).sqrt() } else { difference.sqrt() }
}
