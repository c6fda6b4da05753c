//! Graphs in HDF5 files, in the format of the Python package nir: `/version`, and `/node` with `type`, `nodes/NAME/..`, `edges` and
//! `metadata`.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::Path,
    thread,
    time::Duration,
};

use hdf5::{Dataset, Group, types::VarLenUnicode};

use super::graph::{Graph, Node, Units};
use crate::error::Error;

/// The version of the Python package whose format is used.
const VERSION: &str = "1.0.8";

/// Maximum number of entries of an array: limits the allocation for a broken header.
const MOST: usize = 1 << 30;

impl Graph {
    /// Writes the graph, replacing `path` atomically.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`], also for a `path` that is a pipe or a device.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let refuse = || Error::io("write the graph", path);
        // Follows links, and never replaces a pipe or a device.
        let target = match fs::metadata(path) {
            Ok(found) if !found.is_file() => {
                return Err(refuse()(io::Error::other(
                    "a graph is an HDF5 file, and this is not a regular file",
                )));
            }
            Ok(_) => fs::canonicalize(path).map_err(refuse())?,
            Err(_) => path.to_owned(),
        };
        let beside = target.with_extension(format!("{}.tmp", std::process::id()));
        // The system error for a missing or read-only folder.
        let _ = fs::remove_file(&beside);
        File::create_new(&beside).map_err(refuse())?;
        let written = self.write_into(&beside).map_err(|error| refuse()(of_hdf5(&error)));
        let written = written.and_then(|()| fs::rename(&beside, &target).map_err(refuse()));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn write_into(&self, path: &Path) -> hdf5::Result<()> {
        let file = hdf5::File::create(path)?;
        text(&file, "version", VERSION)?;
        let node = file.create_group("node")?;
        text(&node, "type", "NIRGraph")?;
        let nodes = node.create_group("nodes")?;
        for (name, it) in &self.nodes {
            let group = nodes.create_group(name)?;
            text(&group, "type", it.kind())?;
            write_node(&group, it)?;
        }
        let mut edges = Vec::with_capacity(2 * self.edges.len());
        for (from, to) in &self.edges {
            edges.extend([unicode(from)?, unicode(to)?]);
        }
        let dataset = node.new_dataset::<VarLenUnicode>().shape((self.edges.len(), 2)).create("edges")?;
        dataset.write_raw(&edges)?;
        if !self.metadata.is_empty() {
            let metadata = node.create_group("metadata")?;
            for (key, value) in &self.metadata {
                text(&metadata, key, value)?;
            }
        }
        file.flush()
    }
}

