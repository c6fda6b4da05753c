//! Reading run directories while others write them.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{CONFIG, ENVIRONMENT, Environment, METRICS, Record, STATUS, STOP, Status};
use crate::error::{Error, Place};

/// A run directory, opened for reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Opens the run at `path`.
    ///
    /// # Errors
    /// [`Error::NotARun`] if no `config.toml` lies there.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        if path.join(CONFIG).is_file() {
            Ok(Self { path })
        } else {
            Err(Error::NotARun { path, missing: CONFIG })
        }
    }

    /// Where the run lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the run: the last part of its path.
    #[must_use]
    pub fn id(&self) -> String {
        let name = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        name.file_name().unwrap_or(name.as_os_str()).to_string_lossy().into_owned()
    }

    /// The resolved experiment as plain TOML, so that a reader shows keys that it does not know;
    /// `Experiment::load` reads the same file as a typed value.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Syntax`].
    pub fn config(&self) -> Result<toml::Table, Error> {
        let path = self.path.join(CONFIG);
        let text = fs::read_to_string(&path).map_err(Error::io("read the experiment", &path))?;
        text.parse().map_err(|error: toml::de::Error| Error::Syntax {
            place: Place::of(&error, &text, &path.display().to_string()),
            message: error.message().to_owned(),
        })
    }

    /// The state of the run now.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::DamagedFile`].
    pub fn status(&self) -> Result<Status, Error> {
        self.json("status", STATUS)
    }

    /// Under which circumstances the run was made.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::DamagedFile`].
    pub fn environment(&self) -> Result<Environment, Error> {
        self.json("environment", ENVIRONMENT)
    }

    /// Everything recorded so far. A run that has not recorded anything has no records.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn records(&self) -> Result<Vec<Record>, Error> {
        let mut tail = self.tail();
        tail.poll()?;
        Ok(std::mem::take(&mut tail.records))
    }

    /// Follows the records as they are written.
    #[must_use]
    pub fn tail(&self) -> Tail {
        Tail { follower: self.follow(), records: Vec::new() }
    }

    /// Follows the records as they are written, and keeps none.
    #[must_use]
    pub fn follow(&self) -> Follower {
        Follower::new(self.path.join(METRICS))
    }

    /// The whole records in the last `bytes` of the file: what the end of a long history says, at a small price.
    ///
    /// # Errors
    /// [`Error::Io`]; a file that is not there yet is empty.
    pub fn recent(&self, bytes: u64) -> Result<Vec<Record>, Error> {
        let path = self.path.join(METRICS);
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            let start = file.metadata()?.len().saturating_sub(bytes);
            file.seek(SeekFrom::Start(start))?;
            let mut end = Vec::new();
            file.take(bytes).read_to_end(&mut end)?;
            Ok(end)
        };
        match read() {
            Ok(end) => {
                let whole = end.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                let lines = end[..whole].split(|&byte| byte == b'\n');
                // The first line may have lost its beginning: then it is no JSON.
                Ok(lines.filter_map(|line| Record::parse(std::str::from_utf8(line).ok()?)).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::io("read the metrics", path)(error)),
        }
    }

    /// Asks whoever trains the run to end it cleanly after the current batch. A run that is not being trained keeps the
    /// request, and the next one who trains it is told.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn request_stop(&self) -> Result<(), Error> {
        let path = self.path.join(STOP);
        File::create(&path).map(drop).map_err(Error::io("ask for a stop", path))
    }

    /// The checkpoint of the best or of the last epoch.
    ///
    /// # Errors
    /// Those of [`Checkpoint::load`](crate::Checkpoint::load).
    #[cfg(feature = "trainer")]
    pub fn checkpoint(&self, which: crate::experiment::Selection) -> Result<crate::Checkpoint, Error> {
        crate::Checkpoint::load(super::checkpoint_path(&self.path, which))
    }

    fn json<T: DeserializeOwned>(&self, what: &'static str, name: &str) -> Result<T, Error> {
        let path = self.path.join(name);
        let bytes = fs::read(&path).map_err(Error::io("read a file of the run", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| Error::DamagedFile {
            what,
            path,
            reason: error.to_string(),
        })
    }
}

