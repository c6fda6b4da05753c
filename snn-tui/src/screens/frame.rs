//! What all screens share: the line of their names, the line of keys, questions.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    config, help,
    prompt::prompt,
    small,
    table::{SCREENS, definition},
};
use crate::{
    state::{Question, Screen, State},
    widgets::{
        note,
        text::{clean, fit, left, width},
    },
};

/// Draws the state into the whole of `area`.
pub(crate) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.width < 50 || area.height < 12 {
        let fits = area.width >= 30 && area.height >= 5 && state.question.is_none() && !state.help;
        if !fits || ![Screen::CONFIG, Screen::SWEEP].contains(&state.screen) {
            return small::draw(state, area, buffer);
        }
        // Lists of settings are of use in any room.
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
    } else {
        (definition(state.screen).draw)(state, body, buffer);
    }
    draw_foot(state, foot, buffer);
}

fn draw_head(state: &State, area: Rect, buffer: &mut Buffer) {
    let mut x = area.x;
    for (k, definition) in SCREENS.iter().enumerate() {
        if definition.is_for_sweeps && !state.model.is_sweep && area.width < 70 {
            continue;
        }
        let style = if definition.screen == state.screen { state.theme.cursor() } else { state.theme.dim() };
        let name = format!(" {} {} ", k + 1, definition.title);
        buffer.set_string(x, area.y, &name, style);
        x += width(&name) as u16;
    }
    let room = usize::from(area.right().saturating_sub(x + 1));
    let (read, all) = state.model.loading;
    let place = if read < all { format!("{read}/{all} read") } else { clean(&state.model.source) };
    // Of a long path the end says more than the beginning.
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

fn draw_foot(state: &State, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    if let Some(Question::Stop(runs)) = &state.question {
        let what = if let [one] = &runs[..] { one.clone() } else { format!("{} runs", runs.len()) };
        let text =
            format!(" Stop {} after this batch, with a checkpoint? y yes, any other key no", clean(&what));
        buffer.set_string(area.x, area.y, left(&fit(&text, room), room), state.theme.warning());
        return;
    }
    if let Some(text) = config::prompt(state) {
        buffer.set_string(area.x, area.y, fit(&text, room), state.theme.bold());
        return;
    }
    if let Some(text) = &state.list.editing {
        buffer.set_string(area.x, area.y, fit(&prompt(state, text), room), state.theme.bold());
        return;
    }
    let said = state.notice.as_ref().or(state.model.trouble.as_ref());
    if let Some(said) = said {
        buffer.set_string(area.x, area.y, fit(&clean(said), room), state.theme.warning());
        return;
    }
    let mut show = |x: u16, (key, what): (&str, &str)| {
        buffer.set_string(x, area.y, key, state.theme.bold());
        buffer.set_string(x + width(key) as u16 + 1, area.y, what, state.theme.dim());
    };
    let needed = |(key, what): (&str, &str)| (width(key) + width(what) + 3) as u16;
    // How to get help, and out, is there even if nothing else is.
    let shared = [("?", "help"), ("q", "quit")];
    let end = area.right() + 2 - shared.into_iter().map(needed).sum::<u16>();
    let mut x = end;
    for hint in shared {
        show(x, hint);
        x += needed(hint);
    }
    x = area.x;
    for binding in definition(state.screen).bindings {
        let names = binding.names();
        let hint = (names.as_str(), binding.what);
        if x + needed(hint) > end {
            break;
        }
        show(x, hint);
        x += needed(hint);
    }
}
