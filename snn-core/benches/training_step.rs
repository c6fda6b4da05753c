//! Speed of one training step (forward, loss, backward, Adam) on four synthetic jobs.
//!
//! `cargo bench -p snn-core --bench training_step -- --help` says what can be asked for. Every variant of every job runs in a
//! process of its own, so that its peak memory is its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports on the terminal")]

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use snn_core::{
    Adam, AdamConfig, Cpu, Error, Events, Frames, Implementation, Initialization, Input, InstructionSet,
    Layer, Network, NetworkConfig, Regularizer,
};
use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

/// One training job: a shape and synthetic data of the statistics of a data set.
struct Job {
    name: &'static str,
    what: &'static str,
    batch: usize,
    steps: usize,
    inputs: usize,
    hidden: usize,
    outputs: usize,
    recurrent: bool,
    dt: f64,
    /// Gain of the input weights, chosen so that the hidden layer is active.
    gain: f64,
    data: Data,
}

#[derive(Clone, Copy)]
enum Data {
    /// Every input spikes once within the first half.
    Randman,
    /// A fifth of the inputs spikes, once.
    Latency,
    /// So many spikes a sample, uniform over units and steps.
    Poisson(usize),
    /// Smooth random channel energies.
    Analog,
}

const JOBS: [Job; 4] = [
    Job {
        name: "R",
        what: "Randman, 20-100-10",
        batch: 250,
        steps: 100,
        inputs: 20,
        hidden: 100,
        outputs: 10,
        recurrent: false,
        dt: 1.0,
        gain: 7.0,
        data: Data::Randman,
    },
    Job {
        name: "M",
        what: "latency MNIST shape, 784-100-10",
        batch: 256,
        steps: 100,
        inputs: 784,
        hidden: 100,
        outputs: 10,
        recurrent: false,
        dt: 1.0,
        gain: 18.0,
        data: Data::Latency,
    },
    Job {
        name: "S",
        what: "SHD shape, 700-256 recurrent-20",
        batch: 256,
        steps: 500,
        inputs: 700,
        hidden: 256,
        outputs: 20,
        recurrent: true,
        dt: 2.0,
        gain: 7.0,
        data: Data::Poisson(8000),
    },
    Job {
        name: "A",
        what: "Speech Commands shape, 40 analog-256 recurrent-35",
        batch: 512,
        steps: 100,
        inputs: 40,
        hidden: 256,
        outputs: 35,
        recurrent: true,
        dt: 2.0,
        gain: 2.5,
        data: Data::Analog,
    },
];

impl Job {
    fn network(&self, implementation: Implementation) -> Result<Network, Error> {
        let config = NetworkConfig {
            hidden: vec![Layer { units: self.hidden, recurrent: self.recurrent }],
            dt: self.dt,
            implementation,
            ..NetworkConfig::new(self.inputs, self.outputs)
        };
        let mut network: Network = Network::new(config, Initialization::Normal { gain: 1.0 }, 0)?;
        let (_, _, w1) = network.parameters().next().ok_or_else(|| Error::Input("no weights".into()))?;
        let w1: Vec<f32> = w1.iter().map(|w| w * self.gain as f32).collect();
        network.set_parameter("W1", &w1)?;
        Ok(network)
    }

    fn batch(&self, rng: &mut ChaCha8Rng) -> Result<(Input<f32>, Vec<u16>), Error> {
        let mut spikes = Vec::new();
        let labels = (0..self.batch).map(|_| rng.gen_range(0..self.outputs) as u16).collect();
        for sample in 0..self.batch {
            match self.data {
                Data::Randman => {
                    spikes.extend((0..self.inputs).map(|i| (sample, rng.gen_range(0..self.steps / 2), i)));
                }
                Data::Latency => {
                    for i in 0..self.inputs {
                        if rng.gen_bool(0.2) {
                            spikes.push((sample, rng.gen_range(0..self.steps), i));
                        }
                    }
                }
                Data::Poisson(count) => spikes.extend(
                    (0..count).map(|_| (sample, rng.gen_range(0..self.steps), rng.gen_range(0..self.inputs))),
                ),
                Data::Analog => {}
            }
        }
        let input = match self.data {
            Data::Analog => self.analog(rng)?.into(),
            _ => Events::from_spikes(self.batch, self.steps, self.inputs, &spikes)?.into(),
        };
        Ok((input, labels))
    }

