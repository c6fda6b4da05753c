//! The probes of a run.

use std::collections::BTreeMap;

use snn_run::{judge::VANISHING_DERIVATIVE, probe::Probe};

/// A summary of a probe, kept for every probe of the selected run.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ProbeSummary {
    pub(crate) epoch: u32,
    /// `|dW| / |W|` of each matrix.
    pub(crate) update_ratios: BTreeMap<String, f64>,
    /// Mean surrogate derivative of each hidden layer, and the fraction below 1e-3.
    pub(crate) derivatives: Vec<(f64, f64)>,
    /// Mean firing rate of each hidden layer (Hz).
    pub(crate) rates: Vec<f64>,
}

impl ProbeSummary {
    pub(crate) fn of(probe: &Probe) -> Self {
        let derivatives = probe.layers.iter().map(|layer| &layer.derivatives);
        Self {
            epoch: probe.epoch,
            update_ratios: probe.update_ratios.clone(),
            derivatives: derivatives.map(|it| (it.mean, it.share_below(VANISHING_DERIVATIVE))).collect(),
            rates: probe.layers.iter().map(|layer| layer.rates.mean).collect(),
        }
    }
}

/// The probes of one run.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    /// Epochs with probes, ascending.
    pub(crate) epochs: Vec<u32>,
    /// The summaries read so far, by epoch.
    pub(crate) glances: BTreeMap<u32, ProbeSummary>,
    /// The selected probe, or the reason why it cannot be read.
    pub(crate) current: Option<(u32, Result<Box<Probe>, String>)>,
}

impl Probes {
    /// The epoch of the last probe at or before `epoch`, or of the newest one.
    pub(crate) fn epoch(&self, epoch: Option<u32>) -> Option<u32> {
        match epoch {
            None => self.epochs.last().copied(),
            Some(epoch) => {
                self.epochs.iter().copied().rfind(|&it| it <= epoch).or_else(|| self.epochs.first().copied())
            }
        }
    }
}
