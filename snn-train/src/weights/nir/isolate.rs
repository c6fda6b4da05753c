//! Reads graphs in a separate process if the program has registered one: the HDF5 library trusts file contents, and a damaged file
//! may crash it or make it loop forever.
//!
//! The helper responds with JSON: a graph with its numbers as integers of the same bits, which preserves NaN and infinity, or an
//! error message.

use std::{collections::BTreeMap, io, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    file,
    graph::{Graph, Node, Units},
};
use crate::error::Error;

/// The last argument of the helper.
pub const LAYOUT: &str = "nir";

#[derive(Serialize, Deserialize)]
struct Wire {
    /// Name, type and lists of each node.
    nodes: Vec<(String, String, Vec<Vec<u64>>)>,
    edges: Vec<(String, String)>,
    metadata: BTreeMap<String, String>,
}

impl Graph {
    /// Reads a graph, in a separate process after [`snn_data::isolate_hdf5`]. Nodes of unknown types have only their type name.
    ///
    /// # Errors
    /// [`Error::Weights`] if it is not a NIR file, or a node lacks a parameter of its type; [`Error::Interrupted`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let read = match snn_data::read_isolated_hdf5(path, LAYOUT) {
            None => file::read(path).map_err(|error| error.to_string()),
            Some(Ok(answer)) => parse(&answer),
            Some(Err(snn_data::Error::Cancelled)) => return Err(Error::Interrupted),
            Some(Err(snn_data::Error::File { source, .. })) => Err(match *source {
                snn_data::Error::Format { problem, .. } => problem,
                other => other.to_string(),
            }),
            Some(Err(other)) => Err(other.to_string()),
        };
        read.map_err(|error| Error::Weights {
            path: path.to_owned(),
            reason: format!("this is not a readable NIR graph ({error})"),
        })
    }
}

/// The helper: reads a graph and writes it, or an error message, to standard output. A program that has registered itself with
/// [`snn_data::isolate_hdf5`] calls this if its last argument is [`LAYOUT`].
///
/// # Errors
/// Those of the standard output.
pub fn serve(path: &Path) -> io::Result<()> {
    snn_data::serve_isolated_hdf5(|out| {
        let read = file::read(path).map_err(|error| error.to_string());
        out.write_all(&answer(read.as_ref())?)
    })
}

/// The helper's response for a graph.
pub(in crate::weights) fn answer(read: Result<&Graph, &String>) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&read.map(to_wire))
}

