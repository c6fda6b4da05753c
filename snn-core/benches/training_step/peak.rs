//! The limits of the processor, for comparison with the timings.

use crate::processor_time;
use pulp::{Simd, WithSimd};
use serde::Serialize;
use snn_core::InstructionSet;
use std::time::{Duration, Instant};

/// Rates of all threads together.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Peaks {
    /// Floating-point operations, two per multiply-add, in 10^9 per second.
    pub(crate) gflops: f64,
    /// Loads from the first-level cache, in 10^9 bytes per second.
    pub(crate) l1_gb: f64,
    /// From the second-level cache.
    pub(crate) l2_gb: f64,
    /// From memory.
    pub(crate) memory_gb: f64,
}

/// Bytes that fit in the first-level cache, in the second-level cache, in neither.
const SIZES: [usize; 3] = [16 << 10, 384 << 10, 64 << 20];

/// Floats in a cache line.
const LINE: usize = 16;

impl Peaks {
    /// The best of a few short runs, with vectors of `set`.
    pub(crate) fn measure(threads: usize, set: Option<InstructionSet>) -> Self {
        let loads = SIZES.map(|bytes| {
            best(threads, || {
                // aligned to a cache line like the buffers of networks: a load across two lines takes twice as long
                let values = vec![1.0f32; bytes / 4 + LINE];
                let first = values.as_ptr().align_offset(4 * LINE).min(LINE);
                let rounds = (32 << 20) / bytes;
                move || run(set, Loads { values: &values[first..first + bytes / 4], rounds: rounds.max(1) })
            })
        });
        let fused = set != Some(InstructionSet::Portable);
        let gflops = best(threads, || move || run(set, Chains { rounds: 100_000, fused }));
        Peaks { gflops, l1_gb: loads[0], l2_gb: loads[1], memory_gb: loads[2] }
    }
}

/// Runs `kernel` with vectors of `set`, or of the baseline if there is none.
fn run<K: WithSimd>(set: Option<InstructionSet>, kernel: K) -> K::Output {
    match set {
        #[cfg(target_arch = "x86_64")]
        Some(InstructionSet::Avx512) => match pulp::x86::V4::try_new() {
            Some(simd) => Simd::vectorize(simd, kernel),
            None => pulp::Arch::new().dispatch(kernel),
        },
        #[cfg(target_arch = "x86_64")]
        Some(InstructionSet::Avx2) => match pulp::x86::V3::try_new() {
            Some(simd) => Simd::vectorize(simd, kernel),
            None => pulp::Arch::new().dispatch(kernel),
        },
        // vectors of 128 bits, as in the baseline for which the portable path is compiled
        #[cfg(target_arch = "x86_64")]
        Some(InstructionSet::Portable) => match pulp::x86::V2::try_new() {
            Some(simd) => Simd::vectorize(simd, kernel),
            None => pulp::Arch::new().dispatch(kernel),
        },
        _ => pulp::Arch::new().dispatch(kernel),
    }
}

/// The rate of `threads` threads together, in 10^9 units of work per second: `prepare` runs once in each, the returned function
/// repeatedly. Seconds are processor time if the system reports it, which other programs do not affect.
fn best<W: FnMut() -> f64>(threads: usize, prepare: impl Fn() -> W + Sync) -> f64 {
    let one = || {
        let mut work = prepare();
        work();
        let (started, mut done) = (Instant::now(), 0.0);
        let processor = processor_time::of_thread();
        while started.elapsed() < Duration::from_millis(40) {
            done += work();
        }
        let processor = processor.zip(processor_time::of_thread()).map(|(begin, end)| end - begin);
        done / processor.unwrap_or_else(|| started.elapsed()).as_secs_f64() / 1e9
    };
    let all = || -> f64 {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).sum()
        })
    };
    (0..5).map(|_| all()).fold(0.0, f64::max)
}

const CHAINS: usize = 12;

/// Multiply-adds on registers only: nothing is loaded or stored.
struct Chains {
    rounds: usize,
    /// Whether a multiply-add is one instruction. The baseline of x86-64 has none.
    fused: bool,
}

impl WithSimd for Chains {
    /// Number of floating-point operations.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let factor = simd.splat_f32s(std::hint::black_box(0.999));
        let mut sums = [simd.splat_f32s(std::hint::black_box(1.0)); CHAINS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = if self.fused {
                    simd.mul_add_f32s(*sum, factor, factor)
                } else {
                    simd.add_f32s(simd.mul_f32s(*sum, factor), factor)
                };
            }
        }
        for sum in sums {
            std::hint::black_box(simd.reduce_sum_f32s(sum));
        }
        2.0 * (self.rounds * CHAINS * S::F32_LANES) as f64
    }
}

/// Loads every value and adds it to one of a few sums.
struct Loads<'a> {
    values: &'a [f32],
    rounds: usize,
}

impl WithSimd for Loads<'_> {
    /// Number of loaded bytes.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let mut sums = [simd.splat_f32s(0.0); CHAINS];
        for _ in 0..self.rounds {
            let (vectors, _) = S::as_simd_f32s(std::hint::black_box(self.values));
            let (groups, _) = vectors.as_chunks::<CHAINS>();
            for group in groups {
                for (sum, &vector) in sums.iter_mut().zip(group) {
                    *sum = simd.add_f32s(*sum, vector);
                }
            }
        }
        for sum in sums {
            std::hint::black_box(simd.reduce_sum_f32s(sum));
        }
        (self.rounds * self.values.len() * 4) as f64
    }
}
