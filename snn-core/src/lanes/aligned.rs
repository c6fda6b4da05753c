//! Memory aligned to cache lines.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the longest vector.
const LINE: usize = 64;

/// Numbers aligned to a cache line, so that no vector of a matrix with padded rows crosses two lines: such a load costs twice as
/// much, and allocators align memory only to 16 bytes.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    /// The buffer, with space for the alignment.
    values: Vec<T>,
    first: usize,
    len: usize,
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Aligned { values: Vec::new(), first: 0, len: 0 }
    }
}

impl<T: Copy + Default> Aligned<T> {
    pub(crate) fn zeros(len: usize) -> Self {
        let values = vec![T::default(); len + LINE / size_of::<T>() - 1];
        // a pointer that cannot be aligned, such as in const evaluation, returns a huge offset
        let first = values.as_ptr().align_offset(LINE).min(values.len() - len);
        Aligned { values, first, len }
    }

    /// Resizes to `len` numbers with arbitrary content.
    pub(crate) fn resize(&mut self, len: usize) {
        if self.values.len() < self.first + len || self.values.is_empty() {
            // one after the other, to avoid holding both at once
            self.values = Vec::new();
            *self = Aligned::zeros(len);
        }
        self.len = len;
    }

    /// `len` zeros.
    pub(crate) fn clear(&mut self, len: usize) {
        self.resize(len);
        self.fill(T::default());
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.values[self.first..self.first + self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.first..self.first + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_starts_at_a_cache_line() {
        let mut kept: Aligned<f32> = Aligned::default();
        assert!(kept.is_empty());
        for len in [1, 16, 1000, 3, 100_000, 0, 5000] {
            kept.resize(len);
            let wide: Aligned<f64> = Aligned::zeros(len);
            assert_eq!((kept.len(), wide.len()), (len, len));
            assert_eq!((kept.as_ptr() as usize % LINE, wide.as_ptr() as usize % LINE), (0, 0), "{len}");
            assert!(wide.iter().all(|&x| x == 0.0));
            kept.fill(f32::NAN);
            kept.clear(len);
            assert!(kept.iter().all(|&x| x == 0.0), "{len}");
        }
    }
}
