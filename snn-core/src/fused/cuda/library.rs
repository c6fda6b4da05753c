//! The libraries of the driver and of cuBLAS, loaded when a GPU is first asked for.
//!
//! `cudarc` is linked against both, and a program that is cannot even start where they are missing: on the login node of a
//! cluster, say, where sweeps are submitted. The functions of them that this crate and dfdx reach are therefore defined here
//! and handed on to the libraries, so that the linker finds nothing left to look up there and leaves them out. Should it ever
//! find another one, the program needs the library from the start again, and works all the same; `cargo xtask gpu --link-check`
//! tells.

use crate::Error;
use libloading::Library;
use std::{
    ffi::{c_int, c_uchar, c_uint, c_void},
    sync::OnceLock,
};

type Pointer = *mut c_void;

static DRIVER: OnceLock<Result<Library, String>> = OnceLock::new();
static CUBLAS: OnceLock<Result<Library, String>> = OnceLock::new();

/// Of the toolkit that the build used.
const CUDA_MAJOR: &str = env!("SNN_CUDA_MAJOR");

/// The library of the driver has one name for all its versions.
fn driver() -> &'static Result<Library, String> {
    DRIVER.get_or_init(|| load(&["libcuda.so.1".to_owned()]))
}

/// Four functions of it are used, which are the same in all these versions.
fn cublas() -> &'static Result<Library, String> {
    CUBLAS.get_or_init(|| load(&[CUDA_MAJOR, "13", "12", "11"].map(|major| format!("libcublas.so.{major}"))))
}

/// The first of the libraries that there is; else what is wrong with the first.
fn load(names: &[String]) -> Result<Library, String> {
    let mut problem = None;
    for name in names {
        #[expect(unsafe_code, reason = "a library of NVIDIA's")]
        // SAFETY: initializing these libraries asks nothing of the program.
        match unsafe { Library::new(name) } {
            Ok(library) => return Ok(library),
            Err(error) => problem = problem.or(Some(error.to_string())),
        }
    }
    Err(problem.unwrap_or_default())
}

/// Loads both.
///
/// # Errors
/// [`Error::Device`] says which is missing, and what to do.
pub(super) fn check() -> Result<(), Error> {
    if let Err(problem) = driver() {
        return Err(Error::Device(format!(
            "there is no NVIDIA driver here ({problem}): compute on a machine with a GPU, on a cluster within a job that has \
             one, or on the CPU"
        )));
    }
    if let Err(problem) = cublas() {
        return Err(Error::Device(format!(
            "cuBLAS is missing ({problem}): load the module of the CUDA toolkit {CUDA_MAJOR}, or add the folder of \
             libcublas.so.{CUDA_MAJOR} to LD_LIBRARY_PATH"
        )));
    }
    Ok(())
}

/// Defines functions that hand on to those of the same name in a library, or return `missing` where there is none.
macro_rules! handed_on {
    ($library:ident, $missing:literal; $(fn $name:ident($($argument:ident: $type:ty),*);)*) => {$(
        #[expect(unsafe_code, reason = "a function of NVIDIA's")]
        // SAFETY: nothing else of this name is in the program; it does what that function does, on the same arguments.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($argument: $type),*) -> c_int {
            type Signature = unsafe extern "C" fn($($type),*) -> c_int;
            static FUNCTION: OnceLock<Option<Signature>> = OnceLock::new();
            let find = || -> Option<Signature> {
                let library = $library().as_ref().ok()?;
                // SAFETY: this is its signature, and the library stays loaded.
                unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }.ok().map(|found| *found)
            };
            match FUNCTION.get_or_init(find) {
                // SAFETY: as the caller says.
                Some(function) => unsafe { function($($argument),*) },
                None => $missing,
            }
        }
    )*};
}

// CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND
handed_on! {
    driver, 302;
    fn cuCtxSetCurrent(a: Pointer);
    fn cuDeviceGet(a: Pointer, b: c_int);
    fn cuDeviceGetAttribute(a: Pointer, b: c_int, c: c_int);
    fn cuDeviceGetCount(a: Pointer);
    fn cuDeviceGetDefaultMemPool(a: Pointer, b: c_int);
    fn cuDevicePrimaryCtxRelease_v2(a: c_int);
    fn cuDevicePrimaryCtxRetain(a: Pointer, b: c_int);
    fn cuEventCreate(a: Pointer, b: c_uint);
    fn cuEventDestroy_v2(a: Pointer);
    fn cuEventRecord(a: Pointer, b: Pointer);
    fn cuFuncSetAttribute(a: Pointer, b: c_int, c: c_int);
    fn cuGetErrorString(a: c_int, b: Pointer);
    fn cuInit(a: c_uint);
    fn cuLaunchKernel(a: Pointer, b: c_uint, c: c_uint, d: c_uint, e: c_uint, f: c_uint, g: c_uint, h: c_uint, i: Pointer, j: Pointer, k: Pointer);
    fn cuMemAllocAsync(a: Pointer, b: usize, c: Pointer);
    fn cuMemAlloc_v2(a: Pointer, b: usize);
    fn cuMemFreeAsync(a: u64, b: Pointer);
    fn cuMemFree_v2(a: u64);
    fn cuMemPoolSetAttribute(a: Pointer, b: c_int, c: Pointer);
    fn cuMemcpyDtoDAsync_v2(a: u64, b: u64, c: usize, d: Pointer);
    fn cuMemcpyDtoD_v2(a: u64, b: u64, c: usize);
    fn cuMemcpyDtoHAsync_v2(a: Pointer, b: u64, c: usize, d: Pointer);
    fn cuMemcpyDtoH_v2(a: Pointer, b: u64, c: usize);
    fn cuMemcpyHtoDAsync_v2(a: u64, b: Pointer, c: usize, d: Pointer);
    fn cuMemcpyHtoD_v2(a: u64, b: Pointer, c: usize);
    fn cuMemsetD8Async(a: u64, b: c_uchar, c: usize, d: Pointer);
    fn cuMemsetD8_v2(a: u64, b: c_uchar, c: usize);
    fn cuModuleGetFunction(a: Pointer, b: Pointer, c: Pointer);
    fn cuModuleLoad(a: Pointer, b: Pointer);
    fn cuModuleLoadData(a: Pointer, b: Pointer);
    fn cuModuleUnload(a: Pointer);
    fn cuStreamCreate(a: Pointer, b: c_uint);
    fn cuStreamDestroy_v2(a: Pointer);
    fn cuStreamSynchronize(a: Pointer);
    fn cuStreamWaitEvent(a: Pointer, b: Pointer, c: c_uint);
}

// CUBLAS_STATUS_NOT_INITIALIZED
handed_on! {
    cublas, 1;
    fn cublasCreate_v2(a: Pointer);
    fn cublasDestroy_v2(a: Pointer);
    fn cublasSetStream_v2(a: Pointer, b: Pointer);
    fn cublasSgemm_v2(a: Pointer, b: c_int, c: c_int, d: c_int, e: c_int, f: c_int, g: Pointer, h: Pointer, i: c_int, j: Pointer, k: c_int, l: Pointer, m: Pointer, n: c_int);
}
