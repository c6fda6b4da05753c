//! The values of a training step that the host needs, in one piece of memory: one copy.

use super::{
    arguments::Address,
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Plain as _},
};
use crate::{Output, fused::plan::Plan};

/// Sums of the loss and norms of the gradients, both `f64`, then logits and spike counts.
#[derive(Debug)]
pub(super) struct Report<M: KernelDevice> {
    memory: DeviceBuffer<M, f32>,
    layout: Layout,
}

/// The sizes of its parts.
#[derive(Debug, Clone)]
struct Layout {
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
    /// Cross-entropy, and the penalty of each layer if there is a regularizer, summed over the batch.
    pub(super) sums: Vec<f64>,
    /// Euclidean norm of the gradient of every weight matrix.
    pub(super) norms: Vec<f64>,
    pub(super) output: Output<f32>,
}

/// Four-byte values per eight-byte value.
const DOUBLE: usize = 2;

impl<M: KernelDevice> Report<M> {
    /// A report with the norms of `norms` gradients.
    pub(super) fn new(machine: &M, plan: &Plan, norms: usize) -> Result<Self, Failure<M>> {
        let hidden: Vec<usize> = plan.hidden.iter().map(|layer| layer.units).collect();
        let layout =
            Layout { sums: 1 + hidden.len(), norms, batch: plan.batch, outputs: plan.outputs, hidden };
        Ok(Report { memory: DeviceBuffer::new(machine, layout.values())?, layout })
    }

    fn at(&self, value: usize) -> Address {
        self.memory.address() + (value * size_of::<f32>()) as Address
    }

    pub(super) fn sums(&self) -> Address {
        self.at(0)
    }

    pub(super) fn norms(&self) -> Address {
        self.at(DOUBLE * self.layout.sums)
    }

    pub(super) fn logits(&self) -> Address {
        self.at(self.layout.doubles())
    }

    /// Of every hidden layer.
    pub(super) fn counts(&self) -> Vec<Address> {
        let Layout { batch, outputs, hidden, .. } = &self.layout;
        let mut next = self.layout.doubles() + batch * outputs;
        let of_layer = |units: &usize| {
            let here = next;
            next += batch * units;
            self.at(here)
        };
        hidden.iter().map(of_layer).collect()
    }

    /// Waits for the device. The first `written` sums were written.
    pub(super) fn read(&self, written: usize) -> Result<Told, Failure<M>> {
        Ok(self.layout.parse(&self.memory.to_host()?, written))
    }

    /// Queues the copy to the host. The result waits for that copy.
    pub(super) fn fetch(
        self,
        written: usize,
    ) -> Result<impl FnOnce() -> Result<Told, Failure<M>> + 'static, Failure<M>> {
        let fetch = self.memory.fetch()?;
        let layout = self.layout;
        Ok(move || {
            let mut values = vec![0.0; layout.values()];
            if let Some(fetch) = fetch {
                M::complete(fetch, f32::bytes_mut(&mut values))?;
            }
            Ok(layout.parse(&values, written))
        })
    }
}

impl Layout {
    fn doubles(&self) -> usize {
        DOUBLE * (self.sums + self.norms)
    }

    fn values(&self) -> usize {
        self.doubles() + self.batch * (self.outputs + self.hidden.iter().sum::<usize>())
    }

    fn parse(&self, values: &[f32], written: usize) -> Told {
        let (doubles, mut rest) = values.split_at(self.doubles());
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
        Told {
            sums: sums[..written].to_vec(),
            norms: squares.iter().copied().map(f64::sqrt).collect(),
            output: Output { logits, counts, batch: self.batch },
        }
    }
}
