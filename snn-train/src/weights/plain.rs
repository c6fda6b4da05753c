//! Safetensors files of this program and of others.

use std::{borrow::Cow, collections::BTreeMap, path::Path};

use safetensors::{Dtype, SafeTensors, View, tensor::TensorView};

use super::{
    about::{DATA, EXPERIMENT, experiment},
    file::{Stored, Weights},
};
use crate::error::Error;

/// The metadata entry of checkpoints.
const CHECKPOINT: &str = "snn";

pub(super) fn is_checkpoint(bytes: &[u8]) -> bool {
    let header = SafeTensors::read_metadata(bytes);
    header.is_ok_and(|(_, header)| header.metadata().as_ref().is_some_and(|it| it.contains_key(CHECKPOINT)))
}

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Weights, String> {
    let broken =
        |error: safetensors::SafeTensorError| format!("this is not a complete safetensors file ({error})");
    let file = SafeTensors::deserialize(bytes).map_err(broken)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let said = |key: &str| header.metadata().as_ref().and_then(|entries| entries.get(key));
    let experiment = said(EXPERIMENT).and_then(|toml| experiment(toml, path));
    let data = said(DATA).and_then(|json| serde_json::from_str(json).ok());
    let (mut matrices, mut others) = (Vec::new(), Vec::new());
    let mut tensors = file.tensors();
    tensors.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, view) in tensors {
        match floats(&view) {
            Some(values) => matrices.push(Stored { name, shape: view.shape().to_vec(), values }),
            None => others.push((name, format!("{:?}", view.dtype()))),
        }
    }
    Ok(Weights { matrices, others, experiment, data, ..Weights::empty(path) })
}

fn floats(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = view.data();
    let halves = || bytes.as_chunks().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
    Some(match view.dtype() {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Dtype::F64 => bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect(),
        Dtype::BF16 => halves().map(|bits| f32::from_bits(u32::from(bits) << 16)).collect(),
        Dtype::F16 => halves().map(of_half).collect(),
        _ => return None,
    })
}

/// IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction.
fn of_half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// Float32 matrices, and metadata.
pub(super) fn encode<'a>(
    matrices: impl Iterator<Item = (&'a str, impl AsRef<[usize]>, &'a [f32])>,
    about: BTreeMap<&'static str, String>,
) -> Result<Vec<u8>, Error> {
    let about = about.into_iter().map(|(key, value)| (key.to_owned(), value));
    let matrices = matrices.map(|(name, shape, weights)| (name, Matrix { shape, weights }));
    safetensors::serialize(matrices, Some(about.collect()))
        .map_err(|error| Error::Impossible(format!("the weights cannot be written: {error}")))
}

struct Matrix<'a, S> {
    shape: S,
    weights: &'a [f32],
}

impl<S: AsRef<[usize]>> View for Matrix<'_, S> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape.as_ref()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_numbers() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65504.0),
            (0, 0.0),
        ] {
            assert_eq!(of_half(bits), value, "{bits:x}");
        }
        assert!(of_half(0x7c00).is_infinite() && of_half(0x7c01).is_nan());
    }
}
