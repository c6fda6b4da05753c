//! The data set: samples from the files, binned to steps.

use std::borrow::Cow;
use std::path::Path;

use super::recording::{LeftOut, Recording};
use super::{CameraConfig, CameraLayout, gesture, nmnist};
use crate::delegate::delegate;
use crate::late::Found;
use crate::part::{SampleIndex, split_recorded};
use crate::{Dataset, Error, EventDataset, Fingerprint, Reason, Recorded, Split, TimeUnit};

/// Event-camera recordings in their published formats: N-MNIST or DVS Gesture.
///
/// A brightness change at pixel (x, y) is a spike of the input unit assigned by `pool`, `channels` and `polarity` of the configuration;
/// without these, of unit (polarity x height + y) x width + x with polarity 1 for brighter. A spike at t falls into step
/// floor(t / dt), where t counts from the beginning of the recording (N-MNIST) or of the gesture (DVS Gesture).
///
/// ```no_run
/// use snn_data::{Camera, CameraConfig, CameraLayout, Dataset, Recorded};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let layout = CameraLayout::Nmnist;
/// let config = CameraConfig { pool: 2, ..CameraConfig::of(layout) };
/// let data = Camera::open(layout, "data/nmnist", &config, Recorded::default())?;
/// assert_eq!((data.len(), data.inputs(), data.classes()), (70_000, 17 * 17 * 2, 10));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Camera {
    layout: CameraLayout,
    events: EventDataset,
    samples: Samples,
    fingerprints: Vec<Fingerprint>,
}

impl Camera {
    /// Reads the recordings of a folder, with the parts recorded by a run.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an invalid configuration; [`Error::Missing`] for a missing folder or list;
    /// [`Error::File`] with the place for a file that is damaged, truncated, or has a pixel outside of the sensor; there also
    /// [`Error::LateSpikes`] if most spikes fall after the last step; [`Error::Membership`] for samples of the run that are missing;
    /// [`Error::Io`], [`Error::OutOfMemory`].
    pub fn open(
        layout: CameraLayout,
        folder: impl AsRef<Path>,
        config: &CameraConfig,
        recorded: Recorded<'_>,
    ) -> Result<Self, Error> {
        config.validate()?;
        let folder = folder.as_ref();
        let channels = config.map(layout)?;
        let classes = match layout {
            CameraLayout::Nmnist => 10,
            CameraLayout::DvsGesture => gesture::CLASSES.len(),
        };
        let mut events = EventDataset::new(layout.name(), channels.inputs(), classes, config.binning())?;
        let (mut samples, mut fingerprints, mut found) = (Samples::default(), Vec::new(), Found::default());
        let window = config.steps as f64 * config.dt;
        let mut add = |recording: Recording, left_out: LeftOut| -> Result<(), Error> {
            let mut unselected = 0;
            let spikes = recording.events.iter().filter_map(|event| {
                // The reader has checked the pixel.
                let channel = channels.channel(event.x.into(), event.y.into(), event.on)?;
                let input = channels.input(channel).ok().flatten();
                unselected += usize::from(input.is_none());
                Some((event.time as f64 * TimeUnit::Us.ms(), input?))
            });
            events.push(recording.label, spikes)?;
            for event in &recording.events {
                found.add(event.time as f64 * TimeUnit::Us.ms(), window);
            }
            let intake = events.intake_mut();
            for (reason, count) in left_out {
                intake.leave_out(reason, count, || recording.name.clone());
            }
            intake.leave_out(Reason::Unselected, unselected, || recording.name.clone());
            fingerprints.push(recording.fingerprint());
            samples.labels.push(recording.label);
            samples.others.push((recording.name, recording.speaker, recording.split));
            Ok(())
        };
        let doubts = match layout {
            CameraLayout::Nmnist => nmnist::visit(folder, &mut add).map(|()| Vec::new())?,
            CameraLayout::DvsGesture => gesture::visit(folder, &mut add)?,
        };
        if samples.labels.is_empty() {
            return Err(Error::Missing { what: "recordings".to_owned(), path: folder.to_owned() });
        }
        found
            .check(config.late, TimeUnit::Us, window)
            .map_err(|error| error.in_file(folder, "all recordings"))?;
        let intake = events.intake_mut();
        intake.doubts = doubts;
        if found.spikes == 0 {
            intake.doubts.push("no sample has a spike".to_owned());
        }
        let splits = split_recorded(&samples, [&config.test, &config.valid], recorded, intake)?;
        events.set_splits(splits)?;
        Ok(Self { layout, events, samples, fingerprints })
    }

    /// Number of spikes of a sample, after binning.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn spikes(&self, index: usize) -> usize {
        self.events.spikes(index)
    }
}

/// Information about each sample besides its spikes.
#[derive(Clone, Debug, Default)]
struct Samples {
    labels: Vec<u16>,
    /// Name, speaker and official part.
    others: Vec<(String, Option<String>, Split)>,
}

impl SampleIndex for Samples {
    fn labels(&self) -> &[u16] {
        &self.labels
    }

    fn speaker(&self, index: usize) -> Option<&str> {
        self.others[index].1.as_deref()
    }

    fn sample_name(&self, index: usize) -> String {
        self.others[index].0.clone()
    }

    fn official(&self, index: usize) -> Option<Split> {
        Some(self.others[index].2).filter(|&split| split != Split::Train)
    }
}

impl Dataset for Camera {
    delegate!(events: shape label intake);

    /// The gesture; digits have no name other than their number.
    fn class_name(&self, label: u16) -> Option<&str> {
        match self.layout {
            CameraLayout::Nmnist => None,
            CameraLayout::DvsGesture => gesture::CLASSES.get(usize::from(label)).copied(),
        }
    }

    /// The person making the gesture, such as `user01`.
    fn speaker(&self, index: usize) -> Option<&str> {
        self.samples.speaker(index)
    }

    /// The file within the folder; `:3` is its fourth gesture.
    fn sample_name(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(self.samples.others[index].0.as_str().into())
    }

    fn fingerprint(&self, index: usize) -> Option<Fingerprint> {
        Some(self.fingerprints[index])
    }

    fn time_unit(&self) -> Option<TimeUnit> {
        Some(TimeUnit::Us)
    }
}
