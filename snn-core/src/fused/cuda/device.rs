//! Networks on dfdx's `Cuda` device.

use super::{Resident, driver::Driver, updates};
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
use std::borrow::Cow;

/// The GPU of a network.
fn driver(context: &Resident<Cuda>, weights: &Weights<f32, Cuda>) -> Result<Driver, Error> {
    match context.readout().and_then(|buffer| Driver::of_buffer(buffer)) {
        Some(driver) => Ok(driver),
        None => Driver::of(weights.readout.device()).map_err(Error::device),
    }
}

impl Backend<f32> for Cuda {
    type Context = Resident<Self>;

    fn forget(context: &mut Resident<Self>) {
        context.forget();
    }

    fn settle(context: &mut Resident<Self>, weights: &mut Weights<f32, Self>) -> Result<(), Error> {
        context.settle(weights)
    }

    fn latest(context: &Resident<Self>, index: usize) -> Option<Cow<'_, [f32]>> {
        context.latest(index)
    }

    #[expect(
        clippy::panic,
        reason = "dfdx does the same where it copies values to the host; a GPU that fails has lost them all"
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
        context: &Resident<Self>,
        wanted: Wanted,
    ) -> Result<Answer<f32, Self>, Error> {
        let driver = driver(context, weights)?;
        super::forward(&driver, config, weights, context, input, wanted)
    }

    fn training_pass(
        config: &NetworkConfig,
        weights: &Weights<f32, Self>,
        input: &Input<f32>,
        context: &Resident<Self>,
        head: Head<'_>,
    ) -> Result<Option<TrainingPass<f32, Self>>, Error> {
        let driver = driver(context, weights)?;
        super::training_pass(&driver, config, weights, context, input, head).map(Some)
    }

    fn update(
        weights: &mut Weights<f32, Self>,
        context: &mut Resident<Self>,
        update: Update<'_, f32, Self>,
        gradients: &[&Buffer<f32, Self>],
    ) -> Result<bool, Error> {
        let driver = driver(context, weights)?;
        super::update(&driver, weights, context, update, gradients)
    }

    fn queue_step(
        config: &NetworkConfig,
        weights: &mut Weights<f32, Self>,
        input: &Input<f32>,
        context: &mut Resident<Self>,
        head: Head<'_>,
        update: Update<'_, f32, Self>,
    ) -> Result<Option<PendingStep<f32>>, Error> {
        let driver = driver(context, weights)?;
        super::queue_step(&driver, config, weights, context, input, head, update)
    }
}
