//! Measurements in separate processes.

use crate::measure::Timing;
use std::{path::Path, process::Command};

/// Measures one variant of one job in a separate process, with the given options.
pub(crate) fn child(
    program: &Path,
    arguments: &[String],
    job: &str,
    variant: &str,
) -> Result<Timing, String> {
    let output = Command::new(program)
        .args(arguments)
        .args(["--child", "--jobs", job, "--variants", variant])
        .output()
        .map_err(|e| format!("{}: {e}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}", program.display(), String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("{}: {e}", program.display()))
}
