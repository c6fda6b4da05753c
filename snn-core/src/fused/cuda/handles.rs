//! Streams, events and pinned memory of the driver, released when dropped.

use cudarc::driver::{
    DriverError,
    result::{event, stream},
    sys::{self, CUevent, CUevent_flags, CUevent_wait_flags, CUstream},
};
use std::{ffi::c_void, ptr};

#[derive(Debug)]
pub(super) struct Stream(pub(super) CUstream);

#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver's handles belong to a context, not to a thread.
unsafe impl Send for Stream {}
#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver locks what is shared.
unsafe impl Sync for Stream {}

#[derive(Debug)]
pub(super) struct Event(CUevent);

#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver's handles belong to a context, not to a thread.
unsafe impl Send for Event {}
#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver locks what is shared.
unsafe impl Sync for Event {}

impl Event {
    pub(super) fn new() -> Result<Self, DriverError> {
        event::create(CUevent_flags::CU_EVENT_DISABLE_TIMING).map(Event)
    }

    /// Records it after everything queued in `stream`.
    pub(super) fn record(&self, stream: CUstream) -> Result<(), DriverError> {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: event and stream are valid.
        unsafe {
            event::record(self.0, stream)
        }
    }

    /// Makes everything queued in `stream` from now on wait for it.
    pub(super) fn holds_up(&self, stream: CUstream) -> Result<(), DriverError> {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: event and stream are valid.
        unsafe {
            stream::wait_event(stream, self.0, CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT)
        }
    }

    /// Waits on the host. An event that was never recorded does not block.
    pub(super) fn wait(&self) -> Result<(), DriverError> {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: the event is valid.
        unsafe { sys::cuEventSynchronize(self.0) }.result()
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: not used afterwards; the driver completes pending operations.
        let _ = unsafe { event::destroy(self.0) };
    }
}

/// Host memory that the GPU accesses directly.
#[derive(Debug)]
pub(super) struct Pinned(pub(super) *mut u8);

#[expect(unsafe_code, reason = "memory of the host")]
// SAFETY: it is owned.
unsafe impl Send for Pinned {}
#[expect(unsafe_code, reason = "memory of the host")]
// SAFETY: nothing is written through a shared reference.
unsafe impl Sync for Pinned {}

impl Pinned {
    pub(super) fn new(bytes: usize) -> Result<Self, DriverError> {
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
        // SAFETY: allocated by `Pinned::new`; its owners wait for all copies before they drop it.
        let _ = unsafe { sys::cuMemFreeHost(self.0.cast()) };
    }
}
