//! `cargo xtask gpu --link-check`: what can be found out about the programs for GPUs without GPU and CUDA toolkit.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{
    machine_code::{self, Code},
    toolkit::{GPUS, Toolkit, Unavailable, succeed},
};
use crate::process;

/// For which GPUs all PTX must assemble: capabilities without the dot. The programs are built for the first.
const GPUS_OF: [u32; 2] = [80, 90];

/// The oldest that a folder which is carried to a GPU is made for.
pub(super) const OLDEST_PACKED: u32 = GPUS_OF[0];

/// Whether the build finds a toolkit by itself.
pub(super) fn has_toolkit() -> bool {
    let named = ["NVCC", "CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"];
    named.iter().any(|name| std::env::var_os(name).is_some())
        || process::is_installed("nvcc")
        || ["/usr/local/cuda", "/opt/cuda"].iter().any(|root| Path::new(root).join("bin/nvcc").is_file())
}

/// The oldest that this toolkit knows; later ones can assemble its PTX.
const OLDEST: u32 = 75;

/// The newest that programs are likely to meet.
const NEWEST: u32 = 100;

/// The GPU whose machine code must be as `machine_code` says.
const CUT_FOR: u32 = 90;

/// Compiles, links, starts and assembles. Where the compilers cannot be had, it says so and succeeds.
pub(super) fn check() -> Result<u8> {
    let folder = process::target().join("link-check");
    let toolkit = match Toolkit::get(&folder.join("toolkit"), GPUS_OF[0])? {
        Ok(toolkit) => toolkit,
        Err(Unavailable(reason)) => {
            println!("skipped: {reason}");
            return Ok(0);
        }
    };
    let mut build =
        process::cargo(["build", "--release", "--package", "snn-train", "--package", "snn-tests"]);
    build.args([
        "--features",
        "snn-train/cuda,snn-tests/cuda",
        "--bin",
        "snn",
        "--bin",
        "snn-gpu",
        "--target-dir",
    ]);
    // before the search path makes it unreadable
    process::announce(build.arg(&folder));
    toolkit.surround(&mut build);
    let code = process::exit_code(build.status().context("cannot start cargo")?);
    if code != 0 {
        return Ok(code);
    }
    let release = folder.join("release");
    start(&release, &toolkit)?;
    println!(
        "snn and snn-gpu: linked; they start without driver and libraries, and find them when they are there"
    );
    assemble(&release, &toolkit)?;
    print!("{}", kernels(&folder, &toolkit)?);
    Ok(0)
}

/// The programs must start where nothing of NVIDIA's is, and reach its libraries where they are.
fn start(release: &Path, toolkit: &Toolkit) -> Result<()> {
    for name in ["snn", "snn-gpu"] {
        let program = release.join(name);
        let needed = succeed(Command::new("readelf").arg("-d").arg(&program))?;
        if let Some(line) = needed.lines().find(|line| line.contains("NEEDED") && line.contains("[libcu")) {
            bail!(
                "{name} cannot start without a library of NVIDIA's: {}; which of its functions is new in the program, and \
                 missing in snn-core/src/fused/cuda/library.rs?",
                line.trim()
            );
        }
    }
    let train = |device: &str| {
        let mut command = Command::new(release.join("snn"));
        command.args(["train", "randman", "--quiet", "--device", device]);
        command.env("LD_LIBRARY_PATH", toolkit.libraries());
        let output = command.output().context("cannot start snn")?;
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let said = train("cuda:7")?;
    if !said.contains(&format!("there is no GPU 7: {GPUS} are visible")) {
        bail!("snn does not reach the driver, but says: {said}");
    }
    Ok(())
}

/// All PTX of the build: ours, and dfdx's.
fn assemble(release: &Path, toolkit: &Toolkit) -> Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(release.join("build")).context("cannot list what was built")? {
        let out = entry.context("cannot list what was built")?.path().join("out");
        for file in fs::read_dir(out).into_iter().flatten().flatten() {
            files.extend(Some(file.path()).filter(|path| path.extension().is_some_and(|it| it == "ptx")));
        }
    }
    if files.is_empty() {
        bail!("there is no PTX below {}", release.display());
    }
    for gpu in GPUS_OF {
        for file in &files {
            let mut ptxas = toolkit.program("ptxas");
            succeed(
                ptxas.arg(format!("--gpu-name=sm_{gpu}")).arg(file).args(["--output-file", "/dev/null"]),
            )?;
        }
        println!("{} files of PTX of dfdx's: assembled for sm_{gpu}", files.len());
    }
    Ok(())
}

