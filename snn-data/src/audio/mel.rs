//! Triangular filters on the Mel scale.

use super::MelConfig;
use super::scale::{FilterEdges, FilterNorm};
use crate::Error;

/// Triangular filters, equally wide on the Mel scale, each reaching from the peak of the one below to the peak of the
/// one above.
///
/// With C channels, corners f_0 .. f_(C+1) equally spaced on the Mel scale from `low` to `high`, and the frequency f of a
/// point of the transform, channel i has the weight
///
/// ```text
/// min( (f - f_i) / (f_(i+1) - f_i),  (f_(i+2) - f) / (f_(i+2) - f_(i+1)) ), not below 0
/// ```
///
/// times 2 / (f_(i+2) - f_i) if the area is to be 1.
#[derive(Clone, Debug, PartialEq)]
pub struct MelFilters {
    bins: usize,
    filters: Vec<Filter>,
}

/// The weights of one channel from bin `first` on; all others are 0.
#[derive(Clone, Debug, PartialEq)]
struct Filter {
    first: usize,
    weights: Vec<f64>,
}

impl MelFilters {
    /// The filters of a configuration.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an invalid configuration, or for so many channels that a filter falls between two
    /// points of the transform.
    pub fn new(config: &MelConfig) -> Result<Self, Error> {
        config.validate()?;
        let &MelConfig { channels, fft, scale, norm, edges, .. } = config;
        let bins = fft / 2 + 1;
        let width = f64::from(config.sample_rate) / fft as f64;
        let (low, high) = (scale.mel(config.low), scale.mel(config.high_hz()));

        // Corners in units of bins.
        let corner = |i: usize| {
            let hz = scale.hz(low + (high - low) * i as f64 / (channels + 1) as f64);
            match edges {
                FilterEdges::Exact => hz / width,
                FilterEdges::Rounded => ((fft + 1) as f64 * hz / f64::from(config.sample_rate)).floor(),
            }
        };
        let filters = (0..channels).map(|channel| {
            let [left, peak, right] = [corner(channel), corner(channel + 1), corner(channel + 2)];
            let height = match norm {
                FilterNorm::Peak => 1.0,
                FilterNorm::Area => 2.0 / ((right - left) * width),
            };
            let weight = |bin: usize| {
                let bin = bin as f64;
                // Also correct if corners coincide: the peak counts as part of the rising side.
                let side =
                    if bin <= peak { (bin - left) / (peak - left) } else { (right - bin) / (right - peak) };
                height * side
            };
            let inside = |&bin: &usize| (bin as f64) > left && (bin as f64) < right;
            let first = (0..bins).find(inside).unwrap_or(bins);
            let weights: Vec<f64> = (first..bins).take_while(inside).map(weight).collect();
            if weights.is_empty() {
                let allowed =
                    format!("fewer: filter {channel} falls between two of the {bins} points of the spectrum");
                return Err(Error::setting("channels", channels, allowed));
            }
            Ok(Filter { first, weights })
        });
        Ok(Self { bins, filters: filters.collect::<Result<_, _>>()? })
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.filters.len()
    }

    /// Number of points of the power spectrum.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// The weights of a channel, `[bins]`.
    ///
    /// # Panics
    ///
    /// When `channel >= channels()`.
    pub fn weights(&self, channel: usize) -> Vec<f64> {
        let Filter { first, weights } = &self.filters[channel];
        let mut all = vec![0.0; self.bins];
        all[*first..first + weights.len()].copy_from_slice(weights);
        all
    }

    /// The energy of each channel: sum over k of weight_k P\[k\], from a power spectrum `[bins]` into `energies`
    /// `[channels]`.
    ///
    /// # Panics
    ///
    /// When `power` is shorter than `bins()`.
    pub fn apply(&self, power: &[f64], energies: &mut [f64]) {
        for (Filter { first, weights }, energy) in self.filters.iter().zip(energies) {
            *energy = weights.iter().zip(&power[*first..]).map(|(weight, power)| weight * power).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighboring_filters_sum_to_one() {
        let filters = MelFilters::new(&MelConfig::default()).unwrap();
        let sums: Vec<f64> =
            (0..257).map(|bin| (0..40).map(|channel| filters.weights(channel)[bin]).sum()).collect();
        // Between the first peak (45 Hz) and the last (7478 Hz).
        assert!(sums[2..239].iter().all(|sum| (sum - 1.0).abs() < 1e-12), "{sums:?}");
    }

    #[test]
    fn equal_areas_are_equal() {
        let config = MelConfig { norm: FilterNorm::Area, fft: 8192, ..MelConfig::default() };
        let filters = MelFilters::new(&config).unwrap();
        for channel in 0..40 {
            let area: f64 = filters.weights(channel).iter().sum::<f64>() * 16_000.0 / 8192.0;
            assert!((area - 1.0).abs() < 0.01, "{channel}: {area}");
        }
    }

    #[test]
    fn a_filter_without_a_point_is_refused() {
        for edges in [FilterEdges::Exact, FilterEdges::Rounded] {
            let config = MelConfig { channels: 200, edges, ..MelConfig::default() };
            let message = MelFilters::new(&config).unwrap_err().to_string();
            assert!(message.starts_with("`channels = 200` is invalid: channels must be fewer"), "{message}");
        }
    }
}
