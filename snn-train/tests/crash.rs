//! A trainer that is killed at a system call by which it changes its run directory goes on to the same bits.
//!
//! The kernel kills it there, by the injection of strace. `cargo xtask torture` does this for every such call; here are some.
#![cfg(all(target_os = "linux", feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt as _,
    process::{Command, ExitStatus, Stdio},
};

use common::{Snn, assert_same};

/// By which files change.
const CHANGES: &str = "openat,write,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,ftruncate,fsync,fdatasync";

const SMALL: &[&str] =
    &["training.epochs=2", "data.samples_per_class=20", "training.checkpoint_interval=0.001"];

/// Trains under strace and is killed at the call of this number, counted in each thread; without a number it is not.
fn train(snn: &Snn, directory: &str, kill_at: Option<u32>) -> Option<ExitStatus> {
    let arguments = Snn::train(SMALL, &["--quiet", "--resume", "--threads", "1", "--run-dir", directory]);
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "trace", "-e", &format!("trace={CHANGES}")]);
    if let Some(number) = kill_at {
        strace.args(["-e", &format!("inject={CHANGES}:signal=SIGKILL:when={number}")]);
    }
    strace.arg(env!("CARGO_BIN_EXE_snn")).args(arguments).current_dir(snn.directory.path());
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()
}

#[test]
fn killed_at_system_calls() {
    let snn = Snn::new();
    if !train(&snn, "whole", None).is_some_and(|status| status.success()) {
        return snn_test_support::skip("strace is not installed, or may not trace here");
    }
    // strace counts in each thread; the one that trains makes the most.
    let mut calls = BTreeMap::<String, u32>::new();
    for line in std::fs::read_to_string(snn.path("trace")).unwrap().lines() {
        *calls.entry(line.split(' ').next().unwrap().to_owned()).or_default() += 1;
    }
    let calls = calls.into_values().max().unwrap();
    let mut kills = 0;
    for number in (1..calls).step_by((calls / 12).max(1) as usize) {
        let directory = format!("killed{number}");
        let status = train(&snn, &directory, Some(number)).unwrap();
        kills += u32::from(status.signal() == Some(9) || status.code() == Some(137));
        let resume = Snn::train(SMALL, &["--quiet", "--resume", "--run-dir", &directory]);
        let ended = snn.run(&resume);
        assert_eq!(ended.code, Some(0), "killed at call {number}: {}", ended.stderr);
        assert_same(&snn.path(&directory), &snn.path("whole"));
    }
    assert!(kills >= 12, "{kills} were killed, with {calls} calls");
}
