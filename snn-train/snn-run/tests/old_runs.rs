//! This crate reads runs and a sweep from commit 770df81, which predates it. `fixtures/slopes.toml` is the sweep file.

use std::{collections::BTreeMap, fs, path::PathBuf, time::SystemTime};

use serde_json::Value;
use snn_run::{
    Record, RecordedState, RunDir, RunState,
    sweep::{Results, SweepDir},
};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn runs_are_listed_with_their_states() {
    let runs = snn_run::list(fixture("runs")).unwrap();
    let states: BTreeMap<_, _> = runs.iter().map(|run| (run.id(), run.status().unwrap().state)).collect();
    let expected = [
        ("done", RecordedState::Done),
        ("failed", RecordedState::Failed),
        ("killed", RecordedState::Running),
        ("stopped", RecordedState::Stopped),
    ];
    assert_eq!(states, expected.map(|(id, state)| (id.to_owned(), state)).into());

    // In a fresh checkout, all files are new.
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.toml", "status.json"] {
        fs::copy(fixture("runs/killed").join(file), folder.path().join(file)).unwrap();
    }
    let status = fs::File::options().write(true).open(folder.path().join("status.json")).unwrap();
    status.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(RunDir::open(folder.path()).unwrap().state().unwrap(), RunState::Stalled);
}

#[test]
fn everything_in_a_run_is_read() {
    let run = RunDir::open(fixture("runs/done")).unwrap();
    assert_eq!(run.config().unwrap()["data"]["name"].as_str(), Some("randman"));
    let sessions = run.environment().unwrap().sessions;
    assert_eq!((sessions.len(), sessions[0].device.as_deref(), sessions[0].threads), (1, None, 1));

    let records = run.records().unwrap();
    assert!(!records.contains(&Record::Unknown), "{records:?}");
    let epochs: Vec<_> = records
        .iter()
        .filter_map(|record| match record {
            Record::Epoch(epoch) => Some(epoch),
            _ => None,
        })
        .collect();
    assert_eq!(epochs.iter().map(|epoch| epoch.epoch).collect::<Vec<_>>(), [1, 2, 3]);
    let lines = fs::read_to_string(fixture("runs/done/metrics.jsonl")).unwrap();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let scalars: BTreeMap<_, _> =
        epochs[0].scalars().into_iter().map(|scalar| (scalar.name, scalar.value)).collect();
    assert_eq!(scalars["valid.cross_entropy"], first["valid"]["cross_entropy"].as_f64().unwrap());
    assert_eq!(scalars["gradient_norms.W1"], first["gradient_norms"]["W1"].as_f64().unwrap());
    assert!(!scalars.contains_key("learning_rate"), "it was not recorded");
    assert!(matches!(records.last(), Some(Record::Test(test)) if test.epoch == 3));

    assert_eq!(run.probed_epochs().unwrap(), [0, 1, 2, 3]);
    let probe = run.probe(3).unwrap();
    assert_eq!((probe.layers.len(), probe.samples[0].hidden[1].size), (2, 3));
    assert!(run.lost_classes().is_some());
}

#[test]
fn a_sweep_has_the_same_results() {
    let sweep = SweepDir::open(fixture("sweep")).unwrap();
    let results = sweep.results();
    let written: Value = serde_json::from_slice(&fs::read(fixture("sweep/results.json")).unwrap()).unwrap();
    let before: Results = serde_json::from_value(written["results"].clone()).unwrap();
    // Old results have no verdicts; nothing else has changed.
    let mut known = results.clone();
    assert_eq!(known.rows.iter_mut().filter_map(|row| row.verdict.take()).count(), known.rows.len());
    known.rows.iter_mut().for_each(|row| row.detail = None);
    assert_eq!(known, before);
    assert_eq!(results.count(RunState::Done), 2);
    assert_eq!(results.to_csv(), fs::read_to_string(fixture("sweep/results.csv")).unwrap());
    let groups = results.groups(&sweep.manifest().selection);
    assert_eq!(results.groups_to_csv(&groups), fs::read_to_string(fixture("sweep/groups.csv")).unwrap());
}
