//! Networks on dfdx's `Cuda` device.

use super::{Resident, driver::Driver, graphs::Recorder, updates};
use crate::{
    Backend, Error, Input, NetworkConfig,
    head::Head,
    pass::{Answer, PendingStep, TrainingPass, Wanted},
    spike::SpikeFunction,
    stager::Stager,
    update::Update,
    weights::{Buffer, Matrix, Weights},
};
use dfdx::prelude::{Cuda, Storage, Tape};
use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

/// State of a network on a GPU.
#[derive(Debug, Default)]
pub struct Context {
    weights: Resident<Cuda>,
    /// Of its queued steps.
    recorder: OnceLock<Arc<Recorder>>,
}

impl Clone for Context {
    /// A clone records its own steps.
    fn clone(&self) -> Self {
        Context { weights: self.weights.clone(), recorder: OnceLock::new() }
    }
}

/// The GPU of a network.
fn driver(context: &Context, weights: &Weights<f32, Cuda>) -> Result<Driver, Error> {
    match context.weights.readout().and_then(Driver::of_buffer) {
        Some(driver) => Ok(driver),
        None => Driver::of(weights.readout.device()).map_err(Error::device),
    }
}

impl Backend<f32> for Cuda {
    type Context = Context;

    fn forget(context: &mut Context) {
        context.weights.forget();
    }

    fn settle(context: &mut Context, weights: &mut Weights<f32, Self>) -> Result<(), Error> {
        context.weights.settle(weights)
    }

    fn latest(context: &Context, index: usize) -> Option<Cow<'_, [f32]>> {
        context.weights.latest(index)
    }

    #[expect(
        clippy::panic,
        reason = "dfdx does the same when it copies values to the host; after a failure, they are lost"
    )]
    fn host(buffer: &Buffer<f32, Self>) -> Cow<'_, [f32]> {
        match buffer.device().dtoh_sync_copy(&**buffer) {
            Ok(values) => Cow::Owned(values),
            Err(error) => panic!("{}", Error::device(error)),
        }
    }

    fn host_mut(_: &mut Buffer<f32, Self>) -> Option<&mut [f32]> {
        None
    }

    fn upload(&self, values: &[f32]) -> Result<Buffer<f32, Self>, Error> {
        let mut buffer = Storage::<f32>::try_alloc_len(self, values.len()).map_err(Error::device)?;
        buffer.device().htod_sync_copy_into(values, &mut *buffer).map_err(Error::device)?;
        Ok(buffer)
    }

    fn norms(&self, buffers: &[&Buffer<f32, Self>]) -> Result<Vec<f64>, Error> {
        let driver = Driver::of(self).map_err(Error::device)?;
        let buffers: Vec<_> =
            buffers.iter().map(|&buffer| (buffer, Storage::<f32>::len(self, buffer))).collect();
        updates::norms(&driver, &buffers).map_err(Error::device)
    }

    fn stager(&self) -> Result<Stager<f32>, Error> {
        Ok(Driver::of(self).map_err(Error::device)?.stager())
    }

    fn spike<T: Tape<f32, Self>>(
        _: Matrix<f32, Self, T>,
        _: f64,
        _: SpikeFunction,
    ) -> Result<Matrix<f32, Self, T>, Error> {
        Err(Error::Unsupported(
            "the reference implementation computes on the CPU; set `implementation` to `Implementation::Fused` for a GPU"
                .into(),
        ))
    }

    fn fused(
        config: &NetworkConfig,
        weights: &Weights<f32, Self>,
        input: &Input<f32>,
        context: &Context,
        wanted: Wanted,
    ) -> Result<Answer<f32, Self>, Error> {
        let driver = driver(context, weights)?;
        super::forward(&driver, config, weights, &context.weights, input, wanted)
    }

    fn training_pass(
        config: &NetworkConfig,
        weights: &Weights<f32, Self>,
        input: &Input<f32>,
        context: &Context,
        head: Head<'_>,
    ) -> Result<Option<TrainingPass<f32, Self>>, Error> {
        let driver = driver(context, weights)?;
        super::training_pass(&driver, config, weights, &context.weights, input, head).map(Some)
    }

    fn update(
        weights: &mut Weights<f32, Self>,
        context: &mut Context,
        update: Update<'_, f32, Self>,
        gradients: &[&Buffer<f32, Self>],
    ) -> Result<bool, Error> {
        let driver = driver(context, weights)?;
        super::update(&driver, weights, &mut context.weights, update, gradients)
    }

    fn queue_step(
        config: &NetworkConfig,
        weights: &mut Weights<f32, Self>,
        input: &Input<f32>,
        context: &mut Context,
        head: Head<'_>,
        update: Update<'_, f32, Self>,
    ) -> Result<Option<PendingStep<f32>>, Error> {
        let driver = driver(context, weights)?;
        let recorder = context.recorder.get_or_init(|| driver.recorder());
        let recording = driver.recording(recorder);
        let weights_on_gpu = &mut context.weights;
        let step = super::queue_step(&recording, config, weights, weights_on_gpu, input, head, update);
        if step.is_err() {
            recorder.discard();
        }
        step
    }
}
