//! Ctrl-Z: stopping as any program does, so that the shell has the terminal until `fg`.

use std::io;

/// In raw mode Ctrl-Z would be a key for us alone. This lets the terminal send its signal as everywhere else, to all programs of the
/// job: `snn train --watch`, which has started us, stops with us. Ctrl-C and Ctrl-\\ stay keys.
#[cfg(unix)]
pub(super) fn keep_suspend_key() -> io::Result<()> {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
    /// The code of a key that does not exist (`_POSIX_VDISABLE`).
    const NONE: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };
    let mut modes = tcgetattr(io::stdin())?;
    modes.local_modes.insert(LocalModes::ISIG);
    modes.special_codes[SpecialCodeIndex::VINTR] = NONE;
    modes.special_codes[SpecialCodeIndex::VQUIT] = NONE;
    tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
    Ok(())
}

/// Whether somebody could continue us: a shell gives each job a group of its own. In the group of the session's leader nobody is
/// left who has the terminal otherwise, as in `xterm -e snn-tui`, and the kernel ignores Ctrl-Z there, too.
#[cfg(unix)]
pub(super) fn has_shell() -> bool {
    use rustix::termios::{tcgetpgrp, tcgetsid};
    match (tcgetpgrp(io::stdin()), tcgetsid(io::stdin())) {
        (Ok(group), Ok(session)) => group != session,
        _ => false,
    }
}

/// Stops this process until it is told to continue.
#[cfg(unix)]
pub(super) fn stop() -> io::Result<()> {
    signal_hook::low_level::raise(signal_hook::consts::SIGSTOP)
}

#[cfg(not(unix))]
pub(super) fn keep_suspend_key() -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(super) fn has_shell() -> bool {
    false
}

#[cfg(not(unix))]
pub(super) fn stop() -> io::Result<()> {
    Ok(())
}
