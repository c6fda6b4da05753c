//! A vector of floats, for the three instruction sets that the kernels are compiled for.
//!
//! [`Lanes`] is the small set of operations that the kernels need. AVX-512 and AVX2 come from `pulp`, whose tokens `V4` and
//! `V3` prove that the processor has the instructions, so that nothing here is unsafe; the portable path is plain arrays,
//! which the compiler vectorises for whatever the target's baseline is (SSE2, NEON, ..).

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
pub(crate) use vector::Lanes;

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

/// Rows are padded to a multiple of this many floats, for every instruction set, so that results do not depend on it.
pub(crate) const WIDTH: usize = 16;

/// `units` rounded up to whole rows of vectors.
pub(crate) fn padded(units: usize) -> usize {
    units.next_multiple_of(WIDTH)
}
