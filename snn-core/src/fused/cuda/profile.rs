//! Every call of the driver and its time, for programs that measure.
//!
//! All calls pass through `library`, including those of dfdx. They are recorded only during [`cuda_calls`].

use crate::Error;
use cudarc::driver::{
    result::event,
    sys::{self, CUevent, CUevent_flags, CUfunction, CUfunction_attribute as Attribute, CUstream},
};
use std::{
    cell::Cell,
    collections::BTreeMap,
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    ptr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// One call of the driver that queues work for the GPU, or waits for it.
#[derive(Debug, Clone, PartialEq)]
pub struct CudaCall {
    /// Its kind.
    pub work: CudaWork,
    /// Bytes copied, filled or allocated.
    pub bytes: usize,
    /// Time of the host in the call, in seconds.
    pub host: f64,
    /// Time of the GPU, in seconds; `None` for calls that queue nothing, and without timing.
    pub gpu: Option<f64>,
}

/// The kind of a call.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "their names are clear")]
pub enum CudaWork {
    Kernel(CudaKernel),
    Upload,
    Download,
    Copy,
    Fill,
    Allocate,
    Free,
    /// Kernels that are launched together.
    Graph,
    /// An event is recorded in a stream, or a stream waits for one.
    Event,
    /// The host waits for everything in a stream.
    Wait,
    /// The host waits for an event.
    WaitForEvent,
}

/// A kernel launch.
#[derive(Debug, Clone, PartialEq)]
pub struct CudaKernel {
    /// Its name in the sources.
    pub name: String,
    /// Blocks of the grid.
    pub blocks: [u32; 3],
    /// Threads per block.
    pub threads: [u32; 3],
    /// Bytes of on-chip memory per block.
    pub shared: u32,
    /// Registers per thread.
    pub registers: u32,
    /// Bytes of local memory (off chip) per thread.
    pub local: u32,
    /// Blocks that fit on a multiprocessor at once.
    pub blocks_per_processor: u32,
}

/// A call as `library` reports it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    /// Looks up a function of a module by name; its handle is written to `to`.
    Function {
        to: *mut c_void,
        name: *mut c_void,
    },
    Launch {
        function: *mut c_void,
        blocks: [c_uint; 3],
        threads: [c_uint; 3],
        shared: c_uint,
        stream: *mut c_void,
    },
    Upload(usize, *mut c_void),
    Download(usize, *mut c_void),
    Copy(usize, *mut c_void),
    Fill(usize, *mut c_void),
    Allocate(usize),
    Free,
    Graph(*mut c_void),
    Event,
    Wait,
    WaitForEvent,
}

/// Whether calls are recorded.
static ON: AtomicBool = AtomicBool::new(false);

static NOTES: Mutex<Notes> = Mutex::new(Notes { timed: false, calls: Vec::new() });

/// Serializes measurements.
static MEASURING: Mutex<()> = Mutex::new(());

/// The names of all functions, by their handles.
static NAMES: Mutex<BTreeMap<usize, String>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// Whether this thread records the events that time a call.
    static MARKS: Cell<bool> = const { Cell::new(false) };
}

struct Notes {
    /// Whether calls are timed on the GPU.
    timed: bool,
    calls: Vec<(CudaCall, Option<Lap>)>,
}

/// Two events of the driver, before and after a call.
struct Lap([CUevent; 2]);

#[expect(unsafe_code, reason = "handles of the driver")]
// SAFETY: the driver's handles belong to a context, not to a thread.
unsafe impl Send for Lap {}

/// Whether a program wants the time of every kernel, so that kernels must not be launched together.
pub(super) fn is_timed() -> bool {
    ON.load(Ordering::Relaxed) && lock(&NOTES).timed
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a call, and records it if requested.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "calls do not pass through `library` on this system")
)]
pub(super) fn watch(call: Call, make: impl FnOnce() -> c_int) -> c_int {
    if let Call::Function { to, name } = call {
        let code = make();
        if code == 0 {
            remember(to, name);
        }
        return code;
    }
    if !ON.load(Ordering::Relaxed) || MARKS.get() {
        return make();
    }
    let (work, bytes, stream) = match call {
        Call::Launch { function, blocks, threads, shared, stream } => {
            (CudaWork::Kernel(describe(function.cast(), blocks, threads, shared)), 0, Some(stream))
        }
        Call::Upload(bytes, stream) => (CudaWork::Upload, bytes, Some(stream)),
        Call::Download(bytes, stream) => (CudaWork::Download, bytes, Some(stream)),
        Call::Copy(bytes, stream) => (CudaWork::Copy, bytes, Some(stream)),
        Call::Fill(bytes, stream) => (CudaWork::Fill, bytes, Some(stream)),
        Call::Allocate(bytes) => (CudaWork::Allocate, bytes, None),
        Call::Free => (CudaWork::Free, 0, None),
        Call::Graph(stream) => (CudaWork::Graph, 0, Some(stream)),
        Call::Event => (CudaWork::Event, 0, None),
        Call::WaitForEvent => (CudaWork::WaitForEvent, 0, None),
        Call::Wait | Call::Function { .. } => (CudaWork::Wait, 0, None),
    };
    let stream = stream.filter(|_| lock(&NOTES).timed).map(|stream| stream.cast());
    let begin = stream.and_then(mark);
    let start = Instant::now();
    let code = make();
    let host = start.elapsed().as_secs_f64();
    let end = stream.and_then(mark);
    let lap = begin.zip(end).map(|(begin, end)| Lap([begin, end]));
    lock(&NOTES).calls.push((CudaCall { work, bytes, host, gpu: None }, lap));
    code
}

