//! The environment in which a run is trained.

use std::{env, time::SystemTime};

use snn_core::Network;
use snn_run::{Session, host};

use super::revision;
use crate::Device;

/// This process, about to train `network`.
pub(super) fn current(network: &Network, device: Option<Device>) -> Session {
    Session {
        started: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        snn_version: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: env::current_dir().ok().and_then(|folder| revision::of(&folder)),
        host: host(),
        platform: format!("{}-{}", env::consts::OS, env::consts::ARCH),
        instruction_set: network.instruction_set().to_string(),
        device: device.map(|device| device.to_string()),
        threads: rayon::current_num_threads(),
        command: env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
    }
}
