//! What `snn-gpu` and `torch_steps.py` write: a line of JSON for every measurement.

use serde::Deserialize;

/// One line of a program that measures.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    /// What the GPU says of itself.
    Gpu(Gpu),
    /// What it did at most when it was measured.
    Ceilings(Ceilings),
    /// Files of NVIDIA's that the program has loaded.
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
    /// All kernels of one name and shape in a training step.
    Kernel(Kernel),
    /// A kernel that a step would launch, on paper.
    Launch(Launch),
    Host(Host),
    /// A whole run: preset `randman`, 50 epochs with validation.
    Run {
        epochs: u32,
        seconds: f64,
        test_accuracy: f64,
    },
    /// Hashes of the loss and of all gradients of the same step, made twice.
    Repeat {
        job: String,
        loss: [String; 2],
        gradients: [String; 2],
    },
    /// Something that was not measured, and why.
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
    /// 32-bit multiply-adds count as two.
    pub(super) gflop_per_s: f64,
    /// To and from main memory.
    pub(super) gb_per_s: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Program {
    Snn,
    /// PyTorch, a plain loop over the steps.
    Loop,
    /// PyTorch, the body of that loop compiled.
    Compiled,
    /// PyTorch, the whole step as one CUDA graph.
    Graph,
}

/// The shape of a job at one size of the batch.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Job {
    pub(super) job: String,
    pub(super) batch: usize,
    pub(super) steps: usize,
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) recurrent: bool,
    pub(super) outputs: usize,
    /// Spikes of the input in the whole batch; none where it is analog.
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
    /// Of all calls together.
    pub(super) ms: f64,
    pub(super) blocks: [u32; 3],
    pub(super) threads: [u32; 3],
    /// Bytes of on-chip memory that a block has.
    pub(super) shared: u32,
    pub(super) registers: u32,
    /// Blocks that fit on a processor at once.
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

/// What the host does in a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Host {
    pub(super) job: String,
    pub(super) batch: usize,
    /// Calls that wait in a stream, or take or give memory.
    pub(super) operations: usize,
    pub(super) kernels: usize,
    /// Times that the host waits for the GPU.
    pub(super) waits: usize,
    pub(super) upload_bytes: usize,
    pub(super) upload_ms: f64,
    pub(super) queue_ms: f64,
    pub(super) wait_ms: f64,
}

/// What is no JSON is for people: none.
pub(super) fn parse(line: &str) -> Option<Line> {
    serde_json::from_str(line).ok()
}
