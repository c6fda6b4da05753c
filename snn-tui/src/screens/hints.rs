//! The line of keys at the bottom, generated from the bindings: as many as fit, each of which can be clicked.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    binding::{self, Binding},
    everywhere::EVERYWHERE,
    scrolling::SCROLLING,
    table::definition,
};
use crate::{
    state::{Click, UiState},
    widgets::text::width,
};

/// Keys of all screens that are always shown: filter, help, quit.
pub(super) const ALWAYS: [&str; 3] = ["/", "?", "q"];

/// A binding on the line.
#[derive(Debug, PartialEq)]
pub(super) struct Hint {
    /// Cells from the left.
    pub(super) x: usize,
    pub(super) names: Vec<&'static str>,
    pub(super) what: &'static str,
}

impl Hint {
    fn of<R>(binding: &Binding<R>) -> Self {
        Self { x: 0, names: binding.first_names().collect(), what: binding.short() }
    }

    /// Its width in cells, including the gap after it.
    fn width(&self) -> usize {
        self.names.iter().map(|name| width(name) + 1).sum::<usize>() + width(self.what) + 2
    }
}

/// The content of the line: keys of the screen on the left, those of all screens on the right.
pub(super) fn hints(state: &UiState, room: usize) -> Vec<Hint> {
    let mut shared: Vec<Hint> =
        ALWAYS.iter().filter_map(|key| EVERYWHERE.iter().find(|it| it.has(key))).map(Hint::of).collect();
    let own = match state.help {
        true if state.help_end.get() == 0 => &SCROLLING[..1],
        true => SCROLLING,
        false => definition(state.screen).bindings,
    };
    let own: Vec<Hint> = own.iter().map(Hint::of).collect();
    let mut end = room + 2;
    for hint in shared.iter_mut().rev() {
        end = end.saturating_sub(hint.width());
        hint.x = end;
    }
    let mut x = 0;
    let mut shown = Vec::new();
    for mut hint in own {
        if x + hint.width() > end {
            break;
        }
        hint.x = x;
        x += hint.width();
        shown.push(hint);
    }
    shown.extend(shared);
    shown
}

pub(super) fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    for hint in hints(state, usize::from(area.width)) {
        let mut x = area.x + hint.x as u16;
        let mut show = |text: &str, style, name: &str| {
            let place = Rect::new(x, area.y, width(text) as u16, 1).intersection(area);
            buffer.set_stringn(x, area.y, text, usize::from(place.width), style);
            if let Some(key) = binding::event(name) {
                state.clicks.add(place, Click::Key(key));
            }
            x += width(text) as u16 + 1;
        };
        for name in &hint.names {
            show(name, state.theme.bold(), name);
        }
        show(hint.what, state.theme.dim(), hint.names.first().copied().unwrap_or_default());
    }
}
