//! The operations of an instruction set.

/// Vectors of `LANES` floats.
pub(crate) trait Lanes: Copy + Send + Sync + 'static {
    /// Floats per vector. Divides [`WIDTH`](super::WIDTH).
    const LANES: usize;
    /// Number of vector registers, for kernels that keep a tile of results in them.
    const REGISTERS: usize;
    /// A vector in a register.
    type F: Copy;
    /// One bit per lane.
    type Mask: Copy;
    /// `[f32; LANES]`: a vector in memory.
    type Chunk: Copy + Send + Sync;

    fn chunks(x: &[f32]) -> &[Self::Chunk];
    fn chunks_mut(x: &mut [f32]) -> &mut [Self::Chunk];
    fn load(self, x: &Self::Chunk) -> Self::F;
    fn store(self, x: &mut Self::Chunk, value: Self::F);
    /// Prefetches `x`, without effect on results.
    #[inline(always)]
    fn prefetch(self, x: &[f32]) {
        let _ = x;
    }
    fn splat(self, x: f32) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `1 / a`, accurate to about 1e-7, for `a` from 1e-30 to 1e30.
    #[inline(always)]
    fn recip(self, a: Self::F) -> Self::F {
        self.div(self.splat(1.0), a)
    }
    /// `a b + c`, rounded once if the instruction set supports it.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `c - a b`, rounded once if the instruction set supports it.
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
    /// 0 where the mask is set, else `a`.
    #[inline(always)]
    fn zero_where(self, mask: Self::Mask, a: Self::F) -> Self::F {
        self.select(mask, self.splat(0.0), a)
    }

    /// `a`, with values smaller than [`FAINT`] replaced by 0.
    #[inline(always)]
    fn without_faint(self, a: Self::F) -> Self::F {
        self.zero_where(self.greater(self.splat(FAINT), self.abs(a)), a)
    }

    /// One `f64` per lane, with the operations for the states of the forward pass.
    type Wide: Copy;
    /// One bit per lane, from a comparison of `f64`.
    type WideMask: Copy;
    /// `[f64; LANES]`.
    type WideChunk: Copy;

    fn wide_chunks_mut(x: &mut [f64]) -> &mut [Self::WideChunk];
    fn wide_load(self, x: &Self::WideChunk) -> Self::Wide;
    fn wide_store(self, x: &mut Self::WideChunk, value: Self::Wide);
    fn wide_splat(self, x: f64) -> Self::Wide;
    fn widen(self, x: Self::F) -> Self::Wide;
    fn narrow(self, x: Self::Wide) -> Self::F;
    /// [`widen`](Lanes::widen), from memory.
    #[inline(always)]
    fn load_widened(self, x: &Self::Chunk) -> Self::Wide {
        self.widen(self.load(x))
    }
    /// Stores the result of [`narrow`](Lanes::narrow).
    #[inline(always)]
    fn store_narrowed(self, x: &mut Self::Chunk, value: Self::Wide) {
        self.store(x, self.narrow(value));
    }
    fn wide_add(self, a: Self::Wide, b: Self::Wide) -> Self::Wide;
    fn wide_sub(self, a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// `a b + c`
    fn wide_mul_add(self, a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide;
    fn wide_greater(self, a: Self::Wide, b: Self::Wide) -> Self::WideMask;
    /// 0 where the mask is set, else `a`.
    fn wide_zero_where(self, mask: Self::WideMask, a: Self::Wide) -> Self::Wide;
    fn wide_select(self, mask: Self::WideMask, yes: Self::Wide, no: Self::Wide) -> Self::Wide;
    /// [`store_narrowed`](Lanes::store_narrowed), and which lanes are above [`LEAST_POSITIVE`]: bit `k` is lane `k` of `positive`.
    fn store_narrowed_bits(self, x: &mut Self::Chunk, value: Self::Wide, positive: Self::WideMask) -> u32;
}

/// The largest number that `f32` rounds to zero, 2^-150. Larger numbers are positive in both `f32` and `f64`.
pub(crate) const LEAST_POSITIVE: f64 = 7.006_492_321_624_085e-46;

/// 2^-95. Adjoints that decay for hundreds of steps would become subnormal numbers and, because of rounding, never reach 0; processors are
/// a hundred times slower with them. Values this small are negligible compared with the adjoints of other steps.
pub(crate) const FAINT: f32 = f32::from_bits((127 - 95) << 23);
