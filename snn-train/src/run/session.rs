//! Finding out under which circumstances a run is made.

use std::{
    env, fs,
    process::{Command, Stdio},
    time::SystemTime,
};

use snn_core::Network;
use snn_run::Session;

use crate::Device;

/// This process, now, about to train `network`.
pub(super) fn current(network: &Network, device: Option<Device>) -> Session {
    Session {
        started: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        snn_version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: git_revision(),
        host: host(),
        platform: format!("{}-{}", env::consts::OS, env::consts::ARCH),
        instruction_set: network.instruction_set().to_string(),
        device: device.map(|device| device.to_string()),
        threads: rayon::current_num_threads(),
        command: env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
    }
}

/// The commit of the working directory, `+` behind it if there are changes; `None` outside of repositories or without
/// git.
fn git_revision() -> Option<String> {
    let git = Command::new("git")
        .args(["describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let revision = String::from_utf8(git.stdout).ok()?.trim().to_owned();
    (git.status.success() && !revision.is_empty()).then_some(revision)
}

fn host() -> Option<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| env::var("HOSTNAME").ok()).or_else(|| env::var("COMPUTERNAME").ok())?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
