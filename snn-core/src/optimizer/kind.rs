//! The list of optimizers.

use super::{
    adam::AdamConfig,
    adamw::AdamWConfig,
    fitted::{Fitted, Optimizer, OptimizerState},
    rule::{OptimizerSettings, UpdateRule},
    sgd::SgdConfig,
    smorms3::Smorms3Config,
};
use crate::{Backend, Error, Float, Network};
use serde::{Deserialize, Serialize};

/// Generates from one list of rules the enum, the names, and the dispatch. A row is `Kind = rule;` with its documentation above it.
macro_rules! optimizers {
    ($($(#[$about:meta])+ $kind:ident = $word:literal, $rule:ty;)+) => {
        /// A kind of [`UpdateRule`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum OptimizerKind {
            $($(#[$about])+ #[serde(rename = $word)] $kind,)+
        }

        impl OptimizerKind {
            /// Every kind.
            pub const ALL: &[OptimizerKind] = &[$(OptimizerKind::$kind),+];

            /// The name of every kind in configuration files, in the same order.
            pub const WORDS: &[&str] = &[$(<$rule>::NAME),+];

            /// A new optimizer, or one restored from `state`.
            ///
            /// # Errors
            /// [`Error::Setting`] for impossible settings, [`Error::Parameter`] if the state belongs to another rule or to a
            /// network of a different shape, [`Error::HostOnly`] if the device does not have the rule.
            pub fn fit<E: Float, D: Backend<E>>(
                self,
                settings: &OptimizerSettings,
                network: &Network<E, D>,
                state: Option<&OptimizerState<E>>,
            ) -> Result<Box<dyn Optimizer<E, D>>, Error> {
                Ok(match self {
                    $(OptimizerKind::$kind => {
                        let rule = <$rule>::of(settings);
                        Box::new(match state {
                            Some(state) => Fitted::from_state(rule, network, state)?,
                            None => Fitted::new(rule, network)?,
                        })
                    })+
                })
            }

            /// Names of the rule's buffers.
            #[must_use]
            pub const fn buffers(self) -> &'static [&'static str] {
                match self { $(OptimizerKind::$kind => <$rule>::BUFFERS),+ }
            }
        }
    };
}

optimizers! {
    /// Adam (Kingma & Ba 2015).
    #[default]
    Adam = "adam", AdamConfig;
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    AdamW = "adamw", AdamWConfig;
    /// SMORMS3 (Funk 2015).
    Smorms3 = "smorms3", Smorms3Config;
    /// Stochastic gradient descent with momentum.
    Sgd = "sgd", SgdConfig;
}

impl OptimizerKind {
    /// Its name in configuration files.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn every_rule_has_the_name_of_its_kind() {
        assert_eq!(OptimizerKind::WORDS, ["adam", "adamw", "smorms3", "sgd"]);
        for (kind, word) in OptimizerKind::ALL.iter().zip(OptimizerKind::WORDS) {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{word}\""));
            assert_eq!(kind.word(), *word);
        }
    }

    /// Kingma & Ba (2015), Loshchilov & Hutter (2019) and Funk (2015) recommend these; momentum is PyTorch's example.
    #[test]
    fn defaults_are_those_of_the_papers() {
        assert_eq!(
            serde_json::to_value(AdamConfig::default()).unwrap(),
            serde_json::json!({
                "learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0
            })
        );
        assert_eq!(AdamWConfig::default().0.weight_decay, 0.01);
        assert_eq!(
            serde_json::to_value(SgdConfig::default()).unwrap(),
            serde_json::json!({ "learning_rate": 0.01, "momentum": 0.9, "weight_decay": 0.0 })
        );
        assert_eq!(
            serde_json::to_value(Smorms3Config::default()).unwrap(),
            serde_json::json!({ "learning_rate": 1e-3, "epsilon": 1e-16, "weight_decay": 0.0 })
        );
        assert_eq!(AdamConfig::of(&OptimizerSettings::default()), AdamConfig::default());
    }

    #[test]
    fn impossible_settings_are_named() {
        let good = OptimizerSettings::default();
        let network: Network = Network::new(crate::NetworkConfig::new(2, 2), Default::default(), 0).unwrap();
        for (kind, key, bad) in [
            (OptimizerKind::Adam, "learning_rate", OptimizerSettings { learning_rate: 0.0, ..good }),
            (OptimizerKind::Adam, "beta1", OptimizerSettings { beta1: 1.0, ..good }),
            (OptimizerKind::AdamW, "beta2", OptimizerSettings { beta2: f64::NAN, ..good }),
            (OptimizerKind::AdamW, "weight_decay", OptimizerSettings { weight_decay: -1.0, ..good }),
            (OptimizerKind::Smorms3, "epsilon", OptimizerSettings { epsilon: 0.0, ..good }),
            (OptimizerKind::Sgd, "momentum", OptimizerSettings { momentum: -0.1, ..good }),
        ] {
            match kind.fit(&bad, &network, None) {
                Err(Error::Setting { of: Settings::Optimizer, field, .. }) => assert_eq!(field, key),
                other => panic!("{key}: {other:?}"),
            }
        }
    }

    #[test]
    fn states_of_other_optimizers_are_refused() {
        let settings = OptimizerSettings::default();
        let network = |units| -> Network {
            Network::new(crate::NetworkConfig::new(2, units), Default::default(), 0).unwrap()
        };
        let (two, three) = (network(2), network(3));
        let state = OptimizerKind::Adam.fit(&settings, &two, None).unwrap().state();
        assert!(OptimizerKind::Adam.fit(&settings, &two, Some(&state)).is_ok());
        let message = |kind: OptimizerKind, network, state| {
            kind.fit(&settings, network, Some(state)).unwrap_err().to_string()
        };
        let other = message(OptimizerKind::AdamW, &two, &state);
        assert!(other.contains("to the optimizer `adam`, not to `adamw`"), "{other}");
        let other = message(OptimizerKind::Adam, &three, &state);
        assert!(other.contains("4 values of `m` for 2 x 3 weights"), "{other}");
        let mut partial = state.clone();
        partial.matrices[0].buffers.pop();
        let other = message(OptimizerKind::Adam, &two, &partial);
        assert!(other.contains("no `v` for it"), "{other}");
    }
}
