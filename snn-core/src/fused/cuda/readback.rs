//! Results of queued steps on their way to the host: copies to a ring of pinned memory, which the host reads later.

use super::handles::{Event, Pinned};
use cudarc::driver::{CudaDevice, DriverError, result};
use std::{
    mem::ManuallyDrop,
    ptr,
    sync::{Arc, Mutex, PoisonError},
};

/// Slots kept for reuse: one is read while the next one is written.
const KEPT: usize = 4;

/// The ring of one GPU.
#[derive(Debug)]
pub(super) struct Readbacks {
    device: Arc<CudaDevice>,
    free: Mutex<Vec<Slot>>,
}

#[derive(Debug)]
struct Slot {
    capacity: usize,
    pinned: Pinned,
    copied: Event,
}

/// One copy; its slot returns to the ring when it is dropped.
#[derive(Debug)]
pub(crate) struct Readback {
    ring: Arc<Readbacks>,
    slot: ManuallyDrop<Slot>,
    /// Whether the host has waited for the copy.
    is_complete: bool,
}

impl Readbacks {
    pub(super) fn new(device: Arc<CudaDevice>) -> Self {
        Readbacks { device, free: Mutex::default() }
    }

    fn slot(&self, bytes: usize) -> Result<Slot, DriverError> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = free.iter().position(|slot| slot.capacity >= bytes) {
            return Ok(free.swap_remove(at));
        }
        drop(free);
        let capacity = bytes.next_multiple_of(1 << 12).max(1);
        Ok(Slot { capacity, pinned: Pinned::new(capacity)?, copied: Event::new()? })
    }

    /// Queues a copy in the device's stream. `bytes` bytes must be valid at `address`.
    ///
    /// # Safety
    /// The memory at `address` stays allocated until the copy is complete.
    #[expect(unsafe_code, reason = "memory of the GPU")]
    pub(super) unsafe fn start(
        self: &Arc<Self>,
        address: u64,
        bytes: usize,
    ) -> Result<Readback, DriverError> {
        self.device.bind_to_thread()?;
        let slot = self.slot(bytes)?;
        let stream = *self.device.cu_stream();
        // SAFETY: the slot is large enough, belongs to this copy alone, and is not read before `copied`.
        unsafe {
            let pinned = std::slice::from_raw_parts_mut(slot.pinned.0, bytes);
            result::memcpy_dtoh_async(pinned, address, stream)?;
        }
        slot.copied.record(stream)?;
        Ok(Readback { ring: Arc::clone(self), slot: ManuallyDrop::new(slot), is_complete: false })
    }
}

impl Readback {
    /// Waits for the copy, and for nothing queued after it. `to` must not be longer than the copy.
    pub(super) fn read(mut self, to: &mut [u8]) -> Result<(), DriverError> {
        self.ring.device.bind_to_thread()?;
        self.slot.copied.wait()?;
        self.is_complete = true;
        assert!(to.len() <= self.slot.capacity, "a read beyond a copy");
        #[expect(unsafe_code, reason = "memory of the host")]
        // SAFETY: the copy is complete, and the slot is large enough.
        unsafe {
            ptr::copy_nonoverlapping(self.slot.pinned.0, to.as_mut_ptr(), to.len());
        }
        Ok(())
    }
}

impl Drop for Readback {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the only place where it is taken")]
        // SAFETY: not used afterwards.
        let slot = unsafe { ManuallyDrop::take(&mut self.slot) };
        let is_complete =
            self.is_complete || self.ring.device.bind_to_thread().and_then(|()| slot.copied.wait()).is_ok();
        let mut free = self.ring.free.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_complete {
            // after a failure, the GPU may still write to it
            std::mem::forget(slot);
        } else if free.len() < KEPT {
            free.push(slot);
        }
    }
}
