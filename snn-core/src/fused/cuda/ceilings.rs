//! The measured limits of a GPU, from which the lower bounds of kernels are computed.

#[cfg(any(feature = "cuda", test))]
use super::arguments::CHAINS;
use super::{
    arguments::{self as kernel, MultiplyAdds},
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Launch},
};
#[cfg(feature = "cuda")]
use super::{
    driver::Driver,
    profile::{CudaCall, CudaWork, cuda_calls},
};
#[cfg(feature = "cuda")]
use crate::Error;

/// Threads per block.
const THREADS: usize = 256;

/// The measured limits of a GPU.
#[cfg(feature = "cuda")]
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CudaCeilings {
    /// Fused multiply-adds in `f32`, counted as two operations, in 10^9 per second.
    pub gflop_per_s: f64,
    /// Bytes read plus bytes written by a copy, in 10^9 per second.
    pub gb_per_s: f64,
    /// Bytes copied.
    pub copied: usize,
}

/// Chains of `rounds` multiply-adds in all threads of `blocks` blocks.
#[cfg_attr(not(any(feature = "cuda", test)), expect(dead_code, reason = "the emulation is not measured"))]
fn multiply_adds<M: KernelDevice>(
    machine: &M,
    blocks: usize,
    rounds: u32,
) -> Result<DeviceBuffer<M, f32>, Failure<M>> {
    let sums = DeviceBuffer::new(machine, blocks * THREADS)?;
    let arguments = MultiplyAdds { sums: sums.address(), rounds, padding: 0 };
    let launch = Launch { blocks: [blocks, 1, 1], threads: [THREADS, 1], shared: 0 };
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    // SAFETY: there is room for one sum per thread.
    unsafe {
        machine.launch(&kernel::MULTIPLY_ADDS, launch, &arguments)?;
    }
    Ok(sums)
}

/// Copies `bytes` bytes and runs `rounds` rounds of multiply-adds per thread, several times each, and returns the best rates.
///
/// # Errors
/// [`Error::Device`] if the GPU fails.
#[cfg(feature = "cuda")]
#[doc(hidden)]
pub fn cuda_ceilings(device: &dfdx::prelude::Cuda, bytes: usize, rounds: u32) -> Result<CudaCeilings, Error> {
    const TIMES: usize = 5;
    let driver = Driver::of(device).map_err(Error::device)?;
    // twice as many blocks as fit at once
    let blocks = 16 * driver.processors().map_err(Error::device)?;
    let [from, to] = [(); 2].map(|()| DeviceBuffer::<Driver, f32>::new(&driver, bytes / size_of::<f32>()));
    let (from, to) = (from.map_err(Error::device)?, to.map_err(Error::device)?);
    let work = || {
        for _ in 0..TIMES {
            #[expect(unsafe_code, reason = "memory of the GPU")]
            // SAFETY: both buffers have `bytes` bytes, and are kept until everything is complete.
            unsafe {
                driver.copy(from.address(), to.address(), bytes)?;
            }
            multiply_adds(&driver, blocks, rounds)?;
        }
        Ok(())
    };
    let (done, calls) = cuda_calls(true, work)?;
    done.map_err(|error: dfdx::prelude::CudaError| Error::device(error))?;
    let best = |is: &dyn Fn(&CudaCall) -> bool| {
        calls.iter().filter(|call| is(call)).filter_map(|call| call.gpu).fold(f64::INFINITY, f64::min)
    };
    let copy = best(&|call| call.work == CudaWork::Copy && call.bytes == bytes);
    let name = kernel::MULTIPLY_ADDS.name();
    let chains = best(&|call| matches!(&call.work, CudaWork::Kernel(kernel) if kernel.name == name));
    let operations = 2.0 * (blocks * THREADS * CHAINS) as f64 * f64::from(rounds);
    Ok(CudaCeilings {
        gflop_per_s: operations / chains / 1e9,
        gb_per_s: 2.0 * bytes as f64 / copy / 1e9,
        copied: bytes,
    })
}

#[cfg(all(test, feature = "cuda-emulation"))]
mod tests {
    use super::*;
    use crate::fused::cuda::emulation::CudaEmulation;

    #[test]
    fn chains_are_multiplied_through() {
        let found = multiply_adds(&CudaEmulation::default(), 2, 7).unwrap().to_host().unwrap();
        for (thread, found) in found.into_iter().enumerate() {
            let gain = 0.5 + 0.001 * (thread % THREADS) as f32;
            let chain = |k: usize| (0..7).fold(k as f32, |sum, _| sum.mul_add(gain, 1.0));
            assert_eq!(found, (0..CHAINS).map(chain).sum::<f32>(), "thread {thread}");
        }
    }
}
