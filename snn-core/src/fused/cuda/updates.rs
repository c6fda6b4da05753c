//! The end of a training step, for all weight matrices at once: sums of partial gradients, norms, clipping and the update.

use super::{
    arguments::{
        self as kernel, Address, MATRICES, MatrixRow, RULE_ADAM, RULE_SGD, Rates, SumGradients,
        UPDATE_THREADS, UpdateWeights,
    },
    backward::Partials,
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Launch},
    loss::Losses,
};
use crate::{update::DeviceRule, weights::Buffer};

/// Matrices that the kernels process in one launch.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<MatrixRow>,
    blocks: usize,
}

impl Table {
    /// At most [`MATRICES`] rows; the first block of each is set here.
    fn new(mut rows: Vec<MatrixRow>) -> Self {
        let mut blocks = 0;
        for row in &mut rows {
            row.first_block = blocks as u32;
            blocks += (row.count as usize).div_ceil(UPDATE_THREADS);
        }
        Table { rows, blocks }
    }

    fn fixed(&self) -> [MatrixRow; MATRICES] {
        let mut fixed = [MatrixRow::default(); MATRICES];
        fixed.iter_mut().zip(&self.rows).for_each(|(to, row)| *to = *row);
        fixed
    }
}

fn launch(blocks: usize) -> Launch {
    Launch { blocks: [blocks, 1, 1], threads: [UPDATE_THREADS, 1], shared: UPDATE_THREADS * size_of::<f64>() }
}

/// A row for a gradient in partial sums; the sum goes to `into`, or is added to it if `adds`.
pub(super) fn row<M: KernelDevice>(
    partials: &Partials<M>,
    into: Address,
    count: usize,
    adds: bool,
) -> MatrixRow {
    MatrixRow {
        gradient: into,
        sums: partials.sums.address(),
        count: count as u64,
        parts: partials.parts as u32,
        adds: u32::from(adds),
        ..MatrixRow::default()
    }
}

/// A row for a gradient of `count` values that is complete.
pub(super) fn complete(gradient: Address, count: usize) -> MatrixRow {
    MatrixRow { gradient, count: count as u64, adds: 1, ..MatrixRow::default() }
}

/// Sums partial gradients and, if there is one, the loss over the batch, whose sums go to `loss_sums`. Returns the sums of squares of
/// every block, for [`norms`] and [`update`].
pub(super) fn sum<M: KernelDevice>(
    machine: &M,
    rows: Vec<MatrixRow>,
    loss: Option<(&Losses<M>, usize, Address)>,
) -> Result<Summed<M>, Failure<M>> {
    let table = Table::new(rows);
    let squares = DeviceBuffer::new(machine, table.blocks)?;
    let (losses, loss_rows, batch, loss_sums) =
        loss.map_or((0, 0, 0, 0), |(losses, batch, sums)| (losses.address(), losses.rows, batch, sums));
    let arguments = SumGradients {
        squares: squares.address(),
        losses,
        loss_sums,
        blocks: table.blocks as u32,
        matrices: table.rows.len() as u32,
        loss_rows: loss_rows as u32,
        batch: batch as u32,
        rows: table.fixed(),
    };
    let blocks = table.blocks + loss_rows;
    if blocks > 0 {
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: sums are [parts, count], gradients [count], losses [loss_rows, batch]; there is a square per block and a number on
        // chip per thread.
        unsafe {
            machine.launch(&kernel::SUM_GRADIENTS, launch(blocks), &arguments)?;
        }
    }
    Ok(Summed { table, squares, loss_sums, loss_rows })
}

/// Gradients that were summed, and what [`norms`] and [`update`] need to know of them.
#[derive(Debug)]
pub(super) struct Summed<M: KernelDevice> {
    table: Table,
    squares: DeviceBuffer<M, f64>,
    loss_sums: Address,
    pub(super) loss_rows: usize,
}

impl<M: KernelDevice> Summed<M> {
    fn arguments(&self, norms: Address, rates: Address) -> UpdateWeights {
        UpdateWeights {
            squares: self.squares.address(),
            loss_sums: self.loss_sums,
            norms,
            rates,
            blocks: self.table.blocks as u32,
            matrices: self.table.rows.len() as u32,
            loss_rows: self.loss_rows as u32,
            padding: 0,
            rows: self.table.fixed(),
        }
    }

    /// Writes the squared Euclidean norm of every gradient to `norms`.
    pub(super) fn norms(&self, machine: &M, norms: Address) -> Result<(), Failure<M>> {
        let arguments = self.arguments(norms, 0);
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: squares has a value for every block, norms for every matrix; there is a number on chip per thread.
        unsafe {
            machine.launch(&kernel::UPDATE_WEIGHTS, launch(1), &arguments)
        }
    }

    /// Writes the norms, clips the gradients, and updates the weights.
    pub(super) fn update(&self, machine: &M, norms: Address, rates: Address) -> Result<(), Failure<M>> {
        let arguments = self.arguments(norms, rates);
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: as in `norms`; weights, gradient and state of every matrix that is not frozen are [count].
        unsafe {
            machine.launch(&kernel::UPDATE_WEIGHTS, launch(self.table.blocks.max(1)), &arguments)
        }
    }
}

