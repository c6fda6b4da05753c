//! A data set with its classes reordered to match a run.

use crate::delegate::delegate;
use crate::{Dataset, Error};

/// A data set with its labels mapped, for a network trained on the same classes in a different order.
///
/// Created with the map of [`ClassOrder::Permuted`](crate::ClassOrder::Permuted).
pub struct Relabeled<D> {
    inner: D,
    /// The new label of each old one.
    map: Vec<u16>,
    /// The old label of each new one.
    back: Vec<u16>,
}

impl<D: std::ops::Deref<Target = dyn Dataset> + Send + Sync> Relabeled<D> {
    /// `inner`, a box or another pointer, with label l mapped to `map[l]`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] or [`Error::Label`] unless `map` is a permutation of the labels.
    pub fn new(inner: D, map: Vec<u16>) -> Result<Self, Error> {
        let classes = inner.classes();
        if map.len() != classes {
            return Err(Error::Length {
                what: "labels, one for each class",
                found: map.len(),
                expected: classes,
            });
        }
        let mut back = vec![None; classes];
        for (old, &new) in (0..=u16::MAX).zip(&map) {
            match back.get_mut(usize::from(new)) {
                Some(place @ None) => *place = Some(old),
                _ => return Err(Error::Label { label: new, classes }),
            }
        }
        Ok(Self { inner, map, back: back.into_iter().flatten().collect() })
    }
}

impl<D: std::ops::Deref<Target = dyn Dataset> + Send + Sync> Dataset for Relabeled<D> {
    delegate!(inner: shape speaker duration sample_name fingerprint intake statistics time_unit);

    fn label(&self, index: usize) -> u16 {
        self.map[usize::from(self.inner.label(index))]
    }

    fn class_name(&self, label: u16) -> Option<&str> {
        self.inner.class_name(self.back[usize::from(label)])
    }
}
