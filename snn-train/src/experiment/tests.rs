use std::collections::BTreeSet;

use toml::{Table, Value};

use super::*;
use crate::error::Error;

fn message(text: &str) -> String {
    Experiment::from_toml(text, "mine.toml").unwrap_err().to_string()
}

fn on(data_set: &str) -> Experiment {
    Experiment { data: Data::named(data_set).unwrap(), ..Experiment::default() }
}

/// The data set that has a key.
fn of(key: &Key) -> &'static str {
    key.data_sets.first().copied().unwrap_or("randman")
}

/// Paths of all values, at any depth.
fn paths(prefix: &str, table: &Table) -> BTreeSet<String> {
    let known: BTreeSet<&str> = keys().map(|key| key.path).collect();
    let mut found = BTreeSet::new();
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(table) if !known.contains(path.as_str()) => found.extend(paths(&path, table)),
            _ => drop(found.insert(path)),
        }
    }
    found
}

#[test]
fn every_key_is_documented_once_and_every_documented_key_exists() {
    for data_set in Data::NAMES {
        let experiment = on(data_set);
        assert_eq!(experiment.data.name(), *data_set);
        let documented: Vec<_> = keys().filter(|key| key.applies_to(data_set)).map(|key| key.path).collect();
        let distinct: BTreeSet<String> = documented.iter().map(|&path| path.to_owned()).collect();
        assert_eq!(distinct.len(), documented.len(), "a key of {data_set} is documented twice");
        let mut existing = paths("", &experiment.to_table().unwrap());
        // Its default follows the sample rate.
        if documented.contains(&"data.mel.high") {
            existing.insert("data.mel.high".to_owned());
        }
        assert_eq!(distinct, existing, "{data_set}");
    }
    for key in keys() {
        let experiment = on(of(key));
        assert!(key.help.ends_with('.'), "{}: help is a sentence", key.path);
        assert!(key.data_sets.iter().all(|name| Data::NAMES.contains(name)), "{}", key.path);
        let Some(default) = experiment.get(key.path) else { continue };
        assert!(key.values.contain(&default), "{}: the default {default} is not {}", key.path, key.range());
    }
}

#[test]
fn every_choice_of_every_key_is_accepted() {
    for key in keys() {
        let Values::Choice(words) = key.values else { continue };
        for word in words {
            let mut experiment = on(of(key));
            // the fused implementation does not support every neuron model
            let readable = "network.implementation=reference".to_owned();
            experiment.set(&[readable, format!("{}={word}", key.path)]).unwrap();
            assert_eq!(experiment.get(key.path), Some(Value::from(*word)));
        }
    }
}

#[test]
fn every_data_set_keeps_its_own_defaults() {
    for data_set in Data::NAMES {
        let written = format!("data.name = '{data_set}'");
        let experiment = Experiment::from_toml(&written, "mine.toml").unwrap();
        assert_eq!(experiment, on(data_set), "{data_set}");
        let text = experiment.to_documented_toml().unwrap();
        assert_eq!(Experiment::from_toml(&text, "documented").unwrap(), experiment, "{text}");
    }
    // The free spoken digits were recorded at 8 kHz; unspecified keys keep the defaults for that.
    let mut experiment = on("fsdd");
    experiment.set(&["data.mel.channels=20", "data.words=['one', 'two']"]).unwrap();
    let Data::Fsdd(stored) = &experiment.data else { panic!("{:?}", experiment.data) };
    assert_eq!(
        (stored.config.steps, stored.config.mel.channels, stored.config.mel.high),
        (60, 20, Some(4000.0))
    );
    assert_eq!(stored.config.words, ["one", "two"]);
}

