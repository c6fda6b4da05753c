//! Memory of parallel runs of a sweep: a run that fits on its own waits until the others leave enough.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use snn_data::available_memory;

/// How often a waiting run checks whether the sweep is stopped.
const LOOK: Duration = Duration::from_millis(50);

/// The memory reserved for runs, out of the memory available at the start.
#[derive(Debug)]
pub(super) struct Ledger {
    /// `None` where the system does not report it.
    bytes: Option<u64>,
    promised: Mutex<u64>,
    freed: Condvar,
}

/// A share of the memory, until it is dropped.
#[derive(Debug)]
pub(super) struct Promise<'a> {
    ledger: &'a Ledger,
    bytes: u64,
}

impl Ledger {
    pub(super) fn open() -> Self {
        Self::of(available_memory().map(|available| available.bytes))
    }

    fn of(bytes: Option<u64>) -> Self {
        Self { bytes, promised: Mutex::default(), freed: Condvar::default() }
    }

    /// Waits until this much is left, or no other run holds any: a single run may use everything. `None` if the sweep is stopped
    /// meanwhile.
    pub(super) fn take(&self, bytes: u64, stop: &AtomicBool) -> Option<Promise<'_>> {
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        while *promised > 0 && self.bytes.is_some_and(|all| promised.saturating_add(bytes) > all) {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            (promised, _) = self.freed.wait_timeout(promised, LOOK).unwrap_or_else(PoisonError::into_inner);
        }
        *promised = promised.saturating_add(bytes);
        Some(Promise { ledger: self, bytes })
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let mut promised = self.ledger.promised.lock().unwrap_or_else(PoisonError::into_inner);
        *promised = promised.saturating_sub(self.bytes);
        self.ledger.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_run_waits_until_its_memory_is_free() {
        let (ledger, stop) = (Ledger::of(Some(100)), AtomicBool::new(false));
        let first = ledger.take(60, &stop).unwrap();
        let second = ledger.take(40, &stop).unwrap();
        thread::scope(|scope| {
            let third = scope.spawn(|| ledger.take(50, &stop).map(drop).is_some());
            thread::sleep(Duration::from_millis(20));
            assert!(!third.is_finished(), "nothing is left");
            drop(second);
            thread::sleep(Duration::from_millis(20));
            assert!(!third.is_finished(), "not enough is left");
            drop(first);
            assert!(third.join().unwrap());
        });
        // A single run is admitted, and refused elsewhere if it is too large for the machine.
        let large = ledger.take(1000, &stop).unwrap();
        stop.store(true, Ordering::Relaxed);
        assert!(ledger.take(1, &stop).is_none(), "a stop ends the waiting");
        drop(large);
        assert!(Ledger::of(None).take(u64::MAX, &stop).is_some());
    }
}
