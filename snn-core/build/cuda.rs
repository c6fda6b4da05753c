//! The kernels for GPUs, compiled with nvcc: machine code for the target GPU, and PTX, from which the driver compiles machine code for
//! other GPUs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Older GPUs (before Volta) lack features that the kernels need.
const OLDEST_GPU: u32 = 70;

/// A100, H100 and H200.
const COMMON: [u32; 2] = [80, 90];

/// The first toolkit with everything that `cudarc` binds.
const OLDEST_TOOLKIT: (u32, u32) = (11, 8);

const IMAGE: &str = "kernels.fatbin";

/// Compiles the kernels into `OUT_DIR`, or with `check` leaves an empty file there, so that the crate type-checks.
pub(super) fn compile(check: bool) -> Result<(), String> {
    const KERNELS: &str = "src/fused/cuda/kernels";
    println!("cargo:rerun-if-changed=build/cuda.rs");
    println!("cargo:rerun-if-changed={KERNELS}");
    for variable in ["CUDA_COMPUTE_CAP", "NVCC", "CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR", "PATH"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let out = env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?;
    let image = Path::new(&out).join(IMAGE);
    if check {
        println!("cargo:rustc-env=SNN_COMPUTE_CAPABILITY=0");
        println!("cargo:rustc-env=SNN_CUDA_MAJOR=12");
        return fs::write(&image, "").map_err(|error| format!("cannot write {}: {error}", image.display()));
    }
    let nvcc = nvcc();
    println!("cargo:rustc-env=SNN_CUDA_MAJOR={}", check_toolkit(&nvcc)?);
    let gpu = capability()?;
    let known = architectures(&nvcc)?;
    let oldest = known.iter().copied().filter(|&it| it >= OLDEST_GPU).min().unwrap_or(gpu).min(gpu);
    if gpu < OLDEST_GPU || !known.contains(&gpu) {
        return Err(format!(
            "{} cannot compile for GPUs of compute capability {}; it knows {}",
            nvcc.display(),
            dotted(gpu),
            known.iter().map(|&it| dotted(it)).collect::<Vec<_>>().join(", ")
        ));
    }
    println!("cargo:rustc-env=SNN_COMPUTE_CAPABILITY={gpu}");
    let mut command = Command::new(&nvcc);
    // fuse multiply and add only where the sources do: the same numbers as on the CPU
    command.args(["--fatbin", "-O3", "--fmad=false", "-lineinfo"]);
    command.arg(format!("-gencode=arch=compute_{oldest},code=compute_{oldest}"));
    command.arg(format!("-gencode=arch=compute_{gpu},code=sm_{gpu}"));
    // the program is often copied to one of these, and should not have to compile there first
    for other in COMMON.into_iter().filter(|&it| it > gpu && known.contains(&it)) {
        command.arg(format!("-gencode=arch=compute_{other},code=sm_{other}"));
    }
    command.arg("-o").arg(&image).arg(Path::new(KERNELS).join("network.cu"));
    run(&mut command).map(drop)
}

fn dotted(capability: u32) -> String {
    format!("{}.{}", capability / 10, capability % 10)
}

fn nvcc() -> PathBuf {
    let roots = ["CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"].into_iter().filter_map(env::var_os);
    let installed = roots.map(PathBuf::from).chain(["/usr/local/cuda".into(), "/opt/cuda".into()]);
    let mut candidates = installed.map(|root| root.join("bin/nvcc"));
    env::var_os("NVCC")
        .map(PathBuf::from)
        .or_else(|| candidates.find(|it| it.is_file()))
        .unwrap_or_else(|| "nvcc".into())
}

fn run(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| {
        format!(
            "cannot run {program} ({error}). The feature `cuda` needs the CUDA toolkit (nvcc): install it, or load its \
             module, and set CUDA_PATH to its location if that is not /usr/local/cuda. Without the feature, everything \
             runs on the CPU"
        )
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    Err(format!("{program} failed:\n{said}"))
}

/// The major version of the toolkit.
fn check_toolkit(nvcc: &Path) -> Result<u32, String> {
    let output = run(Command::new(nvcc).arg("--version"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split("release ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
    let mut numbers = version.split('.').map_while(|number| number.trim().parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST_TOOLKIT => Ok(major),
        (Some(_), Some(_)) => Err(format!(
            "{} has CUDA {version}, but {}.{} or later is required",
            nvcc.display(),
            OLDEST_TOOLKIT.0,
            OLDEST_TOOLKIT.1
        )),
        _ => Err(format!("`{} --version` does not print a CUDA version:\n{text}", nvcc.display())),
    }
}

/// The compute capability of this machine's GPU, or the one in `CUDA_COMPUTE_CAP`: 90 for 9.0.
fn capability() -> Result<u32, String> {
    if let Ok(text) = env::var("CUDA_COMPUTE_CAP") {
        return text
            .parse()
            .map_err(|_| format!("CUDA_COMPUTE_CAP is `{text}`, but must be a number such as 90"));
    }
    let unknown = "the target GPU is unknown: set CUDA_COMPUTE_CAP to its compute capability without the dot: 70 for V100, 80 for \
                   A100, 90 for H100 and H200";
    let mut query = Command::new("nvidia-smi");
    let output = query.args(["--query-gpu=compute_cap", "--format=csv,noheader"]).output();
    let output = output.map_err(|_| format!("nvidia-smi is not available, and {unknown}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    // with several GPUs, the lowest
    let found = text.lines().filter_map(|line| line.trim().replace('.', "").parse().ok()).min();
    found.ok_or_else(|| format!("nvidia-smi lists no GPU, and {unknown}"))
}

fn architectures(nvcc: &Path) -> Result<Vec<u32>, String> {
    let output = run(Command::new(nvcc).arg("--list-gpu-arch"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.trim().strip_prefix("compute_")?.parse().ok()).collect())
}
