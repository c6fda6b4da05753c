//! Processors, memory and processes, from the files that Linux keeps in `/proc`.

use std::{
    collections::HashMap,
    env, fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

/// The unit of process times, independent of the kernel's clock (`USER_HZ`).
const TICKS: f64 = 100.0;

/// A process that trains.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Number of busy processors, such as 1.5.
    pub(crate) processors: f64,
    /// Memory (bytes).
    pub(crate) memory: u64,
}

/// The previous measurement; loads are relative to it.
pub(super) struct Proc {
    root: PathBuf,
    /// Busy and all ticks of each processor.
    processors: Vec<[u64; 2]>,
    processes: HashMap<u32, Seen>,
}

/// A process at one time.
#[derive(Clone, Copy)]
struct Seen {
    /// Its start time, since process numbers are reused.
    start: u64,
    /// Ticks of processor time.
    ticks: u64,
    at: Instant,
}

/// The machine at one time.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Loads {
    /// Of each processor, 0 to 1.
    pub(super) processors: Vec<f64>,
    /// Used and all (bytes).
    pub(super) memory: (u64, u64),
    pub(super) processes: Vec<Process>,
}

impl Proc {
    pub(super) fn new() -> Self {
        Self::at(Path::new("/proc"))
    }

    fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), processors: Vec::new(), processes: HashMap::new() }
    }

    /// The name of the machine, as in the records of runs.
    pub(super) fn host(&self) -> Option<String> {
        let variable = || env::var("HOSTNAME").or_else(|_| env::var("COMPUTERNAME"));
        let name = self.read("sys/kernel/hostname").or_else(|_| variable()).ok()?;
        Some(name.trim().to_owned())
    }

    /// The state of the machine, with those of these processes that exist, or the reason why it is unknown.
    pub(super) fn look(&mut self, pids: &[u32]) -> Result<Loads, String> {
        if !cfg!(target_os = "linux") && self.root == Path::new("/proc") {
            return Err("processors and memory are shown only on Linux".to_owned());
        }
        let fail = |path: &str, reason: &str| format!("{}: {reason}", self.root.join(path).display());
        let stat = self.read("stat").map_err(|error| fail("stat", &error.to_string()))?;
        let now = processors(&stat).ok_or_else(|| fail("stat", "no times of processors in it"))?;
        let memory = self.read("meminfo").map_err(|error| fail("meminfo", &error.to_string()))?;
        let memory = self::memory(&memory).ok_or_else(|| fail("meminfo", "no sizes of memory in it"))?;

        let before = std::mem::replace(&mut self.processors, now);
        let load = |(k, [busy, all]): (usize, &[u64; 2])| {
            let [busy_before, all_before] = before.get(k).copied().unwrap_or([*busy, *all]);
            let all = all.saturating_sub(all_before);
            if all > 0 { (busy.saturating_sub(busy_before) as f64 / all as f64).min(1.0) } else { 0.0 }
        };
        let processors = self.processors.iter().enumerate().map(load).collect();
        let processes = pids.iter().filter_map(|&pid| self.process(pid)).collect();
        self.processes.retain(|pid, _| pids.contains(pid));
        Ok(Loads { processors, memory, processes })
    }

    fn process(&mut self, pid: u32) -> Option<Process> {
        let (start, ticks) = times(&self.read(&format!("{pid}/stat")).ok()?)?;
        let seen = Seen { start, ticks, at: Instant::now() };
        let before = self.processes.insert(pid, seen).filter(|before| before.start == start);
        let processors = before.map_or(0.0, |before| {
            let seconds = seen.at.duration_since(before.at).as_secs_f64();
            ticks.saturating_sub(before.ticks) as f64 / TICKS / seconds.max(1.0 / TICKS)
        });
        let status = self.read(&format!("{pid}/status")).ok()?;
        // A process that is about to end has no memory.
        Some(Process { pid, processors, memory: kilobytes(&status, "VmRSS:").unwrap_or(0) })
    }

    fn read(&self, path: &str) -> io::Result<String> {
        // Names of processes may contain anything.
        fs::read(self.root.join(path)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Busy and all ticks of each processor: `cpu<n> user nice system idle iowait irq softirq steal guest guest_nice`, where guests
/// are part of user and nice.
fn processors(stat: &str) -> Option<Vec<[u64; 2]>> {
    let numbered = stat.lines().filter(|line| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|sign: char| sign.is_ascii_digit()))
    });
    let ticks = |line: &str| {
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).take(8).map_while(|ticks| ticks.parse().ok()).collect();
        let [_, _, _, idle, ..] = ticks[..] else { return None };
        let all: u64 = ticks.iter().sum();
        Some([all - idle - ticks.get(4).copied().unwrap_or(0), all])
    };
    let processors: Vec<_> = numbered.map(ticks).collect::<Option<_>>()?;
    (!processors.is_empty()).then_some(processors)
}

