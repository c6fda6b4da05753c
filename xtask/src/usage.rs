//! Processor time of the programs we run: the only meaningful time on a shared machine.

use std::{fs, time::Instant};

/// Measures time since [`Stopwatch::start`].
pub(crate) struct Stopwatch {
    begin: Instant,
    processor: Option<f64>,
}

/// The cost of an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usage {
    /// Wall time in seconds.
    pub(crate) wall: f64,
    /// User and system seconds of the programs that ended in it; `None` where the system does not report it.
    pub(crate) processor: Option<f64>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { begin: Instant::now(), processor: of_children() }
    }

    pub(crate) fn stop(&self) -> Usage {
        let processor = of_children().zip(self.processor).map(|(now, then)| now - then);
        Usage { wall: self.begin.elapsed().as_secs_f64(), processor }
    }
}

/// User and system seconds of all finished child processes, including their children.
fn of_children() -> Option<f64> {
    children_in(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Reads `cutime` and `cstime` (proc(5)): the 16th and 17th field of the line, in ticks of 10 ms.
fn children_in(line: &str) -> Option<f64> {
    const TICKS: f64 = 100.0;
    // The second field is the program's name in parentheses, which may contain spaces.
    let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace().skip(13);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticks_of_children_are_read() {
        let line = "42 (a (strange) name) S 1 2 3 4 5 6 7 8 9 10 11 12 250 50 20 0 1";
        assert_eq!(children_in(line), Some(3.0));
        assert_eq!(children_in("nothing of the kind"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_that_computes_costs_processor_time() {
        let stopwatch = Stopwatch::start();
        let count = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done";
        let status = std::process::Command::new("sh").args(["-c", count]).status().expect("a shell");
        let usage = stopwatch.stop();
        assert!(status.success() && usage.wall > 0.0);
        assert!(usage.processor.is_some_and(|seconds| seconds > 0.0), "{usage:?}");
    }
}