    /// Moving averages of eight steps of white noise, scaled to unit variance.
    fn analog(&self, rng: &mut ChaCha8Rng) -> Result<Frames<f32>, Error> {
        let mut values = vec![0.0; self.batch * self.steps * self.inputs];
        for sample in values.chunks_exact_mut(self.steps * self.inputs) {
            for unit in 0..self.inputs {
                // uniform noise of unit variance
                let noise: Vec<f32> =
                    (0..self.steps + 8).map(|_| rng.gen_range(-1.0..1.0) * 3f32.sqrt()).collect();
                for n in 0..self.steps {
                    sample[n * self.inputs + unit] = noise[n + 1..n + 9].iter().sum::<f32>() / 8f32.sqrt();
                }
            }
        }
        Frames::new(self.batch, self.steps, self.inputs, values)
    }
}

/// What a variant took.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Timing {
    job: String,
    variant: String,
    steps_measured: usize,
    median_ms: f64,
    min_ms: f64,
    max_ms: f64,
    forward_ms: f64,
    backward_ms: f64,
    update_ms: f64,
    peak_memory_mb: Option<f64>,
    hidden_spikes_per_unit: f64,
    loss: f64,
}

/// Runs one variant of one job in this process.
fn measure(job: &Job, variant: &str, options: &Options) -> Result<Timing, Error> {
    let implementation = if variant == "naive" { Implementation::Reference } else { Implementation::Fused };
    let mut network = job.network(implementation)?;
    if let Some(set) = options.instruction_set {
        network.set_instruction_set(set)?;
    }
    let initial: Vec<(String, Vec<f32>)> = network.parameters().map(|(name, _, w)| (name, w)).collect();
    let mut adam: Adam<f32, Cpu> = Adam::new(AdamConfig::default(), &network)?;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut batches = Vec::new();
    for _ in 0..2 {
        let (input, labels) = job.batch(&mut rng)?;
        let input = match (variant, &input) {
            ("dense", Input::Events(events)) => events.to_frames::<f32>().into(),
            _ => input,
        };
        batches.push((input, labels));
    }
    let mut phases: Vec<[Duration; 3]> = Vec::new();
    let (mut loss_value, mut spikes) = (0.0, 0.0);
    let (warm_up, budget) = match variant {
        "naive" => (0, options.seconds),
        _ => (3, options.seconds),
    };
    let started = Instant::now();
    let mut k = 0;
    while k < warm_up + 3 || (started.elapsed() < budget && k < warm_up + 2000) {
        // back to the start now and then: learning random labels by heart would change the activity
        if k % 16 == 0 {
            for (name, w) in &initial {
                network.set_parameter(name, w)?;
            }
            adam = Adam::new(AdamConfig::default(), &network)?;
        }
        let (input, labels) = &batches[k % batches.len()];
        let t0 = Instant::now();
        let loss = network.loss(input, labels, &Regularizer::default())?;
        let t1 = Instant::now();
        loss_value = loss.total();
        spikes = loss.output.counts[0].iter().map(|&c| f64::from(c)).sum::<f64>()
            / (job.batch * job.hidden) as f64;
        let t2 = Instant::now();
        let gradients = loss.backward()?;
        let t3 = Instant::now();
        adam.update(&mut network, &gradients)?;
        let t4 = Instant::now();
        if k >= warm_up {
            phases.push([t1 - t0, t3 - t2, t4 - t3]);
        }
        k += 1;
        if variant == "naive" && started.elapsed() > budget {
            break;
        }
    }
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let total: Vec<f64> = phases.iter().map(|p| ms(p.iter().sum())).collect();
    let phase = |which: usize| median(phases.iter().map(|p| ms(p[which])).collect());
    Ok(Timing {
        job: job.name.into(),
        variant: variant.into(),
        steps_measured: total.len(),
        median_ms: median(total.clone()),
        min_ms: total.iter().copied().fold(f64::INFINITY, f64::min),
        max_ms: total.iter().copied().fold(0.0, f64::max),
        forward_ms: phase(0),
        backward_ms: phase(1),
        update_ms: phase(2),
        peak_memory_mb: peak_memory_mb(),
        hidden_spikes_per_unit: spikes,
        loss: loss_value,
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Largest resident set of this process so far, where the system tells.
fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// What was asked for.
struct Options {
    jobs: Vec<String>,
    variants: Vec<String>,
    threads: usize,
    seconds: Duration,
    instruction_set: Option<InstructionSet>,
    json: bool,
    /// Set by the parent process: measure one variant of one job here and print it.
    child: bool,
}

const HELP: &str = "\
Speed of one training step: forward, loss, backward, Adam. Medians over many steps, in milliseconds.

  --jobs R,M,S,A        which jobs (default all)
  --variants fused,dense,naive
                        fused: the default; dense: the same with the input as dense frames;
                        naive: dfdx operations step by step (default all)
  --threads N           default: all cores
  --seconds S           time to measure each variant, default 5
  --simd portable|avx2|avx512
                        default: the best there is
  --json                one JSON document instead of the table";

impl Options {
    fn parse(arguments: &[String]) -> Result<Option<Options>, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let list = |s: &str| s.split(',').map(|s| s.trim().to_owned()).collect::<Vec<_>>();
        let mut options = Options {
            jobs: JOBS.iter().map(|j| j.name.to_owned()).collect(),
            variants: list("fused,dense,naive"),
            threads: cores,
            seconds: Duration::from_secs(5),
            instruction_set: None,
            json: false,
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
                        other => return Err(format!("--simd: {other} is none of portable, avx2, avx512")),
                    });
                }
                other => return Err(format!("unknown option {other}; --help lists them")),
            }
        }
        for name in &options.jobs {
            if !JOBS.iter().any(|j| j.name == name) {
                return Err(format!("--jobs: {name} is none of R, M, S, A"));
            }
        }
        for name in &options.variants {
            if !["fused", "dense", "naive"].contains(&name.as_str()) {
                return Err(format!("--variants: {name} is none of fused, dense, naive"));
            }
        }
        Ok(Some(options))
    }
}

