//! Training steps in one launch, one block per sample, for networks that fit on chip.

use super::{
    arguments::{self as kernel, Address, CrossEntropy, LifForward, Readout, TrainSample},
    backward::Partials,
    forward::{Feed, Matrices, Step},
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Launch},
    loss::Losses,
    occupancy::by_sample,
};
use crate::{Input, fused::plan::Plan, head::Head, weights::Buffer};

/// Forward pass, loss and backward pass, queued.
#[derive(Debug)]
pub(super) struct Trained<M: KernelDevice> {
    pub(super) losses: Losses<M>,
    /// Of W and W_out, unless frozen.
    pub(super) partials: Vec<Option<Partials<M>>>,
}

/// Queues the step of every sample, if it fits on chip. `labels`, `logits` and `counts` are addresses on the device; the gradients of
/// frozen matrices are not computed.
#[expect(clippy::too_many_arguments, reason = "everything that a step needs")]
pub(super) fn train<M: KernelDevice>(
    machine: &M,
    plan: &Plan,
    matrices: &Matrices<Buffer<f32, M::Device>>,
    input: &Input<f32>,
    head: Head<'_>,
    labels: Address,
    [logits, counts]: [Address; 2],
    frozen: &[bool],
) -> Result<Option<Trained<M>>, Failure<M>> {
    let fitting =
        by_sample(plan).filter(|it| machine.whole_samples() && it.shared <= machine.largest_shared());
    let (Some(block), [layer], [(weights, None)]) = (fitting, &plan.hidden[..], &matrices.hidden[..]) else {
        return Ok(None);
    };
    let step = Step { machine, plan };
    let input = Feed::upload(machine, input)?;
    let losses = Losses::new(machine, plan, head)?;
    let sizes = [plan.inputs * layer.units, layer.units * plan.outputs];
    let mut partials = Vec::with_capacity(sizes.len());
    for (size, is_frozen) in sizes.into_iter().zip(frozen) {
        let sums = (!is_frozen).then(|| DeviceBuffer::new(machine, plan.batch * size)).transpose()?;
        partials.push(sums.map(|sums| Partials { sums, parts: plan.batch }));
    }
    let sums = |k: usize| partials[k].as_ref().map_or(0, |it| it.sums.address());
    let (kernel, [offsets, indices, frames]) = match &input {
        Feed::Events { offsets, indices } => {
            (&kernel::TRAIN_EVENTS, [offsets.address(), indices.address(), 0])
        }
        Feed::Frames(frames) => (&kernel::TRAIN_FRAMES, [0, 0, frames.address()]),
    };
    let arguments = TrainSample {
        forward: LifForward { counts, ..step.lif_forward_arguments(layer) },
        readout: Readout { logits, ..step.readout() },
        loss: CrossEntropy { labels, ..losses.cross_entropy(plan, head) },
        activity: losses.activity(plan, head, 0),
        backward: step.lif_backward(layer),
        weights: M::buffer(weights),
        readout_weights: M::buffer(&matrices.readout),
        offsets,
        indices,
        frames,
        sums: sums(0),
        readout_sums: sums(1),
        inputs: plan.inputs as u32,
        narrow_bits: plan.outputs.next_power_of_two().ilog2(),
    };
    let launch = Launch { blocks: [plan.batch, 1, 1], threads: block.threads, shared: block.shared };
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    // SAFETY: logits are [batch, outputs], counts [batch, units], losses [rows, batch]; there is a label per sample; sums have the
    // sizes of W and W_out for every sample, and the input is as in `Step::project`. `by_sample` computes the layout on chip, and
    // permits only shapes that the threads of a block can process.
    unsafe {
        machine.launch(kernel, launch, &arguments)?;
    }
    Ok(Some(Trained { losses, partials }))
}
