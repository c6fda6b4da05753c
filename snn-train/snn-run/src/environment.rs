//! `env.json`: the environment in which a run was trained.

use serde::{Deserialize, Serialize};

/// The content of `env.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// The version of this file's format.
    pub version: u32,
    /// The first start, followed by every resume.
    pub sessions: Vec<Session>,
}

/// One start or resume of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Time of the start, as RFC 3339 in UTC.
    pub started: String,
    /// The version of this crate.
    pub snn_version: String,
    /// The git commit of the working directory, if there is one; `+` at its end means uncommitted changes.
    pub git_revision: Option<String>,
    /// The name of the machine.
    pub host: Option<String>,
    /// Operating system and processor family, such as `linux-x86_64`.
    pub platform: String,
    /// The vector instruction set that the kernels use.
    pub instruction_set: String,
    /// The device of the network: `cpu`, `cuda`, `cuda:1`; `None` in old runs, and if a custom program did not specify
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Number of compute threads.
    pub threads: usize,
    /// The command line, program first; empty when started from code.
    pub command: Vec<String>,
}
