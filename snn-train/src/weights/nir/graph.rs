//! A graph of nodes, limited to what networks of this program need.

use std::collections::BTreeMap;

/// A graph: nodes by name, edges between nodes, and metadata texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// The nodes.
    pub nodes: BTreeMap<String, Node>,
    /// The edges (from, to).
    pub edges: Vec<(String, String)>,
    /// Metadata that nodes cannot represent.
    pub metadata: BTreeMap<String, String>,
}

/// A node. Parameters of units have one entry per unit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Node {
    /// The input, with this shape.
    Input(Vec<u64>),
    /// The output.
    Output(Vec<u64>),
    /// `y = W x`
    Linear {
        /// Rows and columns: units above, units below.
        shape: [usize; 2],
        /// The values, row-major.
        weight: Vec<f64>,
        /// The bias of an `Affine`.
        bias: Option<Vec<f64>>,
    },
    /// Current-based leaky integrate-and-fire units: `tau_syn dI/dt = -I + w_in S`, `tau_mem dv/dt = v_leak - v + r I`.
    CubaLif(Units),
    /// The same without a threshold.
    CubaLi(Units),
    /// Delays spikes.
    Delay(Vec<f64>),
    /// Any other type, by name.
    Other(String),
}

/// Parameters of units. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Units {
    /// Membrane time constant.
    pub tau_mem: Vec<f64>,
    /// Synaptic time constant.
    pub tau_syn: Vec<f64>,
    /// Resistance.
    pub r: Vec<f64>,
    /// Resting potential.
    pub v_leak: Vec<f64>,
    /// Factor on the input.
    pub w_in: Vec<f64>,
    /// Threshold; empty without one.
    pub v_threshold: Vec<f64>,
    /// Potential after a spike; empty without a threshold.
    pub v_reset: Vec<f64>,
}

impl Node {
    /// The type name in files.
    pub(super) fn kind(&self) -> &str {
        match self {
            Self::Input(_) => "Input",
            Self::Output(_) => "Output",
            Self::Linear { bias: None, .. } => "Linear",
            Self::Linear { bias: Some(_), .. } => "Affine",
            Self::CubaLif(_) => "CubaLIF",
            Self::CubaLi(_) => "CubaLI",
            Self::Delay(_) => "Delay",
            Self::Other(kind) => kind,
        }
    }
}
