//! Quoting for shell commands.

use std::{ffi::OsStr, fmt::Write as _};

/// Quotes a word, such as a path, for a shell if necessary; control characters and invalid text are escaped (`$'\x1b'`, supported by
/// bash, zsh and most others).
///
/// ```
/// use snn_run::shell_word;
///
/// assert_eq!(shell_word("runs/a-1"), "runs/a-1");
/// assert_eq!(shell_word("my runs/$(a)"), "'my runs/$(a)'");
/// ```
#[must_use]
pub fn shell_word(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    match word.to_str() {
        // A word that begins with a dash would be parsed as an option.
        Some(text) if text.starts_with('-') => format!("./{text}", text = plain_or_quoted(text)),
        Some(text) if !text.chars().any(char::is_control) => plain_or_quoted(text),
        _ => escaped(word.as_encoded_bytes()),
    }
}

fn plain_or_quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_=.,:/+@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::from("$'");
    for &byte in bytes {
        match byte {
            b'\'' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=b'~' => out.push(char::from(byte)),
            // Always three digits, to separate it from a digit that follows.
            _ => drop(write!(out, "\\{byte:03o}")),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_shell_restores_the_original_words() {
        use std::{os::unix::ffi::OsStrExt as _, process::Command};

        let words: [&[u8]; 9] = [
            b"runs/a-1",
            b"a b",
            b"it's",
            b"$(touch x)`y`",
            b"",
            "r\u{e9}sum\u{e9}".as_bytes(),
            b"x\x1b]0;t\x07 7",
            b"\xff\xfe'\\",
            b"new\nline",
        ];
        for word in words {
            let quoted = shell_word(OsStr::from_bytes(word));
            assert!(!quoted.chars().any(char::is_control), "{quoted:?}");
            let Ok(said) = Command::new("bash").args(["-c", &format!("printf %s {quoted}")]).output() else {
                return;
            };
            assert_eq!(said.stdout, word, "{quoted}");
        }
        assert_eq!(shell_word("-rf"), "./-rf");
    }
}
