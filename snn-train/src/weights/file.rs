//! The content of a weight file.

use std::path::{Path, PathBuf};

use snn_data::DataIdentity;

use crate::experiment::Experiment;

/// Weight matrices from a file, and its metadata about the network.
///
/// ```
/// use snn_train::{Experiment, Trainer, Weights};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("last.safetensors");
/// let mut experiment = Experiment::preset("randman")?;
/// experiment.set(&["data.samples_per_class=20", "training.epochs=1"])?;
/// let mut trainer = Trainer::new(experiment.clone())?;
/// trainer.run(&mut [])?;
/// trainer.checkpoint().save(&path)?;
///
/// // Continues from these weights on other manifolds, with a frozen hidden layer.
/// experiment.set(&["data.seed=1", "training.freeze=['W1']"])?;
/// let weights = Weights::load(&path)?;
/// let mut tuned = Trainer::new(experiment)?.with_weights(&weights)?;
/// tuned.run(&mut [])?;
/// let first = |trainer: &Trainer| trainer.network().parameters().next().map(|(_, _, values)| values);
/// assert_eq!(first(&tuned), first(&trainer));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Weights {
    /// The origin of `matrices`, if it specifies the units.
    #[cfg(feature = "nir")]
    pub(super) graph: Option<super::nir::Graph>,
    pub(super) path: PathBuf,
    pub(super) matrices: Vec<Stored>,
    /// Name and type of tensors other than float matrices.
    pub(super) others: Vec<(String, String)>,
    pub(super) experiment: Option<Experiment>,
    pub(super) data: Option<DataIdentity>,
}

/// A float tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Weights {
    pub(super) fn empty(path: &Path) -> Self {
        Self {
            #[cfg(feature = "nir")]
            graph: None,
            path: path.to_owned(),
            matrices: Vec::new(),
            others: Vec::new(),
            experiment: None,
            data: None,
        }
    }

    /// Their file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name, shape and values, row-major, of every float tensor in the file.
    pub fn matrices(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        self.matrices.iter().map(|it| (it.name.as_str(), it.shape.as_slice(), it.values.as_slice()))
    }

    /// Their experiment, if the file was written by this program.
    #[must_use]
    pub fn experiment(&self) -> Option<&Experiment> {
        self.experiment.as_ref()
    }

    /// The identity of their training data, with class names and channel statistics, if the file has it.
    #[must_use]
    pub fn data(&self) -> Option<&DataIdentity> {
        self.data.as_ref()
    }
}
