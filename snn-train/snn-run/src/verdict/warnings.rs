//! The trainer's warnings, each once, and whether they still apply.

use serde::Serialize;

use crate::record::WarningRecord;

/// A warning, raised once or repeatedly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenWarning {
    /// The message.
    pub message: String,
    /// The first and the last epoch after which it was raised; 0 is before training.
    pub first: u32,
    /// See `first`.
    pub last: u32,
    /// Whether it no longer applies.
    pub over: bool,
}

/// Maximum number of different messages.
const MOST: usize = 64;

/// All warnings of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Warnings {
    seen: Vec<SeenWarning>,
    epoch: u32,
}

impl Warnings {
    pub(super) fn take(&mut self, warning: &WarningRecord) {
        if let Some(seen) = self.seen.iter_mut().find(|it| it.message == warning.message) {
            seen.last = warning.epoch;
        } else if self.seen.len() < MOST {
            let (message, first) = (warning.message.clone(), warning.epoch);
            self.seen.push(SeenWarning { message, first, last: first, over: false });
        }
    }

    /// Notes that an epoch was recorded.
    pub(super) fn now(&mut self, epoch: u32) {
        self.epoch = epoch;
    }

    /// The newest first. Layers are checked after every epoch, other conditions at quarters of the given number of epochs: a warning
    /// that was not repeated at the next check no longer applies. Warnings from before training stay.
    pub(super) fn list(&self, epochs: u32) -> Vec<SeenWarning> {
        let is_over = |seen: &SeenWarning| match seen.last {
            0 => false,
            last if seen.message.starts_with("hidden layer") => self.epoch > last,
            last => self.epoch.saturating_sub(last) > epochs.div_ceil(4),
        };
        let mut all: Vec<_> =
            self.seen.iter().map(|seen| SeenWarning { over: is_over(seen), ..seen.clone() }).collect();
        all.sort_by_key(|seen| (seen.over, std::cmp::Reverse(seen.last)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_that_is_not_raised_again_is_over() {
        let mut warnings = Warnings::default();
        for (epoch, message) in [
            (0, "doubt"),
            (1, "hidden layer 1 was silent"),
            (2, "hidden layer 1 was silent"),
            (5, "no class"),
        ] {
            warnings.take(&WarningRecord { epoch, message: message.to_owned() });
            warnings.now(epoch);
        }
        let over = |warnings: &Warnings| {
            warnings
                .list(20)
                .iter()
                .map(|it| (it.message.chars().next().unwrap(), it.first, it.last, it.over))
                .collect::<Vec<_>>()
        };
        assert_eq!(over(&warnings), [('n', 5, 5, false), ('d', 0, 0, false), ('h', 1, 2, true)]);
        warnings.now(11);
        assert_eq!(over(&warnings)[0].0, 'd');
        assert_eq!(over(&warnings)[1], ('n', 5, 5, true));
    }
}
