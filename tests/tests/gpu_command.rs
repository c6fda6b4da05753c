//! Runs `cargo xtask gpu` as on a machine with a GPU. The driver and all other programs are stand-ins: the mock driver of
//! snn-core's tests, which runs the kernels on the host, and scripts.

#![cfg(target_os = "linux")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "test helpers fail like tests")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use snn_test_support::skip;

const SNN_GPU: &str = env!("CARGO_BIN_EXE_snn-gpu");

/// A folder as created by `cargo xtask gpu --build-only`, with fewer golden cases, plus a mock driver and mock programs.
struct Machine {
    root: PathBuf,
    xtask: PathBuf,
}

/// Mock programs: PyTorch reports measurements, profilers run the given command.
const PROGRAMS: [(&str, &str); 4] = [
    (
        "nvidia-smi",
        "case $1 in --list-gpus) echo 'GPU 0';; *) echo 'a stand-in, 1.0, 1 MiB, 9.0, 345 MHz, 1980 MHz';; esac",
    ),
    (
        "python3",
        "case $* in *'import torch'*) exit 0;; esac; cat > /dev/null; for p in loop graph; do \
         echo '{\"kind\":\"step\",\"job\":\"S\",\"batch\":1,\"program\":\"'$p'\",\"ms\":1.5}'; done",
    ),
    (
        "ncu",
        "case $1 in --version) exit 0;; esac; while [ $1 != --metrics ]; do shift; done; shift 2; echo '\"ID\",\"Kernel Name\"'; exec \"$@\"",
    ),
    ("compute-sanitizer", "case $1 in --version) exit 0;; esac; shift 2; exec \"$@\""),
];

impl Machine {
    /// `None` if there is no `xtask` program next to `snn-gpu`.
    fn new(name: &str) -> Option<Self> {
        let xtask = Path::new(SNN_GPU).with_file_name("xtask");
        if !xtask.is_file() {
            skip("xtask has not been built");
            return None;
        }
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gpu_command").join(name);
        let _ = fs::remove_dir_all(&root);
        for folder in ["golden", "bin", "lib", "empty"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::copy(SNN_GPU, root.join("snn-gpu")).unwrap();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/gradients");
        let manifest = fs::read_to_string(golden.join("manifest.json")).unwrap();
        let mut cases: Vec<Value> = serde_json::from_str(&manifest).unwrap();
        cases.truncate(3);
        for case in &cases {
            let file = case["file"].as_str().unwrap();
            fs::copy(golden.join(file), root.join("golden").join(file)).unwrap();
        }
        fs::write(root.join("golden/manifest.json"), serde_json::to_vec(&cases).unwrap()).unwrap();
        for (name, script) in PROGRAMS {
            let path = root.join("bin").join(name);
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snn-core");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let output = Command::new(compiler)
            .args(["-shared", "-fPIC", "-O1", "-std=gnu11", "-ffp-contract=off", "-I"])
            .arg(core.join("src/fused/cuda/emulation"))
            .arg("-o")
            .arg(root.join("lib/libcuda.so.1"))
            .arg(core.join("tests/stand_in/driver.c"))
            .arg("-lm")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(Machine { root, xtask })
    }

    fn run(&self, options: &[&str], variables: &[(&str, &str)]) -> Session {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(&self.xtask);
        command.args(["gpu", "--binary", "./snn-gpu", "--out", "out"]).args(options).current_dir(&self.root);
        command.env("PATH", format!("{}:{path}", self.root.join("bin").display()));
        command.env("LD_LIBRARY_PATH", self.root.join("lib")).env("SNN_GPU_SMALL", "1");
        command.env_remove("SNN_GOLDEN_DIR").env_remove("OUT").envs(variables.iter().copied());
        let output = command.output().unwrap();
        let file = fs::read_to_string(self.root.join("out/gpu.jsonl")).unwrap_or_default();
        let lines = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Session { output, lines }
    }
}

/// The output of a run.
struct Session {
    output: Output,
    lines: Vec<Value>,
}

impl Session {
    fn said(&self) -> String {
        [&self.output.stdout[..], &self.output.stderr[..]].map(String::from_utf8_lossy).concat()
    }

    fn of(&self, kind: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["kind"] == kind).collect()
    }

    /// Exit codes of all stages, with their names.
    fn codes(&self) -> Vec<(&str, u64)> {
        let stages = self.of("stage");
        stages.iter().map(|line| (line["stage"].as_str().unwrap(), line["code"].as_u64().unwrap())).collect()
    }

    /// Asserts that the table was printed, whatever else happened, and the exit code after it.
    fn assert_complete(&self) {
        let said = String::from_utf8_lossy(&self.output.stdout);
        let table = said.find("ms/step").unwrap_or_else(|| panic!("no table: {}", self.said()));
        let end = said.find("exit code").unwrap_or_else(|| panic!("no exit code: {}", self.said()));
        assert!(table < end, "{said}");
        assert_eq!(self.of("machine").len(), 2, "before and after");
    }
}

const STAGES: usize = 21;

#[test]
fn everything_is_measured() {
    let Some(machine) = Machine::new("everything") else { return };
    // The deadlines are meant for GPUs; the mock driver needs seconds for a step, and shares the processor with other work.
    let session = machine.run(&["--limit", "300"], &[]);
    session.assert_complete();
    let codes = session.codes();
    assert_eq!(codes.len(), STAGES, "{codes:?}");
    for (stage, code) in codes {
        // the tape uses dfdx's own kernels, which the mock driver lacks: the program aborts
        let expected = if stage == "full check" { 134 } else { 0 };
        assert_eq!(code, expected, "{stage}: {}", session.said());
    }
    assert_eq!(session.output.status.code(), Some(134), "the code of the only failure");
    let texts: Vec<_> = session.of("text").iter().map(|line| line["text"].to_string()).collect();
    assert!(texts.iter().any(|it| it.contains("3 golden cases, 0 of them wrong")), "{texts:?}");
    assert!(texts.iter().any(|it| it.contains("Kernel Name")), "what ncu says is kept");
    let paths = session.of("libraries")[0]["paths"].to_string();
    assert!(paths.contains("lib/libcuda.so.1") && !paths.contains("cublas"), "{paths}");
    for ceiling in ["gflop_per_s", "gb_per_s"] {
        assert!(session.of("ceilings")[0][ceiling].as_f64().unwrap() > 0.0);
    }
    for repeat in session.of("repeat") {
        for hashes in ["loss", "gradients"] {
            assert_eq!(repeat[hashes][0], repeat[hashes][1], "{repeat}");
        }
    }
    for job in ["R", "M", "S", "A"] {
        let of_job = |kind: &str| session.of(kind).iter().filter(|line| line["job"] == job).count();
        // R computes a whole step of a sample in one kernel
        let kernels = if job == "R" { 3 } else { 12 };
        assert!(of_job("step") >= 2 && of_job("host") == 1 && of_job("kernel") >= kernels, "{job}");
    }
    assert_eq!(session.of("run").len(), 1);
    let said = session.said();
    for row in [
        "S   lif_backward_recurrent_tile_2",
        "A   product",
        "operations a step",
        "libraries: ",
        "Randman, 1 epochs",
    ] {
        assert!(said.contains(row), "{row}: {said}");
    }
}

#[test]
fn a_gpu_that_does_not_start_fails_every_stage_and_nothing_else() {
    let Some(machine) = Machine::new("no_gpu") else { return };
    // CUDA_ERROR_NO_DEVICE
    let session = machine.run(&[], &[("SNN_STAND_IN_INIT", "100")]);
    session.assert_complete();
    let failed: Vec<_> = session.codes().into_iter().filter(|(_, code)| *code == 1).collect();
    assert_eq!(failed.len(), STAGES - 1, "all but PyTorch: {:?}", session.codes());
    assert_eq!(session.output.status.code(), Some(1));
    assert!(session.said().contains("no GPU is visible"), "{}", session.said());
}

#[test]
fn a_kernel_that_does_harm_fails_the_stages_that_run_it() {
    let Some(machine) = Machine::new("harm") else { return };
    let variables = [("SNN_STAND_IN_FAULT", "lif_backward_recurrent_tile_2"), ("SNN_CUDA_SYNC", "1")];
    let session = machine.run(&["--limit", "300"], &variables);
    session.assert_complete();
    for (stage, code) in session.codes() {
        let with_it = stage.contains('S') || stage.contains('A') || stage == "full check";
        let without = ["quick check", "machine", "Randman", "PyTorch", "compute-sanitizer"].contains(&stage);
        assert_eq!(code != 0, with_it && !without, "{stage}: {}", session.said());
    }
    assert_eq!(session.output.status.code(), Some(101), "the exit code of the first panic");
    assert!(session.said().contains("in kernel `lif_backward_recurrent_tile_2`"), "{}", session.said());
}

/// Processes of the mock GPU that are still running.
fn left(machine: &Machine) -> Vec<String> {
    let program = machine.root.join("snn-gpu");
    let of = |pid: &Path| fs::read_link(pid.join("exe")).is_ok_and(|it| it == program);
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|it| it.path());
    processes.filter(|it| of(it)).map(|it| it.display().to_string()).collect()
}

