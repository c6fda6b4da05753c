//! Samples more than 2^32 values behind the start of a buffer: no index of a kernel may wrap around.
//!
//! The memory need not exist. Each kernel gets the address where its buffer would begin, and runs only the blocks of one sample, for
//! which there is memory; the result must have the same bits as for the first sample of a small batch. A kernel that computes a wrong
//! address most likely crashes the test program; standard error then names the kernel.

use super::{
    super::arguments::{self as kernel, *},
    *,
};
use std::io::Write as _;

mod sample;

/// A sample so far away that its offset exceeds 2^32 values even with five values per sample.
const SAMPLE: usize = 1_000_000_000;
const STEPS: usize = 40;
const UNITS: usize = 33;
const WORDS: usize = 2;
const OUTPUTS: usize = 5;
const INPUTS: usize = 12;
/// Row of that sample.
const ROW: usize = SAMPLE * STEPS;

/// The content of a buffer, and the number of bytes before it in the far run.
struct Piece {
    bytes: Vec<u8>,
    before: usize,
}

fn piece<T: Plain>(values: &[T], before: usize) -> Piece {
    Piece { bytes: T::bytes(values).to_vec(), before: before * size_of::<T>() }
}

fn floats(count: usize, before: usize) -> Piece {
    piece(&(0..count).map(|k| (k as f32 * 0.7).sin()).collect::<Vec<f32>>(), before)
}

fn doubles(count: usize, before: usize) -> Piece {
    piece(&(0..count).map(|k| (k as f64 * 0.3).cos()).collect::<Vec<f64>>(), before)
}

/// Spikes of one sample; unit 32 is in the second word.
fn masks(before: usize) -> Piece {
    let word = |k: usize| (k as u32).wrapping_mul(0x9e37_79b9);
    let words = (0..STEPS * WORDS).map(|k| if k % WORDS == 0 { word(k) } else { word(k) >> 31 });
    piece(&words.collect::<Vec<u32>>(), before)
}

/// A kernel, the blocks to run, and its arguments; the first parameter of both functions is true in the far run.
struct Case<'a, A> {
    kernel: &'a Kernel<A>,
    threads: [usize; 2],
    shared: usize,
    blocks: &'a dyn Fn(bool) -> Vec<[usize; 3]>,
    arguments: &'a dyn Fn(bool, &[Address]) -> A,
}

impl<A> Case<'_, A> {
    fn run(&self, far: bool, pieces: &[Piece]) -> Vec<Vec<u8>> {
        let memory: Vec<Memory> = pieces.iter().map(|it| Memory::garbage(it.bytes.len())).collect();
        let device = CudaEmulation::default();
        let mut addresses = Vec::new();
        for (memory, piece) in memory.iter().zip(pieces) {
            #[expect(unsafe_code, reason = "memory of a machine")]
            // SAFETY: as long as the source.
            unsafe {
                ptr::copy_nonoverlapping(piece.bytes.as_ptr(), memory.pointer(), piece.bytes.len());
            }
            let before = if far { piece.before as Address } else { 0 };
            addresses.push(CudaEmulation::address(memory).wrapping_sub(before));
        }
        let arguments = (self.arguments)(far, &addresses);
        let launch = Launch { blocks: [u32::MAX as usize; 3], threads: self.threads, shared: self.shared };
        for [x, y, z] in (self.blocks)(far) {
            assert!(x < 1 << 31 && y < 1 << 16 && z < 1 << 16, "no such block can be launched");
            let index = Index { x: x as u32, y: y as u32, z: z as u32 };
            let shared = Memory::garbage(self.shared);
            let block = Block { index, number: 0, launch, shared: &shared, order: Order::Ascending };
            #[expect(unsafe_code, reason = "kernels trust their arguments")]
            // SAFETY: the sample of this block is in the memory above, and the kernel must access no other.
            unsafe {
                block.run(
                    self.kernel.name(),
                    body(self.kernel.name()).body,
                    ptr::from_ref(&arguments).cast(),
                    None,
                );
            }
        }
        let of = |(memory, piece): (&Memory, &Piece)| {
            let mut bytes = vec![0; piece.bytes.len()];
            device.download(memory, &mut bytes).unwrap();
            bytes
        };
        memory.iter().zip(pieces).map(of).collect()
    }

    fn check(&self, pieces: &[Piece]) {
        let name = self.kernel.name();
        // not captured, so that it is visible after a crash
        let _ = writeln!(std::io::stderr(), "offsets beyond 4 GiB: {name}");
        let near = self.run(false, pieces);
        assert!(near.iter().zip(pieces).any(|(found, piece)| *found != piece.bytes), "{name} does nothing");
        assert!(self.run(true, pieces) == near, "{name} differs in the far run");
    }
}