#[test]
fn parts_and_tables_are_read_at_any_depth() {
    let text = "[data]\nname = 'heidelberg'\nvalid = { by = 'speakers', speakers = ['3'] }\n[data.mel]\nscale = 'slaney'\n";
    let experiment = Experiment::from_toml(text, "mine.toml").unwrap();
    assert_eq!(experiment.get("data.mel.scale"), Some(Value::from("slaney")));
    let documented = experiment.to_documented_toml().unwrap();
    assert!(documented.contains("\nmel.scale = \"slaney\"\n"), "{documented}");
    assert_eq!(Experiment::from_toml(&documented, "documented").unwrap(), experiment);

    for (text, expected) in [
        (
            "[data]\nname = 'fsdd'\n[data.mel]\n\nchanels = 3",
            "mine.toml:5: unknown key `data.mel.chanels`; did you mean `data.mel.channels`?",
        ),
        (
            "[data]\nname = 'fsdd'\nmel.channels = 0",
            "mine.toml:3: `data.mel.channels` must be a whole number from 1 to 4096",
        ),
        ("[data]\nname = 'fsdd'\nmel = 3", "mine.toml:3: unknown key `data.mel`"),
        ("[data]\nname = 'fsdd'\nclasses = 3", "unknown key `data.classes`"),
        ("[data]\nname = 'shd'\nvalid = 0.1", "mine.toml:3: `data.valid` must be { by = \"official\" }"),
        ("[data]\nname = 'fsdd'\nmel.low = 5000", "`high = 4000` is invalid"),
    ] {
        let message = message(text);
        assert!(message.contains(expected), "{text:?}\n gives {message}\n  not {expected}");
    }
}

#[test]
fn missing_data_are_named_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let opened = |data_set: &str, changes: &[&str]| {
        let mut experiment = on(data_set);
        experiment.set(changes).unwrap();
        experiment.data.open().map(drop).unwrap_err().to_string()
    };
    for data_set in ["mnist", "heidelberg", "fsdd", "speech_commands"] {
        let message =
            opened(data_set, &[&format!("data.directory={}", directory.path().join("none").display())]);
        assert!(message.contains(&format!("`cargo xtask fetch-data {data_set}` fetches it")), "{message}");
    }
    let message = opened("folder", &[]);
    assert!(message.contains("set data.directory to the folder"), "{message}");
    let message = opened("spikes", &[]);
    let expected = if cfg!(feature = "hdf5") { "set data.train_file" } else { "its feature `hdf5`" };
    assert!(message.contains(expected), "{message}");
}

#[test]
fn presets_are_valid_and_the_default_is_randman() {
    for preset in presets() {
        Experiment::preset(preset.name).unwrap();
    }
    let mut printed = Experiment::preset("randman").unwrap();
    printed.set(&["initialization.gain=1"]).unwrap();
    assert_eq!(printed, Experiment::default(), "only the initial weights differ from the printed defaults");
}

/// Sections 4.1 to 4.3 and Table 1 of the paper, written out; the preset's comments explain what the paper does not specify.
#[test]
fn the_defaults_are_those_of_the_paper() {
    let experiment = Experiment::default();
    let expected = [
        ("data.classes", Value::from(10)),
        ("data.inputs", 20.into()),
        ("data.dim", 1.into()),
        ("data.alpha", 1.0.into()),
        ("data.samples_per_class", 1000.into()),
        ("data.tau_randman", 50.0.into()),
        ("network.neuron", "lif".into()),
        ("network.tau_mem", 10.0.into()),
        ("network.tau_syn", 5.0.into()),
        ("network.tau_readout", 20.0.into()),
        ("network.threshold", 1.0.into()),
        ("network.reset_gradient", "detached".into()),
        ("network.recurrent_gradient", "propagate".into()),
        ("surrogate.shape", "super-spike".into()),
        ("surrogate.beta", 10.0.into()),
        ("readout.head", "max".into()),
        ("readout.start", 0.0.into()),
        ("regularizer.upper_strength", 0.0.into()),
        ("initialization.distribution", "uniform".into()),
        ("initialization.gain", 1.0.into()),
        ("loss.name", "cross-entropy".into()),
        ("loss.label_smoothing", 0.0.into()),
        ("optimizer.name", "adam".into()),
        ("optimizer.beta1", 0.9.into()),
        ("optimizer.beta2", 0.999.into()),
        ("optimizer.epsilon", 1e-8.into()),
        ("optimizer.weight_decay", 0.0.into()),
        ("optimizer.learning_rate_decay", 1.0.into()),
        ("schedule.name", "exponential".into()),
        ("schedule.warm_up_epochs", 0.into()),
        ("training.clip_norm", 0.0.into()),
    ];
    for (key, expected) in expected {
        assert_eq!(experiment.get(key), Some(expected), "{key}");
    }
}

