//! Snapshots of every screen, and properties of all of them.

mod colors;
mod keys;
mod vanishing;

use std::path::Path;

use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Rect};
use snn_run::Environment;

use super::{Action, SCREENS, binding};
use crate::{
    data::{Log, Process, Source, System, Tailer},
    fixture,
    state::{Screen, UiState},
    theme::{Colors, Ground, Marker, Theme},
};

mod curves;

/// The dashboard over a directory, with keys pressed on it.
struct Dashboard {
    directory: String,
    state: UiState,
    tailer: Tailer,
}

impl Dashboard {
    fn new(directory: &Path) -> Self {
        Self::over(Source::open(directory).unwrap(), directory)
    }

    fn over(source: Source, directory: &Path) -> Self {
        let theme = Theme { colors: Colors::None, marker: Marker::Braille };
        let state = UiState::new(theme, "runs".to_owned(), source.is_sweep());
        let directory = directory.display().to_string();
        let mut dashboard = Self { directory, state, tailer: Tailer::new(source, std::time::Duration::ZERO) };
        dashboard.settle();
        dashboard
    }

    /// Reads until all data of the screen has been read.
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
            let key = binding::event(name).unwrap_or_else(|| panic!("{name} is not a key"));
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

    /// Clicks on the first occurrence of this text on a screen of 80x24.
    fn click(&mut self, text: &str) -> Option<Action> {
        let screen = self.screen(80, 24);
        let found = screen
            .lines()
            .zip(0..)
            .find_map(|(line, row)| Some((line.split_once(text)?.0.chars().count(), row)));
        let (column, row) = found.unwrap_or_else(|| panic!("{text} is not on the screen:\n{screen}"));
        self.mouse(MouseEventKind::Down(MouseButton::Left), (column as u16, row))
    }

    fn screen(&self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| super::draw(&self.state, frame.area(), frame.buffer_mut())).unwrap();
        // Commands contain the directory, which is temporary.
        let text = terminal.backend().to_string().replace(&self.directory, "runs");
        // Without the quotes around each line and trailing spaces.
        text.lines().map(|line| line.trim_matches('"').trim_end().to_owned() + "\n").collect()
    }
}