/// The system error behind an HDF5 error, which the library reports in a page of text.
fn of_hdf5(error: &hdf5::Error) -> io::Error {
    let text = error.to_string();
    let code = text.split("errno = ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
    code.map_or_else(|| io::Error::other(text), io::Error::from_raw_os_error)
}

/// Opens a file. A program that is being started has inherited open files, and with them locks, for a moment.
fn open(path: &Path) -> hdf5::Result<hdf5::File> {
    for _ in 0..10 {
        match hdf5::File::open(path) {
            Err(error) if error.to_string().contains("unable to lock file") => {
                thread::sleep(Duration::from_millis(20));
            }
            opened => return opened,
        }
    }
    hdf5::File::open(path)
}

/// Reads a graph in this process.
pub(super) fn read(path: &Path) -> hdf5::Result<Graph> {
    let node = open(path)?.group("node")?;
    let mut graph = Graph::default();
    let nodes = node.group("nodes")?;
    for name in nodes.member_names()? {
        let it = read_node(&nodes.group(&name)?)
            .map_err(|error| hdf5::Error::from(format!("node {name}: {error}")))?;
        graph.nodes.insert(name, it);
    }
    let edges = node.dataset("edges")?;
    let names: Vec<VarLenUnicode> = check(&edges)?.read_raw()?;
    let pairs = names.as_chunks().0.iter();
    graph.edges = pairs.map(|[from, to]| Ok((checked(from)?, checked(to)?))).collect::<hdf5::Result<_>>()?;
    if let Ok(metadata) = node.group("metadata") {
        graph.metadata = read_metadata(&metadata)?;
    }
    Ok(graph)
}

fn unicode(text: &str) -> hdf5::Result<VarLenUnicode> {
    text.parse().map_err(|_| hdf5::Error::from(format!("{text:?} has a zero byte")))
}

fn text(group: &Group, name: &str, value: &str) -> hdf5::Result<()> {
    group.new_dataset::<VarLenUnicode>().create(name)?.write_scalar(&unicode(value)?)
}

fn write_node(group: &Group, node: &Node) -> hdf5::Result<()> {
    let numbers = |name: &str, values: &[f64]| {
        group.new_dataset::<f64>().shape(values.len()).create(name)?.write_raw(values)
    };
    match node {
        Node::Input(shape) | Node::Output(shape) => {
            let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
            group.new_dataset::<i64>().shape(shape.len()).create("shape")?.write_raw(&shape)
        }
        Node::Linear { shape, weight, bias } => {
            group.new_dataset::<f64>().shape(*shape).create("weight")?.write_raw(weight)?;
            bias.as_ref().map_or(Ok(()), |bias| numbers("bias", bias))
        }
        Node::CubaLif(units) | Node::CubaLi(units) => {
            for (name, values) in [
                ("tau_mem", &units.tau_mem),
                ("tau_syn", &units.tau_syn),
                ("r", &units.r),
                ("v_leak", &units.v_leak),
                ("w_in", &units.w_in),
            ] {
                numbers(name, values)?;
            }
            if matches!(node, Node::CubaLif(_)) {
                numbers("v_threshold", &units.v_threshold)?;
                numbers("v_reset", &units.v_reset)?;
            }
            Ok(())
        }
        Node::Delay(delay) => numbers("delay", delay),
        Node::Other(_) => Ok(()),
    }
}

fn check(dataset: &Dataset) -> hdf5::Result<&Dataset> {
    match dataset.size() {
        0..=MOST => Ok(dataset),
        size => Err(format!("{size} numbers in {}", dataset.name()).into()),
    }
}

/// The HDF5 library does not check that texts are UTF-8.
fn checked(text: &VarLenUnicode) -> hdf5::Result<String> {
    let text = str::from_utf8(text.as_bytes()).map_err(|_| hdf5::Error::from("a text that is not UTF-8"))?;
    Ok(text.to_owned())
}

fn read_text(group: &Group, name: &str) -> hdf5::Result<String> {
    checked(&group.dataset(name)?.read_scalar::<VarLenUnicode>()?)
}

fn read_metadata(group: &Group) -> hdf5::Result<BTreeMap<String, String>> {
    let mut metadata = BTreeMap::new();
    for name in group.member_names()? {
        // other programs may write numbers
        if let Ok(value) = read_text(group, &name) {
            metadata.insert(name, value);
        }
    }
    Ok(metadata)
}

fn read_node(group: &Group) -> hdf5::Result<Node> {
    let numbers = |name: &str| -> hdf5::Result<Vec<f64>> { check(&group.dataset(name)?)?.read_raw() };
    let units = |fires: bool| -> hdf5::Result<Units> {
        let tau_mem = numbers("tau_mem")?;
        let size = tau_mem.len();
        let optional = |name: &str, default: f64| match group.link_exists(name) {
            true => numbers(name),
            false => Ok(vec![default; size]),
        };
        let units = Units {
            tau_syn: numbers("tau_syn")?,
            r: numbers("r")?,
            v_leak: numbers("v_leak")?,
            w_in: optional("w_in", 1.0)?,
            v_threshold: if fires { numbers("v_threshold")? } else { Vec::new() },
            v_reset: if fires { optional("v_reset", 0.0)? } else { Vec::new() },
            tau_mem,
        };
        Ok(units)
    };
    Ok(match read_text(group, "type")?.as_str() {
        "Input" => Node::Input(check(&group.dataset("shape")?)?.read_raw()?),
        "Output" => Node::Output(check(&group.dataset("shape")?)?.read_raw()?),
        kind @ ("Linear" | "Affine") => {
            let weight = group.dataset("weight")?;
            let &[rows, columns] = weight.shape().as_slice() else {
                return Err(format!("a weight of {} dimensions", weight.ndim()).into());
            };
            Node::Linear {
                shape: [rows, columns],
                weight: check(&weight)?.read_raw()?,
                bias: (kind == "Affine").then(|| numbers("bias")).transpose()?,
            }
        }
        "CubaLIF" => Node::CubaLif(units(true)?),
        "CubaLI" => Node::CubaLi(units(false)?),
        "Delay" => Node::Delay(numbers("delay")?),
        other => Node::Other(other.to_owned()),
    })
}
