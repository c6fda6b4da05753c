//! `cargo xtask torture`: tests with damaged files and killed trainers, for minutes or hours.

use std::ffi::OsString;

use anyhow::Result;

use crate::{
    process::{self, cargo},
    requirements,
};

/// Builds the programs and runs them with these options.
pub(crate) fn torture(options: &[OsString]) -> Result<u8> {
    let options = options.strip_prefix(&[OsString::from("--")]).unwrap_or(options);
    requirements::ensure()?;
    let code = process::run(&mut cargo(["build", "--release", "--bin", "snn", "--bin", "torture"]))?;
    if code != 0 {
        return Ok(code);
    }
    process::run(cargo(["run", "--release", "--quiet", "--bin", "torture", "--"]).args(options))
}