/// Index of the sample.
fn sample_of(far: bool) -> usize {
    if far { SAMPLE } else { 0 }
}

fn batch_of(far: bool) -> u32 {
    sample_of(far) as u32 + 1
}

/// The blocks of the rows of the sample, so many rows to each.
fn rows(far: bool, of_block: usize) -> Vec<[usize; 3]> {
    let first = sample_of(far) * STEPS / of_block;
    (0..STEPS / of_block).map(|k| [first + k, 0, 0]).collect()
}

#[test]
fn drives_of_far_samples() {
    // 40 rows of 20 threads each: twice as many samples as blocks can be counted
    let rows_of = |far: bool| (sample_of(far) * STEPS + STEPS) as u64;
    let project = |far, at: &[Address]| Project {
        drive: at[0],
        weights: at[1],
        offsets: at[2],
        indices: at[3],
        masks: at[4],
        rows: rows_of(far),
        steps: STEPS as u32,
        columns: 3,
        words: WORDS as u32,
        units: UNITS as u32,
        chunk: 0,
        padding: 0,
    };
    let offsets: Vec<u32> = (0..=STEPS as u32).map(|row| 3 * row).collect();
    let indices: Vec<u16> = (0..3 * STEPS as u16).map(|k| 7 * k % UNITS as u16).collect();
    let pieces = [
        floats(STEPS * 3, ROW * 3),
        floats(UNITS * 3, 0),
        piece(&offsets, ROW),
        piece(&indices, 0),
        masks(ROW * WORDS),
    ];
    let blocks = |far| rows(far, 20);
    for kernel in [&kernel::PROJECT_EVENTS, &kernel::PROJECT_SPIKES] {
        Case { kernel, threads: [3, 20], shared: 0, blocks: &blocks, arguments: &project }.check(&pieces);
    }
    // chunks are counted in y
    const CHUNK: usize = ROW / 50_000;
    let blocks = |far| vec![[0, if far { 50_000 } else { 0 }, 0]];
    let arguments = |far, at: &[Address]| Project { chunk: CHUNK as u32, ..project(far, at) };
    let kernel = &kernel::PROJECT_EVENTS_ON_CHIP;
    let shared = UNITS * 32 * 4;
    Case { kernel, threads: [32, 4], shared, blocks: &blocks, arguments: &arguments }.check(&pieces);
}

