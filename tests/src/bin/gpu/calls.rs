//! The driver calls of a training step: the time of every kernel, and the waits of the host.

use crate::{
    bench::Training,
    jobs::{Job, is_small},
};
use serde_json::json;
use snn_core::{Cuda, CudaCall, CudaKernel, CudaWork, cuda_calls};
use std::time::Instant;

/// The kernels of one name and shape in a step.
struct Row {
    kernel: CudaKernel,
    calls: usize,
    seconds: f64,
}

/// The kernels in some calls, grouped by name and shape, in the order in which they first ran.
fn kernels(calls: &[CudaCall]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for call in calls {
        let (CudaWork::Kernel(kernel), Some(seconds)) = (&call.work, call.gpu) else { continue };
        match rows.iter_mut().find(|row| row.kernel == *kernel) {
            Some(row) => {
                row.calls += 1;
                row.seconds += seconds;
            }
            None => rows.push(Row { kernel: kernel.clone(), calls: 1, seconds }),
        }
    }
    rows
}

/// The median of these numbers.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Measures the kernels and calls of a step of a job; returns whether the job exists.
pub(crate) fn measure(gpu: &Cuda, name: &str) -> bool {
    let Some(job) = Job::new(name, 1) else {
        eprintln!("error: no job {name}");
        return false;
    };
    let mut training = Training::new(job, gpu);
    let (warm_up, times) = if is_small() { (6, 1) } else { (6, 9) };
    (0..warm_up).for_each(|_| training.step());
    let steps: Vec<_> = (0..times)
        .map(|_| kernels(&cuda_calls(true, || training.step()).expect("a step with times").1))
        .collect();
    training.finish();
    let batch = training.job.batch();
    println!("{}", training.job.shape(training.hidden_spikes));
    for (k, row) in steps[0].iter().enumerate() {
        let ms = median(steps.iter().filter_map(|rows| rows.get(k)).map(|it| 1e3 * it.seconds).collect());
        let CudaKernel { name: kernel, blocks, threads, shared, registers, local, blocks_per_processor } =
            &row.kernel;
        println!(
            "{}",
            json!({
                "kind": "kernel", "job": name, "batch": batch, "kernel": kernel, "calls": row.calls, "ms": ms,
                "blocks": blocks, "threads": threads, "shared": shared, "registers": registers, "local": local,
                "blocks_per_processor": blocks_per_processor,
            })
        );
    }
    let kernels = steps[0].iter().map(|row| row.calls).sum();
    host(name, batch, &mut training, times, kernels);
    true
}

/// The work of the host in a step: copies, calls that queue work, and waits. The GPU is not timed, because that would take longer
/// than the calls. Repeated steps are graphs of `kernels` kernels.
fn host(name: &str, batch: usize, training: &mut Training, times: usize, kernels: usize) {
    let laps: Vec<_> = (0..times)
        .map(|_| {
            let watch = Instant::now();
            let ((), calls) = cuda_calls(false, || training.step()).expect("a step");
            (1e3 * watch.elapsed().as_secs_f64(), calls)
        })
        .collect();
    // the last call, which is a graph if there is one
    let calls = &laps[laps.len() - 1].1;
    let of = |is: &dyn Fn(&CudaWork) -> bool| {
        let sum = |calls: &[CudaCall]| {
            1e3 * calls.iter().filter(|call| is(&call.work)).map(|call| call.host).sum::<f64>()
        };
        median(laps.iter().map(|(_, calls)| sum(calls)).collect())
    };
    let count = |is: &dyn Fn(&CudaWork) -> bool| calls.iter().filter(|call| is(&call.work)).count();
    let upload: &dyn Fn(&CudaWork) -> bool = &|work| *work == CudaWork::Upload;
    let wait: &dyn Fn(&CudaWork) -> bool = &|work| matches!(work, CudaWork::Wait | CudaWork::WaitForEvent);
    let bytes: usize = calls.iter().filter(|call| upload(&call.work)).map(|call| call.bytes).sum();
    let step = median(laps.iter().map(|(ms, _)| *ms).collect());
    let (uploads, waits) = (of(upload), of(wait));
    println!(
        "{}",
        json!({
            "kind": "host", "job": name, "batch": batch, "operations": count(&|work| !wait(work)),
            "kernels": kernels, "waits": count(wait),
            "upload_bytes": bytes, "upload_ms": uploads, "wait_ms": waits, "queue_ms": step - uploads - waits,
        })
    );
}