/// The runs in a directory such as `runs`, by name, hence by time.
///
/// # Errors
/// [`Error::Io`] if the directory cannot be read.
pub fn list(directory: impl AsRef<Path>) -> Result<Vec<RunDir>, Error> {
    let directory = directory.as_ref();
    let entries = fs::read_dir(directory).map_err(Error::io("list the runs", directory))?;
    // An entry that vanishes or is no run while we look is none of ours.
    let mut runs: Vec<_> = entries.flatten().filter_map(|entry| RunDir::open(entry.path()).ok()).collect();
    runs.sort();
    Ok(runs)
}

/// Long enough to hold the times at the end of a line, which no two writings share.
const MARK: usize = 256;
/// Read at once, so that a long history takes no more memory than what is made of it.
const CHUNK: u64 = 1 << 20;

/// Follows `metrics.jsonl` of a run: each [`poll`](Tail::poll) reads what has been appended since the one before.
#[derive(Debug)]
pub struct Tail {
    follower: Follower,
    records: Vec<Record>,
}

impl Tail {
    /// Everything read so far.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Reads on. Returns whether [`records`](Tail::records) changed.
    ///
    /// A resumed run cuts off records newer than its checkpoint and writes them again: a file whose part read so far
    /// is no longer what it was is read anew.
    ///
    /// # Errors
    /// [`Error::Io`]; a file that is not there yet is empty.
    pub fn poll(&mut self) -> Result<bool, Error> {
        let mut changed = false;
        self.follower.poll(|news| match news {
            News::Restart => {
                changed |= !self.records.is_empty();
                self.records.clear();
            }
            News::Record(record) => {
                changed = true;
                self.records.push(*record);
            }
        })?;
        Ok(changed)
    }
}

/// What a [`Follower`] has to tell.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// What was told before is void; the file is read from its beginning.
    Restart,
    /// The next record.
    Record(Box<Record>),
}

/// As [`Tail`], for readers who keep less than every record: it hands them on and forgets them.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    offset: u64,
    /// The last bytes before `offset`, by which a file that was cut and has grown again is told from one that only grew.
    mark: Vec<u8>,
    /// The beginning of a line whose end is not written yet.
    pending: Vec<u8>,
}

