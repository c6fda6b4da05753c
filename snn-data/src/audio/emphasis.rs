//! Pre-emphasis.

/// Lifts high frequencies, in place: y\[n\] = x\[n\] - c x\[n - 1\], with x\[-1\] = `previous`.
///
/// Returns the last sample x, to pass as `previous` with the samples that follow; at the start of a sound, `previous` is 0.
/// The paper uses c = 0.95.
///
/// ```
/// use snn_data::audio::pre_emphasis;
///
/// let mut samples = [1.0, 1.0, 0.5];
/// assert_eq!(pre_emphasis(&mut samples, 0.5, 0.0), 0.5);
/// assert_eq!(samples, [1.0, 0.5, 0.0]);
/// ```
pub fn pre_emphasis(samples: &mut [f64], coefficient: f64, previous: f64) -> f64 {
    samples.iter_mut().fold(previous, |previous, sample| {
        let current = *sample;
        *sample -= coefficient * previous;
        current
    })
}
