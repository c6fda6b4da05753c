//! Snapshots of every screen, and what holds for all of them.

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Rect};
use snn_run::Environment;

use super::{
    Action, SCREENS,
    binding::{self, Binding},
    everywhere::EVERYWHERE,
    hints,
    prompt::TYPING,
    scrolling::SCROLLING,
};
use crate::{
    data::{Log, Process, Source, System, Tailer},
    fixture,
    state::{Screen, State},
    terminal::Painter,
    theme::{Colors, Ground, Marker, Theme},
};

mod curves;

/// The dashboard over a directory, with keys pressed on it.
struct Dashboard {
    directory: String,
    state: State,
    tailer: Tailer,
}

impl Dashboard {
    fn new(directory: &Path) -> Self {
        Self::over(Source::open(directory).unwrap(), directory)
    }

    fn over(source: Source, directory: &Path) -> Self {
        let theme = Theme { colors: Colors::None, marker: Marker::Braille };
        let state = State::new(theme, "runs".to_owned(), source.is_sweep());
        let directory = directory.display().to_string();
        let mut dashboard = Self { directory, state, tailer: Tailer::new(source, std::time::Duration::ZERO) };
        dashboard.settle();
        dashboard
    }

    /// Reads until there is nothing left to be read for what is shown.
    fn settle(&mut self) {
        for _ in 0..3 {
            loop {
                let mut messages = Vec::new();
                let settled = self.tailer.step(&super::wants(&self.state), &mut messages);
                messages.into_iter().for_each(|message| self.state.update(message));
                if settled {
                    break;
                }
            }
            super::settle(&mut self.state);
        }
    }

    fn press(&mut self, keys: &str) -> Option<Action> {
        let mut action = None;
        for name in keys.split(' ').filter(|name| !name.is_empty()) {
            let key = binding::event(name).unwrap_or_else(|| panic!("{name} is no key"));
            action = super::key(&mut self.state, key);
            self.settle();
        }
        action
    }

    /// Types a text, a key for each character.
    fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            super::key(&mut self.state, KeyCode::Char(c).into());
            self.settle();
        }
    }

    fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) -> Option<Action> {
        let action =
            super::mouse(&mut self.state, MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
        self.settle();
        action
    }

    /// Clicks on the first place where this text stands on a screen of 80 by 24.
    fn click(&mut self, text: &str) -> Option<Action> {
        let screen = self.screen(80, 24);
        let found = screen
            .lines()
            .zip(0..)
            .find_map(|(line, row)| Some((line.split_once(text)?.0.chars().count(), row)));
        let (column, row) = found.unwrap_or_else(|| panic!("{text} is not to be seen:\n{screen}"));
        self.mouse(MouseEventKind::Down(MouseButton::Left), (column as u16, row))
    }

    fn screen(&self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| super::draw(&self.state, frame.area(), frame.buffer_mut())).unwrap();
        // Commands name the directory, which is another one each time.
        let text = terminal.backend().to_string().replace(&self.directory, "runs");
        // Without the quotes around each line, and the spaces at its end.
        text.lines().map(|line| line.trim_matches('"').trim_end().to_owned() + "\n").collect()
    }
}

impl Dashboard {
    /// Which color each cell has: a letter for each look, in the order in which they come, and nothing for that of plain text.
    fn colors(&self, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        super::draw(&self.state, area, &mut buffer);
        let plain = ratatui::style::Style::new();
        let (mut looks, mut text) = (Vec::new(), String::new());
        for y in 0..height {
            let mut line = String::new();
            for x in 0..width {
                let cell = &buffer[(x, y)];
                let look = format!("{:?} on {:?} {:?}", cell.fg, cell.bg, cell.modifier);
                if cell.symbol() == " " || plain == (ratatui::style::Style { fg: None, ..cell.style() }) {
                    line.push(' ');
                    continue;
                }
                let place = looks.iter().position(|it| *it == look).unwrap_or_else(|| {
                    looks.push(look);
                    looks.len() - 1
                });
                line.push(crate::state::letter(place));
            }
            text += &(line.trim_end().to_owned() + "\n");
        }
        let named = looks.iter().enumerate().map(|(k, look)| format!("{} {look}\n", crate::state::letter(k)));
        text + &named.collect::<String>()
    }
}

