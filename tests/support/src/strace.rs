//! Kills programs at a system call that changes files, by strace's fault injection.

use std::{collections::BTreeMap, path::Path, process::Command};

/// The system calls that change files.
const CHANGES: &str = "openat,write,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,ftruncate,fsync,fdatasync";

/// `program` under strace; the caller adds its arguments. strace writes the trace to the file `trace` in the working directory, and
/// kills the program at call number `kill_at` of the given system call.
#[must_use]
pub fn traced(program: &Path, kill_at: Option<(&str, u32)>) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "trace", "-e", &format!("trace={CHANGES}")]);
    if let Some((name, number)) = kill_at {
        strace.args(["-e", &format!("inject={name}:signal=SIGKILL:when={number}")]);
    }
    strace.arg(program);
    strace
}

/// The calls of the thread that makes the most, with their numbers: strace counts per thread and per name.
#[must_use]
pub fn calls(trace: &str) -> Vec<(&str, u32)> {
    let mut threads = BTreeMap::<&str, (BTreeMap<&str, u32>, Vec<(&str, u32)>)>::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.trim_start().split_once(' ') else { continue };
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        let (counts, calls) = threads.entry(thread).or_default();
        let count = counts.entry(name).or_default();
        *count += 1;
        calls.push((name, *count));
    }
    threads.into_values().map(|(_, calls)| calls).max_by_key(Vec::len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_thread_and_name() {
        let trace =
            "1 openat(3) = 4\n2 write(1) = 1\n1 write(4) = 2\n1 write(4) = 2\n1 +++ exited with 0 +++\n";
        assert_eq!(calls(trace), [("openat", 1), ("write", 1), ("write", 2)]);
    }
}
