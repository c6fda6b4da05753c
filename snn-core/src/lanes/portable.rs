//! Plain arrays, which the compiler vectorizes for the target's baseline.
//!
//! A vector consists of two registers of the baseline, which may have only sixteen. Masks are integers of the same width as the values
//! they select: with `bool`s, which are bytes, compilers generate code for each byte.

use super::vector::Lanes;

/// Eight floats in an array.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

#[inline(always)]
fn zip8(a: [f32; 8], b: [f32; 8], f: impl Fn(f32, f32) -> f32) -> [f32; 8] {
    std::array::from_fn(|k| f(a[k], b[k]))
}

impl Lanes for Portable {
    const LANES: usize = 8;
    const REGISTERS: usize = 8;
    type F = [f32; 8];
    type Mask = [u32; 8];
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
    // `f32::mul_add` would call a function if the baseline lacks the instruction
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
    fn greater(self, a: [f32; 8], b: [f32; 8]) -> [u32; 8] {
        std::array::from_fn(|k| if a[k] > b[k] { u32::MAX } else { 0 })
    }
    #[inline(always)]
    fn equal(self, a: [f32; 8], b: [f32; 8]) -> [u32; 8] {
        std::array::from_fn(|k| if a[k] == b[k] { u32::MAX } else { 0 })
    }
    #[inline(always)]
    fn select(self, mask: [u32; 8], yes: [f32; 8], no: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|k| f32::from_bits((yes[k].to_bits() & mask[k]) | (no[k].to_bits() & !mask[k])))
    }

    type Wide = [f64; 8];
    type WideMask = [u64; 8];
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
    fn wide_greater(self, a: [f64; 8], b: [f64; 8]) -> [u64; 8] {
        std::array::from_fn(|k| if a[k] > b[k] { u64::MAX } else { 0 })
    }
    #[inline(always)]
    fn zero_where(self, mask: [u32; 8], a: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|k| f32::from_bits(a[k].to_bits() & !mask[k]))
    }
    #[inline(always)]
    fn wide_zero_where(self, mask: [u64; 8], a: [f64; 8]) -> [f64; 8] {
        std::array::from_fn(|k| f64::from_bits(a[k].to_bits() & !mask[k]))
    }
    #[inline(always)]
    fn wide_select(self, mask: [u64; 8], yes: [f64; 8], no: [f64; 8]) -> [f64; 8] {
        std::array::from_fn(|k| f64::from_bits((yes[k].to_bits() & mask[k]) | (no[k].to_bits() & !mask[k])))
    }
    #[inline(always)]
    fn store_narrowed_bits(self, x: &mut [f32; 8], value: [f64; 8], _: [u64; 8]) -> u32 {
        let narrowed = self.narrow(value);
        self.store(x, narrowed);
        let mask = self.greater(narrowed, [0.0; 8]);
        mask.iter().enumerate().fold(0, |bits, (k, &m)| bits | (m & (1 << k)))
    }
}