/// The real runs that stand for verdicts, as a list shows them and as the whole diagnosis of each.
#[test]
fn every_verdict_of_a_real_run() {
    // Relative, so that commands are as long everywhere.
    let mut dashboard = Dashboard::new(Path::new("../snn-train/snn-run/tests/fixtures/verdicts"));
    let mut all = String::new();
    for _ in 0..dashboard.state.list.order().len() {
        all += &dashboard.screen(80, 24);
        dashboard.press("j");
    }
    insta::assert_snapshot!("verdicts_80x24", all);
    insta::assert_snapshot!("verdicts_40x10", dashboard.screen(40, 10));
    for (typed, found) in [("verdict=diverged", 2), ("verdict=LEARNED", 1), ("saturated", 1)] {
        dashboard.press(&format!("/ {} Enter", typed.chars().map(|c| format!("{c} ")).collect::<String>()));
        assert_eq!(dashboard.state.list.order().len(), found, "{typed}");
        dashboard.press("Esc");
    }
}

/// What a machine would show, the same everywhere.
fn machine(state: &mut State) {
    state.model.system = Some(System {
        host: "lab-7".to_owned(),
        processors: vec![0.75, 0.2],
        memory: (6_000_000_000, 16_000_000_000),
        processes: vec![Process { pid: u32::MAX - 1, processors: 1.7, memory: 192_000_000 }],
        unknown: None,
        gpus: Err("nvidia-smi is not there".to_owned()),
    });
    for second in 0..90_u32 {
        let system =
            System { processors: vec![f64::from(second % 30) / 30.0], ..state.model.system.clone().unwrap() };
        state.model.machine.push_at(f64::from(second), &system);
    }
    let subject = state.subject().map(|run| run.id.clone()).unwrap_or_default();
    state.model.environment = Some((subject.clone(), Environment::default()));
    let lines = (1..=30).map(|k| format!("epoch {k}/20 loss 0.{k}")).collect();
    state.model.log = Some((subject, Log { lines }));
}

#[test]
fn every_screen() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let sweep = tempfile::tempdir().unwrap();
    fixture::sweep(sweep.path());
    for screen in SCREENS.iter().map(|definition| definition.screen) {
        let mut dashboard =
            Dashboard::new(if screen == Screen::SWEEP { sweep.path() } else { directory.path() });
        dashboard.state.screen = screen;
        if screen == Screen::CURVES {
            dashboard.state.marked = ["randman-a", "randman-b", "randman-c"].map(str::to_owned).into();
        }
        dashboard.settle();
        if screen == Screen::SYSTEM {
            machine(&mut dashboard.state);
        }
        // Without colors: letters and strokes tell curves apart.
        let more = [(40, 10), (200, 60)].into_iter().filter(|_| WIDE.contains(&screen));
        for (width, height) in [(80, 24), (160, 50)].into_iter().chain(more) {
            dashboard.state.size.set((width, height));
            if screen != Screen::SYSTEM {
                dashboard.settle();
            }
            let name = format!("{}_{width}x{height}", screen.0);
            insta::assert_snapshot!(name.clone(), dashboard.screen(width, height));
            if screen == Screen::CURVES && width != 160 {
                dashboard.state.theme.colors = Colors::Indexed(Ground::Dark);
                insta::assert_snapshot!(format!("{name}_color"), dashboard.colors(width, height));
                dashboard.state.theme.colors = Colors::None;
            }
        }
    }
}

/// Screens that show more on wide terminals, and less on small ones.
const WIDE: [Screen; 3] = [Screen::RUNS, Screen::CURVES, Screen::SYSTEM];

#[test]
fn help_and_small_terminals() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    insta::assert_snapshot!("small_40x10", dashboard.screen(40, 10));
    assert!(dashboard.screen(40, 1).starts_with("1 running, 1 failed, 2 done"));
    dashboard.press("?");
    insta::assert_snapshot!("help_80x24", dashboard.screen(80, 24));
}

