//! All checks and measurements on a machine with a GPU, stage by stage, the most important first.
//!
//! Each stage is a process with its own deadline. If a stage fails or hangs, it is reported, and the others still run. The table is always
//! printed, and the exit code comes last.

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result};

use super::{
    lines::{self, Line},
    table,
    timed::{self, End},
};
use crate::process;

/// The same jobs in PyTorch.
const TORCH: &str = include_str!("../../../tests/gpu/torch_steps.py");

/// The folder of golden cases, for `snn-gpu`.
const GOLDEN_VARIABLE: &str = "SNN_GOLDEN_DIR";

/// The file in the folder for results.
const FILE: &str = "gpu.jsonl";

/// A program and its deadline.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) input: &'static str,
    pub(super) limit: Duration,
    /// A requirement: a program that must succeed, and the reason for skipping the stage if it does not.
    pub(super) needs: Option<(Vec<String>, &'static str)>,
    /// Whether its failure is ours, not that of the machine, and becomes the exit code.
    pub(super) counts: bool,
}

impl Stage {
    pub(super) fn new(name: &str, program: &Path, arguments: &[&str], seconds: u64) -> Self {
        Stage {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: arguments.iter().map(|&it| it.to_owned()).collect(),
            input: "",
            limit: Duration::from_secs(seconds),
            needs: None,
            counts: true,
        }
    }
}

/// Metrics of the profiler, for every kernel.
const METRICS: &str = "gpu__time_duration.sum,sm__throughput.avg.pct_of_peak_sustained_elapsed,\
                       dram__throughput.avg.pct_of_peak_sustained_elapsed,lts__throughput.avg.pct_of_peak_sustained_elapsed,\
                       sm__warps_active.avg.pct_of_peak_sustained_active,launch__registers_per_thread,\
                       launch__occupancy_limit_shared_mem,smsp__issue_active.avg.pct_of_peak_sustained_active";

/// All stages, less than nine minutes in total.
pub(super) fn stages(binary: &Path) -> Vec<Stage> {
    let mut stages = vec![
        Stage::new("quick check", binary, &["check", "--quick"], 30),
        Stage::new("machine", binary, &["machine"], 15),
    ];
    for job in ["R", "M", "S", "A"] {
        stages.push(Stage::new(&format!("job {job}"), binary, &["bench", job, "1"], 15));
    }
    stages.push(Stage::new("Randman", binary, &["bench", "randman"], 20));
    for job in ["S", "A", "R", "M"] {
        stages.push(Stage::new(&format!("kernels of job {job}"), binary, &["calls", job], 10));
    }
    let words = |words: &[&str]| words.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
    stages.push(Stage {
        input: TORCH,
        needs: Some((
            words(&["python3", "-c", "import torch; assert torch.cuda.is_available()"]),
            "python3 has no torch with a visible GPU",
        )),
        counts: false,
        ..Stage::new("PyTorch", Path::new("python3"), &["-u", "-"], 110)
    });
    stages.push(Stage::new("full check", binary, &["check"], 90));
    for (job, times) in [("R", "4"), ("M", "4"), ("S", "4"), ("A", "4"), ("S", "16"), ("A", "16")] {
        let name = format!("job {job}, {times} times as many samples");
        stages.push(Stage::new(&name, binary, &["bench", job, times], 12));
    }
    let program = binary.to_string_lossy();
    stages.push(Stage {
        needs: Some((words(&["ncu", "--version"]), "Nsight Compute is not installed")),
        counts: false,
        ..Stage::new(
            "a step of S under ncu",
            Path::new("ncu"),
            // do not change the clocks of the machine
            &["--clock-control", "none", "--csv", "--metrics", METRICS, &program, "step", "S"],
            40,
        )
    });
    stages.push(Stage {
        needs: Some((words(&["compute-sanitizer", "--version"]), "it comes with the CUDA toolkit")),
        ..Stage::new(
            "compute-sanitizer",
            Path::new("compute-sanitizer"),
            &["--error-exitcode", "1", &program, "check", "--quick"],
            45,
        )
    });
    stages
}

