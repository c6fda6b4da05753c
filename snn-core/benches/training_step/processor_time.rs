//! Processor time of this process, all of its threads together: what others do on the machine does not count.

use std::time::Duration;

/// Processor time since the process began, where the system tells.
#[cfg(unix)]
#[expect(unsafe_code, reason = "the standard library has no clock of processor time")]
pub(crate) fn now() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a `timespec` that lives until the call returns.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    let parts = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    match (failed, parts) {
        (0, (Ok(seconds), Ok(nanoseconds))) => Some(Duration::new(seconds, nanoseconds)),
        _ => None,
    }
}

#[cfg(not(unix))]
pub(crate) fn now() -> Option<Duration> {
    None
}
