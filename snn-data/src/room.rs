//! Room in memory, or an error that says what there is no room for.

use crate::Error;
use crate::memory::available_memory;

/// Less is not looked at: asking the system takes longer than allocating.
const SMALL: u64 = 256 << 20;

/// That `entries` things which take `bytes` bytes in all fit into memory.
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

/// Reserves room or says what there is no room for: sizes come from settings, so a failure is the user's to see.
pub(crate) fn reserve<T>(list: &mut Vec<T>, entries: usize, what: &'static str) -> Result<(), Error> {
    check(what, entries, (size_of::<T>() as u64).saturating_mul(entries as u64))?;
    list.try_reserve_exact(entries).map_err(|_| Error::no_memory::<T>(what, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_numbers() {
        assert_eq!(check("spikes", 7, 1 << 20), Ok(()));
        if let Some(available) = available_memory() {
            assert!(available.bytes > 0);
            let message = check("spikes", 7, 1 << 60).unwrap_err().to_string();
            let expected = "no memory for spikes: 7 entries take 1073741824.0 GiB, and ";
            assert!(message.starts_with(expected) && message.contains(" GiB are there: choose"), "{message}");
        }
    }
}
