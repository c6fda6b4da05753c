//! Selection of the test and validation parts.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::list::List;
use crate::random::Purpose;
use crate::{Error, Portion, Split, Splits, parts};
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5"))]
use crate::{Intake, Reason, Recorded};

/// The random choice of the held-out samples of a class.
const HOLD_OUT: Purpose = Purpose(*b"snn-data stratified part");

/// How the test part or the validation part is selected. The test part is selected first, from all samples; then the
/// validation part, from the remaining samples; the rest is for training.
///
/// In a configuration: `valid = { by = "stratified", portion = 0.1, seed = 0 }`, `valid = { by = "speakers", speakers =
/// ["theo"] }`, `valid = { by = "list", path = "valid.txt" }`, `test = { by = "official" }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitRule {
    /// The official part of the data set.
    Official,
    /// At random, with the same portion of every class (up to one sample).
    Stratified {
        /// Number of samples, or fraction of the candidates.
        portion: Portion,
        /// Seed of the selection, independent of all other seeds.
        #[serde(default)]
        seed: u64,
    },
    /// All samples of these speakers, to test on unseen speakers.
    Speakers {
        /// Their names in the data set.
        speakers: Vec<String>,
    },
    /// The samples that a file lists by name, one per line.
    List {
        /// The file.
        path: PathBuf,
    },
}

impl SplitRule {
    /// A fraction of every class, selected with seed 0.
    pub fn stratified(fraction: f64) -> Self {
        Self::Stratified { portion: Portion::Fraction(fraction), seed: 0 }
    }
}

/// The sample attributes used for selection.
pub(crate) trait SampleIndex {
    fn labels(&self) -> &[u16];

    fn speaker(&self, index: usize) -> Option<&str>;

    /// The name of a sample in lists.
    fn sample_name(&self, index: usize) -> String;

    fn official(&self, index: usize) -> Option<Split>;

    /// The name of a class, if it has one.
    fn class_name(&self, label: u16) -> Option<String> {
        let _ = label;
        None
    }

    /// The name that a run records for the sample.
    #[cfg(any(feature = "audio", feature = "events", feature = "hdf5"))]
    fn member_name(&self, index: usize) -> String {
        self.sample_name(index)
    }
}

/// Splits all samples of a data set: as recorded by a run, or by the rules. Counts the samples that belong to no part because
/// the run did not have them.
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5"))]
pub(crate) fn split_recorded(
    sample_index: &dyn SampleIndex,
    [test, valid]: [&SplitRule; 2],
    recorded: Recorded<'_>,
    intake: &mut Intake,
) -> Result<Splits, Error> {
    let Some(membership) = recorded.membership else { return split(sample_index, test, valid) };
    let mut places = membership.places();
    let mut parts = [const { Vec::new() }; 3];
    for index in 0..sample_index.labels().len() as u32 {
        let name = sample_index.member_name(index as usize);
        match places.remove(name.as_str()) {
            Some((split, place)) => parts[split as usize].push((place, index)),
            None => intake.leave_out(Reason::NewSinceRun, 1, || name),
        }
    }
    if !places.is_empty() {
        let mut missing: Vec<&str> = places.into_keys().collect();
        missing.sort_unstable();
        if !recorded.incomplete {
            return Err(Error::Membership {
                missing: missing.len(),
                recorded: membership.len(),
                examples: missing.iter().take(3).map(|&name| name.to_owned()).collect(),
            });
        }
        missing.iter().for_each(|&name| intake.leave_out(Reason::GoneSinceRun, 1, || name.to_owned()));
    }
    let [train, valid, test] = parts.map(|mut part| {
        part.sort_unstable();
        part.into_iter().map(|(_, index)| index).collect::<Vec<u32>>()
    });
    if train.is_empty() {
        let recorded = membership.train.len();
        return Err(Error::Membership { missing: recorded, recorded, examples: Vec::new() });
    }
    Ok(Splits { train, valid, test })
}

/// Splits all samples of a data set by the rules.
pub(crate) fn split(
    sample_index: &dyn SampleIndex,
    test: &SplitRule,
    valid: &SplitRule,
) -> Result<Splits, Error> {
    let all = (0..sample_index.labels().len() as u32).collect();
    let (test, rest) = choose(sample_index, test, Split::Test, all)?;
    if rest.is_empty() {
        return Err(Error::setting("test", test.len(), "fewer samples, to leave some for training"));
    }
    let (valid, train) = choose(sample_index, valid, Split::Valid, rest)?;
    if train.is_empty() {
        return Err(Error::setting("valid", valid.len(), "fewer samples, to leave some for training"));
    }
    let (splits, labels) = (Splits { train, valid, test }, sample_index.labels());
    let name = |label| sample_index.class_name(label).unwrap_or_else(|| label.to_string());
    // The data set itself warns about odd splits that are possible.
    parts::check_classes(&splits, |index| labels[index as usize], name)?;
    Ok(splits)
}

