//! The paper's data sets that are files, and substitutes for missing ones.

use std::path::PathBuf;

use snn_data::data_directory;

use super::{Scale, protocol::RANDMAN_CHANGES};
use crate::{Error, Experiment};

/// A data set of the paper, or its substitute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Source {
    /// Its name in figures.
    pub(super) title: &'static str,
    /// The experiment on it.
    preset: &'static str,
    /// Its name and that of the folder of its files.
    name: &'static str,
    kind: Kind,
    /// The number of classes at full scale.
    classes: usize,
    /// Changes to the preset at smoke, quick, reduced and full scale.
    changes: [&'static [&'static str]; 4],
    /// A substitute of the same kind: smaller, and freely available.
    stand_in: Option<&'static Source>,
}

/// The kind of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Generated spikes, without files.
    Generated,
    /// Files converted to spikes.
    Spikes,
    /// Spikes in HDF5 files.
    Hdf5,
    /// Sound, used as analog input.
    Sound,
}

pub(super) const RANDMAN: Source = Source {
    title: "Randman",
    preset: "randman",
    name: "randman",
    kind: Kind::Generated,
    classes: 10,
    changes: RANDMAN_CHANGES,
    stand_in: None,
};
pub(super) const MNIST: Source = Source {
    title: "MNIST",
    preset: "mnist",
    name: "mnist",
    kind: Kind::Spikes,
    classes: 10,
    changes: [
        &[
            "network.hidden=[8]",
            "training.epochs=1",
            "data.train=300",
            "data.valid={by='stratified',portion=100}",
        ],
        &["training.epochs=10", "data.train=10000"],
        &["training.epochs=30", "data.train=20000"],
        &[],
    ],
    stand_in: None,
};
pub(super) const SHD: Source = Source {
    title: "SHD",
    preset: "shd",
    name: "shd",
    kind: Kind::Hdf5,
    classes: 20,
    changes: SMALLER,
    stand_in: None,
};
pub(super) const RAW_HD: Source = Source {
    title: "RawHD",
    preset: "rawhd",
    name: "heidelberg",
    kind: Kind::Sound,
    classes: 20,
    changes: SMALLER,
    stand_in: Some(&Source {
        title: "FSDD for RawHD",
        preset: "fsdd",
        name: "fsdd",
        kind: Kind::Sound,
        classes: 10,
        changes: STAND_IN,
        stand_in: None,
    }),
};
pub(super) const RAW_SC: Source = Source {
    title: "RawSC",
    preset: "rawsc",
    name: "speech_commands",
    kind: Kind::Sound,
    classes: 35,
    changes: SMALLER,
    stand_in: Some(&Source {
        title: "Ten words for RawSC",
        preset: "speech_commands_ten_words",
        name: "speech_commands_ten_words",
        kind: Kind::Sound,
        classes: 10,
        changes: STAND_IN,
        stand_in: None,
    }),
};

const SMALLER: [&[&str]; 4] =
    [&["network.hidden=[8]", "training.epochs=1"], &["training.epochs=10"], &["training.epochs=20"], &[]];
/// The full Speech Commands take hours; substitutes show the tendency, not the numbers.
const STAND_IN: [&[&str]; 4] = [SMALLER[0], SMALLER[1], &["training.epochs=20"], &["training.epochs=20"]];

/// The data sets of the figures: those of the paper and their substitutes.
pub const DATA_SETS: [&str; 7] =
    ["randman", "mnist", "shd", "heidelberg", "fsdd", "speech_commands", "speech_commands_ten_words"];

/// The preset on one of [`DATA_SETS`].
pub(super) fn preset_of(data_set: &str) -> Result<&'static str, Error> {
    let sources = [RANDMAN, MNIST, SHD, RAW_HD, RAW_SC].into_iter();
    let mut all = sources.flat_map(|source| [Some(source), source.stand_in.copied()]).flatten();
    all.find(|source| source.name == data_set).map(|source| source.preset).ok_or_else(|| {
        let all = DATA_SETS.join(", ");
        Error::Impossible(format!("no figure is on the data set `{data_set}`; there are {all}"))
    })
}

/// Why a panel has no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Absence {
    /// The text in the empty panel.
    pub(super) note: &'static str,
    /// The message to the user.
    pub(super) reason: String,
    /// Whether it was omitted by the user.
    pub(super) is_wish: bool,
}

