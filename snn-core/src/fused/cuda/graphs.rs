//! Queued steps as CUDA graphs: the launches of a step are recorded, and a sequence that was recorded before, argument by argument,
//! becomes one graph, which takes one call instead of one per kernel.
//!
//! Graphs hold addresses, so a network records its steps with memory of its own: the same shapes then get the same addresses. Whatever
//! else changes from step to step (labels, step count, learning rate) is read from memory. A step whose launches differ in any
//! argument from all graphs is launched kernel by kernel, so a graph cannot be outdated.

use super::kernel_device::Pool;
use cudarc::driver::{
    CudaDevice, CudaSlice, DriverError, result,
    sys::{self, CUDA_KERNEL_NODE_PARAMS, CUfunction, CUgraph, CUgraphExec, CUgraphNode, CUresult, CUstream},
};
use std::{
    ffi::c_void,
    ptr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Graphs per network. Staged batches alternate between a few addresses, and the last batch of an epoch has another size.
const GRAPHS: usize = 16;

/// Sequences that were recorded once and are not graphs.
const SEEN: usize = 16;

/// The records and graphs of the queued steps of one network.
#[derive(Debug)]
pub(super) struct Recorder {
    device: Arc<CudaDevice>,
    pub(super) pool: Pool<CudaSlice<u8>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    launches: Vec<Launch>,
    /// The one used last comes last.
    graphs: Vec<(Vec<Launch>, Graph)>,
    seen: Vec<Vec<Launch>>,
    /// Whether the driver has no graphs, or failed to create one.
    is_unsupported: bool,
}

/// A launch, with its arguments in 8-byte words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Launch {
    pub(super) function: CUfunction,
    pub(super) blocks: [u32; 3],
    pub(super) threads: [u32; 2],
    pub(super) shared: u32,
    pub(super) arguments: Vec<u64>,
}

#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver's handles belong to a context, not to a thread.
unsafe impl Send for Launch {}

#[derive(Debug)]
struct Graph(CUgraphExec);

#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver's handles belong to a context, not to a thread.
unsafe impl Send for Graph {}

impl Drop for Graph {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: not used afterwards; the driver completes a graph that is running.
        let _ = unsafe { sys::cuGraphExecDestroy(self.0) };
    }
}

impl Recorder {
    pub(super) fn new(device: Arc<CudaDevice>) -> Self {
        Recorder { device, pool: Pool::default(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self, launch: Launch) {
        self.state().launches.push(launch);
    }

    /// Forgets what a step that failed has recorded.
    pub(super) fn discard(&self) {
        self.state().launches.clear();
    }

    /// Frees unused memory, unless recorded launches may still use it.
    pub(super) fn relieve(&self) {
        let state = self.state();
        if state.launches.is_empty() {
            self.pool.clear();
        }
    }

    /// Launches everything recorded so far, kernel by kernel.
    ///
    /// # Safety
    /// As of every recorded launch.
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    pub(super) unsafe fn flush(&self) -> Result<(), DriverError> {
        let launches = std::mem::take(&mut self.state().launches);
        // SAFETY: as the caller guarantees.
        launches.iter().try_for_each(|launch| unsafe { launch.start(*self.device.cu_stream()) })
    }

    /// Launches everything recorded so far, as a graph if the same launches were recorded before.
    ///
    /// # Safety
    /// As of every recorded launch.
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    pub(super) unsafe fn play(&self) -> Result<(), DriverError> {
        let mut state = self.state();
        let stream = *self.device.cu_stream();
        let launches = std::mem::take(&mut state.launches);
        if let Some(at) = state.graphs.iter().position(|(of, _)| *of == launches) {
            let used = state.graphs.remove(at);
            // SAFETY: the graph has the same launches, for which the caller guarantees.
            let played = unsafe { sys::cuGraphLaunch(used.1.0, stream) }.result();
            state.graphs.push(used);
            return played;
        }
        let seen = state.seen.iter().position(|of| *of == launches);
        match seen.filter(|_| !state.is_unsupported) {
            Some(at) => {
                state.seen.remove(at);
                // SAFETY: as the caller guarantees.
                match unsafe { Graph::new(&launches) } {
                    Ok(graph) => {
                        if state.graphs.len() == GRAPHS {
                            state.graphs.remove(0);
                        }
                        // SAFETY: as above.
                        let played = unsafe { sys::cuGraphLaunch(graph.0, stream) }.result();
                        state.graphs.push((launches, graph));
                        return played;
                    }
                    Err(_) => state.is_unsupported = true,
                }
            }
            None if !state.is_unsupported => {
                if state.seen.len() == SEEN {
                    state.seen.remove(0);
                }
                state.seen.push(launches.clone());
            }
            None => {}
        }
        drop(state);
        // SAFETY: as the caller guarantees.
        launches.iter().try_for_each(|launch| unsafe { launch.start(stream) })
    }
}

impl Launch {
    /// # Safety
    /// As of `KernelDevice::launch`.
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    unsafe fn start(&self, stream: CUstream) -> Result<(), DriverError> {
        let ([x, y, z], [width, height]) = (self.blocks, self.threads);
        let mut parameters = [self.parameters()];
        // SAFETY: the function takes one parameter, of which these are the bytes; the rest is as the caller guarantees.
        unsafe {
            result::launch_kernel(
                self.function,
                (x, y, z),
                (width, height, 1),
                self.shared,
                stream,
                &mut parameters,
            )
        }
    }

    fn parameters(&self) -> *mut c_void {
        self.arguments.as_ptr().cast_mut().cast()
    }
}

impl Graph {
    /// One kernel after the other.
    ///
    /// # Safety
    /// The functions take the arguments of `launches`.
    #[expect(unsafe_code, reason = "calls of the driver")]
    unsafe fn new(launches: &[Launch]) -> Result<Self, DriverError> {
        let mut graph: CUgraph = ptr::null_mut();
        // SAFETY: a context is current.
        unsafe { sys::cuGraphCreate(&raw mut graph, 0) }.result()?;
        let graph = Unfinished(graph);
        let mut before: Option<CUgraphNode> = None;
        for launch in launches {
            let ([x, y, z], [width, height]) = (launch.blocks, launch.threads);
            let mut parameters = [launch.parameters()];
            let node = CUDA_KERNEL_NODE_PARAMS {
                func: launch.function,
                gridDimX: x,
                gridDimY: y,
                gridDimZ: z,
                blockDimX: width,
                blockDimY: height,
                blockDimZ: 1,
                sharedMemBytes: launch.shared,
                kernelParams: parameters.as_mut_ptr(),
                extra: ptr::null_mut(),
            };
            let mut added: CUgraphNode = ptr::null_mut();
            let dependencies = before.as_ref().map_or(ptr::null(), ptr::from_ref);
            // SAFETY: the graph is valid, and the driver copies the arguments.
            unsafe {
                sys::cuGraphAddKernelNode(
                    &raw mut added,
                    graph.0,
                    dependencies,
                    usize::from(before.is_some()),
                    &raw const node,
                )
            }
            .result()?;
            before = Some(added);
        }
        let mut executable: CUgraphExec = ptr::null_mut();
        // SAFETY: the graph is valid.
        unsafe { sys::cuGraphInstantiateWithFlags(&raw mut executable, graph.0, 0) }.result()?;
        Ok(Graph(executable))
    }
}

/// A graph of which none can be launched yet.
struct Unfinished(CUgraph);

impl Drop for Unfinished {
    fn drop(&mut self) {
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: not used afterwards; what was instantiated is independent of it.
        let _: CUresult = unsafe { sys::cuGraphDestroy(self.0) };
    }
}
