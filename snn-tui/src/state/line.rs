//! Editing a line of text.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The outcome of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    Going,
    Done,
    Dropped,
}

/// Handles a key.
pub(crate) fn edit(text: &mut String, key: KeyEvent) -> Typed {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Enter => return Typed::Done,
        KeyCode::Esc => return Typed::Dropped,
        KeyCode::Backspace => drop(text.pop()),
        KeyCode::Char('u') if control => text.clear(),
        KeyCode::Char('w') if control => drop_word(text),
        KeyCode::Char(c) if !control => text.push(c),
        _ => {}
    }
    Typed::Going
}

/// Deletes the last word.
pub(crate) fn drop_word(text: &mut String) {
    let kept = text.trim_end();
    text.truncate(kept.rfind(' ').map_or(0, |space| space + 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_lines_are_deleted() {
        let mut text = String::from("lr beta  ");
        let press = |text: &mut String, code, modifiers| edit(text, KeyEvent::new(code, modifiers));
        assert_eq!(press(&mut text, KeyCode::Char('w'), KeyModifiers::CONTROL), Typed::Going);
        assert_eq!(text, "lr ");
        press(&mut text, KeyCode::Char('u'), KeyModifiers::CONTROL);
        press(&mut text, KeyCode::Char('é'), KeyModifiers::NONE);
        press(&mut text, KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(text, "é");
        press(&mut text, KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(text, "");
        assert_eq!(press(&mut text, KeyCode::Enter, KeyModifiers::NONE), Typed::Done);
        assert_eq!(press(&mut text, KeyCode::Esc, KeyModifiers::NONE), Typed::Dropped);
    }
}
