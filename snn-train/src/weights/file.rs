//! What a file of weights holds.

use std::path::{Path, PathBuf};

use snn_data::DataIdentity;

use crate::experiment::Experiment;

/// Weight matrices out of a file, and what it says of the network that they belong to.
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
/// // Goes on from these weights, on other manifolds, and leaves the hidden layer as it is.
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
    /// What `matrices` come from, where it says how the units compute.
    #[cfg(feature = "nir")]
    pub(super) graph: Option<super::nir::Graph>,
    pub(super) path: PathBuf,
    pub(super) matrices: Vec<Stored>,
    /// Name and type of what is no matrix of floats.
    pub(super) others: Vec<(String, String)>,
    pub(super) experiment: Option<Experiment>,
    pub(super) data: Option<DataIdentity>,
}

/// A tensor of floats, row by row.
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

    /// The file that they came from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name, shape and values, row by row, of every tensor of floats in the file.
    pub fn matrices(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        self.matrices.iter().map(|it| (it.name.as_str(), it.shape.as_slice(), it.values.as_slice()))
    }

    /// The experiment that they were trained in, if the file is of this program.
    #[must_use]
    pub fn experiment(&self) -> Option<&Experiment> {
        self.experiment.as_ref()
    }

    /// Which data they were trained on, with the names of the classes and the statistics of the channels, if the file says so.
    #[must_use]
    pub fn data(&self) -> Option<&DataIdentity> {
        self.data.as_ref()
    }
}
