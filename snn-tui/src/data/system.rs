//! This machine: processors, memory, GPUs, and the processes that train.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use nvml_wrapper::{Nvml, enum_wrappers::device::TemperatureSensor};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate};

/// How this machine stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct System {
    pub(crate) host: String,
    /// Load of each processor, 0 to 1.
    pub(crate) processors: Vec<f64>,
    /// Used and all (bytes).
    pub(crate) memory: (u64, u64),
    pub(crate) processes: Vec<Process>,
    /// The GPUs, or why none is seen.
    pub(crate) gpus: Result<Vec<Gpu>, String>,
}

/// A process that trains.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Processors that it keeps busy: 1.5 are one and a half.
    pub(crate) processors: f64,
    /// Memory (bytes).
    pub(crate) memory: u64,
}

/// A GPU.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Gpu {
    pub(crate) name: String,
    /// Load, 0 to 1.
    pub(crate) load: Option<f64>,
    /// Used and all (bytes).
    pub(crate) memory: Option<(u64, u64)>,
    /// Degrees Celsius.
    pub(crate) temperature: Option<u32>,
    /// Watts.
    pub(crate) power: Option<f64>,
}

/// The end of what a trainer has printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Log {
    pub(crate) lines: Vec<String>,
}

/// Looks at the machine.
pub(super) struct Machine {
    system: sysinfo::System,
    nvml: Result<Nvml, String>,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self { system: sysinfo::System::new(), nvml: Nvml::init().map_err(|error| error.to_string()) }
    }

    /// How it stands, with these processes as far as they are there. Loads count from one look to the next.
    pub(super) fn look(&mut self, pids: &[u32]) -> System {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        let pids: Vec<_> = pids.iter().copied().map(Pid::from_u32).collect();
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, kind);
        let process = |pid: &Pid| {
            let process = self.system.process(*pid)?;
            let processors = f64::from(process.cpu_usage()) / 100.0;
            Some(Process { pid: pid.as_u32(), processors, memory: process.memory() })
        };
        System {
            host: sysinfo::System::host_name().unwrap_or_default(),
            processors: self.system.cpus().iter().map(|cpu| f64::from(cpu.cpu_usage()) / 100.0).collect(),
            memory: (self.system.used_memory(), self.system.total_memory()),
            processes: pids.iter().filter_map(process).collect(),
            gpus: self.nvml.as_ref().map_err(Clone::clone).and_then(gpus),
        }
    }
}

fn gpus(nvml: &Nvml) -> Result<Vec<Gpu>, String> {
    let count = nvml.device_count().map_err(|error| error.to_string())?;
    let gpu = |index| {
        let device = nvml.device_by_index(index).ok()?;
        Some(Gpu {
            name: device.name().unwrap_or_default(),
            load: device.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
            memory: device.memory_info().ok().map(|memory| (memory.used, memory.total)),
            temperature: device.temperature(TemperatureSensor::Gpu).ok(),
            power: device.power_usage().ok().map(|milliwatts| f64::from(milliwatts) / 1000.0),
        })
    };
    Ok((0..count).filter_map(gpu).collect())
}

/// As much of the end of a log as is read.
const LOG_BYTES: u64 = 16 << 10;

impl Log {
    /// The last lines of a file, or of nothing if it is not there.
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
        // A bar of progress writes over its line: what counts is what stands there last.
        let line = |line: &str| crate::widgets::text::clean(line.rsplit('\r').next().unwrap_or(line));
        Ok(Self { lines: text.lines().skip(usize::from(start > 0)).map(line).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen() {
        let mut machine = Machine::new();
        let system = machine.look(&[std::process::id(), u32::MAX - 1]);
        assert!(system.memory.1 > 0 && !system.processors.is_empty());
        assert_eq!(system.processes.len(), 1);
        assert!(system.processes[0].memory > 0);
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
        assert_eq!(log.lines[log.lines.len() - 2..], ["90 %", " [31mend"]);
    }
}
