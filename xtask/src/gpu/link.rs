//! `cargo xtask gpu --link-check`: checks of the GPU programs without GPU and CUDA toolkit.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{
    lines::{self, Launch, Line},
    machine_code::{self, Code},
    occupancy::{MODELS, Model},
    pack::{self, SNN_GPU},
    toolkit::{GPUS, Toolkit, Unavailable, succeed},
};
use crate::process;

/// GPUs for which all PTX must assemble, as compute capabilities without the dot. The programs are built for the first.
const GPUS_OF: [u32; 2] = [80, 90];

/// The oldest GPU for packed folders.
pub(super) const OLDEST_PACKED: u32 = GPUS_OF[0];

/// Whether the build finds an installed toolkit.
pub(super) fn has_toolkit() -> bool {
    let named = ["NVCC", "CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"];
    named.iter().any(|name| std::env::var_os(name).is_some())
        || process::is_installed("nvcc")
        || ["/usr/local/cuda", "/opt/cuda"].iter().any(|root| Path::new(root).join("bin/nvcc").is_file())
}

/// The oldest GPU of this toolkit; its PTX can be assembled for all later ones.
const OLDEST: u32 = 75;

/// The newest GPU to check.
const NEWEST: u32 = 100;

/// Compiles, links, starts and assembles. If the compilers are unavailable, this prints the reason and succeeds.
pub(super) fn check() -> Result<u8> {
    let folder = process::target().join("link-check");
    let toolkit = match Toolkit::get(&folder.join("toolkit"), GPUS_OF[0])? {
        Ok(toolkit) => toolkit,
        Err(Unavailable(reason)) => {
            println!("skipped: {reason}");
            return Ok(0);
        }
    };
    // the fast checks first
    let found = kernels(&folder, &toolkit)?;
    print!("{}", listed(&found));
    let complaints =
        found.iter().flat_map(|it| machine_code::complaints(&it.code, it.gpu, it.usage.registers)).collect();
    refuse(complaints)?;
    for words in [&SNN_GPU[..], &["--package", "snn-train", "--features", "cuda", "--bin", "snn"]] {
        let mut build = process::cargo(["build", "--release"]);
        // before the search path makes the line unreadable
        process::announce(build.args(words).arg("--target-dir").arg(&folder));
        toolkit.surround(&mut build);
        let code = process::exit_code(build.status().context("cannot start cargo")?);
        if code != 0 {
            return Ok(code);
        }
    }
    let release = folder.join("release");
    start(&release, &toolkit)?;
    println!("snn and snn-gpu: linked; they start without driver and libraries, and find them if present");
    assemble(&release, &toolkit)?;
    let mut wrong = Vec::new();
    print!("{}", launched(&release.join("snn-gpu"), &found, &mut wrong)?);
    refuse(wrong)?;
    Ok(0)
}

fn refuse(wrong: Vec<String>) -> Result<()> {
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("machine code:\n{}", wrong.join("\n"))
}

/// The programs must start without NVIDIA's libraries, and find them if present.
fn start(release: &Path, toolkit: &Toolkit) -> Result<()> {
    for name in ["snn", "snn-gpu"] {
        let program = release.join(name);
        let needed = succeed(Command::new("readelf").arg("-d").arg(&program))?;
        if let Some(line) = needed.lines().find(|line| line.contains("NEEDED") && line.contains("[libcu")) {
            bail!(
                "{name} cannot start without a library of NVIDIA: {}; which of its functions is new in the program, and \
                 missing in snn-core/src/fused/cuda/library.rs?",
                line.trim()
            );
        }
    }
    if let Some(library) = pack::foreign(&release.join("snn-gpu"))? {
        bail!("snn-gpu needs {library}, which a machine with a GPU may not have");
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

/// Assembles dfdx's PTX.
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
        println!("{} PTX files of dfdx: assembled for sm_{gpu}", files.len());
    }
    Ok(())
}

/// A kernel as compiled for one GPU.
struct Compiled {
    /// Capability without the dot.
    gpu: u32,
    usage: Usage,
    code: Code,
}

/// Compiles our kernels: from the PTX of the oldest GPU, as the driver would, and from the sources, for resources and machine code.
fn kernels(folder: &Path, toolkit: &Toolkit) -> Result<Vec<Compiled>> {
    let source = process::root().join("snn-core/src/fused/cuda/kernels/network.cu");
    let ptx = folder.join("network.ptx");
    let options = ["-O3", "--fmad=false"];
    let mut nvcc = toolkit.program("nvcc");
    succeed(
        nvcc.args(options).args(["--ptx", &format!("-arch=compute_{OLDEST}"), "-o"]).args([&ptx, &source]),
    )?;
    let mut compiled = Vec::new();
    for gpu in [OLDEST].into_iter().chain(GPUS_OF).chain([NEWEST]) {
        let mut ptxas = toolkit.program("ptxas");
        succeed(ptxas.arg(format!("--gpu-name=sm_{gpu}")).arg(&ptx).args(["--output-file", "/dev/null"]))?;
        let binary: PathBuf = folder.join(format!("network.{gpu}.cubin"));
        let mut nvcc = toolkit.program("nvcc");
        nvcc.args(options).args(["--cubin", "-Xptxas=-v", &format!("-arch=sm_{gpu}"), "-o"]);
        let found = usage(&succeed(nvcc.args([&binary, &source]))?);
        if found.is_empty() {
            bail!("ptxas does not report the resources of the kernels");
        }
        let code = machine_code::read(&succeed(toolkit.program("nvdisasm").arg("-c").arg(&binary))?);
        if !found.iter().map(|it| &it.kernel).eq(code.iter().map(|it| &it.kernel)) {
            bail!("nvdisasm and ptxas list different kernels");
        }
        compiled.extend(found.into_iter().zip(code).map(|(usage, code)| Compiled { gpu, usage, code }));
    }
    Ok(compiled)
}

