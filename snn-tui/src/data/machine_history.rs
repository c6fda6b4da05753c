//! The load of this machine over time.

use std::time::Instant;

use super::System;

/// Maximum number of samples: at least as many as a terminal has dots in a row.
const MOST: usize = 1200;
/// Number of old samples removed at once, so that plots rarely shift.
const DROPPED: usize = 300;

/// Loads of this machine since the dashboard started.
#[derive(Debug, Default)]
pub(crate) struct MachineHistory {
    began: Option<Instant>,
    looks: Vec<Load>,
}

/// Loads at one time, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Load {
    /// Seconds since the first sample.
    pub(crate) seconds: f64,
    /// NaN if unknown.
    pub(crate) processors: f64,
    pub(crate) memory: f64,
    /// Load and memory of each GPU; NaN if unknown.
    pub(crate) gpus: Vec<(f64, f64)>,
}

impl MachineHistory {
    /// Adds the current state of the machine.
    pub(crate) fn push(&mut self, system: &System) {
        let began = *self.began.get_or_insert_with(Instant::now);
        self.push_at(began.elapsed().as_secs_f64(), system);
    }

    /// Adds the state of the machine at this number of seconds after the first sample.
    pub(crate) fn push_at(&mut self, seconds: f64, system: &System) {
        if self.looks.len() == MOST {
            self.looks.drain(..DROPPED);
        }
        let is_known = system.unknown.is_none() && !system.processors.is_empty();
        let share = |(used, all): (u64, u64)| used as f64 / all as f64;
        let gpus = system.gpus.iter().flatten();
        self.looks.push(Load {
            seconds,
            processors: if is_known {
                system.processors.iter().sum::<f64>() / system.processors.len() as f64
            } else {
                f64::NAN
            },
            memory: if is_known { share(system.memory) } else { f64::NAN },
            gpus: gpus
                .map(|gpu| (gpu.load.unwrap_or(f64::NAN), gpu.memory.map_or(f64::NAN, share)))
                .collect(),
        });
    }

    /// Samples in order.
    pub(crate) fn looks(&self) -> &[Load] {
        &self.looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Gpu;

    #[test]
    fn samples_are_kept_in_bounded_memory() {
        let gpu = Gpu { load: Some(0.5), memory: Some((1, 4)), ..Gpu::default() };
        let system = System {
            host: String::new(),
            processors: vec![1.0, 0.5],
            memory: (1, 2),
            processes: Vec::new(),
            unknown: None,
            gpus: Ok(vec![gpu, Gpu::default()]),
        };
        let mut history = MachineHistory::default();
        (0..5000).for_each(|k| history.push_at(f64::from(k), &system));
        assert!(history.looks().len() <= MOST && history.looks().len() >= MOST - DROPPED);
        let last = history.looks().last().unwrap();
        assert_eq!((last.seconds, last.processors, last.memory), (4999.0, 0.75, 0.5));
        assert_eq!(last.gpus[0], (0.5, 0.25));
        assert!(last.gpus[1].0.is_nan());
        history.push_at(
            5000.0,
            &System { unknown: Some("no /proc".to_owned()), gpus: Err(String::new()), ..system },
        );
        assert!(history.looks().last().unwrap().memory.is_nan());
    }
}
