//! Copies of the next batches to a GPU while it computes: from pinned host memory, on a separate stream.
//!
//! Nothing may be overwritten while it is still being read. Each piece has two events. `copied` follows its last copy: the host waits for
//! it before it writes to the pinned memory, and the GPU before it computes on the batch. `released` follows everything that was queued
//! when the batch was dropped: the next copy waits for it.

use super::{
    handles::{Event, Pinned, Stream},
    kernel_device::{Ahead, Plain},
};
use crate::Input;
use cudarc::driver::{
    CudaDevice, CudaSlice, DevicePtr, DriverError,
    result::{self, stream},
    sys::CUstream,
};
use std::{
    mem::ManuallyDrop,
    ptr,
    sync::{Arc, Mutex, PoisonError},
};

/// Pieces kept for reuse.
const KEPT: usize = 4;

/// Alignment of vectors, in bytes.
const ALIGNMENT: usize = 256;

/// The staged batches of one GPU.
#[derive(Debug)]
pub(super) struct Stages {
    device: Arc<CudaDevice>,
    /// Independent of the device's own stream.
    aside: Stream,
    free: Mutex<Vec<Piece>>,
}

/// Memory for a batch, on host and device.
#[derive(Debug)]
struct Piece {
    capacity: usize,
    memory: CudaSlice<u8>,
    pinned: Pinned,
    copied: Event,
    released: Event,
}

/// A batch that is being copied to the GPU.
#[derive(Debug)]
pub(super) struct Batch {
    stages: Arc<Stages>,
    piece: ManuallyDrop<Piece>,
    /// Offset of the second part.
    second: usize,
}

impl Stages {
    /// The context of the device must be current.
    pub(super) fn new(device: Arc<CudaDevice>) -> Result<Self, DriverError> {
        let aside = Stream(stream::create(stream::StreamKind::NonBlocking)?);
        Ok(Stages { device, aside, free: Mutex::default() })
    }

    fn queue(&self) -> CUstream {
        *self.device.cu_stream()
    }

    fn piece(&self, bytes: usize) -> Result<Piece, DriverError> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = free.iter().position(|piece| piece.capacity >= bytes) {
            return Ok(free.swap_remove(at));
        }
        drop(free);
        // the number of events varies from batch to batch
        let capacity = (bytes + bytes / 8).next_multiple_of(1 << 16);
        #[expect(unsafe_code, reason = "memory of the GPU")]
        // SAFETY: every bit pattern is valid, and the memory is only read after a copy.
        let memory = unsafe { self.device.alloc(capacity)? };
        let piece = Piece {
            capacity,
            memory,
            pinned: Pinned::new(capacity)?,
            copied: Event::new()?,
            released: Event::new()?,
        };
        // the memory is valid for operations queued after its allocation
        piece.released.record(self.queue())?;
        Ok(piece)
    }

    fn stage(self: &Arc<Self>, parts: [&[u8]; 2]) -> Result<Batch, DriverError> {
        self.device.bind_to_thread()?;
        let second = parts[0].len().next_multiple_of(ALIGNMENT);
        let bytes = (second + parts[1].len()).max(1);
        let piece = self.piece(bytes)?;
        piece.copied.wait()?;
        #[expect(unsafe_code, reason = "memory of the host and the GPU")]
        // SAFETY: both parts fit on host and device. The last copy from this piece has finished, and the next one waits for the kernels
        // that may still read it.
        unsafe {
            ptr::copy_nonoverlapping(parts[0].as_ptr(), piece.pinned.0, parts[0].len());
            ptr::copy_nonoverlapping(parts[1].as_ptr(), piece.pinned.0.add(second), parts[1].len());
            piece.released.holds_up(self.aside.0)?;
            let pinned = std::slice::from_raw_parts(piece.pinned.0, bytes);
            result::memcpy_htod_async(*piece.memory.device_ptr(), pinned, self.aside.0)?;
        }
        piece.copied.record(self.aside.0)?;
        Ok(Batch { stages: Arc::clone(self), piece: ManuallyDrop::new(piece), second })
    }

    /// Starts to copy an input; if this fails, it is copied when it is needed.
    pub(super) fn attach(self: &Arc<Self>, input: &Input<f32>) {
        if input.staged().0.get().is_some() {
            return;
        }
        let batch = match input {
            Input::Events(events) => {
                self.stage([Plain::bytes(events.offsets()), Plain::bytes(events.indices())])
            }
            Input::Frames(frames) => self.stage([Plain::bytes(frames.values()), &[]]),
        };
        if let Ok(batch) = batch {
            // if two threads stage the same input, the second copy is dropped
            let _ = input.staged().0.set(Arc::new(batch));
        }
    }

    /// The addresses of an input that was staged on this GPU; everything queued from now on waits for the copy.
    pub(super) fn accept(self: &Arc<Self>, input: &Input<f32>) -> Result<Option<Ahead>, DriverError> {
        let staged = input.staged().0.get().cloned();
        let Some(batch) = staged.and_then(|staged| staged.downcast::<Batch>().ok()) else {
            return Ok(None);
        };
        if !Arc::ptr_eq(&batch.stages, self) {
            return Ok(None);
        }
        self.device.bind_to_thread()?;
        batch.piece.copied.holds_up(self.queue())?;
        let first = *batch.piece.memory.device_ptr();
        Ok(Some(Ahead { parts: [first, first + batch.second as u64], kept: batch }))
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "the only place where it is taken")]
        // SAFETY: not used afterwards.
        let piece = unsafe { ManuallyDrop::take(&mut self.piece) };
        let stages = &self.stages;
        let order = stages.device.bind_to_thread().and_then(|()| piece.released.record(stages.queue()));
        let mut free = stages.free.lock().unwrap_or_else(PoisonError::into_inner);
        if order.is_ok() && free.len() < KEPT {
            free.push(piece);
        } else if piece.copied.wait().is_err() {
            // after a failure, the GPU may still read from it
            std::mem::forget(piece);
        }
    }
}
