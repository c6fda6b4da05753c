//! What the keys do.

use std::iter;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{Hints, Screen, hints};
use crate::{
    state::State,
    widgets::text::{fit, left, wrap},
};

const EVERYWHERE: Hints = &[
    ("1-6 Tab", "screens"),
    ("arrows hjkl", "move"),
    ("n p", "next, previous run"),
    ("Esc", "back to the runs"),
    ("x", "stop runs, asks first"),
    ("e", "export as SVG"),
    ("Ctrl+L", "draw anew"),
    ("q Ctrl+C", "quit; runs go on"),
];

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let half = usize::from(area.width / 2);
    let list = |title: &str, hints: Hints| {
        let keys =
            hints.iter().map(|(key, what)| (fit(&format!("{} {what}", left(key, 12)), half - 2), false));
        iter::once((title.to_owned(), true)).chain(keys).chain([(String::new(), false)]).collect::<Vec<_>>()
    };
    // In full what helps here, the other screens in short.
    let mut here = list("Everywhere", EVERYWHERE);
    here.extend(list(state.screen.name(), hints(state.screen)));
    let mut elsewhere = Vec::new();
    for screen in Screen::ALL.into_iter().filter(|&screen| screen != state.screen) {
        elsewhere.push((screen.name().to_owned(), true));
        let words: Vec<_> = hints(screen).iter().map(|(key, what)| format!("{key} {what}")).collect();
        elsewhere.extend(wrap(&words.join("; "), half - 2).into_iter().map(|line| (line, false)));
    }
    for (lines, x) in [(here, area.x), (elsewhere, area.x + half as u16)] {
        for ((text, is_title), y) in lines.iter().zip(area.top()..area.bottom()) {
            let style = if *is_title { state.theme.bold() } else { Style::new() };
            buffer.set_string(x, y, text, style);
        }
    }
}
