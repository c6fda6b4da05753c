//! The user's choices.

use crate::data::XAxis;

/// The plotted data and their presentation.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Choice {
    /// `None`: loss above, accuracy below. [`ALL`]: every metric. Otherwise only this metric.
    pub(crate) metric: Option<String>,
    pub(super) axis: XAxis,
    pub(super) logarithmic: bool,
    pub(super) log_x: bool,
    /// Weight of the past in the moving average, 0 for none.
    pub(super) smoothing: f64,
    /// Whether runs that differ only in seeds are one curve, their mean, with a band from lowest to highest.
    pub(super) grouped: bool,
    pub(super) parts: Parts,
    /// The epoch of the crosshair.
    pub(super) crosshair: Option<f64>,
    /// Whether the scale includes outliers.
    pub(super) unbounded: bool,
    /// The visible part of the axes.
    pub(super) x: Window,
    pub(super) y: Window,
    /// Whether the list of metrics is open.
    pub(super) listing: bool,
}

/// Small multiples of every metric.
pub(crate) const ALL: &str = "all";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Parts {
    #[default]
    Both,
    Train,
    Valid,
}

/// A part of an axis, from 0 to 1: it remains the same part while the axis grows with the runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Default for Window {
    fn default() -> Self {
        Self { from: 0.0, to: 1.0 }
    }
}

impl Window {
    pub(super) fn is_whole(self) -> bool {
        self == Self::default()
    }

    fn length(self) -> f64 {
        self.to - self.from
    }

    /// `factor` times as long, with `center` where it was; between `least` and `most`.
    pub(super) fn zoomed(self, factor: f64, center: f64, [least, most]: [f64; 2]) -> Self {
        let length = (self.length() * factor).clamp(least, most);
        let from = center - (center - self.from) * length / self.length();
        Self { from, to: from + length }
    }

    /// Moved by a fraction of its length.
    pub(super) fn moved(self, share: f64) -> Self {
        let by = share * self.length();
        Self { from: self.from + by, to: self.to + by }
    }

    /// Moved into these limits.
    pub(super) fn within(self, low: f64, high: f64) -> Self {
        let length = self.length();
        let from = self.from.min(high - length).max(low);
        // Exactly the end, to recognize the whole range again.
        Self { from, to: if from + length > high - 1e-9 { high } else { from + length } }
    }

    pub(super) fn middle(self) -> f64 {
        0.5 * (self.from + self.to)
    }

    /// Moved to show a position.
    pub(super) fn showing(self, place: f64) -> Self {
        if place < self.from {
            return Self { from: place, to: place + self.length() };
        }
        if place > self.to { Self { from: place - self.length(), to: place } } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_zoom_around_a_point_and_stay_within_limits() {
        let whole = Window::default();
        let half = whole.zoomed(0.5, 1.0, [0.1, 1.0]);
        assert_eq!(half, Window { from: 0.5, to: 1.0 });
        assert_eq!(half.zoomed(2.0, 0.75, [0.1, 1.0]).within(0.0, 1.0), whole);
        assert!(half.zoomed(2.0, 0.75, [0.1, 1.0]).within(0.0, 1.0).is_whole());
        assert_eq!(half.moved(0.5).within(0.0, 1.0), half);
        assert_eq!(half.moved(-0.5), Window { from: 0.25, to: 0.75 });
        assert_eq!(half.moved(-9.0).within(0.0, 1.0), Window { from: 0.0, to: 0.5 });
        assert_eq!(half.showing(0.2), Window { from: 0.2, to: 0.7 });
        assert_eq!(half.showing(0.6), half);
        assert!((whole.zoomed(1e-9, 0.5, [0.1, 1.0]).length() - 0.1).abs() < 1e-12);
    }
}