fn listed(kernels: &[Compiled]) -> String {
    let mut text = String::from(
        "kernel                         GPU     registers  spilled  on chip    code  local  loads in flight\n",
    );
    for Compiled { gpu, usage, code } in kernels {
        let (Usage { kernel, registers, spilled, on_chip }, Code { bytes, local, in_flight, .. }) =
            (usage, code);
        // writing to a string cannot fail
        let _ = writeln!(
            text,
            "{kernel:<31}sm_{gpu:<3} {registers:>9}  {spilled:>7}  {on_chip:>7}  {bytes:>6}  {local:>5}  {in_flight:>15}"
        );
    }
    text
}

/// Kernels that must run in one wave on the GPU for which work is partitioned: a second wave would be almost empty.
const ONE_WAVE: [&str; 7] = [
    "project_events_on_chip",
    "lif_forward_recurrent",
    "lif_backward_recurrent_tile_2",
    "lif_backward_recurrent_tile_4",
    "gather_events",
    "gather_spikes",
    "train_events",
];

/// That GPU, by its capability without the dot.
const CUT_FOR: u32 = 90;

/// The launches of a step of every job, from `snn-gpu`, on each known GPU.
fn launched(program: &Path, kernels: &[Compiled], wrong: &mut Vec<String>) -> Result<String> {
    let mut text = format!(
        "\n{:<4}{:<31}{:<7}{:>18} {:>9} {:>8} {:>9} {:>15} {:>10} {:>6}\n",
        "job",
        "kernel",
        "GPU",
        "blocks",
        "threads",
        "on chip",
        "registers",
        "on a processor",
        "occupancy",
        "waves"
    );
    for model in MODELS {
        let said = succeed(Command::new(program).args(["launches", &model.largest_shared.to_string()]))?;
        let mut before: Option<Launch> = None;
        for line in said.lines() {
            let Some(Line::Launch(launch)) = lines::parse(line) else { continue };
            if before.as_ref() == Some(&launch) {
                continue;
            }
            let used =
                kernels.iter().find(|it| it.gpu == model.capability && it.usage.kernel == launch.kernel);
            let used = used.with_context(|| format!("{} is launched, but not compiled", launch.kernel))?;
            text += &place(&model, &launch, &used.usage, wrong);
            before = Some(launch);
        }
    }
    if !text.contains("sm_90") {
        bail!("`snn-gpu launches` reports no launch");
    }
    Ok(text)
}

fn place(model: &Model, launch: &Launch, usage: &Usage, wrong: &mut Vec<String>) -> String {
    let Launch { job, kernel, blocks, threads, shared } = launch;
    let (block, grid) = (threads.iter().product(), blocks.map(u64::from).iter().product());
    let places = model.blocks_per_processor(block, usage.registers, shared + usage.on_chip);
    let waves = model.waves(grid, places);
    let gpu = model.capability;
    if places == 0 {
        wrong.push(format!("{kernel} of job {job}: no block fits on a processor of sm_{gpu}"));
    } else if gpu == CUT_FOR && ONE_WAVE.contains(&kernel.as_str()) && waves > 1.0 {
        wrong.push(format!("{kernel} of job {job}: {waves:.2} waves on sm_{gpu} ({})", model.name));
    }
    let ([x, y, z], [width, height, _]) = (blocks, threads);
    format!(
        "{job:<4}{kernel:<31}sm_{gpu:<4}{:>18} {:>9} {shared:>8} {:>9} {places:>15} {:>8.0} % {waves:>6.2}\n",
        format!("{x} x {y} x {z}"),
        format!("{width} x {height}"),
        usage.registers,
        100.0 * model.occupancy(block, places)
    )
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Usage {
    kernel: String,
    registers: u32,
    /// Bytes of registers spilled per thread.
    spilled: u32,
    on_chip: u32,
}

/// Parses the output of `ptxas -v`.
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
    fn launches_that_do_not_fit_are_complained_of() {
        let launch = |kernel: &str, blocks, shared| Launch {
            job: "S".into(),
            kernel: kernel.into(),
            blocks: [blocks, 1, 1],
            threads: [32, 16, 1],
            shared,
        };
        let usage = |registers| Usage { registers, ..Usage::default() };
        let [ampere, hopper, _] = MODELS;
        let mut wrong = Vec::new();
        let text = place(&hopper, &launch("gather_events", 264, 105_984), &usage(37), &mut wrong);
        let words: Vec<_> = text.split_whitespace().collect();
        let expected = "S gather_events sm_90 264 x 1 x 1 32 x 16 105984 37 2 50 % 1.00";
        assert_eq!((words.join(" ").as_str(), wrong.len()), (expected, 0));
        // one wave is required only on the GPU for which work is partitioned
        place(&hopper, &launch("gather_events", 265, 105_984), &usage(37), &mut wrong);
        place(&ampere, &launch("gather_events", 265, 105_984), &usage(37), &mut wrong);
        place(&hopper, &launch("readout", 265, 105_984), &usage(37), &mut wrong);
        place(&ampere, &launch("readout", 1, 200_000), &usage(37), &mut wrong);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].contains("1.00 waves on sm_90") && wrong[1].contains("no block fits"), "{wrong:?}");
    }

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
