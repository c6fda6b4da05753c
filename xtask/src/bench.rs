//! `cargo xtask bench`: the speed of a training step, of the audio front end and of loading spikes.

use std::ffi::OsString;

use anyhow::Result;

use crate::{process, requirements};

pub(crate) fn bench(options: &[OsString]) -> Result<u8> {
    requirements::ensure()?;
    let (target, options) = choose(options);
    process::run(process::cargo(["bench"]).args(target).arg("--").args(options))
}

/// What cargo must be told to run the benchmark that the first word names, and the options of the benchmark itself.
fn choose(options: &[OsString]) -> (&'static [&'static str], &[OsString]) {
    let (target, options): (&[&str], _) = match options.split_first() {
        Some((name, rest)) if name == "audio" => (&["--bench", "audio"], rest),
        Some((name, rest)) if name == "shd" => (&["--bench", "shd"], rest),
        _ => (&["--bench", "training_step"], options),
    };
    // A `--` that sets the benchmark's options off from ours is not one of them.
    (target, options.strip_prefix(&[OsString::from("--")]).unwrap_or(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_names_the_benchmark() {
        let chosen = |line: &str| {
            let options: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            let (target, options) = choose(&options);
            (*target.last().expect("a benchmark"), options.to_vec())
        };
        assert_eq!(chosen(""), ("training_step", vec![]));
        assert_eq!(chosen("-- --jobs R"), ("training_step", vec!["--jobs".into(), "R".into()]));
        assert_eq!(chosen("audio --require 500"), ("audio", vec!["--require".into(), "500".into()]));
        assert_eq!(chosen("shd -- --require"), ("shd", vec!["--require".into()]));
    }
}
