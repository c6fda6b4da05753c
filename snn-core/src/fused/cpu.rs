//! The CPU as a backend for `f32`.

use crate::{
    Backend, Cpu, Error, Input, NetworkConfig, fused,
    head::Head,
    pass::{Answer, TrainingPass, Wanted},
    reference::cpu::cpu_buffers,
    weights::Weights,
};

impl Backend<f32> for Cpu {
    type Context = fused::Context;

    cpu_buffers!(f32);

    fn forget(context: &mut Self::Context) {
        context.forget();
    }

    fn fused(
        config: &NetworkConfig,
        weights: &Weights<f32, Self>,
        input: &Input<f32>,
        context: &Self::Context,
        wanted: Wanted,
    ) -> Result<Answer<f32, Self>, Error> {
        fused::forward(config, weights, input, context, wanted)
    }

    fn training_pass(
        config: &NetworkConfig,
        weights: &Weights<f32, Self>,
        input: &Input<f32>,
        context: &Self::Context,
        head: Head<'_>,
    ) -> Result<Option<TrainingPass<f32, Self>>, Error> {
        fused::training_pass(config, weights, input, context, head)
    }
}
