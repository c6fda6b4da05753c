//! What the keys do.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Hints, Screen, hints};
use crate::{state::State, widgets::text::left};

const EVERYWHERE: Hints = &[
    ("1-6 Tab", "screens"),
    ("arrows hjkl", "move"),
    ("n p", "next, previous run"),
    ("Esc", "back to the runs"),
    ("x", "stop runs, asks first"),
    ("e", "export what is shown as SVG"),
    ("Ctrl+L", "draw anew"),
    ("q Ctrl+C", "quit; runs go on"),
];

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let half = area.width / 2;
    let column = |title: &str, hints: Hints, x: u16, y: u16, buffer: &mut Buffer| {
        let mut y = y;
        if y < area.bottom() {
            buffer.set_string(x, y, title, state.theme.bold());
        }
        for (key, what) in hints {
            y += 1;
            if y < area.bottom() {
                let text = format!("{} {what}", left(key, 12));
                buffer.set_string(
                    x,
                    y,
                    left(&text, usize::from(half).saturating_sub(1)),
                    ratatui::style::Style::new(),
                );
            }
        }
        y + 2
    };
    let mut places = [area.y, area.y];
    places[0] = column("Everywhere", EVERYWHERE, area.x, places[0], buffer);
    for (k, screen) in Screen::ALL.into_iter().enumerate() {
        // The second column is as long as the first with the first screen below it.
        let side = usize::from(k > 0 && k < 5);
        let x = area.x + half * side as u16;
        places[side] = column(screen.name(), hints(screen), x, places[side], buffer);
    }
}
