//! The tailer with directories that grow, shrink, break and move.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    time::SystemTime,
};

use super::*;

/// Writes a run like the trainer; `metrics` is appended.
fn write_run(runs: &Path, id: &str, status: &str, metrics: &str) {
    let folder = runs.join(id);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "[data]\nname='randman'\n").unwrap();
    fs::write(folder.join("status.json"), status).unwrap();
    let mut file = File::options().append(true).create(true).open(folder.join("metrics.jsonl")).unwrap();
    file.write_all(metrics.as_bytes()).unwrap();
}

/// Sets the modification time of a run's status.
fn written_at(runs: &Path, id: &str, time: SystemTime) {
    let status = File::options().write(true).open(runs.join(id).join("status.json")).unwrap();
    status.set_modified(time).unwrap();
}

fn tailer(path: &Path) -> Tailer {
    Tailer::new(Source::open(path).unwrap(), Duration::ZERO)
}

/// Steps until everything has been read.
fn settle(tailer: &mut Tailer, wants: &Wants) -> Vec<Msg> {
    let mut messages = Vec::new();
    for _ in 0..1000 {
        if tailer.step(wants, &mut messages) {
            return messages;
        }
    }
    panic!("never settles");
}

fn states(tailer: &Tailer) -> Vec<(String, RunState)> {
    tailer.runs().map(|(run, _)| (run.id.clone(), run.state.unwrap())).collect()
}

