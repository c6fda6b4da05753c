//! Keys, hints, help, filters and clicks, all from one table.

use crossterm::event::KeyEvent;

use super::*;
use crate::screens::{
    self,
    binding::{self, Binding},
    everywhere::EVERYWHERE,
    hints,
    prompt::TYPING,
    scrolling::SCROLLING,
};

#[test]
fn filters_work_on_every_screen_and_explain_errors() {
    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    // Config searches keys instead.
    for screen in SCREENS.iter().map(|definition| definition.screen).filter(|it| *it != Screen::CONFIG) {
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
            assert!(dashboard.state.list.editing.is_some(), "an invalid filter stays open");
            dashboard.press("Ctrl+W");
            assert_eq!(dashboard.state.list.editing.as_deref(), Some("state=done "));
            assert!(dashboard.screen(width, height).contains("/state=done _"));
            dashboard.type_in("lr>=0.02 x");
            dashboard.press("Backspace Backspace Enter");
            assert_eq!(dashboard.state.list.order(), ["randman-a", "randman-b"]);
            dashboard.press("/ Ctrl+U");
            dashboard.type_in("/");
            assert_eq!(dashboard.state.list.editing.as_deref(), Some("/"), "it is an ordinary character");
            dashboard.press("Esc");
            assert_eq!(dashboard.state.list.filter, "state=done lr>=0.02");
        }
    }
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("/");
    dashboard.type_in("a long filter that does not fit into so small a terminal ends here");
    assert!(dashboard.screen(40, 10).lines().next().unwrap().contains("ends here_"), "the end being typed");
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
    assert_eq!(dashboard.click("randman-b"), None, "a click elsewhere means no");
    assert_eq!(dashboard.state.question, None);
    dashboard.state.list.select("randman-c");
    dashboard.press("x");
    assert_eq!(dashboard.click("y yes"), Some(Action::Stop(vec!["randman-c".to_owned()])));
    assert_eq!(dashboard.click("q quit"), Some(Action::Quit));
    assert_eq!(dashboard.mouse(MouseEventKind::Down(MouseButton::Left), (79, 11)), None, "nothing is there");
}

