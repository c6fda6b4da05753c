//! Event-camera recordings in their published formats.

use snn_data::{Camera, CameraConfig, CameraLayout, Dataset, Recorded};

use super::{
    section::{DIRECTORY, DT, Parameters, Row, SET_DIRECTORY, STEPS, Section, Stored, TEST, VALID, Watch},
    spikes::{COINCIDENT, LATE, POLARITY},
};
use crate::{
    error::Error,
    experiment::key::{Key, Values},
};

impl Section for Stored<CameraConfig> {
    type Origin = CameraLayout;

    const KEYS: &'static [Key] = &[
        DIRECTORY,
        STEPS,
        DT,
        LATE,
        COINCIDENT,
        TEST,
        VALID,
        Key::of_data(
            "data.pool",
            Values::U32,
            "pixels",
            "Side of the pixel squares that share an input unit.",
        ),
        Key::of_data(
            "data.channels",
            Values::Integers(0, 65_535),
            "pixels",
            "Rectangle of pixels to use, [left, top, right, bottom], inclusive; [] for all.",
        ),
        POLARITY,
    ];

    fn by_default(layout: CameraLayout) -> Self {
        Self { config: CameraConfig::of(layout), ..Self::default() }
    }

    fn parameters(&self) -> &impl Parameters {
        &self.config
    }

    fn open(
        &self,
        row: Row,
        layout: CameraLayout,
        _: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error> {
        row.found(Camera::open(layout, row.folder(&self.directory)?, &self.config, recorded), SET_DIRECTORY)
    }
}
