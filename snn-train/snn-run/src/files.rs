//! The file names in a run directory and a sweep directory, shared by readers and writers.

/// The experiment with every key resolved. A directory with this file is a run.
pub const CONFIG: &str = "config.toml";
/// The identity of the run's data, and the samples of each part.
pub const DATA: &str = "data.json";
/// The sessions of the run ([`Environment`](crate::Environment)).
pub const ENVIRONMENT: &str = "env.json";
/// The records ([`Record`](crate::Record)), one per line.
pub const METRICS: &str = "metrics.jsonl";
/// The current state of the run ([`Status`](crate::Status)).
pub const STATUS: &str = "status.json";
/// The folder of the checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// In [`CHECKPOINTS`]: the best epoch on validation.
pub const BEST_CHECKPOINT: &str = "best.safetensors";
/// In [`CHECKPOINTS`]: the last epoch.
pub const LAST_CHECKPOINT: &str = "last.safetensors";
/// The folder of the probes ([`Probe`](crate::probe::Probe)).
pub const PROBES: &str = "probes";
/// The output of the trainer, if it was started with `--watch`.
pub const TRAINER_LOG: &str = "trainer.log";
/// The prefix of TensorBoard files.
pub const EVENTS: &str = "events.out.tfevents.";
/// Requests a clean stop after the current batch.
pub const STOP: &str = "stop";
/// In a run of a sweep: the process training it, and how often that crashed.
pub const ATTEMPT: &str = "attempt.json";
/// Locked by the process that trains the run.
pub const LOCK: &str = "lock";

/// The plan of a sweep ([`Manifest`](crate::sweep::Manifest)). A directory with this file is a sweep.
pub const MANIFEST: &str = "manifest.json";
/// The results of a sweep: one line per run.
pub const RESULTS_CSV: &str = "results.csv";
/// The results of a sweep: one line per group.
pub const GROUPS_CSV: &str = "groups.csv";
/// In a sweep: the folder of Slurm submissions.
pub const SLURM: &str = "slurm";
/// The results of a sweep: runs and groups.
pub const RESULTS_JSON: &str = "results.json";

/// In [`PROBES`]: the file of an epoch's probe. Names sort by epoch.
#[must_use]
pub fn probe(epoch: u32) -> String {
    format!("{epoch:07}.json")
}

/// The epoch of a file in [`PROBES`]; `None` if it is not a probe.
#[must_use]
pub fn probed_epoch(name: &str) -> Option<u32> {
    name.strip_suffix(".json")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_probe_contains_its_epoch() {
        assert_eq!(probe(17), "0000017.json");
        assert_eq!(probed_epoch(&probe(17)), Some(17));
        assert_eq!(probed_epoch(&probe(u32::MAX)), Some(u32::MAX));
        assert_eq!(probed_epoch(".0000004.json.tmp"), None);
    }
}
