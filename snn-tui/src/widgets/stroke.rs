//! How curves are drawn, so that they are told apart without colors.

use ratatui::style::Style;

use super::Dots;

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stroke {
    #[default]
    Solid,
    Dashed,
    Dotted,
    /// For what lies behind.
    Faint,
}

impl Stroke {
    /// That of the `k`-th of several curves.
    pub(crate) fn of(k: usize) -> Self {
        [Self::Solid, Self::Dashed, Self::Dotted][k % 3]
    }

    /// Draws a part of a curve that is `length` dots long already. Returns its length with it.
    pub(crate) fn draw(
        self,
        dots: &mut Dots,
        from: (f64, f64),
        to: (f64, f64),
        length: f64,
        style: Style,
    ) -> f64 {
        let (on, period) = match self {
            Self::Solid => (1.0, 1.0),
            Self::Dashed => (5.0, 8.0),
            Self::Dotted => (1.0, 2.0),
            Self::Faint => (1.0, 4.0),
        };
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let steps = dx.abs().max(dy.abs()).round().max(1.0);
        let (width, height) = dots.size();
        // Most of a very long one is outside; gaps would take forever, and not be seen.
        if self == Self::Solid || steps > 4.0 * (width + height) as f64 {
            dots.line(from, to, style);
        } else {
            for step in 0..=steps as usize {
                let share = step as f64 / steps;
                if (length + step as f64) % period < on {
                    let point = (from.0 + share * dx, from.1 + share * dy);
                    dots.line(point, point, style);
                }
            }
        }
        length + steps
    }
}