/// What each of our kernels uses and what its machine code looks like, made from the PTX of the oldest GPU, as the driver would, and from the sources.
fn kernels(folder: &Path, toolkit: &Toolkit) -> Result<String> {
    let source = process::root().join("snn-core/src/fused/cuda/kernels/network.cu");
    let ptx = folder.join("network.ptx");
    let options = ["-O3", "--fmad=false"];
    let mut nvcc = toolkit.program("nvcc");
    succeed(
        nvcc.args(options).args(["--ptx", &format!("-arch=compute_{OLDEST}"), "-o"]).args([&ptx, &source]),
    )?;
    let mut text = String::from(
        "kernel                         GPU     registers  spilled  on chip    code  local  loads under way\n",
    );
    let mut wrong = Vec::new();
    for gpu in [OLDEST].into_iter().chain(GPUS_OF).chain([NEWEST]) {
        let mut ptxas = toolkit.program("ptxas");
        succeed(ptxas.arg(format!("--gpu-name=sm_{gpu}")).arg(&ptx).args(["--output-file", "/dev/null"]))?;
        let binary: PathBuf = folder.join(format!("network.{gpu}.cubin"));
        let mut nvcc = toolkit.program("nvcc");
        nvcc.args(options).args(["--cubin", "-Xptxas=-v", &format!("-arch=sm_{gpu}"), "-o"]);
        let found = usage(&succeed(nvcc.args([&binary, &source]))?);
        if found.is_empty() {
            bail!("ptxas does not tell what the kernels use");
        }
        let code = machine_code::read(&succeed(toolkit.program("nvdisasm").arg("-c").arg(&binary))?);
        if !found.iter().map(|it| &it.kernel).eq(code.iter().map(|it| &it.kernel)) {
            bail!("nvdisasm names other kernels than ptxas");
        }
        for (Usage { kernel, registers, spilled, on_chip }, code) in found.iter().zip(&code) {
            let Code { bytes, local, in_flight, .. } = code;
            // a string takes it
            let _ = writeln!(
                text,
                "{kernel:<31}sm_{gpu:<3} {registers:>9}  {spilled:>7}  {on_chip:>7}  {bytes:>6}  {local:>5}  {in_flight:>15}"
            );
            // what work is cut for
            if gpu == CUT_FOR {
                wrong.extend(machine_code::complaints(code, *registers));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(text);
    }
    print!("{text}");
    bail!("machine code for sm_{CUT_FOR}:\n{}", wrong.join("\n"))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Usage {
    kernel: String,
    registers: u32,
    /// Bytes that a thread stores for want of registers.
    spilled: u32,
    on_chip: u32,
}

/// Reads what `ptxas -v` writes.
fn usage(text: &str) -> Vec<Usage> {
    let before = |line: &str, what: &str| {
        line.split(what).next().and_then(|it| it.split_whitespace().last()?.parse().ok()).unwrap_or_default()
    };
    let mut found: Vec<Usage> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.split("Compiling entry function '").nth(1) {
            let kernel = rest.split('\'').next().unwrap_or_default().to_owned();
            found.push(Usage { kernel, ..Usage::default() });
        } else if let Some(last) = found.last_mut() {
            if line.contains(" bytes spill stores") {
                last.spilled = before(line, " bytes spill stores");
            } else if line.contains(" registers") {
                last.registers = before(line, " registers");
                last.on_chip = if line.contains(" bytes smem") { before(line, " bytes smem") } else { 0 };
            }
        }
    }
    found.sort_by(|a, b| a.kernel.cmp(&b.kernel));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ptxas_says_is_read() {
        let text = "ptxas info    : 12 bytes gmem\n\
                    ptxas info    : Compiling entry function 'lif_backward' for 'sm_90'\n\
                    ptxas info    : Function properties for lif_backward\n\
                    \x20   8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads\n\
                    ptxas info    : Used 64 registers, used 1 barriers, 1024 bytes smem, 440 bytes cmem[0]\n\
                    ptxas info    : Compiling entry function 'lif_forward' for 'sm_90'\n\
                    \x20   0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n\
                    ptxas info    : Used 32 registers\n";
        let expected = |kernel: &str, [registers, spilled, on_chip]: [u32; 3]| Usage {
            kernel: kernel.into(),
            registers,
            spilled,
            on_chip,
        };
        assert_eq!(
            usage(text),
            [expected("lif_backward", [64, 12, 1024]), expected("lif_forward", [32, 0, 0])]
        );
    }
}
