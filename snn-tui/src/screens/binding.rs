//! Keys and their actions: the single source of key handling, hints and help.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::state::UiState;

/// The action of a key.
type Act<R> = fn(&mut UiState) -> R;

/// Related keys, and what they do.
pub(crate) struct Binding<R: 'static = ()> {
    /// A few words for hints and help; the part after a semicolon is only for the help.
    pub(crate) what: &'static str,
    /// Each key with its names, separated by `|`: `j|Down`.
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

    /// The words for the hints: those up to the first semicolon.
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

/// The name of a key: `a`, `Space`, `Enter`, `Ctrl+L`; empty for keys that cannot be bound.
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

/// The key with this name.
pub(crate) fn event(name: &str) -> Option<KeyEvent> {
    if let Some(letter) = name.strip_prefix("Ctrl+") {
        let letter = letter.chars().next()?.to_ascii_lowercase();
        return Some(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL));
    }
    let named = NAMED.iter().find(|(it, _)| *it == name).map(|(_, code)| *code);
    let single = || name.chars().next().filter(|c| name.len() == c.len_utf8()).map(KeyCode::Char);
    named.or_else(single).map(KeyEvent::from)
}

/// Performs the action of the key; `None` if it has none.
pub(crate) fn press<R>(bindings: &[Binding<R>], state: &mut UiState, key: KeyEvent) -> Option<R> {
    let name = name(key);
    let mut keys = bindings.iter().flat_map(|binding| binding.keys);
    let (_, act) = keys.find(|(names, _)| names.split('|').any(|it| it == name))?;
    Some(act(state))
}
