//! A vector of floats, for the three instruction sets that the kernels are compiled for.
//!
//! [`Lanes`] is the small set of operations that the kernels need. AVX-512 and AVX2 come from `pulp`, whose tokens `V4` and
//! `V3` prove that the processor has the instructions, so that nothing here is unsafe; the portable path is plain arrays,
//! which the compiler vectorises for whatever the target's baseline is (SSE2, NEON, ..).

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::Error;
use portable::Portable;
use std::fmt;

/// Instruction sets that the fused implementation can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InstructionSet {
    /// What every processor has.
    Portable,
    /// AVX2 with FMA, 8 lanes.
    Avx2,
    /// AVX-512 (F, BW, CD, DQ, VL), 16 lanes.
    Avx512,
}

impl InstructionSet {
    /// Every instruction set of this processor, the best one last.
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

/// Work that is compiled once for each instruction set. Everything that `run` calls must be `#[inline(always)]`: what is
/// not inlined is compiled for the baseline.
pub(crate) trait Kernel {
    type Output;
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// The proof that an instruction set is there.
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
        .ok_or_else(|| Error::Unsupported(format!("this processor has no {set}")))
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

/// What `pulp` calls with the instruction set switched on.
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

/// Vectors of `LANES` floats.
pub(crate) trait Lanes: Copy + Send + Sync + 'static {
    /// Floats in a vector. Divides [`WIDTH`].
    const LANES: usize;
    /// Vector registers, for the kernels that keep a tile of results in them.
    const REGISTERS: usize;
    /// A vector in a register.
    type F: Copy;
    /// One bit a lane.
    type Mask: Copy;
    /// `[f32; LANES]`: a vector in memory.
    type Chunk: Copy + Send + Sync;

    fn chunks(x: &[f32]) -> &[Self::Chunk];
    fn chunks_mut(x: &mut [f32]) -> &mut [Self::Chunk];
    fn load(self, x: &Self::Chunk) -> Self::F;
    fn store(self, x: &mut Self::Chunk, value: Self::F);
    /// Asks for `x` to be brought near; a hint without effect on results.
    #[inline(always)]
    fn prefetch(self, x: &[f32]) {
        let _ = x;
    }
    fn splat(self, x: f32) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `1 / a` to about 1e-7, for `a` from 1e-30 to 1e30.
    #[inline(always)]
    fn recip(self, a: Self::F) -> Self::F {
        self.div(self.splat(1.0), a)
    }
    /// `a b + c`, rounded once where the instruction set can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a b`, rounded once where the instruction set can.
    fn sub_mul(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    fn abs(self, a: Self::F) -> Self::F;
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// Nearest integer, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    /// `2^n` for integral `n` from -126 to 127.
    fn power_of_two(self, n: Self::F) -> Self::F;
    fn greater(self, a: Self::F, b: Self::F) -> Self::Mask;
    fn equal(self, a: Self::F, b: Self::F) -> Self::Mask;
    /// `yes` where the mask is set, else `no`.
    fn select(self, mask: Self::Mask, yes: Self::F, no: Self::F) -> Self::F;

    /// As many `f64` as there are lanes, and what the states of the forward pass need of them.
    type Wide: Copy;
    /// One bit a lane, from a comparison of `f64`.
    type WideMask: Copy;
    /// `[f64; LANES]`.
    type WideChunk: Copy;

    fn wide_chunks_mut(x: &mut [f64]) -> &mut [Self::WideChunk];
    fn wide_load(self, x: &Self::WideChunk) -> Self::Wide;
    fn wide_store(self, x: &mut Self::WideChunk, value: Self::Wide);
    fn wide_splat(self, x: f64) -> Self::Wide;
    fn widen(self, x: Self::F) -> Self::Wide;
    fn narrow(self, x: Self::Wide) -> Self::F;
    fn wide_add(self, a: Self::Wide, b: Self::Wide) -> Self::Wide;
    fn wide_sub(self, a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// `a b + c`
    fn wide_mul_add(self, a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide;
    fn wide_greater(self, a: Self::Wide, b: Self::Wide) -> Self::WideMask;
    fn wide_select(self, mask: Self::WideMask, yes: Self::Wide, no: Self::Wide) -> Self::Wide;
    /// Bit `k` is lane `k` of the mask.
    fn bits(self, mask: Self::WideMask) -> u32;
}

/// Rows are padded to a multiple of this many floats, for every instruction set, so that results do not depend on it.
pub(crate) const WIDTH: usize = 16;

/// `units` rounded up to whole rows of vectors.
pub(crate) fn padded(units: usize) -> usize {
    units.next_multiple_of(WIDTH)
}
