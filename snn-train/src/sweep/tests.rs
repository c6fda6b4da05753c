#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking, in their helpers too")]

use std::{fs, path::Path, sync::atomic::AtomicBool};

use toml::Value;

use super::*;
use crate::{Error, Experiment};

/// A very short experiment.
fn quick() -> Experiment {
    let mut experiment = Experiment::default();
    experiment
        .set(&[
            "data.classes=2",
            "data.samples_per_class=30",
            "network.hidden=[10]",
            "training.batch_size=16",
            "training.epochs=3",
            "initialization.gain=6",
        ])
        .unwrap();
    experiment
}

fn load(text: &str) -> Result<Sweep, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.toml");
    fs::write(directory.path().join("base.toml"), quick().to_toml().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    Sweep::load(&path)
}

#[track_caller]
fn assert_refused(text: &str, words: &str) {
    let error = load(text).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains(words), "`{words}` is not in: {error}");
}

#[test]
fn a_file_equals_the_same_sweep_in_code() {
    let sweep = load(
        r#"
        base = "base.toml"
        [set]
        training.epochs = 2
        [[grid]]
        surrogate.beta = { log = [1, 100], points = 3 }
        network.hidden = [[], [10, 10]]
        [[grid]]
        surrogate.shape = ["esser"]
        optimizer.learning_rate = { linear = [0.01, 0.02], points = 2 }
        [seeds]
        values = [4, 5]
        [select]
        best = 2
        by = ["surrogate.shape"]
        "#,
    )
    .unwrap();
    let mut base = quick();
    base.training.epochs = 2;
    let hidden = Axis::list([Value::Array(vec![]), Value::from(vec![10, 10])]);
    let expected = Sweep::new("mine", base)
        .grid([("network.hidden", hidden), ("surrogate.beta", Axis::logarithmic(1.0, 100.0, 3))])
        .grid([
            ("optimizer.learning_rate", Axis::linear(0.01, 0.02, 2)),
            ("surrogate.shape", Axis::list(["esser"])),
        ])
        .seeds(["initialization.seed", "training.seed"], [4, 5])
        .select(2, ["surrogate.shape"]);
    assert_eq!(sweep, expected);

    let plan = sweep.plan().unwrap();
    assert_eq!(plan.points.len(), (2 * 3 + 2) * 2);
    let keys: Vec<_> = plan.axes.iter().map(|axis| (axis.key.as_str(), axis.seed, axis.scale)).collect();
    assert_eq!(
        keys,
        [
            ("network.hidden", false, AxisSpacing::List),
            ("surrogate.beta", false, AxisSpacing::Logarithmic),
            ("optimizer.learning_rate", false, AxisSpacing::Linear),
            ("surrogate.shape", false, AxisSpacing::List),
            ("initialization.seed", true, AxisSpacing::List),
            ("training.seed", true, AxisSpacing::List),
        ]
    );
    for point in &plan.points {
        assert_eq!(point.settings.len(), 6, "a value for every axis");
        assert_eq!(point.settings["initialization.seed"], point.settings["training.seed"]);
        let experiment = experiment(&plan, point).unwrap();
        assert_eq!(experiment.training.epochs, 2);
        assert_eq!(experiment.get("surrogate.beta").as_ref(), Some(&point.settings["surrogate.beta"]));
    }
}

#[test]
fn tables_of_keys_are_written_as_in_experiments() {
    let text =
        |axis: &str| format!("base = \"fsdd\"\n[set]\ndata.mel.low = 20\n[[grid]]\n{axis} = [20, 30]\n");
    let sweep = load(&text("data.mel.channels")).unwrap();
    assert_eq!(sweep, load(&text("\"data\".\"mel.channels\"")).unwrap());
    assert_eq!(sweep.base.get("data.mel.low"), Some(Value::from(20.0)));
    let plan = sweep.plan().unwrap();
    let channels = |point: &Point| point.settings["data.mel.channels"].as_integer();
    assert_eq!(plan.points.iter().map(channels).collect::<Vec<_>>(), [Some(20), Some(30)]);
    assert_ne!(plan.points[0].id, plan.points[1].id);
    assert_refused(&text("data.mel.chanels"), "mine.toml:5: unknown key `data.mel.chanels`");
    assert_refused(&text("data.words.one"), "mine.toml:5: ");
}

