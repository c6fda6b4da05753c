//! Logarithmic histograms.

use super::Histogram;

impl Histogram {
    /// An empty histogram from `10^low` to `10^high` with four bins per decade.
    #[must_use]
    pub fn decades(low: i32, high: i32) -> Self {
        const BINS: i32 = 4;
        let edge = |k: i32| 10_f64.powf(f64::from(k) / f64::from(BINS));
        let edges: Vec<_> = (low * BINS..=high * BINS).map(edge).collect();
        Self { counts: vec![0; edges.len() - 1], edges, ..Self::default() }
    }

    /// Counts all `values`, which must be at least 0.
    #[must_use]
    pub fn fill(mut self, values: impl Iterator<Item = f64>) -> Self {
        let (mut sum, mut number) = (0.0, 0_u64);
        let (lowest, last) = (self.edges[0].log10(), self.counts.len() - 1);
        for value in values {
            (sum, number) = (sum + value, number + 1);
            if value > 0.0 {
                // At a bound, the logarithm may be off by a rounding error; the conversion of values below saturates at 0.
                let near = ((value.log10() - lowest) * 4.0) as usize;
                let mut bin = near.min(last);
                bin += usize::from(bin < last && value >= self.edges[bin + 1]);
                bin -= usize::from(bin > 0 && value < self.edges[bin]);
                self.counts[bin] += 1;
            } else {
                self.zero += 1;
            }
        }
        self.mean = sum / number.max(1) as f64;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_its_bin() {
        let edges = Histogram::decades(-2, 1).edges;
        assert_eq!(edges.len(), 13);
        assert!((edges[4] - 0.1).abs() < 1e-12 && (edges[12] - 10.0).abs() < 1e-12);
        let values: Vec<f64> = edges.iter().flat_map(|&edge| [edge, edge * 1.3]).chain([0.0, 1e-9]).collect();
        let histogram = Histogram::decades(-2, 1).fill(values.iter().copied());
        assert_eq!(histogram.zero, 1);
        // Two in each bin; outside the bounds, one below and two above.
        assert_eq!(histogram.counts, [3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4]);
        assert!((histogram.mean - values.iter().sum::<f64>() / 28.0).abs() < 1e-12);
    }
}
