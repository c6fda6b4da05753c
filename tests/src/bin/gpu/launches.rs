//! The kernels that a training step launches, and their shapes, determined without a GPU.

use crate::jobs::{JOBS, Job};
use serde_json::json;
use snn_core::{Adam, AdamConfig, CrossEntropy, CudaEmulation, PaperLaunch, Regularizer};

/// Lines of JSON for every job, for a GPU with this number of bytes of on-chip memory per block.
pub(crate) fn list(largest_shared: usize) {
    for name in JOBS {
        let job = Job::new(name, 1).expect("a job");
        let mut network = job.network();
        let spikes: f64 = network
            .forward(&job.input)
            .expect("a pass")
            .counts
            .iter()
            .flatten()
            .map(|&it| f64::from(it))
            .sum();
        let (gpu, paper) = CudaEmulation::new(largest_shared, false).on_paper();
        network.emulate_cuda(gpu);
        let mut adam = Adam::new(AdamConfig::default(), &network).expect("an optimizer");
        let (loss, regularizer) = (CrossEntropy::default(), Regularizer::default());
        network
            .queue_step(&loss, &job.input, &job.labels, &regularizer, &mut adam, None)
            .expect("the launches of a step");
        println!("{}", job.shape(spikes));
        for PaperLaunch { kernel, blocks, threads: [x, y], shared } in paper.take() {
            println!(
                "{}",
                json!({
                    "kind": "launch", "job": name, "batch": job.batch(), "kernel": kernel, "blocks": blocks,
                    "threads": [x, y, 1], "shared": shared,
                })
            );
        }
    }
}
