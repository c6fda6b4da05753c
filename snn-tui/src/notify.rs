//! Notifications when a run ends.

use std::env;

/// What to send when a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Notify {
    /// The terminal bell.
    Bell,
    /// A desktop notification (OSC 9), supported by iTerm2, WezTerm, kitty, Ghostty and others.
    Osc9,
}

/// Maximum number of characters of a notification.
const MOST: usize = 200;

impl Notify {
    /// The bytes to send to the terminal when runs have ended.
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

/// tmux only passes on what is wrapped for it, and only with `allow-passthrough on`.
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
