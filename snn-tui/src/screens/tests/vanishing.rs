//! Runs and directories that vanish while they are shown, and several directories at once.

use super::*;

#[test]
fn a_deleted_run_is_reported_as_gone_and_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    for screen in SCREENS.iter().map(|definition| definition.screen) {
        let mut dashboard = Dashboard::new(directory.path());
        dashboard.state.screen = screen;
        dashboard.press("n");
        std::fs::remove_dir_all(directory.path().join("randman-b")).unwrap();
        dashboard.settle();
        assert_eq!(dashboard.state.list.selected(), Some("randman-b"));
        for (width, height) in [(80, 24), (40, 10)] {
            let text = dashboard.screen(width, height);
            let is_sweep = screen == Screen::SWEEP && width == 80;
            assert!(text.contains("randman-b is gone") || is_sweep, "{}: {text}", screen.0);
        }
        assert_eq!(dashboard.press("x"), None);
        assert!(dashboard.screen(80, 24).contains("nothing to stop: randman-b is gone"));
        // The next run is the one that followed it.
        dashboard.press("n");
        assert_eq!(dashboard.state.list.selected(), Some("randman-c"));
        assert!(!dashboard.screen(80, 24).contains("is gone"));
        fixture::runs(directory.path());
        dashboard.settle();
        dashboard.press("p");
        assert_eq!(dashboard.state.list.selected(), Some("randman-b"), "it is back");
    }
}

#[test]
fn a_deleted_marked_run_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("Space Space Enter");
    std::fs::remove_dir_all(directory.path().join("randman-b")).unwrap();
    dashboard.settle();
    assert!(dashboard.screen(80, 24).contains("randman-b is gone and no longer marked"));
    assert_eq!(dashboard.state.chosen(), ["randman-a"]);
}

#[test]
fn a_run_that_no_longer_matches_stays_selected() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("/");
    dashboard.type_in("state=running");
    dashboard.press("Enter 3");
    assert_eq!(dashboard.state.list.selected(), Some("randman-c"), "a filter selects a matching run");
    fixture::end(&directory.path().join("randman-c"));
    dashboard.settle();
    assert!(dashboard.state.list.order().is_empty());
    assert_eq!(dashboard.state.subject().map(|run| run.id.as_str()), Some("randman-c"));
    assert!(dashboard.screen(80, 24).contains("randman-c"), "{}", dashboard.screen(80, 24));
    assert_eq!(std::mem::take(&mut dashboard.state.ended), ["randman-c is done, best 62.05 %"]);
    dashboard.press("1");
    let text = dashboard.screen(80, 24);
    assert!(text.contains("randman-c (no longer matches the filter)"), "{text}");
}

#[test]
fn a_vanished_directory_is_reported_and_its_data_is_kept() {
    let parent = tempfile::tempdir().unwrap();
    let runs = parent.path().join("runs");
    fixture::runs(&runs);
    let sweep = parent.path().join("sweep");
    fixture::sweep(&sweep);
    for (path, id) in
        [(runs.clone(), "randman-a"), (runs.join("randman-b"), "randman-b"), (sweep, "randman-0000000000ab")]
    {
        let mut dashboard = Dashboard::new(&path);
        let states = |dashboard: &Dashboard| -> Vec<_> {
            dashboard.state.model.runs.values().map(|run| (run.id.clone(), run.state)).collect()
        };
        let before = states(&dashboard);
        let curves = |dashboard: &mut Dashboard| {
            dashboard.press("2");
            dashboard.state.model.histories.get(id).map(|it| it.last().map(|last| last.epoch))
        };
        let last = curves(&mut dashboard);
        std::fs::rename(&path, path.with_extension("away")).unwrap();
        dashboard.settle();
        assert_eq!(curves(&mut dashboard), last);
        dashboard.press("1");
        let text = dashboard.screen(200, 24);
        assert!(text.contains("is gone (deleted, moved or unmounted)") && text.contains(id), "{text}");
        assert_eq!(states(&dashboard), before, "no state changes");
        std::fs::rename(path.with_extension("away"), &path).unwrap();
        dashboard.settle();
        assert!(!dashboard.screen(200, 24).contains("is gone"), "{}", dashboard.screen(200, 24));
    }
}

#[test]
fn runs_of_several_directories_have_unique_names() {
    let parent = tempfile::tempdir().unwrap();
    let path = |name: &str| parent.path().join(name);
    fixture::runs(&path("one/runs"));
    fixture::runs(&path("two/runs"));
    fixture::sweep(&path("sweeps/slopes"));
    fixture::sweep(&path("sweeps/again"));
    std::fs::write(path("sweeps/notes.txt"), "").unwrap();
    let paths =
        ["one/runs", "two/runs", "one/runs/../runs", "sweeps/notes.txt", "sweeps/slopes", "sweeps/again"];
    let source = Source::open_all(&paths.map(path)).unwrap();
    assert_eq!(source.name(), "one/runs, two/runs, slopes, again");
    assert!(
        Source::open_all(&[path("one/runs"), path("three")]).is_err(),
        "one invalid directory among others is an error"
    );
    assert!(Source::open_all(&[path("sweeps/notes.txt")]).is_err());
    let mut dashboard = Dashboard::over(source, parent.path());
    let runs = &dashboard.state.model.runs;
    assert_eq!(runs.len(), 4 + 4 + 18 + 18);
    assert!(runs.contains_key("one/runs/randman-a") && runs.contains_key("two/runs/randman-a"));
    let state = |id: &str| dashboard.state.model.runs[id].state_name();
    assert_eq!(
        [state("again/randman-0000000220ab"), state("slopes/randman-0000000211ab")],
        ["pending", "running"]
    );

    // The map is that of the sweep with the selected run.
    dashboard.state.list.select("slopes/randman-0000000211ab");
    dashboard.press("5");
    let is_of = |dashboard: &Dashboard, prefix: &str| {
        let rows = &dashboard.state.model.sweep.as_ref().unwrap().results.rows;
        rows.iter().all(|row| row.id.starts_with(prefix))
    };
    assert!(is_of(&dashboard, "slopes/"));
    dashboard.state.list.select("again/randman-0000000000ab");
    dashboard.settle();
    assert!(is_of(&dashboard, "again/"));
    dashboard.press("Enter");
    assert_eq!(dashboard.state.screen, Screen::CURVES);
    assert!(
        dashboard.state.marked.iter().all(|id| id.starts_with("again/")) && dashboard.state.marked.len() == 2
    );

    // One directory vanishes: its runs stay, and the others are still followed.
    std::fs::rename(path("two/runs"), path("away")).unwrap();
    std::fs::remove_dir_all(path("one/runs/randman-b")).unwrap();
    dashboard.settle();
    assert_eq!(dashboard.state.model.runs.len(), 4 + 4 + 18 + 18 - 1);
    dashboard.press("1");
    assert!(dashboard.screen(200, 24).contains("two/runs is gone"), "{}", dashboard.screen(200, 24));
}
