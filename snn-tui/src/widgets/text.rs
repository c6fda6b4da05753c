//! Text in cells: widths, cuts, numbers.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The width of a text in cells.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A text on one line, with escaped control characters: names of runs may contain anything.
pub(crate) fn clean(text: &str) -> String {
    snn_terminal::escape(text).into_owned()
}

/// As much of a text as fits into this number of cells; a cut is marked at the end.
pub(crate) fn fit(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let (mut cut, mut used) = (String::new(), 0);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > cells.saturating_sub(1) {
            break;
        }
        cut.push(c);
    }
    if cells > 0 {
        cut.push('~');
    }
    cut
}

/// As [`fit`], but cut in the middle: names of runs often differ only at their ends.
pub(crate) fn fit_middle(text: &str, cells: usize) -> String {
    if text.width() <= cells || cells < 5 {
        return fit(text, cells);
    }
    let end = (cells - 1) / 2;
    let mut tail = Vec::new();
    let mut used = 0;
    for c in text.chars().rev() {
        used += c.width().unwrap_or(0);
        if used > end {
            break;
        }
        tail.push(c);
    }
    let tail: String = tail.into_iter().rev().collect();
    // The mark of the cut is the one of `fit`.
    fit(text, cells - tail.width()) + &tail
}

/// A text cut or padded to this number of cells, left-aligned.
pub(crate) fn left(text: &str, cells: usize) -> String {
    let text = fit(text, cells);
    let missing = cells.saturating_sub(text.width());
    text + &" ".repeat(missing)
}

/// A text cut or padded to this number of cells, right-aligned.
pub(crate) fn right(text: &str, cells: usize) -> String {
    let text = fit(text, cells);
    " ".repeat(cells.saturating_sub(text.width())) + &text
}

/// A text in lines of at most this number of cells, broken at spaces if possible.
pub(crate) fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let mut word = word.to_owned();
            if !line.is_empty() && line.width() + 1 + word.width() > cells {
                lines.push(std::mem::take(&mut line));
            }
            while word.width() > cells {
                let mut used = 0;
                let cut = word.char_indices().find(|(_, c)| {
                    used += c.width().unwrap_or(0);
                    used > cells
                });
                let rest = word.split_off(cut.map_or(word.len(), |(at, _)| at.max(1)));
                lines.push(std::mem::replace(&mut word, rest));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += &word;
        }
        lines.push(line);
    }
    lines
}

/// A number in a few characters, to three or four significant digits: `0.031`, `12.5`, `1.2e-7`, `3.4e6`.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-3.0..5.0).contains(&magnitude) {
        let text = format!("{value:.1e}");
        return text.replace(".0e", "e");
    }
    let decimals = (3.0 - magnitude).clamp(0.0, 5.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number with this number of decimals; `-` if unknown.
pub(crate) fn decimals(value: Option<f64>, digits: usize) -> String {
    value
        .filter(|value| value.is_finite())
        .map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// A fraction as a percentage without the sign; `-` if unknown.
pub(crate) fn percent(share: Option<f64>) -> String {
    decimals(share.map(|share| 100.0 * share), 2)
}

/// A count with commas between thousands, such as `10,000`.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (k, digit) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of things, such as `1 spike` and `12,000 spikes`.
pub(crate) fn several(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A duration in its two largest units, such as `1h 05m`.
pub(crate) fn duration(seconds: f64) -> String {
    // Saturates; fractions are not shown.
    let seconds = seconds as u64;
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (0, hours, minutes, _) => format!("{hours}h {minutes:02}m"),
        (days, hours, ..) => format!("{days}d {hours:02}h"),
    }
}

/// Bytes in a readable unit.
pub(crate) fn bytes(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return format!("{} {unit}", number((value * 100.0).round() / 100.0));
        }
        value /= 1000.0;
    }
    format!("{} TB", number((value * 100.0).round() / 100.0))
}

#[cfg(test)]
pub(crate) mod tests {
    use ratatui::buffer::Buffer;

    use super::*;

    /// The rows of a buffer as text, without the spaces at their ends.
    pub(crate) fn lines(buffer: &Buffer) -> Vec<String> {
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    #[test]
    fn texts_fit_their_cells() {
        assert_eq!(
            (fit("abcdef", 4), fit("abc", 4), fit("abc", 0)),
            ("abc~".into(), "abc".into(), String::new())
        );
        assert_eq!(fit_middle("randman-20261123-ab12", 11), "randm~-ab12");
        assert_eq!((fit_middle("abc", 3), fit_middle("abcdef", 4)), ("abc".into(), "abc~".to_owned()));
        assert_eq!((left("ab", 4), right("ab", 4)), ("ab  ".to_owned(), "  ab".to_owned()));
        assert_eq!(width(&left("神経回路網", 6)), 6, "wide characters take two cells");
        assert_eq!(clean("a\x1b[2Jb\n"), "a\\u001b[2Jb\\n");
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.031_25, 12.5, 1234.56, 1.2e-7, 3.4e6, -0.5, 100.0, f64::NAN].map(number);
        assert_eq!(shown, ["0", "0.03125", "12.5", "1235", "1.2e-7", "3.4e6", "-0.5", "100", "-"]);
        assert_eq!((percent(Some(0.98765)), percent(None)), ("98.77".to_owned(), "-".to_owned()));
        assert_eq!([1, 1000, 1_234_567].map(count), ["1", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 1, 2000].map(|number| several(number, "spike")),
            ["0 spikes", "1 spike", "2,000 spikes"]
        );
        assert_eq!([512.0, 1.5e6, 2e13].map(bytes), ["512 B", "1.5 MB", "20 TB"]);
    }

    #[test]
    fn durations_are_short() {
        let shown = [-1.0, 5.9, 65.0, 3_900.0, 90_000.0, f64::NAN].map(duration);
        assert_eq!(shown, ["0s", "5s", "1m 05s", "1h 05m", "1d 01h", "0s"]);
    }
}
