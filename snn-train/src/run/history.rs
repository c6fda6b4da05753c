//! The history of a resumed run, `metrics.jsonl`: it must contain the epochs of the checkpoint, newer records are truncated, and
//! no more than the current epoch is lost without a copy.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use snn_run::{Best, Record, files::METRICS, regular};

use crate::error::Error;

/// The records of a run, line by line.
#[derive(Debug, Default)]
pub(super) struct History {
    path: PathBuf,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    bytes: usize,
    /// `None` if it is incomplete or damaged.
    record: Option<Record>,
    is_whole: bool,
}

impl History {
    /// Reads the records in `directory`; empty if there are none.
    pub(super) fn read(directory: &Path) -> Result<Self, Error> {
        let path = directory.join(METRICS);
        let content = match regular::read(&path, u64::MAX) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io("read the metrics", path)(error)),
        };
        let lines = content.split_inclusive(|&byte| byte == b'\n').map(|line| {
            let is_whole = line.ends_with(b"\n");
            let record = std::str::from_utf8(line).ok().filter(|_| is_whole).and_then(Record::parse);
            Line { bytes: line.len(), record, is_whole }
        });
        Ok(Self { lines: lines.collect(), path })
    }

    /// The last recorded epoch; 0 if there is none.
    pub(super) fn epochs(&self) -> u32 {
        let epochs = self.records().filter_map(|record| match record {
            Record::Epoch(record) => Some(record.epoch),
            _ => None,
        });
        epochs.max().unwrap_or(0)
    }

    /// Whether the run has been tested, and was thus finished.
    pub(super) fn is_tested(&self) -> bool {
        self.records().any(|record| matches!(record, Record::Test(_)))
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.lines.iter().filter_map(|line| line.record.as_ref())
    }

    /// Checks that the first `epochs` epochs are complete, in order and without duplicates, and that the best of them is that of the
    /// checkpoint.
    pub(super) fn check(&self, epochs: u32, best: Option<Best>) -> Result<(), Error> {
        let fail = |reason: String| Err(Error::DamagedHistory { path: self.path.clone(), epochs, reason });
        let mut expected = 1;
        for (number, line) in (1..).zip(&self.lines) {
            let Some(Record::Epoch(record)) = &line.record else { continue };
            if record.epoch > epochs {
                break;
            }
            if record.epoch < expected {
                return fail(format!("epoch {} is repeated in line {number}", record.epoch));
            }
            if record.epoch > expected {
                break;
            }
            let recorded = record.valid.map(|valid| (valid.accuracy, valid.loss));
            if let Some(best) = best.filter(|best| best.epoch == expected)
                && recorded != Some((best.accuracy, best.loss))
            {
                let recorded =
                    recorded.map_or_else(|| "none".to_owned(), |(accuracy, _)| accuracy.to_string());
                return fail(format!(
                    "epoch {expected} has the validation accuracy {recorded} in the file but {} in the checkpoint, so the two are of \
                     different runs",
                    best.accuracy
                ));
            }
            expected += 1;
        }
        if expected > epochs {
            return Ok(());
        }
        let unreadable = |line: &Line| line.is_whole && matches!(line.record, None | Some(Record::Unknown));
        let damaged = self.lines.iter().position(unreadable);
        let damaged =
            damaged.map_or_else(String::new, |line| format!("; line {} cannot be parsed", line + 1));
        fail(format!("epoch {expected} is missing{damaged}"))
    }

    /// Truncates what was recorded after `epoch` epochs and will be recorded again: their records, a test, and an incomplete line
    /// after a kill. If that is more than the current epoch, a copy of the file is kept.
    pub(super) fn cut(&self, epoch: u32) -> Result<(), Error> {
        let is_kept = |line: &&Line| match &line.record {
            Some(Record::Test(_)) => false,
            Some(record) => epoch > 0 && record.epoch().is_none_or(|of| of <= epoch),
            None => epoch > 0 && line.is_whole,
        };
        let kept: usize = self.lines.iter().take_while(is_kept).map(|line| line.bytes).sum();
        let all: usize = self.lines.iter().map(|line| line.bytes).sum();
        if kept == all {
            return Ok(());
        }
        if self.epochs() > epoch.saturating_add(1) {
            let copy = free_name(&self.path);
            fs::copy(&self.path, &copy).map_err(Error::io("keep a copy of the metrics", copy))?;
        }
        let fail = Error::io("cut the metrics", &self.path);
        let file = regular::open_own(File::options().write(true), &self.path);
        file.and_then(|file| file.set_len(kept as u64)).map_err(fail)
    }

    /// Renames the records, for a run that starts over.
    pub(super) fn set_aside(&self) -> Result<(), Error> {
        if self.lines.is_empty() {
            return Ok(());
        }
        fs::rename(&self.path, free_name(&self.path)).map_err(Error::io("rename the metrics", &self.path))
    }
}

