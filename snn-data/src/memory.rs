//! How much memory there is, to refuse what does not fit before it is asked for.
//!
//! A system that promises more than it has (as Linux does) ends the program when the promise is called in, without a word.

use std::fs;

/// Bytes that can be had without taking them from another program: what the system calls available, and what the limit of
/// this process's control group leaves. `None` where the system does not tell.
pub fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let system = line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)?;
    Some(group_memory().map_or(system, |group| group.min(system)))
}

/// What a control group (version 2, as containers have it) leaves.
fn group_memory() -> Option<u64> {
    let number =
        |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

/// A number of bytes for people.
pub(crate) fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}
