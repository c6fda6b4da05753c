//! Memory allocation with errors that name what does not fit.

use crate::Error;
use crate::memory::available_memory;

/// Smaller allocations are not checked: asking the system takes longer than allocating.
const SMALL: u64 = 256 << 20;

/// Checks that `entries` entries with a total of `bytes` bytes fit in memory.
pub(crate) fn check(what: &'static str, entries: usize, bytes: u64) -> Result<(), Error> {
    if bytes <= SMALL {
        return Ok(());
    }
    match available_memory().map(|available| available.bytes) {
        Some(available) if bytes > available => {
            Err(Error::OutOfMemory { what, entries, needed: bytes, available: Some(available) })
        }
        _ => Ok(()),
    }
}

/// Reserves memory, or returns an error for the user: sizes come from settings.
pub(crate) fn reserve<T>(list: &mut Vec<T>, entries: usize, what: &'static str) -> Result<(), Error> {
    check(what, entries, (size_of::<T>() as u64).saturating_mul(entries as u64))?;
    list.try_reserve_exact(entries).map_err(|_| Error::no_memory::<T>(what, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excessive_memory_is_refused_with_numbers() {
        assert_eq!(check("spikes", 7, 1 << 20), Ok(()));
        if let Some(available) = available_memory() {
            assert!(available.bytes > 0);
            let message = check("spikes", 7, 1 << 60).unwrap_err().to_string();
            let expected = "not enough memory for spikes: 7 entries take 1073741824.0 GiB, and ";
            assert!(
                message.starts_with(expected) && message.contains(" GiB are available: use"),
                "{message}"
            );
        }
    }
}
