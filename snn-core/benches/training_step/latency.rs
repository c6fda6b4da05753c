//! The latency of one step for one sample, in a network that is run step by step.

use crate::{jobs::Job, options::Options};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde::Serialize;
use snn_core::{Error, Implementation, Input, Network, State};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// The latency of a job.
#[derive(Serialize)]
struct Latency {
    job: &'static str,
    /// Microseconds per step, over passes of a whole sample: median, minimum, and the 99th percentile.
    median_us: f64,
    least_us: f64,
    slow_us: f64,
    /// Hidden spikes per step.
    spikes: f64,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    if !options.json {
        println!("one step of one sample; us\njob   median    min    99 %  spikes/step");
    }
    let mut all = Vec::new();
    for job in options.selected() {
        let latency = measure(&job, options).map_err(|error| error.to_string())?;
        if !options.json {
            let Latency { median_us, least_us, slow_us, spikes, .. } = latency;
            println!("{:<5} {median_us:>6.2} {least_us:>6.2} {slow_us:>7.2} {spikes:>14.1}", job.name);
        }
        all.push(latency);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&all).map_err(|error| error.to_string())?);
    }
    Ok(())
}

fn measure(job: &Job, options: &Options) -> Result<Latency, Error> {
    let mut network = job.network(Implementation::Fused)?;
    if let Some(set) = options.instruction_set {
        network.set_instruction_set(set)?;
    }
    let (input, _) = job.batch(&mut ChaCha8Rng::seed_from_u64(1))?;
    let mut state = network.state(1)?;
    let (mut times, mut spikes, mut steps) = (Vec::new(), 0, 0_u64);
    let begin = Instant::now();
    let mut sample = 0;
    while begin.elapsed() < options.seconds || times.len() < 20 {
        network.reset(&mut state)?;
        let taken = pass(&network, &mut state, &input, sample % input.batch())?;
        times.push(taken.as_secs_f64() * 1e6 / input.steps() as f64);
        let layers = 0..network.config().hidden.len();
        spikes +=
            layers.map(|l| state.counts(l, 0).iter().map(|&count| count as u64).sum::<u64>()).sum::<u64>();
        steps += input.steps() as u64;
        sample += 1;
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Ok(Latency {
        job: job.name,
        median_us: at(0.5),
        least_us: times[0],
        slow_us: at(0.99),
        spikes: spikes as f64 / steps as f64,
    })
}

/// Runs all steps of a sample.
fn pass(network: &Network, state: &mut State, input: &Input<f32>, sample: usize) -> Result<Duration, Error> {
    let (steps, units) = (input.steps(), input.units());
    let begin = Instant::now();
    for step in 0..steps {
        let readout = match input {
            Input::Events(events) => network.step(state, events.row(sample, step))?,
            Input::Frames(frames) => {
                let at = (sample * steps + step) * units;
                network.step(state, &frames.values()[at..at + units])?
            }
        };
        black_box(readout);
    }
    Ok(begin.elapsed())
}
