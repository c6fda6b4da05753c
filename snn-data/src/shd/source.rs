//! A file, whoever reads it, and which classes its labels are.

use std::path::{Path, PathBuf};

use super::file::{HDF5, Head, SpikeFile};
use super::isolate::Helper;
use crate::{ClassOrder, Error, TimeUnit};

/// Most classes that the largest label may make without words for them, if hardly any of them has samples: more come from a
/// damaged label.
const MAX_EMPTY_CLASSES: usize = 256;

/// A file, and who reads it.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) reader: Reader,
}

pub(super) enum Reader {
    Direct(SpikeFile),
    Helper(Box<Helper>),
}

impl Source {
    pub(super) fn open(path: &Path, unit: TimeUnit) -> Result<Self, Error> {
        // The HDF5 library reports a missing file in a page of text, and waits for a pipe.
        let io = |error| Error::io("read the HDF5 file", path, &error);
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(Error::format(HDF5, "it is not a regular file").in_file(path, "type"));
        }
        let reader = match Helper::start(path, unit) {
            Some(helper) => Reader::Helper(Box::new(helper?)),
            None => Reader::Direct(SpikeFile::open(path, unit != TimeUnit::S)?),
        };
        let source = Self { path: path.to_owned(), reader };
        if source.head().labels.is_empty() {
            return Err(Error::format(HDF5, "it holds no sample").in_file(path, "labels"));
        }
        Ok(source)
    }

    pub(super) fn head(&self) -> &Head {
        match &self.reader {
            Reader::Direct(file) => &file.head,
            Reader::Helper(helper) => &helper.head,
        }
    }

    pub(super) fn head_mut(&mut self) -> &mut Head {
        match &mut self.reader {
            Reader::Direct(file) => &mut file.head,
            Reader::Helper(helper) => &mut helper.head,
        }
    }

    pub(super) fn in_file(&self, error: Error, place: impl Into<String>) -> Error {
        error.in_file(&self.path, place)
    }
}

/// Brings the labels of the second file into the order of the words of the first.
pub(super) fn match_classes(
    first: &Source,
    second: &mut Source,
    doubts: &mut Vec<String>,
) -> Result<(), Error> {
    let (Some(words), Some(found)) = (&first.head().keys, &second.head().keys) else { return Ok(()) };
    match ClassOrder::of(words, found) {
        ClassOrder::Same => Ok(()),
        ClassOrder::Permuted(map) => {
            let classes = map.len();
            let labels = &second.head().labels;
            if let Some(sample) = labels.iter().position(|&label| usize::from(label) >= classes) {
                let error = Error::Label { label: labels[sample], classes };
                return Err(second.in_file(error, format!("sample {sample}")));
            }
            let labels = &mut second.head_mut().labels;
            labels.iter_mut().for_each(|label| *label = map[usize::from(*label)]);
            doubts.push(
                "the second file has the words of the first in another order: mapped by name".to_owned(),
            );
            Ok(())
        }
        ClassOrder::Different => {
            let lone = |these: &[String], those: &[String]| {
                let lone: Vec<_> =
                    these.iter().filter(|word| !those.contains(word)).take(5).cloned().collect();
                lone.join(", ")
            };
            let problem = format!(
                "its words are not those of the training file ({} against {}; here alone: {}; there alone: {})",
                found.len(),
                words.len(),
                lone(found, words),
                lone(words, found)
            );
            Err(second.in_file(Error::format(HDF5, problem), "extra/keys"))
        }
    }
}

/// How many classes there are: as many as words, or as the largest label says, unless that is absurd.
pub(super) fn count_classes(files: &[Source]) -> Result<usize, Error> {
    if let Some(keys) = &files[0].head().keys {
        return Ok(keys.len());
    }
    let mut largest = (0, 0, &files[0]);
    let mut occurs = vec![false; 1 << 16];
    for file in files {
        for (sample, &label) in file.head().labels.iter().enumerate() {
            occurs[usize::from(label)] = true;
            if label > largest.0 {
                largest = (label, sample, file);
            }
        }
    }
    let (label, sample, file) = largest;
    let (classes, occurring) = (usize::from(label) + 1, occurs.iter().filter(|&&occurs| occurs).count());
    if classes > MAX_EMPTY_CLASSES && 2 * occurring < classes {
        let problem = format!(
            "label {label} makes {classes} classes, of which {occurring} have a sample: correct it, or name all classes in \
             extra/keys if there are so many"
        );
        return Err(file.in_file(Error::format(HDF5, problem), format!("sample {sample}")));
    }
    Ok(classes)
}
