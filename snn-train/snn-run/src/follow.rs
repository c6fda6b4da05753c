//! Following `metrics.jsonl` while it is being written.

use std::{
    io::{self, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
};

use crate::{error::Error, record::Record, regular};

/// Long enough to contain the times at the end of a line, which differ each time a line is written.
const MARK: usize = 256;
/// Read size, to limit the memory for a long history.
const CHUNK: u64 = 1 << 20;
/// Maximum length of a record. Without it, a file without line breaks would be read into memory completely.
const LONGEST_LINE: usize = 16 << 20;

/// Follows `metrics.jsonl` of a run: each [`poll`](Tail::poll) reads what was appended since the last one.
#[derive(Debug)]
pub struct Tail {
    follower: Follower,
    records: Vec<Record>,
}

impl Tail {
    pub(crate) fn new(follower: Follower) -> Self {
        Self { follower, records: Vec::new() }
    }

    pub(crate) fn into_records(self) -> Vec<Record> {
        self.records
    }

    /// All records read so far.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Reads new records. Returns whether [`records`](Tail::records) changed.
    ///
    /// A resumed run truncates records newer than its checkpoint and writes them again: if the part already read has
    /// changed, the file is read again from the beginning.
    ///
    /// # Errors
    /// [`Error::Io`]; a missing file counts as empty.
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

/// News from a [`Follower`].
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// Discard all previous records; the file is read from the beginning.
    Restart,
    /// The next record.
    Record(Box<Record>),
}

/// Like [`Tail`], but passes records on without keeping them.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    offset: u64,
    /// The last bytes before `offset`, to distinguish a file that was truncated and has grown again from one that only grew.
    mark: Vec<u8>,
    /// The beginning of an incomplete line.
    pending: Vec<u8>,
    /// Whether that line is too long for a record, and is skipped.
    is_too_long: bool,
}

impl Follower {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, mark: Vec::new(), pending: Vec::new(), is_too_long: false }
    }

    /// Reads to the end of the file and reports new records, like [`Tail::poll`].
    ///
    /// # Errors
    /// [`Error::Io`]; a missing file counts as empty.
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
            let is_last = (new.len() as u64) < CHUNK;
            for piece in new.split_inclusive(|&byte| byte == b'\n') {
                self.take(piece, &mut tell);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Adds to the current line, and reports it if complete.
    fn take(&mut self, piece: &[u8], tell: &mut impl FnMut(News)) {
        let is_whole = piece.ends_with(b"\n");
        self.is_too_long |= self.pending.len() + piece.len() > LONGEST_LINE;
        if self.is_too_long {
            self.pending = Vec::new();
        } else {
            self.pending.extend_from_slice(piece);
        }
        if !is_whole {
            return;
        }
        if let Some(record) = str::from_utf8(&self.pending).ok().and_then(Record::parse) {
            tell(News::Record(Box::new(record)));
        }
        self.pending.clear();
        self.is_too_long = false;
    }

    /// The content from the mark on: the last bytes read before, unless truncated, followed by new bytes.
    fn read_on(&self) -> io::Result<Vec<u8>> {
        let mut file = regular::open(&self.path)?;
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
        self.is_too_long = false;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::Write as _,
    };

    use super::*;
    use crate::{
        directory::RunDir,
        files::{CONFIG, METRICS},
        record::WarningRecord,
    };

    fn line(epoch: u32) -> String {
        Record::Warning(WarningRecord { epoch, message: "quiet".to_owned() }).to_line() + "\n"
    }

    fn epochs(tail: &Tail) -> Vec<Option<u32>> {
        tail.records().iter().map(Record::epoch).collect()
    }

    /// A minimal run directory.
    fn run() -> (tempfile::TempDir, RunDir) {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(CONFIG), "").unwrap();
        let run = RunDir::open(directory.path()).unwrap();
        (directory, run)
    }

    #[test]
    fn following_handles_growth_partial_lines_and_truncation() {
        let (_directory, run) = run();
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
        assert_eq!(epochs(&tail), [Some(7), Some(8)], "truncated and grown again between two polls");
        fs::remove_file(run.path().join(METRICS)).unwrap();
        assert!(tail.poll().unwrap());
        assert!(tail.records().is_empty());
    }

    #[test]
    fn a_history_longer_than_a_chunk_is_read_completely() {
        let (_directory, run) = run();
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
    fn a_line_without_an_end_takes_neither_time_nor_memory() {
        let (directory, run) = run();
        let begin = std::time::Instant::now();
        let file = File::create(run.path().join(METRICS)).unwrap();
        // Zeros, 200 MB of them in one line.
        file.set_len(200 << 20).unwrap();
        let mut follower = run.follow();
        follower.poll(|news| panic!("{news:?}")).unwrap();
        assert!(follower.pending.len() <= LONGEST_LINE);
        assert!(begin.elapsed() < std::time::Duration::from_secs(5), "{:?}", begin.elapsed());
        let mut file = File::options().append(true).open(run.path().join(METRICS)).unwrap();
        file.write_all(("\n".to_owned() + &line(3)).as_bytes()).unwrap();
        let mut told = Vec::new();
        follower.poll(|news| told.push(news)).unwrap();
        assert!(matches!(&told[..], [News::Record(record)] if record.epoch() == Some(3)), "{told:?}");
        drop(directory);
    }
}