/// Divides `candidates` into the selected and the remaining, both in order.
fn choose(
    sample_index: &dyn SampleIndex,
    part: &SplitRule,
    split: Split,
    candidates: Vec<u32>,
) -> Result<(Vec<u32>, Vec<u32>), Error> {
    let key = match split {
        Split::Test => "test",
        _ => "valid",
    };
    let chosen: HashSet<u32> = match part {
        SplitRule::Official => candidates
            .iter()
            .copied()
            .filter(|&index| sample_index.official(index as usize) == Some(split))
            .collect(),
        SplitRule::Stratified { portion, seed } => {
            stratified(sample_index, &candidates, portion.of(candidates.len(), key)?, *seed)
        }
        SplitRule::Speakers { speakers } => {
            let known: HashSet<&str> =
                candidates.iter().filter_map(|&index| sample_index.speaker(index as usize)).collect();
            if let Some(unknown) = speakers.iter().find(|speaker| !known.contains(speaker.as_str())) {
                let mut known: Vec<_> = known.into_iter().collect();
                known.sort_unstable();
                let allowed = match known.as_slice() {
                    [] => "omitted: this data set does not name its speakers".to_owned(),
                    known => format!("among the speakers {}", known.join(", ")),
                };
                return Err(Error::setting("speakers", unknown, allowed));
            }
            let of_them = |&index: &u32| {
                sample_index
                    .speaker(index as usize)
                    .is_some_and(|name| speakers.iter().any(|speaker| speaker == name))
            };
            candidates.iter().copied().filter(of_them).collect()
        }
        SplitRule::List { path } => {
            let names: HashMap<String, u32> =
                candidates.iter().map(|&index| (sample_index.sample_name(index as usize), index)).collect();
            let list = List::read(path)?;
            let find = |entry: &crate::list::Entry| {
                names.get(&entry.name).copied().ok_or_else(|| entry.unknown(path))
            };
            list.entries.iter().map(find).collect::<Result<_, _>>()?
        }
    };
    Ok(candidates.into_iter().partition(|index| chosen.contains(index)))
}

/// Keeps `count` of the training samples, the same portion of every class, or all if there are fewer.
#[cfg(feature = "mnist")]
pub(crate) fn limit_train(sample_index: &dyn SampleIndex, splits: &mut Splits, count: usize, seed: u64) {
    let kept = stratified(sample_index, &splits.train, count.min(splits.train.len()), seed);
    splits.train.retain(|index| kept.contains(index));
}