#[test]
fn clicks_select_cells_of_maps() {
    let directory = tempfile::tempdir().unwrap();
    fixture::sweep(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("5");
    dashboard.click("21.11");
    let screen = dashboard.screen(80, 24);
    assert!(screen.contains("beta 1, learning_rate 0.001: 2 runs"), "{screen}");
    assert_eq!(dashboard.state.screen, Screen::SWEEP);
    dashboard.click("21.11");
    assert_eq!(dashboard.state.screen, Screen::CURVES, "a second click opens it");

    let directory = tempfile::tempdir().unwrap();
    fixture::runs(directory.path());
    let mut dashboard = Dashboard::new(directory.path());
    dashboard.press("4 V");
    let read_out = |dashboard: &Dashboard| {
        let screen = dashboard.screen(80, 24);
        screen.lines().find(|line| line.starts_with("class ")).map(str::to_owned).unwrap_or(screen)
    };
    // The label of the row; its first cell is to the right of it.
    let screen = dashboard.screen(80, 24);
    let row = screen.lines().skip(1).position(|line| line.trim_start().starts_with("1 ")).unwrap() + 1;
    dashboard.mouse(MouseEventKind::Down(MouseButton::Left), (3, row as u16));
    assert!(read_out(&dashboard).starts_with("class 1 is taken for 0 in "), "{}", read_out(&dashboard));
    dashboard.press("l");
    assert!(read_out(&dashboard).starts_with("class 1 is recognized in "), "{}", read_out(&dashboard));
}

/// The complete help of the screen as words with single spaces; it is scrolled if it is longer than the screen.
fn help_text(state: &mut UiState, width: u16, height: u16) -> String {
    (state.help, state.help_line) = (true, 0);
    let area = Rect::new(0, 0, width, height);
    let mut lines: Vec<String> = Vec::new();
    loop {
        let mut buffer = Buffer::empty(area);
        screens::draw(state, area, &mut buffer);
        let drawn = crate::widgets::text::tests::lines(&buffer);
        // After scrolling, one line is new.
        lines.extend(if lines.is_empty() { drawn } else { drawn.into_iter().rev().take(1).collect() });
        let line = state.help_line;
        screens::key(state, KeyCode::Down.into());
        if !state.help || state.help_line == line {
            state.help = false;
            return lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        }
    }
}

/// Whether the help contains a whole table.
fn assert_named<R>(bindings: &[Binding<R>], text: &str) {
    for binding in bindings {
        let words = format!("{} {}", binding.names(), binding.what);
        assert!(text.contains(&words), "`{words}` is missing: {text}");
    }
}

#[test]
fn every_key_does_one_thing_and_the_help_names_it() {
    let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
    let mut state = UiState::new(theme, "runs".to_owned(), false);
    let everywhere: Vec<&str> =
        EVERYWHERE.iter().flat_map(|it| it.keys).flat_map(|(names, _)| names.split('|')).collect();
    for definition in SCREENS {
        state.screen = definition.screen;
        // In one column, where the words of a binding are contiguous.
        let text = help_text(&mut state, 58, 10);
        assert_named(definition.bindings, &text);
        assert_named(EVERYWHERE, &text);
        SCREENS.iter().for_each(|other| assert_named(other.bindings, &text));
        assert_named(TYPING, &text);
        assert_named(SCROLLING, &text);
        assert!(SCREENS.iter().all(|other| text.contains(other.title)), "{text}");
        let mut known = std::collections::BTreeSet::new();
        for binding in definition.bindings {
            for name in binding.keys.iter().flat_map(|(names, _)| names.split('|')) {
                assert!(known.insert(name), "{}: {name} does two things", definition.title);
                assert!(!name.chars().all(|c| c.is_ascii_digit()), "{name} selects a screen");
                // Esc goes back, except on the first screen. Config searches keys, not runs.
                let is_search = name == "/" && definition.screen == Screen::CONFIG;
                assert!(
                    !everywhere.contains(&name) || name == "Esc" || is_search,
                    "{}: {name}",
                    definition.title
                );
            }
        }
    }
}

#[test]
fn every_key_name_is_valid() {
    fn check<R>(bindings: &[Binding<R>]) {
        for name in bindings.iter().flat_map(|it| it.keys).flat_map(|(names, _)| names.split('|')) {
            let key = binding::event(name).unwrap_or_else(|| panic!("{name} is not a key"));
            assert_eq!(binding::name(key), name);
        }
    }
    SCREENS.iter().for_each(|it| check(it.bindings));
    check(EVERYWHERE);
    check(TYPING);
    check(SCROLLING);
    assert_eq!(binding::name(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::ALT)), "", "Alt and x is not x");
}

/// Keys that mean the same on all screens, as in the guide.
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
        // Letters and their equivalent keys have the same action.
        for (letter, key) in
            [("h", "Left"), ("j", "Down"), ("k", "Up"), ("l", "Right"), ("g", "Home"), ("G", "End")]
        {
            assert_eq!(same(letter), same(key), "{}: {letter} and {key}", definition.title);
        }
        // Each direction is on the same line of the help as its opposite.
        let with = |name: &str| definition.bindings.iter().position(|it| it.has(name));
        for (there, back) in
            [("<", ">"), ("[", "]"), ("h", "l"), ("j", "k"), ("g", "G"), ("PageDown", "PageUp")]
        {
            assert_eq!(with(there), with(back), "{}: {there} and {back}", definition.title);
        }
        // An uppercase letter is the opposite of the lowercase one.
        for name in names.iter().flatten().filter(|it| it.len() == 1 && it.chars().all(char::is_uppercase)) {
            assert_eq!(
                with(name),
                with(&name.to_lowercase()),
                "{}: {name} and its lowercase letter",
                definition.title
            );
        }
    }
}

#[test]
fn hints_are_bindings_and_fit_their_line() {
    let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
    let mut state = UiState::new(theme, "runs".to_owned(), false);
    for screen in SCREENS.iter().map(|it| it.screen) {
        for help in [false, true] {
            (state.screen, state.help) = (screen, help);
            for width in 50..200_u16 {
                let area = Rect::new(0, 0, width, 24);
                let mut buffer = Buffer::empty(area);
                screens::draw(&state, area, &mut buffer);
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
