//! Programs that are killed at a system call by which they change files: the kernel does it, by the injection of strace.

use std::{collections::BTreeMap, path::Path, process::Command};

/// The system calls by which files change.
const CHANGES: &str = "openat,write,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,ftruncate,fsync,fdatasync";

/// `program` under strace, to which its arguments are still to be given. The trace goes to the file `trace` in its working
/// directory; at call number `kill_at` of that name it is killed.
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

/// Every call of the thread that makes the most, with its number: strace counts in each thread, and the calls of each name.
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
