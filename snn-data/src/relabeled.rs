//! A data set whose classes come in the order of a run.

use std::borrow::Cow;

use crate::{
    BatchBuilder, ChannelStatistics, Dataset, Error, Fingerprint, InputKind, Intake, Splits, TimeUnit,
};

/// A data set with its labels mapped, for a network that knows the same classes in another order.
///
/// Made from the map of [`ClassOrder::Permuted`](crate::ClassOrder::Permuted).
pub struct Relabeled<D> {
    inner: D,
    /// The new label of each old one.
    map: Vec<u16>,
    /// The old label of each new one.
    back: Vec<u16>,
}

impl<D: std::ops::Deref<Target = dyn Dataset> + Send + Sync> Relabeled<D> {
    /// `inner`, a box or another pointer, with label l called `map[l]`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] or [`Error::Label`] unless `map` has every label once.
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
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn len(&self) -> usize {
        self.inner.len()
    }

    fn classes(&self) -> usize {
        self.inner.classes()
    }

    fn inputs(&self) -> usize {
        self.inner.inputs()
    }

    fn steps(&self) -> usize {
        self.inner.steps()
    }

    fn dt(&self) -> f64 {
        self.inner.dt()
    }

    fn kind(&self) -> InputKind {
        self.inner.kind()
    }

    fn splits(&self) -> &Splits {
        self.inner.splits()
    }

    fn label(&self, index: usize) -> u16 {
        self.map[usize::from(self.inner.label(index))]
    }

    fn class_name(&self, label: u16) -> Option<&str> {
        self.inner.class_name(self.back[usize::from(label)])
    }

    fn speaker(&self, index: usize) -> Option<&str> {
        self.inner.speaker(index)
    }

    fn duration(&self, index: usize) -> Option<f64> {
        self.inner.duration(index)
    }

    fn sample_name(&self, index: usize) -> Option<Cow<'_, str>> {
        self.inner.sample_name(index)
    }

    fn fingerprint(&self, index: usize) -> Option<Fingerprint> {
        self.inner.fingerprint(index)
    }

    fn intake(&self) -> Option<&Intake> {
        self.inner.intake()
    }

    fn statistics(&self) -> Option<&ChannelStatistics> {
        self.inner.statistics()
    }

    fn time_unit(&self) -> Option<TimeUnit> {
        self.inner.time_unit()
    }

    fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), Error> {
        self.inner.sample(index, batch)
    }
}