#[test]
fn time_loops_of_far_samples() {
    let forward = |far, at: &[Address]| LifForward {
        trace: at[0],
        masks: at[1],
        counts: at[2],
        recurrent: at[3],
        threshold: 0.1,
        leak_mem: 0.3,
        leak_syn: 0.2,
        batch: batch_of(far),
        steps: STEPS as u32,
        units: UNITS as u32,
        words: WORDS as u32,
        framed: 0,
        immediate: 0,
    };
    let pieces = [
        floats(STEPS * UNITS, ROW * UNITS),
        masks(ROW * WORDS),
        floats(UNITS, SAMPLE * UNITS),
        floats(UNITS * UNITS, 0),
    ];
    let blocks = |far| vec![[sample_of(far), 0, 0]];
    for (kernel, threads) in [
        (&kernel::LIF_FORWARD, [64, 1]),
        (&kernel::LIF_FORWARD_RECURRENT, [64, 1]),
        (&kernel::LIF_FORWARD_RECURRENT_WIDE, [32, 1]),
    ] {
        let shared = 2 * WORDS * 4;
        Case { kernel, threads, shared, blocks: &blocks, arguments: &forward }.check(&pieces);
    }

    // V transposed is large enough for the `tile` kernels, with 16 rows per part and four units per group
    const DEPTH: usize = 16;
    let backward = |far, at: &[Address]| LifBackward {
        trace: at[0],
        masks: at[1],
        current_adjoints: at[2],
        d_counts: at[3],
        transposed: at[4],
        argmax_steps: at[5],
        batch: batch_of(far),
        steps: STEPS as u32,
        units: UNITS as u32,
        words: WORDS as u32,
        on_chip: 0,
        depth: DEPTH as u32,
        outputs: OUTPUTS as u32,
        surrogate: 0,
        differentiable: 1,
        immediate: 0,
        beta: 10.0,
        threshold: 1.0,
        leak_mem: 0.1,
        leak_syn: 0.2,
    };
    let pieces = [
        floats(STEPS * UNITS, ROW * UNITS),
        masks(ROW * WORDS),
        floats(STEPS * UNITS, ROW * UNITS),
        floats(UNITS, SAMPLE * UNITS),
        floats(PARTS * DEPTH * 128, 0),
        piece(&[39u32, 3, 7, 11, 20], SAMPLE * OUTPUTS),
    ];
    for (kernel, samples, threads) in [
        (&kernel::LIF_BACKWARD, 1, [64, 1]),
        (&kernel::LIF_BACKWARD_RECURRENT_1, 1, [64, 1]),
        (&kernel::LIF_BACKWARD_RECURRENT_2, 2, [64, 2]),
        (&kernel::LIF_BACKWARD_RECURRENT_WIDE, 1, [32, 1]),
        (&kernel::LIF_BACKWARD_RECURRENT_TILE_2, 2, [32, PARTS]),
        (&kernel::LIF_BACKWARD_RECURRENT_TILE_4, 4, [32, PARTS]),
    ] {
        let blocks = |far| vec![[sample_of(far) / samples, 0, 0]];
        Case { kernel, threads, shared: 48 << 10, blocks: &blocks, arguments: &backward }.check(&pieces);
    }
}

#[test]
fn readouts_and_losses_of_far_samples() {
    let readout = |far, at: &[Address]| Readout {
        trace: at[0],
        logits: at[1],
        d_logits: at[2],
        argmax_steps: at[3],
        potentials: at[4],
        leak_out: 0.05,
        leak_syn: 0.2,
        start: 0.0,
        batch: batch_of(far),
        steps: STEPS as u32,
        outputs: OUTPUTS as u32,
        maximum: 1,
    };
    let pieces = [
        floats(STEPS * OUTPUTS, ROW * OUTPUTS),
        floats(OUTPUTS, SAMPLE * OUTPUTS),
        floats(OUTPUTS, SAMPLE * OUTPUTS),
        piece(&[39u32, 3, 7, 11, 20], SAMPLE * OUTPUTS),
        floats(STEPS * OUTPUTS, ROW * OUTPUTS),
    ];
    let blocks = |far| vec![[sample_of(far), 0, 0]];
    for kernel in [&kernel::READOUT, &kernel::READOUT_ADJOINT] {
        Case { kernel, threads: [32, 1], shared: 0, blocks: &blocks, arguments: &readout }.check(&pieces);
    }
    let loss = |far, at: &[Address]| CrossEntropy {
        logits: at[0],
        d_logits: at[1],
        labels: at[2],
        losses: at[3],
        confidence: 0.9,
        even: 0.02,
        batch: batch_of(far),
        outputs: OUTPUTS as u32,
        of_label: 0.92,
        of_others: 0.02,
        scale: -1.0,
        padding: 0,
    };
    let pieces = [
        floats(OUTPUTS, SAMPLE * OUTPUTS),
        floats(OUTPUTS, SAMPLE * OUTPUTS),
        piece(&[3u16], SAMPLE),
        doubles(1, SAMPLE),
    ];
    let kernel = &kernel::CROSS_ENTROPY;
    Case { kernel, threads: [32, 1], shared: 0, blocks: &blocks, arguments: &loss }.check(&pieces);
    let activity = |far, at: &[Address]| Activity {
        counts: at[0],
        d_counts: at[1],
        penalties: at[2],
        lower_strength: 0.1,
        lower_threshold: 2.0,
        upper_strength: 0.2,
        upper_threshold: -0.5,
        batch: batch_of(far),
        units: UNITS as u32,
        squared: 1,
        inverse_units: 1.0 / UNITS as f32,
        d_over: 0.3,
        d_square: 0.2,
    };
    let pieces = [floats(UNITS, SAMPLE * UNITS), floats(UNITS, SAMPLE * UNITS), doubles(1, SAMPLE)];
    let kernel = &kernel::ACTIVITY;
    Case { kernel, threads: [32, 1], shared: 0, blocks: &blocks, arguments: &activity }.check(&pieces);
}

