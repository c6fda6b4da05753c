//! What the host wants to know of a training step, all of it in one piece of memory: one copy, and one wait for the GPU.

use super::{
    arguments::Address,
    kernel_device::{DeviceBuffer, Failure, KernelDevice},
};
use crate::{Output, fused::plan::Plan};

/// Sums of the loss, norms of the gradients, logits and spike counts. The first two are `f64`, and come first.
#[derive(Debug)]
pub(super) struct Report<M: KernelDevice> {
    memory: DeviceBuffer<M, f32>,
    sums: usize,
    norms: usize,
    batch: usize,
    outputs: usize,
    /// Units of each hidden layer.
    hidden: Vec<usize>,
}

/// The same on the host.
#[derive(Debug)]
pub(super) struct Told {
    /// Cross-entropy, and the penalty of each layer where there is a regularizer: of the whole batch.
    pub(super) sums: Vec<f64>,
    /// Squared norm of the gradient of every weight matrix.
    pub(super) squares: Vec<f64>,
    pub(super) output: Output<f32>,
}

/// Values of four bytes that one of eight takes.
const DOUBLE: usize = 2;

impl<M: KernelDevice> Report<M> {
    /// For the norms of so many gradients.
    pub(super) fn new(machine: &M, plan: &Plan, norms: usize) -> Result<Self, Failure<M>> {
        let hidden: Vec<usize> = plan.hidden.iter().map(|layer| layer.units).collect();
        let sums = 1 + hidden.len();
        let values = plan.batch * (plan.outputs + hidden.iter().sum::<usize>());
        Ok(Report {
            memory: DeviceBuffer::new(machine, DOUBLE * (sums + norms) + values)?,
            sums,
            norms,
            batch: plan.batch,
            outputs: plan.outputs,
            hidden,
        })
    }

    fn at(&self, value: usize) -> Address {
        self.memory.address() + (value * size_of::<f32>()) as Address
    }

    pub(super) fn sums(&self) -> Address {
        self.at(0)
    }

    pub(super) fn norms(&self) -> Address {
        self.at(DOUBLE * self.sums)
    }

    pub(super) fn logits(&self) -> Address {
        self.at(DOUBLE * (self.sums + self.norms))
    }

    /// Of every hidden layer.
    pub(super) fn counts(&self) -> Vec<Address> {
        let mut next = DOUBLE * (self.sums + self.norms) + self.batch * self.outputs;
        let of_layer = |units: &usize| {
            let here = next;
            next += self.batch * units;
            self.at(here)
        };
        self.hidden.iter().map(of_layer).collect()
    }

    /// Waits for the machine. The first `written` sums were written.
    pub(super) fn read(&self, written: usize) -> Result<Told, Failure<M>> {
        let values = self.memory.to_host()?;
        let (doubles, mut rest) = values.split_at(DOUBLE * (self.sums + self.norms));
        let double = |pair: &[f32]| {
            let [low, high] = [pair[0], pair[1]].map(|half| u64::from(half.to_bits()));
            f64::from_bits(high << 32 | low)
        };
        let doubles: Vec<f64> = doubles.chunks_exact(DOUBLE).map(double).collect();
        let (sums, squares) = doubles.split_at(self.sums);
        let mut matrix = |columns: usize| {
            let (found, others) = rest.split_at(self.batch * columns);
            rest = others;
            found.to_vec()
        };
        let logits = matrix(self.outputs);
        let counts = self.hidden.iter().map(|&units| matrix(units)).collect();
        Ok(Told {
            sums: sums[..written].to_vec(),
            squares: squares.to_vec(),
            output: Output { logits, counts, batch: self.batch },
        })
    }
}
