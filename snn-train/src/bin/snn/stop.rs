//! Stopping on signals.

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};

use signal_hook::consts::{SIGINT, SIGTERM};

/// A flag that goes up with the first SIGINT (Ctrl-C) or SIGTERM; the second ends the process at once.
pub(crate) fn on_signals() -> io::Result<Arc<AtomicBool>> {
    let signalled = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down, the second up.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&signalled))?;
        signal_hook::flag::register(signal, Arc::clone(&signalled))?;
    }
    Ok(signalled)
}

/// Lets the process live on when its terminal is gone.
pub(crate) fn ignore_hangup() -> io::Result<()> {
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::default())?;
    Ok(())
}

/// The flags of a worker on a cluster.
pub(crate) struct WorkerSignals {
    /// Goes up with any signal.
    pub(crate) stop: Arc<AtomicBool>,
    /// Goes up with SIGUSR1: the time is nearly over.
    pub(crate) requeue: Arc<AtomicBool>,
}

/// Flags for the signals that Slurm sends. Only a second SIGINT, from a keyboard, ends the process at once: Slurm itself ends
/// those who do not stop in time.
pub(crate) fn on_worker_signals() -> io::Result<WorkerSignals> {
    let signals = WorkerSignals { stop: Arc::default(), requeue: Arc::default() };
    #[cfg(unix)]
    // Before the other flag, so that whoever sees that one knows why.
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&signals.requeue))?;
    signal_hook::flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&signals.stop))?;
    let signalled = [SIGINT, SIGTERM].into_iter();
    #[cfg(unix)]
    let signalled = signalled.chain([signal_hook::consts::SIGUSR1]);
    for signal in signalled {
        signal_hook::flag::register(signal, Arc::clone(&signals.stop))?;
    }
    Ok(signals)
}