#[test]
fn a_kernel_that_never_ends_is_ended_and_the_rest_goes_on() {
    let Some(machine) = Machine::new("hangs") else { return };
    let variables = [("SNN_STAND_IN_FAULT", "lif_backward_recurrent_tile_2"), ("SNN_STAND_IN_HANG", "1")];
    let session = machine.run(&["--limit", "4"], &variables);
    session.assert_complete();
    let skipped = session.of("skipped");
    let late: Vec<_> = skipped
        .iter()
        .filter(|line| line["reason"].as_str().unwrap().contains("not finished after 4 s"))
        .map(|line| line["what"].as_str().unwrap())
        .collect();
    for stage in ["job S", "job A", "kernels of job S", "a step of S under ncu"] {
        assert!(late.contains(&stage), "{stage} is not among {late:?}");
    }
    let done = session.codes().into_iter().filter(|(_, code)| *code == 0).count();
    assert!(done >= 3, "{:?}", session.codes());
    assert_eq!(left(&machine), Vec::<String>::new());
}

#[test]
fn a_machine_without_programs_says_what_was_left_out() {
    let Some(machine) = Machine::new("bare") else { return };
    for program in ["python3", "ncu", "compute-sanitizer"] {
        // a program that exists but does not work
        fs::write(machine.root.join("bin").join(program), "#!/bin/sh\nexit 1\n").unwrap();
    }
    fs::remove_file(machine.root.join("lib/libcuda.so.1")).unwrap();
    let session = machine.run(&[], &[("CUDA_PATH", "/nowhere")]);
    session.assert_complete();
    let reasons: Vec<_> = session.of("skipped").iter().map(|line| line["reason"].to_string()).collect();
    for reason in
        ["no torch with a visible GPU", "Nsight Compute is not installed", "comes with the CUDA toolkit"]
    {
        assert!(reasons.iter().any(|it| it.contains(reason)), "{reason}: {reasons:?}");
    }
    assert!(session.said().contains("there is no NVIDIA driver here"), "{}", session.said());
    assert_eq!(session.output.status.code(), Some(1));
}