#[test]
fn schedules_are_those_of_the_keys() {
    let rates = |changes: &[&str]| {
        let mut experiment = Experiment::default();
        experiment.set(&["optimizer.learning_rate=0.4", "training.epochs=8"]).unwrap();
        experiment.set(changes).unwrap();
        (0..8).map(|epoch| (1e6 * experiment.learning_rate(epoch)).round() / 1e6).collect::<Vec<_>>()
    };
    assert_eq!(rates(&[]), [0.4; 8]);
    let step = ["schedule.name=step", "schedule.step_epochs=3", "optimizer.learning_rate_decay=0.5"];
    assert_eq!(rates(&step), [0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.1, 0.1]);
    let warm = ["schedule.warm_up_epochs=3", "optimizer.learning_rate_decay=0.5"];
    assert_eq!(rates(&warm), [0.1, 0.2, 0.3, 0.4, 0.2, 0.1, 0.05, 0.025]);
    let cosine = ["schedule.name=cosine", "schedule.cosine_epochs=4", "schedule.minimum=0.5"];
    assert_eq!(rates(&cosine), [0.4, 0.370_711, 0.3, 0.229_289, 0.2, 0.2, 0.2, 0.2]);
    let to_the_end = ["schedule.name=cosine", "schedule.warm_up_epochs=4"];
    assert_eq!(rates(&to_the_end), [0.08, 0.16, 0.24, 0.32, 0.4, 0.341_421, 0.2, 0.058_579]);
}

/// More epochs are allowed when resuming, unless the learning rate depends on their number.
#[test]
fn a_cosine_over_all_epochs_depends_on_their_number() {
    let different = |changes: &[&str]| {
        let (mut one, mut other) = (Experiment::default(), Experiment::default());
        one.set(changes).unwrap();
        other.set(changes).unwrap();
        other.set(&["training.epochs=51"]).unwrap();
        one.difference(&other).map(|(key, ..)| key)
    };
    assert_eq!(different(&[]), None);
    assert_eq!(different(&["schedule.name=cosine", "schedule.cosine_epochs=50"]), None);
    assert_eq!(different(&["schedule.name=cosine"]), Some("training.epochs".to_owned()));
}

#[test]
fn presets_have_the_values_of_table_1() {
    // Name, steps, length of a step in ms, hidden units, epochs, batch size.
    for (name, steps, dt, hidden, epochs, batch) in [
        ("randman", 100, 1.0, 100, 50, 250),
        ("mnist", 100, 1.0, 100, 100, 256),
        ("shd", 500, 2.0, 256, 200, 256),
        ("rawhd", 80, 2.0, 256, 50, 128),
        ("rawsc", 100, 2.0, 256, 50, 512),
    ] {
        for (preset, recurrent) in [(name.to_owned(), false), (format!("{name}-recurrent"), true)] {
            let experiment = Experiment::preset(&preset).unwrap();
            for (key, expected) in [
                ("data.steps", Value::from(steps)),
                ("data.dt", Value::from(dt)),
                ("network.hidden", vec![Value::from(hidden)].into()),
                ("network.recurrent", recurrent.into()),
                ("training.epochs", epochs.into()),
                ("training.batch_size", batch.into()),
                ("surrogate.shape", "super-spike".into()),
                ("surrogate.beta", Value::from(10.0)),
                ("regularizer.lower_strength", Value::from(100.0)),
                ("regularizer.lower_threshold", Value::from(1e-3)),
            ] {
                assert_eq!(experiment.get(key), Some(expected), "{preset}: {key}");
            }
        }
    }
}