/// Updates weights with gradients that are complete, without norms and clipping. `rates` are [`Rates`] on the device.
pub(super) fn update<M: KernelDevice>(
    machine: &M,
    rows: Vec<MatrixRow>,
    rates: Address,
) -> Result<(), Failure<M>> {
    let table = Table::new(rows);
    let arguments = UpdateWeights {
        squares: 0,
        loss_sums: 0,
        norms: 0,
        rates,
        blocks: table.blocks as u32,
        matrices: table.rows.len() as u32,
        loss_rows: 0,
        padding: 0,
        rows: table.fixed(),
    };
    #[expect(unsafe_code, reason = "kernels trust their arguments")]
    // SAFETY: weights, gradient and state of every matrix that is not frozen are [count].
    unsafe {
        machine.launch(&kernel::UPDATE_WEIGHTS, launch(table.blocks.max(1)), &arguments)
    }
}

/// The settings of an update in `f32`, computed as dfdx does on the CPU.
pub(super) fn rates(rule: &DeviceRule, limit: Option<f64>) -> Rates {
    let limit = limit.unwrap_or(0.0);
    match *rule {
        DeviceRule::Sgd { learning_rate, momentum, weight_decay } => Rates {
            limit,
            rule: RULE_SGD,
            learning_rate: learning_rate as f32,
            weight_decay: weight_decay as f32,
            decay_first: momentum as f32,
            ..Rates::default()
        },
        DeviceRule::Adam { learning_rate, betas, epsilon, weight_decay, decoupled, step } => {
            let [first, second] = betas.map(|beta| beta as f32);
            let correction = |beta: f32| (1.0 - beta.powi(step)).recip();
            Rates {
                limit,
                rule: RULE_ADAM,
                learning_rate: learning_rate as f32,
                weight_decay: weight_decay as f32,
                decoupled: decoupled as f32,
                decay_first: first,
                rest_first: 1.0 - first,
                decay_second: second,
                rest_second: 1.0 - second,
                correction_first: correction(first),
                correction_second: correction(second),
                epsilon: epsilon as f32,
                padding: 0,
            }
        }
    }
}

/// [`Rates`], followed by the labels of the batch: everything that a step of the same shape changes, in one copy.
pub(super) fn order(rates: &Rates, labels: &[u16]) -> Vec<u8> {
    let Rates { limit, rule, padding, .. } = rates;
    let mut bytes = limit.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&rule.to_ne_bytes());
    for value in [
        rates.learning_rate,
        rates.weight_decay,
        rates.decoupled,
        rates.decay_first,
        rates.rest_first,
        rates.decay_second,
        rates.rest_second,
        rates.correction_first,
        rates.correction_second,
        rates.epsilon,
    ] {
        bytes.extend_from_slice(&value.to_ne_bytes());
    }
    bytes.extend_from_slice(&padding.to_ne_bytes());
    labels.iter().for_each(|label| bytes.extend_from_slice(&label.to_ne_bytes()));
    bytes
}

/// Where the labels of an [`order`] begin.
pub(super) const LABELS: Address = size_of::<Rates>() as Address;

/// The Euclidean norm of each buffer, given with the number of its values.
#[cfg_attr(
    not(any(feature = "cuda", test)),
    expect(dead_code, reason = "the emulation leaves norms to the host")
)]
pub(super) fn norms<M: KernelDevice>(
    machine: &M,
    buffers: &[(&Buffer<f32, M::Device>, usize)],
) -> Result<Vec<f64>, Failure<M>> {
    let squares = DeviceBuffer::<M, f64>::new(machine, buffers.len())?;
    for (k, chunk) in buffers.chunks(MATRICES).enumerate() {
        let rows = chunk.iter().map(|&(buffer, count)| complete(M::buffer(buffer), count)).collect();
        let into = squares.address() + (k * MATRICES * size_of::<f64>()) as Address;
        sum(machine, rows, None)?.norms(machine, into)?;
    }
    Ok(squares.to_host()?.into_iter().map(f64::sqrt).collect())
}

#[cfg(all(test, feature = "cuda-emulation"))]
mod tests {
    use super::*;
    use crate::{Backend, Cpu, fused::cuda::emulation::CudaEmulation};

    #[test]
    fn norms_of_any_length_and_number() {
        let counts = [1, 0, 5, 255, 256, 257, 0, 1023, 1025, 8193, 30_000, 0].repeat(3);
        let values: Vec<Vec<f32>> =
            counts.iter().map(|&count| (0..count).map(|k| (k as f32 * 0.37).sin()).collect()).collect();
        let buffers: Vec<_> = values.iter().map(|values| Cpu::default().upload(values).unwrap()).collect();
        let buffers: Vec<_> = buffers.iter().zip(counts).collect();
        let found = norms(&CudaEmulation::default().checked(), &buffers).unwrap();
        assert_eq!(found.len(), buffers.len());
        for (values, found) in values.iter().zip(found) {
            let expected = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            let count = values.len();
            assert!((found - expected).abs() <= 1e-12 * expected, "{count}: {found}, not {expected}");
        }
    }

    #[test]
    fn an_order_has_the_layout_of_its_struct() {
        let rates = Rates { limit: 0.25, rule: 7, learning_rate: 1.0, epsilon: 9.0, ..Rates::default() };
        let bytes = order(&rates, &[513, 2]);
        assert_eq!(bytes.len(), size_of::<Rates>() + 4);
        let at = |offset: usize| f32::from_ne_bytes(bytes[offset..offset + 4].try_into().unwrap());
        let offset = |field: *const f32| field as usize - (&raw const rates) as usize;
        assert_eq!(at(offset(&raw const rates.learning_rate)), 1.0);
        assert_eq!(at(offset(&raw const rates.epsilon)), 9.0);
        assert_eq!(bytes[LABELS as usize..], [513u16.to_ne_bytes(), 2u16.to_ne_bytes()].concat());
    }
}
