//! NumPy archives: an array per matrix, and metadata texts whose names begin with `snn.`.

use std::{collections::BTreeMap, path::Path};

use snn_data::npz::{Npz, NpzWriter};

use super::file::{Stored, Weights};
use crate::{error::Error, experiment::Experiment};

/// The prefix of metadata arrays.
const ABOUT: &str = "snn.";

pub(super) fn read(path: &Path) -> Result<Weights, Error> {
    let mut archive = Npz::open(path)?;
    let names: Vec<String> = archive.names().map(str::to_owned).collect();
    let (mut matrices, mut others) = (Vec::new(), Vec::new());
    for name in names.into_iter().filter(|name| !name.starts_with(ABOUT)) {
        let (kind, _) = archive.describe(&name)?;
        let (shape, values) = match kind.trim_start_matches(['<', '>', '|', '=']) {
            "f4" => {
                let array = archive.read::<f32>(&name)?;
                (array.shape, array.values)
            }
            "f8" => {
                let array = archive.read::<f64>(&name)?;
                (array.shape, array.values.into_iter().map(|value| value as f32).collect())
            }
            _ => {
                others.push((name, kind));
                continue;
            }
        };
        matrices.push(Stored { name, shape, values });
    }
    let mut said = |key: &str| archive.read_text(&format!("{ABOUT}{key}")).ok();
    let experiment =
        said("experiment").and_then(|toml| Experiment::from_toml(&toml, &path.display().to_string()).ok());
    let data = said("data").and_then(|json| serde_json::from_str(&json).ok());
    Ok(Weights { matrices, others, experiment, data, ..Weights::empty(path) })
}

/// Float32 arrays by name, and metadata as texts prefixed with `snn.`.
pub(super) fn encode<'a>(
    matrices: impl Iterator<Item = (&'a str, impl AsRef<[usize]>, &'a [f32])>,
    about: BTreeMap<&'static str, String>,
) -> Result<Vec<u8>, Error> {
    let mut archive = NpzWriter::new();
    for (name, shape, weights) in matrices {
        archive.add(name, shape.as_ref(), weights)?;
    }
    for (key, text) in about {
        archive.add_texts(&format!("{ABOUT}{key}"), &[], &[text.as_str()])?;
    }
    Ok(archive.finish())
}
