//! Handwritten digits as spike latencies (Zenke & Vogels 2021, section 4.1).

mod idx;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use idx::Idx;

use crate::binning::{count, positive_ms};
use crate::delegate::delegate;
use crate::part::{SampleIndex, limit_train, split};
use crate::{
    Binning, CoincidentSpikes, Dataset, Error, EventDataset, Fingerprint, LateSpikes, Portion, Split,
    SplitRule,
};

const CLASSES: usize = 10;

/// Seed of the selection of training images: a limited training part is the same in every run.
const TRAIN_SEED: u64 = 0;

/// Maximum number of images of a part: MNIST has 60000, its largest variants 280000.
const MAX_IMAGES: usize = 300_000;

/// Height and width of an image.
const SIDE: usize = 28;

/// The parameters of [`Mnist`]; the defaults are those of Zenke & Vogels 2021.
///
/// Unknown keys in a configuration are an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MnistConfig {
    /// Number of time steps; 1 to 4294967295, default 100. Later spikes are dropped.
    pub steps: usize,
    /// Length of a time step in ms; above 0, default 1.
    pub dt: f64,
    /// Threshold theta of the latency code, as a fraction of full brightness; 0 to below 1, default 0.2. Only brighter pixels
    /// spike.
    pub threshold: f64,
    /// Time constant tau_eff of the latency code in ms; above 0, default 50.
    pub tau_eff: f64,
    /// The validation part, selected from the 60000 training images; default 5000, the same portion of every class. A list names
    /// images by number, from 0.
    pub valid: SplitRule,
    /// Number of training images, the same portion of every class, selected from those not used for validation; 1 or more,
    /// default 45000. If there are fewer, all are used.
    pub train: usize,
}

impl Default for MnistConfig {
    fn default() -> Self {
        Self {
            steps: 100,
            dt: 1.0,
            threshold: 0.2,
            tau_eff: 50.0,
            valid: SplitRule::Stratified { portion: Portion::Count(5000), seed: 0 },
            train: 45_000,
        }
    }
}

impl MnistConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first key whose value is outside the range documented on its field.
    pub fn validate(&self) -> Result<(), Error> {
        self.binning().validate()?;
        if !(0.0..1.0).contains(&self.threshold) {
            return Err(Error::setting("threshold", self.threshold, "0 to below 1"));
        }
        positive_ms("tau_eff", self.tau_eff)?;
        count("train", self.train, u32::MAX as usize)
    }

    /// The spike time of a pixel of brightness x in 0 to 1, in ms: T(x) = tau_eff ln(x / (x - theta)) for x > theta, else never.
    ///
    /// This is the time that a leaky integrator with time constant tau_eff and input x takes to reach theta.
    pub fn latency(&self, brightness: f64) -> Option<f64> {
        let above = brightness - self.threshold;
        (above > 0.0).then(|| self.tau_eff * (brightness / above).ln())
    }

    fn binning(&self) -> Binning {
        Binning {
            steps: self.steps,
            dt: self.dt,
            late: LateSpikes::Drop,
            coincident: CoincidentSpikes::Binary,
        }
    }
}

/// MNIST: images of 28 x 28 pixels as spike latencies, one input unit per pixel; bright pixels spike early, dark ones late or
/// not at all.
///
/// Samples 0 to 59999 are the training images, from which the validation part is selected, followed by the 10000 test images.
///
/// ```no_run
/// use snn_data::{Dataset, Mnist, MnistConfig};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let data = Mnist::open("data/mnist", &MnistConfig::default())?;
/// assert_eq!((data.len(), data.inputs(), data.classes()), (70_000, 784, 10));
/// assert_eq!((data.splits().train.len(), data.splits().valid.len()), (45_000, 5_000));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Mnist {
    events: EventDataset,
    images: Vec<u8>,
}

impl Mnist {
    /// Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte` from a
    /// folder, each uncompressed or with `.gz`.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an invalid configuration; [`Error::Missing`] for a missing file;
    /// [`Error::File`] for a file that is damaged, has the wrong shape or a label above 9; [`Error::Io`].
    pub fn open(folder: impl AsRef<Path>, config: &MnistConfig) -> Result<Self, Error> {
        config.validate()?;
        let folder = folder.as_ref();
        let mut labels = Vec::new();
        let mut images = Vec::new();
        let (mut trained, mut ranges) = (0, Vec::new());
        for part in ["train", "t10k"] {
            trained = labels.len();
            ranges.push(read_part(folder, part, &mut labels, &mut images)?);
        }
        let doubts = match_brightness(&ranges)?;

        // There are only 256 brightness values: no need to compute the logarithm for every pixel.
        let latencies: Vec<Option<f64>> =
            (0..=255_u8).map(|pixel| config.latency(f64::from(pixel) / 255.0)).collect();
        let inputs = SIDE * SIDE;
        let mut events = EventDataset::new("mnist", inputs, CLASSES, config.binning())?;
        events.reserve(labels.len(), 0)?;
        for (&label, image) in labels.iter().zip(images.chunks_exact(inputs)) {
            let spikes = image.iter().zip(0..);
            events.push(
                label,
                spikes.filter_map(|(&pixel, unit)| latencies[usize::from(pixel)].map(|time| (time, unit))),
            )?;
        }
        let sample_index = Numbered { labels, trained };
        let mut splits = split(&sample_index, &SplitRule::Official, &config.valid)?;
        limit_train(&sample_index, &mut splits, config.train, TRAIN_SEED);
        events.set_splits(splits)?;
        events.intake_mut().doubts.extend(doubts);
        Ok(Self { events, images })
    }

