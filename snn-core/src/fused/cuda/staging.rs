//! Batches on their way to a GPU while it computes: copied to memory of the host that the GPU can read by itself, and from there beside
//! everything that is queued.
//!
//! Nobody may write where somebody still reads. Each piece has two events: `copied`, behind its last copy, for which the host waits
//! before it writes to the memory that is copied, and the GPU before it computes on the batch; and `released`, behind everything that
//! was queued when the batch was dropped, for which the next copy waits.

use super::kernel_device::{Ahead, Plain};
use crate::Input;
use cudarc::driver::{
    CudaDevice, CudaSlice, DevicePtr, DriverError,
    result::{self, event, stream},
    sys::{self, CUevent, CUevent_flags, CUevent_wait_flags, CUstream},
};
use std::{
    ffi::c_void,
    mem::ManuallyDrop,
    ptr,
    sync::{Arc, Mutex, PoisonError},
};

/// Pieces that are kept: one is computed on, one is under way.
const KEPT: usize = 4;

/// Where vectors may begin.
const ALIGNMENT: usize = 256;

/// The batches of one GPU that are under way.
#[derive(Debug)]
pub(super) struct Stages {
    device: Arc<CudaDevice>,
    /// Beside the queue of the device, which it does not wait for.
    aside: Stream,
    free: Mutex<Vec<Piece>>,
}

#[derive(Debug)]
struct Stream(CUstream);

#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver's handles belong to a context, not to a thread.
unsafe impl Send for Stream {}
#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver locks what is shared.
unsafe impl Sync for Stream {}

#[derive(Debug)]
struct Event(CUevent);

#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver's handles belong to a context, not to a thread.
unsafe impl Send for Event {}
#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver locks what is shared.
unsafe impl Sync for Event {}

impl Event {
    fn new() -> Result<Self, DriverError> {
        event::create(CUevent_flags::CU_EVENT_DISABLE_TIMING).map(Event)
    }

    /// Behind all that a stream has been given.
    fn record(&self, stream: CUstream) -> Result<(), DriverError> {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: an event and a stream that are there.
        unsafe {
            event::record(self.0, stream)
        }
    }

    /// What a stream is given from now on waits for it.
    fn holds_up(&self, stream: CUstream) -> Result<(), DriverError> {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: an event and a stream that are there.
        unsafe {
            stream::wait_event(stream, self.0, CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT)
        }
    }

    /// The host waits for it; one that was never recorded holds up nobody.
    fn wait(&self) -> Result<(), DriverError> {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: an event that is there.
        unsafe { sys::cuEventSynchronize(self.0) }.result()
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: nobody has it any more; the driver keeps what is under way.
        let _ = unsafe { event::destroy(self.0) };
    }
}

/// Memory of the host that the GPU reads by itself.
#[derive(Debug)]
struct Pinned(*mut u8);

#[expect(unsafe_code, reason = "memory of the host")]
// SAFETY: it belongs to whoever has the piece.
unsafe impl Send for Pinned {}
#[expect(unsafe_code, reason = "memory of the host")]
// SAFETY: nothing is written through a shared reference.
unsafe impl Sync for Pinned {}

impl Pinned {
    fn new(bytes: usize) -> Result<Self, DriverError> {
        let mut start: *mut c_void = ptr::null_mut();
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: a context is current.
        unsafe { sys::cuMemHostAlloc(&raw mut start, bytes, 0) }.result()?;
        Ok(Pinned(start.cast()))
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: made by `Pinned::new`; copies from it have ended, see `Batch::drop`.
        let _ = unsafe { sys::cuMemFreeHost(self.0.cast()) };
    }
}

/// Room for a batch, on both sides.
#[derive(Debug)]
struct Piece {
    capacity: usize,
    memory: CudaSlice<u8>,
    pinned: Pinned,
    copied: Event,
    released: Event,
}

/// A batch on the GPU, or on its way.
#[derive(Debug)]
pub(super) struct Batch {
    stages: Arc<Stages>,
    piece: ManuallyDrop<Piece>,
    /// Where the second part begins.
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
        // batches of events differ in length
        let capacity = (bytes + bytes / 8).next_multiple_of(1 << 16);
        #[expect(unsafe_code, reason = "memory of the GPU")]
        // SAFETY: any content is a value, and nothing is read before it was copied there.
        let memory = unsafe { self.device.alloc(capacity)? };
        let piece = Piece {
            capacity,
            memory,
            pinned: Pinned::new(capacity)?,
            copied: Event::new()?,
            released: Event::new()?,
        };
        // memory is there for those who come after it in the queue
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
        // SAFETY: the piece has room for both parts, here and there. The last copy from it has ended, and the next waits for those who
        // may still read what it writes.
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

    /// Copies an input ahead; where that fails, it is copied when it is needed.
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
            // of two who do this at once, one has done it for nothing
            let _ = input.staged().0.set(Arc::new(batch));
        }
    }

    /// Where an input lies that was copied ahead to this GPU; what is queued from now on waits until it is there.
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
        // SAFETY: nobody uses it afterwards.
        let piece = unsafe { ManuallyDrop::take(&mut self.piece) };
        let stages = &self.stages;
        let order = stages.device.bind_to_thread().and_then(|()| piece.released.record(stages.queue()));
        let mut free = stages.free.lock().unwrap_or_else(PoisonError::into_inner);
        if order.is_ok() && free.len() < KEPT {
            free.push(piece);
        } else if piece.copied.wait().is_err() {
            // a GPU that fails may still read from it
            std::mem::forget(piece);
        }
    }
}
