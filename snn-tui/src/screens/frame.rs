//! Elements of all screens: the line of screen names, the line of keys, questions.

use crossterm::event::KeyCode;
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    config, help, hints,
    prompt::prompt,
    small,
    table::{SCREENS, definition},
};
use crate::{
    state::{Click, Question, Screen, UiState},
    widgets::{
        note,
        text::{clean, fit, left, width, wrap},
    },
};

/// Draws the state into all of `area`.
pub(crate) fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    state.clicks.clear();
    state.size.set((area.width, area.height));
    if area.width < 50 || area.height < 12 {
        let is_list = state.screen == Screen::CONFIG || state.screen == Screen::SWEEP && state.model.is_sweep;
        let is_disturbed = state.help
            || state.question.is_some()
            || state.list.editing.is_some()
            || state.gone().is_some()
            || state.model.trouble.is_some();
        if area.width < 30 || area.height < 5 || !is_list || is_disturbed {
            return small::draw(state, area, buffer);
        }
        // Lists of settings are useful in areas of any size.
        (definition(state.screen).draw)(state, Rect { height: area.height - 1, ..area }, buffer);
        return draw_foot(state, Rect { y: area.bottom() - 1, height: 1, ..area }, buffer);
    }
    let (head, foot) = (Rect { height: 1, ..area }, Rect { y: area.bottom() - 1, height: 1, ..area });
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    draw_head(state, head, buffer);
    if state.help {
        help::draw(state, body, buffer);
    } else if let Some(trouble) = state.model.trouble.as_ref().filter(|_| state.model.runs.is_empty()) {
        note(state.theme.bad(), trouble, body, buffer);
    } else if let Some(id) = gone(state) {
        let text = format!(
            "{id} is gone: its directory was deleted, moved or unmounted. Press n or p for another run, or 1 for all runs."
        );
        note(state.theme.bad(), &text, body, buffer);
    } else {
        (definition(state.screen).draw)(state, body, buffer);
    }
    draw_foot(state, foot, buffer);
}

/// The selected run, if it is gone: no other run replaces it unless the user selects one.
fn gone(state: &UiState) -> Option<&str> {
    let is_of_one = match state.screen {
        Screen::RUNS | Screen::SWEEP => false,
        Screen::CURVES => state.marked.is_empty(),
        _ => true,
    };
    state.gone().filter(|_| is_of_one)
}

fn draw_head(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let mut x = area.x;
    for (k, definition) in SCREENS.iter().enumerate() {
        if definition.is_for_sweeps && !state.model.is_sweep && area.width < 70 {
            continue;
        }
        let style = if definition.screen == state.screen { state.theme.cursor() } else { state.theme.dim() };
        let name = format!(" {} {} ", k + 1, definition.title);
        buffer.set_string(x, area.y, &name, style);
        let place = Rect { x, width: width(&name) as u16, ..area };
        state.clicks.add(place.intersection(area), Click::Screen(definition.screen));
        x += place.width;
    }
    let room = usize::from(area.right().saturating_sub(x + 1));
    let (read, all) = state.model.loading;
    let place = if read < all { format!("{read}/{all} read") } else { clean(&state.model.source) };
    // The end of a long path is more informative than its beginning.
    let chars: Vec<char> = place.chars().collect();
    let mut end: String = chars[chars.len().saturating_sub(room)..].iter().collect();
    if chars.len() > room {
        end = format!("~{}", end.chars().skip(1).collect::<String>());
    }
    buffer.set_string(
        area.right() - width(&end).min(room) as u16,
        area.y,
        fit(&end, room),
        state.theme.dim(),
    );
}

fn draw_foot(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    if let Some(Question::Stop(runs)) = &state.question {
        let what = if let [one] = &runs[..] { one.clone() } else { format!("{} runs", runs.len()) };
        let (asked, yes) = (format!(" Stop {} after this batch, with a checkpoint? ", clean(&what)), "y yes");
        let place = Rect { x: area.x + width(&asked) as u16, width: width(yes) as u16, ..area };
        state.clicks.add(place.intersection(area), Click::Key(KeyCode::Char('y').into()));
        let text = format!("{asked}{yes}, any other key no");
        buffer.set_string(area.x, area.y, left(&fit(&text, room), room), state.theme.warning());
        return;
    }
    if let Some(text) = config::prompt(state) {
        buffer.set_string(area.x, area.y, fit(&text, room), state.theme.bold());
        return;
    }
    if let Some(text) = &state.list.editing {
        buffer.set_string(area.x, area.y, prompt(state, text, room), state.theme.bold());
        draw_mistake(state, area, buffer);
        return;
    }
    let said = state.notice.as_ref().or(state.model.trouble.as_ref());
    if let Some(said) = said {
        buffer.set_string(area.x, area.y, fit(&clean(said), room), state.theme.warning());
        return;
    }
    hints::draw(state, area, buffer);
}

/// Explains the error in the filter being typed, above its line.
fn draw_mistake(state: &UiState, foot: Rect, buffer: &mut Buffer) {
    let Some(mistake) = &state.list.mistake else { return };
    let lines = wrap(&clean(mistake), usize::from(foot.width));
    let high = (lines.len() as u16).min(foot.y);
    let place = Rect { y: foot.y - high, height: high, ..foot };
    for (line, y) in lines.iter().zip(place.top()..place.bottom()) {
        for x in place.left()..place.right() {
            buffer[(x, y)].reset();
        }
        buffer.set_string(place.x, y, line, state.theme.warning());
    }
}
