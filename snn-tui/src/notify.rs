//! Telling whoever looks elsewhere that a run has ended.

use std::env;

/// How the end of a run is made known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Notify {
    /// The bell of the terminal.
    Bell,
    /// A notification of the desktop (OSC 9), which iTerm2, WezTerm, kitty, Ghostty and Windows Terminal show.
    Osc9,
}

/// A notification is cut to so many characters.
const MOST: usize = 200;

impl Notify {
    /// What the terminal is sent when runs have ended.
    pub(crate) fn bytes(self, ended: &[String]) -> Vec<u8> {
        match self {
            Self::Bell => vec![0x07],
            Self::Osc9 => osc9(&sentence(ended), env::var_os("TMUX").is_some()),
        }
    }
}

/// One line about all of them, without a character that a terminal would obey.
fn sentence(ended: &[String]) -> String {
    let text = match ended {
        [one] => one.clone(),
        several => format!("{} runs have ended: {}", several.len(), several.join("; ")),
    };
    let text: String = snn_terminal::escape(&text).chars().take(MOST).collect();
    format!("snn-tui: {text}")
}

/// tmux passes on what is wrapped for it, if `allow-passthrough` is set, and otherwise nothing.
fn osc9(text: &str, in_tmux: bool) -> Vec<u8> {
    let escape = format!("\x1b]9;{text}\x07");
    let wrapped =
        if in_tmux { format!("\x1bPtmux;{}\x1b\\", escape.replace('\x1b', "\x1b\x1b")) } else { escape };
    wrapped.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notifications_are_one_line_whatever_runs_are_called() {
        assert_eq!(Notify::Bell.bytes(&["a is done".to_owned()]), b"\x07");
        let one = ["a\x1b]0;x\x07 is done".to_owned()];
        assert_eq!(osc9(&sentence(&one), false), b"\x1b]9;snn-tui: a\\u001b]0;x\\u0007 is done\x07");
        assert_eq!(osc9("x", true), b"\x1bPtmux;\x1b\x1b]9;x\x07\x1b\\");
        let many = vec!["a run with a long name is done".to_owned(); 100];
        assert!(
            sentence(&many).starts_with("snn-tui: 100 runs have ended: a run") && sentence(&many).len() < 220
        );
    }
}
