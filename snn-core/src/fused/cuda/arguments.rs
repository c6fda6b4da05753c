//! The arguments of every kernel: the `struct`s of `kernels/*.cuh`, field by field.

use std::marker::PhantomData;

/// An address in device memory, or 0.
pub(crate) type Address = u64;

/// A kernel that takes `A`.
#[derive(Debug)]
pub(crate) struct Kernel<A> {
    name: &'static str,
    arguments: PhantomData<A>,
}

impl<A> Kernel<A> {
    pub(super) const fn new(name: &'static str) -> Self {
        Kernel { name, arguments: PhantomData }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

macro_rules! kernels {
    ($($constant:ident: $arguments:ident = $name:literal;)*) => {
        $(pub(super) const $constant: Kernel<$arguments> = Kernel::new($name);)*

        /// Every kernel by its name in the sources.
        #[cfg(feature = "cuda")]
        pub(super) const NAMES: &[&str] = &[$($name),*];
    };
}

kernels! {
    PROJECT_EVENTS: Project = "project_events";
    PROJECT_EVENTS_ON_CHIP: Project = "project_events_on_chip";
    PROJECT_SPIKES: Project = "project_spikes";
    LIF_FORWARD: LifForward = "lif_forward";
    LIF_FORWARD_RECURRENT: LifForward = "lif_forward_recurrent";
    LIF_FORWARD_RECURRENT_WIDE: LifForward = "lif_forward_recurrent_wide";
    READOUT: Readout = "readout";
    READOUT_ADJOINT: Readout = "readout_adjoint";
    LIF_BACKWARD: LifBackward = "lif_backward";
    LIF_BACKWARD_RECURRENT_1: LifBackward = "lif_backward_recurrent_1";
    LIF_BACKWARD_RECURRENT_2: LifBackward = "lif_backward_recurrent_2";
    LIF_BACKWARD_RECURRENT_WIDE: LifBackward = "lif_backward_recurrent_wide";
    LIF_BACKWARD_RECURRENT_TILE_2: LifBackward = "lif_backward_recurrent_tile_2";
    LIF_BACKWARD_RECURRENT_TILE_4: LifBackward = "lif_backward_recurrent_tile_4";
    GATHER_EVENTS: Gather = "gather_events";
    GATHER_SPIKES: Gather = "gather_spikes";
    PRODUCT: Product = "product";
    TRANSPOSE: Transpose = "transpose";
    CROSS_ENTROPY: CrossEntropy = "cross_entropy";
    ACTIVITY: Activity = "activity";
    TRAIN_EVENTS: TrainSample = "train_events";
    TRAIN_FRAMES: TrainSample = "train_frames";
    SUM_GRADIENTS: SumGradients = "sum_gradients";
    UPDATE_WEIGHTS: UpdateWeights = "update_weights";
    MULTIPLY_ADDS: MultiplyAdds = "multiply_adds";
}

/// Arguments without padding, so that their bytes can be compared.
///
/// # Safety
/// `repr(C)`, aligned to 8 bytes, with numbers only, and without padding.
#[expect(unsafe_code, reason = "numbers as words")]
pub(crate) unsafe trait Packed: Copy {
    /// The bytes in words.
    fn words(&self) -> Vec<u64> {
        let start = std::ptr::from_ref(self).cast::<u64>();
        // SAFETY: aligned, and every byte is initialized, because there is no padding.
        unsafe { std::slice::from_raw_parts(start, size_of::<Self>() / 8) }.to_vec()
    }
}

/// Implements [`Packed`] for structs with so many fields of eight and of four bytes.
macro_rules! packed {
    ($($type:ident: $eight:literal, $four:literal;)*) => {$(
        const _: () = assert!(
            size_of::<$type>() == 8 * $eight + 4 * $four && align_of::<$type>() == 8 && $four % 2 == 0
        );
        #[expect(unsafe_code, reason = "numbers as words")]
        // SAFETY: the size is that of all fields, which are numbers, so there is no padding.
        unsafe impl Packed for $type {}
    )*};
}

packed! {
    Project: 6, 6;
    LifForward: 7, 6;
    Readout: 8, 4;
    LifBackward: 6, 14;
    Gather: 5, 8;
    Product: 11, 2;
    Transpose: 2, 4;
    CrossEntropy: 6, 6;
    Activity: 7, 6;
    TrainSample: 41, 38;
    SumGradients: 195, 132;
    UpdateWeights: 196, 132;
    MultiplyAdds: 1, 2;
}

/// `project.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Project {
    pub(super) drive: Address,
    pub(super) weights: Address,
    pub(super) offsets: Address,
    pub(super) indices: Address,
    pub(super) masks: Address,
    pub(super) rows: u64,
    pub(super) steps: u32,
    pub(super) columns: u32,
    pub(super) words: u32,
    pub(super) units: u32,
    pub(super) chunk: u32,
    pub(super) padding: u32,
}

/// `lif_forward.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct LifForward {
    pub(super) trace: Address,
    pub(super) masks: Address,
    pub(super) counts: Address,
    pub(super) recurrent: Address,
    pub(super) threshold: f64,
    pub(super) leak_mem: f64,
    pub(super) leak_syn: f64,
    pub(super) batch: u32,
    pub(super) steps: u32,
    pub(super) units: u32,
    pub(super) words: u32,
    pub(super) framed: u32,
    pub(super) immediate: u32,
}