#[test]
fn errors_name_their_line() {
    let base = "base = \"base.toml\"\n";
    for (text, words) in [
        ("bse = 1", "mine.toml:2: "),
        (
            "[set]\nsurrogate.bta = 1",
            "mine.toml:3: unknown key `surrogate.bta`; did you mean `surrogate.beta`?",
        ),
        ("[[grid]]\nsurrogate.bta = [1]", "mine.toml:3: unknown key `surrogate.bta`"),
        (
            "[[grid]]\nsurrogate.beta = [1, -1]",
            "mine.toml:3: `surrogate.beta` must be a number of at least 0",
        ),
        ("[[grid]]\nsurrogate.beta = 3", "mine.toml:3: `surrogate.beta` takes a list of values, {"),
        ("[[grid]]\nsurrogate.beta = { log = [1, 2] }", "mine.toml:3: `surrogate.beta` takes a list"),
        ("[[grid]]\nsurrogate.beta = []", "mine.toml:3: `surrogate.beta`: the list is empty"),
        ("[[grid]]\nsurrogate.beta = { log = [0, 2], points = 3 }", "must be above 0"),
        ("[[grid]]\nsurrogate.beta = { linear = [0, 2], points = 1 }", "points must be from 2"),
        ("[[grid]]\ntraining.seed = [1]\n[seeds]\nvalues = [1]", "mine.toml:3: `training.seed` is set twice"),
        ("[seeds]\nkeys = [\"data.sed\"]\nvalues = [1]", "mine.toml:3: unknown key `data.sed`"),
        ("[seeds]\nvalues = []", "mine.toml:2: seeds need both"),
        ("[select]\nbest = 0", "mine.toml:3: select.best"),
        ("[select]\nby = [\"surrogate.beta\"]", "mine.toml:3: select.by names `surrogate.beta`"),
        (
            "[[grid]]\nnetwork.recurrent = [[true, false]]",
            "network.recurrent has a different number of entries (2)",
        ),
        (
            "[[grid]]\ntraining.checkpoint_interval = [1, 2]",
            "mine.toml:3: `training.checkpoint_interval` does not affect results",
        ),
        (
            "[[grid]]\nprobe.tensorboard = [true, false]",
            "mine.toml:3: `probe.tensorboard` does not affect results",
        ),
        ("[seeds]\nkeys = [\"training.checkpoint_interval\"]\nvalues = [1, 2]", "does not affect results"),
    ] {
        assert_refused(&format!("{base}{text}"), words);
    }
    for (base, words) in [
        ("\n[base]\nnetwork.hidden = [3]\nsurrogate.bta = 1", "mine.toml:4: unknown key `surrogate.bta`"),
        ("[base.network]\n\nhidden = [3]\n[base.surrogate]\nbeta = -1", "mine.toml:5: `surrogate.beta` must"),
        ("# mine\n[base]\nsurrogate = 1", "mine.toml:3: `surrogate"),
    ] {
        assert_refused(base, words);
    }
    assert_refused("base = \"randmann\"", "did you mean `randman`?");
}

#[test]
fn a_name_must_be_a_directory_name() {
    let base = "base = \"base.toml\"\n";
    for name in ["../../evil", "/abs/path", ".", "..", "a/b", r"a\\b", r"a\nb", r"a\u0007"] {
        assert_refused(&format!("{base}name = \"{name}\""), "mine.toml:2: the name of a sweep");
    }
    assert_eq!(load(&format!("{base}name = \"slopes, 2nd\"")).unwrap().name, "slopes, 2nd");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("..toml");
    fs::write(&path, "base = \"randman\"").unwrap();
    let error = Sweep::load(&path).unwrap_err().to_string();
    assert!(error.contains("toml:1: the name of a sweep"), "{error}");
}

#[test]
fn too_many_runs_are_counted_and_refused() {
    let grid = "[[grid]]\nsurrogate.beta = { linear = [0, 1], points = 10000 }\n\
                optimizer.learning_rate = { linear = [0.1, 1], points = 10000 }\n";
    let base = "base = \"base.toml\"\n";
    assert_refused(
        &format!("{base}{grid}"),
        "mine.toml:2: these are 100000000 runs, but a sweep can have at most 100000",
    );
    let seeds = "[seeds]\nvalues = [1, 2, 3]\n";
    assert_refused(&format!("{base}{grid}{grid}{seeds}"), "these are 600000000 runs");
    let axes = (0..10).map(|number| (format!("data.{number}"), Axis::linear(0.0, 1.0, 10_000)));
    let error = Sweep::new("s", quick()).grid(axes).plan().unwrap_err().to_string();
    assert!(error.contains("more than 10^38 runs"), "{error}");
}

