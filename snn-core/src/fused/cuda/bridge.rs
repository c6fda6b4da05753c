//! Copies between dfdx's tensors and buffers. dfdx does not expose the memory of its tensors; on every device, its SGD update copies
//! values without a detour through the host.

use crate::weights::{Buffer, Matrix};
use dfdx::prelude::{Device, HasErr, HasShape, Momentum, SgdConfig, Shape, Storage, Tensor, WeightDecay};

/// The values of a matrix, row-major.
///
/// With learning rate 0, momentum 0 and weight decay 1, the velocity becomes the parameter: `v = 0 v + (0 + 1 w)`.
pub(super) fn buffer_of<D: Device<f32>>(
    matrix: &Matrix<f32, D>,
) -> Result<Buffer<f32, D>, <D as HasErr>::Err> {
    let device = matrix.device();
    let &(rows, columns) = matrix.shape();
    let mut values = Storage::<f32>::try_alloc_len(device, rows * columns)?;
    let zeros = Storage::<f32>::try_alloc_len(device, rows * columns)?;
    let mut copy = matrix.clone();
    let update = SgdConfig {
        lr: 0.0,
        momentum: Some(Momentum::Classic(0.0)),
        weight_decay: Some(WeightDecay::L2(1.0)),
    };
    update.try_update(&mut copy, &mut values, &zeros)?;
    Ok(values)
}

/// A tensor with `values`, row-major.
///
/// With learning rate -1, a parameter of zeros becomes the gradient: `w = 0 + 1 g`.
pub(super) fn tensor_of<S: Shape, D: Device<f32>>(
    device: &D,
    shape: S,
    values: &Buffer<f32, D>,
) -> Result<Tensor<S, f32, D>, <D as HasErr>::Err> {
    let mut tensor: Tensor<S, f32, D> = device.try_zeros_like(&shape)?;
    let mut velocity = Storage::<f32>::try_alloc_len(device, shape.num_elements())?;
    let update = SgdConfig { lr: -1.0, momentum: None, weight_decay: None };
    update.try_update(&mut tensor, &mut velocity, values)?;
    Ok(tensor)
}
