//! Keys of all screens; other keys go to the current screen.

use crossterm::event::{KeyCode, KeyEvent};
use snn_run::RunState;

use super::{
    binding::{self, Binding},
    config, prompt,
    scrolling::SCROLLING,
    table::{SCREENS, definition, place},
};
use crate::state::{Question, Screen, UiState};

/// A request to the main loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Quit the dashboard.
    Quit,
    /// Stop this process until the shell continues it.
    Suspend,
    /// Redraw everything, including unchanged cells.
    Redraw,
    /// Request these runs to stop.
    Stop(Vec<String>),
    /// Export the screen and its numbers.
    Export,
}

/// Keys of all screens, in addition to the numbers of the screens.
pub(super) const EVERYWHERE: &[Binding<Option<Action>>] = &[
    Binding {
        what: "next, previous screen",
        keys: &[("Tab", |state| screen_by(state, 1)), ("Shift+Tab", |state| screen_by(state, -1))],
    },
    Binding {
        what: "next, previous run",
        keys: &[("n", |state| run_by(state, 1)), ("p", |state| run_by(state, -1))],
    },
    Binding { what: "filter", keys: &[("/", filter)] },
    Binding { what: "back to Runs", keys: &[("Esc", to_the_runs)] },
    Binding { what: "stop runs; asks first", keys: &[("x", ask_to_stop)] },
    Binding { what: "export as SVG and CSV", keys: &[("e", |_| Some(Action::Export))] },
    Binding { what: "help", keys: &[("?", help)] },
    Binding { what: "quit; runs continue", keys: &[("q|Ctrl+C", |_| Some(Action::Quit))] },
    Binding {
        what: "suspend, redraw",
        keys: &[(SUSPEND, |_| Some(Action::Suspend)), (REDRAW, |_| Some(Action::Redraw))],
    },
];

/// These keys work even during a question or while text is typed.
const REDRAW: &str = "Ctrl+L";
const INTERRUPT: &str = "Ctrl+C";
const SUSPEND: &str = "Ctrl+Z";

/// Handles a key.
pub(crate) fn key(state: &mut UiState, key: KeyEvent) -> Option<Action> {
    state.notice = None;
    match binding::name(key).as_str() {
        INTERRUPT => return Some(Action::Quit),
        REDRAW => return Some(Action::Redraw),
        SUSPEND => return Some(Action::Suspend),
        _ => {}
    }
    if let Some(Question::Stop(runs)) = state.question.take() {
        let yes = matches!(key.code, KeyCode::Char('y' | 'Y'));
        return yes.then_some(Action::Stop(runs));
    }
    if config::take(state, key) {
        return None;
    }
    if state.list.editing.is_some() {
        prompt::key(state, key);
        return None;
    }
    if state.help {
        let scrolls = state.help_end.get() > 0 && binding::press(SCROLLING, state, key).is_some();
        if !scrolls {
            state.help = false;
        }
        return (key.code == KeyCode::Char('q')).then_some(Action::Quit);
    }
    if let KeyCode::Char(digit) = key.code
        && let Some(number) = digit.to_digit(10)
        && let Some(definition) = SCREENS.get((number as usize).wrapping_sub(1))
    {
        state.screen = definition.screen;
        return None;
    }
    if binding::press(definition(state.screen).bindings, state, key).is_some() {
        return None;
    }
    binding::press(EVERYWHERE, state, key).flatten()
}

fn filter(state: &mut UiState) -> Option<Action> {
    state.list.editing = Some(state.list.filter.clone());
    None
}

fn screen_by(state: &mut UiState, by: isize) -> Option<Action> {
    let to = (place(state.screen) as isize + by).rem_euclid(SCREENS.len() as isize);
    state.screen = SCREENS[to as usize].screen;
    None
}

/// Selects another run: among the marked ones in the list if there are any, otherwise among all.
fn run_by(state: &mut UiState, by: isize) -> Option<Action> {
    let marked: Vec<String> = state
        .chosen()
        .into_iter()
        .filter(|id| state.marked.contains(id) && state.list.place(id).is_some())
        .collect();
    if marked.is_empty() {
        state.list.step(by);
        return None;
    }
    let here = state.list.selected().and_then(|id| marked.iter().position(|it| it == id));
    let last = marked.len() - 1;
    let to = match here {
        Some(place) => place.saturating_add_signed(by).min(last),
        // From an unmarked run, go to the first or the last marked one.
        None if by > 0 => 0,
        None => last,
    };
    state.list.select(&marked[to]);
    None
}

fn to_the_runs(state: &mut UiState) -> Option<Action> {
    state.screen = Screen::RUNS;
    None
}

fn help(state: &mut UiState) -> Option<Action> {
    (state.help, state.help_line) = (true, 0);
    None
}

fn ask_to_stop(state: &mut UiState) -> Option<Action> {
    let chosen = state.chosen();
    let is_running = |id: &String| state.model.runs.get(id).is_some_and(|run| run.is(RunState::Running));
    let active: Vec<_> = chosen.iter().filter(|id| is_running(id)).cloned().collect();
    if active.is_empty() {
        state.notice = Some(match chosen.as_slice() {
            [] => "nothing to stop: there are no runs".to_owned(),
            [id] => match state.model.runs.get(id) {
                Some(run) => format!("nothing to stop: {id} is {}", run.state_name()),
                None => format!("nothing to stop: {id} is gone"),
            },
            chosen => format!("nothing to stop: none of the {} marked runs is running", chosen.len()),
        });
    } else {
        state.question = Some(Question::Stop(active));
    }
    None
}
