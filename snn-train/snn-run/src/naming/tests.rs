//! Tests of the names.

use super::*;

type Run = BTreeMap<String, Value>;

fn run(settings: &str) -> Run {
    Configuration::of(&settings.parse().unwrap())
        .iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
}

/// Names of runs with generated ids.
fn names(runs: &[&str]) -> Vec<String> {
    let ids: Vec<_> = (0..runs.len()).map(|k| format!("x-{k:012x}")).collect();
    named(&ids.iter().map(String::as_str).zip(runs.iter().copied()).collect::<Vec<_>>())
}

fn named(runs: &[(&str, &str)]) -> Vec<String> {
    let runs: Vec<(&str, Run)> = runs.iter().map(|(id, text)| (*id, run(text))).collect();
    let naming = Naming::of(runs.iter().map(|(id, settings)| (*id, settings)));
    let names: Vec<_> = runs.iter().map(|(id, settings)| naming.name(id, settings)).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len(), "{names:?}");
    // A run's configuration gives the same name as its settings.
    for ((id, settings), name) in runs.iter().zip(&names) {
        let table: toml::Table = settings.clone().into_iter().collect();
        let whole = Configuration::of(&table);
        assert_eq!(&naming.name(id, &whole), name);
    }
    names
}

#[test]
fn a_name_has_the_differences_in_short() {
    let text = |rate: f64, beta: f64, seed: u32| {
        format!(
            "optimizer.learning_rate = {rate:?}\nsurrogate.beta = {beta:?}\ninitialization.seed = {seed}\n\
             training.seed = {seed}\ntraining.epochs = 20\nprobe.every = {seed}"
        )
    };
    let all = [text(0.03, 10.0, 0), text(0.03, 10.0, 1), text(0.001, 100.0, 0)];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(names(&all), ["lr .03 b 10 s0", "lr .03 b 10 s1", "lr .001 b 100 s0"]);
    assert_eq!(names(&all[..2]), ["s0", "s1"], "only what differs between those that are shown");
    assert_eq!(names(&all[..1]), ["x-000000000000"], "a single run keeps its id");
    assert_eq!(names(&[]), [""; 0]);
}

#[test]
fn values_are_short_and_distinct() {
    for (values, expected) in [
        (&["1.0", "3.1622776601683795", "100000.0"][..], &["x 1", "x 3.16", "x 1e5"][..]),
        (&["0.12345", "0.12346"], &["x .12345", "x .12346"]),
        (&["0.1", "0.10000000000000002"], &["x .1", "x .10000000000000002"]),
        (&["-0.001", "inf"], &["x -.001", "x inf"]),
        (&["10", "11.0"], &["x 10", "x 11"]),
        (&["[]", "[100, 50]"], &["x none", "x 100-50"]),
        (&["[0.5]", "[0.25]"], &["x [0.5]", "x [0.25]"]),
        (&["true", "false"], &["x on", "x off"]),
        (&["'esser'", "'super-spike'"], &["esser", "super-spike"]),
        (&["'/data/one.h5'", "'/data/two.h5'"], &["x one.h5", "x two.h5"]),
        (&["'/a/one.h5'", "'/b/one.h5'"], &["x /a/one.h5", "x /b/one.h5"]),
    ] {
        let texts: Vec<_> = values.iter().map(|value| format!("a.x = {value}")).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        assert_eq!(names(&texts), expected, "{values:?}");
    }
}

#[test]
fn short_key_names_are_unambiguous() {
    assert_eq!(names(&["a.x = 1\nb.x = 2", "a.x = 2\nb.x = 1"]), ["a.x 1 b.x 2", "a.x 2 b.x 1"]);
    assert_eq!(
        names(&["a.p = 'up'\nb.q = 'up'", "a.p = 'down'\nb.q = 'up'", "a.p = 'up'\nb.q = 'left'"]),
        ["p up q up", "p down q up", "p up q left"],
        "the same words"
    );
    assert_eq!(
        names(&["a.seed = 1\nb.seed = 5", "a.seed = 2\nb.seed = 5", "a.seed = 2\nb.seed = 6"]),
        ["as1 bs5", "as2 bs5", "as2 bs6"]
    );
    assert_eq!(names(&["seed = 1", "seed = 2"]), ["s1", "s2"]);
    let planned = "initialization.seed = 2";
    let begun = "initialization.seed = 1\ntraining.seed = 1";
    assert_eq!(names(&[begun, planned, "initialization.seed = 3\ntraining.seed = 3"]), ["s1", "s2", "s3"]);
    assert_eq!(names(&["training.batch_size = 1", "training.batch_size = 2"]), ["batch 1", "batch 2"]);
}

#[test]
fn keys_of_only_some_runs_count_if_their_values_differ() {
    let runs = [
        "data.name = 'shd'\ndata.steps = 1",
        "data.name = 'mnist'\ndata.level = 3",
        "data.name = 'mnist'\ndata.level = 4",
    ];
    assert_eq!(names(&runs), ["shd", "mnist level 3", "mnist level 4"]);
}

#[test]
fn names_use_the_most_distinguishing_keys() {
    let text = |k: u32| {
        let keys = (0..8).map(|key| format!("a.k{key} = {}", if key == 3 { k } else { k / 4 + key }));
        keys.collect::<Vec<_>>().join("\n")
    };
    let all: Vec<String> = (0..8).map(text).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(names(&all)[..2], ["k3 0", "k3 1"]);
}

#[test]
fn chosen_names_are_kept_and_equal_runs_are_distinguished_by_id() {
    let (one, other) = ("a.x = 1", "a.x = 2");
    assert_eq!(named(&[("mine", one), ("x-0123456789ab", other)]), ["mine x 1", "x 2"]);
    assert_eq!(
        named(&[("x-0123456789ab", one), ("x-ba9876543210", one), ("x-000000000000", other)]),
        ["x 1 x-0123456789ab", "x 1 x-ba9876543210", "x 2"]
    );
    let runs = [("mine", run(one)), ("x-0123456789ab", run(other))];
    let naming = Naming::of(runs.iter().map(|(id, settings)| (*id, settings)));
    let shorts: Vec<_> = runs.iter().map(|(id, settings)| naming.short(id, settings)).collect();
    assert_eq!(shorts, ["mine", "x 2"]);
    for id in ["randman-20261123-142501-ab12", "my-net-1-20261123-142501-0000", "shd-0123456789ab"] {
        assert!(is_generated(id), "{id}");
    }
    for id in ["", "mine", "run-1", "-0123456789ab", "0123456789ab", "a-0123456789AB", "x-2026-1425-ab12"] {
        assert!(!is_generated(id), "{id}");
    }
}

#[test]
fn settings_without_effect_are_not_in_names() {
    let runs =
        ["probe.every = 1\ntraining.memory_limit = 1.0", "probe.every = 2\ntraining.memory_limit = 2.0"];
    assert_eq!(names(&runs), ["x-000000000000", "x-000000000001"]);
}