#[test]
fn no_screen_panics_at_any_size_or_in_any_look() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let sweep = tempfile::tempdir().unwrap();
    fixture::sweep(sweep.path());
    let empty = tempfile::tempdir().unwrap();
    for source in [directory.path(), sweep.path(), empty.path()] {
        let mut dashboard = Dashboard::new(source);
        dashboard.press("a");
        for screen in SCREENS.iter().map(|definition| definition.screen) {
            dashboard.state.screen = screen;
            dashboard.settle();
            for (marker, colors) in [
                (Marker::Braille, Colors::Indexed(Ground::Light)),
                (Marker::HalfBlock, Colors::Sixteen(Ground::Dark)),
                (Marker::Ascii, Colors::None),
            ] {
                dashboard.state.theme = Theme { colors, marker };
                for width in (0..60).step_by(7).chain([80, 161, 300]) {
                    for height in (0..30).step_by(3).chain([24, 50, 100]) {
                        let area = Rect::new(0, 0, width, height);
                        super::draw(&dashboard.state, area, &mut Buffer::empty(area));
                    }
                }
            }
            // In ASCII nothing else is drawn, so that any font will do.
            let text = dashboard.screen(80, 24);
            assert!(text.is_ascii(), "{}: {text}", screen.0);
        }
    }
}

#[test]
fn keys_lead_from_runs_to_curves_and_back() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    assert_eq!(dashboard.state.list.selected(), Some("randman-a"));
    dashboard.press("j Space Space");
    assert_eq!(dashboard.state.chosen(), ["randman-b", "randman-c"]);
    dashboard.press("Enter");
    assert_eq!(dashboard.state.screen, Screen::CURVES);
    let text = dashboard.screen(80, 24);
    assert!(
        text.contains("randman-b") && text.contains("randman-c") && !text.contains("randman-a"),
        "{text}"
    );
    dashboard.press("b j j");
    assert_eq!(dashboard.state.choice::<super::curves::Choice>().metric.as_deref(), Some("loss"));
    dashboard.press("Esc Esc");
    assert_eq!(dashboard.state.screen, Screen::RUNS);
    assert!(dashboard.state.marked.is_empty());

    dashboard.press("/ f a i l e d Enter");
    assert_eq!(dashboard.state.list.order(), ["randman-d"]);
    assert!(dashboard.screen(80, 24).contains("1 of 4 runs match /failed"));
    dashboard.press("Esc s s s s S");
    assert_eq!(dashboard.state.list.order().len(), 4);
    assert_eq!(dashboard.press("q"), Some(Action::Quit));
}

#[test]
fn n_and_p_walk_through_marked_runs_on_any_screen() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("n n");
    assert_eq!(dashboard.state.list.selected(), Some("randman-c"), "without marks all are walked through");
    dashboard.press("Space 3");
    dashboard.state.marked.insert("randman-a".to_owned());
    dashboard.press("p");
    let selected = |dashboard: &Dashboard| dashboard.state.list.selected().map(str::to_owned);
    assert_eq!(selected(&dashboard).as_deref(), Some("randman-c"), "from elsewhere to the last of them");
    dashboard.press("p");
    assert_eq!(selected(&dashboard).as_deref(), Some("randman-a"));
    dashboard.press("n n");
    assert_eq!(selected(&dashboard).as_deref(), Some("randman-c"));
}

#[test]
fn marked_runs_are_walked_through_on_every_screen_of_one_run() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    for key in ["3", "4", "6"] {
        let mut dashboard = Dashboard::new(directory.path());
        dashboard.state.marked = ["randman-a", "randman-c"].map(str::to_owned).into();
        dashboard.press(key);
        let seen: Vec<Vec<&str>> = ["n", "n", "p"]
            .into_iter()
            .map(|key| {
                dashboard.press(key);
                let text = dashboard.screen(160, 50);
                ["randman-a", "randman-b", "randman-c"].into_iter().filter(|id| text.contains(id)).collect()
            })
            .collect();
        let expected: [Vec<&str>; 3] = [vec!["randman-c"], vec!["randman-c"], vec!["randman-a"]];
        assert_eq!(seen, expected, "on screen {key}");
    }
}