#[test]
fn intermediate_values_are_rounded_and_whole_ones_are_integers() {
    let plan = |axis| {
        let sweep = Sweep::new("s", quick()).grid([("regularizer.lower_threshold", axis)]);
        let values = sweep.plan().unwrap().axes.remove(0).values;
        values.iter().map(|value| value.as_float().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(plan(Axis::logarithmic(1.0, 100.0, 5)), [1.0, 3.16228, 10.0, 31.6228, 100.0]);
    assert_eq!(plan(Axis::logarithmic(0.1, 1e-3, 3)), [0.1, 0.01, 1e-3]);
    assert_eq!(plan(Axis::linear(0.0, 1.0, 4)), [0.0, 0.333333, 0.666667, 1.0]);
    let sweep = Sweep::new("s", quick()).grid([("data.classes", Axis::linear(2.0, 6.0, 3))]);
    assert_eq!(sweep.plan().unwrap().points.len(), 3);
}

#[test]
fn an_id_depends_only_on_settings_that_affect_results() {
    let id = |changes: &[&str]| {
        let mut experiment = quick();
        experiment.set(changes).unwrap();
        ids::run_id(&experiment).unwrap()
    };
    let ours = id(&[]);
    assert!(ours.starts_with("randman-") && ours.len() == "randman-".len() + 12, "{ours}");
    assert_eq!(id(&["surrogate.beta=10"]), ours, "the default, written down");
    assert_eq!(id(&["training.checkpoint_interval=1"]), ours);
    for change in ["surrogate.beta=11", "training.epochs=4", "training.seed=1", "data.seed=1"] {
        assert_ne!(id(&[change]), ours, "{change}");
    }
    // Keys in tables of a section count, too.
    let fsdd =
        |channels: i64| Experiment::preset("fsdd").unwrap().with([("data.mel.channels", channels.into())]);
    assert_eq!(
        ids::run_id(&fsdd(40).unwrap()).unwrap(),
        ids::run_id(&Experiment::preset("fsdd").unwrap()).unwrap()
    );
    assert_ne!(ids::run_id(&fsdd(40).unwrap()).unwrap(), ids::run_id(&fsdd(20).unwrap()).unwrap());
    // Existing runs are found by it: it must not change between versions.
    assert_eq!(ids::run_id(&Experiment::default()).unwrap(), "randman-e3b0c44298fc");
}

#[test]
fn overlapping_grids_and_sweeps_share_runs() {
    let directory = tempfile::tempdir().unwrap();
    let betas = |values: [i64; 2]| {
        Sweep::new("b", quick())
            .grid([("surrogate.beta", Axis::list(values))])
            .grid([("surrogate.beta", Axis::list([values[0]]))])
    };
    let first = SweepDir::create(directory.path().join("a"), betas([1, 5]).plan().unwrap()).unwrap();
    let progress = first.train(&Options::default(), &mut |_| {}).unwrap();
    assert_eq!((progress.runs, progress.done, progress.reused), (2, 2, 0));
    let again = first.train(&Options::default(), &mut |_| {}).unwrap();
    assert_eq!((again.done, again.reused), (2, 2));

    let mut plan = betas([5, 20]).plan().unwrap();
    plan.runs = "../a/runs".into();
    let second = SweepDir::create(directory.path().join("b"), plan).unwrap();
    let progress = second.train(&Options::default(), &mut |_| {}).unwrap();
    assert_eq!((progress.runs, progress.done, progress.reused), (2, 2, 1));
    assert_eq!(SweepDir::open(directory.path().join("b")).unwrap(), second);
}

fn metrics(run: &Path) -> Vec<crate::run::Record> {
    let mut records = crate::run::RunDir::open(run).unwrap().records().unwrap();
    for record in &mut records {
        if let crate::run::Record::Epoch(epoch) = record {
            (epoch.time, epoch.seconds) = (0.0, crate::run::Seconds::default());
        }
    }
    records
}

#[test]
fn stopped_and_resumed_parallel_runs_equal_single_ones() {
    let directory = tempfile::tempdir().unwrap();
    let sweep = Sweep::new("s", quick())
        .grid([("data.seed", Axis::list([0, 1])), ("network.recurrent", Axis::list([false, true]))])
        .seeds(["initialization.seed"], 0..2);
    let sweep = SweepDir::create(directory.path().join("sweep"), sweep.plan().unwrap()).unwrap();
    let options = Options { jobs: Some(3), threads: Some(2), ..Options::default() };

    let stop = AtomicBool::new(false);
    let mut epochs = 0;
    let progress = sweep.train_until(&stop, &options, &mut |update| {
        if let RunEvent::Event(crate::Event::EpochFinished { .. }) = update.event {
            epochs += 1;
            stop.store(epochs == 4, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let progress = progress.unwrap();
    assert!(progress.stopped && progress.done < 8, "{progress:?}");
    let results = sweep.results();
    assert!(results.count(RunState::Stopped) > 0 && results.count(RunState::Running) == 0, "{results:?}");

    let progress = sweep.train(&options, &mut |_| {}).unwrap();
    assert!((progress.fraction - 1.0).abs() < 1e-9 && !progress.stopped, "{progress:?}");
    for point in &sweep.manifest().points {
        let single = directory.path().join(&point.id);
        let mut trainer = crate::Trainer::new(experiment(sweep.manifest(), point).unwrap()).unwrap();
        let mut writer = crate::RunWriter::create(&single, &trainer).unwrap();
        trainer.run(&mut [&mut writer]).unwrap();
        let run = sweep.run_path(point);
        assert_eq!(metrics(&run), metrics(&single));
        for file in ["last.safetensors", "best.safetensors"] {
            let bytes = |run: &Path| fs::read(run.join("checkpoints").join(file)).unwrap();
            assert!(bytes(&run) == bytes(&single), "{file} of {}", point.id);
        }
    }
}

#[test]
fn a_failed_run_is_kept_reported_and_retried_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Sweep::new("s", quick())
        .grid([("optimizer.learning_rate", Axis::list([0.01, 1e300]))])
        .plan()
        .unwrap();
    let sweep = SweepDir::create(directory.path(), plan).unwrap();
    let train = |retry| {
        let mut started = 0;
        let options = Options { retry, ..Options::default() };
        let progress = sweep.train(&options, &mut |update| {
            started += usize::from(matches!(update.event, RunEvent::Started));
        });
        let progress = progress.unwrap();
        assert_eq!((progress.done, progress.failed, progress.stopped), (1, 1, false), "{progress:?}");
        started
    };
    assert_eq!(train(false), 2);
    let results = sweep.results();
    assert_eq!(results.rows[1].state, RunState::Failed);
    assert!(results.rows[1].message.as_ref().unwrap().contains("diverged"), "{results:?}");
    assert_eq!(train(false), 0, "left unchanged");
    assert_eq!(train(true), 1, "retried");

    // A failure before the run directory exists is recorded, too.
    let failed = sweep.run_path(&sweep.manifest().points[1]);
    fs::remove_dir_all(&failed).unwrap();
    fs::create_dir_all(failed.join("checkpoints/last.safetensors")).unwrap();
    assert_eq!(train(true), 1);
    fs::remove_dir_all(failed.join("checkpoints")).unwrap();
    fs::create_dir_all(failed.join("checkpoints/last.safetensors")).unwrap();
    assert_eq!(train(true), 1);
    let message = sweep.results().rows[1].message.clone().unwrap();
    assert!(message.contains("checkpoint"), "{message}");
}

#[test]
fn a_run_of_another_experiment_is_reported_and_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let sweep = SweepDir::create(directory.path(), Sweep::new("s", quick()).plan().unwrap()).unwrap();
    let run = sweep.run_path(&sweep.manifest().points[0]);
    let files = ["config.toml", "metrics.jsonl", "status.json", "checkpoints/last.safetensors"];
    fs::create_dir_all(run.join("checkpoints")).unwrap();
    for (file, content) in files.iter().zip(["surrogate.beta = 3", "", r#"{"state":"failed"}"#, "damaged"]) {
        fs::write(run.join(file), content).unwrap();
    }
    let content = || files.map(|file| fs::read_to_string(run.join(file)).unwrap());
    let before = content();
    let mut message = String::new();
    let options = Options { retry: true, ..Options::default() };
    let progress = sweep.train(&options, &mut |update| {
        if let RunEvent::Failed(error) = update.event {
            message = error.to_string();
        }
    });
    assert_eq!(progress.unwrap().failed, 1);
    assert!(message.contains("the run was started with"), "{message}");
    assert!(sweep.retry().unwrap().is_empty());
    assert_eq!(content(), before);
}

/// A sweep of three runs, the first of them stopped after its first epoch, the others done.
fn interrupted(directory: &Path) -> SweepDir {
    let plan = Sweep::new("s", quick()).seeds(["training.seed"], 0..3).plan().unwrap();
    let sweep = SweepDir::create(directory, plan).unwrap();
    let first = sweep.manifest().points[0].id.clone();
    let stop = AtomicBool::new(false);
    let only = |ids: Vec<String>| Options { only: Some(ids), ..Options::default() };
    let progress = sweep.train_until(&stop, &only(vec![first.clone()]), &mut |update| {
        let over = matches!(update.event, RunEvent::Event(crate::Event::EpochFinished { .. }));
        stop.fetch_or(over, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(progress.unwrap().stopped);
    let others = sweep.manifest().points.iter().map(|point| point.id.clone()).filter(|id| *id != first);
    sweep.train(&only(others.collect()), &mut |_| {}).unwrap();
    sweep
}

#[test]
fn a_damaged_run_hides_no_others_and_is_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let sweep = interrupted(directory.path());
    let status = sweep.run_path(&sweep.manifest().points[0]).join("status.json");
    for damaged in ["{", ""] {
        fs::write(&status, damaged).unwrap();
        let results = sweep.results();
        let row = &results.rows[0];
        let message = row.message.as_deref().unwrap();
        assert_eq!((row.state, results.count(RunState::Done)), (RunState::Damaged, 2));
        assert!(message.contains("damaged status (EOF") && message.contains("status.json"), "{message}");
        assert_eq!(sweep.retry().unwrap(), std::slice::from_ref(&row.id));
        assert_eq!(sweep.results().count(RunState::Stopped), 1);
        fs::write(&status, damaged).unwrap();
    }
    let progress = sweep.train(&Options::default(), &mut |_| {}).unwrap();
    assert_eq!((progress.done, progress.reused), (3, 2), "{progress:?}");
    assert_eq!(sweep.results().count(RunState::Done), 3);
}

#[test]
fn a_retry_restarts_a_run_with_a_damaged_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let sweep = interrupted(directory.path());
    let run = sweep.run_path(&sweep.manifest().points[0]);
    fs::write(run.join("checkpoints/last.safetensors"), "damaged").unwrap();
    let train = || sweep.train(&Options::default(), &mut |_| {}).unwrap();
    assert_eq!(train().failed, 1);
    assert!(sweep.results().rows[0].message.as_ref().unwrap().contains("damaged checkpoint"));
    assert_eq!(train().failed, 1, "left unchanged");
    assert_eq!(sweep.retry().unwrap().len(), 1);
    assert_eq!(train().done, 3);
    assert_eq!(metrics(&run).len(), metrics(&sweep.run_path(&sweep.manifest().points[1])).len());
}

#[test]
fn several_processes_can_train_one_sweep() {
    let directory = tempfile::tempdir().unwrap();
    let mut base = quick();
    base.set(&["data.samples_per_class=5", "training.epochs=1"]).unwrap();
    let plan = Sweep::new("s", base).seeds(["training.seed"], 0..24).plan().unwrap();
    let sweep = SweepDir::create(directory.path(), plan).unwrap();
    let train = || sweep.train(&Options { jobs: Some(2), ..Options::default() }, &mut |_| {}).unwrap();
    let ends: Vec<_> = std::thread::scope(|scope| {
        let processes: Vec<_> = (0..3).map(|_| scope.spawn(train)).collect();
        processes.into_iter().map(|process| process.join().unwrap()).collect()
    });
    for end in ends {
        assert_eq!((end.failed, end.done + end.busy, end.stopped), (0, 24, false), "{end:?}");
    }
    assert_eq!(sweep.results().count(RunState::Done), 24);
}

#[test]
fn a_run_in_another_process_is_busy_until_it_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Sweep::new("s", quick()).seeds(["training.seed"], 0..3).plan().unwrap();
    let sweep = SweepDir::create(directory.path(), plan).unwrap();
    let hold = |place: usize| {
        let point = &sweep.manifest().points[place];
        let trainer = crate::Trainer::new(experiment(sweep.manifest(), point).unwrap()).unwrap();
        (crate::RunWriter::create(sweep.run_path(point), &trainer).unwrap(), sweep.run_path(point))
    };
    let (_other, ending) = (hold(0), hold(1));
    let progress = sweep.train(&Options::default(), &mut |update| {
        if matches!(update.event, RunEvent::Finished(_)) {
            fs::write(ending.1.join("status.json"), r#"{"state":"done"}"#).unwrap();
        }
    });
    let progress = progress.unwrap();
    assert_eq!((progress.busy, progress.done, progress.reused), (1, 2, 1), "{progress:?}");
    assert!(!progress.stopped);
}
