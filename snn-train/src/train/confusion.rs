//! Which classes a network confuses.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// With more classes than this, only the entries that are not zero are written.
const MAX_ROWS: usize = 1000;

/// How many samples of each class were classified as each class.
///
/// Only entries that are not zero take memory: a table of 65,536 classes would take 17 GB. It is serialized as a list of rows, `[class,
/// predicted class]`; for more than 1,000 classes as `{"classes":N,"counts":[[class, predicted class, samples],..]}`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confusion {
    classes: usize,
    counts: BTreeMap<(usize, usize), u32>,
}

impl Confusion {
    /// No samples of `classes` classes.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: BTreeMap::new() }
    }

    /// Counts a sample of `class` that was classified as `predicted`, both below the number of classes.
    pub fn count(&mut self, class: usize, predicted: usize) {
        *self.counts.entry((class, predicted)).or_default() += 1;
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The number of samples of `class` that were classified as `predicted`.
    #[must_use]
    pub fn get(&self, class: usize, predicted: usize) -> u32 {
        self.counts.get(&(class, predicted)).copied().unwrap_or_default()
    }

    /// The predicted classes of the samples of `class`, in ascending order, with the number of samples of each.
    pub fn predictions(&self, class: usize) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.counts
            .range((class, 0)..=(class, usize::MAX))
            .map(|(&(_, predicted), &count)| (predicted, count))
    }

    /// All entries, `[class, predicted class]`.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<u32>> {
        let mut rows = vec![vec![0; self.classes]; self.classes];
        for (&(class, predicted), &count) in &self.counts {
            rows[class][predicted] = count;
        }
        rows
    }

    /// Classes that are never predicted, though there are samples of them, in ascending order.
    #[must_use]
    pub fn lost_classes(&self) -> Vec<usize> {
        let (mut has_samples, mut is_predicted) = (vec![false; self.classes], vec![false; self.classes]);
        for &(class, predicted) in self.counts.keys() {
            has_samples[class] = true;
            is_predicted[predicted] = true;
        }
        (0..self.classes).filter(|&class| has_samples[class] && !is_predicted[class]).collect()
    }
}

impl Serialize for Confusion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.classes <= MAX_ROWS {
            return self.rows().serialize(serializer);
        }
        let counts = self.counts.iter().map(|(&(class, predicted), &count)| (class, predicted, count));
        let mut table = serializer.serialize_struct("Confusion", 2)?;
        table.serialize_field("classes", &self.classes)?;
        table.serialize_field("counts", &counts.collect::<Vec<_>>())?;
        table.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(classes: usize, samples: &[(usize, usize)]) -> Confusion {
        let mut confusion = Confusion::new(classes);
        samples.iter().for_each(|&(class, predicted)| confusion.count(class, predicted));
        confusion
    }

    #[test]
    fn samples_are_counted() {
        let confusion = counted(3, &[(0, 0), (0, 2), (0, 2), (1, 0)]);
        assert_eq!(confusion.rows(), [[1, 0, 2], [1, 0, 0], [0, 0, 0]]);
        assert_eq!((confusion.get(0, 2), confusion.get(2, 2)), (2, 0));
        assert_eq!(confusion.predictions(0).collect::<Vec<_>>(), [(0, 1), (2, 2)]);
        assert_eq!(confusion.predictions(2).count(), 0);
        assert_eq!(confusion.lost_classes(), [1], "the last class has no samples");
        assert_eq!(serde_json::to_value(&confusion).unwrap(), json!([[1, 0, 2], [1, 0, 0], [0, 0, 0]]));
        assert_eq!(serde_json::to_value(Confusion::default()).unwrap(), json!([]));
    }

    #[test]
    fn many_classes_take_little_memory() {
        let confusion = counted(65_536, &[(65_535, 3), (65_535, 3), (7, 65_535)]);
        assert_eq!(confusion.lost_classes(), [7]);
        assert_eq!(
            serde_json::to_value(&confusion).unwrap(),
            json!({"classes": 65_536, "counts": [[7, 65_535, 1], [65_535, 3, 2]]})
        );
        assert!(serde_json::to_value(counted(1000, &[])).unwrap().is_array());
        assert!(serde_json::to_value(counted(1001, &[])).unwrap().is_object());
    }
}
