//! Cancellation of loading and generating data.

use std::cell::RefCell;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Error;

thread_local! {
    static CURRENT: RefCell<Option<Cancel>> = const { RefCell::new(None) };
}

/// A flag that cancels loading or generating data, from another thread or a signal handler.
///
/// A data set opened within [`run`](Self::run) checks the flag many times per second, on all its threads, and ends with
/// [`Error::Cancelled`] once it is set. Partially written cache files are removed, and helper processes end. Clones share the
/// same flag.
///
/// ```
/// use snn_data::{Cancel, Error, Randman, RandmanConfig};
///
/// let cancel = Cancel::new();
/// let other = cancel.clone();
/// std::thread::spawn(move || other.cancel());
///
/// let large = RandmanConfig { classes: 1000, samples_per_class: 2000, ..RandmanConfig::default() };
/// assert_eq!(cancel.run(|| Randman::new(large)).err(), Some(Error::Cancelled));
/// ```
///
/// Your own data sets can do the same: [`check`](Self::check) the [`current`](Self::current) flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets it; it cannot be cleared.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns an error if it is set.
    ///
    /// # Errors
    ///
    /// [`Error::Cancelled`] once it is set.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// The flag of the innermost [`run`](Self::run) on this thread, to pass on to other threads; outside of any, one
    /// that is never set.
    pub fn current() -> Self {
        CURRENT.with_borrow(Clone::clone).unwrap_or_default()
    }

    /// Loads data under this flag.
    pub fn run<T>(&self, load: impl FnOnce() -> T) -> T {
        struct Restore(Option<Cancel>);

        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }

        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        load()
    }
}

/// Uses an existing flag, such as one that a signal handler sets.
impl From<Arc<AtomicBool>> for Cancel {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

/// Checks the current flag.
pub(crate) fn check() -> Result<(), Error> {
    CURRENT.with_borrow(|cancel| cancel.as_ref().map_or(Ok(()), Cancel::check))
}

/// Stops reading or writing once the flag is set. [`of_io`] distinguishes this from a failing disk.
pub(crate) fn check_io() -> io::Result<()> {
    check().map_err(io::Error::other)
}

/// [`Error::Cancelled`] for canceled reading or writing, otherwise the error that `other` returns.
pub(crate) fn of_io(error: &io::Error, other: impl FnOnce(&io::Error) -> Error) -> Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::Cancelled) => Error::Cancelled,
        _ => other(error),
    }
}

/// A reader that can be canceled.
pub(crate) struct Reader<R>(pub(crate) R);

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        check_io()?;
        self.0.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_only_affects_its_run() {
        let (outer, inner) = (Cancel::new(), Cancel::new());
        inner.cancel();
        assert_eq!(check(), Ok(()));
        outer.run(|| {
            assert_eq!(inner.run(check), Err(Error::Cancelled));
            assert_eq!(check(), Ok(()), "the outer one applies again");
            assert!(std::panic::catch_unwind(|| inner.run(|| panic!("on the way"))).is_err());
            assert_eq!(check(), Ok(()), "after a panic, too");
            outer.cancel();
            assert_eq!(check(), Err(Error::Cancelled));
            assert!(Cancel::current().is_cancelled());
        });
        assert_eq!(check(), Ok(()));
        let flag = Arc::new(AtomicBool::new(false));
        let of_flag = Cancel::from(Arc::clone(&flag));
        flag.store(true, Ordering::Relaxed);
        assert!(of_flag.is_cancelled());
    }

    #[test]
    fn a_canceled_reader_gives_the_reason() {
        let cancel = Cancel::new();
        let mut reader = Reader(&[1_u8; 4][..]);
        let mut byte = [0];
        cancel.run(|| reader.read_exact(&mut byte)).unwrap();
        cancel.cancel();
        let error = cancel.run(|| reader.read_exact(&mut byte)).unwrap_err();
        let other = |_: &io::Error| Error::WrittenTimes { times: 0 };
        assert_eq!(of_io(&error, other), Error::Cancelled);
        assert_eq!(of_io(&io::Error::other("disk"), other), Error::WrittenTimes { times: 0 });
    }
}