/// An event after everything queued in a stream.
fn mark(stream: CUstream) -> Option<CUevent> {
    let event = event::create(CUevent_flags::CU_EVENT_DEFAULT).ok()?;
    MARKS.set(true);
    #[expect(unsafe_code, reason = "calls of the driver")]
    // SAFETY: the event was just created; the stream is that of the current call.
    let recorded = unsafe { event::record(event, stream) };
    MARKS.set(false);
    recorded.ok().map(|()| event)
}

fn remember(to: *mut c_void, name: *mut c_void) {
    #[expect(unsafe_code, reason = "arguments of a call of the driver")]
    // SAFETY: arguments of a successful cuModuleGetFunction.
    let (handle, name) = unsafe { (*to.cast::<usize>(), CStr::from_ptr(name.cast::<c_char>())) };
    lock(&NAMES).insert(handle, name.to_string_lossy().into_owned());
}

fn describe(function: CUfunction, blocks: [u32; 3], threads: [u32; 3], dynamic: u32) -> CudaKernel {
    let ask = |attribute| {
        let mut value = 0;
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: the function is valid: it is about to be launched.
        let _ = unsafe { sys::cuFuncGetAttribute(&raw mut value, attribute, function) };
        value.unsigned_abs()
    };
    let mut places = 0;
    let count = threads.iter().product::<u32>() as c_int;
    #[expect(unsafe_code, reason = "calls of the driver")]
    // SAFETY: as above.
    let _ = unsafe {
        sys::cuOccupancyMaxActiveBlocksPerMultiprocessor(&raw mut places, function, count, dynamic as usize)
    };
    let name = lock(&NAMES).get(&(function as usize)).cloned();
    CudaKernel {
        name: name.unwrap_or_else(|| "unknown".to_owned()),
        blocks,
        threads,
        shared: dynamic + ask(Attribute::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
        registers: ask(Attribute::CU_FUNC_ATTRIBUTE_NUM_REGS),
        local: ask(Attribute::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
        blocks_per_processor: places.unsigned_abs(),
    }
}

/// Stops recording, also after a panic.
struct Watching;

impl Drop for Watching {
    fn drop(&mut self) {
        ON.store(false, Ordering::SeqCst);
    }
}

/// Runs `work`, and returns every call of the driver that it makes. With `timed`, calls have the time of the GPU, which costs some
/// microseconds per call, and kernels are launched one by one, not as graphs.
///
/// # Errors
/// [`Error::Device`] if the GPU fails.
#[doc(hidden)]
pub fn cuda_calls<T>(timed: bool, work: impl FnOnce() -> T) -> Result<(T, Vec<CudaCall>), Error> {
    let _alone = lock(&MEASURING);
    *lock(&NOTES) = Notes { timed, calls: Vec::new() };
    ON.store(true, Ordering::SeqCst);
    let watching = Watching;
    let result = work();
    drop(watching);
    let noted = std::mem::take(&mut lock(&NOTES).calls);
    let mut calls = Vec::with_capacity(noted.len());
    for (mut call, lap) in noted {
        if let Some(Lap([begin, end])) = lap {
            let mut milliseconds = 0.0;
            #[expect(unsafe_code, reason = "calls of the driver")]
            // SAFETY: two recorded events, owned here.
            unsafe {
                sys::cuEventSynchronize(end).result().map_err(Error::device)?;
                sys::cuEventElapsedTime(ptr::from_mut(&mut milliseconds), begin, end)
                    .result()
                    .map_err(Error::device)?;
                event::destroy(begin).and(event::destroy(end)).map_err(Error::device)?;
            }
            call.gpu = Some(f64::from(milliseconds) / 1e3);
        }
        calls.push(call);
    }
    Ok((result, calls))
}