#[test]
fn gradients_of_far_samples() {
    /// Groups before that of the sample, and samples of each.
    const GROUPS: usize = 50_000;
    const GROUP: usize = SAMPLE / GROUPS;
    let gather = |far: bool, at: &[Address], units: usize| Gather {
        sums: at[0],
        current_adjoints: at[1],
        offsets: at[2],
        indices: at[3],
        masks: at[4],
        batch: batch_of(far),
        steps: STEPS as u32,
        units: units as u32,
        columns: OUTPUTS as u32,
        words: WORDS as u32,
        samples: GROUP as u32,
        tile: 64,
        padding: 0,
    };
    let offsets: Vec<u32> = (0..=STEPS as u32).map(|row| 3 * row).collect();
    let indices: Vec<u16> = (0..3 * STEPS as u16).map(|k| 5 * k % INPUTS as u16).collect();
    let blocks = |far| vec![[0, 0, if far { GROUPS } else { 0 }]];
    for (kernel, units, shared) in [
        (&kernel::GATHER_EVENTS, INPUTS, 64 * 32 * 4 + STAGE_BYTES),
        (&kernel::GATHER_SPIKES, UNITS, 64 * 32 * 4),
    ] {
        let pieces = [
            floats(units * OUTPUTS, GROUPS * units * OUTPUTS),
            floats(STEPS * OUTPUTS, ROW * OUTPUTS),
            piece(&offsets, ROW),
            piece(&indices, 0),
            masks(ROW * WORDS),
        ];
        let arguments = |far, at: &[Address]| gather(far, at, units);
        Case { kernel, threads: [32, 2], shared, blocks: &blocks, arguments: &arguments }.check(&pieces);
    }
}

