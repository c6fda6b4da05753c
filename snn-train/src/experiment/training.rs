//! The training settings of an experiment, as types of `snn-core`.

use snn_core::{AnyLoss, LossSettings, OptimizerSettings, Schedule, ScheduleKind, ScheduleSettings};

use super::definition::Experiment;

impl Experiment {
    /// The learning rate after this many epochs: `optimizer.learning_rate` times the factor of the schedule.
    #[must_use]
    pub fn learning_rate(&self, epochs: u32) -> f64 {
        let schedule = self.schedule.name.build(&self.schedule_settings());
        let factor = schedule.map_or(1.0, |schedule| schedule.factor(epochs));
        // A learning rate of 0 would be an error; one this small changes nothing.
        (self.optimizer.learning_rate * factor).max(f64::MIN_POSITIVE)
    }

    fn schedule_settings(&self) -> ScheduleSettings {
        let section = &self.schedule;
        let cosine_epochs = match section.cosine_epochs {
            0 => self.training.epochs.saturating_sub(section.warm_up_epochs).max(1),
            epochs => epochs,
        };
        ScheduleSettings {
            decay: self.optimizer.learning_rate_decay,
            step_epochs: section.step_epochs,
            cosine_epochs,
            minimum: section.minimum,
            warm_up_epochs: section.warm_up_epochs,
        }
    }

    /// Whether the learning rate depends on the total number of epochs.
    pub(super) fn schedule_spans_all_epochs(&self) -> bool {
        self.schedule.name == ScheduleKind::Cosine && self.schedule.cosine_epochs == 0
    }

    /// The settings of its optimizer in the first epoch; the rule is `optimizer.name`.
    #[must_use]
    pub fn optimizer_settings(&self) -> OptimizerSettings {
        let section = &self.optimizer;
        OptimizerSettings {
            learning_rate: self.learning_rate(0),
            beta1: section.beta1,
            beta2: section.beta2,
            epsilon: section.epsilon,
            momentum: section.momentum,
            weight_decay: section.weight_decay,
        }
    }

    /// The loss, in addition to the penalties.
    #[must_use]
    pub fn loss_function(&self) -> AnyLoss {
        let section = &self.loss;
        section.name.with(&LossSettings {
            label_smoothing: section.label_smoothing,
            target_count: section.target_count,
            other_count: section.other_count,
        })
    }
}
