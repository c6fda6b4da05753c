//! The data sets of the paper that are files, and what stands in for those that are not here.

use snn_data::data_directory;

use super::Scale;
use crate::{Error, Experiment};

/// A data set of the paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Source {
    /// What the paper calls it.
    pub(super) title: &'static str,
    preset: &'static str,
    /// The folder of its files; none for data that are generated.
    folder: &'static str,
    stand_in: Option<StandIn>,
}

/// Another data set of the same kind: smaller, and free to be fetched.
#[derive(Debug, Clone, Copy, PartialEq)]
struct StandIn {
    title: &'static str,
    preset: &'static str,
    folder: &'static str,
}

pub(super) const RANDMAN: Source = Source { title: "Randman", preset: "randman", folder: "", stand_in: None };
pub(super) const MNIST: Source = Source { title: "MNIST", preset: "mnist", folder: "mnist", stand_in: None };
pub(super) const SHD: Source = Source { title: "SHD", preset: "shd", folder: "shd", stand_in: None };
pub(super) const RAW_HD: Source = Source {
    title: "RawHD",
    preset: "rawhd",
    folder: "heidelberg",
    stand_in: Some(StandIn { title: "FSDD for RawHD", preset: "fsdd", folder: "fsdd" }),
};
pub(super) const RAW_SC: Source = Source {
    title: "RawSC",
    preset: "rawsc",
    folder: "speech_commands",
    stand_in: Some(StandIn {
        title: "Ten words for RawSC",
        preset: "speech_commands_ten_words",
        folder: "speech_commands_ten_words",
    }),
};

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
    /// The data set or what stands in for it; otherwise why there is neither.
    pub(super) fn find(&self) -> Result<Found, String> {
        let is_here = |folder: &str| {
            folder.is_empty() || data_directory().is_ok_and(|directory| directory.join(folder).is_dir())
        };
        if self.folder == "shd" && !cfg!(feature = "hdf5") {
            return Err("this build reads no HDF5 files (feature `hdf5`)".to_owned());
        }
        if is_here(self.folder) {
            return Ok(Found { title: self.title, preset: self.preset, stands_in: false });
        }
        match self.stand_in {
            Some(StandIn { title, preset, folder }) if is_here(folder) => {
                Ok(Found { title, preset, stands_in: true })
            }
            _ => {
                let Self { title, folder, .. } = self;
                Err(format!("{title} is not here: `cargo xtask fetch-data {folder}` fetches it"))
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
            let own = Found { title: source.title, preset: source.preset, stands_in: false };
            let other =
                source.stand_in.map(|StandIn { title, preset, .. }| Found { title, preset, stands_in: true });
            for found in [Some(own), other].into_iter().flatten() {
                for scale in [Scale::Smoke, Scale::Quick, Scale::Full] {
                    let experiment = found.experiment(scale).unwrap();
                    experiment.validate().unwrap();
                }
            }
        }
        assert!(RANDMAN.find().is_ok(), "what is generated is always here");
    }
}
