//! Compiles the CUDA kernels for the features that need them.

use std::process::ExitCode;

#[cfg(feature = "cuda")]
#[path = "build/cuda.rs"]
mod cuda;
#[cfg(feature = "cuda-emulation")]
#[path = "build/emulation.rs"]
mod emulation;

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "cuda-emulation")]
    emulation::compile();
    #[cfg(feature = "cuda")]
    if let Err(problem) = cuda::compile(cfg!(feature = "cuda-check")) {
        for line in problem.lines() {
            println!("cargo::error={line}");
        }
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
