//! Weights from files: checkpoints and exports of this program, safetensors and npz of any other.
//!
//! A matrix is found by its name (`W1`, `V1`, .. `Wout`) and must have the shape that the network has, `[pre, post]`. What does not fit
//! is named, all of it at once, before the network changes.

mod matching;
mod npz;
mod plain;

#[cfg(feature = "nir")]
pub(crate) use plain::about;
use std::path::{Path, PathBuf};

use snn_core::{Backend, Network, NetworkConfig};
use snn_data::DataIdentity;
use snn_run::regular;

use crate::{checkpoint::Checkpoint, error::Error, experiment::Experiment};

/// No file of weights is longer.
const LONGEST: u64 = 64 << 30;

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
    graph: Option<crate::nir::Graph>,
    path: PathBuf,
    matrices: Vec<Stored>,
    /// Name and type of what is no matrix of floats.
    others: Vec<(String, String)>,
    experiment: Option<Experiment>,
    data: Option<DataIdentity>,
}

/// A tensor of floats, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

impl Weights {
    /// Reads a file: a checkpoint of a run, `snn export --format safetensors`, `npz` or `nir`, or a file of another program:
    /// safetensors or npz with float32 or float64 matrices (safetensors also with float16 and bfloat16), or a graph of NIR, whose
    /// weights are scaled for the network that takes them. Which of them it is, its content says.
    ///
    /// # Errors
    /// [`Error::Weights`] if it is none of these or damaged, [`Error::DamagedCheckpoint`], [`snn_run::Error::Io`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = regular::read(path, LONGEST).map_err(Error::io("read the weights", path))?;
        let refuse = |reason: String| Error::Weights { path: path.to_owned(), reason };
        if bytes.starts_with(b"PK\x03\x04") {
            return npz::read(path);
        }
        if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
            return Self::of_graph(path);
        }
        // The length of a header, then its JSON.
        if bytes.get(8) != Some(&b'{') {
            return Err(refuse(
                "this is no file of weights: checkpoints, safetensors, npz and NIR files are read".to_owned(),
            ));
        }
        if plain::is_checkpoint(&bytes) {
            return Ok(Self::of_checkpoint(path, &Checkpoint::load(path)?));
        }
        plain::read(path, &bytes).map_err(refuse)
    }

    fn of_checkpoint(path: &Path, checkpoint: &Checkpoint) -> Self {
        let matrices = checkpoint.weights().map(|(name, shape, values)| Stored {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        });
        Self {
            matrices: matrices.collect(),
            experiment: Some(checkpoint.experiment().clone()),
            data: checkpoint.data().cloned(),
            ..Self::empty(path)
        }
    }

    fn empty(path: &Path) -> Self {
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

    #[cfg(feature = "nir")]
    fn of_graph(path: &Path) -> Result<Self, Error> {
        let graph = crate::nir::Graph::read(path)?;
        let refuse = |reason| Error::Weights { path: path.to_owned(), reason };
        let about = |key: &str| graph.metadata.get(&format!("snn.{key}"));
        let experiment =
            about("experiment").and_then(|toml| Experiment::from_toml(toml, &path.display().to_string()).ok());
        Ok(Self {
            matrices: crate::nir::matrices(&graph, None).map_err(refuse)?,
            experiment,
            data: about("data").and_then(|json| serde_json::from_str(json).ok()),
            graph: Some(graph),
            ..Self::empty(path)
        })
    }

    #[cfg(not(feature = "nir"))]
    fn of_graph(path: &Path) -> Result<Self, Error> {
        let reason = "it is an HDF5 file: graphs of NIR are read by a build with the feature `nir`".to_owned();
        Err(Error::Weights { path: path.to_owned(), reason })
    }

    /// As this network takes them.
    fn for_network(&self, config: &NetworkConfig) -> Result<std::borrow::Cow<'_, [Stored]>, String> {
        #[cfg(feature = "nir")]
        if let Some(graph) = &self.graph {
            return Ok(crate::nir::matrices(graph, Some(config))?.into());
        }
        let _ = config;
        Ok(self.matrices.as_slice().into())
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

    /// Puts all of them into a network, which must have these matrices and no others.
    ///
    /// # Errors
    /// [`Error::Weights`] names every matrix that is missing, left over, of another shape or not finite; the network is
    /// unchanged then.
    pub fn put_into<D: Backend<f32>>(&self, network: &mut Network<f32, D>) -> Result<(), Error> {
        self.put_only(&[], network)
    }

    /// As [`put_into`](Weights::put_into), but only the matrices named; no names stand for all. The others of the network, such as
    /// a readout of other classes, stay as they are.
    ///
    /// # Errors
    /// As for [`put_into`](Weights::put_into), and for a name that the network does not have.
    pub fn put_only<D: Backend<f32>>(
        &self,
        names: &[String],
        network: &mut Network<f32, D>,
    ) -> Result<(), Error> {
        let needed: Vec<_> = network.parameters().map(|(name, shape, _)| (name, shape)).collect();
        let refuse = |reason| Error::Weights { path: self.path.clone(), reason };
        let matrices = self.for_network(network.config()).map_err(refuse)?;
        let fitting = matching::fit(&matrices, &self.others, names, &needed).map_err(refuse)?;
        for stored in fitting {
            network.set_parameter(&stored.name, &stored.values)?;
        }
        Ok(())
    }
}

impl Checkpoint {
    /// The weights as a safetensors file for any program: float32 matrices `[pre, post]` without the state of the optimizer. The
    /// metadata has what a deployment needs: `run` (as given), `epoch`, `experiment` as TOML, and `data` as JSON, a
    /// [`DataIdentity`] with the names of the classes and the statistics that channels are standardized by.
    ///
    /// # Errors
    /// [`Error::Impossible`] for what the format cannot hold.
    pub fn to_safetensors(&self, run: &str) -> Result<Vec<u8>, Error> {
        plain::encode(run, self)
    }

    /// The same as a NumPy archive: an array for each matrix, and the metadata as texts `snn.run`, `snn.epoch`, `snn.experiment` and
    /// `snn.data`.
    ///
    /// # Errors
    /// [`Error::Data`] for what the format cannot hold, as more than 4 GB.
    pub fn to_npz(&self, run: &str) -> Result<Vec<u8>, Error> {
        npz::encode(run, self)
    }
}

#[cfg(test)]
mod tests;
