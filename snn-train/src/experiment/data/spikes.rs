//! Spike files: the Spiking Heidelberg Digits, the Spiking Speech Commands, and your own files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use snn_data::{Dataset, Polarity, Recorded, Sensor, Shd, ShdConfig, SpikeParts, SplitRule};

use super::section::{
    DIRECTORY, DT, Parameters, Row, SET_DIRECTORY, STEPS, Section, Stored, TEST, VALID, Watch,
};
use crate::{
    error::Error,
    experiment::key::{Key, Values},
};

const INPUTS: Key = Key::of_data(
    "data.inputs",
    Values::Integer(1, 134_217_728),
    "channels",
    "Channels of the recording; each is an input unit unless channels are pooled or left out.",
);
const POOL: Key = Key::of_data(
    "data.pool",
    Values::U32,
    "channels",
    "Number of neighboring channels that share an input unit: input unit = (channel - first) / pool; with pixels (data.sensor), the \
     side of the squares that share one.",
);
const CHANNELS: Key = Key::of_data(
    "data.channels",
    Values::Integers(0, u32::MAX as u64),
    "",
    "Channels to use, [first, last]; with pixels (data.sensor), the rectangle [left, top, right, bottom]; inclusive; \
     [] for all.",
);
const TIME_UNIT: Key = Key::of_data(
    "data.time_unit",
    Values::Choice(&["s", "ms", "us"]),
    "",
    "Time unit of the files: seconds, milliseconds or microseconds.",
);
pub(super) const LATE: Key = Key::of_data(
    "data.late",
    Values::Choice(&["drop", "clamp", "crop"]),
    "",
    "How spikes after the last step are handled; `drop` and `clamp` refuse a file with most of its spikes there, `crop` drops them \
     anyway.",
);
pub(super) const COINCIDENT: Key = Key::of_data(
    "data.coincident",
    Values::Choice(&["binary", "sum"]),
    "",
    "Whether several spikes of a unit in one step count once, or each.",
);
pub(super) const POLARITY: Key = Key::of_data(
    "data.polarity",
    Values::Choice(&["both", "merge", "on", "off"]),
    "",
    "Pixels turning brighter (on) or darker (off): separate input units, shared input units, or only one of the two.",
);
const UNSORTED: Key = Key::of_data(
    "data.unsorted",
    Values::Choice(&["refuse", "sort"]),
    "",
    "How samples with unsorted spikes are handled: an error, or sorted.",
);

impl Section for Stored<ShdConfig> {
    /// The default rule for the validation part: SSC comes with one.
    type Origin = Option<SplitRule>;

    const KEYS: &'static [Key] =
        &[DIRECTORY, STEPS, DT, INPUTS, LATE, COINCIDENT, UNSORTED, TEST, VALID, TIME_UNIT, POOL, CHANNELS];

    fn by_default(valid: Option<SplitRule>) -> Self {
        let default = ShdConfig::default();
        let config = ShdConfig { valid: valid.unwrap_or_else(|| default.valid.clone()), ..default };
        Self { config, ..Self::default() }
    }

    fn parameters(&self) -> &impl Parameters {
        &self.config
    }

    fn open(
        &self,
        row: Row,
        _: Option<SplitRule>,
        _: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error> {
        if !cfg!(feature = "hdf5") {
            return Err(Error::NoHdf5 { name: row.name });
        }
        let otherwise = match row.name.strip_suffix("_spikes") {
            Some(recordings) => format!("`snn data encode {recordings}` creates it, or {SET_DIRECTORY}"),
            None => SET_DIRECTORY.to_owned(),
        };
        row.found(
            Shd::open_recorded(row.name, row.folder(&self.directory)?, &self.config, recorded),
            &otherwise,
        )
    }
}

/// Up to three spike files.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SpikeFiles {
    /// The training and validation samples.
    pub train_file: PathBuf,
    /// The official test part; an empty path for none.
    pub test_file: PathBuf,
    /// The official validation part; an empty path for none.
    pub valid_file: PathBuf,
    /// Width and height of the sensor whose pixels are the channels; none for a line of channels.
    pub sensor: Vec<u32>,
    /// How the polarities of a sensor are handled.
    pub polarity: Polarity,
    /// Their parameters.
    #[serde(flatten)]
    pub config: ShdConfig,
}

impl SpikeFiles {
    fn sensor(&self) -> Result<Option<Sensor>, Error> {
        match *self.sensor.as_slice() {
            [] => Ok(None),
            [width, height] => Ok(Some(Sensor { width, height, polarity: self.polarity })),
            _ => Err(Error::Impossible(
                "data.sensor must be [width, height], or [] for a line of channels".to_owned(),
            )),
        }
    }
}

impl Parameters for SpikeFiles {
    fn steps(&self) -> usize {
        self.config.steps
    }

    fn check(&self) -> Result<(), Error> {
        Ok(self.config.validate_for(self.sensor()?)?)
    }
}

impl Section for SpikeFiles {
    type Origin = ();

    const KEYS: &'static [Key] = &[
        Key::of_data(
            "data.train_file",
            Values::Text,
            "",
            "Spike file: HDF5 with the layout of shd_train.h5, npz or CSV.",
        ),
        Key::of_data(
            "data.test_file",
            Values::Text,
            "",
            "Spike file of the official test part; empty for none.",
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
        POOL,
        CHANNELS,
        Key::of_data(
            "data.valid_file",
            Values::Text,
            "",
            "Spike file of the official validation part, for data.valid = { by = \"official\" }; empty for none.",
        ),
        Key::of_data(
            "data.sensor",
            Values::Integers(1, 65_536),
            "pixels",
            "[width, height] of the sensor whose pixels are the channels, instead of data.inputs; [] for a line of channels.",
        ),
        POLARITY,
    ];

    fn parameters(&self) -> &impl Parameters {
        self
    }

    fn open(
        &self,
        row: Row,
        (): (),
        _: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error> {
        if self.train_file.as_os_str().is_empty() {
            return Err(row.unnamed("data.train_file to the spike file"));
        }
        fn named(path: &Path) -> Option<&Path> {
            Some(path).filter(|path| !path.as_os_str().is_empty())
        }
        let parts = SpikeParts {
            train: &self.train_file,
            test: named(&self.test_file),
            valid: named(&self.valid_file),
        };
        let opened = Shd::from_parts(row.name, parts, &self.config, self.sensor()?, recorded);
        row.found(opened, "set data.train_file and data.test_file to files that exist")
    }
}
