//! NIR, the neuromorphic intermediate representation (Pedersen et al. 2024, <https://neuroir.org>): export to and import from other
//! simulators and hardware.
//!
//! A layer becomes a `Linear` and a `CubaLIF` node, recurrent weights a second `Linear` in a loop with it, the readout a `Linear` and a
//! `CubaLI`. Importers use Euler's method, so the parameters are chosen to make Euler's method compute the trained decays
//! `b = exp(-dt / tau)`:
//!
//! ```text
//! tau_mem = dt / (1 - b_mem)    r     = tau_mem / dt     weight = (1 - b_mem) W, transposed to [out, in], float64
//! tau_syn = dt / (1 - b_syn)    w_in  = tau_syn / dt     v_threshold = threshold, v_leak = v_reset = 0
//! ```
//!
//! Times are in seconds. The scale of the weights is where importers expect it: snnTorch requires this `r`, and Norse accepts any.
//! Weights are float64, to restore the same bits.
//!
//! What a graph cannot represent is in its metadata, and [`differences`] reports it: the head and the initial value of the readout,
//! and the timing of spikes. Here, an input affects the potential two steps later, elsewhere in its own step; spike trains are the same,
//! two steps earlier for each layer. A loop takes two steps here and one elsewhere. The reset is the same with
//! `network.reset = "immediate"`; with `"delayed"`, a unit is refractory for one step here but not elsewhere.

mod file;
mod graph;
mod isolate;
mod network;

pub use graph::{Graph, Node, Units};
pub use isolate::{LAYOUT, serve};
pub(super) use isolate::{answer, parse};
pub(super) use network::matrices;
pub use network::{differences, of_checkpoint, of_network};