/// The stages and their measurements.
pub(super) struct Session {
    begin: Instant,
    lines: Vec<Line>,
    /// The folder of the program, on a machine without the repository.
    golden: PathBuf,
    file: Option<File>,
    /// The exit code of the first failure.
    code: u8,
}

impl Session {
    /// Writes lines to a file in `out`; if that fails, they are still printed.
    pub(super) fn new(binary: &Path, out: Option<&Path>) -> Self {
        let open = |folder: &Path| {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            let path = folder.join(FILE);
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))
        };
        let file = out.map(open).transpose();
        if let Err(error) = &file {
            eprintln!("error: {error:#}");
        }
        Session {
            begin: Instant::now(),
            lines: Vec::new(),
            golden: binary.with_file_name("golden"),
            code: u8::from(file.is_err()),
            file: file.unwrap_or_default(),
        }
    }

    /// Returns the exit code of the first stage that failed, 1 if it hung.
    pub(super) fn run(mut self, stages: &[Stage]) -> u8 {
        println!("{}", humantime::format_rfc3339_seconds(SystemTime::now()));
        self.machine("before");
        for stage in stages {
            let failed = match self.stage(stage) {
                Ok(it) => it,
                Err(error) => {
                    self.skip(&stage.name, &format!("{error:#}"));
                    1
                }
            };
            if self.code == 0 && stage.counts {
                self.code = failed;
            }
        }
        self.machine("after");
        println!("\n{}", table::render(&self.lines));
        println!("after {:.0} s; exit code {}", self.begin.elapsed().as_secs_f64(), self.code);
        self.code
    }

    /// The exit code.
    fn stage(&mut self, stage: &Stage) -> Result<u8> {
        if let Some((needs, reason)) = &stage.needs
            && !process::succeeds(Command::new(&needs[0]).args(&needs[1..]))
        {
            self.skip(&stage.name, reason);
            return Ok(0);
        }
        let mut command = Command::new(&stage.program);
        command.args(&stage.arguments);
        if env::var_os(GOLDEN_VARIABLE).is_none() && self.golden.join("manifest.json").is_file() {
            command.env(GOLDEN_VARIABLE, &self.golden);
        }
        let start = Instant::now();
        let end =
            timed::run(&mut command, stage.input, start + stage.limit, |line| self.take(&stage.name, line))?;
        let seconds = start.elapsed().as_secs_f64();
        let (code, what) = match end {
            End::Code(0) => (0, None),
            End::Code(code) => (code, Some(format!("it failed with exit code {code} after {seconds:.0} s"))),
            End::OutOfTime => (1, Some(format!("it was not finished after {} s", stage.limit.as_secs()))),
        };
        self.write(
            &serde_json::json!({"kind": "stage", "stage": stage.name, "seconds": seconds, "code": code})
                .to_string(),
        );
        if let Some(what) = what {
            self.skip(&stage.name, &what);
        }
        Ok(code)
    }

    fn take(&mut self, stage: &str, line: &str) {
        match lines::parse(line) {
            Some(measured) => {
                self.write(line);
                self.lines.push(measured);
            }
            // printed, and recorded in the file
            None => {
                println!("{line}");
                self.write(&serde_json::json!({"kind": "text", "stage": stage, "text": line}).to_string());
            }
        }
    }

    /// Writes a line immediately, because the next stage may crash the machine.
    fn write(&mut self, line: &str) {
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{line}").and_then(|()| file.flush())
        {
            eprintln!("error: {FILE} cannot be written: {error}");
            self.file = None;
            self.code = self.code.max(1);
        }
    }

    fn skip(&mut self, what: &str, reason: &str) {
        eprintln!("{what}: {reason}");
        self.take(what, &serde_json::json!({"kind": "skipped", "what": what, "reason": reason}).to_string());
    }

    /// Name, driver, memory, compute capability and clocks of every visible GPU.
    fn machine(&mut self, when: &str) {
        let query = "--query-gpu=name,driver_version,memory.total,compute_cap,clocks.sm,clocks.mem";
        let output = Command::new("nvidia-smi").args([query, "--format=csv,noheader"]).output();
        let said = output.map_or_else(
            |error| error.to_string(),
            |it| String::from_utf8_lossy(&it.stdout).trim().to_owned(),
        );
        println!("{when}: {said}");
        self.write(&serde_json::json!({"kind": "machine", "when": when, "nvidia_smi": said}).to_string());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A mock of `snn-gpu`: a script that measures, fails, hangs or crashes, depending on its first argument.
    fn program(folder: &Path) -> Result<PathBuf> {
        let path = folder.join("snn-gpu");
        let script = "#!/bin/sh\ncase $1 in\n\
            fine) echo '{\"kind\":\"step\",\"job\":\"S\",\"batch\":256,\"program\":\"snn\",\"ms\":5.0}'; echo for people;;\n\
            fails) echo '{\"kind\":\"repeat\",\"job\":\"S\",\"loss\":[\"1\",\"2\"],\"gradients\":[\"3\",\"3\"]}'; exit 7;;\n\
            dies) kill -SEGV $$;;\n\
            hangs) sleep 600 & echo $! > $2; wait;;\n\
            esac\n";
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    #[test]
    fn whatever_happens_is_reported_and_the_rest_goes_on() {
        let folder = env::temp_dir().join(format!("snn-xtask-session-{}", std::process::id()));
        let out = folder.join("out");
        fs::create_dir_all(&folder).unwrap();
        let binary = program(&folder).unwrap();
        let child = folder.join("child");
        let mut stages = vec![
            Stage::new("missing", Path::new("/nowhere/snn-gpu"), &[], 60),
            Stage::new("fails", &binary, &["fails"], 60),
            Stage::new("dies", &binary, &["dies"], 60),
            Stage::new("hangs", &binary, &["hangs", &child.to_string_lossy()], 1),
        ];
        stages.push(Stage {
            needs: Some((vec!["false".into()], "it is not there")),
            ..Stage::new("left out", &binary, &["fails"], 60)
        });
        stages.push(Stage { counts: false, ..Stage::new("of the machine", &binary, &["fails"], 60) });
        stages.push(Stage::new("fine", &binary, &["fine"], 60));
        let begin = Instant::now();
        let code = Session::new(&binary, Some(&out)).run(&stages);
        assert_eq!(code, 1, "that of the first failure");
        assert!(begin.elapsed() < Duration::from_secs(60));
        let text = fs::read_to_string(out.join(FILE)).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<_> = lines.iter().map(|it| it["kind"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                "machine", "skipped", "repeat", "stage", "skipped", "stage", "skipped", "stage", "skipped",
                "skipped", "repeat", "stage", "skipped", "step", "text", "stage", "machine"
            ]
        );
        assert_eq!((&lines[3]["code"], &lines[5]["code"]), (&7.into(), &139.into()));
        for (line, reason) in
            [(4, "exit code 7"), (6, "exit code 139"), (8, "not finished after 1 s"), (9, "not there")]
        {
            assert!(lines[line]["reason"].as_str().unwrap().contains(reason), "{}", lines[line]);
        }
        // the child process of the program that hung
        let child = fs::read_to_string(child).unwrap();
        let alive = || {
            fs::read_to_string(format!("/proc/{}/stat", child.trim())).is_ok_and(|it| !it.contains(") Z "))
        };
        let patience = Instant::now() + Duration::from_secs(20);
        while alive() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!alive(), "process {child} still runs");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn lines_that_cannot_be_written_are_an_error_at_the_end() {
        let folder = env::temp_dir().join(format!("snn-xtask-session-out-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let binary = program(&folder).unwrap();
        let stages = [Stage::new("fine", &binary, &["fine"], 60)];
        // a file instead of the folder
        assert_eq!(Session::new(&binary, Some(&binary)).run(&stages), 1);
        assert_eq!(Session::new(&binary, Some(&folder.join("out"))).run(&stages), 0);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn all_stages_end_in_nine_minutes() {
        let stages = stages(Path::new("snn-gpu"));
        assert!(stages.iter().map(|it| it.limit).sum::<Duration>() <= Duration::from_secs(540));
        assert_eq!(stages.first().map(|it| it.name.as_str()), Some("quick check"));
    }
}
