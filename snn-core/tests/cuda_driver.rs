//! A GPU through its driver, with a mock driver library: see `stand_in/driver.c`.
//!
//! A process loads the library only once, so each test runs its scenario in a separate process: another instance of the test
//! program, with an environment variable set.

#![cfg(target_os = "linux")]
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "test helpers fail like tests")]

#[path = "stand_in/measured.rs"]
mod measured;
#[path = "stand_in/queued.rs"]
mod queued;

use snn_core::{
    Adam, AdamConfig, Backend, Cpu, CrossEntropy, Cuda, CudaCall, CudaWork, Error, Events, Frames,
    Implementation, Initialization, Input, Layer, Network, NetworkConfig, OptimizerKind, OptimizerSettings,
    QueuedStep, Readout, Regularizer, cuda, cuda_calls, cuda_ceilings,
    dfdx::prelude::{CudaError, TensorFrom as _, TryMatMul as _},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The libraries in the search path of a scenario.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Libraries {
    /// A driver and cuBLAS.
    All,
    /// A driver that lacks some functions, and cuBLAS.
    OldDriver,
    /// Both files; the driver's file is empty.
    BrokenDriver,
    /// Both files; the cuBLAS file is empty.
    BrokenCublas,
    /// No libraries.
    None,
}

fn compile(source: &str, to: &Path, more: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(&compiler)
        // round each sum where the sources specify it, as on the CPU
        .args(["-shared", "-fPIC", "-O1", "-std=gnu11", "-ffp-contract=off", "-Wall"])
        .arg("-I")
        .arg(root.join("src/fused/cuda/emulation"))
        .args(more)
        .arg("-o")
        .arg(to)
        .arg(root.join("tests/stand_in").join(source))
        .arg("-lm")
        .output()
        .unwrap_or_else(|error| panic!("cannot run the C compiler {}: {error}", compiler.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Libraries {
    /// Creates the libraries in the folder of the scenario.
    fn make(self, scenario: &str) -> PathBuf {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("stand_in").join(scenario.replace("::", "-"));
        fs::create_dir_all(&folder).unwrap();
        if self == Libraries::None {
            return folder;
        }
        let (driver, cublas) = (folder.join("libcuda.so.1"), folder.join("libcublas.so.12"));
        match self {
            Libraries::BrokenDriver => fs::write(&driver, "").unwrap(),
            Libraries::OldDriver => compile("driver.c", &driver, &["-DWITHOUT_MODULES"]),
            _ => compile("driver.c", &driver, &[]),
        }
        if self == Libraries::BrokenCublas {
            ["11", "12", "13"].iter().for_each(|major| {
                fs::write(folder.join(format!("libcublas.so.{major}")), "").unwrap();
            });
        } else {
            compile("cublas.c", &cublas, &[]);
        }
        folder
    }
}

/// Set in the processes that run scenarios.
const SCENARIO: &str = "SNN_STAND_IN_SCENARIO";

/// Runs the scenario of `test` in a separate process that finds these libraries; within that process, runs it directly.
fn check(test: &str, scenario: fn(), libraries: Libraries, variables: &[(&str, &str)]) {
    if std::env::var_os(SCENARIO).is_some() {
        return scenario();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(SCENARIO, "1");
    command.env("LD_LIBRARY_PATH", libraries.make(test)).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{test}: {}\n{said}", output.status);
    assert!(said.contains("1 passed"), "{test} did not run:\n{said}");
}

/// The error of opening the first GPU.
fn refusal() -> String {
    match cuda(0) {
        Err(Error::Device(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_driver_the_cpu_is_named() {
    check("without_a_driver_the_cpu_is_named", scenario_no_driver, Libraries::BrokenDriver, &[]);
}

fn scenario_no_driver() {
    let message = refusal();
    assert!(
        message.contains("there is no NVIDIA driver here") && message.contains("libcuda.so.1"),
        "{message}"
    );
    assert!(message.contains("on the CPU"), "{message}");
}

/// A matrix product by dfdx, `[2, 3] x [3, 2]`.
fn product(device: &Cuda) -> Result<Vec<f32>, CudaError> {
    let a = device.tensor([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let b = device.tensor([[1.0f32, 0.0], [0.5, 1.0], [0.0, -1.0]]);
    Ok(a.try_matmul(b)?.as_vec())
}

/// Whether a library with this name is mapped into the memory of this process.
fn is_loaded(name: &str) -> bool {
    fs::read_to_string("/proc/self/maps").unwrap().contains(name)
}

#[test]
fn without_cublas_only_products_of_dfdx_are_missing() {
    check(
        "without_cublas_only_products_of_dfdx_are_missing",
        scenario_no_cublas,
        Libraries::BrokenCublas,
        &[],
    );
}

fn scenario_no_cublas() {
    let network = small_network(&cuda(0).unwrap());
    let input: Input<f32> = Events::from_spikes(2, 20, 12, &[(0, 3, 1), (1, 4, 2)]).unwrap().into();
    network.loss_and_gradients(&input, &[0, 1], &Regularizer::default()).unwrap();
    let error = product(network.device()).unwrap_err();
    assert!(format!("{error:?}").contains("CUBLAS_STATUS_NOT_INITIALIZED"), "{error:?}");
}

#[test]
fn cublas_is_loaded_with_the_first_product() {
    check("cublas_is_loaded_with_the_first_product", scenario_cublas, Libraries::All, &[]);
}

fn scenario_cublas() {
    let device = cuda(0).unwrap();
    assert!(is_loaded("libcuda.so.1") && !is_loaded("libcublas"), "too early");
    for _ in 0..2 {
        assert_eq!(product(&device).unwrap(), [2.0, -1.0, 6.5, -1.0]);
    }
    assert!(is_loaded("libcublas.so.12"));
}

#[test]
fn libraries_are_found_where_toolkits_have_them() {
    let folder = Libraries::All.make("in_a_toolkit");
    let root = folder.join("root");
    for (from, to) in [("libcuda.so.1", "compat"), ("libcublas.so.12", "lib64")] {
        fs::create_dir_all(root.join(to)).unwrap();
        fs::copy(folder.join(from), root.join(to).join(from)).unwrap();
    }
    let root = root.to_string_lossy().into_owned();
    let test = "libraries_are_found_where_toolkits_have_them";
    check(test, scenario_cublas, Libraries::None, &[("CUDA_PATH", &root)]);
}

#[test]
fn a_driver_that_does_not_start_is_told_with_advice() {
    // CUDA_ERROR_NO_DEVICE
    check(
        "a_driver_that_does_not_start_is_told_with_advice",
        scenario_no_device,
        Libraries::All,
        &[("SNN_STAND_IN_INIT", "100")],
    );
}

fn scenario_no_device() {
    let message = refusal();
    assert!(message.contains("no GPU is visible") && message.contains("CUDA_ERROR_NO_DEVICE"), "{message}");
    assert!(message.contains("said by the stand-in"), "{message}");
}

#[test]
fn gpus_are_counted() {
    check("gpus_are_counted", scenario_count, Libraries::All, &[("SNN_STAND_IN_COUNT", "2")]);
}

fn scenario_count() {
    assert!(cuda(1).is_ok());
    let Err(Error::Device(message)) = cuda(2) else { panic!("a third GPU") };
    assert!(message.contains("no GPU 2: 2 are visible"), "{message}");
}

#[test]
fn a_driver_without_a_function_is_an_error() {
    check("a_driver_without_a_function_is_an_error", scenario_old_driver, Libraries::OldDriver, &[]);
}

fn scenario_old_driver() {
    let message = refusal();
    assert!(message.contains("CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND"), "{message}");
}

#[test]
fn memory_that_runs_out_is_an_error_with_advice() {
    check(
        "memory_that_runs_out_is_an_error_with_advice",
        scenario_memory,
        Libraries::All,
        &[("SNN_STAND_IN_MEMORY", "1000000")],
    );
}

fn scenario_memory() {
    let device = cuda(0).unwrap();
    let few = Backend::<f32>::upload(&device, &[1.0; 1000]).unwrap();
    let Err(error @ Error::DeviceMemory(_)) = Backend::<f32>::upload(&device, &[1.0; 1_000_000]) else {
        panic!("the upload exceeds the memory of the GPU");
    };
    let message = error.to_string();
    assert!(message.contains("no memory left") && message.contains("CUDA_ERROR_OUT_OF_MEMORY"), "{message}");
    assert_eq!(*<Cuda as Backend<f32>>::host(&few), [1.0; 1000]);
}

fn small_network(device: &Cuda) -> Network<f32, Cuda> {
    let config = NetworkConfig { hidden: vec![Layer::recurrent(30)], ..NetworkConfig::new(12, 5) };
    Network::on(device.clone(), config, Initialization::default(), 1).unwrap()
}

/// A batch that needs more memory than the GPU has.
fn failure(steps: usize) -> String {
    let network = small_network(&cuda(0).unwrap());
    let input: Input<f32> = Events::from_spikes(2, steps, 12, &[(0, 3, 1), (1, 4, 2)]).unwrap().into();
    network.loss_and_gradients(&input, &[0, 1], &Regularizer::default()).unwrap_err().to_string()
}

#[test]
fn a_batch_too_large_says_how_much_was_asked_for() {
    check(
        "a_batch_too_large_says_how_much_was_asked_for",
        scenario_too_large,
        Libraries::All,
        &[("SNN_STAND_IN_MEMORY", "4000000")],
    );
}

fn scenario_too_large() {
    // the drive of 2 x 30,000 steps x 30 units, rounded up to a multiple of 256 bytes
    let message = failure(30_000);
    assert!(message.contains("no memory left") && message.contains("when 7200000 bytes more"), "{message}");
}

#[test]
fn a_fault_names_its_kernel_where_the_host_waits() {
    check(
        "a_fault_names_its_kernel_where_the_host_waits",
        scenario_fault,
        Libraries::All,
        &[("SNN_STAND_IN_FAULT", "readout"), ("SNN_CUDA_SYNC", "1")],
    );
}

fn scenario_fault() {
    let message = failure(20);
    assert!(message.contains("CUDA_ERROR_ILLEGAL_ADDRESS"), "{message}");
    assert!(message.contains("in kernel `readout`, [1, 1, 1] blocks of [32, 8] threads"), "{message}");
}

#[test]
fn training_steps_repeat_bit_by_bit() {
    check("training_steps_repeat_bit_by_bit", scenario_step, Libraries::All, &[]);
}

fn scenario_step() {
    let device = cuda(0).unwrap();
    let config = NetworkConfig { hidden: vec![Layer::recurrent(40)], ..NetworkConfig::new(12, 5) };
    let gpu: Network<f32, Cuda> =
        Network::on(device, config, Initialization::Normal { gain: 7.0 }, 1).unwrap();
    let spikes: Vec<_> = (0..3).flat_map(|b| (0..30).map(move |n| (b, n, (7 * n + 5 * b) % 12))).collect();
    let input: Input<f32> = Events::from_spikes(3, 30, 12, &spikes).unwrap().into();
    let regularizer = Regularizer { upper_strength: 0.1, ..Regularizer::default() };
    let step = || gpu.loss_and_gradients(&input, &[0, 1, 2], &regularizer).unwrap();
    let ((values, gradients), (again, others)) = (step(), step());
    let (expected, there) =
        gpu.to_cpu().unwrap().loss_and_gradients(&input, &[0, 1, 2], &regularizer).unwrap();
    assert_eq!(values, again);
    assert_eq!(values.output, expected.output);
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-5 * b.abs();
    assert!(
        near(values.cross_entropy, expected.cross_entropy),
        "{} {}",
        values.cross_entropy,
        expected.cross_entropy
    );
    assert!(near(values.regularization, expected.regularization) && values.regularization > 0.0);
    for (name, ..) in gpu.parameters() {
        let [one, other, cpu] =
            [gradients.get(&name), others.get(&name), there.get(&name)].map(Option::unwrap);
        assert_eq!(one, other, "{name}");
        let largest = cpu.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        assert!(
            largest > 0.0 && one.iter().zip(cpu.iter()).all(|(a, b)| (a - b).abs() <= 2e-5 * largest),
            "{name}"
        );
    }
}

#[test]
fn values_go_there_and_back() {
    check("values_go_there_and_back", scenario_buffers, Libraries::All, &[]);
}

fn scenario_buffers() {
    let device = cuda(0).unwrap();
    let lengths = [1, 5, 255, 256, 257, 3000];
    let values = lengths.map(|length| (0..length).map(|k| (k as f32 * 0.37).sin()).collect::<Vec<f32>>());
    let mut buffers = values.each_ref().map(|values| Backend::<f32>::upload(&device, values).unwrap());
    for (buffer, values) in buffers.iter().zip(&values) {
        assert_eq!(*<Cuda as Backend<f32>>::host(buffer), values[..]);
    }
    assert!(<Cuda as Backend<f32>>::host_mut(&mut buffers[0]).is_none());
    let norms = Backend::<f32>::norms(&device, &buffers.each_ref()).unwrap();
    for (values, norm) in values.iter().zip(norms) {
        let expected = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        assert!((norm - expected).abs() <= 1e-12 * expected, "{norm}, not {expected}");
    }
}

#[test]
fn networks_compute_what_they_compute_on_the_cpu() {
    check("networks_compute_what_they_compute_on_the_cpu", scenario_networks, Libraries::All, &[]);
}

fn scenario_networks() {
    let device = cuda(0).unwrap();
    let spikes: Vec<_> = (0..3).flat_map(|b| (0..30).map(move |n| (b, n, (7 * n + 5 * b) % 12))).collect();
    let events: Input<f32> = Events::from_spikes(3, 30, 12, &spikes).unwrap().into();
    let values = (0..3 * 30 * 12).map(|k| (k as f32 * 0.7).sin().abs()).collect();
    let frames: Input<f32> = Frames::new(3, 30, 12, values).unwrap().into();
    for readout in [Readout::Max, Readout::Sum] {
        for hidden in
            [vec![], vec![Layer::feed_forward(20)], vec![Layer::recurrent(40), Layer::feed_forward(33)]]
        {
            let config = NetworkConfig { hidden, readout, ..NetworkConfig::new(12, 5) };
            let gpu: Network<f32, Cuda> =
                Network::on(device.clone(), config, Initialization::Normal { gain: 7.0 }, 1).unwrap();
            let cpu = gpu.to_cpu().unwrap();
            for ((name, shape, there), (_, _, here)) in gpu.parameters().zip(cpu.parameters()) {
                assert_eq!((there.len(), &there), (shape[0] * shape[1], &here), "{name}");
            }
            for input in [&events, &frames] {
                let (found, recorded) = gpu.record(input).unwrap();
                let (expected, here) = cpu.record(input).unwrap();
                let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert!(expected.logits.iter().any(|&logit| logit != 0.0));
                assert_eq!(bits(&found.logits), bits(&expected.logits));
                assert_eq!(found.counts, expected.counts);
                assert_eq!(recorded.spikes, here.spikes);
                assert_eq!(bits(&recorded.readout), bits(&here.readout));
                assert!(gpu.forward(input).unwrap() == found);
            }
        }
    }
}

#[test]
fn what_a_gpu_does_not_have_is_said() {
    check("what_a_gpu_does_not_have_is_said", scenario_refusals, Libraries::All, &[]);
}

fn scenario_refusals() {
    let device = cuda(0).unwrap();
    let config = NetworkConfig { hidden: vec![Layer::feed_forward(3)], ..NetworkConfig::new(2, 2) };
    let on = |config: &NetworkConfig| -> Network<f32, Cuda> {
        Network::on(device.clone(), config.clone(), Initialization::default(), 0).unwrap()
    };
    let network = on(&config);
    for &kind in OptimizerKind::ALL {
        match kind.fit(&OptimizerSettings::default(), &network, None) {
            Ok(optimizer) => assert_eq!(optimizer.rule(), kind.word()),
            Err(Error::HostOnly { rule }) => {
                assert_eq!((kind, rule), (OptimizerKind::Smorms3, "smorms3"));
            }
            Err(other) => panic!("{kind:?}: {other}"),
        }
    }
    let reference = on(&NetworkConfig { implementation: Implementation::Reference, ..config });
    let input: Input<f32> = Events::from_spikes(1, 4, 2, &[(0, 0, 1)]).unwrap().into();
    let message = reference.forward(&input).unwrap_err().to_string();
    assert!(message.contains("only supports the CPU"), "{message}");
    let cpu: Network<f32, Cpu> = reference.to_cpu().unwrap();
    assert!(cpu.forward(&input).is_ok());
}
