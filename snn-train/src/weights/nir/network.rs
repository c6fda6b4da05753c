//! Conversion between networks and graphs.

use std::collections::BTreeMap;

use snn_core::{Backend, Network, NetworkConfig, Readout};

use super::graph::{Graph, Node, Units};
use crate::weights::about::about;
use crate::{checkpoint::Checkpoint, error::Error};

/// Seconds per millisecond.
const MS: f64 = 1e-3;

/// Relative tolerance for equal parameters: many programs store them in 32 bits.
const NEAR: f64 = 1e-5;

/// The network of a checkpoint as a graph, with the metadata of [`Checkpoint::to_safetensors`], each key prefixed with `snn.`, and
/// `snn.differences`.
///
/// # Errors
/// [`Error::Impossible`] for an old checkpoint, which does not record its data, and for units that NIR does not support.
pub fn of_checkpoint(run: &str, checkpoint: &Checkpoint) -> Result<Graph, Error> {
    let experiment = checkpoint.experiment();
    let data = checkpoint.data().ok_or_else(|| {
        Error::Impossible("this checkpoint does not record the length of a time step".to_owned())
    })?;
    let config = experiment.network_of(data.inputs, data.classes.len(), data.dt);
    let matrices =
        checkpoint.weights().map(|(name, shape, values)| (name.to_owned(), shape, values.to_owned()));
    let mut graph = graph(&config, &matrices.collect::<Vec<_>>())?;
    let about = about(run, checkpoint)?.into_iter();
    graph.metadata.extend(about.map(|(key, value)| (format!("snn.{key}"), value)));
    Ok(graph)
}

/// A network, such as one trained by your own loop, as a graph with the metadata `snn.dt` and `snn.differences`.
///
/// ```
/// use snn_core::{Initialization, Layer, Network, NetworkConfig, Reset};
/// use snn_train::{Weights, nir};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("network.nir");
/// let config = NetworkConfig { hidden: vec![Layer::feed_forward(8)], reset: Reset::Immediate, ..NetworkConfig::new(4, 2) };
/// let network: Network = Network::new(config.clone(), Initialization::default(), 1)?;
/// nir::of_network(&network)?.write(&path)?;
///
/// let mut other: Network = Network::new(config, Initialization::default(), 2)?;
/// Weights::load(&path)?.put_into(&mut other)?;
/// assert!(network.parameters().eq(other.parameters()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Impossible`] for units that NIR does not support.
pub fn of_network<D: Backend<f32>>(network: &Network<f32, D>) -> Result<Graph, Error> {
    graph(network.config(), &network.parameters().collect::<Vec<_>>())
}

fn graph(config: &NetworkConfig, matrices: &[Matrix]) -> Result<Graph, Error> {
    if config.neuron != snn_core::NeuronKind::Lif {
        return Err(Error::Impossible(format!("NIR has no {} units", config.neuron.word())));
    }
    let mut graph = Graph::default();
    graph.nodes.insert("input".to_owned(), Node::Input(vec![config.inputs as u64]));
    let mut below = "input".to_owned();
    for (l, layer) in config.hidden.iter().enumerate() {
        let (name, number) = (format!("hidden{}.lif", l + 1), l + 1);
        let leak = Leak::hidden(config, l);
        let units = Units {
            v_threshold: vec![config.threshold; layer.units],
            v_reset: vec![0.0; layer.units],
            ..leak.units(config.dt, layer.units)
        };
        graph.nodes.insert(name.clone(), Node::CubaLif(units));
        let input = format!("hidden{number}.w_in");
        graph.linear(matrices, &format!("W{number}"), &input, leak.mem, (&below, &name))?;
        if layer.recurrent {
            let inner = format!("hidden{number}.w_rec");
            graph.linear(matrices, &format!("V{number}"), &inner, leak.mem, (&name, &name))?;
        }
        below = name;
    }
    let leak = Leak::readout(config);
    let readout = "readout.li".to_owned();
    graph.nodes.insert(readout.clone(), Node::CubaLi(leak.units(config.dt, config.outputs)));
    graph.linear(matrices, "Wout", "readout.w_in", leak.mem, (&below, &readout))?;
    graph.nodes.insert("output".to_owned(), Node::Output(vec![config.outputs as u64]));
    graph.edges.push((readout, "output".to_owned()));
    graph.metadata.insert("snn.dt".to_owned(), format!("{:?}", config.dt * MS));
    graph.metadata.insert("snn.differences".to_owned(), differences(config).join("\n"));
    Ok(graph)
}

/// Name, shape `[pre, post]` and values.
type Matrix = (String, [usize; 2], Vec<f32>);