#[test]
fn wide_tables_have_curves() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    assert!(!dashboard.screen(100, 12).contains("accuracy"));
    let text = dashboard.screen(160, 12);
    let line = text.lines().find(|line| line.contains("randman-a ")).unwrap();
    assert!(text.contains(" accuracy ") && line.contains('▃') && line.contains('█'), "{text}");
    // With room below the list, the run under the cursor has its curves there.
    dashboard.state.size.set((120, 30));
    dashboard.press("j");
    let text = dashboard.screen(120, 30);
    assert!(text.contains("accuracy (%)  dotted: train") && text.contains("randman-b 94.27"), "{text}");
    assert!(dashboard.state.model.histories.len() == 1, "and no other run's history is read");
    dashboard.state.size.set((120, 14));
    dashboard.settle();
    assert!(dashboard.state.model.histories.is_empty());
}

#[test]
fn stopping_asks_first_and_only_what_runs_is_stopped() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    assert_eq!(dashboard.press("x"), None);
    assert!(dashboard.screen(80, 24).contains("nothing to stop"));
    dashboard.press("a x");
    assert!(dashboard.screen(80, 24).contains("Stop randman-c after this batch"));
    assert_eq!(dashboard.press("n"), None, "any other key is no");
    dashboard.press("x");
    assert_eq!(dashboard.press("y"), Some(Action::Stop(vec!["randman-c".to_owned()])));
}

#[test]
fn a_run_that_is_deleted_while_it_is_open_is_gone_and_no_other_takes_its_place() {
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
        // The next one is the one that came after it.
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
fn a_marked_run_that_is_deleted_is_said_to_be() {
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
fn a_run_that_does_not_match_any_more_stays_under_the_cursor() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("/");
    dashboard.type_in("state=running");
    dashboard.press("Enter 3");
    assert_eq!(dashboard.state.list.selected(), Some("randman-c"), "whoever filters means what matches");
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
fn a_directory_that_vanishes_is_said_to_be_gone_and_what_was_read_stays() {
    let parent = tempfile::tempdir().unwrap();
    let runs = parent.path().join("runs");
    fixture::runs(&runs);
    let sweep = parent.path().join("sweep");
    fixture::sweep(&sweep);
    for (path, id) in
        [(runs.clone(), "randman-a"), (runs.join("randman-b"), "randman-b"), (sweep, "randman-000")]
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
        assert_eq!(states(&dashboard), before, "nothing is pending, or done, or another run");
        std::fs::rename(path.with_extension("away"), &path).unwrap();
        dashboard.settle();
        assert!(!dashboard.screen(200, 24).contains("is gone"), "{}", dashboard.screen(200, 24));
    }
}

#[test]
fn runs_of_several_directories_have_names_of_their_own() {
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
        "a mistake is one, also among others"
    );
    assert!(Source::open_all(&[path("sweeps/notes.txt")]).is_err());
    let mut dashboard = Dashboard::over(source, parent.path());
    let runs = &dashboard.state.model.runs;
    assert_eq!(runs.len(), 4 + 4 + 18 + 18);
    assert!(runs.contains_key("one/runs/randman-a") && runs.contains_key("two/runs/randman-a"));
    let state = |id: &str| dashboard.state.model.runs[id].state_name();
    assert_eq!([state("again/randman-220"), state("slopes/randman-211")], ["pending", "running"]);

    // The map is that of the sweep with the run under the cursor.
    dashboard.state.list.select("slopes/randman-211");
    dashboard.press("5");
    assert!(
        dashboard
            .state
            .model
            .sweep
            .as_ref()
            .unwrap()
            .results
            .rows
            .iter()
            .all(|row| row.id.starts_with("slopes/"))
    );
    dashboard.state.list.select("again/randman-000");
    dashboard.settle();
    assert!(
        dashboard
            .state
            .model
            .sweep
            .as_ref()
            .unwrap()
            .results
            .rows
            .iter()
            .all(|row| row.id.starts_with("again/"))
    );
    dashboard.press("Enter");
    assert_eq!(dashboard.state.screen, Screen::CURVES);
    assert!(
        dashboard.state.marked.iter().all(|id| id.starts_with("again/")) && dashboard.state.marked.len() == 2
    );

    // One of them goes: its runs stay as they were, and the others are followed.
    std::fs::rename(path("two/runs"), path("away")).unwrap();
    std::fs::remove_dir_all(path("one/runs/randman-b")).unwrap();
    dashboard.settle();
    assert_eq!(dashboard.state.model.runs.len(), 4 + 4 + 18 + 18 - 1);
    dashboard.press("1");
    assert!(dashboard.screen(200, 24).contains("two/runs is gone"), "{}", dashboard.screen(200, 24));
}

