//! Available memory, to refuse data that do not fit before allocating: the minimum of the machine's free memory and of what its
//! control groups and limits (`ulimit -v`) leave. Read from Linux's /proc and /sys; on other systems, nothing is refused.
//!
//! A system that overcommits memory, such as Linux, kills the program without a message when the memory is used.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Memory available to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvailableMemory {
    /// Available bytes.
    pub bytes: u64,
    /// The limiting factor: the machine, a control group, `ulimit -v`.
    pub by: &'static str,
}

/// The available memory; `None` where the system does not report it.
pub fn available_memory() -> Option<AvailableMemory> {
    available_below(Path::new("/"))
}

fn available_below(root: &Path) -> Option<AvailableMemory> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let machine = read("proc/meminfo").and_then(|text| kilobytes(&text, "MemAvailable:"));
    let limit = read("proc/self/limits").and_then(|text| address_space(&text));
    let used = read("proc/self/status").and_then(|text| kilobytes(&text, "VmSize:")).unwrap_or(0);
    let limit = limit.map(|limit| limit.saturating_sub(used));
    let groups = read("proc/self/cgroup").and_then(|text| groups(root, &text));
    let bounds =
        [(machine, "the machine"), (groups, "the control group of this process"), (limit, "`ulimit -v`")];
    let bounds = bounds.into_iter().filter_map(|(bytes, by)| Some(AvailableMemory { bytes: bytes?, by }));
    bounds.min_by_key(|bound| bound.bytes)
}

/// The value after `name` in lines such as `MemAvailable:  123 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The soft limit in `Max address space  8192000000  unlimited  bytes`.
fn address_space(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The memory left by control groups, version 1 or 2: a process is in one group and all its ancestors.
fn groups(root: &Path, text: &str) -> Option<u64> {
    let left = text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            left(&root.join("sys/fs/cgroup"), path, ["memory.max", "memory.current"], "inactive_file ")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            let files = ["memory.limit_in_bytes", "memory.usage_in_bytes"];
            left(&root.join("sys/fs/cgroup/memory"), path, files, "total_inactive_file ")
        } else {
            None
        }
    });
    left.min()
}

fn left(mount: &Path, path: &str, [limit, usage]: [&str; 2], inactive: &str) -> Option<u64> {
    let mut group: PathBuf = mount.join(path);
    let mut least = None;
    loop {
        let number = |name: &str| {
            fs::read_to_string(group.join(name)).ok().and_then(|text| text.trim().parse::<u64>().ok())
        };
        // Without a limit the file says `max`, or a number beyond all memory.
        if let (Some(limit), Some(used)) = (number(limit), number(usage)) {
            // The page cache is reclaimed when memory is needed.
            let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
            let cached =
                stat.lines().find_map(|line| line.strip_prefix(inactive)?.trim().parse().ok()).unwrap_or(0);
            let free = limit.saturating_sub(used.saturating_sub(cached));
            least = Some(least.map_or(free, |least: u64| least.min(free)));
        }
        if group == mount || !group.pop() || !group.starts_with(mount) {
            return least;
        }
    }
}

/// Formats a number of bytes.
pub(crate) fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a fake machine: the minimum of all limits applies.
    #[test]
    fn the_smallest_limit_applies() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let found = || available_below(root.path()).map(|found| (found.bytes, found.by));
        assert_eq!(found(), None, "a system that reports nothing");
        write("proc/meminfo", "MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:  8000 kB\n");
        assert_eq!(found(), Some((8000 << 10, "the machine")));
        let limits =
            |soft: &str| format!("Limit  Soft  Hard\nMax address space         {soft}  unlimited  bytes\n");
        write("proc/self/limits", &limits("unlimited"));
        write("proc/self/status", "Name: snn\nVmSize:\t  1000 kB\n");
        assert_eq!(found(), Some((8000 << 10, "the machine")));
        write("proc/self/limits", &limits("4096000"));
        assert_eq!(found(), Some((3000 << 10, "`ulimit -v`")));

        write("proc/self/cgroup", "0::/a/b\n");
        write("sys/fs/cgroup/a/b/memory.max", "max\n");
        write("sys/fs/cgroup/a/b/memory.current", "70000\n");
        assert_eq!(found(), Some((3000 << 10, "`ulimit -v`")));
        write("sys/fs/cgroup/a/memory.max", "100000\n");
        write("sys/fs/cgroup/a/memory.current", "90000\n");
        assert_eq!(found(), Some((10_000, "the control group of this process")));
        write("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 50000\n");
        assert_eq!(found(), Some((60_000, "the control group of this process")));
        write("proc/self/cgroup", "12:cpu:/x\n5:memory:/job\n0::/\n");
        write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "5000\n");
        write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "1000\n");
        assert_eq!(found(), Some((4000, "the control group of this process")));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_reports_its_memory() {
        let found = available_memory().unwrap();
        assert!(found.bytes > 1 << 20 && found.bytes < 1 << 50, "{found:?}");
    }
}
