//! How much memory there is, to refuse what does not fit before it is asked for.
//!
//! A system that promises more than it has (as Linux does) ends the program when the promise is called in, without a word.

use std::fs;

use crate::Error;

/// Less is not looked at: asking the system takes longer than allocating.
const SMALL: u64 = 256 << 20;

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

/// That `entries` things which take `bytes` bytes in all fit into memory.
pub(crate) fn check(what: &'static str, entries: usize, bytes: u64) -> Result<(), Error> {
    match available_memory().filter(|_| bytes > SMALL) {
        Some(available) if bytes > available => {
            Err(Error::OutOfMemory { what, entries, needed: bytes, available: Some(available) })
        }
        _ => Ok(()),
    }
}

/// A number of bytes for people.
pub(crate) fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_numbers() {
        assert_eq!(check("spikes", 7, 1 << 20), Ok(()));
        if let Some(available) = available_memory() {
            assert!(available > 0);
            let message = check("spikes", 7, 1 << 60).unwrap_err().to_string();
            let expected = "no memory for spikes: 7 entries take 1073741824.0 GiB, and ";
            assert!(message.starts_with(expected) && message.contains(" GiB are there: choose"), "{message}");
        }
    }
}
