//! The command line.

use crate::{
    custom::Custom,
    jobs::{Job, NAMES, jobs},
};
use snn_core::InstructionSet;
use std::{path::PathBuf, time::Duration};

/// The options.
pub(crate) struct Options {
    pub(crate) jobs: Vec<String>,
    pub(crate) variants: Vec<String>,
    pub(crate) threads: usize,
    pub(crate) seconds: Duration,
    pub(crate) instruction_set: Option<InstructionSet>,
    pub(crate) json: bool,
    /// Another build of this benchmark to compare with.
    pub(crate) against: Option<PathBuf>,
    /// Whether to measure how time and memory grow.
    pub(crate) scale: bool,
    /// Folder that `scale` writes its table and plot to.
    pub(crate) out: Option<PathBuf>,
    /// Whether to measure the latency of single steps.
    pub(crate) latency: bool,
    /// A job of custom size, for `scale`.
    pub(crate) custom: Option<Custom>,
    /// Set by the parent process: measure one variant of one job here and print it.
    pub(crate) child: bool,
}

pub(crate) const HELP: &str = "\
Speed of one training step: forward, loss, backward, Adam. Medians over many steps, in milliseconds.

  --jobs R,M,S,A,R2,S512,SL,SD
                        jobs to run (default R, M, S, A)
  --variants fused,tape,dense,naive
                        fused: forward and backward in one call, as in training; its column
                        `forward` is inference with the same batch; tape: forward, then backward
                        on dfdx's tape; dense: the same with the input as dense frames; naive:
                        dfdx operations step by step (default all)
  --threads N           default: all cores
  --seconds S           time to measure each variant, default 5
  --simd portable|avx2|avx512
                        default: the best available
  --against PATH        interleave this build with another build of this benchmark, and print
                        how much faster this one is by processor time: the only reliable number
                        on shared machines
  --scale               measure how time and memory grow with steps, units, batch, layers, spike
                        density and threads, with the exponent of each
  --out FOLDER          with --scale: write scale.md and scale.svg to this folder
  --latency             run one step of one sample at a time, as in a stream: microseconds per step
  --json                print one JSON document instead of the table";

impl Options {
    pub(crate) fn parse(arguments: &[String]) -> Result<Option<Options>, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let list = |s: &str| s.split(',').map(|s| s.trim().to_owned()).collect::<Vec<_>>();
        let mut options = Options {
            jobs: list("R,M,S,A"),
            variants: list("fused,tape,dense,naive"),
            threads: cores,
            seconds: Duration::from_secs(5),
            instruction_set: None,
            json: false,
            against: None,
            scale: false,
            out: None,
            latency: false,
            custom: None,
            child: false,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--bench" => {} // cargo adds it
                "--json" => options.json = true,
                "--child" => options.child = true,
                "--against" => options.against = Some(value()?.into()),
                "--latency" => options.latency = true,
                "--scale" => options.scale = true,
                "--out" => options.out = Some(value()?.into()),
                "--custom" => options.custom = Some(value()?.parse()?),
                "--jobs" => options.jobs = list(value()?),
                "--variants" => options.variants = list(value()?),
                "--threads" => {
                    options.threads =
                        value()?.parse().ok().filter(|&n| n > 0).ok_or("--threads: a number from 1")?;
                }
                "--seconds" => {
                    let seconds: f64 = value()?.parse().map_err(|_| "--seconds: a number")?;
                    options.seconds =
                        Duration::try_from_secs_f64(seconds).map_err(|_| "--seconds: a number from 0")?;
                }
                "--simd" => {
                    options.instruction_set = Some(match value()?.as_str() {
                        "portable" => InstructionSet::Portable,
                        "avx2" => InstructionSet::Avx2,
                        "avx512" => InstructionSet::Avx512,
                        other => {
                            return Err(format!(
                                "--simd: unknown instruction set {other}; use portable, avx2 or avx512"
                            ));
                        }
                    });
                }
                other => return Err(format!("unknown option {other}; --help lists them")),
            }
        }
        for name in &options.jobs {
            if !NAMES.contains(&name.as_str()) {
                return Err(format!("--jobs: unknown job {name}; use {}", NAMES.join(", ")));
            }
        }
        for name in &options.variants {
            if !["fused", "tape", "dense", "naive"].contains(&name.as_str()) {
                return Err(format!("--variants: unknown variant {name}; use fused, tape, dense or naive"));
            }
        }
        Ok(Some(options))
    }

    /// The selected jobs.
    pub(crate) fn selected(&self) -> Vec<Job> {
        jobs().into_iter().filter(|job| self.jobs.iter().any(|name| name == job.name)).collect()
    }
}
