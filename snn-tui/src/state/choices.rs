//! What each screen shows and how: what its keys change.

use std::collections::BTreeMap;

use super::metric::Metric;
use crate::data::XAxis;

/// Curves: what is plotted and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curves {
    /// `None`: loss above, accuracy below. Otherwise this metric alone.
    pub(crate) metric: Option<String>,
    pub(crate) axis: XAxis,
    pub(crate) logarithmic: bool,
    pub(crate) log_x: bool,
    /// Weight of the past in the moving average, 0 for none.
    pub(crate) smoothing: f64,
    /// Whether runs that differ in seeds alone are one curve, their mean, with a band from lowest to highest.
    pub(crate) grouped: bool,
    pub(crate) parts: Parts,
    /// Where the cross-hair is, 0 to 1.
    pub(crate) crosshair: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    Both,
    Train,
    Valid,
}

impl Default for Curves {
    fn default() -> Self {
        Self {
            metric: None,
            axis: XAxis::Epoch,
            logarithmic: false,
            log_x: false,
            smoothing: 0.0,
            grouped: false,
            parts: Parts::Both,
            crosshair: None,
        }
    }
}

/// Activity: what is shown and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Activity {
    /// The epoch whose probe is looked at, here and under Learning; without one the newest.
    pub(crate) epoch: Option<u32>,
    /// Which of the views is in front.
    pub(crate) view: usize,
    /// Which of the probed samples, hidden layers and traced neurons. Another run may have fewer of them.
    pub(crate) sample: usize,
    pub(crate) layer: usize,
    pub(crate) neuron: usize,
}

/// Learning: what is shown and how. The epoch is that of [`Activity`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Learning {
    /// Which of the views is in front.
    pub(crate) view: usize,
    pub(crate) layer: usize,
    /// True and predicted class under the cursor; at first those that are confused most often.
    pub(crate) cell: Option<(usize, usize)>,
}

/// Sweep: what is shown and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Map {
    pub(crate) metric: Metric,
    /// Axes along columns and rows, if the user has chosen them.
    pub(crate) columns: Option<usize>,
    pub(crate) rows: Option<usize>,
    /// Places on axes that are not shown; one past the last is the mean over all.
    pub(crate) places: BTreeMap<usize, usize>,
    /// The axis that is stepped, among those not shown.
    pub(crate) stepped: usize,
    /// Column and row.
    pub(crate) cursor: (usize, usize),
}

/// System: what is shown and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Machine {
    /// Lines of the log below the last one shown.
    pub(crate) below: usize,
}
