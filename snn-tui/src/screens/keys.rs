//! Keys, first those of all screens, then those of the one that is shown.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use snn_run::RunState;

use super::{Screen, activity, curves, learning, runs, sweep, system};
use crate::state::{Question, State};

/// What the world outside is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// To end the dashboard.
    Quit,
    /// To draw everything anew, also what is thought to be there already.
    Redraw,
    /// To ask these runs to stop.
    Stop(Vec<String>),
    /// To write what is shown as SVG.
    Export,
}

/// Takes a key.
pub(crate) fn key(state: &mut State, key: KeyEvent) -> Option<Action> {
    state.notice = None;
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => return Some(Action::Quit),
        KeyCode::Char('l') if control => return Some(Action::Redraw),
        _ => {}
    }
    if let Some(Question::Stop(runs)) = state.question.take() {
        let yes = matches!(key.code, KeyCode::Char('y' | 'Y'));
        return yes.then_some(Action::Stop(runs));
    }
    if state.list.editing.is_some() {
        runs::edit_filter(state, key);
        return None;
    }
    if state.help {
        state.help = false;
        return (key.code == KeyCode::Char('q')).then_some(Action::Quit);
    }
    let place = Screen::ALL.iter().position(|&screen| screen == state.screen).unwrap_or(0);
    match key.code {
        KeyCode::Char('q') => return Some(Action::Quit),
        KeyCode::Char('?') => state.help = true,
        KeyCode::Char('e') => return Some(Action::Export),
        KeyCode::Char(digit @ '1'..='6') => state.screen = Screen::ALL[digit as usize - '1' as usize],
        KeyCode::Tab => state.screen = Screen::ALL[(place + 1) % Screen::ALL.len()],
        KeyCode::BackTab => state.screen = Screen::ALL[(place + Screen::ALL.len() - 1) % Screen::ALL.len()],
        KeyCode::Char('x') => ask_to_stop(state),
        KeyCode::Char('n') if state.screen != Screen::Runs => runs::step(state, 1),
        KeyCode::Char('p') if state.screen != Screen::Runs => runs::step(state, -1),
        KeyCode::Esc if state.screen != Screen::Runs => state.screen = Screen::Runs,
        _ => match state.screen {
            Screen::Runs => runs::key(state, key),
            Screen::Curves => curves::key(state, key),
            Screen::Activity => activity::key(state, key),
            Screen::Learning => learning::key(state, key),
            Screen::Sweep => sweep::key(state, key),
            Screen::System => system::key(state, key),
        },
    }
    None
}

fn ask_to_stop(state: &mut State) {
    let chosen = state.chosen();
    let active: Vec<_> = chosen
        .into_iter()
        .filter(|id| state.runs.get(id).is_some_and(|run| run.is(RunState::Running)))
        .collect();
    if active.is_empty() {
        state.notice =
            Some("nothing to stop: no run that is marked or under the cursor is running".to_owned());
    } else {
        state.question = Some(Question::Stop(active));
    }
}
