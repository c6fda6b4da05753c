//! Progress on standard error: a bar on a terminal, occasional lines elsewhere.

use std::{
    io::IsTerminal as _,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{DecimalBytes, HumanDuration, ProgressBar, ProgressStyle};
use snn_terminal::{escape, print_error};

/// Interval between two lines about the same file.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows the progress.
pub(crate) struct Display {
    kind: Kind,
    current: Mutex<Current>,
}

enum Kind {
    Bar,
    Lines,
    #[cfg(test)]
    Memory(Mutex<Vec<String>>),
}

/// The current file.
struct Current {
    what: String,
    total: Option<u64>,
    done: u64,
    begin: Instant,
    /// Bytes present at the start.
    offset: u64,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Display {
    /// A bar if standard error is a terminal.
    pub(crate) fn new() -> Self {
        Self::of(if std::io::stderr().is_terminal() { Kind::Bar } else { Kind::Lines })
    }

    fn of(kind: Kind) -> Self {
        Self { kind, current: Mutex::new(Current::new("", None, 0)) }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with a file of `total` bytes, if known, of which `done` are present.
    pub(crate) fn begin(&self, what: &str, total: Option<u64>, done: u64) {
        self.end();
        let mut current = Current::new(what, total, done);
        if matches!(self.kind, Kind::Bar) {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            bar.set_style(style(total.is_some()));
            bar.set_message(escape(what).into_owned());
            bar.set_position(done);
            // The rate covers only new bytes.
            bar.reset_eta();
            current.bar = Some(bar);
        }
        *self.current() = current;
    }

    /// Adds this number of bytes.
    pub(crate) fn advance(&self, bytes: u64) {
        let mut current = self.current();
        current.done += bytes;
        if let Some(bar) = &current.bar {
            bar.inc(bytes);
        } else if matches!(self.kind, Kind::Lines) && current.told.elapsed() >= LINE_EVERY {
            current.told = Instant::now();
            let line = current.line();
            drop(current);
            self.say(&line);
        }
    }

    /// Ends the work on the file, without reporting the outcome.
    pub(crate) fn end(&self) {
        if let Some(bar) = self.current().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Prints a message.
    pub(crate) fn say(&self, line: &str) {
        #[cfg(test)]
        if let Kind::Memory(lines) = &self.kind {
            return lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        }
        match &self.current().bar {
            Some(bar) => bar.suspend(|| print_error!("{line}")),
            None => print_error!("{line}"),
        }
    }
}

impl Current {
    fn new(what: &str, total: Option<u64>, done: u64) -> Self {
        let now = Instant::now();
        Self { what: what.to_owned(), total, done, begin: now, offset: done, told: now, bar: None }
    }

    fn line(&self) -> String {
        let rate = (self.done - self.offset) as f64 / self.begin.elapsed().as_secs_f64().max(1e-3);
        let done = DecimalBytes(self.done);
        let speed = DecimalBytes(rate as u64);
        match self.total {
            Some(total) => {
                let left = Duration::from_secs_f64(
                    (total.saturating_sub(self.done) as f64 / rate.max(1.0)).min(1e9),
                );
                let total = DecimalBytes(total);
                format!("{}: {done} of {total}, {speed}/s, {} left", self.what, HumanDuration(left))
            }
            None => format!("{}: {done}, {speed}/s", self.what),
        }
    }
}

fn style(known: bool) -> ProgressStyle {
    let template = if known {
        "{wide_msg} {bar:16} {decimal_bytes:>9} of {decimal_total_bytes:>9} {decimal_bytes_per_sec:>11} {eta:>4}"
    } else {
        "{wide_msg} {spinner} {decimal_bytes:>9} {decimal_bytes_per_sec:>11}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// For tests: keeps the messages.
#[cfg(test)]
impl Display {
    pub(crate) fn memory() -> Self {
        Self::of(Kind::Memory(Mutex::default()))
    }

    pub(crate) fn said(&self) -> Vec<String> {
        let Kind::Memory(lines) = &self.kind else { return Vec::new() };
        lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