/// The graph in a helper's response, or its error message.
pub(in crate::weights) fn parse(answer: &[u8]) -> Result<Graph, String> {
    let answer = serde_json::from_slice::<Result<Wire, String>>(answer);
    let wire = answer.unwrap_or_else(|error| Err(error.to_string()))?;
    of_wire(wire).ok_or_else(|| "its helper sent an invalid response".to_owned())
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn numbers(bits: &[u64]) -> Vec<f64> {
    bits.iter().map(|&bits| f64::from_bits(bits)).collect()
}

fn to_wire(graph: &Graph) -> Wire {
    let lists = |node: &Node| match node {
        Node::Input(shape) | Node::Output(shape) => vec![shape.clone()],
        Node::Linear { shape, weight, bias } => {
            let shape = shape.iter().map(|&size| size as u64).collect();
            [shape, bits(weight)].into_iter().chain(bias.as_deref().map(bits)).collect()
        }
        Node::CubaLif(units) | Node::CubaLi(units) => {
            let Units { tau_mem, tau_syn, r, v_leak, w_in, v_threshold, v_reset } = units;
            [tau_mem, tau_syn, r, v_leak, w_in, v_threshold, v_reset].map(|list| bits(list)).into()
        }
        Node::Delay(delay) => vec![bits(delay)],
        Node::Other(_) => Vec::new(),
    };
    let nodes = graph.nodes.iter().map(|(name, node)| (name.clone(), node.kind().to_owned(), lists(node)));
    Wire { nodes: nodes.collect(), edges: graph.edges.clone(), metadata: graph.metadata.clone() }
}

fn of_wire(wire: Wire) -> Option<Graph> {
    let node = |(name, kind, lists): (String, String, Vec<Vec<u64>>)| {
        let units = |lists: &[Vec<u64>]| {
            let [tau_mem, tau_syn, r, v_leak, w_in, v_threshold, v_reset] = lists else { return None };
            let [tau_mem, tau_syn, r, v_leak, w_in, v_threshold, v_reset] =
                [tau_mem, tau_syn, r, v_leak, w_in, v_threshold, v_reset].map(|list| numbers(list));
            Some(Units { tau_mem, tau_syn, r, v_leak, w_in, v_threshold, v_reset })
        };
        let node = match (kind.as_str(), lists.as_slice()) {
            ("Input", [shape]) => Node::Input(shape.clone()),
            ("Output", [shape]) => Node::Output(shape.clone()),
            ("Linear" | "Affine", [shape, weight, bias @ ..]) => Node::Linear {
                shape: shape.iter().map(|&size| size as usize).collect::<Vec<_>>().try_into().ok()?,
                weight: numbers(weight),
                bias: bias.first().map(|bias| numbers(bias)),
            },
            ("CubaLIF", lists) => Node::CubaLif(units(lists)?),
            ("CubaLI", lists) => Node::CubaLi(units(lists)?),
            ("Delay", [delay]) => Node::Delay(numbers(delay)),
            ("Input" | "Output" | "Linear" | "Affine" | "Delay", _) => return None,
            (_, []) => Node::Other(kind),
            _ => return None,
        };
        Some((name, node))
    };
    let nodes = wire.nodes.into_iter().map(node).collect::<Option<_>>()?;
    Some(Graph { nodes, edges: wire.edges, metadata: wire.metadata })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_keeps_its_bits() {
        let list = |from: f64| vec![from, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1e-320];
        let units = Units {
            tau_mem: list(1.0),
            tau_syn: list(2.0),
            r: list(3.0),
            v_leak: list(4.0),
            w_in: list(5.0),
            v_threshold: list(6.0),
            v_reset: list(7.0),
        };
        let silent = Units { v_threshold: vec![], v_reset: vec![], ..units.clone() };
        let nodes = [
            Node::Input(vec![3, u64::MAX]),
            Node::Output(vec![]),
            Node::Linear { shape: [1, 5], weight: list(8.0), bias: None },
            Node::Linear { shape: [5, 1], weight: list(9.0), bias: Some(list(10.0)) },
            Node::CubaLif(units),
            Node::CubaLi(silent),
            Node::Delay(list(11.0)),
            Node::Other("LIF".to_owned()),
        ];
        let graph = Graph {
            nodes: nodes.into_iter().enumerate().map(|(k, node)| (format!("n{k}"), node)).collect(),
            edges: vec![("n0".to_owned(), "n\u{7f}\"1".to_owned())],
            metadata: [("snn.run".to_owned(), "a\nb".to_owned())].into(),
        };
        let text = serde_json::to_vec(&to_wire(&graph)).unwrap();
        assert_eq!(of_wire(serde_json::from_slice(&text).unwrap()), Some(graph));
        let nan = Graph { nodes: [("n".to_owned(), Node::Delay(vec![f64::NAN]))].into(), ..Graph::default() };
        let Some(Graph { nodes, .. }) = of_wire(to_wire(&nan)) else { panic!("a graph") };
        let Node::Delay(delay) = &nodes["n"] else { panic!("a delay") };
        assert_eq!(delay[0].to_bits(), f64::NAN.to_bits());
    }

    #[test]
    fn invalid_responses_are_refused() {
        for (kind, lists) in [("Input", vec![]), ("CubaLI", vec![vec![1]]), ("Linear", vec![vec![1], vec![]])]
        {
            let wire = Wire {
                nodes: vec![("n".to_owned(), kind.to_owned(), lists)],
                edges: vec![],
                metadata: BTreeMap::new(),
            };
            assert_eq!(of_wire(wire), None, "{kind}");
        }
    }
}
