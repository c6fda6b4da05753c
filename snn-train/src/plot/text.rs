//! The font, and the markup of labels.

use std::fmt::Write as _;

/// The family that ships, then families with the same widths, for viewers of the SVG that lack it.
pub(super) const FAMILY: &str = "Arimo, Arial, Helvetica, 'Liberation Sans', sans-serif";

/// Regular, italic and bold.
pub(super) const FONTS: [&[u8]; 3] = [
    include_bytes!("fonts/Arimo-Regular.ttf"),
    include_bytes!("fonts/Arimo-Italic.ttf"),
    include_bytes!("fonts/Arimo-Bold.ttf"),
];

/// Sub- and superscripts, relative to the text around them.
const SMALL: f64 = 0.72;
const RAISE: f64 = 0.38;
const DROP: f64 = 0.2;

/// The content of an SVG text element of `size` points for a label with `^{..}`, `_{..}` and `*italics*`.
pub(super) fn spans(label: &str, size: f64) -> String {
    let mut writer =
        Writer { size, spans: String::new(), baseline: 0.0, raise: 0.0, small: false, italic: false };
    let mut part = String::new();
    let mut letters = label.chars().peekable();
    while let Some(letter) = letters.next() {
        let opens = matches!(letter, '^' | '_') && letters.peek() == Some(&'{');
        let closes = letter == '}' && writer.small;
        if !(opens || closes || letter == '*') {
            part.push(letter);
            continue;
        }
        writer.write(&std::mem::take(&mut part));
        if opens {
            letters.next();
            writer.raise = if letter == '^' { RAISE } else { -DROP };
            writer.small = true;
        } else if closes {
            (writer.raise, writer.small) = (0.0, false);
        } else {
            writer.italic = !writer.italic;
        }
    }
    writer.write(&part);
    writer.spans
}

struct Writer {
    size: f64,
    spans: String,
    /// By how much the text written last is raised; shifts in SVG are relative to it.
    baseline: f64,
    raise: f64,
    small: bool,
    italic: bool,
}

impl Writer {
    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut style = String::new();
        // Writing to a string cannot fail.
        if self.raise != self.baseline {
            let _ = write!(style, " dy=\"{:.2}\"", self.size * (self.baseline - self.raise));
            self.baseline = self.raise;
        }
        if self.small {
            let _ = write!(style, " font-size=\"{:.2}\"", self.size * SMALL);
        }
        if self.italic {
            style.push_str(" font-style=\"italic\"");
        }
        let text = escape(text);
        let _ = match style.as_str() {
            "" => write!(self.spans, "{text}"),
            style => write!(self.spans, "<tspan{style}>{text}</tspan>"),
        };
    }
}

/// Text as XML has it.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_spans() {
        assert_eq!(spans("a < b & c", 10.0), "a &lt; b &amp; c");
        assert_eq!(spans("10^{−3}", 10.0), r#"10<tspan dy="-3.80" font-size="7.20">−3</tspan>"#);
        assert_eq!(
            spans("*n*_{h} = 1", 10.0),
            "<tspan font-style=\"italic\">n</tspan><tspan dy=\"2.00\" font-size=\"7.20\">h</tspan><tspan dy=\"-2.00\"> = \
             1</tspan>"
        );
        assert_eq!(spans("a_b {c} ^2", 10.0), "a_b {c} ^2", "only a brace after the sign makes an index");
    }
}
