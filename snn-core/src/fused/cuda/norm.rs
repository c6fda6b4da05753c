//! The norm of a buffer, of which one number goes to the host.

use super::{
    arguments::{Address, Kernel},
    machine::{Failure, Launch, Machine, Room},
};
use crate::backend::Buffer;

/// `norm.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Norm {
    values: Address,
    sum: Address,
    count: u64,
}

pub(super) const SUM_OF_SQUARES: Kernel<Norm> = Kernel::new("sum_of_squares");

/// Threads of the kernel, `NORM_THREADS` in `norm.cuh`.
const THREADS: usize = 256;

/// The Euclidean norm of the first `count` values of a buffer.
pub(super) fn norm<M: Machine>(
    machine: &M,
    buffer: &Buffer<f32, M::Device>,
    count: usize,
) -> Result<f64, Failure<M>> {
    let sum = Room::<M, f64>::new(machine, 1)?;
    let arguments = Norm { values: M::buffer(buffer), sum: sum.address(), count: count as u64 };
    let launch = Launch { blocks: [1, 1, 1], threads: [THREADS, 1], shared: THREADS * size_of::<f64>() };
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    // SAFETY: the buffer holds `count` values, there is room for the sum, and for one number a thread on chip.
    unsafe {
        machine.launch(&SUM_OF_SQUARES, launch, &arguments)?;
    }
    Ok(sum.to_host()?.first().copied().unwrap_or_default().sqrt())
}

#[cfg(all(test, feature = "cuda-emulation"))]
mod tests {
    use super::*;
    use crate::{Backend, Cpu, fused::cuda::emulation::CudaEmulation};

    #[test]
    fn norms_of_any_length() {
        for count in [0, 1, 5, 255, 256, 257, 10_000] {
            let values: Vec<f32> = (0..count).map(|k| (k as f32 * 0.37).sin()).collect();
            let buffer = Cpu::default().upload(&values).unwrap();
            let expected = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            let found = norm(&CudaEmulation::default(), &buffer, count).unwrap();
            assert!((found - expected).abs() <= 1e-12 * expected, "{count}: {found}, not {expected}");
        }
    }
}
