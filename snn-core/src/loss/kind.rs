//! The list of losses. A new loss is a file and a row here.

use super::{
    cross_entropy::CrossEntropy,
    function::{Judged, LossFunction, LossSettings, Taped},
    spike_count::SpikeCount,
};
use crate::{Backend, Error, Float, NetworkConfig, Output};
use serde::{Deserialize, Serialize};

/// Generates from one list of losses the enum of the kinds, the names, and an enum of the losses that delegates to them.
/// A row is `Kind = "word";`, where the type of the loss has the name of the kind.
macro_rules! losses {
    ($($(#[doc = $about:literal])+ $kind:ident = $word:literal;)+) => {
        /// A kind of [`LossFunction`]. The default is cross-entropy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum LossKind {
            $($(#[doc = $about])+ #[serde(rename = $word)] $kind,)+
        }

        impl LossKind {
            /// Every kind.
            pub const ALL: &[LossKind] = &[$(LossKind::$kind),+];

            /// The name of every kind in configuration files, in the same order.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The loss with these settings, ignoring those that it does not have.
            #[must_use]
            pub fn with(self, settings: &LossSettings) -> AnyLoss {
                match self { $(LossKind::$kind => AnyLoss::$kind($kind::of(settings))),+ }
            }
        }

        /// Any loss of this crate.
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[non_exhaustive]
        pub enum AnyLoss {
            $($(#[doc = $about])+ $kind($kind),)+
        }

        impl LossFunction for AnyLoss {
            fn validate(&self, network: &NetworkConfig) -> Result<(), Error> {
                match self { $(AnyLoss::$kind(loss) => loss.validate(network)),+ }
            }

            fn judge<E: Float, D: Backend<E>>(
                &self,
                answer: Taped<E, D>,
                labels: &[u16],
            ) -> Result<Judged<E, D>, Error> {
                match self { $(AnyLoss::$kind(loss) => loss.judge(answer, labels)),+ }
            }

            fn value<E: Float>(&self, output: &Output<E>, labels: &[u16]) -> f64 {
                match self { $(AnyLoss::$kind(loss) => loss.value(output, labels)),+ }
            }

            fn scored<E: Float>(&self, output: Output<E>) -> Output<E> {
                match self { $(AnyLoss::$kind(loss) => loss.scored(output)),+ }
            }

            fn label_smoothing(&self) -> Option<f64> {
                match self { $(AnyLoss::$kind(loss) => loss.label_smoothing()),+ }
            }
        }
    };
}

losses! {
    /// Softmax cross-entropy of the logits.
    CrossEntropy = "cross-entropy";
    /// Squared distance of spike counts from a target.
    SpikeCount = "spike-count";
}

#[expect(clippy::derivable_impls, reason = "the variants come from the list")]
impl Default for LossKind {
    fn default() -> Self {
        LossKind::CrossEntropy
    }
}

impl Default for AnyLoss {
    fn default() -> Self {
        LossKind::default().with(&LossSettings::default())
    }
}