impl Follower {
    fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, mark: Vec::new(), pending: Vec::new() }
    }

    /// Reads on to the end of the file and tells what is new, as [`Tail::poll`] does.
    ///
    /// # Errors
    /// [`Error::Io`]; a file that is not there yet is empty.
    pub fn poll(&mut self, mut tell: impl FnMut(News)) -> Result<(), Error> {
        loop {
            let bytes = match self.read_on() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.restart(&mut tell);
                    return Ok(());
                }
                Err(error) => return Err(Error::io("read the metrics", &self.path)(error)),
            };
            let Some(new) = bytes.strip_prefix(self.mark.as_slice()) else {
                self.restart(&mut tell);
                continue;
            };
            self.offset += new.len() as u64;
            self.mark = bytes[bytes.len().saturating_sub(MARK)..].to_vec();
            self.pending.extend_from_slice(new);

            let whole = self.pending.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            for line in self.pending.drain(..whole).as_slice().split(|&byte| byte == b'\n') {
                if let Some(record) = std::str::from_utf8(line).ok().and_then(Record::parse) {
                    tell(News::Record(Box::new(record)));
                }
            }
            if (new.len() as u64) < CHUNK {
                return Ok(());
            }
        }
    }

    /// What comes from the mark on: the last bytes read before, if nobody has cut them off, then what is new.
    fn read_on(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset - self.mark.len() as u64))?;
        let mut bytes = Vec::new();
        file.take(self.mark.len() as u64 + CHUNK).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn restart(&mut self, tell: &mut impl FnMut(News)) {
        if self.offset > 0 {
            tell(News::Restart);
        }
        self.offset = 0;
        self.mark.clear();
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::run::WarningRecord;

    fn line(epoch: u32) -> String {
        Record::Warning(WarningRecord { epoch, message: "quiet".to_owned() }).to_line() + "\n"
    }

    fn epochs(tail: &Tail) -> Vec<Option<u32>> {
        tail.records().iter().map(Record::epoch).collect()
    }

    #[test]
    fn a_tail_reads_on_keeps_torn_lines_and_notices_a_cut() {
        let directory = tempfile::tempdir().unwrap();
        let run = RunDir { path: directory.path().to_owned() };
        let mut tail = run.tail();
        assert!(!tail.poll().unwrap(), "no file yet");

        let mut file = File::create(run.path().join(METRICS)).unwrap();
        let second = line(2);
        let (head, rest) = second.split_at(20);
        file.write_all((line(1) + "not json\n" + head).as_bytes()).unwrap();
        assert!(tail.poll().unwrap());
        assert_eq!(epochs(&tail), [Some(1)]);
        assert!(!tail.poll().unwrap());

        file.write_all(rest.as_bytes()).unwrap();
        assert!(tail.poll().unwrap());
        assert_eq!(epochs(&tail), [Some(1), Some(2)]);
        assert_eq!(run.records().unwrap().len(), 2);

        file.set_len(line(1).len() as u64).unwrap();
        assert!(tail.poll().unwrap());
        assert_eq!(epochs(&tail), [Some(1)]);

        fs::write(run.path().join(METRICS), line(7) + &line(8)).unwrap();
        assert!(tail.poll().unwrap());
        assert_eq!(epochs(&tail), [Some(7), Some(8)], "cut and grown again between two looks");
        fs::remove_file(run.path().join(METRICS)).unwrap();
        assert!(tail.poll().unwrap());
        assert!(tail.records().is_empty());
    }

    #[test]
    fn the_end_of_a_history_is_read_without_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let run = RunDir { path: directory.path().to_owned() };
        assert!(run.recent(1000).unwrap().is_empty());
        let lines: String = (0..1000).map(line).collect();
        fs::write(run.path().join(METRICS), lines.clone() + "{\"kind\":\"warn").unwrap();
        let recent = run.recent(1000).unwrap();
        assert!(recent.len() > 5 && recent.len() < 20, "{}", recent.len());
        assert_eq!(recent.last().and_then(Record::epoch), Some(999));
        assert_eq!(run.recent(1 << 30).unwrap().len(), 1000);
    }

    #[test]
    fn a_history_longer_than_a_chunk_is_told_whole() {
        let directory = tempfile::tempdir().unwrap();
        let run = RunDir { path: directory.path().to_owned() };
        let number = 3 * CHUNK as u32 / line(0).len() as u32;
        fs::write(run.path().join(METRICS), (0..number).map(line).collect::<String>()).unwrap();
        let (mut follower, mut told) = (run.follow(), Vec::new());
        follower.poll(|news| told.push(news)).unwrap();
        let epochs = told.iter().filter_map(|news| match news {
            News::Record(record) => record.epoch(),
            News::Restart => None,
        });
        assert!(epochs.eq(0..number) && told.len() == number as usize);

        fs::write(run.path().join(METRICS), line(5)).unwrap();
        told.clear();
        follower.poll(|news| told.push(news)).unwrap();
        assert!(matches!(&told[..], [News::Restart, News::Record(_)]));
    }

    #[test]
    fn a_stop_is_asked_for_by_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let run = RunDir { path: directory.path().to_owned() };
        run.request_stop().unwrap();
        assert!(directory.path().join(STOP).exists());
        drop(directory);
        assert!(run.request_stop().unwrap_err().to_string().contains("stop"));
    }

    #[test]
    fn what_is_no_run_is_said_to_be_none() {
        let directory = tempfile::tempdir().unwrap();
        let error = RunDir::open(directory.path()).unwrap_err();
        assert!(matches!(error, Error::NotARun { .. }), "{error}");
        fs::write(directory.path().join(CONFIG), "[data\n").unwrap();
        let run = RunDir::open(directory.path()).unwrap();
        let error = run.config().unwrap_err().to_string();
        assert!(error.contains("config.toml:1"), "{error}");
        fs::write(directory.path().join(STATUS), "{").unwrap();
        assert!(matches!(run.status(), Err(Error::DamagedFile { .. })));
        assert!(matches!(run.environment(), Err(Error::Io { .. })));
    }

    #[test]
    fn runs_are_listed_by_name() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b", "a", "no-run"] {
            fs::create_dir(directory.path().join(name)).unwrap();
            if name != "no-run" {
                fs::write(directory.path().join(name).join(CONFIG), "").unwrap();
            }
        }
        let ids: Vec<_> = list(directory.path()).unwrap().iter().map(RunDir::id).collect();
        assert_eq!(ids, ["a", "b"]);
    }
}
