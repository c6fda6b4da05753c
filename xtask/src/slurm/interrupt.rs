//! The user's request to stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// The user's request to stop; cleanup still runs after it.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(super) fn new() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&flag)).context("cannot handle interrupts")?;
        }
        Ok(Self(flag))
    }

    pub(super) fn is_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Polls until there is a result.
    pub(super) fn wait_for<T>(
        &self,
        what: &str,
        seconds: u64,
        mut answer: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let begin = Instant::now();
        loop {
            if self.is_up() {
                bail!("interrupted");
            }
            match answer()? {
                Some(answer) => return Ok(answer),
                None if begin.elapsed() > Duration::from_secs(seconds) => {
                    bail!("timed out after {seconds} s waiting for {what}")
                }
                None => thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}
