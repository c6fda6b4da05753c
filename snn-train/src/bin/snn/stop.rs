//! Stopping on signals.
//!
//! SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal or the SSH line is gone) and SIGUSR1 (Slurm's `--signal`) ask for a stop with a
//! checkpoint. A second SIGINT or SIGTERM ends the process at once; the other two come several times of themselves.

use std::{
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anyhow::Context as _;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// What signals have asked for.
#[derive(Clone, Default)]
pub(crate) struct StopRequest {
    /// Goes up with the first signal.
    pub(crate) flag: Arc<AtomicBool>,
    /// The last one that came.
    signal: Arc<AtomicUsize>,
}

impl StopRequest {
    pub(crate) fn is_up(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// The exit code of a process that this signal has ended, as shells have it.
    pub(crate) fn code(&self) -> u8 {
        u8::try_from(128 + self.signal.load(Ordering::Relaxed)).unwrap_or(u8::MAX)
    }

    /// Whether nobody may be there any more to read what is printed.
    pub(crate) fn is_hangup(&self) -> bool {
        #[cfg(unix)]
        let hangup = self.signal.load(Ordering::Relaxed) == signal_hook::consts::SIGHUP as usize;
        #[cfg(not(unix))]
        let hangup = false;
        hangup
    }
}

/// Listens to the signals that ask for a stop. A hangup does not count where it was to be ignored (`nohup`), or if `detached`.
pub(crate) fn on_signals(detached: bool) -> anyhow::Result<StopRequest> {
    let request = StopRequest::default();
    let listen = |request: &StopRequest| -> io::Result<()> {
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down, the second up.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))?;
            flag::register(signal, Arc::clone(&again))?;
            register(signal, request)?;
        }
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGHUP, SIGUSR1};
            register(SIGUSR1, request)?;
            if detached {
                flag::register(SIGHUP, Arc::default())?;
            } else if !hangup_is_ignored() {
                register(SIGHUP, request)?;
            }
        }
        Ok(())
    };
    listen(&request).context("cannot listen to signals")?;
    Ok(request)
}

fn register(signal: i32, request: &StopRequest) -> io::Result<()> {
    // Before the flag, so that whoever sees that one knows which it was.
    flag::register_usize(signal, Arc::clone(&request.signal), signal as usize)?;
    flag::register(signal, Arc::clone(&request.flag))?;
    Ok(())
}

/// Whether this process was started to outlive its terminal.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    use std::{fs, io::IsTerminal as _};

    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    match mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) {
        Some(mask) => mask >> (signal_hook::consts::SIGHUP - 1) & 1 == 1,
        // Where the system does not tell: `nohup` takes the terminal away.
        None => !(io::stdout().is_terminal() || io::stderr().is_terminal()),
    }
}

/// While it lives, signals ask for a stop; before and after, they end the process as they do any other.
pub(crate) struct WhileLoading {
    pub(crate) request: StopRequest,
    is_over: Arc<AtomicBool>,
}

impl Drop for WhileLoading {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Listens to the signals that end a program, for one that only loads and looks.
pub(crate) fn while_loading() -> io::Result<WhileLoading> {
    let this = WhileLoading { request: StopRequest::default(), is_over: Arc::default() };
    let signals = [SIGINT, SIGTERM].into_iter();
    #[cfg(unix)]
    let signals = signals.chain((!hangup_is_ignored()).then_some(signal_hook::consts::SIGHUP));
    for signal in signals {
        flag::register_conditional_default(signal, Arc::clone(&this.is_over))?;
        // A second one does not wait.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&this.request.flag))?;
        register(signal, &this.request)?;
    }
    Ok(this)
}

/// Lets writing beyond the limit on the size of files (`ulimit -f`) fail like writing to a full disk, instead of ending the
/// process without a word.
pub(crate) fn survive_file_limits() {
    // Its number wherever the signal exists, but for two families of processors that this program is not built for.
    #[cfg(unix)]
    const SIGXFSZ: i32 = 25;
    #[cfg(unix)]
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Ends the process at once. Threads that were left behind while they loaded data end with it: libraries that are cleaned up
/// under their feet could crash.
pub(crate) fn leave(code: u8) -> ! {
    let _ = snn_terminal::stdout().flush();
    snn_data::cache_files::abandon();
    signal_hook::low_level::exit(code.into())
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
    flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&signals.requeue))?;
    flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&signals.stop))?;
    let signalled = [SIGINT, SIGTERM].into_iter();
    #[cfg(unix)]
    let signalled = signalled.chain([signal_hook::consts::SIGUSR1, signal_hook::consts::SIGHUP]);
    for signal in signalled {
        flag::register(signal, Arc::clone(&signals.stop))?;
    }
    Ok(signals)
}