/// Used and all memory (bytes).
fn memory(meminfo: &str) -> Option<(u64, u64)> {
    let all = kilobytes(meminfo, "MemTotal:")?;
    // Reclaimable memory counts as free. Linux before 3.14 does not report it.
    let free = kilobytes(meminfo, "MemAvailable:").or_else(|| kilobytes(meminfo, "MemFree:"))?;
    Some((all.saturating_sub(free), all))
}

/// The size behind a name, `VmRSS:  1234 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let size = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(size.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The start time and the processor ticks of a process: fields 22, and 14 and 15, of `pid (name) state ...`, where the name may
/// contain anything.
fn times(stat: &str) -> Option<(u64, u64)> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some((field(22)?, field(14)? + field(15)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "cpu  40 0 40 120 0 0 0 0 0 0\ncpu0 20 0 20 60 0 0 0 0 0 0\ncpu1 20 0 20 55 5 0 0 0 0 0\nintr 17\n";
    const LATER: &str = "cpu  0\ncpu0 50 0 20 70 0 0 0 0 0 0\ncpu1 20 0 20 65 15 0 0 0 0 0\n";
    const MEMORY: &str = "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:   12000 kB\n";

    #[test]
    fn loads_are_averages_between_looks() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let process = |ticks: u64, start: u64| {
            write(
                "7/stat",
                &format!(
                    "7 (a) b) (c) R {} {ticks} 3 {} {start} 0",
                    "0 ".repeat(10).trim(),
                    "0 ".repeat(6).trim()
                ),
            );
            write("7/status", "Name:\ta\nVmRSS:\t   2000 kB\n");
        };
        write("stat", STAT);
        write("meminfo", MEMORY);
        process(100, 5);
        let mut proc = Proc::at(root.path());
        let first = proc.look(&[7, 8]).unwrap();
        let seen = Process { pid: 7, processors: 0.0, memory: 2000 << 10 };
        let memory = (4000 << 10, 16_000 << 10);
        assert_eq!(first, Loads { processors: vec![0.0; 2], memory, processes: vec![seen.clone()] });

        write("stat", LATER);
        process(1_000_100, 5);
        let second = proc.look(&[7]).unwrap();
        assert_eq!(second.processors, [0.75, 0.0]);
        assert!(second.processes[0].processors > 0.0, "{second:?}");
        // Another process with the same number.
        process(2_000_100, 6);
        assert_eq!(proc.look(&[7]).unwrap().processes, [seen]);
    }

    #[test]
    fn unreadable_files_give_the_reason() {
        let root = tempfile::tempdir().unwrap();
        let mut proc = Proc::at(root.path());
        assert!(proc.look(&[]).is_err_and(|reason| reason.contains("stat: ")));
        fs::write(root.path().join("stat"), "cpu0 1 2\n").unwrap();
        assert!(proc.look(&[]).is_err_and(|reason| reason.ends_with("stat: no times of processors in it")));
        fs::write(root.path().join("stat"), STAT).unwrap();
        fs::write(root.path().join("meminfo"), "MemTotal: much\n").unwrap();
        assert!(proc.look(&[]).is_err_and(|reason| reason.ends_with("meminfo: no sizes of memory in it")));
    }
}
