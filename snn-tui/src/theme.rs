//! Colors and markers for the capabilities of the terminal.

use ratatui::style::{Color, Modifier, Style};

/// The number of colors, and the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colors {
    /// None: bold, dim and reversed text, and glyphs instead of shades.
    None,
    /// The sixteen of every terminal, whose exact hues the terminal chooses.
    Sixteen(Ground),
    /// The 256 of xterm.
    Indexed(Ground),
}

/// The background of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ground {
    #[default]
    Dark,
    Light,
}

impl Ground {
    /// Whether a color is light, that is, has more contrast with black than with white.
    pub(crate) fn of_rgb(rgb: [f64; 3]) -> Self {
        // Black has as much contrast as white at a luminance of sqrt(1.05 * 0.05) - 0.05.
        if luminance(rgb) > 0.179 { Self::Light } else { Self::Dark }
    }
}

/// Relative luminance of a color, 0 to 1, of red, green and blue of 0 to 1 (WCAG 2, sRGB):
/// `0.2126 R + 0.7152 G + 0.0722 B`, where `C = ((c + 0.055) / 1.055)^2.4`, or `c / 12.92` below 0.04045.
pub(crate) fn luminance(rgb: [f64; 3]) -> f64 {
    let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
    rgb.into_iter().zip([0.2126, 0.7152, 0.0722]).map(|(c, weight)| weight * linear(c)).sum()
}

/// The characters for curves and rasters.
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

/// The styles of all elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) colors: Colors,
    pub(crate) marker: Marker,
}

/// After Okabe & Ito's palette for all kinds of color vision: in the 256 colors and in the sixteen, bright ones for dark
/// backgrounds.
const ON_DARK: [(u8, Color); 7] = [
    (39, Color::Cyan),
    (214, Color::LightYellow),
    (36, Color::Green),
    (175, Color::LightMagenta),
    (203, Color::LightRed),
    (117, Color::White),
    (227, Color::LightGreen),
];
/// Similar hues, darker, for light backgrounds. Few of the 16 ANSI colors are dark enough.
const ON_LIGHT: [(u8, Color); 7] = [
    (25, Color::Blue),
    (94, Color::Red),
    (22, Color::Magenta),
    (127, Color::Black),
    (124, Color::Blue),
    (54, Color::Red),
    (23, Color::Magenta),
];

/// Shades of increasing brightness after viridis, among the 256 colors.
const SHADES: [u8; 10] = [53, 54, 60, 66, 72, 77, 113, 149, 220, 226];
/// From this shade on, black text is easier to read on it than white.
const BRIGHT: usize = 3;

/// Glyphs that cover more and more of a cell.
const RAMP: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

impl Theme {
    /// The style of the `k`-th of several items.
    pub(crate) fn series(self, k: usize) -> Style {
        let pick = |colors: [(u8, Color); 7]| colors[k % colors.len()];
        match self.colors {
            Colors::None => [Style::new(), Style::new().bold(), Style::new().dim()][k % 3],
            Colors::Sixteen(Ground::Dark) => Style::new().fg(pick(ON_DARK).1),
            Colors::Sixteen(Ground::Light) => Style::new().fg(pick(ON_LIGHT).1),
            Colors::Indexed(Ground::Dark) => Style::new().fg(Color::Indexed(pick(ON_DARK).0)),
            Colors::Indexed(Ground::Light) => Style::new().fg(Color::Indexed(pick(ON_LIGHT).0)),
        }
    }

    /// Less important text. None of the 16 ANSI colors is a gray that can be read everywhere.
    pub(crate) fn dim(self) -> Style {
        match self.colors {
            Colors::None => Style::new().dim(),
            Colors::Sixteen(Ground::Dark) => Style::new().fg(Color::Gray),
            Colors::Sixteen(Ground::Light) => Style::new().fg(Color::Black),
            Colors::Indexed(Ground::Dark) => Style::new().fg(Color::Indexed(247)),
            Colors::Indexed(Ground::Light) => Style::new().fg(Color::Indexed(241)),
        }
    }

