//! Colors and markers: what a terminal can show, and how things look there.

use ratatui::style::{Color, Modifier, Style};

/// How many colors are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colors {
    /// None: bold, dim and reversed text, and glyphs instead of shades.
    None,
    /// The sixteen of every terminal, whose exact hues the terminal chooses.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
}

/// What curves and rasters are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Marker {
    /// Two by four dots in a cell.
    Braille,
    /// Two blocks in a cell, for fonts without braille.
    #[value(name = "half-block")]
    HalfBlock,
    /// Plain ASCII.
    Ascii,
}

/// How everything looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) colors: Colors,
    pub(crate) marker: Marker,
}

/// Okabe & Ito's palette, which the color-blind can tell apart, in the 256 colors and in the sixteen.
const SERIES: [(u8, Color); 7] = [
    (32, Color::LightBlue),
    (214, Color::Yellow),
    (36, Color::Green),
    (175, Color::Magenta),
    (166, Color::Red),
    (117, Color::Cyan),
    (227, Color::LightYellow),
];

/// Shades of increasing brightness after viridis, among the 256 colors.
const SHADES: [u8; 10] = [53, 54, 60, 66, 72, 77, 113, 149, 220, 226];
/// From this shade on, black text is easier to read on it than white.
const BRIGHT: usize = 4;

/// Glyphs that cover more and more of a cell.
const RAMP: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

impl Theme {
    /// The look of the `k`-th of several things.
    pub(crate) fn series(self, k: usize) -> Style {
        let (index, ansi) = SERIES[k % SERIES.len()];
        match self.colors {
            Colors::Indexed => Style::new().fg(Color::Indexed(index)),
            Colors::Sixteen => Style::new().fg(ansi),
            Colors::None => [Style::new(), Style::new().bold(), Style::new().dim()][k % 3],
        }
    }

    /// Things of less weight.
    pub(crate) fn dim(self) -> Style {
        match self.colors {
            Colors::Indexed => Style::new().fg(Color::Indexed(245)),
            Colors::Sixteen => Style::new().fg(Color::DarkGray),
            Colors::None => Style::new().dim(),
        }
    }

    /// Headings.
    pub(crate) fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Where the cursor is.
    pub(crate) fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(crate) fn good(self) -> Style {
        self.colored(36, Color::Green)
    }

    pub(crate) fn warning(self) -> Style {
        self.colored(214, Color::Yellow).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn bad(self) -> Style {
        self.colored(166, Color::Red).add_modifier(Modifier::BOLD)
    }

    fn colored(self, index: u8, ansi: Color) -> Style {
        match self.colors {
            Colors::Indexed => Style::new().fg(Color::Indexed(index)),
            Colors::Sixteen => Style::new().fg(ansi),
            Colors::None => Style::new(),
        }
    }

    /// A cell of a map for a share of 0 to 1: a glyph, and a style that makes it a patch of color where there are
    /// enough of them. Elsewhere the glyph itself is darker or lighter.
    pub(crate) fn shade(self, share: f64) -> (char, Style) {
        let level = ((share.clamp(0.0, 1.0) * 10.0) as usize).min(SHADES.len() - 1);
        match self.colors {
            Colors::Indexed => {
                let text = if level >= BRIGHT { Color::Indexed(16) } else { Color::Indexed(231) };
                (' ', Style::new().bg(Color::Indexed(SHADES[level])).fg(text))
            }
            Colors::Sixteen => (RAMP[level], Style::new().fg(Color::Cyan)),
            Colors::None => (RAMP[level], Style::new()),
        }
    }

    /// A symbol, or what stands for it in ASCII.
    pub(crate) fn glyph(self, symbol: &'static str, ascii: &'static str) -> &'static str {
        if self.marker == Marker::Ascii { ascii } else { symbol }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_stay_readable_without_colors() {
        let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
        let glyphs: String = (0..=10).map(|k| theme.shade(f64::from(k) / 10.0).0).collect();
        assert_eq!(glyphs, " .:-=+*#%@@");
        assert!(theme.shade(0.5).1.bg.is_none());
        assert_eq!(theme.shade(f64::NAN).0, ' ');
    }

    #[test]
    fn shades_brighten() {
        let luminance = |index: u8| {
            let level =
                |digit: u8| if digit == 0 { 0.0 } else { f64::from(55 + 40 * u32::from(digit)) / 255.0 };
            let (r, g, b) = ((index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6);
            0.2126 * level(r).powf(2.2) + 0.7152 * level(g).powf(2.2) + 0.0722 * level(b).powf(2.2)
        };
        assert!(SHADES.windows(2).all(|pair| luminance(pair[0]) < luminance(pair[1])));
    }
}
