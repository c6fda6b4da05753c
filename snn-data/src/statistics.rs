//! Mean and standard deviation of each channel.

use serde::{Deserialize, Serialize};

/// Below this, a channel counts as constant: dividing by its deviation would only amplify rounding errors.
const CONSTANT: f64 = 1e-6;

/// Mean and standard deviation of each channel, over frames and recordings.
///
/// Computed on the training part only and applied to all parts, so no information from validation and test leaks into
/// training.
///
/// ```
/// use snn_data::audio::ChannelStatistics;
///
/// let recordings: [&[f32]; 2] = [&[1.0, 5.0, 3.0, 5.0], &[2.0, 5.0]]; // [frames, 2]
/// let statistics = ChannelStatistics::of(recordings, 2);
/// assert_eq!(statistics.mean, [2.0, 5.0]);
///
/// let mut frame = [2.0, 6.0];
/// statistics.standardize(&mut frame);
/// assert_eq!(frame, [0.0, 1.0]); // a constant channel is only centered
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelStatistics {
    /// Mean of each channel.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel (of the population: divided by N), 0 or more.
    pub deviation: Vec<f64>,
}

impl ChannelStatistics {
    /// Statistics of recordings, each `[frames, channels]`; zeros if there are none.
    pub fn of<'a>(recordings: impl IntoIterator<Item = &'a [f32], IntoIter: Clone>, channels: usize) -> Self {
        let frames = recordings.into_iter().flat_map(|recording| recording.chunks_exact(channels.max(1)));
        let mean = mean_of(frames.clone(), channels, |value, _| value);
        // A second pass, because the difference of two large sums would lose precision.
        let variance = mean_of(frames, channels, |value, channel| (value - mean[channel]).powi(2));
        Self { deviation: variance.into_iter().map(f64::sqrt).collect(), mean }
    }

    /// Standardizes frames `[frames, channels]` in place: (x - mean) / deviation; a constant channel (with a deviation
    /// below 1e-6) is only centered.
    pub fn standardize(&self, frames: &mut [f32]) {
        for frame in frames.chunks_exact_mut(self.mean.len().max(1)) {
            for ((value, mean), &deviation) in frame.iter_mut().zip(&self.mean).zip(&self.deviation) {
                let scale = if deviation < CONSTANT { 1.0 } else { deviation };
                *value = ((f64::from(*value) - mean) / scale) as f32;
            }
        }
    }
}

/// The mean of `term(value, channel)` for each channel.
fn mean_of<'a>(
    frames: impl Iterator<Item = &'a [f32]>,
    channels: usize,
    term: impl Fn(f64, usize) -> f64,
) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    let mut count = 0_u64;
    for frame in frames {
        count += 1;
        for (channel, (sum, &value)) in sums.iter_mut().zip(frame).enumerate() {
            *sum += term(f64::from(value), channel);
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= count.max(1) as f64);
    sums
}