    /// Headings.
    pub(crate) fn bold(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The style of the cursor.
    pub(crate) fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(crate) fn good(self) -> Style {
        self.colored([(36, Color::Green), (22, Color::Blue)])
    }

    pub(crate) fn warning(self) -> Style {
        self.strong(self.colored([(214, Color::LightYellow), (94, Color::Magenta)]))
    }

    pub(crate) fn bad(self) -> Style {
        self.strong(self.colored([(203, Color::LightRed), (124, Color::Red)]))
    }

    /// A color in bold. Many terminals brighten bold ANSI colors, which makes them illegible on a light background.
    pub(crate) fn strong(self, style: Style) -> Style {
        if self.colors == Colors::Sixteen(Ground::Light) { style } else { style.bold() }
    }

    /// A color for dark backgrounds, or one for light ones.
    fn colored(self, [dark, light]: [(u8, Color); 2]) -> Style {
        match self.colors {
            Colors::None => Style::new(),
            Colors::Sixteen(Ground::Dark) => Style::new().fg(dark.1),
            Colors::Sixteen(Ground::Light) => Style::new().fg(light.1),
            Colors::Indexed(Ground::Dark) => Style::new().fg(Color::Indexed(dark.0)),
            Colors::Indexed(Ground::Light) => Style::new().fg(Color::Indexed(light.0)),
        }
    }

    /// The same theme on another background.
    pub(crate) fn on(self, ground: Ground) -> Self {
        let colors = match self.colors {
            Colors::None => Colors::None,
            Colors::Sixteen(_) => Colors::Sixteen(ground),
            Colors::Indexed(_) => Colors::Indexed(ground),
        };
        Self { colors, ..self }
    }

    /// A cell of a map for a value from 0 to 1: a glyph, and a style that makes it a patch of color if there are enough colors;
    /// otherwise the glyph itself is darker or lighter.
    pub(crate) fn shade(self, share: f64) -> (char, Style) {
        let level = ((share.clamp(0.0, 1.0) * 10.0) as usize).min(SHADES.len() - 1);
        match self.colors {
            Colors::Indexed(_) => {
                let text = if level >= BRIGHT { Color::Indexed(16) } else { Color::Indexed(231) };
                (' ', Style::new().bg(Color::Indexed(SHADES[level])).fg(text))
            }
            Colors::Sixteen(Ground::Dark) => (RAMP[level], Style::new().fg(Color::Cyan)),
            Colors::Sixteen(Ground::Light) => (RAMP[level], Style::new().fg(Color::Blue)),
            Colors::None => (RAMP[level], Style::new()),
        }
    }

    /// A symbol, or its ASCII substitute.
    pub(crate) fn glyph(self, symbol: &'static str, ascii: &'static str) -> &'static str {
        if self.marker == Marker::Ascii { ascii } else { symbol }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sixteen colors of xterm and the Linux console.
    const XTERM: [u32; 16] = [
        0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000,
        0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
    ];
    const CONSOLE: [u32; 16] = [
        0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa, 0x555555, 0xff5555,
        0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
    ];
    /// Common backgrounds: black, VS Code, gruvbox.
    const DARK: [u32; 3] = [0x000000, 0x1e1e1e, 0x282828];
    const LIGHT: [u32; 4] = [0xffffff, 0xfafafa, 0xeeeeee, 0xfdf6e3];

    fn rgb(hex: u32) -> [f64; 3] {
        [16, 8, 0].map(|shift| f64::from(hex >> shift & 0xff) / 255.0)
    }

    /// (lighter + 0.05) / (darker + 0.05), as in WCAG 2.
    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(rgb(a)), luminance(rgb(b)));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn hex(color: Color, sixteen: &[u32; 16]) -> Option<u32> {
        use Color::*;
        let names = [
            Black,
            Red,
            Green,
            Yellow,
            Blue,
            Magenta,
            Cyan,
            Gray,
            DarkGray,
            LightRed,
            LightGreen,
            LightYellow,
            LightBlue,
            LightMagenta,
            LightCyan,
            White,
        ];
        match color {
            Indexed(k @ 16..=231) => {
                let k = u32::from(k) - 16;
                let level = |digit: u32| if digit == 0 { 0 } else { 55 + 40 * digit };
                Some(level(k / 36) << 16 | level(k / 6 % 6) << 8 | level(k % 6))
            }
            Indexed(k @ 232..) => Some((8 + 10 * (u32::from(k) - 232)) * 0x01_01_01),
            Reset => None,
            color => Some(sixteen[names.iter().position(|it| *it == color).expect("one of the 16")]),
        }
    }

