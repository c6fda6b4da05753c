//! Values that are allowed individually but cannot work: an error for values that become 0 or infinite in 32-bit numbers, a
//! warning for values that are unlikely to work.

use snn_core::OptimizerKind;

use super::{definition::Experiment, sections::OptimizerSection};
use crate::error::Error;

/// With a time constant of this many samples, a variable hardly changes within a sample.
const LONG: f64 = 1e4;

/// Weights drawn this much wider than usual saturate every unit.
const WIDE: f64 = 1e4;

impl Experiment {
    /// Refuses numbers that degenerate in the 32 bits of weights and potentials.
    pub(super) fn check_representable(&self) -> Result<(), Error> {
        let refuse = |key: &str, value: f64, reason: &str| {
            Err(Error::Impossible(format!("{key} = {value:?} {reason}")))
        };
        let OptimizerSection { name, beta1, beta2, epsilon, .. } = self.optimizer;
        if name != OptimizerKind::Sgd && (epsilon as f32) < f32::MIN_POSITIVE {
            return refuse(
                "optimizer.epsilon",
                epsilon,
                "is 0 in the 32-bit numbers of the weights, and weights without a gradient would be divided by 0: use at least \
                 1e-37",
            );
        }
        for (key, beta) in [("optimizer.beta1", beta1), ("optimizer.beta2", beta2)] {
            if beta as f32 >= 1.0 {
                return refuse(
                    key,
                    beta,
                    "is 1 in the 32-bit numbers of the weights, and nothing would be learned: lower it",
                );
            }
        }
        let regularizer = &self.regularizer;
        for (key, value) in [
            ("network.threshold", self.network.threshold),
            ("initialization.gain", self.initialization.gain),
            ("initialization.input_gain", self.initialization.input_gain),
            ("initialization.recurrent_gain", self.initialization.recurrent_gain),
            ("initialization.readout_gain", self.initialization.readout_gain),
            ("initialization.mean", self.initialization.mean),
            ("initialization.deviation", self.initialization.deviation),
            ("surrogate.beta", self.surrogate.beta),
            ("readout.start", self.readout.start),
            ("regularizer.lower_strength", regularizer.lower_strength),
            ("regularizer.lower_threshold", regularizer.lower_threshold),
            ("regularizer.upper_strength", regularizer.upper_strength),
            ("regularizer.upper_threshold", regularizer.upper_threshold),
        ] {
            if !(value as f32).is_finite() {
                return refuse(
                    key,
                    value,
                    "is infinite in the 32-bit numbers of weights and potentials: lower it",
                );
            }
        }
        let Some(dt) = self.dt() else { return Ok(()) };
        for (key, tau) in self.time_constants() {
            // The leak per step.
            let leak = -(-dt / tau).exp_m1();
            if (leak as f32) < f32::MIN_POSITIVE {
                return refuse(
                    key,
                    tau,
                    &format!("ms has no effect in steps of {dt:?} ms (data.dt): lower it"),
                );
            }
        }
        Ok(())
    }

    /// Settings with which training is possible but unlikely to succeed.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let gain = self.initialization.gain;
        if gain > WIDE {
            doubts.push(format!(
                "initialization.gain = {gain:?} draws weights so large that every unit is likely to be saturated; values around 1 to \
                 10 are usual"
            ));
        }
        let Some(dt) = self.dt() else { return doubts };
        let duration = dt * self.data.steps() as f64;
        for (key, tau) in self.time_constants() {
            if tau > LONG * duration {
                doubts.push(format!("{key} = {tau:?} ms is far longer than a sample, which takes {duration:?} ms (data.steps x data.dt)"));
            } else if (-dt / tau).exp() == 0.0 {
                doubts.push(format!("{key} = {tau:?} ms is far shorter than a step of {dt:?} ms (data.dt), and nothing is remembered between steps"));
            }
        }
        if let Some(tau) = self.number("data.tau_randman").filter(|&tau| tau < dt) {
            doubts.push(format!(
                "data.tau_randman = {tau:?} ms puts all spikes into one step of {dt:?} ms (data.dt)"
            ));
        }
        doubts
    }

    /// The distinct values of all layers.
    fn time_constants(&self) -> Vec<(&'static str, f64)> {
        let mut all = vec![("network.tau_readout", self.network.tau_readout)];
        for layer in 0..self.network.hidden.len() {
            let of_layer =
                [("network.tau_mem", &self.network.tau_mem), ("network.tau_syn", &self.network.tau_syn)];
            for entry in of_layer.map(|(key, tau)| (key, tau.of(layer))) {
                if !all.contains(&entry) {
                    all.push(entry);
                }
            }
        }
        all
    }

    fn dt(&self) -> Option<f64> {
        self.number("data.dt")
    }

    fn number(&self, key: &str) -> Option<f64> {
        snn_run::number(&self.get(key)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::presets;

    #[test]
    fn numbers_that_degenerate_in_32_bits_are_refused() {
        for change in [
            "optimizer.epsilon=1e-300",
            "optimizer.beta1=0.9999999999999999",
            "optimizer.beta2=0.999999999",
            "network.threshold=1e300",
            "initialization.gain=1e308",
            "regularizer.upper_strength=1e39",
            "network.tau_mem=1e300",
            "network.tau_syn=1e60",
        ] {
            let error = Experiment::default().set(&[change]).unwrap_err();
            let (key, _) = change.split_once('=').unwrap();
            assert!(error.is_usage() && error.to_string().contains(key), "{error}");
            assert!(!error.to_string().contains("lower optimizer.learning_rate"), "{error}");
        }
    }

    #[test]
    fn unlikely_settings_give_warnings_and_presets_do_not() {
        for change in
            ["initialization.gain=1e30", "network.tau_mem=1e15", "data.dt=1e20", "data.tau_randman=1e-300"]
        {
            let mut experiment = Experiment::default();
            experiment.set(&[change]).unwrap();
            let doubts = experiment.doubts().join("\n");
            let (key, _) = change.split_once('=').unwrap();
            assert!(doubts.contains(key), "{change}: {doubts}");
        }
        for preset in presets() {
            let doubts = Experiment::preset(preset.name).unwrap().doubts();
            assert!(doubts.is_empty(), "{}: {doubts:?}", preset.name);
        }
    }
}
