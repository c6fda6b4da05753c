//! The selected part of a probe.

use snn_run::probe::{Probe, SampleProbe};

use crate::{screens::probed, state::UiState, theme::Theme, widgets::Axis};

/// The user's selection. Another run may have fewer of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Choice {
    /// The current view.
    pub(super) view: usize,
    /// Index of the sample, the hidden layer and the traced neuron.
    pub(super) sample: usize,
    pub(super) layer: usize,
    pub(super) neuron: usize,
}

/// The selected data.
pub(super) struct Look<'a> {
    pub(super) state: &'a UiState,
    pub(super) theme: Theme,
    pub(super) probe: &'a Probe,
    pub(super) sample: &'a SampleProbe,
    /// The selected layer and neuron, if any exist.
    pub(super) layer: usize,
    pub(super) neuron: usize,
}

impl<'a> Look<'a> {
    /// The selected sample, or the reason why there is none.
    pub(super) fn at(state: &'a UiState) -> Result<Self, String> {
        let probe = probed::looked_at(state)?;
        let choice: Choice = state.choice();
        let place = choice.sample.min(probe.samples.len().saturating_sub(1));
        let Some(sample) = probe.samples.get(place) else {
            return Err("The probe has no samples.".to_owned());
        };
        let layer = choice.layer.min(probe.layers.len().max(sample.hidden.len()).saturating_sub(1));
        let traced = sample.potentials.get(layer).map_or(0, |traces| traces.units.len());
        let neuron = choice.neuron.min(traced.saturating_sub(1));
        Ok(Self { state, theme: state.theme, probe, sample, layer, neuron })
    }

    /// The time axis of a sample.
    pub(super) fn time(&self) -> Axis {
        let end = f64::from(self.probe.steps) * self.probe.dt;
        Axis::new("ms", 0.0, if end.is_finite() { end } else { 1.0 })
    }

    /// The time of a step in ms: its middle, so rounding never moves it into another step.
    pub(super) fn ms(&self, step: f64) -> f64 {
        (step + 0.5) * self.probe.dt
    }

    /// A trace over time.
    pub(super) fn trace(&self, values: &[f32], stride: u32) -> Vec<(f64, f64)> {
        let step = |k: usize| k as f64 * f64::from(stride.max(1));
        values.iter().enumerate().map(|(k, value)| (self.ms(step(k)), f64::from(*value))).collect()
    }
}
