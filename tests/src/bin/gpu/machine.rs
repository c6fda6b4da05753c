//! The GPU, the location of its libraries, and its limits.

use crate::jobs::is_small;
use cudarc::driver::{
    CudaDevice,
    sys::CUdevice_attribute::{
        CU_DEVICE_ATTRIBUTE_CLOCK_RATE, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH,
        CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
        CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE,
        CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
    },
};
use serde_json::json;
use snn_core::{Cuda, CudaCeilings, cuda_ceilings};
use std::{collections::BTreeSet, fs};

/// NVIDIA's files in the memory of this process.
fn libraries() -> BTreeSet<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let paths = maps.lines().filter_map(|line| line.split_once('/').map(|(_, path)| format!("/{path}")));
    let ours = ["libcuda", "libnvidia", "libcublas"];
    paths
        .filter(|path| path.rsplit('/').next().is_some_and(|file| ours.iter().any(|it| file.starts_with(it))))
        .collect()
}

/// Lines of JSON: libraries, properties of the GPU as reported, and measured limits.
pub(crate) fn measure(gpu: &Cuda) -> bool {
    println!("{}", json!({"kind": "libraries", "paths": libraries()}));
    let device = CudaDevice::new(0).expect("a GPU");
    let ask = |attribute| device.attribute(attribute).expect("an attribute");
    let capability = (
        ask(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
        ask(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
    );
    // 32-bit multiply-adds per processor and clock cycle
    let width = if capability.0 < 8 || capability == (8, 0) { 64.0 } else { 128.0 };
    let processors = ask(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    let clock = 1e3 * f64::from(ask(CU_DEVICE_ATTRIBUTE_CLOCK_RATE));
    let flop_per_s = 2.0 * width * f64::from(processors) * clock;
    // two transfers per clock cycle
    let bytes = f64::from(ask(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)) / 8.0;
    let bytes_per_s = 2.0 * bytes * 1e3 * f64::from(ask(CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE));
    println!(
        "{}",
        json!({
            "kind": "gpu", "gflop_per_s": flop_per_s / 1e9, "gb_per_s": bytes_per_s / 1e9, "processors": processors,
            "threads_per_processor": ask(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR),
            "shared": ask(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
            "capability": format!("{}.{}", capability.0, capability.1),
        })
    );
    let (bytes, rounds) = if is_small() { (1 << 16, 10) } else { (1 << 30, 1 << 14) };
    let CudaCeilings { gflop_per_s, gb_per_s, .. } =
        cuda_ceilings(gpu, bytes, rounds).expect("copies and multiply-adds");
    println!("{}", json!({"kind": "ceilings", "gflop_per_s": gflop_per_s, "gb_per_s": gb_per_s}));
    true
}