/// `readout.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Readout {
    pub(super) trace: Address,
    pub(super) logits: Address,
    pub(super) d_logits: Address,
    pub(super) argmax_steps: Address,
    pub(super) potentials: Address,
    pub(super) leak_out: f64,
    pub(super) leak_syn: f64,
    pub(super) start: f64,
    pub(super) batch: u32,
    pub(super) steps: u32,
    pub(super) outputs: u32,
    pub(super) maximum: u32,
}

/// `lif_backward.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LifBackward {
    pub(super) trace: Address,
    pub(super) masks: Address,
    pub(super) current_adjoints: Address,
    pub(super) d_counts: Address,
    pub(super) transposed: Address,
    pub(super) argmax_steps: Address,
    pub(super) batch: u32,
    pub(super) steps: u32,
    pub(super) units: u32,
    pub(super) words: u32,
    pub(super) on_chip: u32,
    pub(super) depth: u32,
    pub(super) outputs: u32,
    pub(super) surrogate: u32,
    pub(super) differentiable: u32,
    pub(super) immediate: u32,
    pub(super) beta: f32,
    pub(super) threshold: f32,
    pub(super) leak_mem: f32,
    pub(super) leak_syn: f32,
}

/// `gradient.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Gather {
    pub(super) sums: Address,
    pub(super) current_adjoints: Address,
    pub(super) offsets: Address,
    pub(super) indices: Address,
    pub(super) masks: Address,
    pub(super) batch: u32,
    pub(super) steps: u32,
    pub(super) units: u32,
    pub(super) columns: u32,
    pub(super) words: u32,
    pub(super) samples: u32,
    pub(super) tile: u32,
    pub(super) padding: u32,
}

/// What the gather of events has on chip beside its sums: `slots` and `staged` in `gradient.cuh`.
pub(super) const STAGE_BYTES: usize = 64 * 32 * 4 + 2048 * 4;

/// Parts of V in the `tile` kernels, `PARTS` in `lif_backward_tile.cuh`.
pub(super) const PARTS: usize = 8;

/// Rows of a part that a thread has in registers, and how many more it fetches at a time: of the kernels of two and of four samples,
/// at the end of `lif_backward_tile.cuh`.
pub(super) const HELD: [(usize, usize); 2] = [(16, 4), (10, 2)];

/// `product.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    pub(super) a: Address,
    pub(super) b: Address,
    pub(super) c: Address,
    pub(super) rows: u64,
    pub(super) columns: u64,
    pub(super) depth: u64,
    pub(super) a_row: u64,
    pub(super) a_depth: u64,
    pub(super) b_depth: u64,
    pub(super) b_column: u64,
    pub(super) split: u64,
    pub(super) steps: u32,
    pub(super) padding: u32,
}

/// Rows and columns of a tile of the product, `SIDE` in `product.cuh`.
pub(super) const SIDE: usize = 64;