#[test]
fn a_filter_is_typed_on_every_screen_and_its_mistakes_are_named() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    for screen in SCREENS.iter().map(|definition| definition.screen) {
        for (width, height) in [(80, 24), (40, 10), (30, 5)] {
            let mut dashboard = Dashboard::new(directory.path());
            dashboard.state.screen = screen;
            dashboard.press("/");
            dashboard.type_in("state=done best>90");
            let text = dashboard.screen(width, height);
            assert!(text.contains("/state=done best>90_"), "{}: {text}", screen.0);
            let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(squeezed.contains("write best>0.9"), "{}: {text}", screen.0);
            dashboard.press("Enter");
            assert!(dashboard.state.list.editing.is_some(), "a mistake stays to be corrected");
            dashboard.press("Ctrl+W");
            assert_eq!(dashboard.state.list.editing.as_deref(), Some("state=done "));
            assert!(dashboard.screen(width, height).contains("/state=done _"));
            dashboard.type_in("lr>=0.02 x");
            dashboard.press("Backspace Backspace Enter");
            assert_eq!(dashboard.state.list.order(), ["randman-a", "randman-b"]);
            dashboard.press("/ Ctrl+U");
            dashboard.type_in("/");
            assert_eq!(dashboard.state.list.editing.as_deref(), Some("/"), "it is a character like others");
            dashboard.press("Esc");
            assert_eq!(dashboard.state.list.filter, "state=done lr>=0.02");
        }
    }
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("/");
    dashboard.type_in("a long filter that does not fit into so small a terminal ends here");
    assert!(dashboard.screen(40, 10).lines().next().unwrap().contains("ends here_"), "where it is typed");
}

#[test]
fn clicks_and_the_wheel_do_what_keys_do() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.screen(80, 24);
    let wheel = |dashboard: &mut Dashboard, kind| dashboard.mouse(kind, (5, 5));
    wheel(&mut dashboard, MouseEventKind::ScrollDown);
    wheel(&mut dashboard, MouseEventKind::ScrollDown);
    wheel(&mut dashboard, MouseEventKind::ScrollUp);
    assert_eq!(dashboard.state.list.selected(), Some("randman-b"));
    dashboard.click("randman-d");
    assert_eq!((dashboard.state.list.selected(), dashboard.state.screen), (Some("randman-d"), Screen::RUNS));
    dashboard.click("randman-d");
    assert_eq!(dashboard.state.screen, Screen::CURVES, "a second click opens it");
    dashboard.click("1 Runs");
    assert_eq!(dashboard.state.screen, Screen::RUNS);
    dashboard.click("best");
    assert_eq!(
        dashboard.state.list.order().first().map(String::as_str),
        Some("randman-c"),
        "the lowest first"
    );
    dashboard.click("best");
    assert_ne!(dashboard.state.list.order().first().map(String::as_str), Some("randman-c"));
    dashboard.click("filter");
    dashboard.type_in("done");
    dashboard.click("randman-a");
    assert_eq!(
        (dashboard.state.list.filter.as_str(), dashboard.state.list.selected()),
        ("done", Some("randman-a"))
    );
    dashboard.press("Esc");
    dashboard.state.list.select("randman-c");
    dashboard.press("x");
    assert_eq!(dashboard.click("randman-b"), None, "a click elsewhere is no");
    assert_eq!(dashboard.state.question, None);
    dashboard.state.list.select("randman-c");
    dashboard.press("x");
    assert_eq!(dashboard.click("y yes"), Some(Action::Stop(vec!["randman-c".to_owned()])));
    assert_eq!(dashboard.click("q quit"), Some(Action::Quit));
    assert_eq!(
        dashboard.mouse(MouseEventKind::Down(MouseButton::Left), (79, 11)),
        None,
        "nothing stands there"
    );
}

