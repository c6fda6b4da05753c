//! Keys and what they do: the one place from which keys, the line of hints and the help are made.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::state::State;

/// What a key does.
type Act<R> = fn(&mut State) -> R;

/// Keys that belong together, and what they do.
pub(crate) struct Binding<R: 'static = ()> {
    /// A word or a few, for the line of hints and for the help.
    pub(crate) what: &'static str,
    /// Each key by its name, others that do the same behind it, with `|` between them: `j|Down`.
    pub(crate) keys: &'static [(&'static str, Act<R>)],
}

impl<R> Binding<R> {
    /// The names of the keys, each once: `j k`.
    pub(crate) fn names(&self) -> String {
        let names = self.keys.iter().filter_map(|(names, _)| names.split('|').next());
        names.collect::<Vec<_>>().join(" ")
    }
}

/// The name of a key: `a`, `Space`, `Enter`, `Ctrl+L`; empty for one that nothing is bound to.
pub(crate) fn name(key: KeyEvent) -> String {
    let name = match key.code {
        KeyCode::Char(' ') => "Space",
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            return format!("Ctrl+{}", c.to_uppercase());
        }
        KeyCode::Char(c) => return c.to_string(),
        KeyCode::Enter => "Enter",
        KeyCode::Esc => "Esc",
        KeyCode::Tab => "Tab",
        KeyCode::BackTab => "Shift+Tab",
        KeyCode::Up => "Up",
        KeyCode::Down => "Down",
        KeyCode::Left => "Left",
        KeyCode::Right => "Right",
        KeyCode::PageUp => "PageUp",
        KeyCode::PageDown => "PageDown",
        KeyCode::Home => "Home",
        KeyCode::End => "End",
        _ => "",
    };
    name.to_owned()
}

/// Does what the key is bound to; `None` if it is bound to nothing.
pub(crate) fn press<R>(bindings: &[Binding<R>], state: &mut State, key: KeyEvent) -> Option<R> {
    let name = name(key);
    let mut keys = bindings.iter().flat_map(|binding| binding.keys);
    let (_, act) = keys.find(|(names, _)| names.split('|').any(|it| it == name))?;
    Some(act(state))
}