#[test]
fn an_experiment_survives_its_toml() {
    let mut experiment = Experiment::default();
    let changes =
        ["training.epochs=7", "network.hidden=[3, 4]", "network.recurrent=[true, false]", "data.valid=100"];
    experiment.set(&changes).unwrap();
    assert_eq!(experiment.get("training.epochs"), Some(Value::from(7)));
    for text in [experiment.to_toml().unwrap(), experiment.to_documented_toml().unwrap()] {
        assert_eq!(Experiment::from_toml(&text, "text").unwrap(), experiment, "{text}");
    }
    assert_eq!(Experiment::from_toml("", "empty").unwrap(), Experiment::default());
    let documented = experiment.to_documented_toml().unwrap();
    let expected =
        "# Membrane time constant of the readout units. A number above 0 (ms).\ntau_readout = 20.0\n";
    assert!(documented.contains(expected), "{documented}");
}

#[test]
fn errors_name_their_line() {
    for (text, expected) in [
        (
            "[optimizer]\n\nlearning_rte = 1",
            "mine.toml:3: unknown key `optimizer.learning_rte`; did you mean `optimizer.learning_rate`?",
        ),
        ("[trainig]\nepochs = 1", "mine.toml:1: unknown key `trainig`; did you mean `training`?"),
        ("surrogate.beta = -1", "mine.toml:1: `surrogate.beta` must be a number of at least 0; found -1"),
        ("surrogate = { shape = 'supper-spike' }", "did you mean `super-spike`?"),
        ("\ntraining = 3", "mine.toml:2: `training` must be a section, [training]; found 3"),
        ("epochs = 3", "mine.toml:1: unknown key `epochs`; did you mean `training.epochs`?"),
        ("[training]\nepochs = 3\nepochs = 4", "mine.toml:3: this is not valid TOML: duplicate key"),
        ("[data]\nname = 'mnits'", "mine.toml:2: `data.name` must be"),
        ("[data\n", "mine.toml:1: this is not valid TOML"),
        (
            "[network]\ntau_mem = 0",
            "`network.tau_mem` must be a number above 0, or a list of them, one for each hidden layer (ms); found 0",
        ),
        ("[network]\nhidden = [100, 0]", "`network.hidden` must be a list of whole numbers from 1 to 65536"),
        ("[data]\nclasses = 0", "`data.classes` must be a whole number from 1 to 65536"),
        ("[data]\nsteps = 4294967296", "`data.steps` must be a whole number from 1 to 4294967295"),
        ("[data]\nsteps = 100_000_000", "batch_size x data.steps = 250 x 100000000 must be below 2^32"),
        ("[training]\nbatch_size = 0", "`training.batch_size` must be"),
        (
            "[training]\nseed = -1",
            "`training.seed` must be a whole number from 0 to 9223372036854775807 (2^63 - 1); found -1",
        ),
        ("[optimizer]\nlearning_rate = nan", "`optimizer.learning_rate` must be a number above 0; found nan"),
        ("[optimizer]\nlearning_rate = '0.1'", "found \"0.1\""),
        (
            "[network]\nhidden = [3, 4]\ntau_syn = [1.0]",
            "network.tau_syn has a different number of entries (1) than network.hidden (2)",
        ),
        (
            "[network]\nneuron = 'adaptive-lif'",
            "does not support adaptive-lif units; set network.implementation to \"reference\"",
        ),
        ("[schedule]\nname = 'cosin'", "did you mean `cosine`?"),
        ("[optimizer]\nname = 'rmsprop'", "must be \"adam\", \"adamw\", \"smorms3\" or \"sgd\""),
        ("[loss]\nlabel_smoothing = 1", "`loss.label_smoothing` must be a number from 0 to below 1"),
        (
            "[network]\nrecurrent = [true, false]",
            "network.recurrent has a different number of entries (2) than network.hidden (1)",
        ),
        ("[data]\nvalid = 0.5\ntest = 0.5", "valid + test"),
    ] {
        let message = message(text);
        assert!(message.contains(expected), "{text:?}\n gives {message}\n  not {expected}");
    }
}

