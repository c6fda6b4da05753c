//! The libraries of the driver and of cuBLAS, loaded when first needed.
//!
//! `cudarc` links against both, and such a program cannot start without them: on the login node of a cluster, for example, where
//! sweeps are submitted. Therefore the functions that this crate and dfdx use are defined here and forwarded to the libraries, which
//! the linker then omits because no symbol is left to resolve. If a function is missing here, the program still works, but requires the
//! library at its start; `cargo xtask gpu --link-check` reports this.
//!
//! dfdx creates a cuBLAS handle with every device, but this crate does not use cuBLAS: the real handle is created with dfdx's first
//! matrix product, and only that product requires the library.

use super::profile::{Call, watch};
use crate::Error;
use libloading::Library;
use std::{
    env,
    ffi::{OsStr, c_int, c_uchar, c_uint, c_ulonglong, c_void},
    path::PathBuf,
    ptr,
    sync::{Mutex, OnceLock, PoisonError},
};

type Pointer = *mut c_void;

static DRIVER: OnceLock<Result<Library, String>> = OnceLock::new();
static CUBLAS: OnceLock<Result<Library, String>> = OnceLock::new();

/// Major version of the toolkit used for the build.
const CUDA_MAJOR: &str = env!("SNN_CUDA_MAJOR");

/// Locations of the driver in containers and distributions, in case the loader does not find it.
const DRIVER_FOLDERS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    // Kubernetes, Docker's older runtime
    "/usr/local/nvidia/lib64",
    "/usr/local/nvidia/lib",
    // Apptainer
    "/.singularity.d/libs",
    "/usr/lib/wsl/lib",
    "/run/opengl-driver/lib",
];

/// Locations of toolkits.
const TOOLKITS: &[&str] = &["/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda"];

/// Folders of a toolkit; `compat` has a newer driver than the machine.
const IN_TOOLKIT: &[&str] = &["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib", "compat"];

/// The library of the driver has the same name in all versions.
fn driver() -> &'static Result<Library, String> {
    DRIVER.get_or_init(|| load(&["libcuda.so.1".to_owned()]))
}

/// The four functions used are the same in all these versions.
fn cublas() -> &'static Result<Library, String> {
    CUBLAS.get_or_init(|| load(&[CUDA_MAJOR, "13", "12", "11"].map(|major| format!("libcublas.so.{major}"))))
}

/// Paths to try for a library: first the bare name, then the known folders.
fn places(names: &[String]) -> Vec<PathBuf> {
    let toolkits = ["CUDA_PATH", "CUDA_HOME", "CONDA_PREFIX"].into_iter().filter_map(env::var_os);
    let toolkits: Vec<_> = toolkits.map(PathBuf::from).chain(TOOLKITS.iter().map(PathBuf::from)).collect();
    let of_toolkits = toolkits.iter().flat_map(|root| IN_TOOLKIT.iter().map(|folder| root.join(folder)));
    let folders = DRIVER_FOLDERS.iter().map(PathBuf::from).chain(of_toolkits);
    let there = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    names.iter().map(PathBuf::from).chain(there.filter(|path| path.is_file())).collect()
}

/// Loads the first available library; otherwise returns the problem with the first path.
fn load(names: &[String]) -> Result<Library, String> {
    let mut problem = None;
    for place in places(names) {
        #[expect(unsafe_code, reason = "a library of NVIDIA")]
        // SAFETY: initializing these libraries has no requirements.
        match unsafe { Library::new::<&OsStr>(place.as_ref()) } {
            Ok(library) => return Ok(library),
            Err(error) => problem = problem.or(Some(error.to_string())),
        }
    }
    Err(problem.unwrap_or_default())
}

/// Loads the driver.
///
/// # Errors
/// [`Error::Device`] if it is missing, with advice.
pub(super) fn check() -> Result<(), Error> {
    match driver() {
        Ok(_) => Ok(()),
        Err(problem) => Err(Error::Device(format!(
            "there is no NVIDIA driver here ({problem}): compute on a machine with a GPU, on a cluster within a job that has \
             one, or on the CPU"
        ))),
    }
}

/// Defines functions that forward to those of the same name in the driver, or return an error if it lacks them. Calls with a
/// [`Call`] are reported to programs that measure.
macro_rules! forwarded {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(=> $call:expr)?;)*) => {$(
        #[expect(unsafe_code, reason = "a function of NVIDIA")]
        // SAFETY: the name is unique in the program; it forwards to that function with the same arguments.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
            type Signature = unsafe extern "C" fn($($type),*) -> c_int;
            static FUNCTION: OnceLock<Option<Signature>> = OnceLock::new();
            let find = || -> Option<Signature> {
                let library = driver().as_ref().ok()?;
                // SAFETY: the signature is correct, and the library stays loaded.
                unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }.ok().map(|found| *found)
            };
            let make = || match FUNCTION.get_or_init(find) {
                // SAFETY: as the caller guarantees.
                Some(function) => unsafe { function($($argument),*) },
                None => SYMBOL_NOT_FOUND,
            };
            $(return watch($call, make);)?
            #[allow(unreachable_code, reason = "without a report to programs that measure")]
            make()
        }
    )*};
}

/// CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND
const SYMBOL_NOT_FOUND: c_int = 302;

forwarded! {
    fn cuCtxSetCurrent(a: Pointer);
    fn cuDeviceGet(a: Pointer, b: c_int);
    fn cuDeviceGetAttribute(a: Pointer, b: c_int, c: c_int);
    fn cuDeviceGetCount(a: Pointer);
    fn cuDeviceGetDefaultMemPool(a: Pointer, b: c_int);
    fn cuDevicePrimaryCtxRelease_v2(a: c_int);
    fn cuDevicePrimaryCtxRetain(a: Pointer, b: c_int);
    fn cuEventCreate(a: Pointer, b: c_uint);
    fn cuEventDestroy_v2(a: Pointer);
    fn cuEventElapsedTime(a: Pointer, b: Pointer, c: Pointer);
    fn cuEventRecord(a: Pointer, b: Pointer) => Call::Event;
    fn cuEventSynchronize(a: Pointer) => Call::WaitForEvent;
    fn cuFuncGetAttribute(a: Pointer, b: c_int, c: Pointer);
    fn cuFuncSetAttribute(a: Pointer, b: c_int, c: c_int);
    fn cuGetErrorString(a: c_int, b: Pointer);
    fn cuGraphAddKernelNode(a: Pointer, b: Pointer, c: Pointer, d: usize, e: Pointer);
    fn cuGraphCreate(a: Pointer, b: c_uint);
    fn cuGraphDestroy(a: Pointer);
    fn cuGraphExecDestroy(a: Pointer);
    fn cuGraphInstantiateWithFlags(a: Pointer, b: Pointer, c: c_ulonglong);
    fn cuGraphLaunch(a: Pointer, b: Pointer) => Call::Graph(b);
    fn cuInit(a: c_uint);
    fn cuLaunchKernel(a: Pointer, b: c_uint, c: c_uint, d: c_uint, e: c_uint, f: c_uint, g: c_uint, h: c_uint, i: Pointer, j: Pointer, k: Pointer)
        => Call::Launch { function: a, blocks: [b, c, d], threads: [e, f, g], shared: h, stream: i };
    fn cuMemAllocAsync(a: Pointer, b: usize, c: Pointer) => Call::Allocate(b);
    fn cuMemAlloc_v2(a: Pointer, b: usize) => Call::Allocate(b);
    fn cuMemFreeAsync(a: u64, b: Pointer) => Call::Free;
    fn cuMemFree_v2(a: u64) => Call::Free;
    fn cuMemFreeHost(a: Pointer);
    fn cuMemHostAlloc(a: Pointer, b: usize, c: c_uint);
    fn cuMemPoolSetAttribute(a: Pointer, b: c_int, c: Pointer);
    fn cuMemcpyDtoDAsync_v2(a: u64, b: u64, c: usize, d: Pointer) => Call::Copy(c, d);
    fn cuMemcpyDtoD_v2(a: u64, b: u64, c: usize) => Call::Copy(c, ptr::null_mut());
    fn cuMemcpyDtoHAsync_v2(a: Pointer, b: u64, c: usize, d: Pointer) => Call::Download(c, d);
    fn cuMemcpyDtoH_v2(a: Pointer, b: u64, c: usize) => Call::Download(c, ptr::null_mut());
    fn cuMemcpyHtoDAsync_v2(a: u64, b: Pointer, c: usize, d: Pointer) => Call::Upload(c, d);
    fn cuMemcpyHtoD_v2(a: u64, b: Pointer, c: usize) => Call::Upload(c, ptr::null_mut());
    fn cuMemsetD8Async(a: u64, b: c_uchar, c: usize, d: Pointer) => Call::Fill(c, d);
    fn cuMemsetD8_v2(a: u64, b: c_uchar, c: usize) => Call::Fill(c, ptr::null_mut());
    fn cuModuleGetFunction(a: Pointer, b: Pointer, c: Pointer) => Call::Function { to: a, name: c };
    fn cuModuleLoad(a: Pointer, b: Pointer);
    fn cuModuleLoadData(a: Pointer, b: Pointer);
    fn cuModuleUnload(a: Pointer);
    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(a: Pointer, b: Pointer, c: c_int, d: usize);
    fn cuStreamCreate(a: Pointer, b: c_uint);
    fn cuStreamDestroy_v2(a: Pointer);
    fn cuStreamSynchronize(a: Pointer) => Call::Wait;
    fn cuStreamWaitEvent(a: Pointer, b: Pointer, c: c_uint) => Call::Event;
}

