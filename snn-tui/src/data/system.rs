//! This machine: processors, memory, GPUs, and the processes that train.

use std::{
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use super::{
    gpus::{Gpu, Gpus},
    proc::{Loads, Proc, Process},
};

/// The state of this machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct System {
    pub(crate) host: String,
    /// Load of each processor, 0 to 1.
    pub(crate) processors: Vec<f64>,
    /// Used and all (bytes).
    pub(crate) memory: (u64, u64),
    pub(crate) processes: Vec<Process>,
    /// Why processors, memory and processes are unknown, if so.
    pub(crate) unknown: Option<String>,
    /// The GPUs, or the reason why there are none.
    pub(crate) gpus: Result<Vec<Gpu>, String>,
}

/// The last lines of a trainer's output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Log {
    pub(crate) lines: Vec<String>,
}

/// Measures the machine.
pub(super) struct Machine {
    proc: Proc,
    gpus: Gpus,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { proc: Proc::new(), gpus: Gpus::new() }
    }

    /// Its state, with those of these processes that exist. Loads are averages since the previous call.
    pub(super) fn look(&mut self, pids: &[u32]) -> System {
        let (Loads { processors, memory, processes }, unknown) = match self.proc.look(pids) {
            Ok(loads) => (loads, None),
            Err(reason) => (Loads::default(), Some(reason)),
        };
        let host = self.proc.host().unwrap_or_default();
        System { host, processors, memory, processes, unknown, gpus: self.gpus.look() }
    }
}

/// Number of bytes read from the end of a log.
const LOG_BYTES: u64 = 16 << 10;

impl Log {
    /// The last lines of a file; empty if it does not exist.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut file = match snn_run::regular::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file?,
        };
        let start = file.metadata()?.len().saturating_sub(LOG_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        // A progress bar overwrites its line: only the last text counts.
        let line = |line: &str| crate::widgets::text::clean(line.rsplit('\r').next().unwrap_or(line));
        Ok(Self { lines: text.lines().skip(usize::from(start > 0)).map(line).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_seen() {
        let mut machine = Machine::new();
        let pids = [std::process::id(), u32::MAX - 1];
        let system = machine.look(&pids);
        assert!(system.memory.1 > system.memory.0 && system.memory.0 > 0 && !system.processors.is_empty());
        assert_eq!(system.unknown, None);
        assert!(!system.host.is_empty());
        assert_eq!(system.processes.len(), 1);
        assert!(system.processes[0].memory > 0);
        let begin = std::time::Instant::now();
        let worked = std::iter::repeat_with(|| machine.look(&pids))
            .find(|system| system.processes[0].processors > 0.0 || begin.elapsed().as_secs() > 60);
        assert!(worked.is_some_and(|system| system.processes[0].processors > 0.0), "looking is work");
    }

    #[cfg(not(target_os = "linux"))]
    #[test]
    fn elsewhere_there_is_a_reason() {
        assert!(Machine::new().look(&[]).unknown.is_some_and(|reason| reason.contains("Linux")));
    }

    #[test]
    fn the_end_of_a_log_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        assert_eq!(Log::read(&path).unwrap(), Log::default());
        let long: String = (0..10_000).map(|k| format!("line {k}\n")).collect();
        std::fs::write(&path, long + "10 %\r50 %\r90 %\n\x1b[31mend\n").unwrap();
        let log = Log::read(&path).unwrap();
        assert!(log.lines.len() < 3000 && log.lines[0].starts_with("line "), "{:?}", log.lines.first());
        assert_eq!(log.lines[log.lines.len() - 2..], ["90 %", "\\u001b[31mend"]);
    }
}
