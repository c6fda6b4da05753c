//! Reading HDF5 files in a child process.
//!
//! The HDF5 library trusts lengths and places within a file: a damaged one may crash it, or keep it busy for ever. A check
//! beforehand would have to know as much of the format as the library; a process of its own needs to know nothing. So a
//! program names itself (or another) as a helper by [`isolate_hdf5`], the helper reads and writes what it finds to its
//! standard output ([`serve_hdf5`]), and the program takes from there numbers that it checks like those of any file. A
//! helper that dies or that computes without getting anywhere is an error that names the file.
//!
//! Without a helper, files are read in the process itself: open only files whose checksum or origin is known.
//!
//! The helper's output, all numbers little-endian: `snn h5 2`, a message `H` (labels, speakers, words, people), a message
//! `S` for each slice (samples, their lengths, times, units), `D` at the end; or `E`, an error, in place of any. For HDF5 files of
//! other layouts ([`read_isolated_hdf5`], [`serve_isolated_hdf5`]) it is `snn h5 2`, any bytes, and `D`.

use std::ffi::OsString;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::file::SpikeFile;
use super::head::{HDF5, Head, SLICE, Spikes};
use super::protocol::{read_error, read_head, read_numbers, write_error, write_head, write_numbers};
use crate::{Cancel, Error, TimeUnit};

const MAGIC: &[u8; 8] = b"snn h5 2";

/// A helper that computes so long without a word has lost its way: a slice takes milliseconds.
const MAX_CPU: Duration = Duration::from_secs(2);

/// A helper that waits so long, for a disk or a network, waits for nothing.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// Where the time that a process has computed is not to be had.
const MAX_SILENCE: Duration = Duration::from_secs(30);

/// Most memory of a helper: one slice of a sane file takes a fraction of it.
const MAX_MEMORY: u64 = 8 << 30;

static HELPER: OnceLock<(PathBuf, Vec<OsString>)> = OnceLock::new();

/// From now on, this process reads HDF5 files through a helper: `program arguments... PATH UNIT`, which must call
/// [`serve_hdf5`] with its last two arguments. The first call counts. A program that calls [`read_isolated_hdf5`] also gets
/// the name of that layout in place of a unit, and must answer with [`serve_isolated_hdf5`].
///
/// A program may name itself; on Linux `/proc/self/exe` does so even when its file has been replaced meanwhile.
pub fn isolate_hdf5(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = OsString>) {
    let _ = HELPER.set((program.into(), arguments.into_iter().collect()));
}

/// The helper's part: reads a file and writes what is in it, or what is wrong with it, to standard output. Ends the process
/// when its standard input ends, so that no helper outlives its program.
///
/// # Errors
///
/// Those of the standard output.
pub fn serve_hdf5(path: &Path, unit: &str) -> io::Result<()> {
    let integers = unit != TimeUnit::S.to_string();
    answer(|out| match serve(path, integers, out) {
        Ok(()) => out.write_all(b"D"),
        Err(Failure::Output(error)) => Err(error),
        Err(Failure::File(error)) => write_error(out, &error),
    })
}

/// The helper's part for a file of another layout: whatever `write` writes is what [`read_isolated_hdf5`] returns. Ends the
/// process when its standard input ends, as [`serve_hdf5`] does.
///
/// # Errors
///
/// Those of `write` and of the standard output.
pub fn serve_isolated_hdf5(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    answer(|out| {
        write(out)?;
        out.write_all(b"D")
    })
}

fn answer(write: impl FnOnce(&mut BufWriter<io::StdoutLock<'_>>) -> io::Result<()>) -> io::Result<()> {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        std::process::exit(1);
    });
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    out.write_all(MAGIC)?;
    write(&mut out)?;
    out.flush()
}

/// What the helper that [`isolate_hdf5`] has named writes about a file of the layout `layout`: it is started as
/// `program arguments... PATH LAYOUT` and must call [`serve_isolated_hdf5`]. Nothing if no helper was named.
///
/// # Errors
///
/// [`Error::File`] if the HDF5 library crashes on the file or computes without end, or if the helper does not start;
/// [`Error::Cancelled`].
pub fn read_isolated_hdf5(path: &Path, layout: &str) -> Option<Result<Vec<u8>, Error>> {
    Some(Helper::spawn(path, layout)?.and_then(|mut helper| {
        helper.greet()?;
        let mut answer = Vec::new();
        helper.take(|output| output.read_to_end(&mut answer))?;
        match answer.pop() {
            Some(b'D') => Ok(answer),
            _ => Err(helper.ended("its helper ends without a word")),
        }
    }))
}

