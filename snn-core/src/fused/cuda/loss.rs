//! The loss of a batch and its gradients, computed on the device. The order of sums depends only on the shapes; dfdx sums a loss in the
//! order in which blocks finish.

use super::{
    arguments::{self as kernel, Activity, Address, CrossEntropy},
    backward::FromAbove,
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Launch, WARP},
};
use crate::{
    fused::plan::Plan,
    head::{Head, LossSums},
};

/// Samples per block, one per warp.
const SAMPLES: usize = 8;

/// The loss of every sample.
#[derive(Debug)]
pub(super) struct Losses<M: KernelDevice> {
    /// `[rows, batch]`.
    values: DeviceBuffer<M, f64>,
    /// Cross-entropy, and the penalty of each layer if there is a regularizer.
    pub(super) rows: usize,
    batch: usize,
}

impl<M: KernelDevice> Losses<M> {
    pub(super) fn new(machine: &M, plan: &Plan, head: Head<'_>) -> Result<Self, Failure<M>> {
        let regularized = head.regularizer.lower_strength > 0.0 || head.regularizer.upper_strength > 0.0;
        let rows = if regularized { 1 + plan.hidden.len() } else { 1 };
        Ok(Losses { values: DeviceBuffer::new(machine, rows * plan.batch)?, rows, batch: plan.batch })
    }

    pub(super) fn address(&self) -> Address {
        self.values.address()
    }

    /// The address of the penalties of a layer; 0 if there is no regularizer.
    fn penalties(&self, layer: usize) -> Address {
        let row = 1 + layer;
        if row < self.rows { self.address() + (row * self.batch * size_of::<f64>()) as Address } else { 0 }
    }

    /// Arguments of the cross-entropy, without addresses of logits, their gradient and labels.
    pub(super) fn cross_entropy(&self, plan: &Plan, head: Head<'_>) -> CrossEntropy {
        let (of_label, of_others, scale) = head.target(plan.outputs);
        CrossEntropy {
            logits: 0,
            d_logits: 0,
            labels: 0,
            losses: self.address(),
            confidence: 1.0 - head.label_smoothing,
            even: head.label_smoothing / plan.outputs as f64,
            batch: plan.batch as u32,
            outputs: plan.outputs as u32,
            of_label,
            of_others,
            scale,
            padding: 0,
        }
    }

    /// Arguments of the penalty of a layer, without addresses of counts and their gradient.
    pub(super) fn activity(&self, plan: &Plan, head: Head<'_>, layer: usize) -> Activity {
        let units = plan.hidden[layer].units;
        let scales = head.activity(units);
        Activity {
            counts: 0,
            d_counts: 0,
            penalties: self.penalties(layer),
            lower_strength: head.regularizer.lower_strength,
            lower_threshold: head.regularizer.lower_threshold,
            upper_strength: head.regularizer.upper_strength,
            upper_threshold: head.regularizer.upper_threshold,
            batch: plan.batch as u32,
            units: units as u32,
            squared: u32::from(head.regularizer.upper_norm == 2),
            inverse_units: scales.inverse_units,
            d_over: scales.d_over,
            d_square: scales.d_square,
        }
    }
}

/// The loss of every sample, and the gradients of logits and counts, queued.
#[derive(Debug)]
pub(super) struct QueuedHead<M: KernelDevice> {
    d_logits: DeviceBuffer<M, f32>,
    /// Of each hidden layer, if there is a regularizer.
    d_counts: Vec<Option<DeviceBuffer<M, f32>>>,
    pub(super) losses: Losses<M>,
}

impl<M: KernelDevice> QueuedHead<M> {
    /// `logits` and `counts` are results of a forward pass; `labels` are `u16`, `[batch]`.
    pub(super) fn queue(
        machine: &M,
        plan: &Plan,
        head: Head<'_>,
        logits: Address,
        counts: &[Address],
        labels: Address,
    ) -> Result<Self, Failure<M>> {
        let (batch, outputs) = (plan.batch, plan.outputs);
        let losses = Losses::new(machine, plan, head)?;
        let d_logits = DeviceBuffer::new(machine, batch * outputs)?;
        let launch = Launch { blocks: [batch.div_ceil(SAMPLES), 1, 1], threads: [WARP, SAMPLES], shared: 0 };
        let arguments =
            CrossEntropy { logits, d_logits: d_logits.address(), labels, ..losses.cross_entropy(plan, head) };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: logits and their gradient are [batch, outputs]; there is a label and a loss per sample.
        unsafe {
            machine.launch(&kernel::CROSS_ENTROPY, launch, &arguments)?;
        }
        let mut d_counts = Vec::with_capacity(counts.len());
        for (l, (&counts, layer)) in counts.iter().zip(&plan.hidden).enumerate() {
            if losses.penalties(l) == 0 {
                d_counts.push(None);
                continue;
            }
            let d = DeviceBuffer::new(machine, batch * layer.units)?;
            let arguments = Activity { counts, d_counts: d.address(), ..losses.activity(plan, head, l) };
            #[expect(unsafe_code, reason = "kernels trust their arguments")]
            // SAFETY: counts and their gradient are [batch, units]; after the row of the loss, `losses` has a row per layer.
            unsafe {
                machine.launch(&kernel::ACTIVITY, launch, &arguments)?;
            }
            d_counts.push(Some(d));
        }
        Ok(QueuedHead { d_logits, d_counts, losses })
    }

    /// For the backward pass, which must be queued before this is dropped.
    pub(super) fn gradients(&self) -> FromAbove {
        let address = |d: &Option<DeviceBuffer<M, f32>>| d.as_ref().map_or(0, DeviceBuffer::address);
        FromAbove {
            d_logits: self.d_logits.address(),
            d_counts: self.d_counts.iter().map(address).collect(),
            d_readout: None,
        }
    }
}

/// The mean loss, given the sums of its parts over the batch.
pub(super) fn mean(sums: &[f64], batch: usize) -> LossSums {
    let mean = |sum: f64| sum / batch as f64;
    let (loss, penalties) = sums.split_first().map_or((0.0, &[][..]), |(loss, rest)| (*loss, rest));
    LossSums { cross_entropy: mean(loss), regularization: penalties.iter().map(|&it| mean(it)).sum() }
}
