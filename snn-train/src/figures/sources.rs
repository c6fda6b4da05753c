//! The data sets of the paper that are files, and what stands in for those that are not here.

use std::path::PathBuf;

use snn_data::data_directory;

use super::Scale;
use crate::{Error, Experiment};

/// A data set of the paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Source {
    /// What the paper calls it.
    pub(super) title: &'static str,
    preset: &'static str,
    /// Its name and that of the folder of its files.
    name: &'static str,
    stand_in: Option<StandIn>,
}

/// Another data set of the same kind: smaller, and free to be fetched.
#[derive(Debug, Clone, Copy, PartialEq)]
struct StandIn {
    title: &'static str,
    preset: &'static str,
    name: &'static str,
}

pub(super) const RANDMAN: Source =
    Source { title: "Randman", preset: "randman", name: "randman", stand_in: None };
pub(super) const MNIST: Source = Source { title: "MNIST", preset: "mnist", name: "mnist", stand_in: None };
pub(super) const SHD: Source = Source { title: "SHD", preset: "shd", name: "shd", stand_in: None };
pub(super) const RAW_HD: Source = Source {
    title: "RawHD",
    preset: "rawhd",
    name: "heidelberg",
    stand_in: Some(StandIn { title: "FSDD for RawHD", preset: "fsdd", name: "fsdd" }),
};
pub(super) const RAW_SC: Source = Source {
    title: "RawSC",
    preset: "rawsc",
    name: "speech_commands",
    stand_in: Some(StandIn {
        title: "Ten words for RawSC",
        preset: "speech_commands_ten_words",
        name: "speech_commands_ten_words",
    }),
};

/// The data sets of the figures: those of the paper and those that stand in for them.
pub const DATA_SETS: [&str; 7] =
    ["randman", "mnist", "shd", "heidelberg", "fsdd", "speech_commands", "speech_commands_ten_words"];

/// Why a panel has no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Absence {
    /// What the empty panel says.
    pub(super) note: &'static str,
    /// What the user is told.
    pub(super) reason: String,
    /// Whether it is left out because the user wants others.
    pub(super) is_wish: bool,
}

impl Absence {
    /// Of a data set that is here, but cannot be read.
    pub(super) fn unreadable(error: &impl ToString) -> Self {
        Self { note: "data set\nunreadable", reason: error.to_string(), is_wish: false }
    }
}

/// A data set that is here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// What it is, with the data set that it stands in for.
    pub(super) title: &'static str,
    pub(super) preset: &'static str,
    /// Whether it is another one than the paper's.
    pub(super) stands_in: bool,
}

impl Source {
    /// The data set, whether or not its files are here.
    pub(super) fn itself(&self) -> Found {
        Found { title: self.title, preset: self.preset, stands_in: false }
    }

    /// The data set, or what stands in for it, if it is `wanted`; otherwise why there is neither.
    pub(super) fn find(&self, wanted: impl Fn(&str) -> bool) -> Result<Found, Absence> {
        let is_here = |name: &str| {
            let holds_files =
                |folder: PathBuf| folder.read_dir().is_ok_and(|mut files| files.next().is_some());
            name == RANDMAN.name || data_directory().is_ok_and(|directory| holds_files(directory.join(name)))
        };
        let Self { title, name, .. } = *self;
        let absent = |reason| Err(Absence { note: "data set\nnot here", reason, is_wish: false });
        let own = wanted(name);
        let other = self.stand_in.filter(|other| wanted(other.name));
        if !own && other.is_none() {
            let reason = format!("{title} is left out, as asked for");
            return Err(Absence { note: "left out", reason, is_wish: true });
        }
        if own && name == SHD.name && !cfg!(feature = "hdf5") {
            return absent("this build reads no HDF5 files (feature `hdf5`)".to_owned());
        }
        if own && is_here(name) {
            return Ok(self.itself());
        }
        match other {
            Some(other) if is_here(other.name) => {
                Ok(Found { title: other.title, preset: other.preset, stands_in: true })
            }
            _ => {
                let name = if own { name } else { other.map_or(name, |other| other.name) };
                absent(format!("{title} is not here: `cargo xtask fetch-data {name}` fetches it"))
            }
        }
    }
}

impl Found {
    /// Whether samples are analog.
    pub(super) fn is_analog(self) -> bool {
        !matches!(self.preset, "randman" | "mnist" | "shd")
    }

    /// The preset, smaller and shorter below full scale.
    pub(super) fn experiment(self, scale: Scale) -> Result<Experiment, Error> {
        if self.preset == "randman" {
            return scale.randman();
        }
        let mut experiment = Experiment::preset(self.preset)?;
        let small: &[&str] = &["network.hidden=[8]", "training.epochs=1"];
        let short: &[&str] = &["training.epochs=10"];
        experiment.set(scale.pick(small, short, &[]))?;
        if self.preset == "mnist" {
            let few: &[&str] = &["data.train=300", "data.valid={by='stratified',portion=100}"];
            experiment.set(scale.pick(few, &["data.train=10000"], &[]))?;
        }
        // The Speech Commands at full length take hours; stand-ins show the kind, not the number.
        if scale == Scale::Full && self.stands_in {
            experiment.set(&["training.epochs=20"])?;
        }
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
            let other =
                source.stand_in.map(|StandIn { title, preset, .. }| Found { title, preset, stands_in: true });
            for found in [Some(own), other].into_iter().flatten() {
                for scale in [Scale::Smoke, Scale::Quick, Scale::Full] {
                    let experiment = found.experiment(scale).unwrap();
                    experiment.validate().unwrap();
                }
            }
        }
        assert!(RANDMAN.find(|_| true).is_ok(), "what is generated is always here");
    }

    #[test]
    fn every_data_set_can_be_asked_for_and_left_out() {
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