enum Failure {
    File(Error),
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn serve(path: &Path, integers: bool, out: &mut impl Write) -> Result<(), Failure> {
    let file = SpikeFile::open(path, integers).map_err(Failure::File)?;
    write_head(out, &file.head)?;
    out.flush()?;
    let mut spikes = Spikes::default();
    let samples = file.head.labels.len();
    for begin in (0..samples).step_by(SLICE) {
        file.read(begin..samples.min(begin + SLICE), &mut spikes).map_err(Failure::File)?;
        out.write_all(b"S")?;
        write_numbers(out, &spikes.ends.iter().map(|&end| end as u32).collect::<Vec<_>>(), u32::to_le_bytes)?;
        write_numbers(out, &spikes.times, f32::to_le_bytes)?;
        write_numbers(out, &spikes.units, u32::to_le_bytes)?;
    }
    Ok(())
}

/// A helper that reads a file.
pub(super) struct Helper {
    path: PathBuf,
    output: BufReader<Watched>,
    watch: Arc<Watch>,
    /// What tells the helper that it is still wanted.
    _input: Option<ChildStdin>,
    pub(super) head: Head,
    /// Samples that were read.
    read: usize,
}

impl Helper {
    /// Starts a helper, if there is one to be started.
    pub(super) fn start(path: &Path, unit: TimeUnit) -> Option<Result<Self, Error>> {
        Some(Self::spawn(path, &unit.to_string())?.and_then(|mut helper| {
            helper.greet()?;
            helper.message(b'H')?;
            helper.head = helper.take(read_head)?;
            Ok(helper)
        }))
    }

    fn spawn(path: &Path, word: &str) -> Option<Result<Self, Error>> {
        let (program, arguments) = HELPER.get()?;
        let started = Command::new(program)
            .args(arguments)
            .arg(path)
            .arg(word)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let started =
            started.map_err(|error| Error::io("start the helper that reads HDF5 files", program, &error));
        Some(started.map(|child| Self::of(child, path)))
    }

    fn of(mut child: Child, path: &Path) -> Self {
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let watch = Arc::new(Watch {
            child: Mutex::new(child),
            read: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            done: AtomicBool::new(false),
            verdict: Mutex::new(None),
            cancel: Cancel::current(),
        });
        let watcher = Arc::clone(&watch);
        thread::spawn(move || watcher.run());
        let output = BufReader::with_capacity(1 << 16, Watched { output, watch: Arc::clone(&watch) });
        let path = path.to_owned();
        Self { path, output, watch, _input: input, head: Head::default(), read: 0 }
    }

    /// That it is a helper, and of this version.
    fn greet(&mut self) -> Result<(), Error> {
        let mut magic = [0; 8];
        self.take(|output| output.read_exact(&mut magic))?;
        match &magic == MAGIC {
            true => Ok(()),
            false => Err(self.broken("the helper that reads HDF5 files is of another version")),
        }
    }

    /// Reads the next slice of samples.
    pub(super) fn read(&mut self, count: usize, spikes: &mut Spikes) -> Result<(), Error> {
        self.message(b'S')?;
        spikes.ends.clear();
        let ends = self.take(|output| read_numbers(output, SLICE as u32, u32::from_le_bytes))?;
        spikes.ends.extend(ends.into_iter().map(|end| end as usize));
        spikes.times = self.take(|output| read_numbers(output, u32::MAX, f32::from_le_bytes))?;
        spikes.units = self.take(|output| read_numbers(output, u32::MAX, u32::from_le_bytes))?;
        let last = spikes.ends.last().copied().unwrap_or_default();
        if spikes.ends.len() != count
            || !spikes.ends.is_sorted()
            || [spikes.times.len(), spikes.units.len()] != [last; 2]
        {
            return Err(self.broken("the helper that reads it talks nonsense"));
        }
        self.read += count;
        if self.read == self.head.labels.len() {
            self.message(b'D')?;
        }
        Ok(())
    }

    /// That the next message is of this kind, and no error.
    fn message(&mut self, kind: u8) -> Result<(), Error> {
        let mut found = [0];
        self.take(|output| output.read_exact(&mut found))?;
        match found[0] {
            found if found == kind => Ok(()),
            b'E' => {
                let (place, error) = self.take(read_error)?;
                Err(error.in_file(&self.path, place))
            }
            _ => Err(self.broken("the helper that reads it talks nonsense")),
        }
    }

