//! Ctrl-Z, as in any program: the shell gets the terminal until `fg`.

use std::io;

/// In raw mode, Ctrl-Z would be a mere key. This restores its signal, which reaches all processes of the job: `snn train --watch`, our
/// parent, must stop as well. Ctrl-C and Ctrl-\\ remain keys.
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

/// Whether a shell could continue us. A shell puts each job into its own process group; if our group is that of the session leader,
/// as in `xterm -e snn-tui`, there is no shell, and the default action of Ctrl-Z would be ignored, too.
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
