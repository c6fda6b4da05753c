//! Overlapping frames and their window.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

/// How samples after the last whole frame are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tail {
    /// They form one more frame, padded with zeros: no sample is lost.
    #[default]
    Pad,
    /// They are dropped, unless the sound is shorter than a frame.
    Drop,
}

/// Number of frames of `length` samples, one every `hop` samples, in a sound of `samples` samples.
///
/// With N samples, length L and hop H: 1 + ceil((N - L) / H) frames if the tail is padded, 1 + floor((N - L) / H) if
/// it is dropped; one, padded, for 0 < N < L; none for N = 0. At 16 kHz, a second gives 99 frames of 25 ms every 10 ms,
/// or 98.
///
/// # Panics
///
/// When `hop` is 0.
pub fn frame_count(samples: usize, length: usize, hop: usize, tail: Tail) -> usize {
    let behind_first = samples.saturating_sub(length);
    match tail {
        _ if samples == 0 => 0,
        Tail::Pad => 1 + behind_first.div_ceil(hop),
        Tail::Drop => 1 + behind_first / hop,
    }
}

/// Cuts a sound into overlapping frames `[frames, length]`, row-major: frame k is samples k `hop` to
/// k `hop` + `length`, with zeros after the end of the sound.
///
/// ```
/// use snn_data::audio::{Tail, frames};
///
/// let sound = [1.0, 2.0, 3.0, 4.0, 5.0];
/// assert_eq!(frames(&sound, 3, 1, Tail::Pad), [1.0, 2.0, 3.0, 2.0, 3.0, 4.0, 3.0, 4.0, 5.0]);
/// assert_eq!(frames(&sound, 4, 3, Tail::Pad), [1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 0.0, 0.0]);
/// assert_eq!(frames(&sound, 4, 3, Tail::Drop), [1.0, 2.0, 3.0, 4.0]);
/// ```
///
/// # Panics
///
/// When `hop` is 0.
pub fn frames(samples: &[f64], length: usize, hop: usize, tail: Tail) -> Vec<f64> {
    let count = frame_count(samples.len(), length, hop, tail);
    let mut frames = vec![0.0; count * length];
    for (k, frame) in frames.chunks_exact_mut(length.max(1)).enumerate() {
        let rest = samples.get(k * hop..).unwrap_or_default();
        let filled = rest.len().min(length);
        frame[..filled].copy_from_slice(&rest[..filled]);
    }
    frames
}

/// The symmetric Hamming window w\[n\] = 0.54 - 0.46 cos(2 pi n / (L - 1)), n = 0 .. L - 1; 1 for L = 1.
pub fn hamming(length: usize) -> Vec<f64> {
    let last = length.saturating_sub(1).max(1) as f64;
    match length {
        1 => vec![1.0],
        _ => (0..length).map(|n| 0.54 - 0.46 * (TAU * n as f64 / last).cos()).collect(),
    }
}

/// Multiplies every frame by a window, in place. `frames` is `[frames, window.len()]`.
pub fn apply_window(frames: &mut [f64], window: &[f64]) {
    for frame in frames.chunks_mut(window.len().max(1)) {
        frame.iter_mut().zip(window).for_each(|(sample, weight)| *sample *= weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted() {
        for (samples, padded, dropped) in
            [(0, 0, 0), (1, 1, 1), (400, 1, 1), (401, 2, 1), (560, 2, 2), (561, 3, 2), (16_000, 99, 98)]
        {
            assert_eq!(frame_count(samples, 400, 160, Tail::Pad), padded, "{samples} samples");
            assert_eq!(frame_count(samples, 400, 160, Tail::Drop), dropped, "{samples} samples");
        }
    }

    #[test]
    fn frames_may_lie_apart() {
        let sound: Vec<f64> = (1..=5).map(f64::from).collect();
        assert_eq!(frames(&sound, 1, 3, Tail::Drop), [1.0, 4.0]);
        assert_eq!(frames(&sound, 1, 3, Tail::Pad), [1.0, 4.0, 0.0]);
    }

    #[test]
    fn the_window_is_symmetric() {
        let window = hamming(5);
        let expected = [0.08, 0.54, 1.0, 0.54, 0.08];
        assert!(window.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{window:?}");
        assert_eq!(hamming(1), [1.0]);
        assert!(hamming(0).is_empty());
    }
}
