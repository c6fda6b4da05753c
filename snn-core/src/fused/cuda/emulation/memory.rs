//! Memory of the emulated GPU, and a registry of buffers.

use super::super::kernel_device::Pool;
use std::{
    cell::UnsafeCell,
    collections::BTreeMap,
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// Memory that kernels write through its address; aligned for vectors, as on a GPU.
#[derive(Debug)]
pub(crate) struct Memory(Box<[UnsafeCell<u128>]>);

#[expect(unsafe_code, reason = "memory of a machine")]
// SAFETY: only `upload`, `download` and `launch` access it, which run one after the other for each network.
unsafe impl Sync for Memory {}

impl Memory {
    pub(super) fn garbage(bytes: usize) -> Self {
        Memory((0..bytes.div_ceil(16)).map(|_| UnsafeCell::new(u128::MAX)).collect())
    }

    pub(super) fn pointer(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut().cast()
    }

    pub(super) fn len(&self) -> usize {
        16 * self.0.len()
    }

    /// Overwrites the content, so that values of the previous owner are not used.
    pub(super) fn poison(&self) {
        #[expect(unsafe_code, reason = "memory of a machine")]
        // SAFETY: its own memory, which nothing else uses now.
        unsafe {
            self.pointer().write_bytes(0xff, self.len());
        }
    }
}

pub(super) type Memories = Pool<Memory>;

/// End of every buffer by its start. Where two overlap, the one registered last is valid.
static BUFFERS: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

/// Registers a buffer.
pub(super) fn tell(start: usize, bytes: usize) {
    let end = start + bytes;
    let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    let stale: Vec<usize> =
        buffers.range(..end).rev().take_while(|&(_, &stop)| stop > start).map(|(&it, _)| it).collect();
    for it in stale {
        buffers.remove(&it);
    }
    buffers.insert(start, end);
}

/// The buffer that contains an address.
pub(super) fn buffer_at(address: usize) -> Option<Range<usize>> {
    let buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    let (&start, &end) = buffers.range(..=address).next_back()?;
    (address < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_registered_last_counts() {
        // unused addresses
        let base = 1 << 60;
        tell(base, 100);
        assert_eq!(buffer_at(base + 99), Some(base..base + 100));
        assert_eq!(buffer_at(base + 100), None);
        tell(base + 50, 10);
        assert_eq!((buffer_at(base), buffer_at(base + 55)), (None, Some(base + 50..base + 60)));
    }
}