/// What a graph cannot represent about this network, and what other simulators do differently.
#[must_use]
pub fn differences(config: &NetworkConfig) -> Vec<String> {
    let head = match config.readout {
        Readout::Max => "the maximum",
        Readout::Sum => "the sum",
    };
    let mut all = vec![format!(
        "the predicted class has the largest value of {head} of the readout potentials over time, which start at {:?}; a graph ends with \
        the potentials",
        config.readout_start
    )];
    if !config.hidden.is_empty() {
        all.push(
            "an input affects the potential two steps later here but immediately elsewhere: spikes occur two steps earlier for each layer"
                .to_owned(),
        );
        all.push(match config.reset {
            snn_core::Reset::Immediate => {
                "the reset is the same as in other simulators: to zero in the step of the spike".to_owned()
            }
            snn_core::Reset::Delayed => {
                "after a spike, a unit is refractory for a step here (network.reset = \"delayed\") but integrates elsewhere: it spikes more \
                 there, and the network is less accurate; train with network.reset = \"immediate\" for other simulators"
                    .to_owned()
            }
        });
    }
    if config.hidden.iter().any(|layer| layer.recurrent) {
        all.push(
            "a recurrent spike affects the potential two steps later here but one step later elsewhere: the network spikes at other times \
             there (in Norse, for example), and snnTorch 1.0 cannot build a recurrent graph at all"
                .to_owned(),
        );
    }
    all
}

/// The leak per step: `1 - exp(-dt / tau)`.
#[derive(Clone, Copy)]
struct Leak {
    mem: f64,
    syn: f64,
}

impl Leak {
    fn new(dt: f64, tau_mem: f64, tau_syn: f64) -> Self {
        Self { mem: -(-dt / tau_mem).exp_m1(), syn: -(-dt / tau_syn).exp_m1() }
    }

    fn hidden(config: &NetworkConfig, layer: usize) -> Self {
        Self::new(config.dt, config.tau_mem.of(layer), config.tau_syn.of(layer))
    }

    fn readout(config: &NetworkConfig) -> Self {
        Self::new(config.dt, config.tau_readout, config.tau_syn.of(config.hidden.len()))
    }

    /// The leaks for `dt` in ms.
    fn units(self, dt: f64, count: usize) -> Units {
        let all = |value: f64| vec![value; count];
        Units {
            tau_mem: all(dt * MS / self.mem),
            tau_syn: all(dt * MS / self.syn),
            r: all(1.0 / self.mem),
            v_leak: all(0.0),
            w_in: all(1.0 / self.syn),
            ..Units::default()
        }
    }
}

impl Graph {
    /// Adds a matrix between two nodes.
    fn linear(
        &mut self,
        matrices: &[Matrix],
        matrix: &str,
        name: &str,
        factor: f64,
        (from, to): (&str, &str),
    ) -> Result<(), Error> {
        let found = matrices.iter().find(|(name, ..)| name == matrix);
        let &(_, [pre, post], ref weights) =
            found.ok_or_else(|| Error::Impossible(format!("there is no matrix {matrix}")))?;
        let weight = (0..post).flat_map(|row| (0..pre).map(move |column| column * post + row));
        let weight = weight.map(|at| f64::from(weights[at]) * factor).collect();
        self.nodes.insert(name.to_owned(), Node::Linear { shape: [post, pre], weight, bias: None });
        self.edges.extend([(from.to_owned(), name.to_owned()), (name.to_owned(), to.to_owned())]);
        Ok(())
    }

    fn above(&self, name: &str) -> impl Iterator<Item = &str> {
        self.edges.iter().filter(move |(from, _)| from == name).map(|(_, to)| to.as_str())
    }

    /// Whether the matrix leads back to its own source units, with or without a delay.
    fn is_loop(&self, matrix: &str, units: &str) -> bool {
        self.above(matrix).any(|to| {
            to == units
                || (matches!(self.nodes.get(to), Some(Node::Delay(_)))
                    && self.above(to).any(|to| to == units))
        })
    }

    /// Length of a step in s, if the graph was written by this program.
    fn dt(&self) -> Option<f64> {
        self.metadata.get("snn.dt")?.parse().ok()
    }
}

/// The matrices of a graph, named and scaled for this program. With `config`, units must match that network; without, steps have
/// the length recorded in the graph, or 1 ms.
pub(in crate::weights) fn matrices(
    graph: &Graph,
    config: Option<&NetworkConfig>,
) -> Result<Vec<Matrix>, String> {
    let dt = config.map(|config| config.dt * MS).or_else(|| graph.dt()).unwrap_or(MS);
    let inputs: Vec<&String> =
        graph.nodes.iter().filter(|(_, node)| matches!(node, Node::Input(_))).map(|(name, _)| name).collect();
    let &[input] = inputs.as_slice() else {
        return Err(format!("the graph has {} inputs instead of one", inputs.len()));
    };
    let (mut below, mut layer) = (input.as_str(), 0);
    let mut all = BTreeMap::new();
    loop {
        let ways: Vec<&str> = graph.above(below).filter(|name| !graph.is_loop(name, below)).collect();
        let &[matrix] = ways.as_slice() else {
            return Err(format!("node {below} has {} outgoing paths instead of one", ways.len()));
        };
        if matches!(graph.nodes.get(matrix), Some(Node::Output(_))) {
            // a graph that ends with spikes has no readout: its other matrices can be loaded
            return Ok(all.into_values().collect());
        }
        let units = graph.above(matrix).next().ok_or_else(|| format!("node {matrix} leads nowhere"))?;
        let name = match graph.nodes.get(units) {
            Some(Node::CubaLif(_)) => format!("W{}", layer + 1),
            Some(Node::CubaLi(_)) => "Wout".to_owned(),
            other => return Err(not_ours(units, other)),
        };
        let (Some(Node::CubaLif(parameters)) | Some(Node::CubaLi(parameters))) = graph.nodes.get(units)
        else {
            return Err(not_ours(units, graph.nodes.get(units)));
        };
        let is_readout = name == "Wout";
        let scale = scale(units, parameters, dt)?;
        if let Some(config) = config {
            let leak = if is_readout { Leak::readout(config) } else { Leak::hidden(config, layer) };
            check(units, parameters, leak, config)?;
        }
        all.insert(name.clone(), stored(graph, matrix, name, scale)?);
        if is_readout {
            return Ok(all.into_values().collect());
        }
        let loops: Vec<&str> = graph.above(units).filter(|name| graph.is_loop(name, units)).collect();
        match loops.as_slice() {
            [] => {}
            [matrix] => {
                let name = format!("V{}", layer + 1);
                all.insert(name.clone(), stored(graph, matrix, name, scale)?);
            }
            _ => return Err(format!("{} loops at node {units}", loops.len())),
        }
        (below, layer) = (units, layer + 1);
        if layer > graph.nodes.len() {
            return Err("the graph has a cycle".to_owned());
        }
    }
}