#[test]
fn runs_appear_grow_and_vanish() {
    let runs = tempfile::tempdir().unwrap();
    let mut tailer = tailer(runs.path());
    assert!(settle(&mut tailer, &Wants::default()).is_empty());

    write_run(runs.path(), "b", r#"{"state":"running"}"#, "{\"kind\":\"epoch\",\"epoch\":1}\n");
    written_at(runs.path(), "b", SystemTime::UNIX_EPOCH);
    write_run(runs.path(), "a", r#"{"state":"done"}"#, "{\"kind\":\"warning\",\"message\":\"quiet\"}\n");
    settle(&mut tailer, &Wants::default());
    let of = |id: &str, state| (id.to_owned(), state);
    assert_eq!(
        states(&tailer),
        [of("a", RunState::Done), of("b", RunState::Stalled)],
        "b has never shown a sign of life"
    );

    write_run(runs.path(), "b", r#"{"state":"running"}"#, "{\"kind\":\"epoch\",\"epoch\":2}\n{\"kind\":");
    fs::remove_dir_all(runs.path().join("a")).unwrap();
    let messages = settle(&mut tailer, &Wants { histories: vec!["b".into()], ..Wants::default() });
    assert!(messages.iter().any(|it| matches!(it, Msg::Gone(gone) if gone[..] == ["a".to_owned()])));
    assert!(messages.iter().any(|it| matches!(it, Msg::History(_, records) if records.len() == 2)));
    assert_eq!(tailer.runs().next().unwrap().0.last.as_ref().unwrap().epoch, 2);

    written_at(runs.path(), "b", SystemTime::UNIX_EPOCH);
    let mut single = self::tailer(&runs.path().join("b"));
    settle(&mut single, &Wants::default());
    assert_eq!(states(&single), [of("b", RunState::Stalled)]);
    fs::remove_dir_all(runs.path().join("b")).unwrap();
    let messages = settle(&mut single, &Wants::default());
    assert!(matches!(&messages[..], [Msg::Trouble(Some(why))] if why.contains("b is gone")), "{messages:?}");
    assert_eq!(states(&single), [of("b", RunState::Stalled)], "what was read before");
}

#[test]
fn heartbeats_are_judged_by_our_own_clock() {
    let runs = tempfile::tempdir().unwrap();
    let mut tailer = tailer(runs.path());
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    // The clocks of the trainer and of the file server are a day slow: the run looks stalled until its heartbeat is seen to change.
    for (beat, expected) in [(0, RunState::Stalled), (1, RunState::Running)] {
        let heartbeat = yesterday + Duration::from_secs(beat);
        let seconds = heartbeat.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        write_run(runs.path(), "a", &format!(r#"{{"state":"running","heartbeat":{seconds}}}"#), "");
        written_at(runs.path(), "a", heartbeat);
        settle(&mut tailer, &Wants::default());
        assert_eq!(states(&tailer)[0].1, expected);
        assert!(!tailer.has_doubts(), "both say the same, and a day is long");
    }
}

/// The trainer's clock, that of the file server, or both are ahead or behind by minutes or hours. Once its heartbeat is seen to change,
/// a run is running; without a change, it is stalled after at most half a minute, whatever it claims.
#[test]
fn two_looks_suffice_despite_differing_clocks() {
    let runs = tempfile::tempdir().unwrap();
    let offsets = [-86_400.0, -3600.0, -300.0, -40.0, 0.0, 40.0, 300.0, 3600.0, 86_400.0];
    let skews: Vec<(f64, f64)> = offsets.iter().flat_map(|&a| offsets.map(|b| (a, b))).collect();
    let now = snn_run::unix_time();
    let write = |beat: f64| {
        for (k, (trainer, files)) in skews.iter().enumerate() {
            let (id, heartbeat) = (format!("{k:02}"), now + beat + trainer);
            write_run(runs.path(), &id, &format!(r#"{{"state":"running","heartbeat":{heartbeat}}}"#), "");
            let written = Duration::from_secs_f64(now + beat + files);
            written_at(runs.path(), &id, SystemTime::UNIX_EPOCH + written);
        }
    };
    write(0.0);
    let mut tailer = tailer(runs.path());
    settle(&mut tailer, &Wants::default());
    for ((_, state), (trainer, files)) in states(&tailer).iter().zip(&skews) {
        // With a single look, the time nearest to now counts.
        let is_near = trainer.abs().min(files.abs()) < 30.0;
        assert_eq!(*state == RunState::Running, is_near, "{trainer} {files}");
    }
    assert!(tailer.has_doubts(), "a second look is due");
    write(1.0);
    settle(&mut tailer, &Wants::default());
    assert!(states(&tailer).iter().all(|(_, state)| *state == RunState::Running), "{:?}", states(&tailer));
    assert!(!tailer.has_doubts());
}

#[test]
fn damage_is_reported_and_the_others_are_shown() {
    let runs = tempfile::tempdir().unwrap();
    write_run(runs.path(), "a", "{", "");
    write_run(runs.path(), "b", r#"{"state":"done"}"#, "no json\n{\"kind\":\"future\",\"x\":1}\n\u{fffd}\n");
    write_run(runs.path(), "c", r#"{"state":"done","version":99}"#, "");
    let mut tailer = tailer(runs.path());
    settle(&mut tailer, &Wants::default());
    let shown: Vec<_> =
        tailer.runs().map(|(run, _)| (run.state.unwrap(), run.error.clone().unwrap_or_default())).collect();
    assert!(shown[0].0 == RunState::Damaged && shown[0].1.contains("status"), "{shown:?}");
    assert!(shown[1].0 == RunState::Done && shown[1].1.is_empty(), "{shown:?}");
    assert!(shown[2].0 == RunState::Done && shown[2].1.contains("newer"), "{shown:?}");
    write_run(runs.path(), "a", r#"{"state":"done"}"#, "");
    settle(&mut tailer, &Wants::default());
    assert_eq!(states(&tailer)[0].1, RunState::Done, "repaired");
}

#[test]
fn a_vanished_directory_is_reported_until_it_is_back() {
    let parent = tempfile::tempdir().unwrap();
    let runs = parent.path().join("runs");
    assert!(Source::open(&runs).is_err());
    fs::create_dir(&runs).unwrap();
    let mut tailer = tailer(&runs);
    settle(&mut tailer, &Wants::default());
    fs::remove_dir(&runs).unwrap();
    let messages = settle(&mut tailer, &Wants::default());
    assert!(matches!(&messages[..], [Msg::Trouble(Some(reason))] if reason.contains("runs")), "{messages:?}");
    fs::create_dir(&runs).unwrap();
    assert!(matches!(settle(&mut tailer, &Wants::default())[..], [Msg::Trouble(None)]));
}

#[test]
fn runs_on_the_screen_are_read_first() {
    let runs = tempfile::tempdir().unwrap();
    (0..1000).for_each(|k| write_run(runs.path(), &format!("{k:04}"), r#"{"state":"done"}"#, ""));
    let mut tailer = tailer(runs.path());
    let visible = Wants { visible: vec!["0999".into()], ..Wants::default() };
    let mut messages = Vec::new();
    tailer.step(&visible, &mut messages);
    let first = messages.iter().find_map(|it| match it {
        Msg::Runs(runs) if runs[0].state.is_some() => Some(runs[0].id.clone()),
        _ => None,
    });
    assert_eq!(first.as_deref(), Some("0999"), "runs on the screen come first");
    messages.extend(settle(&mut tailer, &visible));
    assert!(states(&tailer).iter().all(|(_, state)| *state == RunState::Done));
    assert!(messages.iter().any(|it| matches!(it, Msg::Loading { read: 1000, all: 1000 })));
    // Every run is checked again, in portions.
    write_run(runs.path(), "0999", r#"{"state":"failed"}"#, "");
    (0..5).for_each(|_| drop(settle(&mut tailer, &visible)));
    assert_eq!(states(&tailer)[999].1, RunState::Failed);
}
