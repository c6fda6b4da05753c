//! The background color: the terminal's answer arrives on the same channel as keys, at once or, over a slow connection, seconds later.
//! Nothing blocks until it arrives, and no part of it is mistaken for keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::theme::Ground;

/// OSC 11 with a question mark. Terminals that support it answer `ESC ] 11 ; rgb:RRRR/GGGG/BBBB ESC \`; others ignore it.
pub(super) const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";

/// Distinguishes the answer from keys.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    /// The possible beginning of an answer.
    held: Vec<KeyEvent>,
}

/// What came from the terminal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Part of what may become an answer.
    Nothing,
    Keys(Vec<KeyEvent>),
    Background(Ground),
}

/// The answer up to the color; with `rgba:` there is a fourth number.
const PREFIXES: [&str; 2] = ["11;rgb:", "11;rgba:"];
/// The longest answer.
const MOST: usize = 32;

impl Listener {
    /// Whether keys are held back because they may be part of an answer.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Nothing else arrived: what was held back were keys.
    pub(crate) fn release(&mut self) -> Heard {
        Heard::Keys(std::mem::take(&mut self.held))
    }

    /// Takes a key, or a part of an answer that looks like one.
    pub(crate) fn hear(&mut self, key: KeyEvent) -> Heard {
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        if self.held.is_empty() {
            // ESC ] reads as Alt and the bracket.
            if alt && key.code == KeyCode::Char(']') {
                self.held.push(key);
                return Heard::Nothing;
            }
            return Heard::Keys(vec![key]);
        }
        let text: String = self.held[1..].iter().filter_map(|key| key.code.as_char()).collect();
        let is_end = match key.code {
            KeyCode::Char('\\') => alt,
            KeyCode::Char('g') => key.modifiers.contains(KeyModifiers::CONTROL),
            KeyCode::Esc => true,
            _ => false,
        };
        if is_end && let Some(ground) = ground(&text) {
            self.held.clear();
            return Heard::Background(ground);
        }
        self.held.push(key);
        let text = text + &key.code.as_char().map(String::from).unwrap_or_default();
        let may_be = PREFIXES.iter().any(|prefix| match text.strip_prefix(prefix) {
            Some(color) => color.chars().all(|c| c == '/' || c.is_ascii_hexdigit()),
            None => prefix.starts_with(&text),
        });
        if is_end || !may_be || key.code.as_char().is_none() || self.held.len() > MOST {
            return self.release();
        }
        Heard::Nothing
    }
}

/// Dark or light, of an answer without its ends; numbers have one to four hexadecimal digits.
fn ground(answer: &str) -> Option<Ground> {
    let color = PREFIXES.iter().find_map(|prefix| answer.strip_prefix(prefix))?;
    let mut levels = color.split('/').map(|digits| {
        let level = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() <= 4)?;
        Some(f64::from(level) / (16_f64.powi(digits.len() as i32) - 1.0))
    });
    let mut next = || levels.next().flatten();
    Some(Ground::of_rgb([next()?, next()?, next()?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As crossterm reads bytes.
    fn keys(bytes: &str) -> Vec<KeyEvent> {
        let mut keys = Vec::new();
        let mut alt = KeyModifiers::NONE;
        for c in bytes.chars() {
            match c {
                '\x1b' => alt = KeyModifiers::ALT,
                '\x07' => keys.push(KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL)),
                c => keys
                    .push(KeyEvent::new(KeyCode::Char(c), std::mem::replace(&mut alt, KeyModifiers::NONE))),
            }
        }
        keys
    }

    /// Keys and answers in what was typed.
    fn heard(bytes: &str) -> (String, Vec<Ground>) {
        let (mut listener, mut typed, mut grounds) = (Listener::default(), String::new(), Vec::new());
        let mut take = |heard| match heard {
            Heard::Nothing => {}
            Heard::Keys(keys) => typed.extend(keys.iter().filter_map(|key| key.code.as_char())),
            Heard::Background(ground) => grounds.push(ground),
        };
        keys(bytes).into_iter().for_each(|key| take(listener.hear(key)));
        take(listener.release());
        assert!(!listener.is_holding());
        (typed, grounds)
    }

    #[test]
    fn answers_and_keys_are_distinguished() {
        let of = |typed: &str, grounds: &[Ground]| (typed.to_owned(), grounds.to_vec());
        assert_eq!(heard("j\x1b]11;rgb:ffff/ffff/ffff\x1b\\k"), of("jk", &[Ground::Light]));
        assert_eq!(heard("\x1b]11;rgb:1e1e/1e1e/1e1e\x07x"), of("x", &[Ground::Dark]));
        assert_eq!(heard("\x1b]11;rgba:FD/F6/E3/ff\x1b\\"), of("", &[Ground::Light]));
        // A user who types, and terminals with other answers.
        assert_eq!(heard("]11;rgb"), of("]11;rgb", &[]));
        assert_eq!(heard("\x1b]"), of("]", &[]), "released once nothing else comes");
        assert_eq!(heard("\x1b]q"), of("]q", &[]));
        assert_eq!(heard("\x1b]11;rgb:ffff/\x1b\\q"), of("]11;rgb:ffff/\\q", &[]));
        assert_eq!(heard("\x1b]11;rgb:12345/0/0\x07"), of("]11;rgb:12345/0/0g", &[]));
        let long = format!("\x1b]11;rgb:{}", "f".repeat(100));
        assert_eq!(heard(&long).0.len(), long.len() - 1, "nothing is held forever");
    }
}
