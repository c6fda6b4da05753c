//! Processor time, which other programs on the machine do not affect.

use std::time::Duration;

/// Processor time of this process so far, over all threads, if the system reports it.
#[cfg(unix)]
pub(crate) fn now() -> Option<Duration> {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Processor time of this thread so far, if the system reports it.
#[cfg(unix)]
pub(crate) fn of_thread() -> Option<Duration> {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "the standard library has no processor-time clock")]
fn read(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a `timespec` that lives until the call returns.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
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

#[cfg(not(unix))]
pub(crate) fn of_thread() -> Option<Duration> {
    None
}

/// The name of the processor.
pub(crate) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}
