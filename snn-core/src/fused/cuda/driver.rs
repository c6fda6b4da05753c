//! A GPU, through dfdx's `cudarc`.

use super::{
    arguments::{Address, Kernel, NAMES, Packed},
    graphs::{self, Recorder},
    kernel_device::{Ahead, KernelDevice, Launch, Pool},
    profile,
    readback::{Readback, Readbacks},
    staging::Stages,
};
use crate::{Error, Input, stager::Stager, weights::Buffer};
use cudarc::driver::{
    CudaDevice, CudaSlice, DevicePtr, DriverError, result,
    sys::{self, CUdevice_attribute, CUfunction, CUfunction_attribute, CUresult},
};
use dfdx::prelude::{Cache, Cuda, CudaError, Storage};
use std::{
    collections::BTreeMap,
    ffi::{CString, c_void},
    ptr,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// All kernels: machine code for the target GPU of the build, and PTX for others.
static IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kernels.fatbin"));

/// Compute capability of the target GPU of the build, without the dot. dfdx's kernels require it or a later one.
const BUILT_FOR: &str = env!("SNN_COMPUTE_CAPABILITY");

/// The GPU `ordinal`, counted from 0 among those in `CUDA_VISIBLE_DEVICES`.
///
/// # Errors
/// [`Error::Device`] if there is no driver or no such GPU, or if the GPU is older than the target of this build.
pub fn cuda(ordinal: usize) -> Result<Cuda, Error> {
    #[cfg(target_os = "linux")]
    super::library::check()?;
    // dfdx panics if one of these fails
    result::init().map_err(Error::device)?;
    let count = result::device::get_count().map_err(Error::device)?.max(0) as usize;
    if ordinal >= count {
        return Err(Error::Device(format!(
            "there is no GPU {ordinal}: {count} are visible, counted from 0 (CUDA_VISIBLE_DEVICES says which)"
        )));
    }
    let device = Cuda::try_build(ordinal, 0).map_err(Error::device)?;
    let driver = Driver::of(&device).map_err(Error::device)?;
    let capability = driver.0.capability;
    if BUILT_FOR.parse().is_ok_and(|built_for: u32| capability < built_for) {
        return Err(Error::Device(format!(
            "this program was built for GPUs of compute capability {BUILT_FOR} and later (without the dot), but GPU \
             {ordinal} has {capability}: build it again with CUDA_COMPUTE_CAP={capability}"
        )));
    }
    // the same sizes are allocated in every step
    device.try_enable_cache().map_err(Error::device)?;
    Ok(device)
}

/// One GPU, with the kernels loaded. With a recorder, launches are recorded until [`KernelDevice::play`].
#[derive(Debug, Clone)]
pub(crate) struct Driver(Arc<Loaded>, Option<Arc<Recorder>>);

#[derive(Debug)]
struct Loaded {
    device: Arc<CudaDevice>,
    functions: BTreeMap<&'static str, Function>,
    capability: u32,
    largest_shared: usize,
    pool: Pool<CudaSlice<u8>>,
    stages: Arc<Stages>,
    readbacks: Arc<Readbacks>,
    /// Those of all networks; their unused memory is freed before an allocation fails.
    recorders: Mutex<Vec<Weak<Recorder>>>,
    cache: Keeper,
    /// Whether to wait for every kernel, so that a fault is reported with its kernel.
    waits: bool,
    note: Mutex<Option<String>>,
}

/// The dfdx device of the first network, which caches the memory of dropped tensors. Only the cache is used.
#[derive(Debug)]
struct Keeper(Cuda);

#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: everything but the handle of a stream is `Send`, and the driver's handles belong to a context, not to a thread.
unsafe impl Send for Keeper {}
#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: as above; its cache is behind a lock.
unsafe impl Sync for Keeper {}

/// If 1, the host waits for every kernel.
const SYNC_VARIABLE: &str = "SNN_CUDA_SYNC";

#[derive(Debug, Clone, Copy)]
struct Function(CUfunction);

#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: the driver's handles belong to a context, not to a thread.
unsafe impl Send for Function {}
#[expect(unsafe_code, reason = "a handle of the driver")]
// SAFETY: as above; it is not modified after loading.
unsafe impl Sync for Function {}

/// All GPUs used by the process.
static LOADED: Mutex<BTreeMap<usize, Driver>> = Mutex::new(BTreeMap::new());

impl Driver {
    /// The GPU of a dfdx device.
    pub(crate) fn of(dfdx: &Cuda) -> Result<Self, CudaError> {
        // dfdx does not expose the device, but its buffers do
        let probe = Storage::<f32>::try_alloc_len(dfdx, 1)?;
        if let Some(driver) = Self::of_buffer(&probe) {
            return Ok(driver);
        }
        let device = CudaSlice::device(&probe);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let ordinal = device.ordinal();
        let driver = Driver(Arc::new(Loaded::new(device, dfdx)?), None);
        loaded.insert(ordinal, driver.clone());
        Ok(driver)
    }

    /// The GPU of a buffer, if [`Driver::of`] has loaded it. This calls no function of the driver.
    pub(crate) fn of_buffer(buffer: &Buffer<f32, Cuda>) -> Option<Self> {
        let loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.get(&CudaSlice::device(buffer).ordinal()).cloned()
    }
}

impl Loaded {
    fn new(device: Arc<CudaDevice>, dfdx: &Cuda) -> Result<Self, DriverError> {
        use CUdevice_attribute as Attribute;
        let attribute = |attribute| device.attribute(attribute).map(i32::unsigned_abs);
        let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
        let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        let shared = attribute(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
        device.bind_to_thread()?;
        keep_memory(&device);
        // the driver requires alignment
        let image: Vec<u128> = IMAGE
            .chunks(16)
            .map(|bytes| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u128::from(byte)))
            .collect();
        let mut functions = BTreeMap::new();
        #[expect(unsafe_code, reason = "calls of the driver")]
        // SAFETY: the context is current, and nvcc wrote the image. The module is never unloaded.
        let module = unsafe { result::module::load_data(image.as_ptr().cast())? };
        for name in NAMES.iter().copied() {
            let symbol = CString::new(name).map_err(|_| DriverError(CUresult::CUDA_ERROR_NOT_FOUND))?;
            #[expect(unsafe_code, reason = "calls of the driver")]
            // SAFETY: the module was loaded above; the limit of on-chip memory is that of the GPU.
            let function = unsafe {
                let function = result::module::get_function(module, symbol)?;
                let most = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
                sys::cuFuncSetAttribute(function, most, shared as i32).result()?;
                function
            };
            functions.insert(name, Function(function));
        }
        let stages = Arc::new(Stages::new(Arc::clone(&device))?);
        let readbacks = Arc::new(Readbacks::new(Arc::clone(&device)));
        Ok(Loaded {
            device,
            functions,
            capability: 10 * major + minor,
            largest_shared: shared as usize,
            pool: Pool::default(),
            stages,
            readbacks,
            recorders: Mutex::default(),
            cache: Keeper(dfdx.clone()),
            waits: std::env::var(SYNC_VARIABLE).is_ok_and(|it| it == "1"),
            note: Mutex::default(),
        })
    }
}

/// Makes the driver keep freed memory. By default, it returns all of it to the system whenever the host waits.
fn keep_memory(device: &CudaDevice) {
    let (mut pool, mut threshold) = (ptr::null_mut(), u64::MAX);
    #[expect(unsafe_code, reason = "calls of the driver")]
    // SAFETY: the pool belongs to this device, and the attribute is an unsigned 64-bit number.
    unsafe {
        // older drivers have no such pools
        if sys::cuDeviceGetDefaultMemPool(&raw mut pool, *device.cu_device()) == CUresult::CUDA_SUCCESS {
            let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            let _ = sys::cuMemPoolSetAttribute(pool, attribute, (&raw mut threshold).cast());
        }
    }
}

impl Driver {
    /// Multiprocessors of the GPU.
    pub(super) fn processors(&self) -> Result<usize, CudaError> {
        let count = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
        Ok(self.0.device.attribute(count)?.unsigned_abs() as usize)
    }

    /// Copies `bytes` bytes in the memory of the GPU.
    ///
    /// # Safety
    /// Both addresses are valid for `bytes` bytes, and nothing else uses them.
    #[expect(unsafe_code, reason = "memory of the GPU")]
    pub(super) unsafe fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<(), CudaError> {
        self.0.device.bind_to_thread()?;
        // SAFETY: as the caller guarantees.
        unsafe {
            result::memcpy_dtod_async(to, from, bytes, *self.0.device.cu_stream())?;
        }
        Ok(())
    }

    /// A recorder for the steps of a network.
    pub(super) fn recorder(&self) -> Arc<Recorder> {
        let recorder = Arc::new(Recorder::new(Arc::clone(&self.0.device)));
        let mut recorders = self.0.recorders.lock().unwrap_or_else(PoisonError::into_inner);
        recorders.retain(|it| it.strong_count() > 0);
        recorders.push(Arc::downgrade(&recorder));
        recorder
    }

    /// The same GPU, which records launches.
    pub(super) fn recording(&self, recorder: &Arc<Recorder>) -> Self {
        Driver(Arc::clone(&self.0), Some(Arc::clone(recorder)))
    }

    /// Launches what was recorded, before operations that are not recorded.
    fn flush(&self) -> Result<(), DriverError> {
        let Some(recorder) = &self.1 else { return Ok(()) };
        self.0.device.bind_to_thread()?;
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: guaranteed by the callers of `launch`: memory returns to the recorder's pool, which reuses it in the order of launches.
        unsafe {
            recorder.flush()
        }
    }

    pub(super) fn stager(&self) -> Stager<f32> {
        let stages = Arc::clone(&self.0.stages);
        Stager::new(move |input| stages.attach(input))
    }

    fn remember(&self, note: String) {
        *self.0.note.lock().unwrap_or_else(PoisonError::into_inner) = Some(note);
    }

    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    /// # Safety
    /// As of [`KernelDevice::launch`].
    unsafe fn start<A: Packed>(
        &self,
        kernel: &Kernel<A>,
        launch: Launch,
        arguments: &A,
    ) -> Result<(), CudaError> {
        let Function(function) =
            *self.0.functions.get(kernel.name()).ok_or(DriverError(CUresult::CUDA_ERROR_NOT_FOUND))?;
        let size = |extent: usize| {
            u32::try_from(extent)
                .map_err(|_| CudaError::from(DriverError(CUresult::CUDA_ERROR_INVALID_VALUE)))
        };
        let [x, y, z] = launch.blocks;
        let [width, height] = launch.threads;
        if let Some(recorder) = self.1.as_ref().filter(|_| !self.0.waits && !profile::is_timed()) {
            recorder.record(graphs::Launch {
                function,
                blocks: [size(x)?, size(y)?, size(z)?],
                threads: [size(width)?, size(height)?],
                shared: size(launch.shared)?,
                arguments: arguments.words(),
            });
            return Ok(());
        }
        self.flush()?;
        self.0.device.bind_to_thread()?;
        let mut parameters = [ptr::from_ref(arguments).cast_mut().cast::<c_void>()];
        // SAFETY: the module of the function stays loaded, and its only parameter has this type; the rest is as the caller guarantees.
        unsafe {
            result::launch_kernel(
                function,
                (size(x)?, size(y)?, size(z)?),
                (size(width)?, size(height)?, 1),
                size(launch.shared)?,
                *self.0.device.cu_stream(),
                &mut parameters,
            )?;
        }
        if self.0.waits {
            self.0.device.synchronize()?;
        }
        Ok(())
    }
}

impl KernelDevice for Driver {
    type Device = Cuda;
    type Memory = CudaSlice<u8>;
    type Fetch = Readback;

    fn pool(&self) -> &Pool<CudaSlice<u8>> {
        self.1.as_ref().map_or(&self.0.pool, |recorder| &recorder.pool)
    }

    fn allocate(&self, bytes: usize) -> Result<CudaSlice<u8>, CudaError> {
        self.0.device.bind_to_thread()?;
        #[expect(unsafe_code, reason = "memory of the GPU")]
        // SAFETY: every bit pattern is valid, and kernels write before they read.
        let memory = unsafe { self.0.device.alloc(bytes) };
        memory.map_err(|error| {
            self.remember(format!("when {bytes} bytes more were requested"));
            error.into()
        })
    }

    fn relieve(&self) {
        // memory in its pool may belong to launches that were only recorded
        let _ = self.flush();
        self.0.pool.clear();
        let recorders = self.0.recorders.lock().unwrap_or_else(PoisonError::into_inner);
        recorders.iter().filter_map(Weak::upgrade).for_each(|recorder| recorder.relieve());
        drop(recorders);
        // the next attempt leaves its own note
        drop(self.note());
        let Keeper(dfdx) = &self.0.cache;
        let _ = dfdx.try_empty_cache();
    }

    fn note(&self) -> Option<String> {
        self.0.note.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn address(memory: &CudaSlice<u8>) -> Address {
        *memory.device_ptr()
    }

    fn upload(&self, memory: &mut CudaSlice<u8>, bytes: &[u8]) -> Result<(), CudaError> {
        self.flush()?;
        self.0.device.bind_to_thread()?;
        #[expect(unsafe_code, reason = "memory of the GPU")]
        // SAFETY: the memory is long enough. When this returns, the driver has read pageable host memory.
        unsafe {
            result::memcpy_htod_async(*memory.device_ptr(), bytes, *self.0.device.cu_stream())?;
        }
        Ok(())
    }

    fn download(&self, memory: &CudaSlice<u8>, bytes: &mut [u8]) -> Result<(), CudaError> {
        self.flush()?;
        self.0.device.bind_to_thread()?;
        #[expect(unsafe_code, reason = "memory of the GPU")]
        // SAFETY: the memory is long enough, and this returns when all is copied.
        unsafe {
            result::memcpy_dtoh_async(bytes, *memory.device_ptr(), *self.0.device.cu_stream())?;
        }
        self.0.device.synchronize()?;
        Ok(())
    }

    fn fetch(&self, memory: &CudaSlice<u8>, bytes: usize) -> Result<Readback, CudaError> {
        self.flush()?;
        #[expect(unsafe_code, reason = "memory of the GPU")]
        // SAFETY: the memory is long enough; it returns to a pool, and is freed only by operations in the same stream.
        Ok(unsafe { self.0.readbacks.start(*memory.device_ptr(), bytes)? })
    }

    fn complete(fetch: Readback, bytes: &mut [u8]) -> Result<(), CudaError> {
        Ok(fetch.read(bytes)?)
    }

    fn ahead(&self, input: &Input<f32>) -> Result<Option<Ahead>, CudaError> {
        Ok(self.0.stages.accept(input)?)
    }

    fn buffer(buffer: &Buffer<f32, Cuda>) -> Address {
        *buffer.device_ptr()
    }

    fn buffer_mut(buffer: &mut Buffer<f32, Cuda>) -> Address {
        *buffer.device_ptr()
    }

    fn play(&self) -> Result<(), CudaError> {
        let Some(recorder) = &self.1 else { return Ok(()) };
        self.0.device.bind_to_thread()?;
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: as in `flush`.
        unsafe {
            recorder.play()?
        };
        Ok(())
    }

    fn largest_shared(&self) -> usize {
        self.0.largest_shared
    }

    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    unsafe fn launch<A: Packed>(
        &self,
        kernel: &Kernel<A>,
        launch: Launch,
        arguments: &A,
    ) -> Result<(), CudaError> {
        // SAFETY: as the caller guarantees.
        unsafe { self.start(kernel, launch, arguments) }.inspect_err(|_| {
            let (Launch { blocks, threads, shared }, name) = (launch, kernel.name());
            let culprit = if self.0.waits { "in" } else { "at or before" };
            self.remember(format!(
                "{culprit} kernel `{name}`, {blocks:?} blocks of {threads:?} threads and {shared} bytes on chip"
            ));
        })
    }
}