/// The help of what is shown, in whatever lines, as words with single spaces; scrolled through where it is longer than the screen.
fn help_text(state: &mut State, width: u16, height: u16) -> String {
    (state.help, state.help_line) = (true, 0);
    let area = Rect::new(0, 0, width, height);
    let mut lines: Vec<String> = Vec::new();
    loop {
        let mut buffer = Buffer::empty(area);
        super::draw(state, area, &mut buffer);
        let drawn = crate::widgets::text::tests::lines(&buffer);
        // A line is new once it has been scrolled.
        lines.extend(if lines.is_empty() { drawn } else { drawn.into_iter().rev().take(1).collect() });
        let line = state.help_line;
        super::key(state, KeyCode::Down.into());
        if !state.help || state.help_line == line {
            state.help = false;
            return lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
}

/// Whether all of a table stands in the help.
fn assert_named<R>(bindings: &[Binding<R>], text: &str) {
    for binding in bindings {
        let words = format!("{} {}", binding.names(), binding.what);
        assert!(text.contains(&words), "`{words}` is missing: {text}");
    }
}

#[test]
fn every_key_does_one_thing_and_the_help_names_it() {
    let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
    let mut state = State::new(theme, "runs".to_owned(), false);
    let everywhere: Vec<&str> =
        EVERYWHERE.iter().flat_map(|it| it.keys).flat_map(|(names, _)| names.split('|')).collect();
    for definition in SCREENS {
        state.screen = definition.screen;
        // In one column, where nothing stands between the words of a binding.
        let text = help_text(&mut state, 58, 10);
        assert_named(definition.bindings, &text);
        assert_named(EVERYWHERE, &text);
        SCREENS.iter().for_each(|other| assert_named(other.bindings, &text));
        (assert_named(TYPING, &text), assert_named(SCROLLING, &text));
        assert!(SCREENS.iter().all(|other| text.contains(other.title)), "{text}");
        let mut known = std::collections::BTreeSet::new();
        for binding in definition.bindings {
            for name in binding.keys.iter().flat_map(|(names, _)| names.split('|')) {
                assert!(known.insert(name), "{}: {name} does two things", definition.title);
                assert!(!name.chars().all(|c| c.is_ascii_digit()), "{name} is that of a screen");
                // Esc leads back, and on the first screen has nowhere to lead back to.
                assert!(!everywhere.contains(&name) || name == "Esc", "{}: {name}", definition.title);
            }
        }
    }
}

#[test]
fn every_name_of_a_key_is_one_that_a_key_has() {
    fn check<R>(bindings: &[Binding<R>]) {
        for name in bindings.iter().flat_map(|it| it.keys).flat_map(|(names, _)| names.split('|')) {
            let key = binding::event(name).unwrap_or_else(|| panic!("{name} is no key"));
            assert_eq!(binding::name(key), name);
        }
    }
    SCREENS.iter().for_each(|it| check(it.bindings));
    (check(EVERYWHERE), check(TYPING), check(SCROLLING));
    assert_eq!(binding::name(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::ALT)), "", "Alt and x is not x");
}

/// What the same key is on all screens, as the guide says it.
#[test]
fn keys_follow_one_grammar() {
    for definition in SCREENS {
        let names: Vec<Vec<&str>> = definition
            .bindings
            .iter()
            .flat_map(|it| it.keys)
            .map(|(names, _)| names.split('|').collect())
            .collect();
        let same = |name: &str| names.iter().find(|it| it.contains(&name));
        // Letters and the keys that they stand for go together.
        for (letter, key) in
            [("h", "Left"), ("j", "Down"), ("k", "Up"), ("l", "Right"), ("g", "Home"), ("G", "End")]
        {
            assert_eq!(same(letter), same(key), "{}: {letter} and {key}", definition.title);
        }
        // What has a way there has the way back, in the same line of the help.
        let with = |name: &str| definition.bindings.iter().position(|it| it.has(name));
        for (there, back) in
            [("<", ">"), ("[", "]"), ("h", "l"), ("j", "k"), ("g", "G"), ("PageDown", "PageUp")]
        {
            assert_eq!(with(there), with(back), "{}: {there} and {back}", definition.title);
        }
        // A capital letter is the other way of the small one.
        for name in names.iter().flatten().filter(|it| it.len() == 1 && it.chars().all(char::is_uppercase)) {
            assert_eq!(
                with(name),
                with(&name.to_lowercase()),
                "{}: {name} and its small letter",
                definition.title
            );
        }
    }
}

#[test]
fn hints_are_bindings_and_fit_their_line() {
    let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
    let mut state = State::new(theme, "runs".to_owned(), false);
    for screen in SCREENS.iter().map(|it| it.screen) {
        for help in [false, true] {
            (state.screen, state.help) = (screen, help);
            for width in 50..200_u16 {
                let area = Rect::new(0, 0, width, 24);
                let mut buffer = Buffer::empty(area);
                super::draw(&state, area, &mut buffer);
                let line = crate::widgets::text::tests::lines(&buffer)[23].clone();
                let hints = hints::hints(&state, usize::from(width));
                let text = |hint: &hints::Hint| format!("{} {}", hint.names.join(" "), hint.what);
                for pair in hints.windows(2) {
                    assert!(pair[0].x + text(&pair[0]).len() < pair[1].x, "{}: {line}", screen.0);
                }
                for hint in &hints {
                    let at = &line[hint.x..hint.x + text(hint).len()];
                    assert_eq!(at, text(hint), "{}: {line}", screen.0);
                    let bound = |name: &&str| {
                        let own = SCREENS.iter().find(|it| it.screen == screen).unwrap().bindings;
                        let own = if help { SCROLLING } else { own };
                        own.iter().any(|it| it.has(name) && it.short() == hint.what)
                            || EVERYWHERE.iter().any(|it| it.has(name) && it.short() == hint.what)
                    };
                    assert!(hint.names.iter().all(bound), "{hint:?}");
                }
                let always = &hints[hints.len() - hints::ALWAYS.len()..];
                assert!(
                    always.iter().zip(hints::ALWAYS).all(|(hint, key)| hint.names.contains(&key)),
                    "{line}"
                );
            }
        }
    }
    assert!(hints::ALWAYS.iter().all(|key| EVERYWHERE.iter().any(|it| it.has(key))));
}

/// Every screen, drawn as bytes.
fn painted(colors: Colors, marker: Marker) -> String {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let sweep = tempfile::tempdir().unwrap();
    fixture::sweep(sweep.path());
    let mut bytes = Vec::new();
    for source in [directory.path(), sweep.path()] {
        let mut dashboard = Dashboard::new(source);
        dashboard.press("a");
        dashboard.state.theme = Theme { colors, marker };
        for screen in SCREENS.iter().map(|definition| definition.screen) {
            dashboard.state.screen = screen;
            dashboard.settle();
            for keys in ["", "v", "v", "x", "n ?", "Esc"] {
                dashboard.press(keys);
                Painter::new(&mut bytes)
                    .draw(Rect::new(0, 0, 80, 24), |area, buffer| super::draw(&dashboard.state, area, buffer))
                    .unwrap();
            }
            dashboard.press("1");
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Every parameter of a `CSI .. m`.
fn codes(painted: &str) -> std::collections::BTreeSet<u32> {
    let sequences = painted.split("\x1b[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';' && c != '?')?;
        rest[end..].starts_with('m').then(|| &rest[..end])
    });
    sequences.flat_map(|it| it.split(';')).map(|code| code.parse().unwrap()).collect()
}

#[test]
fn sixteen_colors_are_sixteen_and_none_are_none() {
    for ground in [Ground::Dark, Ground::Light] {
        let codes = codes(&painted(Colors::Sixteen(ground), Marker::Braille));
        let is_known = |code: &u32| matches!(code, 0..=7 | 30..=37 | 39..=47 | 49 | 90..=97 | 100..=107);
        assert!(codes.iter().all(is_known), "38 and 48 begin colors of 256: {codes:?}");
        assert!(codes.iter().filter(|code| matches!(code, 30..=37 | 90..=97)).count() > 3, "{codes:?}");
    }
    let plain = codes(&painted(Colors::None, Marker::Ascii));
    assert!(plain.iter().all(|code| matches!(code, 0..=7)) && plain.contains(&1), "{plain:?}");
    assert!(codes(&painted(Colors::Indexed(Ground::Dark), Marker::Braille)).contains(&38));
}