    /// Takes something from the helper, or says what has become of it.
    fn take<T>(&mut self, read: impl FnOnce(&mut BufReader<Watched>) -> io::Result<T>) -> Result<T, Error> {
        read(&mut self.output).map_err(|error| self.ended(&format!("its helper fails: {error}")))
    }

    /// What has become of a helper that says no more; `otherwise` if it ended well.
    fn ended(&self, otherwise: &str) -> Error {
        if self.watch.cancel.is_cancelled() {
            return Error::Cancelled;
        }
        self.broken(self.watch.end().unwrap_or_else(|| otherwise.to_owned()))
    }

    fn broken(&self, problem: impl Into<String>) -> Error {
        Error::format(HDF5, problem).in_file(&self.path, "the HDF5 library")
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.watch.end();
    }
}

/// The output of a helper, with note of when it is waited for.
struct Watched {
    output: Option<ChildStdout>,
    watch: Arc<Watch>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(output) = &mut self.output else { return Ok(0) };
        self.watch.waiting.store(true, Ordering::Relaxed);
        let read = output.read(buffer);
        self.watch.waiting.store(false, Ordering::Relaxed);
        self.watch.read.fetch_add(*read.as_ref().unwrap_or(&0) as u64, Ordering::Relaxed);
        read
    }
}

/// Sees to it that a helper gets on.
struct Watch {
    child: Mutex<Child>,
    /// Bytes that came from it.
    read: AtomicU64,
    /// Whether somebody waits for more.
    waiting: AtomicBool,
    done: AtomicBool,
    /// Why it was killed.
    verdict: Mutex<Option<&'static str>>,
    /// What ends the reading.
    cancel: Cancel,
}

impl Watch {
    fn run(&self) {
        let process = self.child.lock().unwrap_or_else(PoisonError::into_inner).id();
        let (mut read, mut since, mut computed) = (u64::MAX, Instant::now(), None);
        while !self.done.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(50));
            if self.cancel.is_cancelled() {
                let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).kill();
                return;
            }
            let now = self.read.load(Ordering::Relaxed);
            if now != read || !self.waiting.load(Ordering::Relaxed) {
                (read, since, computed) = (now, Instant::now(), cpu_time(process));
                continue;
            }
            let verdict = match (computed, cpu_time(process)) {
                (Some(before), Some(now)) if now.saturating_sub(before) > MAX_CPU => {
                    Some("the HDF5 library computes without end on it: the file is damaged")
                }
                (Some(_), Some(_)) if since.elapsed() > MAX_WAIT => {
                    Some("nothing came of reading it for 5 minutes")
                }
                (None, _) | (_, None) if since.elapsed() > MAX_SILENCE => {
                    Some("nothing came of reading it for half a minute: the file is damaged, or its disk is")
                }
                _ if memory(process) > MAX_MEMORY => {
                    Some("the HDF5 library takes more than 8 GiB for it: the file is damaged")
                }
                _ => None,
            };
            if verdict.is_some() {
                *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
                let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).kill();
                return;
            }
        }
    }

    /// Ends the helper, and says of what it died if it did not end well.
    fn end(&self) -> Option<String> {
        self.done.store(true, Ordering::Relaxed);
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has closed its output is about to end by itself.
        let begin = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if begin.elapsed() < Duration::from_millis(200) => {
                    thread::sleep(Duration::from_millis(2));
                }
                _ => {
                    let _ = child.kill();
                    break child.wait().ok();
                }
            }
        };
        let verdict = *self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        verdict.map(str::to_owned).or_else(|| status.and_then(cause_of_death))
    }
}

fn cause_of_death(status: ExitStatus) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        match status.signal() {
            Some(2 | 15) => return Some("reading it was interrupted".to_owned()),
            Some(9) => return Some("its helper was killed, for want of memory or by somebody".to_owned()),
            Some(signal) => {
                return Some(format!(
                    "the HDF5 library crashes on it (signal {signal}): the file is damaged"
                ));
            }
            None => {}
        }
    }
    (!status.success()).then(|| format!("its helper fails ({status})"))
}

/// How long a process has computed; nothing where the system does not tell.
fn cpu_time(process: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program may hold anything, and ends with the last parenthesis.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(10 * ticks)) // USER_HZ is 100 on all Linux systems
}

/// Bytes of memory that a process holds; 0 where the system does not tell.
fn memory(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
