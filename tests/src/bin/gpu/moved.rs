//! Copying networks from the CPU to a GPU.

use snn_core::{Cuda, Initialization, Network};

/// The same network on the GPU.
pub(crate) fn moved(network: &Network, gpu: &Cuda) -> Network<f32, Cuda> {
    let config = network.config().clone();
    let mut moved = Network::on(gpu.clone(), config, Initialization::default(), 0).expect("a network");
    for (name, _, values) in network.parameters() {
        moved.set_parameter(&name, &values).expect("weights of the same shape");
    }
    moved
}
