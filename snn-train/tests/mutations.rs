//! Seeded damage to every file that the trainer reads: no panic and no hang. `cargo xtask torture` runs more of these tests,
//! and kills trainers.
#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

use std::time::{Duration, Instant};

use serde_json::Value;
use snn_test_support::mutation::mutations;
use snn_train::{
    Experiment, RunWriter, Trainer, fuzzing,
    sweep::{Axis, Sweep},
};

const LONGEST: Duration = Duration::from_secs(1);

#[track_caller]
fn survive(name: &str, file: &[u8], rounds: u64, parse: fn(&[u8]) -> bool) {
    assert!(parse(file), "{name}: the corpus file is valid");
    let mut accepted = 0;
    mutations(file, 0..rounds, |seed, bytes| {
        let begin = Instant::now();
        accepted += u64::from(parse(bytes));
        assert!(begin.elapsed() < LONGEST, "{name}: seed {seed} takes {:?}", begin.elapsed());
    });
    assert!(accepted < rounds, "{name}: some damage is detected");
}

#[test]
fn experiments_and_sweeps() {
    let experiment = Experiment::preset("shd").unwrap().to_toml().unwrap();
    survive("experiments", experiment.as_bytes(), 3000, fuzzing::experiment);
    survive("changes", b"optimizer.learning_rate=0.01", 1500, fuzzing::change);
    let sweep = "name = \"s\"\nbase = \"randman\"\n[set]\ntraining.epochs = 3\n[[grid]]\nsurrogate.beta = { log = [1, 100], points = 3 }\n\
                 surrogate.shape = [\"esser\", \"sigmoid\"]\n[seeds]\nvalues = [0, 1]\n[select]\nbest = 2\nby = [\"surrogate.shape\"]\n";
    survive("sweeps", sweep.as_bytes(), 1000, fuzzing::sweep_file);
    let plan = Sweep::new("s", Experiment::default()).grid([("surrogate.beta", Axis::list([1.0, 2.0]))]);
    let plan = serde_json::to_vec(&plan.plan().unwrap()).unwrap();
    survive("plans", &plan, 2000, fuzzing::manifest);
}

#[test]
fn checkpoints_and_event_files() {
    let directory = tempfile::tempdir().unwrap();
    let run = directory.path().join("run");
    let mut experiment = Experiment::default();
    let small = ["data.inputs=2", "data.classes=2", "data.samples_per_class=10", "network.hidden=[3]"];
    experiment.set(&small).unwrap();
    experiment.set(&["training.epochs=2", "probe.tensorboard=true"]).unwrap();
    let mut trainer = Trainer::new(experiment).unwrap();
    let mut writer = RunWriter::create(&run, &trainer).unwrap();
    trainer.run(&mut [&mut writer]).unwrap();

    let checkpoint = std::fs::read(run.join("checkpoints/last.safetensors")).unwrap();
    survive("checkpoints", &checkpoint, 3000, fuzzing::checkpoint);
    let length = u64::from_le_bytes(checkpoint[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&checkpoint[8..8 + length]).unwrap();
    let envelope: Value = serde_json::from_str(header["__metadata__"]["snn"].as_str().unwrap()).unwrap();
    survive("states", envelope["state"].to_string().as_bytes(), 3000, fuzzing::checkpoint_state);
    let files = std::fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().path());
    let events = files.into_iter().find(|path| path.to_string_lossy().contains("tfevents")).unwrap();
    survive("event files", &std::fs::read(events).unwrap(), 3000, fuzzing::events);
}
