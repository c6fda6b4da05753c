//! The CPU as a backend for `f32`.

use crate::{
    Backend, Cpu, Error, Input, NetworkConfig, fused,
    pass::{Answer, Wanted},
    reference::cpu::cpu_buffers,
    weights::Weights,
};

impl Backend<f32> for Cpu {
    type Context = fused::Context;

    cpu_buffers!(f32);

    fn fused(
        config: &NetworkConfig,
        weights: &Weights<f32, Self>,
        input: &Input<f32>,
        context: &Self::Context,
        wanted: Wanted,
    ) -> Result<Answer<f32, Self>, Error> {
        fused::forward(config, weights, input, context, wanted)
    }
}
