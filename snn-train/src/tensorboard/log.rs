//! The event file of a run.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use snn_run::{files::EVENTS, regular, unix_time};

use super::{
    message::{Message, Value, fields, nested},
    record,
    summary::TEST,
};

const SUFFIX: &str = ".snn";
/// Maximum size of a file to continue.
const MOST_EVENTS: u64 = 4 << 30;
/// Not a TensorBoard file name, so that an unfinished file is not read.
const TEMPORARY: &str = ".tensorboard.tmp";

/// An event file to which a run adds.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// The end of the last complete event.
    length: u64,
}

/// Event payloads by step.
pub(super) type Steps = BTreeMap<u64, Vec<u8>>;

impl Log {
    /// Starts a file with these events, then empties the previous one, which is removed by the next start: a running
    /// TensorBoard moves to the new file at the end of the old one, but not if that is missing.
    pub(super) fn begin(directory: &Path, steps: &Steps) -> io::Result<Self> {
        let old = files(directory)?;
        // Readers process files in the order of their names, so a clock set back must not matter.
        let number = old.last().map_or(0, |(number, _)| number + 1).max(unix_time() as u64);
        let mut content = Vec::new();
        let event = Message::default().double(1, unix_time());
        record::append(&mut content, event.clone().bytes(3, "brain.Event:2").as_ref());
        // SessionLog { status: START } at step 0: a running TensorBoard discards what it has read so far.
        record::append(&mut content, event.bytes(7, Message::default().varint(1, 1)).as_ref());
        steps.values().for_each(|event| record::append(&mut content, event));

        let temporary = directory.join(TEMPORARY);
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = File::options().append(true).create_new(true).open(&temporary)?;
        file.write_all(&content)?;
        fs::rename(&temporary, directory.join(format!("{EVENTS}{number:010}{SUFFIX}")))?;
        for (_, path) in old {
            let file = regular::open_own(File::options().write(true), &path)?;
            if file.metadata()?.len() == 0 { fs::remove_file(path)? } else { file.set_len(0)? }
        }
        Ok(Self { file, length: content.len() as u64 })
    }

    pub(super) fn append(&mut self, event: &[u8]) -> io::Result<()> {
        let mut record = Vec::new();
        record::append(&mut record, event);
        if self.file.metadata()?.len() != self.length {
            // A temporarily full disk may have left a partial event, after which nothing could be read.
            self.file.set_len(self.length)?;
        }
        self.file.write_all(&record)?;
        self.length += record.len() as u64;
        Ok(())
    }
}

/// An event with a summary.
pub(super) fn event(wall_time: f64, step: u32, summary: Message) -> Vec<u8> {
    let event = Message::default().double(1, wall_time).varint(2, step.into()).bytes(5, summary);
    event.as_ref().to_vec()
}

/// The events of the newest file up to a step, without those of tests, which will be written again.
pub(super) fn read(directory: &Path, until: u32) -> io::Result<Steps> {
    // A file is renamed once it contains everything kept from the previous ones.
    let Some((_, newest)) = files(directory)?.pop() else { return Ok(Steps::new()) };
    let content = regular::read(newest, MOST_EVENTS)?;
    let is_kept = |(step, event): &(u64, &[u8])| {
        let mut values = nested(event, 5).flat_map(|summary| nested(summary, 1)).peekable();
        *step <= until.into()
            && values.peek().is_some()
            && !values.any(|value| nested(value, 1).any(|tag| tag.ends_with(TEST.as_bytes())))
    };
    let events = record::payloads(&content).into_iter().map(|event| (step(event), event)).filter(is_kept);
    Ok(events.map(|(step, event)| (step, event.to_vec())).collect())
}

/// The number of events in these bytes, parsing all their fields.
pub(crate) fn count(bytes: &[u8]) -> usize {
    let events = record::payloads(bytes);
    for event in &events {
        let values = nested(event, 5).flat_map(|summary| nested(summary, 1));
        values.for_each(|value| fields(value).for_each(drop));
        step(event);
    }
    events.len()
}

fn step(event: &[u8]) -> u64 {
    let step = |field| if let (2, Value::Varint(step)) = field { Some(step) } else { None };
    fields(event).find_map(step).unwrap_or(0)
}

/// Our event files with their numbers, newest last.
fn files(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_str().unwrap_or_default();
        let number = name.strip_prefix(EVENTS).and_then(|name| name.strip_suffix(SUFFIX));
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(tag: &str) -> Message {
        Message::default().bytes(1, Message::default().bytes(1, tag).float(2, 1.0))
    }

    fn steps(directory: &Path, until: u32) -> Vec<u64> {
        read(directory, until).unwrap().into_keys().collect()
    }

    #[test]
    fn kept_events_go_into_one_new_file() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        assert!(read(directory, 9).unwrap().is_empty());
        let mut log = Log::begin(directory, &Steps::new()).unwrap();
        for step in [0, 1, 2, 3] {
            log.append(&event(f64::from(step), step, summary("loss/train"))).unwrap();
        }
        log.append(&event(4.0, 3, summary("loss/test"))).unwrap();
        assert_eq!(steps(directory, 9), [0, 1, 2, 3]);
        let kept = read(directory, 2).unwrap();
        assert_eq!(kept[&2], event(2.0, 2, summary("loss/train")));

        // A clock that was wrong, and a process killed before it removed the older file.
        let (_, old) = files(directory).unwrap().remove(0);
        let future = directory.join("events.out.tfevents.9000000000.snn");
        fs::rename(&old, &future).unwrap();
        fs::write(&old, fs::read(&future).unwrap()).unwrap();
        fs::write(directory.join(TEMPORARY), "half of it").unwrap();
        fs::write(directory.join("events.out.tfevents.1.other"), "not ours").unwrap();
        let mut log = Log::begin(directory, &kept).unwrap();
        let numbers = || files(directory).unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(numbers().last(), Some(&9_000_000_001));
        let empty = || {
            let sizes =
                files(directory).unwrap().into_iter().map(|(_, path)| fs::metadata(path).unwrap().len());
            sizes.map(|size| size == 0).collect::<Vec<_>>()
        };
        assert_eq!(empty(), [true, true, false]);
        log.append(&event(0.0, 3, summary("loss/train"))).unwrap();
        assert_eq!(steps(directory, 9), [0, 1, 2, 3]);
        Log::begin(directory, &kept).unwrap();
        assert_eq!(empty(), [true, false]);
        assert_eq!(fs::read_dir(directory).unwrap().count(), 3, "two of ours and the other one");
    }

    #[test]
    fn events_after_a_partial_event_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let mut log = Log::begin(directory, &Steps::new()).unwrap();
        log.append(&event(0.0, 1, summary("a"))).unwrap();
        log.file.write_all(b"half an event").unwrap();
        assert_eq!(steps(directory, 9), [1], "an incomplete end is skipped");
        log.append(&event(0.0, 2, summary("a"))).unwrap();
        assert_eq!(steps(directory, 9), [1, 2]);
    }
}