    /// The pixels of an image, `[28, 28]`, row-major, 0 (background) to 255.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * SIDE * SIDE..][..SIDE * SIDE]
    }

    /// Number of spikes of a sample.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn spikes(&self, index: usize) -> usize {
        self.events.spikes(index)
    }
}

/// The brightness of the images of a part.
struct Brightness {
    path: PathBuf,
    /// The brightest pixel.
    most: u8,
    /// The mean of all pixels, 0 to 255.
    mean: f64,
}

/// Compares the brightness of the two parts: an error for different units, a warning about inverted images.
fn match_brightness(parts: &[Brightness]) -> Result<Option<String>, Error> {
    /// The ratio of different units: 0 to 1 and 0 to 255, or 0 to 15 and 0 to 255.
    const RATIO: u8 = 16;

    let [train, test] = parts else { return Ok(None) };
    let (low, high) = (train.most.min(test.most), train.most.max(test.most));
    if low > 0 && high / low >= RATIO {
        let problem = format!(
            "its brightest pixel is {}, but {} in the training images: the units differ",
            test.most, train.most
        );
        return Err(Error::format("MNIST file", problem).in_file(&test.path, "pixels"));
    }
    let inverted = (train.mean > 127.5) != (test.mean > 127.5);
    Ok(inverted.then(|| {
        let [train, test] = [train.mean, test.mean];
        format!("mean pixel values are {train:.0} in training images and {test:.0} in test images (of 255): is one part inverted?")
    }))
}

/// Appends images and labels of one part.
fn read_part(
    folder: &Path,
    part: &str,
    labels: &mut Vec<u16>,
    images: &mut Vec<u8>,
) -> Result<Brightness, Error> {
    let broken = |problem: String| Error::format("MNIST file", problem);
    let path = find(folder, &format!("{part}-labels-idx1-ubyte"))?;
    let Idx { values, .. } = Idx::read_shaped(&path, &|shape| match shape {
        &[0] => Err(broken("it has no labels".into())),
        &[count] if count <= MAX_IMAGES => Ok(()),
        &[count] => Err(broken(format!("{count} labels: at most {MAX_IMAGES} are read"))),
        shape => Err(broken(format!("labels with shape {shape:?} instead of one list"))),
    })?;
    let count = values.len();
    if let Some(sample) = values.iter().position(|&label| usize::from(label) >= CLASSES) {
        let error = Error::Label { label: values[sample].into(), classes: CLASSES };
        return Err(error.in_file(&path, format!("label {sample}")));
    }
    labels.extend(values.iter().map(|&label| u16::from(label)));

    let path = find(folder, &format!("{part}-images-idx3-ubyte"))?;
    let Idx { values, .. } = Idx::read_shaped(&path, &|shape| {
        if shape == [count, SIDE, SIDE] {
            return Ok(());
        }
        Err(broken(format!("images with shape {shape:?} instead of [{count}, {SIDE}, {SIDE}]")))
    })?;
    images.extend_from_slice(&values);
    let sum: u64 = values.iter().map(|&pixel| u64::from(pixel)).sum();
    let most = values.iter().copied().max().unwrap_or_default();
    Ok(Brightness { path, most, mean: sum as f64 / values.len().max(1) as f64 })
}

/// The file, compressed or not.
fn find(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    [name.to_owned(), format!("{name}.gz")]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| Error::Missing {
            what: format!("file `{name}` or `{name}.gz`"),
            path: folder.to_owned(),
        })
}

/// Samples are identified by number; the test part follows the training part.
struct Numbered {
    labels: Vec<u16>,
    trained: usize,
}

impl SampleIndex for Numbered {
    fn labels(&self) -> &[u16] {
        &self.labels
    }

    fn speaker(&self, _: usize) -> Option<&str> {
        None
    }

    fn sample_name(&self, index: usize) -> String {
        index.to_string()
    }

    fn official(&self, index: usize) -> Option<Split> {
        (index >= self.trained).then_some(Split::Test)
    }
}

impl Dataset for Mnist {
    delegate!(events: shape label intake);

    fn fingerprint(&self, index: usize) -> Option<Fingerprint> {
        Some(Fingerprint::of(self.image(index)))
    }
}
