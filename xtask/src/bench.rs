//! `cargo xtask bench`: the speed of a training step, of the audio front end and of loading spikes.

use std::ffi::OsString;

use anyhow::Result;

use crate::{process, requirements};

pub(crate) fn bench(options: &[OsString]) -> Result<u8> {
    requirements::ensure()?;
    let (target, first, options) = choose(options);
    process::run(process::cargo(["bench"]).args(target).arg("--").args(first).args(options))
}

/// The arguments.
type Words = &'static [&'static str];

/// The cargo arguments for the benchmark named by the first word, the arguments implied by that word, and the options of the
/// benchmark itself.
fn choose(options: &[OsString]) -> (Words, Words, &[OsString]) {
    let (target, first, options): (Words, Words, _) = match options.split_first() {
        Some((name, rest)) if name == "audio" => (&["--bench", "audio"], &[], rest),
        Some((name, rest)) if name == "shd" => (&["--bench", "shd"], &[], rest),
        Some((name, rest)) if name == "scale" => (&["--bench", "training_step"], &["--scale"], rest),
        Some((name, rest)) if name == "latency" => (&["--bench", "training_step"], &["--latency"], rest),
        _ => (&["--bench", "training_step"], &[], options),
    };
    // Skip a `--` that separates the benchmark's options from ours.
    (target, first, options.strip_prefix(&[OsString::from("--")]).unwrap_or(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_names_the_benchmark() {
        let chosen = |line: &str| -> (&str, Vec<OsString>) {
            let options: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            let (target, first, options) = choose(&options);
            let first = first.iter().map(OsString::from);
            (*target.last().expect("a benchmark"), first.chain(options.iter().cloned()).collect())
        };
        assert_eq!(chosen(""), ("training_step", vec![]));
        assert_eq!(chosen("-- --jobs R"), ("training_step", vec!["--jobs".into(), "R".into()]));
        assert_eq!(chosen("scale --json"), ("training_step", vec!["--scale".into(), "--json".into()]));
        assert_eq!(chosen("latency"), ("training_step", vec!["--latency".into()]));
        assert_eq!(chosen("audio --require 500"), ("audio", vec!["--require".into(), "500".into()]));
        assert_eq!(chosen("shd -- --require"), ("shd", vec!["--require".into()]));
    }
}