/// What the product has on chip.
pub(super) const PRODUCT_BYTES: usize = 16 * 2 * (SIDE + 1) * 4;

/// `product.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Transpose {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) height: u32,
    pub(super) width: u32,
}

/// `loss.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct CrossEntropy {
    pub(super) logits: Address,
    pub(super) d_logits: Address,
    pub(super) labels: Address,
    pub(super) losses: Address,
    pub(super) confidence: f64,
    pub(super) even: f64,
    pub(super) batch: u32,
    pub(super) outputs: u32,
    pub(super) of_label: f32,
    pub(super) of_others: f32,
    pub(super) scale: f32,
    pub(super) padding: u32,
}

/// `loss.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Activity {
    pub(super) counts: Address,
    pub(super) d_counts: Address,
    pub(super) penalties: Address,
    pub(super) lower_strength: f64,
    pub(super) lower_threshold: f64,
    pub(super) upper_strength: f64,
    pub(super) upper_threshold: f64,
    pub(super) batch: u32,
    pub(super) units: u32,
    pub(super) squared: u32,
    pub(super) inverse_units: f32,
    pub(super) d_over: f32,
    pub(super) d_square: f32,
}

/// `sample.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct TrainSample {
    pub(super) forward: LifForward,
    pub(super) readout: Readout,
    pub(super) loss: CrossEntropy,
    pub(super) activity: Activity,
    pub(super) backward: LifBackward,
    pub(super) weights: Address,
    pub(super) readout_weights: Address,
    pub(super) offsets: Address,
    pub(super) indices: Address,
    pub(super) frames: Address,
    pub(super) sums: Address,
    pub(super) readout_sums: Address,
    pub(super) inputs: u32,
    pub(super) narrow_bits: u32,
}

/// Matrices per launch of the kernels in `update.cuh`, `MATRICES` there.
pub(super) const MATRICES: usize = 32;

/// Threads per block of these kernels, one per value, `UPDATE_THREADS` there.
pub(super) const UPDATE_THREADS: usize = 256;

/// `update.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MatrixRow {
    pub(super) weights: Address,
    pub(super) gradient: Address,
    pub(super) first: Address,
    pub(super) second: Address,
    pub(super) sums: Address,
    pub(super) count: u64,
    pub(super) parts: u32,
    pub(super) first_block: u32,
    pub(super) adds: u32,
    pub(super) frozen: u32,
}

/// `update.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct SumGradients {
    pub(super) squares: Address,
    pub(super) losses: Address,
    pub(super) loss_sums: Address,
    pub(super) blocks: u32,
    pub(super) matrices: u32,
    pub(super) loss_rows: u32,
    pub(super) batch: u32,
    pub(super) rows: [MatrixRow; MATRICES],
}

/// `update.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct UpdateWeights {
    pub(super) squares: Address,
    pub(super) loss_sums: Address,
    pub(super) norms: Address,
    pub(super) rates: Address,
    pub(super) blocks: u32,
    pub(super) matrices: u32,
    pub(super) loss_rows: u32,
    pub(super) padding: u32,
    pub(super) rows: [MatrixRow; MATRICES],
}

/// `update.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) limit: f64,
    pub(super) rule: u32,
    pub(super) learning_rate: f32,
    pub(super) weight_decay: f32,
    pub(super) decoupled: f32,
    pub(super) decay_first: f32,
    pub(super) rest_first: f32,
    pub(super) decay_second: f32,
    pub(super) rest_second: f32,
    pub(super) correction_first: f32,
    pub(super) correction_second: f32,
    pub(super) epsilon: f32,
    pub(super) padding: u32,
}

/// `Rule` in `update.cuh`.
pub(super) const RULE_SGD: u32 = 0;
pub(super) const RULE_ADAM: u32 = 1;

/// `ceiling.cuh`
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct MultiplyAdds {
    pub(super) sums: Address,
    pub(super) rounds: u32,
    pub(super) padding: u32,
}

/// Multiply-adds of a thread in a round, `CHAINS` in `ceiling.cuh`.
#[cfg(any(feature = "cuda", test))]
pub(super) const CHAINS: usize = 16;
