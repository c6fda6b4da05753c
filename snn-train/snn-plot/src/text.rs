//! The font, and the markup of labels: `^{..}` raises, `_{..}` lowers, `*..*` is italic, `\` escapes the next character.

/// The built-in font family, then families with the same metrics, for SVG viewers that lack it.
pub(super) const FAMILY: &str = "Arimo, Arial, Helvetica, 'Liberation Sans', sans-serif";

/// Regular, italic and bold.
pub(super) const FONTS: [&[u8]; 3] = [
    include_bytes!("fonts/Arimo-Regular.ttf"),
    include_bytes!("fonts/Arimo-Italic.ttf"),
    include_bytes!("fonts/Arimo-Bold.ttf"),
];

/// Size and shifts of sub- and superscripts, relative to the surrounding text.
pub(super) const SMALL: f64 = 0.72;
const RAISE: f64 = 0.38;
const DROP: f64 = 0.2;

/// A part of a label in one style.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) text: String,
    /// Its height above the baseline, relative to the size of the label.
    pub(super) raise: f64,
    /// Whether it is smaller, by [`SMALL`].
    pub(super) small: bool,
    pub(super) italic: bool,
}

/// Characters with a meaning in labels.
const SIGNS: [char; 6] = ['^', '_', '{', '}', '*', '\\'];

/// Escapes a text for use as a label.
#[must_use]
pub fn literal(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for letter in text.chars() {
        if SIGNS.contains(&letter) {
            label.push('\\');
        }
        label.push(letter);
    }
    label
}

/// The parts of a label; none is empty.
pub(super) fn runs(label: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run = Run { text: String::new(), raise: 0.0, small: false, italic: false };
    let mut letters = label.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\\'
            && let Some(kept) = letters.next_if(|next| SIGNS.contains(next))
        {
            run.text.push(kept);
            continue;
        }
        let opens = matches!(letter, '^' | '_') && letters.peek() == Some(&'{');
        let closes = letter == '}' && run.small;
        if !(opens || closes || letter == '*') {
            run.text.push(letter);
            continue;
        }
        let next = Run { text: String::new(), ..run };
        runs.push(std::mem::replace(&mut run, next));
        if opens {
            letters.next();
            run.raise = if letter == '^' { RAISE } else { -DROP };
            run.small = true;
        } else if closes {
            (run.raise, run.small) = (0.0, false);
        } else {
            run.italic = !run.italic;
        }
    }
    runs.push(run);
    runs.retain(|run| !run.text.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_text_has_no_markup() {
        for text in ["a_{b}^{c} *d*", "\\", "\\*", "run_1 {x}"] {
            let runs = runs(&literal(text));
            assert_eq!(runs.len(), 1, "{text}");
            assert_eq!(runs[0].text, text);
            assert!(!runs[0].italic && !runs[0].small);
        }
        assert_eq!(runs("C:\\new")[0].text, "C:\\new", "before other letters it is itself");
    }
}
