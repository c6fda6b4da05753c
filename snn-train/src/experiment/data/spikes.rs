//! Spikes in HDF5 files: the Spiking Heidelberg Digits, and files of your own that are laid out as they are.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
#[cfg(feature = "hdf5")]
use snn_data::Shd;
use snn_data::{Dataset, Recorded, ShdConfig};

use super::section::{DIRECTORY, DT, Parameters, Row, STEPS, Section, Stored, TEST, VALID, Watch};
use crate::{
    error::Error,
    experiment::key::{Key, Values},
};

const INPUTS: Key = Key::of_data("data.inputs", Values::UNITS, "units", "Input units.");
const TIME_UNIT: Key = Key::of_data(
    "data.time_unit",
    Values::Choice(&["s", "ms", "us"]),
    "",
    "The unit of the times in the files: seconds, milliseconds or microseconds.",
);
const LATE: Key = Key::of_data(
    "data.late",
    Values::Choice(&["drop", "clamp", "crop"]),
    "",
    "Spikes after the last step; `drop` and `clamp` refuse a file that has most of its spikes there, `crop` drops them \
     all the same.",
);
const COINCIDENT: Key = Key::of_data(
    "data.coincident",
    Values::Choice(&["binary", "sum"]),
    "",
    "Several spikes of a unit in one step: they count once, or each.",
);
const UNSORTED: Key = Key::of_data(
    "data.unsorted",
    Values::Choice(&["refuse", "sort"]),
    "",
    "Samples whose spikes are not in the order of time: an error, or to be sorted.",
);

impl Section for Stored<ShdConfig> {
    type Origin = ();

    const KEYS: &'static [Key] =
        &[DIRECTORY, STEPS, DT, INPUTS, LATE, COINCIDENT, UNSORTED, TEST, VALID, TIME_UNIT];

    fn parameters(&self) -> &impl Parameters {
        &self.config
    }

    #[cfg(feature = "hdf5")]
    fn open(
        &self,
        row: Row,
        (): (),
        _: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error> {
        row.found(
            Shd::open_recorded(row.folder(&self.directory)?, &self.config, recorded),
            super::section::SET_DIRECTORY,
        )
    }

    #[cfg(not(feature = "hdf5"))]
    fn open(&self, row: Row, (): (), _: Watch<'_>, _: Recorded<'_>) -> Result<Box<dyn Dataset>, Error> {
        Err(Error::NoHdf5 { name: row.name })
    }
}

/// One or two HDF5 files of spikes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SpikeFiles {
    /// The samples for training and validation.
    pub train_file: PathBuf,
    /// Those for the official test part; an empty path for none.
    pub test_file: PathBuf,
    /// Their parameters.
    #[serde(flatten)]
    pub config: ShdConfig,
}

impl Section for SpikeFiles {
    type Origin = ();

    const KEYS: &'static [Key] = &[
        Key::of_data("data.train_file", Values::Text, "", "HDF5 file of spikes, laid out as shd_train.h5."),
        Key::of_data(
            "data.test_file",
            Values::Text,
            "",
            "Another one, the official test part; empty for none.",
        ),
        STEPS,
        DT,
        INPUTS,
        LATE,
        COINCIDENT,
        UNSORTED,
        TEST,
        VALID,
        TIME_UNIT,
    ];

    fn parameters(&self) -> &impl Parameters {
        &self.config
    }

    #[cfg(feature = "hdf5")]
    fn open(
        &self,
        row: Row,
        (): (),
        _: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error> {
        if self.train_file.as_os_str().is_empty() {
            return Err(row.unnamed("data.train_file to the HDF5 file"));
        }
        let test = Some(self.test_file.as_path()).filter(|path| !path.as_os_str().is_empty());
        let opened = Shd::from_files_recorded(row.name, &self.train_file, test, &self.config, recorded);
        row.found(opened, "set data.train_file and data.test_file to files that exist")
    }

    #[cfg(not(feature = "hdf5"))]
    fn open(&self, row: Row, (): (), _: Watch<'_>, _: Recorded<'_>) -> Result<Box<dyn Dataset>, Error> {
        Err(Error::NoHdf5 { name: row.name })
    }
}
