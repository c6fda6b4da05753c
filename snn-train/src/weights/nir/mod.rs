//! NIR, the neuromorphic intermediate representation (Pedersen et al. 2024, <https://neuroir.org>): networks for other simulators
//! and for hardware, and back.
//!
//! A layer becomes a `Linear` and a `CubaLIF` node, recurrence a second `Linear` in a loop with that, the readout a `Linear` and a
//! `CubaLI`. Importers step by Euler, so the numbers are those with which Euler's method computes the decays `b = exp(-dt / tau)`
//! that were trained:
//!
//! ```text
//! tau_mem = dt / (1 - b_mem)    r     = tau_mem / dt     weight = (1 - b_mem) W, transposed to [out, in], float64
//! tau_syn = dt / (1 - b_syn)    w_in  = tau_syn / dt     v_threshold = threshold, v_leak = v_reset = 0
//! ```
//!
//! Times are in seconds. The factor of the weights stands where importers look for it: snnTorch demands such an `r`, and Norse takes any.
//! Weights are float64, so that they come back with the same bits.
//!
//! What a graph cannot say is in its metadata, and [`differences`] tells it: the head and the start of the readout, and when a spike
//! acts. Here an input acts on the potential two steps later, elsewhere in its own step; a train of spikes is the same, two steps
//! earlier for each layer. A loop takes two steps here and one there. The reset is the same with `network.reset = "immediate"`; with
//! `"delayed"` a unit here rests for a step that it does not rest elsewhere.

mod file;
mod graph;
mod isolate;
mod network;

pub use graph::{Graph, Node, Units};
pub use isolate::{LAYOUT, serve};
pub(super) use isolate::{answer, parse};
pub(super) use network::matrices;
pub use network::{differences, of_checkpoint};
