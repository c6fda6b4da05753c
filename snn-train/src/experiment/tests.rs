use std::collections::BTreeSet;

use super::*;

fn message(text: &str) -> String {
    Experiment::from_toml(text, "mine.toml").unwrap_err().to_string()
}

#[test]
fn every_key_is_documented_once_and_every_documented_key_exists() {
    let documented: Vec<_> = keys().map(|key| (key.path, key.data_set)).collect();
    assert_eq!(
        documented.iter().collect::<BTreeSet<_>>().len(),
        documented.len(),
        "a key is documented twice"
    );

    let data_set = Experiment::default().data.name();
    let documented: BTreeSet<_> =
        keys().filter(|key| key.applies_to(data_set)).map(|key| key.path.to_owned()).collect();
    let table = Experiment::default().to_table().unwrap();
    let mut existing = BTreeSet::new();
    for (section, content) in &table {
        existing.extend(content.as_table().unwrap().keys().map(|key| format!("{section}.{key}")));
    }
    assert_eq!(documented, existing);
    for key in keys() {
        let default = Experiment::default().get(key.path).unwrap();
        assert!(key.values.contain(&default), "{}: the default {default} is not {}", key.path, key.range());
        assert!(key.help.ends_with('.'), "{}: help is a sentence", key.path);
    }
}

#[test]
fn every_word_of_every_choice_is_understood() {
    for key in keys() {
        let Values::Choice(words) = key.values else { continue };
        for word in words {
            let mut experiment = Experiment::default();
            experiment.set(&[format!("{}={word}", key.path)]).unwrap();
            assert_eq!(experiment.get(key.path), Some(Value::from(*word)));
        }
    }
}

#[test]
fn presets_are_valid_and_the_default_is_randman() {
    for preset in presets() {
        Experiment::preset(preset.name).unwrap();
    }
    assert_eq!(Experiment::preset("randman").unwrap(), Experiment::default());
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
    let expected = "# Membrane time constant of the hidden units. A number above 0 (ms).\ntau_mem = 10.0\n";
    assert!(documented.contains(expected), "{documented}");
}

#[test]
fn mistakes_are_named_with_their_line() {
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
        ("[network]\ntau_mem = 0", "`network.tau_mem` must be a number above 0 (ms); found 0"),
        ("[network]\nhidden = [100, 0]", "`network.hidden` must be a list of whole numbers from 1 to 65536"),
        ("[data]\nclasses = 0", "`data.classes` must be a whole number from 1 to 65536"),
        ("[data]\nsteps = 4294967296", "`data.steps` must be a whole number from 1 to 4294967295"),
        ("[data]\nsteps = 100_000_000", "batch_size x data.steps = 250 x 100000000 must be below 2^32"),
        ("[training]\nbatch_size = 0", "`training.batch_size` must be"),
        ("[training]\nseed = -1", "`training.seed` must be a whole number of at least 0; found -1"),
        ("[optimizer]\nlearning_rate = nan", "`optimizer.learning_rate` must be a number above 0; found nan"),
        ("[optimizer]\nlearning_rate = '0.1'", "found \"0.1\""),
        ("[network]\nrecurrent = [true, false]", "network.recurrent has 2 entries and network.hidden 1"),
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
        assert_eq!(experiment, before, "nothing changes when something is wrong");
    }
}

#[test]
fn experiments_from_code_are_checked_too() {
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
    assert_eq!(Experiment::find("randman").unwrap(), Experiment::default());
    let error = Experiment::find("randmann").unwrap_err().to_string();
    let expected = "`randmann` is neither a preset (randman) nor a TOML file; did you mean `randman`?";
    assert_eq!(error, expected);
    assert!(matches!(Experiment::find("absent.toml"), Err(Error::UnknownPreset { .. })));
    assert!(matches!(Experiment::find(directory.path().to_str().unwrap()), Err(Error::Io { .. })));
}

#[test]
fn the_first_difference_leaves_out_for_how_long_to_train() {
    let stored = Experiment::default();
    let mut other = stored.clone();
    other.set(&["training.epochs=99", "training.patience=3", "probe.every=0"]).unwrap();
    assert_eq!(stored.first_difference(&other), None);
    other.set(&["data.alpha=2"]).unwrap();
    let (key, ..) = stored.first_difference(&other).unwrap();
    assert_eq!(key, "data.alpha");
}
