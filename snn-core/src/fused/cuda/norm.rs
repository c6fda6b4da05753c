//! Norms of buffers: one number of each goes to the host, all in one copy.

use super::{
    arguments::{Address, Kernel},
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Launch},
};
use crate::weights::Buffer;

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

/// The Euclidean norm of each buffer, given with the number of its values.
pub(super) fn norms<M: KernelDevice>(
    machine: &M,
    buffers: &[(&Buffer<f32, M::Device>, usize)],
) -> Result<Vec<f64>, Failure<M>> {
    let sums = DeviceBuffer::<M, f64>::new(machine, buffers.len())?;
    for (k, &(buffer, count)) in buffers.iter().enumerate() {
        let sum = sums.address() + (k * size_of::<f64>()) as Address;
        let arguments = Norm { values: M::buffer(buffer), sum, count: count as u64 };
        let launch = Launch { blocks: [1, 1, 1], threads: [THREADS, 1], shared: THREADS * size_of::<f64>() };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: the buffer holds `count` values, there is room for a sum each, and for one number a thread on chip.
        unsafe {
            machine.launch(&SUM_OF_SQUARES, launch, &arguments)?;
        }
    }
    Ok(sums.to_host()?.into_iter().map(f64::sqrt).collect())
}

#[cfg(all(test, feature = "cuda-emulation"))]
mod tests {
    use super::*;
    use crate::{Backend, Cpu, fused::cuda::emulation::CudaEmulation};

    #[test]
    fn norms_of_any_length() {
        let counts = [0, 1, 5, 255, 256, 257, 10_000];
        let values = counts.map(|count| (0..count).map(|k| (k as f32 * 0.37).sin()).collect::<Vec<f32>>());
        let buffers = values.each_ref().map(|values| Cpu::default().upload(values).unwrap());
        let buffers: Vec<_> = buffers.iter().zip(counts).collect();
        let found = norms(&CudaEmulation::default(), &buffers).unwrap();
        assert_eq!(found.len(), counts.len());
        for (values, found) in values.iter().zip(found) {
            let expected = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            let count = values.len();
            assert!((found - expected).abs() <= 1e-12 * expected, "{count}: {found}, not {expected}");
        }
    }
}
