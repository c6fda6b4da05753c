//! AVX2 and AVX-512, safe through the tokens of `pulp`.

use super::vector::Lanes;
use pulp::x86::{V3, V4};
use std::arch::x86_64::{_CMP_EQ_OQ, _CMP_GT_OQ};

/// The operations with the same names in AVX2 and AVX-512.
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
        #[inline(always)]
        fn prefetch(self, x: &[f32]) {
            const LINE: usize = 16;
            for line in x.chunks(LINE) {
                // SAFETY: a prefetch does not read memory and cannot fault at any address; SSE is part of x86-64.
                #[expect(unsafe_code, reason = "there is no safe prefetch")]
                unsafe {
                    std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                        line.as_ptr().cast(),
                    );
                }
            }
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
        let biased =
            self.avx2._mm256_add_epi32(self.avx._mm256_cvtps_epi32(n), self.avx._mm256_set1_epi32(127));
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

    // a blend takes three operations, this takes one
    #[inline(always)]
    fn zero_where(self, mask: Self::Mask, a: Self::F) -> Self::F {
        self.avx._mm256_andnot_ps(mask, a)
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
    // half by half, which avoids instructions that move values between halves
    #[inline(always)]
    fn load_widened(self, x: &Self::Chunk) -> Self::Wide {
        let (halves, _) = x.as_chunks::<4>();
        [0, 1].map(|k| self.avx._mm256_cvtps_pd(pulp::cast(halves[k])))
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
    fn wide_zero_where(self, mask: Self::WideMask, a: Self::Wide) -> Self::Wide {
        [0, 1].map(|k| self.avx._mm256_andnot_pd(mask[k], a[k]))
    }
    #[inline(always)]
    fn wide_select(self, mask: Self::WideMask, yes: Self::Wide, no: Self::Wide) -> Self::Wide {
        let select = |k: usize| self.avx._mm256_blendv_pd(no[k], yes[k], mask[k]);
        [select(0), select(1)]
    }
    #[inline(always)]
    // bits of the narrowed values, since compilers take two masks of four apart and put them together byte by byte
    fn store_narrowed_bits(self, x: &mut Self::Chunk, value: Self::Wide, _: Self::WideMask) -> u32 {
        let narrowed = self.narrow(value);
        self.store(x, narrowed);
        let positive = self.avx._mm256_cmp_ps::<_CMP_GT_OQ>(narrowed, self.avx._mm256_setzero_ps());
        self.avx._mm256_movemask_ps(positive).cast_unsigned()
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
    // a 14-bit estimate and one step of Newton's method: a division takes three times as long
    #[inline(always)]
    fn recip(self, a: Self::F) -> Self::F {
        let r = self.avx512f._mm512_rcp14_ps(a);
        let two = self.avx512f._mm512_set1_ps(2.0);
        self.avx512f._mm512_mul_ps(r, self.avx512f._mm512_fnmadd_ps(a, r, two))
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

    #[inline(always)]
    fn without_faint(self, a: Self::F) -> Self::F {
        // one of the three highest bits of the exponent is set from 2^-95 on
        let high = self.avx512f._mm512_set1_epi32(0x7000_0000);
        let counts = self.avx512f._mm512_test_epi32_mask(self.avx512f._mm512_castps_si512(a), high);
        self.avx512f._mm512_maskz_mov_ps(counts, a)
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
    // half by half, which avoids instructions that move values between halves
    #[inline(always)]
    fn load_widened(self, x: &Self::Chunk) -> Self::Wide {
        let (halves, _) = x.as_chunks::<8>();
        [0, 1].map(|k| self.avx512f._mm512_cvtps_pd(pulp::cast(halves[k])))
    }
    #[inline(always)]
    fn store_narrowed(self, x: &mut Self::Chunk, value: Self::Wide) {
        let (halves, _) = x.as_chunks_mut::<8>();
        for k in 0..2 {
            halves[k] = pulp::cast(self.avx512f._mm512_cvtpd_ps(value[k]));
        }
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
    fn wide_zero_where(self, mask: Self::WideMask, a: Self::Wide) -> Self::Wide {
        let zero = self.avx512f._mm512_setzero_pd();
        [0, 1].map(|k| self.avx512f._mm512_mask_blend_pd(mask[k], a[k], zero))
    }
    #[inline(always)]
    fn wide_select(self, mask: Self::WideMask, yes: Self::Wide, no: Self::Wide) -> Self::Wide {
        let select = |k: usize| self.avx512f._mm512_mask_blend_pd(mask[k], no[k], yes[k]);
        [select(0), select(1)]
    }
    #[inline(always)]
    fn store_narrowed_bits(self, x: &mut Self::Chunk, value: Self::Wide, positive: Self::WideMask) -> u32 {
        self.store_narrowed(x, value);
        u32::from(positive[0]) | (u32::from(positive[1]) << 8)
    }
}
