//! The CPU as a backend for `f32`.

use crate::{
    Backend, Cpu, Error, Input, NetworkConfig, fused,
    head::Head,
    pass::{Answer, TrainingPass, Wanted},
    reference::cpu::cpu_buffers,
    weights::Weights,
};
#[cfg(feature = "cuda-emulation")]
use crate::{pass::PendingStep, update::Update, weights::Buffer};

impl Backend<f32> for Cpu {
    type Context = fused::Context;

    cpu_buffers!(f32);

    fn forget(context: &mut Self::Context) {
        context.forget();
    }

    #[cfg(feature = "cuda-emulation")]
    fn settle(context: &mut Self::Context, weights: &mut Weights<f32, Self>) -> Result<(), Error> {
        context.resident.settle(weights)
    }

    #[cfg(feature = "cuda-emulation")]
    fn latest(context: &Self::Context, index: usize) -> Option<std::borrow::Cow<'_, [f32]>> {
        context.resident.latest(index)
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

    #[cfg(feature = "cuda-emulation")]
    fn update(
        weights: &mut Weights<f32, Self>,
        context: &mut Self::Context,
        update: Update<'_, f32, Self>,
        gradients: &[&Buffer<f32, Self>],
    ) -> Result<bool, Error> {
        let Some(machine) = &context.emulation else { return Ok(false) };
        fused::cuda::update(machine, weights, &mut context.resident, update, gradients)
    }

    #[cfg(feature = "cuda-emulation")]
    fn queue_step(
        config: &NetworkConfig,
        weights: &mut Weights<f32, Self>,
        input: &Input<f32>,
        context: &mut Self::Context,
        head: Head<'_>,
        update: Update<'_, f32, Self>,
    ) -> Result<Option<PendingStep<f32>>, Error> {
        let Some(machine) = &context.emulation else { return Ok(None) };
        fused::cuda::queue_step(machine, config, weights, &mut context.resident, input, head, update)
    }
}
