//! The bytes of a checkpoint.

use std::{collections::HashMap, fmt::Display, io};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::state::{Checkpoint, Matrix, TrainingState, VERSION};

const METADATA: &str = "snn";

/// The optimizer buffers that are means of squares.
const SQUARES: &[&str] = &["adam.v", "adamw.v", "smorms3.square"];

/// The metadata: the state as the text that was written, to verify its checksum without serializing again.
#[derive(Serialize, Deserialize)]
struct Envelope {
    sha256: String,
    state: Box<RawValue>,
}

/// Why bytes are not a checkpoint.
pub(super) enum Damage {
    /// A later version of the format.
    TooNew(u32),
    /// Damage.
    Other(String),
}

fn other(reason: impl Display) -> Damage {
    Damage::Other(reason.to_string())
}

pub(super) fn encode(checkpoint: &Checkpoint) -> io::Result<Vec<u8>> {
    write(&checkpoint.matrices, &checkpoint.state)
}

/// The file with these matrices and a state.
pub(super) fn write(matrices: &[Matrix], state: &impl Serialize) -> io::Result<Vec<u8>> {
    let buffers: Vec<_> = matrices.iter().flat_map(buffers).collect();
    let mut tensors = Vec::with_capacity(buffers.len());
    for (name, shape, bytes) in &buffers {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).map_err(io::Error::other)?;
        tensors.push((name.clone(), view));
    }
    let state = serde_json::value::to_raw_value(state)?;
    let envelope = Envelope { sha256: checksum(&state, &mut tensors), state };
    // A single entry: the order of several in a map would vary between processes.
    let metadata = HashMap::from([(METADATA.to_owned(), serde_json::to_string(&envelope)?)]);
    safetensors::serialize(tensors, Some(metadata)).map_err(io::Error::other)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Checkpoint, Damage> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let file = SafeTensors::deserialize(bytes).map_err(other)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(other)?;
    let metadata = header.metadata().as_ref().and_then(|entries| entries.get(METADATA));
    let metadata = metadata.ok_or_else(|| other("its header was not written by this program"))?;
    let Envelope { sha256, state } = serde_json::from_str(metadata).map_err(other)?;
    let mut tensors = file.tensors();
    if checksum(&state, &mut tensors) != sha256 {
        return Err(other("its content does not match its checksum"));
    }
    let Version { version } = serde_json::from_str(state.get()).map_err(other)?;
    if version > VERSION {
        return Err(Damage::TooNew(version));
    }
    let state: TrainingState = serde_json::from_str(state.get()).map_err(other)?;
    if state.step == u32::MAX || state.epoch == u32::MAX {
        return Err(other(format!(
            "its counts are at their limit: epoch {}, step {}",
            state.epoch, state.step
        )));
    }

    let weights = tensors.iter().filter(|(name, _)| !name.contains('.'));
    let matrices = weights.map(|(name, view)| {
        let &[pre, post] = view.shape() else { return Err(other(format!("{name} is not a matrix"))) };
        let buffers = state.experiment.optimizer.name.buffers().iter().map(|buffer| {
            let buffer = format!("{}.{buffer}", state.experiment.optimizer.name.word());
            let name = format!("{name}.{buffer}");
            let values = finite(&name, floats(&file.tensor(&name).map_err(other)?))?;
            let is_square = SQUARES.contains(&buffer.as_str());
            match values.iter().find(|value| is_square && **value < 0.0) {
                None => Ok((buffer, values)),
                Some(value) => {
                    Err(other(format!("a value of {name}, which is a mean of squares, is {value}")))
                }
            }
        });
        Ok(Matrix {
            name: name.clone(),
            shape: [pre, post],
            weights: finite(name, floats(view))?,
            optimizer: buffers.collect::<Result<_, _>>()?,
        })
    });
    Ok(Checkpoint { matrices: matrices.collect::<Result<_, _>>()?, state })
}

/// The trainer writes no checkpoint of a network with values that are not finite.
fn finite(name: &str, values: Vec<f32>) -> Result<Vec<f32>, Damage> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(values),
        Some(value) => Err(other(format!("a value of {name} is {value}"))),
    }
}

/// Name, shape and little-endian bytes of the weights and of their optimizer buffers.
fn buffers(matrix: &Matrix) -> Vec<(String, [usize; 2], Vec<u8>)> {
    let buffer = |name: String, values: &[f32]| {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        (name, matrix.shape, bytes)
    };
    let remembered = matrix.optimizer.iter();
    let remembered = remembered.map(|(name, values)| buffer(format!("{}.{name}", matrix.name), values));
    std::iter::once(buffer(matrix.name.clone(), &matrix.weights)).chain(remembered).collect()
}

fn floats(view: &TensorView<'_>) -> Vec<f32> {
    let (values, _) = view.data().as_chunks();
    values.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

/// SHA-256 over the state and over name, type, shape and content of each tensor, by name.
fn checksum(state: &RawValue, tensors: &mut [(String, TensorView<'_>)]) -> String {
    tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut hash = Sha256::new();
    hash.update(state.get());
    for (name, view) in tensors {
        hash.update(format!("\n{name} {:?} {:?}\n", view.dtype(), view.shape()));
        hash.update(view.data());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
