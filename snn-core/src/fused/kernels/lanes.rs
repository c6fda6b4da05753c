//! A vector of floats, for the three instruction sets that the kernels are compiled for.
//!
//! [`Lanes`] is the small set of operations that the kernels need. AVX-512 and AVX2 come from `pulp`, whose tokens `V4` and
//! `V3` prove that the processor has the instructions, so that nothing here is unsafe; the portable path is plain arrays,
//! which the compiler vectorises for whatever the target's baseline is (SSE2, NEON, ..).

use crate::Error;
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
    fn splat(self, x: f32) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
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

/// Eight floats in an array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn zip8(a: [f32; 8], b: [f32; 8], f: impl Fn(f32, f32) -> f32) -> [f32; 8] {
    std::array::from_fn(|k| f(a[k], b[k]))
}

impl Lanes for Portable {
    const LANES: usize = 8;
    const REGISTERS: usize = 16;
    type F = [f32; 8];
    type Mask = [bool; 8];
    type Chunk = [f32; 8];

    #[inline(always)]
    fn chunks(x: &[f32]) -> &[[f32; 8]] {
        x.as_chunks().0
    }
    #[inline(always)]
    fn chunks_mut(x: &mut [f32]) -> &mut [[f32; 8]] {
        x.as_chunks_mut().0
    }
    #[inline(always)]
    fn load(self, x: &[f32; 8]) -> [f32; 8] {
        *x
    }
    #[inline(always)]
    fn store(self, x: &mut [f32; 8], value: [f32; 8]) {
        *x = value;
    }
    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 8] {
        [x; 8]
    }
    #[inline(always)]
    fn add(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        zip8(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        zip8(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        zip8(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        zip8(a, b, |a, b| a / b)
    }
    // `f32::mul_add` would call a function wherever the baseline lacks the instruction
    #[inline(always)]
    fn mul_add(self, a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|k| a[k] * b[k] + c[k])
    }
    #[inline(always)]
    fn sub_mul(self, a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|k| c[k] - a[k] * b[k])
    }
    #[inline(always)]
    fn abs(self, a: [f32; 8]) -> [f32; 8] {
        a.map(f32::abs)
    }
    #[inline(always)]
    fn max(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        zip8(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        zip8(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn round(self, a: [f32; 8]) -> [f32; 8] {
        const BIAS: f32 = 12_582_912.0; // 1.5 * 2^23: adding it leaves no bits for a fraction
        a.map(|a| (a + BIAS) - BIAS)
    }
    #[inline(always)]
    fn power_of_two(self, n: [f32; 8]) -> [f32; 8] {
        n.map(|n| f32::from_bits(((n as i32 + 127) << 23) as u32))
    }
    #[inline(always)]
    fn greater(self, a: [f32; 8], b: [f32; 8]) -> [bool; 8] {
        std::array::from_fn(|k| a[k] > b[k])
    }
    #[inline(always)]
    fn equal(self, a: [f32; 8], b: [f32; 8]) -> [bool; 8] {
        std::array::from_fn(|k| a[k] == b[k])
    }
    #[inline(always)]
    fn select(self, mask: [bool; 8], yes: [f32; 8], no: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|k| if mask[k] { yes[k] } else { no[k] })
    }

    type Wide = [f64; 8];
    type WideMask = [bool; 8];
    type WideChunk = [f64; 8];

    #[inline(always)]
    fn wide_chunks_mut(x: &mut [f64]) -> &mut [[f64; 8]] {
        x.as_chunks_mut().0
    }
    #[inline(always)]
    fn wide_load(self, x: &[f64; 8]) -> [f64; 8] {
        *x
    }
    #[inline(always)]
    fn wide_store(self, x: &mut [f64; 8], value: [f64; 8]) {
        *x = value;
    }
    #[inline(always)]
    fn wide_splat(self, x: f64) -> [f64; 8] {
        [x; 8]
    }
    #[inline(always)]
    fn widen(self, x: [f32; 8]) -> [f64; 8] {
        x.map(f64::from)
    }
    #[inline(always)]
    fn narrow(self, x: [f64; 8]) -> [f32; 8] {
        x.map(|x| x as f32)
    }
    #[inline(always)]
    fn wide_add(self, a: [f64; 8], b: [f64; 8]) -> [f64; 8] {
        std::array::from_fn(|k| a[k] + b[k])
    }
    #[inline(always)]
    fn wide_sub(self, a: [f64; 8], b: [f64; 8]) -> [f64; 8] {
        std::array::from_fn(|k| a[k] - b[k])
    }
    #[inline(always)]
    fn wide_mul_add(self, a: [f64; 8], b: [f64; 8], c: [f64; 8]) -> [f64; 8] {
        std::array::from_fn(|k| a[k] * b[k] + c[k])
    }
    #[inline(always)]
    fn wide_greater(self, a: [f64; 8], b: [f64; 8]) -> [bool; 8] {
        std::array::from_fn(|k| a[k] > b[k])
    }
    #[inline(always)]
    fn wide_select(self, mask: [bool; 8], yes: [f64; 8], no: [f64; 8]) -> [f64; 8] {
        std::array::from_fn(|k| if mask[k] { yes[k] } else { no[k] })
    }
    #[inline(always)]
    fn bits(self, mask: [bool; 8]) -> u32 {
        mask.iter().enumerate().fold(0, |bits, (k, &m)| bits | (u32::from(m) << k))
    }
}

/// The operations that AVX2 and AVX-512 spell alike.
#[cfg(target_arch = "x86_64")]
macro_rules! common {
    ($lanes:literal, $half:literal, $vector:ident, $wide:ident) => {
        const LANES: usize = $lanes;
        type F = std::arch::x86_64::$vector;
        type Chunk = [f32; $lanes];

        #[inline(always)]
        fn chunks(x: &[f32]) -> &[[f32; $lanes]] {
            x.as_chunks().0
        }
        #[inline(always)]
        fn chunks_mut(x: &mut [f32]) -> &mut [[f32; $lanes]] {
            x.as_chunks_mut().0
        }
        #[inline(always)]
        fn load(self, x: &[f32; $lanes]) -> Self::F {
            pulp::cast(*x)
        }
        #[inline(always)]
        fn store(self, x: &mut [f32; $lanes], value: Self::F) {
            *x = pulp::cast(value);
        }

        /// Low half, high half.
        type Wide = [std::arch::x86_64::$wide; 2];
        type WideChunk = [[f64; $half]; 2];

        #[inline(always)]
        fn wide_chunks_mut(x: &mut [f64]) -> &mut [Self::WideChunk] {
            x.as_chunks_mut().0.as_chunks_mut().0
        }
        #[inline(always)]
        fn wide_load(self, x: &Self::WideChunk) -> Self::Wide {
            [pulp::cast(x[0]), pulp::cast(x[1])]
        }
        #[inline(always)]
        fn wide_store(self, x: &mut Self::WideChunk, value: Self::Wide) {
            *x = [pulp::cast(value[0]), pulp::cast(value[1])];
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use pulp::x86::{V3, V4};
    use std::arch::x86_64::{_CMP_EQ_OQ, _CMP_GT_OQ};

    impl Lanes for V3 {
        common!(8, 4, __m256, __m256d);
        const REGISTERS: usize = 16;
        type Mask = std::arch::x86_64::__m256;

        #[inline(always)]
        fn splat(self, x: f32) -> Self::F {
            self.avx._mm256_set1_ps(x)
        }
        #[inline(always)]
        fn add(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx._mm256_add_ps(a, b)
        }
        #[inline(always)]
        fn sub(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx._mm256_sub_ps(a, b)
        }
        #[inline(always)]
        fn mul(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx._mm256_mul_ps(a, b)
        }
        #[inline(always)]
        fn div(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx._mm256_div_ps(a, b)
        }
        #[inline(always)]
        fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
            self.fma._mm256_fmadd_ps(a, b, c)
        }
        #[inline(always)]
        fn sub_mul(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
            self.fma._mm256_fnmadd_ps(a, b, c)
        }
        #[inline(always)]
        fn abs(self, a: Self::F) -> Self::F {
            self.avx._mm256_andnot_ps(self.avx._mm256_set1_ps(-0.0), a)
        }
        #[inline(always)]
        fn max(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx._mm256_max_ps(a, b)
        }
        #[inline(always)]
        fn min(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx._mm256_min_ps(a, b)
        }
        #[inline(always)]
        fn round(self, a: Self::F) -> Self::F {
            self.avx._mm256_round_ps::<{ std::arch::x86_64::_MM_FROUND_TO_NEAREST_INT | std::arch::x86_64::_MM_FROUND_NO_EXC }>(a)
        }
        #[inline(always)]
        fn power_of_two(self, n: Self::F) -> Self::F {
            let biased = self.avx2._mm256_add_epi32(self.avx._mm256_cvtps_epi32(n), self.avx._mm256_set1_epi32(127));
            self.avx._mm256_castsi256_ps(self.avx2._mm256_slli_epi32::<23>(biased))
        }
        #[inline(always)]
        fn greater(self, a: Self::F, b: Self::F) -> Self::Mask {
            self.avx._mm256_cmp_ps::<_CMP_GT_OQ>(a, b)
        }
        #[inline(always)]
        fn equal(self, a: Self::F, b: Self::F) -> Self::Mask {
            self.avx._mm256_cmp_ps::<_CMP_EQ_OQ>(a, b)
        }
        #[inline(always)]
        fn select(self, mask: Self::Mask, yes: Self::F, no: Self::F) -> Self::F {
            self.avx._mm256_blendv_ps(no, yes, mask)
        }

        type WideMask = Self::Wide;

        #[inline(always)]
        fn wide_splat(self, x: f64) -> Self::Wide {
            [self.avx._mm256_set1_pd(x); 2]
        }
        #[inline(always)]
        fn widen(self, x: Self::F) -> Self::Wide {
            let low = self.avx._mm256_castps256_ps128(x);
            let high = self.avx._mm256_extractf128_ps::<1>(x);
            [self.avx._mm256_cvtps_pd(low), self.avx._mm256_cvtps_pd(high)]
        }
        #[inline(always)]
        fn narrow(self, x: Self::Wide) -> Self::F {
            self.avx._mm256_set_m128(self.avx._mm256_cvtpd_ps(x[1]), self.avx._mm256_cvtpd_ps(x[0]))
        }
        #[inline(always)]
        fn wide_add(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
            [self.avx._mm256_add_pd(a[0], b[0]), self.avx._mm256_add_pd(a[1], b[1])]
        }
        #[inline(always)]
        fn wide_sub(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
            [self.avx._mm256_sub_pd(a[0], b[0]), self.avx._mm256_sub_pd(a[1], b[1])]
        }
        #[inline(always)]
        fn wide_mul_add(self, a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide {
            [self.fma._mm256_fmadd_pd(a[0], b[0], c[0]), self.fma._mm256_fmadd_pd(a[1], b[1], c[1])]
        }
        #[inline(always)]
        fn wide_greater(self, a: Self::Wide, b: Self::Wide) -> Self::WideMask {
            let greater = |k: usize| self.avx._mm256_cmp_pd::<_CMP_GT_OQ>(a[k], b[k]);
            [greater(0), greater(1)]
        }
        #[inline(always)]
        fn wide_select(self, mask: Self::WideMask, yes: Self::Wide, no: Self::Wide) -> Self::Wide {
            let select = |k: usize| self.avx._mm256_blendv_pd(no[k], yes[k], mask[k]);
            [select(0), select(1)]
        }
        #[inline(always)]
        fn bits(self, mask: Self::WideMask) -> u32 {
            let bits = |k: usize| self.avx._mm256_movemask_pd(mask[k]).cast_unsigned();
            bits(0) | (bits(1) << 4)
        }
    }

    impl Lanes for V4 {
        common!(16, 8, __m512, __m512d);
        const REGISTERS: usize = 32;
        type Mask = std::arch::x86_64::__mmask16;

        #[inline(always)]
        fn splat(self, x: f32) -> Self::F {
            self.avx512f._mm512_set1_ps(x)
        }
        #[inline(always)]
        fn add(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx512f._mm512_add_ps(a, b)
        }
        #[inline(always)]
        fn sub(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx512f._mm512_sub_ps(a, b)
        }
        #[inline(always)]
        fn mul(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx512f._mm512_mul_ps(a, b)
        }
        #[inline(always)]
        fn div(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx512f._mm512_div_ps(a, b)
        }
        #[inline(always)]
        fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
            self.avx512f._mm512_fmadd_ps(a, b, c)
        }
        #[inline(always)]
        fn sub_mul(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
            self.avx512f._mm512_fnmadd_ps(a, b, c)
        }
        #[inline(always)]
        fn abs(self, a: Self::F) -> Self::F {
            self.avx512f._mm512_abs_ps(a)
        }
        #[inline(always)]
        fn max(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx512f._mm512_max_ps(a, b)
        }
        #[inline(always)]
        fn min(self, a: Self::F, b: Self::F) -> Self::F {
            self.avx512f._mm512_min_ps(a, b)
        }
        #[inline(always)]
        fn round(self, a: Self::F) -> Self::F {
            self.avx512f._mm512_roundscale_ps::<0>(a)
        }
        #[inline(always)]
        fn power_of_two(self, n: Self::F) -> Self::F {
            self.avx512f._mm512_scalef_ps(self.avx512f._mm512_set1_ps(1.0), n)
        }
        #[inline(always)]
        fn greater(self, a: Self::F, b: Self::F) -> Self::Mask {
            self.avx512f._mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b)
        }
        #[inline(always)]
        fn equal(self, a: Self::F, b: Self::F) -> Self::Mask {
            self.avx512f._mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b)
        }
        #[inline(always)]
        fn select(self, mask: Self::Mask, yes: Self::F, no: Self::F) -> Self::F {
            self.avx512f._mm512_mask_blend_ps(mask, no, yes)
        }

        type WideMask = [std::arch::x86_64::__mmask8; 2];

        #[inline(always)]
        fn wide_splat(self, x: f64) -> Self::Wide {
            [self.avx512f._mm512_set1_pd(x); 2]
        }
        #[inline(always)]
        fn widen(self, x: Self::F) -> Self::Wide {
            let low = self.avx512f._mm512_castps512_ps256(x);
            let high = self.avx512dq._mm512_extractf32x8_ps::<1>(x);
            [self.avx512f._mm512_cvtps_pd(low), self.avx512f._mm512_cvtps_pd(high)]
        }
        #[inline(always)]
        fn narrow(self, x: Self::Wide) -> Self::F {
            let low = self.avx512f._mm512_castps256_ps512(self.avx512f._mm512_cvtpd_ps(x[0]));
            self.avx512dq._mm512_insertf32x8::<1>(low, self.avx512f._mm512_cvtpd_ps(x[1]))
        }
        #[inline(always)]
        fn wide_add(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
            [self.avx512f._mm512_add_pd(a[0], b[0]), self.avx512f._mm512_add_pd(a[1], b[1])]
        }
        #[inline(always)]
        fn wide_sub(self, a: Self::Wide, b: Self::Wide) -> Self::Wide {
            [self.avx512f._mm512_sub_pd(a[0], b[0]), self.avx512f._mm512_sub_pd(a[1], b[1])]
        }
        #[inline(always)]
        fn wide_mul_add(self, a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide {
            [self.avx512f._mm512_fmadd_pd(a[0], b[0], c[0]), self.avx512f._mm512_fmadd_pd(a[1], b[1], c[1])]
        }
        #[inline(always)]
        fn wide_greater(self, a: Self::Wide, b: Self::Wide) -> Self::WideMask {
            let greater = |k: usize| self.avx512f._mm512_cmp_pd_mask::<_CMP_GT_OQ>(a[k], b[k]);
            [greater(0), greater(1)]
        }
        #[inline(always)]
        fn wide_select(self, mask: Self::WideMask, yes: Self::Wide, no: Self::Wide) -> Self::Wide {
            let select = |k: usize| self.avx512f._mm512_mask_blend_pd(mask[k], no[k], yes[k]);
            [select(0), select(1)]
        }
        #[inline(always)]
        fn bits(self, mask: Self::WideMask) -> u32 {
            u32::from(mask[0]) | (u32::from(mask[1]) << 8)
        }
    }
}
