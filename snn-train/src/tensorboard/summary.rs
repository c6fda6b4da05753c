//! The scalars and histograms of an epoch, by tag.

use std::collections::BTreeMap;

use super::message::Message;
use snn_run::scalars::Scalar;

use crate::{
    probe::{Histogram, Probe},
    run::{EpochRecord, TestRecord},
};

/// Number of bars of a weight histogram.
const BARS: usize = 40;

/// A part of the data, the suffix of tags.
pub(super) const TEST: &str = "/test";

/// TensorBoard's `SummaryMessage`: values by tag.
#[derive(Debug, Default)]
pub(super) struct SummaryMessage(Message);

impl SummaryMessage {
    /// The scalars of an epoch.
    pub(super) fn epoch(self, record: &EpochRecord) -> Self {
        self.listed(record.scalars())
    }

    /// The scalars of the test.
    pub(super) fn test(self, record: &TestRecord) -> Self {
        self.listed(record.test.scalars("test"))
    }

    fn listed(self, scalars: Vec<Scalar>) -> Self {
        scalars.into_iter().fold(self, |all, scalar| all.scalar(&scalar.tag, scalar.value))
    }

    /// A scalar for each matrix.
    pub(super) fn scalars(self, tag: &str, values: &BTreeMap<String, f64>) -> Self {
        values.iter().fold(self, |all, (name, &value)| all.scalar(&format!("{tag}/{name}"), value))
    }

    /// The histograms of the hidden layers in a probe.
    pub(super) fn probe(self, probe: &Probe) -> Self {
        (1..).zip(&probe.layers).fold(self, |all, (number, layer)| {
            all.histogram(&format!("rates/layer{number}"), Bars::of_decades(&layer.rates))
                .histogram(&format!("derivatives/layer{number}"), Bars::of_decades(&layer.derivatives))
        })
    }

    /// The weights of a matrix.
    pub(super) fn weights(self, name: &str, weights: &[f32]) -> Self {
        self.histogram(&format!("weights/{name}"), Bars::of_values(weights))
    }

    pub(super) fn into_message(self) -> Message {
        self.0
    }

    fn scalar(self, tag: &str, value: f64) -> Self {
        Self(self.0.bytes(1, Message::default().bytes(1, tag).float(2, value as f32)))
    }

    fn histogram(self, tag: &str, bars: Option<Bars>) -> Self {
        match bars {
            Some(bars) => Self(self.0.bytes(1, Message::default().bytes(1, tag).bytes(5, bars.encode()))),
            None => self,
        }
    }
}

/// TensorBoard's `HistogramProto`: the first bar begins at the minimum, each other one at the end of the previous one.
#[derive(Debug, Clone, PartialEq)]
struct Bars {
    least: f64,
    largest: f64,
    number: f64,
    sum: f64,
    /// Sum of squares; 0 if unknown.
    squares: f64,
    /// The end of each bar.
    ends: Vec<f64>,
    counts: Vec<f64>,
}

impl Bars {
    /// Bars of equal width. `None` if there are no finite values.
    fn of_values(values: &[f32]) -> Option<Self> {
        let finite = || values.iter().map(|&value| f64::from(value)).filter(|value| value.is_finite());
        let least = finite().fold(f64::INFINITY, f64::min);
        let largest = finite().fold(f64::NEG_INFINITY, f64::max);
        if least > largest {
            return None;
        }
        let bars = if least == largest { 1 } else { BARS };
        let width = (largest - least) / bars as f64;
        let mut ends: Vec<_> = (1..=bars).map(|bar| least + width * bar as f64).collect();
        ends[bars - 1] = largest;
        let mut counts = vec![0.0; bars];
        for value in finite() {
            // 0 / 0 becomes bar 0; the largest value belongs to the last bar.
            counts[(((value - least) / width) as usize).min(bars - 1)] += 1.0;
        }
        Some(Self {
            least,
            largest,
            number: finite().count() as f64,
            sum: finite().sum(),
            squares: finite().map(|value| value * value).sum(),
            ends,
            counts,
        })
    }

    /// The bins of a logarithmic histogram, without empty ones at its ends. Zeros form a bar from 0 to the first bin.
    /// `None` if it has no values.
    fn of_decades(histogram: &Histogram) -> Option<Self> {
        let Histogram { zero, edges, counts, mean } = histogram;
        let number = histogram.total();
        if number == 0 || edges.len() != counts.len() + 1 {
            return None;
        }
        let end = counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        let filled = counts.iter().position(|&count| count > 0).unwrap_or(0);
        let (begin, least) = if *zero > 0 { (0, 0.0) } else { (filled, edges[filled]) };
        let zeros = (*zero > 0).then_some((edges[0], *zero as f64));
        let bins = (begin..end).map(|bin| (edges[bin + 1], counts[bin] as f64));
        let (ends, counts): (Vec<_>, Vec<_>) = zeros.into_iter().chain(bins).unzip();
        let largest = ends.last().copied().unwrap_or(least);
        let number = number as f64;
        Some(Self { least, largest, number, sum: mean * number, squares: 0.0, ends, counts })
    }

    fn encode(&self) -> Message {
        Message::default()
            .double(1, self.least)
            .double(2, self.largest)
            .double(3, self.number)
            .double(4, self.sum)
            .double(5, self.squares)
            .doubles(6, &self.ends)
            .doubles(7, &self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_counted_in_bars_of_equal_width() {
        let values: Vec<f32> = (-40..=40).map(|k| k as f32).collect();
        let bars = Bars::of_values(&values).unwrap();
        assert_eq!((bars.least, bars.largest, bars.number, bars.sum), (-40.0, 40.0, 81.0, 0.0));
        assert_eq!((bars.ends[0], bars.ends[19], bars.ends[39]), (-38.0, 0.0, 40.0));
        // Two values per bar, the largest in the last one.
        assert_eq!(bars.counts, [[2.0; 39].as_slice(), &[3.0]].concat());
        assert_eq!(bars.squares, (1..=40).map(|k| 2.0 * f64::from(k * k)).sum::<f64>());

        let equal = Bars::of_values(&[0.5; 3]).unwrap();
        assert_eq!((equal.ends, equal.counts, equal.least), (vec![0.5], vec![3.0], 0.5));
        assert_eq!(Bars::of_values(&[]), None);
        assert_eq!(Bars::of_values(&[f32::NAN, 1.0]).unwrap().number, 1.0);
    }

    #[test]
    fn decades_keep_their_bounds_and_zeros_their_bar() {
        let edges = vec![0.1, 1.0, 10.0, 100.0, 1000.0];
        let of = |zero, counts: [u64; 4]| {
            Bars::of_decades(&Histogram { zero, edges: edges.clone(), counts: counts.into(), mean: 2.0 })
        };
        let bars = of(3, [0, 5, 1, 0]).unwrap();
        assert_eq!((bars.least, bars.largest, bars.number, bars.sum), (0.0, 100.0, 9.0, 18.0));
        assert_eq!(bars.ends, [0.1, 1.0, 10.0, 100.0]);
        assert_eq!(bars.counts, [3.0, 0.0, 5.0, 1.0]);
        let bars = of(0, [0, 5, 1, 0]).unwrap();
        assert_eq!((bars.least, bars.ends, bars.counts), (1.0, vec![10.0, 100.0], vec![5.0, 1.0]));
        let silent = of(7, [0; 4]).unwrap();
        assert_eq!((silent.least, silent.ends, silent.counts), (0.0, vec![0.1], vec![7.0]));
        assert_eq!(of(0, [0; 4]), None);
        assert_eq!(Bars::of_decades(&Histogram::default()), None);
    }
}
