//! The names of the files of a run directory and of a sweep directory: one place for readers and writers.

/// The experiment, every key resolved. With this file a directory is a run.
pub const CONFIG: &str = "config.toml";
/// Which data the run is trained on, and which sample belongs to which part.
pub const DATA: &str = "data.json";
/// The sessions of the run ([`Environment`](crate::Environment)).
pub const ENVIRONMENT: &str = "env.json";
/// The records ([`Record`](crate::Record)), one a line.
pub const METRICS: &str = "metrics.jsonl";
/// The state of the run now ([`Status`](crate::Status)).
pub const STATUS: &str = "status.json";
/// The folder of the checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// In [`CHECKPOINTS`]: the epoch that is best on validation.
pub const BEST_CHECKPOINT: &str = "best.safetensors";
/// In [`CHECKPOINTS`]: the last epoch.
pub const LAST_CHECKPOINT: &str = "last.safetensors";
/// The folder of the probes ([`Probe`](crate::probe::Probe)).
pub const PROBES: &str = "probes";
/// What the trainer has printed, if it was started to be watched.
pub const TRAINER_LOG: &str = "trainer.log";
/// How the files for TensorBoard begin.
pub const EVENTS: &str = "events.out.tfevents.";
/// Asks for a clean stop after the current batch.
pub const STOP: &str = "stop";
/// In a run of a sweep: who is trying to train it, and how often that has ended its process without a word.
pub const ATTEMPT: &str = "attempt.json";
/// Held by the process that trains here.
pub const LOCK: &str = "lock";

/// The plan of a sweep ([`Manifest`](crate::sweep::Manifest)). With this file a directory is a sweep.
pub const MANIFEST: &str = "manifest.json";
/// The results of a sweep: one line for each run.
pub const RESULTS_CSV: &str = "results.csv";
/// The results of a sweep: one line for each group.
pub const GROUPS_CSV: &str = "groups.csv";
/// In a sweep: the folder of what was submitted to Slurm.
pub const SLURM: &str = "slurm";
/// The results of a sweep: runs and groups.
pub const RESULTS_JSON: &str = "results.json";

/// In [`PROBES`]: the file of an epoch's probe. Names sort by epoch.
#[must_use]
pub fn probe(epoch: u32) -> String {
    format!("{epoch:07}.json")
}

/// The epoch of a file in [`PROBES`]; `None` if it is no probe.
#[must_use]
pub fn probed_epoch(name: &str) -> Option<u32> {
    name.strip_suffix(".json")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_probe_holds_its_epoch() {
        assert_eq!(probe(17), "0000017.json");
        assert_eq!(probed_epoch(&probe(17)), Some(17));
        assert_eq!(probed_epoch(&probe(u32::MAX)), Some(u32::MAX));
        assert_eq!(probed_epoch(".0000004.json.tmp"), None);
    }
}
