//! Stopping on signals.
//!
//! SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal or the SSH connection was closed) and SIGUSR1 (Slurm's `--signal`) request a stop
//! with a checkpoint. So does SIGXCPU, shortly before the limit on processor time (`ulimit -t`). A second SIGINT or SIGTERM ends
//! the process immediately; the others may arrive repeatedly.

use std::{
    io::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context as _;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// The limit on processor time is near. Its number on all systems with this signal that the program supports, as of SIGXFSZ below.
#[cfg(unix)]
const SIGXCPU: i32 = 24;

/// The requests of signals.
#[derive(Clone, Default)]
pub(crate) struct StopRequest {
    /// Set by the first signal.
    pub(crate) flag: Arc<AtomicBool>,
    /// The last signal received.
    signal: Arc<AtomicUsize>,
}

impl StopRequest {
    pub(crate) fn is_up(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// The exit code of a process ended by this signal, following the shells' convention.
    pub(crate) fn code(&self) -> u8 {
        u8::try_from(128 + self.signal.load(Ordering::Relaxed)).unwrap_or(u8::MAX)
    }

    /// Says why, if that is not obvious to whoever sent the signal.
    pub(crate) fn explain(&self) {
        #[cfg(unix)]
        if self.signal.load(Ordering::Relaxed) == SIGXCPU as usize {
            crate::common::warn(OUT_OF_TIME);
        }
    }

    /// Whether the terminal may have been closed.
    pub(crate) fn is_hangup(&self) -> bool {
        #[cfg(unix)]
        let hangup = self.signal.load(Ordering::Relaxed) == signal_hook::consts::SIGHUP as usize;
        #[cfg(not(unix))]
        let hangup = false;
        hangup
    }
}

/// Handles the signals that request a stop. SIGHUP is ignored under `nohup`, or if `detached`.
pub(crate) fn on_signals(detached: bool) -> anyhow::Result<StopRequest> {
    let request = StopRequest::default();
    let listen = |request: &StopRequest| -> io::Result<()> {
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag cleared, the second finds it set.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))?;
            flag::register(signal, Arc::clone(&again))?;
            register(signal, request)?;
        }
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGHUP, SIGUSR1};
            register(SIGUSR1, request)?;
            register(SIGXCPU, request)?;
            if detached {
                flag::register(SIGHUP, Arc::default())?;
            } else if !hangup_is_ignored() {
                register(SIGHUP, request)?;
            }
        }
        Ok(())
    };
    listen(&request).context("cannot handle signals")?;
    leave_time_to_stop();
    confirm(Arc::clone(&request.flag));
    Ok(request)
}

/// Confirms a request that is not fulfilled within a second: a batch of a large network takes longer.
fn confirm(flag: Arc<AtomicBool>) {
    let wait = move || {
        while !flag.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(100));
        }
        thread::sleep(Duration::from_secs(1));
        let message =
            "stopping after this batch, with a checkpoint; Ctrl-C ends the program now, without one";
        let _ = writeln!(snn_terminal::stderr(), "{message}");
    };
    // Without the thread, only the message is missing.
    let _ = thread::Builder::new().name("stop".to_owned()).spawn(wait);
}

/// What to print after [`SIGXCPU`].
#[cfg(unix)]
const OUT_OF_TIME: &str = "stopping: the limit on processor time (`ulimit -t`) is nearly reached";

/// Makes SIGXCPU arrive before the system kills the process: `ulimit -t` sets the soft limit, at which the signal is sent, to
/// the hard one.
fn leave_time_to_stop() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Rlimit { current, maximum } = getrlimit(Resource::Cpu);
        let Some(hard) = maximum else { return };
        // In seconds: enough for a batch and a checkpoint.
        let soft = hard.saturating_sub((hard / 10).clamp(1, 60)).max(1);
        if current.is_none_or(|current| current > soft) {
            // Without it, the process is killed, and resumes from its last checkpoint.
            let _ = setrlimit(Resource::Cpu, Rlimit { current: Some(soft), maximum });
        }
    }
}

fn register(signal: i32, request: &StopRequest) -> io::Result<()> {
    // Before the flag, so that the signal is known when the flag is set.
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
        // Otherwise unknown: `nohup` detaches the terminal.
        None => !(io::stdout().is_terminal() || io::stderr().is_terminal()),
    }
}

/// While it exists, signals request a stop; before and after, they end the process as usual.
pub(crate) struct WhileLoading {
    pub(crate) request: StopRequest,
    is_over: Arc<AtomicBool>,
}

impl Drop for WhileLoading {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Handles the signals that end a program, for commands that only load data.
pub(crate) fn while_loading() -> io::Result<WhileLoading> {
    let this = WhileLoading { request: StopRequest::default(), is_over: Arc::default() };
    let signals = [SIGINT, SIGTERM].into_iter();
    #[cfg(unix)]
    let signals = signals.chain((!hangup_is_ignored()).then_some(signal_hook::consts::SIGHUP));
    for signal in signals {
        flag::register_conditional_default(signal, Arc::clone(&this.is_over))?;
        // A second signal ends the process immediately.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&this.request.flag))?;
        register(signal, &this.request)?;
    }
    Ok(this)
}

/// Makes writing beyond the file size limit (`ulimit -f`) fail like writing to a full disk, instead of killing the process
/// without a message.
pub(crate) fn survive_file_limits() {
    // Its number on all systems with this signal, except for two processor families that this program does not support.
    #[cfg(unix)]
    const SIGXFSZ: i32 = 25;
    #[cfg(unix)]
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Ends the process immediately, without running exit handlers: abandoned threads that still load data could crash when their
/// libraries are cleaned up.
pub(crate) fn leave(code: u8) -> ! {
    let _ = snn_terminal::stdout().flush();
    snn_data::cache_files::abandon();
    signal_hook::low_level::exit(code.into())
}

/// The flags of a cluster worker.
pub(crate) struct WorkerSignals {
    /// Set by any signal.
    pub(crate) stop: Arc<AtomicBool>,
    /// Set by SIGUSR1: the time limit is near.
    pub(crate) requeue: Arc<AtomicBool>,
    /// Set by SIGXCPU: the limit on processor time is near.
    out_of_time: Arc<AtomicBool>,
}

impl WorkerSignals {
    /// Says why, if that is not obvious to whoever sent the signal.
    pub(crate) fn explain(&self) {
        #[cfg(unix)]
        if self.out_of_time.load(Ordering::Relaxed) {
            crate::common::warn(OUT_OF_TIME);
        }
    }
}

/// Flags for the signals that Slurm sends. Only a second SIGINT, from a keyboard, ends the process immediately: Slurm itself
/// kills processes that do not stop in time.
pub(crate) fn on_worker_signals() -> io::Result<WorkerSignals> {
    let signals =
        WorkerSignals { stop: Arc::default(), requeue: Arc::default(), out_of_time: Arc::default() };
    #[cfg(unix)]
    {
        // Before the other flag, so that the reason is known when that one is set.
        flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&signals.requeue))?;
        flag::register(SIGXCPU, Arc::clone(&signals.out_of_time))?;
    }
    flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&signals.stop))?;
    let signalled = [SIGINT, SIGTERM].into_iter();
    #[cfg(unix)]
    let signalled = signalled.chain([signal_hook::consts::SIGUSR1, signal_hook::consts::SIGHUP, SIGXCPU]);
    for signal in signalled {
        flag::register(signal, Arc::clone(&signals.stop))?;
    }
    leave_time_to_stop();
    Ok(signals)
}
