//! The list of schedules.

use super::{
    base::{Schedule, ScheduleSettings},
    cosine::Cosine,
    exponential::Exponential,
    step::Step,
    warm_up::WarmUp,
};
use crate::Error;
use serde::{Deserialize, Serialize};

/// Generates from one list of schedules the enum, the names, and the dispatch. A row is `Kind = "word", type;`.
macro_rules! schedules {
    ($($(#[$about:meta])+ $kind:ident = $word:literal, $schedule:ty;)+) => {
        /// A kind of [`Schedule`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ScheduleKind {
            $($(#[$about])+ #[serde(rename = $word)] $kind,)+
        }

        impl ScheduleKind {
            /// Every kind.
            pub const ALL: &[ScheduleKind] = &[$(ScheduleKind::$kind),+];

            /// The name of every kind in configuration files, in the same order.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The schedule, after a warm-up if enabled.
            ///
            /// # Errors
            /// [`Error::Setting`] for invalid settings.
            pub fn build(self, settings: &ScheduleSettings) -> Result<WarmUp<Box<dyn Schedule>>, Error> {
                settings.validate()?;
                let then: Box<dyn Schedule> = match self {
                    $(ScheduleKind::$kind => Box::new(<$schedule>::of(settings)),)+
                };
                Ok(WarmUp { epochs: settings.warm_up_epochs, then })
            }
        }
    };
}

schedules! {
    /// A decay after every epoch.
    #[default]
    Exponential = "exponential", Exponential;
    /// A decay after every fixed number of epochs.
    Step = "step", Step;
    /// A decrease along half a cosine wave to a minimum.
    Cosine = "cosine", Cosine;
}

impl Schedule for Box<dyn Schedule> {
    fn factor(&self, epochs: u32) -> f64 {
        (**self).factor(epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn factors(kind: ScheduleKind, settings: ScheduleSettings, epochs: &[u32]) -> Vec<f64> {
        let schedule = kind.build(&settings).unwrap();
        epochs.iter().map(|&epoch| schedule.factor(epoch)).collect()
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        assert!(
            found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12),
            "{found:?}, not {expected:?}"
        );
    }

    #[test]
    fn factors_by_hand() {
        let settings =
            ScheduleSettings { decay: 0.5, step_epochs: 3, cosine_epochs: 4, ..Default::default() };
        assert_eq!(
            factors(ScheduleKind::Exponential, settings, &[0, 1, 2, 10]),
            [1.0, 0.5, 0.25, 0.5f64.powi(10)]
        );
        assert_eq!(factors(ScheduleKind::Step, settings, &[0, 2, 3, 5, 6]), [1.0, 1.0, 0.5, 0.5, 0.25]);
        let half = 0.5f64.sqrt() / 2.0;
        let expected = [1.0, 0.5 + half, 0.5, 0.5 - half, 0.0, 0.0];
        assert_close(&factors(ScheduleKind::Cosine, settings, &[0, 1, 2, 3, 4, 9]), &expected);
        let to_a_fifth = ScheduleSettings { minimum: 0.2, ..settings };
        assert_close(&factors(ScheduleKind::Cosine, to_a_fifth, &[0, 2, 4, u32::MAX]), &[1.0, 0.6, 0.2, 0.2]);
    }

    #[test]
    fn every_schedule_starts_at_1_never_rises_and_follows_a_warm_up() {
        for &kind in ScheduleKind::ALL {
            let settings = ScheduleSettings { decay: 0.9, ..Default::default() };
            let epochs: Vec<u32> = (0..60).collect();
            let plain = factors(kind, settings, &epochs);
            assert_eq!(plain[0], 1.0, "{kind:?}");
            assert!(plain.windows(2).all(|w| w[1] <= w[0]) && plain[59] < 1.0, "{kind:?}");
            let warm = factors(kind, ScheduleSettings { warm_up_epochs: 4, ..settings }, &epochs);
            assert_close(&warm[..4], &[0.2, 0.4, 0.6, 0.8]);
            assert_eq!(warm[4..], plain[..56], "{kind:?}");
        }
    }

    #[test]
    fn words_are_those_of_configuration_files() {
        assert_eq!(ScheduleKind::WORDS, ["exponential", "step", "cosine"]);
        for (kind, word) in ScheduleKind::ALL.iter().zip(ScheduleKind::WORDS) {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{word}\""));
        }
    }

    #[test]
    fn impossible_settings_are_named() {
        let good = ScheduleSettings::default();
        for (name, bad) in [
            ("decay", ScheduleSettings { decay: 0.0, ..good }),
            ("decay", ScheduleSettings { decay: f64::NAN, ..good }),
            ("minimum", ScheduleSettings { minimum: 1.5, ..good }),
            ("step_epochs", ScheduleSettings { step_epochs: 0, ..good }),
            ("cosine_epochs", ScheduleSettings { cosine_epochs: 0, ..good }),
        ] {
            match ScheduleKind::Cosine.build(&bad) {
                Err(Error::Setting { of: Settings::Schedule, field, .. }) => assert_eq!(field, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
