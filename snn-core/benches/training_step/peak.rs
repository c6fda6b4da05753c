//! What the processor can do at most, to hold the timings against.

use pulp::{Arch, Simd, WithSimd};
use std::time::{Duration, Instant};

/// Fused multiply-adds on registers alone: nothing is loaded or stored.
struct Chains {
    rounds: usize,
}

const CHAINS: usize = 12;

impl WithSimd for Chains {
    /// Floating-point operations made.
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let factor = simd.splat_f32s(std::hint::black_box(0.999));
        let mut sums = [simd.splat_f32s(std::hint::black_box(1.0)); CHAINS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, factor);
            }
        }
        for sum in sums {
            std::hint::black_box(simd.reduce_sum_f32s(sum));
        }
        2.0 * (self.rounds * CHAINS * S::F32_LANES) as f64
    }
}

/// Multiply-adds a second of `threads` cores together, in GFLOP/s: the best of a few short runs.
pub(crate) fn gflops(threads: usize) -> f64 {
    let run = || {
        let started = Instant::now();
        let mut operations = 0.0;
        while started.elapsed() < Duration::from_millis(40) {
            operations += Arch::new().dispatch(Chains { rounds: 100_000 });
        }
        operations / started.elapsed().as_secs_f64() / 1e9
    };
    let all = || -> f64 {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
            workers.into_iter().filter_map(|w| w.join().ok()).sum()
        })
    };
    (0..5).map(|_| all()).fold(0.0, f64::max)
}
