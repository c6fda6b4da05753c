//! `cargo xtask bench`: the speed of a training step.

use std::ffi::OsString;

use anyhow::Result;

use crate::{process, requirements};

pub(crate) fn bench(options: &[OsString]) -> Result<u8> {
    requirements::ensure()?;
    let mut command = process::cargo(["bench", "--package", "snn-core", "--bench", "training_step", "--"]);
    // A `--` that sets the benchmark's options off from ours is not one of them.
    let options = options.strip_prefix(&[OsString::from("--")]).unwrap_or(options);
    process::run(command.args(options))
}
