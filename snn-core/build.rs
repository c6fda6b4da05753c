//! Compiles the CUDA kernels, for the features that need them; without those features there is nothing to do.

#[cfg(feature = "cuda-emulation")]
#[path = "build/emulation.rs"]
mod emulation;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "cuda-emulation")]
    emulation::compile();
}