/// `count` of the candidates, in proportion to the classes, rounded by largest remainders to make the sum exact.
fn stratified(sample_index: &dyn SampleIndex, candidates: &[u32], count: usize, seed: u64) -> HashSet<u32> {
    let mut classes: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
    for &index in candidates {
        classes.entry(sample_index.labels()[index as usize]).or_default().push(index);
    }
    let total = candidates.len().max(1);
    let mut shares: Vec<(usize, usize, u16)> = classes
        .iter()
        .map(|(&class, members)| {
            let share = members.len() * count;
            (share % total, share / total, class)
        })
        .collect();
    let missing = count - shares.iter().map(|(_, whole, _)| whole).sum::<usize>();
    shares.sort_by_key(|&(remainder, _, class)| (std::cmp::Reverse(remainder), class));
    shares
        .into_iter()
        .enumerate()
        .flat_map(|(rank, (_, whole, class))| {
            let mut members = classes.remove(&class).unwrap_or_default();
            members.shuffle(&mut HOLD_OUT.stream(seed, class.into()));
            members.truncate(whole + usize::from(rank < missing));
            members
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample i has class i % classes and speaker a, b or c; the official test part is the last tenth.
    struct Sheet {
        labels: Vec<u16>,
    }

    impl SampleIndex for Sheet {
        fn labels(&self) -> &[u16] {
            &self.labels
        }

        fn speaker(&self, index: usize) -> Option<&str> {
            Some(["a", "b", "c"][index / 7 % 3])
        }

        fn sample_name(&self, index: usize) -> String {
            index.to_string()
        }

        fn official(&self, index: usize) -> Option<Split> {
            (index * 10 >= self.labels.len() * 9).then_some(Split::Test)
        }
    }

    fn sheet(samples: u16, classes: u16) -> Sheet {
        Sheet { labels: (0..samples).map(|i| i % classes).collect() }
    }

    #[test]
    fn a_stratified_part_has_the_same_share_of_every_class() {
        let sheet = sheet(1003, 10);
        let splits = split(&sheet, &SplitRule::Official, &SplitRule::stratified(0.1)).unwrap();
        assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (813, 90, 100));
        splits.validate(1003).unwrap();
        for class in 0..10 {
            let of_class =
                splits.valid.iter().filter(|&&index| sheet.labels[index as usize] == class).count();
            assert_eq!(of_class, 9, "class {class}");
        }
        let again = split(&sheet, &SplitRule::Official, &SplitRule::stratified(0.1)).unwrap();
        assert_eq!(again, splits);
        let other = SplitRule::Stratified { portion: Portion::Count(90), seed: 1 };
        assert_ne!(split(&sheet, &SplitRule::Official, &other).unwrap().valid, splits.valid);
    }

    #[test]
    fn shares_are_exact() {
        let sheet = sheet(100, 7);
        for count in 0..100 {
            let valid = SplitRule::Stratified { portion: Portion::Count(count), seed: 3 };
            let splits = split(&sheet, &SplitRule::stratified(0.0), &valid).unwrap();
            assert_eq!(splits.valid.len(), count as usize);
        }
    }

    #[test]
    fn speakers_are_left_out() {
        let sheet = sheet(210, 10);
        let speakers =
            |names: &[&str]| SplitRule::Speakers { speakers: names.iter().map(|&n| n.into()).collect() };
        let splits = split(&sheet, &speakers(&["a"]), &speakers(&["c"])).unwrap();
        assert_eq!([splits.train.len(), splits.valid.len(), splits.test.len()], [70; 3]);
        assert!(splits.train.iter().all(|&index| sheet.speaker(index as usize) == Some("b")));

        let error = split(&sheet, &speakers(&["a"]), &speakers(&["a"])).unwrap_err().to_string();
        assert_eq!(error, "`speakers = a` is invalid: speakers must be among the speakers b, c");
        assert!(split(&sheet, &speakers(&["a", "b"]), &speakers(&["c"])).is_err(), "no training samples");
    }

    #[test]
    fn a_list_names_samples() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("valid.txt");
        let part = SplitRule::List { path: path.clone() };
        let listed = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            split(&sheet(20, 2), &SplitRule::Official, &part).map(|splits| splits.valid)
        };
        assert_eq!(listed(b"./7\r\n\n3\n"), Ok(vec![3, 7]));
        assert_eq!(listed(b"\xef\xbb\xbf7\n3\n"), Ok(vec![3, 7]), "a byte order mark");
        for (text, problem) in [
            (&b"3\n20\n"[..], "not a valid list of samples: the data set has no sample `20` (line 2): "),
            (b"3\n\n3", "not a valid list of samples: `3` is a duplicate (line 3): "),
            (b"\xff\xfe3\0", "not a valid list of samples: it is UTF-16: save it as UTF-8 (line 1): "),
            (b"\xff3", "not a valid list of samples: the name is not UTF-8 (line 1): "),
        ] {
            let error = listed(text).unwrap_err().to_string();
            assert!(error.starts_with(problem) && error.ends_with("valid.txt"), "{error}");
        }
        std::fs::remove_file(&path).unwrap();
        let error = split(&sheet(20, 2), &SplitRule::Official, &part).unwrap_err();
        assert!(matches!(error, Error::Io { kind: std::io::ErrorKind::NotFound, .. }), "{error}");
    }

    #[test]
    fn a_part_is_read_from_a_configuration() {
        #[derive(Deserialize)]
        struct Settings {
            valid: SplitRule,
        }
        let read = |text: &str| toml::from_str::<Settings>(text).map(|settings| settings.valid);
        assert_eq!(read("valid = { by = \"stratified\", portion = 0.1 }"), Ok(SplitRule::stratified(0.1)));
        assert_eq!(
            read("valid = { by = \"stratified\", portion = 5000, seed = 7 }"),
            Ok(SplitRule::Stratified { portion: Portion::Count(5000), seed: 7 })
        );
        assert_eq!(read("valid = { by = \"official\" }"), Ok(SplitRule::Official));
        assert!(read("valid = { by = \"stratified\", portions = 0.1 }").is_err());
        assert!(read("valid = { by = \"chance\" }").is_err());
    }
}