fn not_ours(name: &str, node: Option<&Node>) -> String {
    match node {
        None => format!("an edge leads to {name}, which does not exist"),
        Some(node) => format!(
            "node {name} has type {}: supported are units with a synaptic current (CubaLIF), and a readout of CubaLI",
            node.kind()
        ),
    }
}

/// The one value of all units.
fn common(name: &str, what: &str, values: &[f64]) -> Result<f64, String> {
    let first = values.first().copied().ok_or_else(|| format!("node {name} has no {what}"))?;
    match values.iter().all(|value| near(*value, first)) {
        true => Ok(first),
        false => {
            Err(format!("the units of node {name} differ in {what}: here, all units of a layer share it"))
        }
    }
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= NEAR * one.abs().max(other.abs())
}

/// The scale of the weights. A step of Euler's method adds `dt / tau_syn w_in` of an input to the current and `dt / tau_mem r` of that
/// to the potential; here the factors are 1 and `1 - b_mem`, which is `dt / tau_mem`.
fn scale(name: &str, units: &Units, dt: f64) -> Result<f64, String> {
    for (what, values) in [("v_leak", &units.v_leak), ("v_reset", &units.v_reset)] {
        if values.iter().any(|&value| value != 0.0) {
            return Err(format!("node {name} has a {what} other than 0"));
        }
    }
    let [tau_syn, r, w_in] = [("tau_syn", &units.tau_syn), ("r", &units.r), ("w_in", &units.w_in)]
        .map(|(what, values)| common(name, what, values));
    Ok(w_in? * r? * dt / tau_syn?)
}

/// Checks that the units have the same dynamics as those of the network.
fn check(name: &str, units: &Units, leak: Leak, config: &NetworkConfig) -> Result<(), String> {
    let dt = config.dt * MS;
    for (what, values, leak) in [("tau_mem", &units.tau_mem, leak.mem), ("tau_syn", &units.tau_syn, leak.syn)]
    {
        let (found, needed) = (common(name, what, values)?, dt / leak);
        if !near(found, needed) {
            let key = if units.v_threshold.is_empty() && what == "tau_mem" { "tau_readout" } else { what };
            let tau = -config.dt / (-dt / found).ln_1p();
            return Err(format!(
                "node {name} has {what} = {:.6} ms by Euler's method, but the network {:.6} ms: set network.{key} to {tau:.6}",
                found / MS,
                needed / MS
            ));
        }
    }
    if !units.v_threshold.is_empty() {
        let threshold = common(name, "v_threshold", &units.v_threshold)?;
        if !near(threshold, config.threshold) {
            return Err(format!("node {name} has the threshold {threshold}: set network.threshold to it"));
        }
    }
    Ok(())
}

fn stored(graph: &Graph, node: &str, name: String, scale: f64) -> Result<Matrix, String> {
    let Some(Node::Linear { shape, weight, bias }) = graph.nodes.get(node) else {
        return Err(not_linear(node, graph.nodes.get(node)));
    };
    if bias.as_ref().is_some_and(|bias| bias.iter().any(|&value| value != 0.0)) {
        return Err(format!("node {node} has a bias, which units here do not support"));
    }
    let &[post, pre] = shape;
    if Some(weight.len()) != post.checked_mul(pre) {
        return Err(format!("node {node} has {} weights for {post} x {pre}", weight.len()));
    }
    let values = (0..pre).flat_map(|row| (0..post).map(move |column| column * pre + row));
    let values = values.map(|at| (weight[at] * scale) as f32).collect();
    Ok((name, [pre, post], values))
}

fn not_linear(name: &str, node: Option<&Node>) -> String {
    let kind = node.map_or("nothing", Node::kind);
    format!("node {name} is {kind} instead of a Linear")
}
