//! Safe printing of untrusted text: names of runs, classes and files, server messages, keys and values.
//!
//! Terminals execute escape sequences. One in the name of a folder can change the title, move the cursor, hide a line or, in
//! some terminals, type a command. Therefore all output of the programs in this workspace goes through [`stdout`] and
//! [`stderr`], whose writer escapes every [unsafe](is_unsafe) character. Line breaks pass; a text that must not break a line
//! or a table goes through [`escape`] first.
//!
//! The escapes are those of JSON (`\t`, `\u001b`), so JSON keeps its meaning when it is escaped.

use std::{
    borrow::Cow,
    env,
    fmt::{self, Write as _},
    io::{self, IsTerminal, Write},
};

/// Whether a character must be escaped on a terminal: control characters (C0 including tab and line breaks, DEL, C1), those
/// that reorder text (bidirectional marks, embeddings, overrides and isolates), line and paragraph separators, and invisible
/// characters that hide text (the byte order mark, tags).
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line, with every unsafe character escaped as in JSON: `\u001b`, `\n`, `\u202e`.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_but(text, |_| false)
}

/// Like [`escape`], but keeps line breaks.
#[must_use]
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_but(text, |c| c == '\n')
}

fn escape_but(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_bad = |c: char| is_unsafe(c) && !is_kept(c);
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !is_bad(c) => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(escaped)
}

/// Whether the command line is free of unsafe characters. Then messages of a parser that quotes it can be printed
/// unescaped, with colors.
#[must_use]
pub fn arguments_are_safe() -> bool {
    !env::args_os().any(|argument| argument.to_string_lossy().contains(is_unsafe))
}

/// Standard output, locked until the value is dropped; everything written is escaped.
#[must_use]
pub fn stdout() -> Escaped<io::StdoutLock<'static>> {
    Escaped::new(io::stdout().lock())
}

/// Standard error, locked until the value is dropped; everything written is escaped.
#[must_use]
pub fn stderr() -> Escaped<io::StderrLock<'static>> {
    Escaped::new(io::stderr().lock())
}

/// A text writer that escapes every [unsafe](is_unsafe) character except line breaks. Bytes that are not UTF-8 become U+FFFD,
/// as when displaying a path.
#[derive(Debug)]
pub struct Escaped<W> {
    inner: W,
    /// The beginning of an incomplete character.
    pending: Vec<u8>,
}

impl<W: Write> Escaped<W> {
    /// Escapes text before writing it to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, pending: Vec::new() }
    }

    /// Writes a text with the program's own colors: sequences `ESC [ .. m` of digits and semicolons pass. Untrusted parts must
    /// have gone through [`escape`].
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_colored(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(start) = rest.find("\x1b[") {
            let (before, sequence) = rest.split_at(start);
            self.write_all(before.as_bytes())?;
            let parameters = sequence[2..].bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b';');
            let end = 2 + parameters.count();
            if sequence[end..].starts_with('m') {
                self.inner.write_all(&sequence.as_bytes()[..=end])?;
                rest = &sequence[end + 1..];
            } else {
                self.write_all(b"\x1b")?;
                rest = &sequence[1..];
            }
        }
        self.write_all(rest.as_bytes())
    }
}

impl<W: IsTerminal> Escaped<W> {
    /// Whether this is a terminal.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.inner.is_terminal()
    }
}

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = std::mem::take(&mut self.pending);
        text.extend_from_slice(bytes);
        let mut rest = text.as_slice();
        loop {
            match str::from_utf8(rest) {
                Ok(valid) => {
                    self.inner.write_all(escape_lines(valid).as_bytes())?;
                    return Ok(bytes.len());
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    self.inner.write_all(escape_lines(&String::from_utf8_lossy(valid)).as_bytes())?;
                    let Some(invalid) = error.error_len() else {
                        self.pending = after.to_vec();
                        return Ok(bytes.len());
                    };
                    self.inner.write_all("\u{fffd}".as_bytes())?;
                    rest = &after[invalid..];
                }
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }

    /// In a single write, so that lines of several threads and processes do not mix.
    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        match arguments.as_str() {
            Some(text) => self.write_all(text.as_bytes()),
            None => self.write_all(arguments.to_string().as_bytes()),
        }
    }
}

/// `println!` through [`stdout`]; errors are ignored.
#[macro_export]
macro_rules! print_line {
    ($($arguments:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(
            &mut $crate::stdout(), ::std::format_args!("{}\n", ::std::format_args!($($arguments)*)));
    }};
}

/// `eprintln!` through [`stderr`]; errors are ignored.
#[macro_export]
macro_rules! print_error {
    ($($arguments:tt)*) => {{
        let _ = ::std::io::Write::write_fmt(
            &mut $crate::stderr(), ::std::format_args!("{}\n", ::std::format_args!($($arguments)*)));
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[&[u8]]) -> String {
        let mut out = Escaped::new(Vec::new());
        pieces.iter().for_each(|piece| out.write_all(piece).unwrap());
        String::from_utf8(out.inner).unwrap()
    }

    #[test]
    fn unsafe_characters_are_escaped_and_all_others_kept() {
        for c in (0..=0x10_ffff_u32).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            let escaped = escape(&text);
            assert!(!escaped.contains(is_unsafe), "{escaped:?}");
            assert_eq!(is_unsafe(c), escaped != text, "{c:?}");
            if c.is_control() {
                assert!(is_unsafe(c), "{c:?}");
            }
        }
        assert_eq!(escape("\x1b]0;x\x07 \u{9b}2J\u{202e}\n"), "\\u001b]0;x\\u0007 \\u009b2J\\u202e\\n");
        assert_eq!(escape("\u{e0041}"), "\\udb40\\udc41");
        assert_eq!(escape_lines("a\r\nb\t"), "a\\r\nb\\t");
        assert!(matches!(escape("schön 神経 👩‍👩‍👧"), Cow::Borrowed(_)), "no escapes, no copy");
    }

    #[test]
    fn escaped_json_has_the_same_meaning() {
        // JSON does not escape U+2028 and DEL; escaped, they are the same characters.
        let written = written(&["{\"a\": \"x\u{7f}\u{2028}\u{e0041}\"}\n".as_bytes()]);
        assert_eq!(written, "{\"a\": \"x\\u007f\\u2028\\udb40\\udc41\"}\n");
    }

    #[test]
    fn characters_may_be_split_and_bytes_may_be_invalid() {
        let name = "ä\u{9b}x".as_bytes();
        assert_eq!(written(&[name]), "ä\\u009bx");
        for cut in 1..name.len() {
            assert_eq!(written(&[&name[..cut], &name[cut..]]), "ä\\u009bx");
        }
        assert_eq!(written(&[b"a\xffb\x9bc\x1b[2J\n"]), "a\u{fffd}b\u{fffd}c\\u001b[2J\n");
    }

    #[test]
    fn only_colors_of_the_program_pass() {
        let mut out = Escaped::new(Vec::new());
        out.write_colored("\x1b[38;2;1;2;3mx\x1b[0m\n\x1b[2J\x1b]0;t\x07\x1b[1;\x1b").unwrap();
        let text = String::from_utf8(out.inner).unwrap();
        assert_eq!(text, "\x1b[38;2;1;2;3mx\x1b[0m\n\\u001b[2J\\u001b]0;t\\u0007\\u001b[1;\\u001b");
    }
}
