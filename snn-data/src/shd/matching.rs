//! Consistency of the files of a data set: classes, time units and channels.

use super::head::Head;
use super::samples::Read;
use super::source::Source;
use crate::{ClassOrder, Error, TimeUnit};

/// Maximum number of classes implied by the largest label without names for them, if hardly any of them has samples: more are
/// due to a damaged label.
const MAX_EMPTY_CLASSES: usize = 256;

/// Compares the spikes of two files: an error for different time units, a warning about different channels.
pub(super) fn match_spikes(
    first: &Read,
    other: &Read,
    which: &str,
    unit: TimeUnit,
    doubts: &mut Vec<String>,
) -> Result<(), String> {
    /// With fewer spikes, the comparison is meaningless.
    const FEW: u64 = 100;

    if first.found.spikes.min(other.found.spikes) < FEW {
        return Ok(());
    }
    let [a, b] = [first.found.last, other.found.last];
    if a.max(b) >= 100.0 * a.min(b) && a.min(b) > 0.0 {
        return Err(format!(
            "its last spike is at {}, but at {} in the training file (data.time_unit = \"{unit}\"): they are not in the \
             same unit",
            b / unit.ms(),
            a / unit.ms()
        ));
    }
    let [a, b] = [first.channel, other.channel].map(|channel| u64::from(channel) + 1);
    if 4 * a.min(b) <= 3 * a.max(b) {
        doubts.push(format!("the training file uses {a} input units, but the {which} file {b}"));
    }
    Ok(())
}

/// Maps the labels of another file to the word order of the first.
pub(super) fn match_classes(
    first: &Source,
    other: &mut Source,
    which: &str,
    doubts: &mut Vec<String>,
) -> Result<(), Error> {
    let (Some(words), Some(found)) = (&first.head().keys, &other.head().keys) else { return Ok(()) };
    let (map, is_order) = match ClassOrder::of(words, found) {
        ClassOrder::Same => return Ok(()),
        ClassOrder::Permuted(map) => (map, true),
        ClassOrder::Different => match subset(words, other.head()).filter(|_| other.words_are_labels()) {
            Some(map) => (map, false),
            None => {
                let lone = |these: &[String], those: &[String]| {
                    let lone: Vec<_> =
                        these.iter().filter(|word| !those.contains(word)).take(5).cloned().collect();
                    lone.join(", ")
                };
                let problem = format!(
                    "its words differ from those of the training file ({} and {} words; only here: {}; only there: {})",
                    found.len(),
                    words.len(),
                    lone(found, words),
                    lone(words, found)
                );
                let place = if other.words_are_labels() { "labels" } else { "extra/keys" };
                return Err(other.in_file(Error::format(other.format(), problem), place));
            }
        },
    };
    let classes = map.len();
    let labels = &other.head().labels;
    if let Some(sample) = labels.iter().position(|&label| usize::from(label) >= classes) {
        let error = Error::Label { label: labels[sample], classes };
        return Err(other.in_file(error, format!("sample {sample}")));
    }
    other.head_mut().labels.iter_mut().for_each(|label| *label = map[usize::from(*label)]);
    if is_order {
        doubts.push(format!(
            "the {which} file has the words of the first in a different order: mapped by name"
        ));
    }
    Ok(())
}

/// A warning about names that several classes share: results cannot tell these classes apart.
pub(super) fn shared_names(first: &Source) -> Option<String> {
    let mut names: Vec<_> = first.head().keys.as_ref()?.iter().collect();
    names.sort();
    let mut shared: Vec<_> =
        names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].as_str()).collect();
    shared.dedup();
    shared.truncate(5);
    (!shared.is_empty()).then(|| format!("several classes have the same name: {}", shared.join(", ")))
}

/// The index of each word, for a file that lists only the words that occur in it, if all are known.
fn subset(words: &[String], head: &Head) -> Option<Vec<u16>> {
    let place = |word| words.iter().position(|known| known == word).map(|place| place as u16);
    head.keys.as_ref()?.iter().map(place).collect()
}

/// The number of classes: the number of words, or as implied by the largest label, unless that is absurd.
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
            "label {label} implies {classes} classes, but only {occurring} have a sample: correct it, or name all classes in \
             extra/keys if there are this many"
        );
        return Err(file.in_file(Error::format(file.format(), problem), format!("sample {sample}")));
    }
    Ok(classes)
}
