//! Identification of processes in files.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use snn_run::host;

/// A process, identified so that others can check whether it is alive.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(super) host: Option<String>,
    pub(super) pid: u32,
    /// The start time of the process in kernel ticks, to distinguish it from another process with a reused id.
    pub(super) started: Option<u64>,
}

impl Holder {
    pub(crate) fn this() -> Self {
        Self { host: host(), pid: std::process::id(), started: start_of(std::process::id()) }
    }

    /// Whether it is alive, if known on this machine.
    pub(crate) fn lives(&self) -> Option<bool> {
        let is_here = self.host.is_some() && self.host == host();
        (is_here && Path::new("/proc/self/stat").exists())
            .then(|| self.started.is_some() && start_of(self.pid) == self.started)
    }
}

/// The 22nd field of `/proc/<pid>/stat`; the second one may contain anything, in parentheses.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}
