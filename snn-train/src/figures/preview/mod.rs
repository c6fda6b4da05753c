//! Previews of data set samples: spikes as a raster, analog values as a spectrogram, in a terminal or as a drawing.

mod drawing;
mod terminal;

use std::path::Path;

use serde::Serialize;
use snn_data::{BatchInput, Dataset, Split, collate};
use snn_run::output;

use crate::Error;

pub(super) use drawing::{draw_colors, draw_raster, draw_spectrogram};
pub use terminal::Look;

/// Resolution of a PNG.
const DOTS_PER_INCH: f64 = 200.0;

/// Some samples of a data set.
///
/// ```
/// use snn_data::{Randman, RandmanConfig, Split};
/// use snn_train::figures::{Look, Preview};
///
/// let data = Randman::new(RandmanConfig { samples_per_class: 10, ..RandmanConfig::default() })?;
/// let preview = Preview::of(&data, &Preview::choose(&data, Split::Train, None, 2))?;
/// assert!(preview.to_text(&Look::default()).starts_with("sample "));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// The data set.
    pub name: String,
    /// Input units.
    pub inputs: usize,
    /// Time steps of a sample.
    pub steps: usize,
    /// Length of a step in ms.
    pub dt: f64,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// A sample and its attributes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// Its index in the data set.
    pub index: u32,
    /// Its class.
    pub label: u16,
    /// The name of the class.
    pub class: Option<String>,
    /// The speaker.
    pub speaker: Option<String>,
    /// Original duration (ms).
    pub duration: Option<f64>,
    /// The input of the network.
    #[serde(flatten)]
    pub content: Content,
}

/// The input of the network.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Step and unit of every spike, ascending.
    Spikes(Vec<(u32, u16)>),
    /// The value of each unit, for every step.
    Frames(Vec<Vec<f32>>),
}

impl Preview {
    /// A preview of these samples.
    ///
    /// # Errors
    /// [`Error::Data`] for a sample that does not exist or cannot be read.
    pub fn of(dataset: &dyn Dataset, samples: &[u32]) -> Result<Self, Error> {
        let samples = samples.iter().map(|&index| Sample::of(dataset, index));
        Ok(Self {
            name: dataset.name().to_owned(),
            inputs: dataset.inputs(),
            steps: dataset.steps(),
            dt: dataset.dt(),
            samples: samples.collect::<Result<_, _>>()?,
        })
    }

    /// The first `count` samples of a part, of one class or cycling through all classes.
    #[must_use]
    pub fn choose(dataset: &dyn Dataset, split: Split, class: Option<u16>, count: usize) -> Vec<u32> {
        let mut taken = vec![0_usize; dataset.classes()];
        let mut part: Vec<_> = dataset
            .splits()
            .get(split)
            .iter()
            .map(|&index| (index, dataset.label(index as usize)))
            .filter(|&(_, label)| class.is_none_or(|class| class == label))
            .map(|(index, label)| {
                let turn = &mut taken[usize::from(label)];
                *turn += 1;
                (*turn, label, index)
            })
            .collect();
        part.sort_unstable();
        part.into_iter().take(count).map(|(_, _, index)| index).collect()
    }

    /// Writes a drawing, as SVG or PNG according to the extension.
    ///
    /// # Errors
    /// [`Error::Impossible`] for a different extension, [`snn_run::Error::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        let content = match ending.as_deref() {
            Some("svg") => self.draw().to_svg().into_bytes(),
            Some("png") => self.draw().to_png(DOTS_PER_INCH)?,
            _ => {
                let reason = "drawings are SVG or PNG: the name must end in .svg or .png, unlike";
                return Err(Error::Impossible(format!("{reason} {}", path.display())));
            }
        };
        output::write(path, &content).map_err(Error::io("write the drawing", path))
    }

    /// Length of a sample in ms.
    fn length(&self) -> f64 {
        self.steps as f64 * self.dt
    }
}

impl Sample {
    fn of(dataset: &dyn Dataset, index: u32) -> Result<Self, Error> {
        let batch = collate(dataset, &[index])?;
        let at = index as usize;
        let content = match batch.input {
            BatchInput::Events { offsets, units } => {
                let rows = (0..).zip(offsets.windows(2));
                let spikes = rows.flat_map(|(step, row)| {
                    units[row[0] as usize..row[1] as usize].iter().map(move |&unit| (step, unit))
                });
                Content::Spikes(spikes.collect())
            }
            BatchInput::Frames { values } => {
                Content::Frames(values.chunks(batch.inputs).map(<[f32]>::to_vec).collect())
            }
        };
        let label = dataset.label(at);
        Ok(Self {
            index,
            label,
            class: dataset.class_name(label).map(str::to_owned),
            speaker: dataset.speaker(at).map(str::to_owned),
            duration: dataset.duration(at),
            content,
        })
    }

    /// The class, by name if it has one.
    fn title(&self) -> String {
        self.class.clone().unwrap_or_else(|| format!("class {}", self.label))
    }
}

/// Smallest and largest of the values; 0 and 1 without any.
pub(super) fn range(frames: &[Vec<f32>]) -> (f64, f64) {
    let values = || frames.iter().flatten().copied().map(f64::from);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if low < high { (low, high) } else { (0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use snn_data::{FrameDataset, Randman, RandmanConfig, Splits};

    use super::*;

    fn randman() -> Randman {
        let config = RandmanConfig { classes: 3, samples_per_class: 10, ..RandmanConfig::default() };
        Randman::new(config).unwrap()
    }

    #[test]
    fn samples_cycle_through_classes() {
        let data = randman();
        let labels = |class, count| {
            let samples = Preview::choose(&data, Split::Train, class, count);
            assert!(samples.iter().all(|sample| data.splits().train.contains(sample)));
            samples.iter().map(|&sample| data.label(sample as usize)).collect::<Vec<_>>()
        };
        assert_eq!(labels(None, 4), [0, 1, 2, 0]);
        assert_eq!(labels(Some(1), 2), [1, 1]);
        assert_eq!(labels(Some(1), 100).len(), 8, "no more than there are");
    }

    #[test]
    fn a_preview_has_the_network_input() {
        let data = randman();
        let preview = Preview::of(&data, &[3]).unwrap();
        let Content::Spikes(spikes) = &preview.samples[0].content else { panic!("spikes") };
        assert_eq!(spikes.len(), 20, "every input spikes once");
        for (unit, time) in (0_u16..).zip(data.spike_times(3)) {
            assert!(spikes.contains(&((time.floor() as u32).min(99), unit)), "{unit}");
        }
        let json = serde_json::to_value(&preview).unwrap();
        assert_eq!(json["samples"][0]["spikes"].as_array().unwrap().len(), 20);
        assert!(Preview::of(&data, &[30]).is_err(), "there is no such sample");
    }

    #[test]
    fn the_extension_selects_the_drawing_format() {
        let mut data = FrameDataset::new("ramps", 2, 1, 3, 1.0).unwrap();
        data.push(0, &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5]).unwrap();
        data.set_splits(Splits { train: vec![0], ..Splits::default() }).unwrap();
        let preview = Preview::of(&data, &[0]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        preview.write(path("a.svg")).unwrap();
        preview.write(path("a.PNG")).unwrap();
        assert!(std::fs::read_to_string(path("a.svg")).unwrap().starts_with("<svg"));
        assert!(std::fs::read(path("a.PNG")).unwrap().starts_with(b"\x89PNG"));
        let error = preview.write(path("a.pdf")).unwrap_err().to_string();
        assert!(error.contains(".svg or .png"), "{error}");
    }
}
