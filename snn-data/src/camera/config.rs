//! The parameters of event-camera recordings and their ranges.

use serde::{Deserialize, Serialize};

use crate::channels::{Channels, Layout};
use crate::{Binning, CoincidentSpikes, Error, LateSpikes, Polarity, SplitRule};

/// The data set that a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CameraLayout {
    /// N-MNIST (Orchard et al. 2015), 34 x 34 pixels: `Train/DIGIT/NUMBER.bin` and `Test/DIGIT/NUMBER.bin`, or `Train.zip` and
    /// `Test.zip` that contain them.
    Nmnist,
    /// DVS Gesture (Amir et al. 2017), 128 x 128 pixels: `userNN_LIGHT.aedat` with `userNN_LIGHT_labels.csv`, and the lists
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

    /// Width and height in pixels.
    pub fn side(self) -> u32 {
        match self {
            Self::Nmnist => 34,
            Self::DvsGesture => 128,
        }
    }
}

/// The parameters of [`Camera`](crate::Camera).
///
/// Unknown keys in a configuration are an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraConfig {
    /// Number of time steps; 1 to 4294967295. Default 150 steps of 2 ms for N-MNIST, its three saccades, and 150 of 10 ms for DVS
    /// Gesture, the first quarter of a gesture.
    pub steps: usize,
    /// Length of a time step in ms; above 0.
    pub dt: f64,
    /// How spikes after the last step are handled; default `drop` for N-MNIST, `crop` for DVS Gesture.
    pub late: LateSpikes,
    /// How several spikes of one unit in one step count; default `binary`.
    pub coincident: CoincidentSpikes,
    /// The side of the pixel squares that share an input unit; 1 or more, default 1 for N-MNIST, 4 for DVS Gesture.
    pub pool: usize,
    /// The pixels to use, `[left, top, right, bottom]`, inclusive; default all.
    pub channels: Vec<u32>,
    /// How the two polarities are handled; default `both`.
    pub polarity: Polarity,
    /// The test part; default official.
    pub test: SplitRule,
    /// The validation part, chosen from the samples not in the test part; default a tenth of every class.
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

    /// Checks the steps and their length; before reading, [`Camera::open`](crate::Camera::open) checks pool and pixels, which depend on
    /// the sensor.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first key whose value is outside the range documented on its field.
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