/// `metrics.1.jsonl`, or the first free number.
fn free_name(path: &Path) -> PathBuf {
    let names = (1_u32..).map(|number| path.with_extension(format!("{number}.jsonl")));
    names.into_iter().find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: &str, epoch: u32) -> String {
        format!(
            "{{\"version\":1,\"kind\":\"{kind}\",\"epoch\":{epoch},\"valid\":{{\"accuracy\":0.{epoch}}}}}\n"
        )
    }

    fn history(directory: &Path, text: &str) -> History {
        fs::write(directory.join(METRICS), text).unwrap();
        History::read(directory).unwrap()
    }

    #[test]
    fn metrics_newer_than_the_checkpoint_are_truncated() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let old = line("epoch", 1) + &line("warning", 1) + &line("probe", 1) + &line("epoch", 2);
        for new in [
            line("epoch", 3) + &line("warning", 3),
            line("test", 2),
            "{\"version\":1,\"ki".to_owned(),
            String::new(),
        ] {
            history(directory, &(old.clone() + &new)).cut(2).unwrap();
            assert_eq!(fs::read_to_string(directory.join(METRICS)).unwrap(), old);
        }
        assert_eq!(
            fs::read_dir(directory).unwrap().count(),
            1,
            "no copy of records that are repeated immediately"
        );
        History::read(&directory.join("absent")).unwrap().cut(2).unwrap();
        history(directory, &(line("warning", 0) + &line("epoch", 1))).cut(0).unwrap();
        assert_eq!(fs::read_to_string(directory.join(METRICS)).unwrap(), "");

        let long = old + &line("epoch", 3);
        history(directory, &long).cut(1).unwrap();
        history(directory, &long).set_aside().unwrap();
        for copy in ["metrics.1.jsonl", "metrics.2.jsonl"] {
            assert_eq!(fs::read_to_string(directory.join(copy)).unwrap(), long, "{copy}");
        }
        assert!(!directory.join(METRICS).exists());
    }

    #[test]
    fn epochs_of_the_checkpoint_must_be_recorded() {
        let directory = tempfile::tempdir().unwrap();
        let check = |text: &str, epochs, best: Option<u32>| {
            let best = best.map(|epoch| Best { epoch, accuracy: f64::from(epoch) / 10.0, loss: 0.0 });
            history(directory.path(), text).check(epochs, best)
        };
        let lines: Vec<_> = (1..=4).map(|epoch| line("epoch", epoch)).collect();
        let whole = lines.concat();
        for epochs in 0..=4 {
            check(&whole, epochs, Some(epochs.max(1))).unwrap();
        }
        check("", 0, None).unwrap();
        let fails = |text: &str, epochs, words: &str| {
            let error = check(text, epochs, Some(2)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        fails(&whole, 5, "epoch 5 is missing");
        fails(&(lines[0].clone() + &lines[2] + &lines[3]), 4, "epoch 2 is missing");
        fails(&whole.replacen("kind", "kinx", 1), 4, "epoch 1 is missing; line 1 cannot be parsed");
        fails(&(whole.clone() + &lines[1]), 4, "epoch 2 is repeated in line 5");
        fails(&whole.replace("0.2", "0.25"), 4, "0.25 in the file but 0.2 in the checkpoint");
        fails(&whole.replace("0.2", "null"), 4, "epoch 2 is missing; line 2 cannot be parsed");
        fails("", 3, "epoch 1 is missing");
    }
}