/// The whole result, for `--json`.
#[derive(Serialize)]
struct Report {
    processor: String,
    threads: usize,
    instruction_set: String,
    version: &'static str,
    timings: Vec<Timing>,
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn run(options: &Options, arguments: &[String]) -> Result<(), String> {
    let jobs = || JOBS.iter().filter(|j| options.jobs.iter().any(|name| name == j.name));
    if options.child {
        rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .build_global()
            .map_err(|e| e.to_string())?;
        for job in jobs() {
            for variant in &options.variants {
                let timing = measure(job, variant, options).map_err(|e| e.to_string())?;
                println!("{}", serde_json::to_string(&timing).map_err(|e| e.to_string())?);
            }
        }
        return Ok(());
    }
    let set = options.instruction_set.or_else(|| InstructionSet::available().last().copied());
    let mut report = Report {
        processor: processor(),
        threads: options.threads,
        instruction_set: set.map(|s| s.to_string()).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
        timings: Vec::new(),
    };
    if !options.json {
        println!(
            "{}, {} threads, {}, snn-core {}\n",
            report.processor, report.threads, report.instruction_set, report.version
        );
        println!(
            "job variant   median    min    max | forward backward  Adam |  memory  spikes/unit  of fused"
        );
    }
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    for job in jobs() {
        if !options.json {
            println!("{}: {}, batch {}, {} steps, ms", job.name, job.what, job.batch, job.steps);
        }
        let mut fused = None;
        for variant in &options.variants {
            if variant == "dense" && matches!(job.data, Data::Analog) {
                continue; // its input is dense as it is
            }
            let output = Command::new(&program)
                .args(arguments)
                .args(["--child", "--jobs", job.name, "--variants", variant])
                .output()
                .map_err(|e| e.to_string())?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            let timing: Timing = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
            if variant == "fused" {
                fused = Some(timing.median_ms);
            }
            if !options.json {
                let t = &timing;
                println!(
                    "  {:<9} {:>8.2} {:>7.2} {:>7.2} | {:>7.2} {:>8.2} {:>5.2} | {:>5} MB {:>10.2} {}",
                    t.variant,
                    t.median_ms,
                    t.min_ms,
                    t.max_ms,
                    t.forward_ms,
                    t.backward_ms,
                    t.update_ms,
                    t.peak_memory_mb.map_or("?".into(), |m| format!("{m:.0}")),
                    t.hidden_spikes_per_unit,
                    fused.map_or(String::new(), |f| format!("{:>10.1} x", t.median_ms / f)),
                );
            }
            report.timings.push(timing);
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?);
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::parse(&arguments) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    match run(&options, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
