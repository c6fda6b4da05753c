//! Line styles of curves, which distinguish them without colors.

use ratatui::style::Style;

use super::Dots;

/// The line style of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stroke {
    #[default]
    Solid,
    Dashed,
    Dotted,
    /// For curves in the background.
    Faint,
}

impl Stroke {
    /// The style of the `k`-th of several curves.
    pub(crate) fn of(k: usize) -> Self {
        [Self::Solid, Self::Dashed, Self::Dotted][k % 3]
    }

    /// Draws a line of a curve after `length` dots of it. Returns the new length.
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
        // Most of a very long line is outside; gaps would take too long and be invisible.
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
