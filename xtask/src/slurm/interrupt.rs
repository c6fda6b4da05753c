//! A request of the user to stop.

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

/// A request of the user to stop, after which everything is still put in order.
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

    /// Asks again and again until there is an answer.
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
                    bail!("waited {seconds} s in vain for {what}")
                }
                None => thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}
