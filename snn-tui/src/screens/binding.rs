//! Keys and what they do: the one place from which keys, the line of hints and the help are made.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::state::UiState;

/// What a key does.
type Act<R> = fn(&mut UiState) -> R;

/// Keys that belong together, and what they do.
pub(crate) struct Binding<R: 'static = ()> {
    /// A word or a few, for the line of hints and for the help; what stands behind a semicolon is for the help alone.
    pub(crate) what: &'static str,
    /// Each key by its name, others that do the same behind it, with `|` between them: `j|Down`.
    pub(crate) keys: &'static [(&'static str, Act<R>)],
}

impl<R> Binding<R> {
    /// The names of the keys, each once: `j k`.
    pub(crate) fn names(&self) -> String {
        self.first_names().collect::<Vec<_>>().join(" ")
    }

    /// The first name of each key.
    pub(crate) fn first_names(&self) -> impl Iterator<Item = &'static str> + use<R> {
        self.keys.iter().filter_map(|(names, _)| names.split('|').next())
    }

    /// What it does, in short: up to the first semicolon.
    pub(crate) fn short(&self) -> &'static str {
        self.what.split(';').next().unwrap_or(self.what)
    }

    /// Whether one of its keys has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|(names, _)| names.split('|').any(|it| it == name))
    }
}

/// Keys with a name of more than one character.
const NAMED: [(&str, KeyCode); 15] = [
    ("Space", KeyCode::Char(' ')),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Shift+Tab", KeyCode::BackTab),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
];

/// The name of a key: `a`, `Space`, `Enter`, `Ctrl+L`; empty for one that nothing is bound to.
pub(crate) fn name(key: KeyEvent) -> String {
    if key.modifiers.contains(KeyModifiers::ALT) {
        return String::new();
    }
    match key.code {
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            format!("Ctrl+{}", c.to_uppercase())
        }
        code => match NAMED.iter().find(|(_, it)| *it == code) {
            Some((name, _)) => (*name).to_owned(),
            None => code.as_char().map(String::from).unwrap_or_default(),
        },
    }
}

/// The key of a name.
pub(crate) fn event(name: &str) -> Option<KeyEvent> {
    if let Some(letter) = name.strip_prefix("Ctrl+") {
        let letter = letter.chars().next()?.to_ascii_lowercase();
        return Some(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
    }
    let named = NAMED.iter().find(|(it, _)| *it == name).map(|(_, code)| *code);
    let single = || name.chars().next().filter(|c| name.len() == c.len_utf8()).map(KeyCode::Char);
    named.or_else(single).map(KeyEvent::from)
}

/// Does what the key is bound to; `None` if it is bound to nothing.
pub(crate) fn press<R>(bindings: &[Binding<R>], state: &mut UiState, key: KeyEvent) -> Option<R> {
    let name = name(key);
    let mut keys = bindings.iter().flat_map(|binding| binding.keys);
    let (_, act) = keys.find(|(names, _)| names.split('|').any(|it| it == name))?;
    Some(act(state))
}