/// CUBLAS_STATUS_NOT_INITIALIZED
const NOT_INITIALIZED: c_int = 1;

/// The target of a cuBLAS handle: its stream, and the library's own handle after the first product.
struct Handle(Mutex<(Pointer, Option<Pointer>)>);

/// Calls a function of cuBLAS with `arguments`.
macro_rules! call_cublas {
    ($name:ident($($argument:expr => $type:ty),*)) => {{
        type Signature = unsafe extern "C" fn($($type),*) -> c_int;
        let name = concat!(stringify!($name), "\0").as_bytes();
        #[expect(unsafe_code, reason = "a function of NVIDIA")]
        // SAFETY: the signature is correct, the library stays loaded, and the caller guarantees the arguments.
        unsafe {
            match cublas().as_ref().ok().and_then(|library| library.get::<Signature>(name).ok()) {
                Some(function) => function($($argument),*),
                None => NOT_INITIALIZED,
            }
        }
    }};
}

impl Handle {
    /// # Safety
    /// A handle of `cublasCreate_v2` that was not destroyed.
    #[expect(unsafe_code, reason = "a handle that C has kept")]
    unsafe fn of<'a>(handle: Pointer) -> &'a Handle {
        // SAFETY: as the caller guarantees.
        unsafe { &*handle.cast::<Handle>() }
    }

    fn get(&self) -> std::sync::MutexGuard<'_, (Pointer, Option<Pointer>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The library's handle, created if necessary, or the error code.
    fn own(&self) -> Result<Pointer, c_int> {
        let mut kept = self.get();
        let (stream, own) = *kept;
        if let Some(own) = own {
            return Ok(own);
        }
        let mut own: Pointer = ptr::null_mut();
        let succeeded = |code: c_int| if code == 0 { Ok(()) } else { Err(code) };
        succeeded(call_cublas!(cublasCreate_v2((&raw mut own).cast() => Pointer)))?;
        succeeded(call_cublas!(cublasSetStream_v2(own => Pointer, stream => Pointer)))?;
        kept.1 = Some(own);
        Ok(own)
    }
}

#[expect(unsafe_code, reason = "replaces a function of NVIDIA")]
// SAFETY: the name is unique in the program; `a` receives the handle.
#[unsafe(no_mangle)]
unsafe extern "C" fn cublasCreate_v2(a: Pointer) -> c_int {
    let handle = Box::new(Handle(Mutex::new((ptr::null_mut(), None))));
    // SAFETY: as above.
    unsafe { a.cast::<Pointer>().write(Box::into_raw(handle).cast()) };
    0
}

#[expect(unsafe_code, reason = "replaces a function of NVIDIA")]
// SAFETY: the name is unique in the program; `a` is a handle of `cublasCreate_v2`, not used afterwards.
#[unsafe(no_mangle)]
unsafe extern "C" fn cublasDestroy_v2(a: Pointer) -> c_int {
    // SAFETY: as above.
    let handle = unsafe { Box::from_raw(a.cast::<Handle>()) };
    let (_, own) = *handle.get();
    own.map_or(0, |own| call_cublas!(cublasDestroy_v2(own => Pointer)))
}

#[expect(unsafe_code, reason = "replaces a function of NVIDIA")]
// SAFETY: the name is unique in the program; `a` is a handle of `cublasCreate_v2`.
#[unsafe(no_mangle)]
unsafe extern "C" fn cublasSetStream_v2(a: Pointer, b: Pointer) -> c_int {
    // SAFETY: as above.
    let mut kept = unsafe { Handle::of(a) }.get();
    kept.0 = b;
    kept.1.map_or(0, |own| call_cublas!(cublasSetStream_v2(own => Pointer, b => Pointer)))
}

#[rustfmt::skip]
#[expect(unsafe_code, reason = "replaces a function of NVIDIA")]
// SAFETY: the name is unique in the program; `a` is a handle of `cublasCreate_v2`, the rest is forwarded.
#[unsafe(no_mangle)]
unsafe extern "C" fn cublasSgemm_v2(
    a: Pointer, b: c_int, c: c_int, d: c_int, e: c_int, f: c_int, g: Pointer, h: Pointer, i: c_int, j: Pointer, k: c_int,
    l: Pointer, m: Pointer, n: c_int,
) -> c_int {
    // SAFETY: as above.
    match unsafe { Handle::of(a) }.own() {
        Ok(own) => call_cublas!(cublasSgemm_v2(
            own => Pointer, b => c_int, c => c_int, d => c_int, e => c_int, f => c_int, g => Pointer, h => Pointer,
            i => c_int, j => Pointer, k => c_int, l => Pointer, m => Pointer, n => c_int
        )),
        Err(code) => code,
    }
}