impl Absence {
    /// For an existing data set that cannot be read.
    pub(super) fn unreadable(error: &impl ToString) -> Self {
        Self { note: "data set\nunreadable", reason: error.to_string(), is_wish: false }
    }
}

/// An existing data set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// Its description, with the data set that it substitutes.
    pub(super) title: &'static str,
    source: Source,
    /// Whether it is a substitute.
    pub(super) stands_in: bool,
}

impl Source {
    /// The data set, whether or not its files exist.
    pub(super) fn itself(&self) -> Found {
        Found { title: self.title, source: *self, stands_in: false }
    }

    fn is_here(&self) -> bool {
        let holds_files = |folder: PathBuf| folder.read_dir().is_ok_and(|mut files| files.next().is_some());
        self.kind == Kind::Generated
            || data_directory().is_ok_and(|directory| holds_files(directory.join(self.name)))
    }

    /// The data set and its substitute, if they are `wanted`, whether or not their files exist.
    pub(super) fn candidates(&self, wanted: impl Fn(&str) -> bool) -> Vec<Found> {
        let own = wanted(self.name).then(|| self.itself());
        let other = self.stand_in.filter(|other| wanted(other.name));
        own.into_iter().chain(other.map(|other| Found { stands_in: true, ..other.itself() })).collect()
    }

    /// The data set or its substitute, if it is `wanted`; otherwise the reason why there is neither.
    pub(super) fn find(&self, wanted: impl Fn(&str) -> bool) -> Result<Found, Absence> {
        let Self { title, name, .. } = *self;
        let absent = |reason| Err(Absence { note: "data set\nnot available", reason, is_wish: false });
        let own = wanted(name);
        let other = self.stand_in.filter(|other| wanted(other.name));
        if !own && other.is_none() {
            let reason = format!("{title} is omitted as requested");
            return Err(Absence { note: "left out", reason, is_wish: true });
        }
        if own && self.kind == Kind::Hdf5 && !cfg!(feature = "hdf5") {
            return absent("this build does not support HDF5 (feature `hdf5`)".to_owned());
        }
        if own && self.is_here() {
            return Ok(self.itself());
        }
        match other {
            Some(other) if other.is_here() => Ok(Found { stands_in: true, ..other.itself() }),
            _ => {
                let name = if own { name } else { other.map_or(name, |other| other.name) };
                absent(format!("{title} is not available: `cargo xtask fetch-data {name}` fetches it"))
            }
        }
    }
}

impl Found {
    /// Its kind.
    pub(super) fn kind(self) -> Kind {
        self.source.kind
    }

    /// Its number of classes at full scale.
    pub(super) fn classes(self) -> usize {
        self.source.classes
    }

    /// The unmodified preset.
    pub(super) fn preset(self) -> Result<Experiment, Error> {
        Experiment::preset(self.source.preset)
    }

    /// The preset, smaller and shorter below full scale.
    pub(super) fn experiment(self, scale: Scale) -> Result<Experiment, Error> {
        let [smoke, quick, reduced, full] = self.source.changes;
        let mut experiment = self.preset()?;
        experiment.set(scale.pick_of_four(smoke, quick, reduced, full))?;
        Ok(experiment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_an_experiment_at_every_scale() {
        for source in [RANDMAN, MNIST, SHD, RAW_HD, RAW_SC] {
            let own = source.itself();
            let other = source.stand_in.map(Source::itself);
            for found in [Some(own), other].into_iter().flatten() {
                for scale in [Scale::Smoke, Scale::Quick, Scale::Reduced, Scale::Full] {
                    let experiment = found.experiment(scale).unwrap();
                    experiment.validate().unwrap();
                }
            }
        }
        assert!(RANDMAN.find(|_| true).is_ok(), "generated data are always available");
    }

    #[test]
    fn every_data_set_can_be_requested_and_omitted() {
        let all = [RANDMAN, MNIST, SHD, RAW_HD, RAW_SC];
        let names = all.iter().flat_map(|it| [Some(it.name), it.stand_in.map(|other| other.name)]);
        assert_eq!(names.flatten().collect::<Vec<_>>(), DATA_SETS);
        for source in all {
            let absence = source.find(|_| false).unwrap_err();
            assert!(absence.is_wish);
            assert!(absence.reason.starts_with(source.title), "{}", absence.reason);
        }
    }
}