#[test]
fn overrides_take_toml_values_and_bare_words() {
    let mut experiment = Experiment::default();
    experiment
        .set(&[
            "surrogate.shape=true",
            " training.epochs = 3 ",
            "readout.head=\"sum\"",
            "optimizer.learning_rate=1",
        ])
        .unwrap();
    assert_eq!(experiment.surrogate.shape, snn_core::SurrogateShape::True);
    assert_eq!(experiment.training.epochs, 3);
    assert_eq!(experiment.readout.head, snn_core::Readout::Sum);
    assert_eq!(experiment.optimizer.learning_rate, 1.0);

    let before = experiment.clone();
    for (wrong, expected) in [
        (
            "training.epochs",
            "--set training.epochs: this is not valid TOML: an override has the form section.key=value",
        ),
        ("training.epochs=many", "--set training.epochs=many: `training.epochs` must be a whole number"),
        ("training.epochs=1\nseed=2", "`training.epochs` must be"),
        ("trainig.epochs=1", "unknown key `trainig.epochs`; did you mean `training.epochs`?"),
        ("training=1", "unknown key `training`"),
        ("surrogate.shape=", "`surrogate.shape` must be"),
    ] {
        let message = experiment.set(&["readout.start=1", wrong]).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}\n  not {expected}");
        assert_eq!(experiment, before, "nothing changes if a change is invalid");
    }
}

#[test]
fn experiments_from_code_are_checked() {
    let mut experiment = Experiment::default();
    experiment.optimizer.learning_rate = f64::NAN;
    let error = experiment.validate().unwrap_err().to_string();
    assert!(error.starts_with("experiment: `optimizer.learning_rate` must be a number above 0"), "{error}");
    let data = Data::Randman(snn_data::RandmanConfig { seed: u64::MAX, ..Default::default() });
    let experiment = Experiment { data, ..Experiment::default() };
    assert!(matches!(experiment.validate(), Err(Error::Impossible(_))));
}

#[test]
fn presets_and_files_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    std::fs::write(&file, "training.epochs = 3").unwrap();
    assert_eq!(Experiment::find(file.to_str().unwrap()).unwrap().training.epochs, 3);
    // The defaults are the printed ones; the preset has initial weights with which its units spike.
    let mut printed = Experiment::find("randman").unwrap();
    printed.set(&["initialization.gain=1"]).unwrap();
    assert_eq!(printed, Experiment::default());
    let error = Experiment::find("randmann").unwrap_err().to_string();
    let names: Vec<_> = presets().iter().map(|preset| preset.name).collect();
    let names = names.join(", ");
    assert_eq!(
        error,
        format!("`randmann` is neither a preset ({names}) nor a TOML file; did you mean `randman`?")
    );
    assert!(matches!(Experiment::find("absent.toml"), Err(Error::UnknownPreset { .. })));
    assert!(matches!(
        Experiment::find(directory.path().to_str().unwrap()),
        Err(Error::Files(snn_run::Error::Io { .. }))
    ));
}

#[test]
fn the_length_of_training_is_not_a_difference() {
    let stored = Experiment::default();
    let mut other = stored.clone();
    other.set(&["training.epochs=99", "training.patience=3", "probe.every=0"]).unwrap();
    assert_eq!(stored.difference(&other), None);
    other.set(&["data.alpha=2"]).unwrap();
    let (key, ..) = stored.difference(&other).unwrap();
    assert_eq!(key, "data.alpha");
}
