//! The parameters of recordings of event cameras, and what values they may have.

use serde::{Deserialize, Serialize};

use crate::channels::{Channels, Layout};
use crate::{Binning, CoincidentSpikes, Error, LateSpikes, Polarity, SplitRule};

/// Which data set a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CameraLayout {
    /// N-MNIST (Orchard et al. 2015): `Train/DIGIT/NUMBER.bin` and `Test/DIGIT/NUMBER.bin`, or `Train.zip` and
    /// `Test.zip` with these in them, 34 x 34 pixels.
    Nmnist,
    /// DVS Gesture (Amir et al. 2017): `userNN_LIGHT.aedat` beside `userNN_LIGHT_labels.csv`, 128 x 128 pixels, and the lists
    /// `trials_to_train.txt` and `trials_to_test.txt`.
    DvsGesture,
}

impl CameraLayout {
    /// The name of the data set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nmnist => "nmnist",
            Self::DvsGesture => "dvs_gesture",
        }
    }

    /// Pixels of a row, which is as long as a column.
    pub fn side(self) -> u32 {
        match self {
            Self::Nmnist => 34,
            Self::DvsGesture => 128,
        }
    }
}

/// The parameters of [`Camera`](crate::Camera).
///
/// An unknown key in a configuration is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraConfig {
    /// Number of time steps; 1 to 4294967295. Default 150 steps of 2 ms for N-MNIST, which are its three saccades, and 150 of
    /// 10 ms for DVS Gesture, which are the first quarter of a gesture.
    pub steps: usize,
    /// Length of a time step in ms; above 0.
    pub dt: f64,
    /// What becomes of spikes behind the last step; default `drop` for N-MNIST, `crop` for DVS Gesture.
    pub late: LateSpikes,
    /// What becomes of several spikes of one unit in one step; default `binary`.
    pub coincident: CoincidentSpikes,
    /// The side of the squares of pixels that share an input unit; 1 or more, default 1 for N-MNIST, 4 for DVS Gesture.
    pub pool: usize,
    /// The pixels to use, `[left, top, right, bottom]`, all included; default all.
    pub channels: Vec<u32>,
    /// What becomes of the two polarities; default `both`.
    pub polarity: Polarity,
    /// The test part; default official.
    pub test: SplitRule,
    /// The validation part, of what the test leaves; default a tenth of every class.
    pub valid: SplitRule,
}

impl Default for CameraConfig {
    fn default() -> Self {
        Self::of(CameraLayout::Nmnist)
    }
}

impl CameraConfig {
    /// The defaults of a data set.
    pub fn of(layout: CameraLayout) -> Self {
        let (dt, late, pool) = match layout {
            CameraLayout::Nmnist => (2.0, LateSpikes::Drop, 1),
            CameraLayout::DvsGesture => (10.0, LateSpikes::Crop, 4),
        };
        Self {
            steps: 150,
            dt,
            late,
            coincident: CoincidentSpikes::Binary,
            pool,
            channels: Vec::new(),
            polarity: Polarity::Both,
            test: SplitRule::Official,
            valid: SplitRule::stratified(0.1),
        }
    }

    /// Checks steps and their length; [`Camera::open`](crate::Camera::open) checks pool and pixels, which depend on the sensor, before it
    /// reads anything.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first key whose value is out of the range that its field documents.
    pub fn validate(&self) -> Result<(), Error> {
        self.binning().validate()
    }

    pub(super) fn map(&self, layout: CameraLayout) -> Result<Channels, Error> {
        let side = layout.side();
        let sensor = Layout::Sensor { width: side, height: side, polarity: self.polarity };
        Channels::new(sensor, &self.channels, self.pool)
    }

    pub(super) fn binning(&self) -> Binning {
        Binning { steps: self.steps, dt: self.dt, late: self.late, coincident: self.coincident }
    }
}
