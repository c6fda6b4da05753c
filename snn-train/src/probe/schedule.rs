//! Which epochs are probed, and which probes are kept: depends only on the number of finished epochs.

use crate::experiment::ProbeSection;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// Epochs between two probes; 0 for no probes.
    every: u32,
    limit: u32,
}

impl Schedule {
    pub(super) fn new(section: &ProbeSection) -> Self {
        Self { every: section.every, limit: section.limit.max(2) }
    }

    pub(super) fn is_due(self, epoch: u32) -> bool {
        self.every > 0 && epoch.is_multiple_of(self.every)
    }

    /// Whether the probe of `epoch` is kept after `done` epochs: the newest and the multiples of a distance that doubles
    /// whenever there would be more than the limit.
    pub(super) fn keeps(self, epoch: u32, done: u32) -> bool {
        if !self.is_due(epoch) || epoch > done {
            return false;
        }
        let mut distance = u64::from(self.every);
        // With epoch 0 and the newest, the number is the quotient plus one or two.
        while u64::from(done) / distance + 2 > u64::from(self.limit) && distance <= u64::from(done) {
            distance *= 2;
        }
        let newest = done - done % self.every;
        epoch == newest || u64::from(epoch).is_multiple_of(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_thinned_keeping_the_first_and_the_newest() {
        for (every, limit) in [(1, 10), (3, 7), (2, 2), (5, 50)] {
            let schedule = Schedule { every, limit };
            let mut kept = Vec::new();
            for done in 0..300 {
                // Removing probes during a run gives the same set as selecting them at the end.
                kept.push(done);
                kept.retain(|&epoch| schedule.keeps(epoch, done));
                let of_all: Vec<_> = (0..400).filter(|&epoch| schedule.keeps(epoch, done)).collect();
                assert_eq!(kept, of_all, "every {every}, limit {limit}, {done} done");
                assert!(kept.len() <= limit as usize, "{kept:?}");
                assert!(kept.contains(&0) && kept.contains(&(done - done % every)), "{kept:?}");
            }
        }
        let dense: Vec<_> = (0..100).filter(|&e| Schedule { every: 1, limit: 10 }.keeps(e, 99)).collect();
        assert_eq!(dense, [0, 16, 32, 48, 64, 80, 96, 99]);
        let off = Schedule { every: 0, limit: 10 };
        assert!(!off.is_due(0) && !off.keeps(0, 10));
    }
}