#[test]
fn products_and_sums_of_far_values() {
    // far rows of the result, and far rows of the depth, with 64 rows per block as in a network
    const FIRST: usize = ROW / 64;
    let down = |far, at: &[Address]| Product {
        a: at[0],
        b: at[1],
        c: at[2],
        rows: if far { ROW + STEPS } else { STEPS } as u64,
        columns: UNITS as u64,
        depth: OUTPUTS as u64,
        a_row: OUTPUTS as u64,
        a_depth: 1,
        b_depth: 1,
        b_column: OUTPUTS as u64,
        split: OUTPUTS as u64,
        steps: 0,
        padding: 0,
    };
    let pieces = [
        floats(STEPS * OUTPUTS, ROW * OUTPUTS),
        floats(UNITS * OUTPUTS, 0),
        floats(STEPS * UNITS, ROW * UNITS),
    ];
    let blocks = |far| vec![[if far { FIRST } else { 0 }, 0, 0]];
    let (kernel, threads, shared) = (&kernel::PRODUCT, [256, 1], PRODUCT_BYTES);
    Case { kernel, threads, shared, blocks: &blocks, arguments: &down }.check(&pieces);
    const SPLITS: usize = 50_000;
    let deep = |far, at: &[Address]| Product {
        rows: INPUTS as u64,
        columns: UNITS as u64,
        depth: if far { ROW + STEPS } else { STEPS } as u64,
        a_row: 1,
        a_depth: INPUTS as u64,
        b_depth: UNITS as u64,
        b_column: 1,
        split: (ROW / SPLITS) as u64,
        ..down(far, at)
    };
    let pieces = [
        floats(STEPS * INPUTS, ROW * INPUTS),
        floats(STEPS * UNITS, ROW * UNITS),
        floats(INPUTS * UNITS, SPLITS * INPUTS * UNITS),
    ];
    let blocks = |far| vec![[0, 0, if far { SPLITS } else { 0 }]];
    Case { kernel, threads, shared, blocks: &blocks, arguments: &deep }.check(&pieces);

    const BLOCK: usize = 1 << 25;
    let first = |far: bool| if far { BLOCK } else { 0 };
    let blocks = |far| vec![[first(far), 0, 0]];
    // values and squares beyond 32 bits
    let row = |far: bool, at: &[Address]| MatrixRow {
        weights: at[2],
        gradient: at[1],
        first: at[3],
        second: at[4],
        sums: at[0],
        count: (first(far) * UPDATE_THREADS + 200) as u64,
        parts: 1,
        ..MatrixRow::default()
    };
    let sum = |far, at: &[Address]| {
        let mut rows = [MatrixRow::default(); MATRICES];
        rows[0] = row(far, at);
        let squares = at[5];
        SumGradients {
            squares,
            losses: 0,
            loss_sums: 0,
            blocks: u32::MAX,
            matrices: 1,
            loss_rows: 0,
            batch: 0,
            rows,
        }
    };
    let values = || floats(200, BLOCK * UPDATE_THREADS);
    let pieces = [values(), values(), values(), values(), values(), doubles(1, BLOCK)];
    let (threads, shared) = ([UPDATE_THREADS, 1], 8 * UPDATE_THREADS);
    let kernel = &kernel::SUM_GRADIENTS;
    Case { kernel, threads, shared, blocks: &blocks, arguments: &sum }.check(&pieces);
    let update = |far, at: &[Address]| {
        let mut rows = [MatrixRow::default(); MATRICES];
        rows[0] = row(far, at);
        let (blocks, rates) = (u32::MAX, at[5]);
        UpdateWeights {
            squares: 0,
            loss_sums: 0,
            norms: 0,
            rates,
            blocks,
            matrices: 1,
            loss_rows: 0,
            padding: 0,
            rows,
        }
    };
    let rates = piece(
        &[0.0f32, 0.0, f32::from_bits(RULE_ADAM), 0.1, 0.2, 0.3, 0.9, 0.1, 0.99, 0.01, 2.0, 3.0, 1e-3, 0.0],
        0,
    );
    let squares = || {
        piece(&(0..200).map(|k| (k as f32 * 0.1).sin().powi(2)).collect::<Vec<f32>>(), BLOCK * UPDATE_THREADS)
    };
    let pieces = [values(), values(), values(), values(), squares(), rates];
    let kernel = &kernel::UPDATE_WEIGHTS;
    Case { kernel, threads, shared, blocks: &blocks, arguments: &update }.check(&pieces);
    let chains = |_, at: &[Address]| MultiplyAdds { sums: at[0], rounds: 2, padding: 0 };
    let kernel = &kernel::MULTIPLY_ADDS;
    let pieces = [floats(256, BLOCK * 256)];
    Case { kernel, threads: [256, 1], shared: 0, blocks: &blocks, arguments: &chains }.check(&pieces);
}