    #[test]
    fn every_color_has_contrast_to_its_background() {
        assert_eq!(contrast(0x000000, 0xffffff), 21.0);
        assert!((contrast(0x767676, 0xffffff) - 4.54).abs() < 0.01, "the well-known limit of gray on white");
        for (ground, backgrounds) in [(Ground::Dark, &DARK[..]), (Ground::Light, &LIGHT[..])] {
            for (colors, backgrounds) in
                [(Colors::Indexed(ground), backgrounds), (Colors::Sixteen(ground), &backgrounds[..1])]
            {
                let theme = Theme { colors, marker: Marker::Braille };
                let mut styles: Vec<(String, Style)> =
                    (0..10).map(|k| (format!("series {k}"), theme.series(k))).collect();
                let named = [
                    ("dim", theme.dim()),
                    ("bold", theme.bold()),
                    ("cursor", theme.cursor()),
                    ("good", theme.good()),
                    ("warning", theme.warning()),
                    ("bad", theme.bad()),
                ];
                styles.extend(named.map(|(name, style)| (name.to_owned(), style)));
                styles.extend((0..7).map(|k| (format!("strong {k}"), theme.strong(theme.series(k)))));
                styles.extend((0..=20).map(|k| (format!("shade {k}"), theme.shade(f64::from(k) / 20.0).1)));
                for (name, style) in styles {
                    // The contrast of dim or blinking text is unknown.
                    assert!(!style.add_modifier.intersects(Modifier::DIM | Modifier::HIDDEN), "{name}");
                    for sixteen in [&XTERM, &CONSOLE] {
                        let of = |color: Option<Color>| color.and_then(|color| hex(color, sixteen));
                        let Some(ink) = of(style.fg) else { continue };
                        // Some terminals show bold text in the first 8 colors with the bright variants.
                        let is_bold = style.add_modifier.contains(Modifier::BOLD);
                        let place = sixteen[..8].iter().position(|it| *it == ink);
                        let brighter = place.filter(|_| is_bold).map(|place| sixteen[place + 8]);
                        let papers = of(style.bg).map_or(backgrounds.to_vec(), |paper| vec![paper]);
                        for (ink, paper) in papers.iter().flat_map(|paper| {
                            [Some(ink), brighter].into_iter().flatten().map(move |ink| (ink, *paper))
                        }) {
                            let contrast = contrast(ink, paper);
                            assert!(
                                contrast >= 4.5,
                                "{colors:?} {name}: {ink:06x} on {paper:06x}: {contrast:.2}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn grounds_are_distinguished() {
        for (hex, ground) in
            DARK.iter().map(|it| (it, Ground::Dark)).chain(LIGHT.iter().map(|it| (it, Ground::Light)))
        {
            assert_eq!(Ground::of_rgb(rgb(*hex)), ground, "{hex:06x}");
        }
        let theme = Theme { colors: Colors::None, marker: Marker::Ascii };
        assert_eq!(theme.on(Ground::Light), theme, "without colors there is nothing to choose");
    }

    #[test]
    fn colors_of_one_set_differ() {
        for colors in
            [Colors::Indexed(Ground::Dark), Colors::Indexed(Ground::Light), Colors::Sixteen(Ground::Dark)]
        {
            let theme = Theme { colors, marker: Marker::Braille };
            let all: std::collections::HashSet<_> = (0..7).map(|k| theme.series(k).fg).collect();
            assert_eq!(all.len(), 7, "{colors:?}");
        }
    }

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
        let of = |index: u8| luminance(rgb(hex(Color::Indexed(index), &XTERM).expect("a color")));
        assert!(SHADES.windows(2).all(|pair| of(pair[0]) < of(pair[1])));
    }
}
