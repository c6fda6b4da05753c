//! Weights from files: checkpoints and exports of this program, safetensors and npz files of any program.
//!
//! A matrix is found by name (`W1`, `V1`, .. `Wout`) and must have the shape of the network's, `[pre, post]`. All mismatches are
//! reported at once, before the network changes.

mod about;
mod file;
mod matching;
#[cfg(feature = "nir")]
pub mod nir;
mod npz;
mod plain;

use std::{borrow::Cow, path::Path};

use snn_core::{Backend, Network, NetworkConfig};
use snn_run::regular;

use crate::{checkpoint::Checkpoint, error::Error};
use file::Stored;
pub use file::Weights;

/// Maximum size of a weight file.
const LONGEST: u64 = 64 << 30;

impl Weights {
    /// Reads a file: a checkpoint of a run, `snn export --format safetensors`, `npz` or `nir`, or a file of another program:
    /// safetensors or npz with float32 or float64 matrices (safetensors also with float16 and bfloat16), or a NIR graph, whose weights
    /// are scaled for the target network. The format is detected by content.
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
                "this is not a weight file: use a checkpoint, safetensors, npz or NIR file".to_owned(),
            ));
        }
        if plain::is_checkpoint(&bytes) {
            return Ok(Self::of_checkpoint(path, &Checkpoint::load(path)?));
        }
        plain::read(path, &bytes).map_err(refuse)
    }

    /// The weights of a network, such as one trained by your own loop, to write them to a file. Their [`path`](Weights::path) is
    /// `network`.
    ///
    /// ```
    /// use snn_core::{Initialization, Layer, Network, NetworkConfig};
    /// use snn_train::Weights;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("network.npz");
    /// let config = NetworkConfig { hidden: vec![Layer::recurrent(8)], ..NetworkConfig::new(4, 2) };
    /// let network: Network = Network::new(config.clone(), Initialization::default(), 1)?;
    /// std::fs::write(&path, Weights::of(&network).to_npz()?)?;
    ///
    /// let mut other: Network = Network::new(config, Initialization::default(), 2)?;
    /// Weights::load(&path)?.put_into(&mut other)?;
    /// assert!(network.parameters().eq(other.parameters()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of<D: Backend<f32>>(network: &Network<f32, D>) -> Self {
        let matrices = network.parameters();
        let matrices = matrices.map(|(name, shape, values)| Stored { name, shape: shape.to_vec(), values });
        Self { matrices: matrices.collect(), ..Self::empty(Path::new("network")) }
    }

    /// A safetensors file of these float32 tensors for any program, with `experiment` and `data` as in
    /// [`Checkpoint::to_safetensors`] if they are known.
    ///
    /// # Errors
    /// [`Error::Impossible`] for content that the format does not support.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        plain::encode(self.matrices(), about::known(self.experiment(), self.data())?)
    }

    /// The same as a NumPy archive, as in [`Checkpoint::to_npz`].
    ///
    /// # Errors
    /// [`Error::Data`] for content that the format does not support, such as more than 4 GB.
    pub fn to_npz(&self) -> Result<Vec<u8>, Error> {
        npz::encode(self.matrices(), about::known(self.experiment(), self.data())?)
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

    #[cfg(feature = "nir")]
    fn of_graph(path: &Path) -> Result<Self, Error> {
        let graph = nir::Graph::read(path)?;
        let refuse = |reason| Error::Weights { path: path.to_owned(), reason };
        let said = |key: &str| graph.metadata.get(&format!("snn.{key}"));
        let experiment = said("experiment").and_then(|toml| about::experiment(toml, path));
        Ok(Self {
            matrices: of_nir(&graph, None).map_err(refuse)?,
            experiment,
            data: said("data").and_then(|json| serde_json::from_str(json).ok()),
            graph: Some(graph),
            ..Self::empty(path)
        })
    }

    #[cfg(not(feature = "nir"))]
    fn of_graph(path: &Path) -> Result<Self, Error> {
        let reason = "it is an HDF5 file: reading NIR graphs requires the feature `nir`".to_owned();
        Err(Error::Weights { path: path.to_owned(), reason })
    }

    /// The weights scaled for this network.
    fn for_network(&self, config: &NetworkConfig) -> Result<Cow<'_, [Stored]>, String> {
        #[cfg(feature = "nir")]
        if let Some(graph) = &self.graph {
            return Ok(of_nir(graph, Some(config))?.into());
        }
        let _ = config;
        Ok(self.matrices.as_slice().into())
    }

    /// Loads all of them into a network, which must have exactly these matrices.
    ///
    /// # Errors
    /// [`Error::Weights`] with every matrix that is missing, superfluous, of a different shape or not finite; the network is then
    /// unchanged.
    pub fn put_into<D: Backend<f32>>(&self, network: &mut Network<f32, D>) -> Result<(), Error> {
        self.put_only(&[], network)
    }

    /// Like [`put_into`](Weights::put_into), but only for the named matrices; an empty list means all. The others, such as a readout
    /// for other classes, are unchanged.
    ///
    /// # Errors
    /// Those of [`put_into`](Weights::put_into), and for a name that the network does not have.
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

/// Whether bytes are a safetensors file of weights.
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    plain::read(Path::new("weights"), bytes).is_ok_and(|weights| weights.matrices().count() > 0)
}

/// The helper's response for a graph.
#[cfg(feature = "nir")]
pub(crate) fn graph_answer(graph: &nir::Graph) -> serde_json::Result<Vec<u8>> {
    nir::answer(Ok(graph))
}

/// Whether bytes are a helper's response with a graph that forms a network.
#[cfg(feature = "nir")]
pub(crate) fn is_graph(bytes: &[u8]) -> bool {
    let network = snn_core::NetworkConfig {
        hidden: vec![snn_core::Layer::recurrent(3)],
        ..snn_core::NetworkConfig::new(2, 2)
    };
    nir::parse(bytes).is_ok_and(|graph| {
        let found = of_nir(&graph, None);
        let _ = (of_nir(&graph, Some(&network)), nir::parse(bytes) == Ok(graph));
        found.is_ok()
    })
}

#[cfg(feature = "nir")]
fn of_nir(graph: &nir::Graph, config: Option<&NetworkConfig>) -> Result<Vec<Stored>, String> {
    let stored =
        |(name, shape, values): (String, [usize; 2], _)| Stored { name, shape: shape.to_vec(), values };
    Ok(nir::matrices(graph, config)?.into_iter().map(stored).collect())
}

impl Checkpoint {
    /// The weights as a safetensors file for any program: float32 matrices `[pre, post]` without the optimizer state. The metadata
    /// contains what a deployment needs: `run` (as given), `epoch`, `experiment` as TOML, and `data` as JSON, a
    /// [`DataIdentity`](snn_data::DataIdentity) with the class names and the channel statistics for standardization.
    ///
    /// # Errors
    /// [`Error::Impossible`] for content that the format does not support.
    pub fn to_safetensors(&self, run: &str) -> Result<Vec<u8>, Error> {
        plain::encode(self.weights(), about::about(run, self)?)
    }

    /// The same as a NumPy archive: an array per matrix, and the metadata as texts `snn.run`, `snn.epoch`, `snn.experiment` and
    /// `snn.data`.
    ///
    /// # Errors
    /// [`Error::Data`] for content that the format does not support, such as more than 4 GB.
    pub fn to_npz(&self, run: &str) -> Result<Vec<u8>, Error> {
        npz::encode(self.weights(), about::about(run, self)?)
    }
}

#[cfg(test)]
mod tests;
