//! A long series of values, reduced to a few means.

/// Maximum number of means.
const MOST: usize = 64;

/// Means of consecutive values, each of the same number; too many means are merged pairwise.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Course {
    means: Vec<f32>,
    /// Values in each mean except the last.
    each: usize,
    /// Values in the last mean.
    last: usize,
}

impl Course {
    pub(super) fn push(&mut self, value: f32) {
        if self.last < self.each
            && let Some(mean) = self.means.last_mut()
        {
            self.last += 1;
            *mean += (value - *mean) / self.last as f32;
            return;
        }
        if self.means.len() == MOST {
            self.means = self.means.chunks_exact(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect();
            self.each *= 2;
        }
        self.each = self.each.max(1);
        self.means.push(value);
        self.last = 1;
    }

    pub(super) fn means(&self) -> &[f32] {
        &self.means
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_kept_and_many_become_means() {
        let mut course = Course::default();
        for k in 0..10 {
            course.push(k as f32);
        }
        assert_eq!(course.means(), (0..10).map(|k| k as f32).collect::<Vec<_>>());
        let mut course = Course::default();
        let number = 10_000;
        for k in 0..number {
            course.push(k as f32 / number as f32);
        }
        let means = course.means();
        assert!((MOST / 2..=MOST).contains(&means.len()), "{}", means.len());
        let step = 1.0 / (number as f32 / course.each as f32);
        let is_middle = |(k, mean): (usize, &f32)| (mean - (k as f32 + 0.5) * step).abs() < 1e-3;
        assert!(means.iter().enumerate().rev().skip(1).all(is_middle), "{means:?}");
    }
}
