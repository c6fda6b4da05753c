//! Norms of buffers: one number of each goes to the host, all in one copy.

use super::{
    arguments::{self as kernel, Address, NORM_PART, NORM_THREADS, Norm, SumParts},
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Launch},
};
use crate::weights::Buffer;

/// What blocks of the kernels of norms and sums are launched with.
pub(super) fn launch(blocks: usize) -> Launch {
    Launch { blocks: [blocks, 1, 1], threads: [NORM_THREADS, 1], shared: NORM_THREADS * size_of::<f64>() }
}

/// The sum of each row of `parts`, `[rows, count]`; `into` has room for them.
pub(super) fn sum_rows<M: KernelDevice>(
    machine: &M,
    parts: &DeviceBuffer<M, f64>,
    rows: usize,
    count: usize,
    into: Address,
) -> Result<(), Failure<M>> {
    let arguments = SumParts { parts: parts.address(), sums: into, count: count as u32 };
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    // SAFETY: parts are [rows, count], there is room for a sum of each row, and for one number a thread on chip.
    unsafe {
        machine.launch(&kernel::SUM_PARTS, launch(rows), &arguments)
    }
}

/// The squared Euclidean norm of each buffer, given with the number of its values; `into` has room for them.
pub(super) fn queue<M: KernelDevice>(
    machine: &M,
    buffers: &[(Address, usize)],
    into: Address,
) -> Result<(), Failure<M>> {
    let blocks = buffers.iter().map(|(_, count)| count.div_ceil(NORM_PART)).max().unwrap_or(0).max(1);
    let parts = DeviceBuffer::<M, f64>::new(machine, buffers.len() * blocks)?;
    for (k, &(values, count)) in buffers.iter().enumerate() {
        let row = parts.address() + (k * blocks * size_of::<f64>()) as Address;
        let arguments = Norm { values, parts: row, count: count as u64 };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: the buffer holds `count` values, there is room for a sum of each block, and for one number a thread on chip.
        unsafe {
            machine.launch(&kernel::SUM_OF_SQUARES, launch(blocks), &arguments)?;
        }
    }
    sum_rows(machine, &parts, buffers.len(), blocks, into)
}

/// The Euclidean norm of each buffer, given with the number of its values.
#[cfg_attr(
    not(any(feature = "cuda", test)),
    expect(dead_code, reason = "the emulation leaves norms to the host")
)]
pub(super) fn norms<M: KernelDevice>(
    machine: &M,
    buffers: &[(&Buffer<f32, M::Device>, usize)],
) -> Result<Vec<f64>, Failure<M>> {
    let sums = DeviceBuffer::<M, f64>::new(machine, buffers.len())?;
    let buffers: Vec<_> = buffers.iter().map(|&(buffer, count)| (M::buffer(buffer), count)).collect();
    queue(machine, &buffers, sums.address())?;
    Ok(sums.to_host()?.into_iter().map(f64::sqrt).collect())
}

#[cfg(all(test, feature = "cuda-emulation"))]
mod tests {
    use super::*;
    use crate::{Backend, Cpu, fused::cuda::emulation::CudaEmulation};

    #[test]
    fn norms_of_any_length() {
        let counts = [0, 1, 5, 255, 256, 257, 8191, 8193, 30_000];
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
