//! A trainer killed at a system call that changes its run directory resumes and produces the same bits.
//!
//! strace's fault injection kills it. `cargo xtask torture` tests every such call, this file a selection.
#![cfg(all(target_os = "linux", feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{ExitStatus, Stdio},
};

use common::{Snn, assert_same};
use snn_test_support::strace::{calls, traced};

const SMALL: &[&str] =
    &["training.epochs=2", "data.samples_per_class=20", "training.checkpoint_interval=0.001"];

/// Trains under strace; killed at the given call, if any.
fn train(snn: &Snn, directory: &str, kill_at: Option<(&str, u32)>) -> Option<ExitStatus> {
    let arguments = Snn::train(SMALL, &["--quiet", "--resume", "--threads", "1", "--run-dir", directory]);
    let mut strace = traced(Path::new(env!("CARGO_BIN_EXE_snn")), kill_at);
    strace.args(arguments).current_dir(snn.directory.path());
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()
}

#[test]
fn killed_at_system_calls() {
    let snn = Snn::new();
    if !train(&snn, "whole", None).is_some_and(|status| status.success()) {
        return snn_test_support::skip("strace is not installed or not permitted");
    }
    let trace = std::fs::read_to_string(snn.path("trace")).unwrap();
    let calls = calls(&trace);
    let mut kills = 0;
    for &(name, number) in calls.iter().step_by((calls.len() / 12).max(1)) {
        let directory = format!("killed-{name}-{number}");
        let status = train(&snn, &directory, Some((name, number))).unwrap();
        kills += u32::from(status.signal() == Some(9) || status.code() == Some(137));
        let resume = Snn::train(SMALL, &["--quiet", "--resume", "--run-dir", &directory]);
        let ended = snn.run(&resume);
        assert_eq!(ended.code, Some(0), "killed at {name} {number}: {}", ended.stderr);
        assert_same(&snn.path(&directory), &snn.path("whole"));
    }
    assert!(kills >= 12, "{kills} were killed, of {} calls", calls.len());
}