impl Dashboard {
    /// The style of each cell: a letter for each style, in order of appearance, and nothing for that of plain text.
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

/// Real runs with each verdict, in a list and with the complete diagnosis of each.
#[test]
fn every_verdict_of_a_real_run() {
    // A relative path, so that commands have the same length everywhere.
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

/// The state of a machine, the same everywhere.
fn machine(state: &mut UiState) {
    state.model.system = Some(System {
        host: "lab-7".to_owned(),
        processors: vec![0.75, 0.2],
        memory: (6_000_000_000, 16_000_000_000),
        processes: vec![Process { pid: u32::MAX - 1, processors: 1.7, memory: 192_000_000 }],
        unknown: None,
        gpus: Err("nvidia-smi was not found".to_owned()),
    });
    // The load of this machine is different each time.
    state.model.machine = crate::data::MachineHistory::default();
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
        // Without colors, letters and line styles distinguish curves.
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

/// The configuration of one run, the differences between marked ones, and searches.
#[test]
fn settings_of_one_run_and_of_marked_ones() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("c");
    assert_eq!(dashboard.state.screen, Screen::CONFIG);
    assert!(
        dashboard.screen(80, 24).contains("randman-a lr .03 s0: 13 keys"),
        "{}",
        dashboard.screen(80, 24)
    );
    dashboard.screen(40, 10);
    dashboard.press("G");
    let end = dashboard.screen(40, 10);
    assert!(end.contains("initialization.seed") && !end.contains("data.name"), "{end}");
    dashboard.press("k g / r a t e");
    assert!(dashboard.screen(40, 10).contains("/rate_"), "{}", dashboard.screen(40, 10));
    let found = dashboard.screen(80, 24);
    assert!(found.contains("optimizer.learning_rate") && !found.contains("surrogate.beta"), "{found}");
    dashboard.press("x x Enter");
    assert!(
        dashboard.screen(80, 24).contains("No key or value matches /ratexx"),
        "{}",
        dashboard.screen(80, 24)
    );
    dashboard.press("Esc v");
    let differing = dashboard.screen(80, 24);
    assert!(
        differing.contains("initialization.seed") && !differing.contains("surrogate.beta"),
        "{differing}"
    );
    dashboard.press("Right");
    assert!(
        dashboard.screen(80, 24).contains("randman-b lr .03 s1: 13 keys"),
        "{}",
        dashboard.screen(80, 24)
    );

    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("a c");
    insta::assert_snapshot!("config_marked_80x24", dashboard.screen(80, 24));
    insta::assert_snapshot!("config_marked_40x10", dashboard.screen(40, 10));
    let differing = dashboard.screen(80, 24);
    assert!(
        differing.contains("4 runs: 3 of 13 keys differ") && !differing.contains("surrogate.beta"),
        "{differing}"
    );
    dashboard.press("Right");
    assert!(dashboard.screen(80, 24).contains("< 1 more"), "{}", dashboard.screen(80, 24));
    dashboard.press("v / b e t a Enter");
    let all = dashboard.screen(80, 24);
    assert!(all.contains("surrogate.beta") && all.contains("1 matching /beta"), "{all}");
    dashboard.press("Esc");
    assert_eq!(dashboard.state.screen, Screen::CONFIG, "Esc first clears the search");
    dashboard.press("Esc");
    assert_eq!(dashboard.state.screen, Screen::RUNS);
}

/// A real configuration, with a relative path, so that it has the same length everywhere.
#[test]
fn the_settings_of_a_real_run() {
    let mut dashboard = Dashboard::new(Path::new("../snn-train/snn-run/tests/fixtures/verdicts"));
    dashboard.press("c");
    for (width, height) in [(40, 10), (80, 24), (160, 50)] {
        insta::assert_snapshot!(format!("config_real_{width}x{height}"), dashboard.screen(width, height));
    }
    dashboard.press("Esc a c v");
    insta::assert_snapshot!("config_marked_all_80x24", dashboard.screen(80, 24));
}

/// Runs of a sweep that have not started show their planned settings; names are made of differences, and `i` shows ids.
#[test]
fn pending_runs_show_their_settings_and_a_key_shows_ids() {
    let sweep = tempfile::tempdir().unwrap();
    fixture::sweep(sweep.path());
    let mut dashboard = Dashboard::new(sweep.path());
    dashboard.press("G");
    let text = dashboard.screen(120, 30);
    let last = text.lines().rfind(|line| line.contains("pending  ")).unwrap().to_owned();
    assert!(last.contains("lr .1 b 100 s1") && !last.contains("randman-0000"), "{text}");
    insta::assert_snapshot!("sweep_runs_80x24", dashboard.screen(80, 24));
    insta::assert_snapshot!("sweep_small_40x10", dashboard.screen(40, 10));
    dashboard.press("i");
    assert!(dashboard.screen(120, 30).contains("PENDING      randman-"), "{}", dashboard.screen(120, 30));
    dashboard.press("i 5");
    insta::assert_snapshot!("sweep_40x10", dashboard.screen(40, 10));
    dashboard.press("v");
    insta::assert_snapshot!("sweep_ranking_80x24", dashboard.screen(80, 24));
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
            // ASCII characters only, so that any font will do.
            let text = dashboard.screen(80, 24);
            assert!(text.is_ascii(), "{}: {text}", screen.0);
        }
    }
}

#[test]
fn keys_switch_between_runs_and_curves() {
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
fn n_and_p_select_marked_runs_on_any_screen() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("n n");
    assert_eq!(dashboard.state.list.selected(), Some("randman-c"), "without marks, all runs");
    dashboard.press("Space 3");
    dashboard.state.marked.insert("randman-a".to_owned());
    dashboard.press("p");
    let selected = |dashboard: &Dashboard| dashboard.state.list.selected().map(str::to_owned);
    assert_eq!(
        selected(&dashboard).as_deref(),
        Some("randman-c"),
        "from an unmarked run to the last marked one"
    );
    dashboard.press("p");
    assert_eq!(selected(&dashboard).as_deref(), Some("randman-a"));
    dashboard.press("n n");
    assert_eq!(selected(&dashboard).as_deref(), Some("randman-c"));
}

#[test]
fn marked_runs_are_selected_on_every_screen_of_one_run() {
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
fn wide_tables_have_sparklines() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    assert!(!dashboard.screen(100, 12).contains("accuracy"));
    let text = dashboard.screen(160, 12);
    let line = text.lines().find(|line| line.contains("randman-a ")).unwrap();
    assert!(text.contains(" accuracy ") && line.contains('▃') && line.contains('█'), "{text}");
    // If there is space below the list, it shows the curves of the selected run.
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
fn stopping_asks_first_and_only_stops_running_runs() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    assert_eq!(dashboard.press("x"), None);
    assert!(dashboard.screen(80, 24).contains("nothing to stop"));
    dashboard.press("a x");
    assert!(dashboard.screen(80, 24).contains("Stop randman-c after this batch"));
    assert_eq!(dashboard.press("n"), None, "any other key means no");
    dashboard.press("x");
    assert_eq!(dashboard.press("y"), Some(Action::Stop(vec!["randman-c".to_owned()])));
}
