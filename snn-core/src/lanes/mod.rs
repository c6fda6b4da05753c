//! Vectors of floats, for the three instruction sets of the kernels.
//!
//! [`Lanes`] is the small set of operations that the kernels need. AVX-512 and AVX2 use `pulp`, whose tokens `V4` and `V3` prove
//! that the processor supports the instructions, which avoids unsafe code; the portable path uses plain arrays, which the compiler
//! vectorizes for the target's baseline (SSE2, NEON, ..).

mod aligned;
pub(crate) mod exp;
mod portable;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::Error;
pub(crate) use aligned::Aligned;
use portable::Portable;
use std::fmt;
#[cfg(test)]
pub(crate) use vector::FAINT;
pub(crate) use vector::{LEAST_POSITIVE, Lanes};

/// Instruction sets of the fused implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InstructionSet {
    /// The baseline of every processor.
    Portable,
    /// AVX2 with FMA, 8 lanes.
    Avx2,
    /// AVX-512 (F, BW, CD, DQ, VL), 16 lanes.
    Avx512,
}

impl InstructionSet {
    /// All instruction sets of this processor, best last.
    #[must_use]
    pub fn available() -> Vec<InstructionSet> {
        let all = [InstructionSet::Portable, InstructionSet::Avx2, InstructionSet::Avx512];
        all.into_iter().filter(|&set| Dispatch::new(set).is_ok()).collect()
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InstructionSet::Portable => "portable",
            InstructionSet::Avx2 => "AVX2",
            InstructionSet::Avx512 => "AVX-512",
        })
    }
}

/// Code that is compiled for each instruction set. Everything that `run` calls must be `#[inline(always)]`: functions that are
/// not inlined are compiled for the baseline.
pub(crate) trait Kernel {
    type Output;
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Proof that an instruction set is available.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dispatch {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
}

impl Dispatch {
    pub(crate) fn best() -> Self {
        let [.., best] = InstructionSet::available()[..] else { return Dispatch::Portable };
        Dispatch::new(best).unwrap_or(Dispatch::Portable)
    }

    pub(crate) fn new(set: InstructionSet) -> Result<Self, Error> {
        match set {
            InstructionSet::Portable => Some(Dispatch::Portable),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => pulp::x86::V3::try_new().map(Dispatch::Avx2),
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => pulp::x86::V4::try_new().map(Dispatch::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            _ => None,
        }
        .ok_or_else(|| Error::Unsupported(format!("this processor does not support {set}")))
    }

    pub(crate) fn set(self) -> InstructionSet {
        match self {
            Dispatch::Portable => InstructionSet::Portable,
            #[cfg(target_arch = "x86_64")]
            Dispatch::Avx2(_) => InstructionSet::Avx2,
            #[cfg(target_arch = "x86_64")]
            Dispatch::Avx512(_) => InstructionSet::Avx512,
        }
    }

    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Dispatch::Portable => kernel.run(Portable),
            #[cfg(target_arch = "x86_64")]
            Dispatch::Avx2(lanes) => lanes.vectorize(Call { lanes, kernel }),
            #[cfg(target_arch = "x86_64")]
            Dispatch::Avx512(lanes) => lanes.vectorize(Call { lanes, kernel }),
        }
    }
}

/// The function that `pulp` calls with the instruction set enabled.
#[cfg(target_arch = "x86_64")]
struct Call<L, K> {
    lanes: L,
    kernel: K,
}

#[cfg(target_arch = "x86_64")]
impl<L: Lanes, K: Kernel> pulp::NullaryFnOnce for Call<L, K> {
    type Output = K::Output;

    #[inline(always)]
    fn call(self) -> K::Output {
        self.kernel.run(self.lanes)
    }
}

/// Rows are padded to a multiple of this many floats for every instruction set, to make results independent of it.
pub(crate) const WIDTH: usize = 16;

/// `units` rounded up to whole rows of vectors.
pub(crate) fn padded(units: usize) -> usize {
    units.next_multiple_of(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Narrows `values` and returns which of them are positive.
    struct Narrow<'a> {
        values: &'a mut [f64],
        narrowed: &'a mut [f32],
    }

    impl Kernel for Narrow<'_> {
        type Output = Vec<bool>;

        fn run<L: Lanes>(self, lanes: L) -> Vec<bool> {
            let chunks = L::wide_chunks_mut(self.values).iter().zip(L::chunks_mut(self.narrowed));
            let bits = chunks.flat_map(|(value, narrowed)| {
                let value = lanes.wide_load(value);
                let positive = lanes.wide_greater(value, lanes.wide_splat(LEAST_POSITIVE));
                let bits = lanes.store_narrowed_bits(narrowed, value, positive);
                (0..L::LANES).map(move |k| bits >> k & 1 == 1)
            });
            bits.collect()
        }
    }

    struct WithoutFaint<'a>(&'a mut [f32]);

    impl Kernel for WithoutFaint<'_> {
        type Output = ();

        fn run<L: Lanes>(self, lanes: L) {
            for chunk in L::chunks_mut(self.0) {
                let value = lanes.without_faint(lanes.load(chunk));
                lanes.store(chunk, value);
            }
        }
    }

    #[test]
    fn only_tiny_values_become_zero() {
        assert_eq!(FAINT, 2f32.powi(-95));
        let kept = [FAINT, FAINT.next_up(), 1e-28, 1.0, f32::MAX, f32::INFINITY, f32::NAN, 0.0];
        let gone = [FAINT.next_down(), 1e-30, f32::MIN_POSITIVE, 1e-45];
        let values = kept.into_iter().map(|x| (x, x)).chain(gone.map(|x| (x, 0.0)));
        let mut values: Vec<(f32, f32)> = values.flat_map(|(x, y)| [(x, y), (-x, -y)]).collect();
        values.resize(2 * WIDTH, (0.5, 0.5));
        for set in InstructionSet::available() {
            let mut found: Vec<f32> = values.iter().map(|value| value.0).collect();
            Dispatch::new(set).unwrap().run(WithoutFaint(&mut found));
            for (&(value, expected), found) in values.iter().zip(found) {
                assert!(
                    found == expected || found.is_nan() && value.is_nan(),
                    "{set}: {value:e} is {found:e}"
                );
            }
        }
    }

    /// The forward pass determines spikes in `f64`, the backward pass by the sign in `f32`.
    #[test]
    fn narrowed_values_and_their_signs_agree() {
        let small = [LEAST_POSITIVE, LEAST_POSITIVE.next_up(), LEAST_POSITIVE.next_down(), 1e-45, 1e-300];
        let positive = small.into_iter().chain([f64::MIN_POSITIVE, 1e-38, 0.0, 1.0, 1e-16, 3.0]);
        let mut values: Vec<f64> = positive.flat_map(|x| [x, -x, x]).collect();
        values.resize(3 * WIDTH, 0.5);
        for set in InstructionSet::available() {
            let mut narrowed = vec![f32::NAN; values.len()];
            let dispatch = Dispatch::new(set).unwrap();
            let bits = dispatch.run(Narrow { values: &mut values, narrowed: &mut narrowed });
            for (k, &value) in values.iter().enumerate() {
                assert_eq!(narrowed[k].to_bits(), (value as f32).to_bits(), "{set}: {value:e}");
                assert_eq!(bits[k], narrowed[k] > 0.0, "{set}: {value:e}");
            }
        }
    }
}
