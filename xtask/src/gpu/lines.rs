//! The output of `snn-gpu` and `torch_steps.py`: one line of JSON per measurement.

use serde::Deserialize;

/// One line of output.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    /// Properties reported by the GPU.
    Gpu(Gpu),
    /// Its measured limits.
    Ceilings(Ceilings),
    /// NVIDIA's libraries loaded by the program.
    Libraries {
        paths: Vec<String>,
    },
    Job(Job),
    /// Median time of a training step.
    Step {
        job: String,
        batch: usize,
        program: Program,
        ms: f64,
    },
    /// All kernels with the same name and shape in a training step.
    Kernel(Kernel),
    /// A launch of a step, recorded without running it.
    Launch(Launch),
    Host(Host),
    /// A whole run: preset `randman`, 50 epochs with validation.
    Run {
        epochs: u32,
        seconds: f64,
        test_accuracy: f64,
    },
    /// Hashes of the loss and of all gradients of the same step, computed twice.
    Repeat {
        job: String,
        loss: [String; 2],
        gradients: [String; 2],
    },
    /// A skipped measurement, with the reason.
    Skipped {
        what: String,
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Gpu {
    #[serde(flatten)]
    pub(super) ceilings: Ceilings,
    pub(super) processors: u32,
    pub(super) threads_per_processor: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct Ceilings {
    /// A 32-bit multiply-add counts as two operations.
    pub(super) gflop_per_s: f64,
    /// Reads plus writes of device memory.
    pub(super) gb_per_s: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Program {
    Snn,
    /// PyTorch, a plain loop over the steps.
    Loop,
    /// PyTorch, with the body of that loop compiled.
    Compiled,
    /// PyTorch, with the whole step as one CUDA graph.
    Graph,
}

/// The shape of a job at one batch size.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Job {
    pub(super) job: String,
    pub(super) batch: usize,
    pub(super) steps: usize,
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) recurrent: bool,
    pub(super) outputs: usize,
    /// Input spikes of the whole batch; `None` for analog input.
    pub(super) events: Option<usize>,
    /// Of the hidden units.
    pub(super) spikes_per_sample: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Kernel {
    pub(super) job: String,
    pub(super) batch: usize,
    pub(super) kernel: String,
    pub(super) calls: usize,
    /// Total of all calls.
    pub(super) ms: f64,
    pub(super) blocks: [u32; 3],
    pub(super) threads: [u32; 3],
    /// Bytes of on-chip memory per block.
    pub(super) shared: u32,
    pub(super) registers: u32,
    /// Blocks that fit on a multiprocessor at once.
    pub(super) blocks_per_processor: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct Launch {
    pub(super) job: String,
    pub(super) kernel: String,
    pub(super) blocks: [u32; 3],
    pub(super) threads: [u32; 3],
    pub(super) shared: u32,
}

/// The work of the host in a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Host {
    pub(super) job: String,
    pub(super) batch: usize,
    /// Operations in streams, and allocations.
    pub(super) operations: usize,
    pub(super) kernels: usize,
    /// Number of waits of the host for the GPU.
    pub(super) waits: usize,
    pub(super) upload_bytes: usize,
    pub(super) upload_ms: f64,
    pub(super) queue_ms: f64,
    pub(super) wait_ms: f64,
}

/// Parses a line; `None` for text that is not JSON.
pub(super) fn parse(line: &str) -> Option<Line> {
    serde_json::from_str(line).ok()
}
