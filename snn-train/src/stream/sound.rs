//! Conversion of sound samples to frames: the front end of the data set.

use snn_data::{ChannelStatistics, audio::MelSpectrogram};

use super::settings::{Settings, unknown_data};
use crate::error::Error;

/// The front end, and its last frame.
#[derive(Debug)]
pub(super) struct Ear {
    mel: MelSpectrogram,
    pub(super) rate: u32,
    statistics: Option<ChannelStatistics>,
    pub(super) frame: Vec<f32>,
    /// Frames since the start of the stream.
    pub(super) frames: u64,
    pub(super) settings: Settings,
}

impl Ear {
    pub(super) fn new(settings: Settings, rate: u32) -> Result<Self, Error> {
        settings.check()?;
        let Some(config) = settings.experiment.data.speech() else {
            return Err(Error::Impossible(format!(
                "data.name = \"{}\" has no front end for sound",
                settings.experiment.data.name()
            )));
        };
        if config.remove_mean {
            return Err(Error::Impossible(
                "data.remove_mean subtracts the mean of a whole recording, which is unknown in a stream: train with \
                 data.remove_mean = false"
                    .to_owned(),
            ));
        }
        let statistics = settings.statistics.clone();
        if config.standardize && statistics.is_none() {
            return Err(unknown_data());
        }
        let mel = MelSpectrogram::new(&config.mel, rate)?;
        let statistics = statistics.filter(|_| config.standardize);
        Ok(Self { frame: vec![0.0; mel.channels()], mel, rate, statistics, frames: 0, settings })
    }

    pub(super) fn push(&mut self, samples: &[f64]) {
        self.mel.push(samples);
    }

    pub(super) fn finish(&mut self) {
        self.mel.finish();
    }

    /// Resets for another sound.
    pub(super) fn begin_anew(&mut self) {
        self.mel.reset();
        self.frames = 0;
    }

    /// Computes the next frame for the network, if all its samples have arrived.
    pub(super) fn next_frame(&mut self) -> bool {
        let Some(frame) = self.mel.pop() else { return false };
        self.frame.iter_mut().zip(frame).for_each(|(value, &energy)| *value = energy as f32);
        if let Some(statistics) = &self.statistics {
            statistics.standardize(&mut self.frame);
        }
        self.frames += 1;
        true
    }

    /// The end of frame number `count`, counted from 1, in ms.
    pub(super) fn end(&self, count: u64) -> f64 {
        let config = self.mel.config();
        count.saturating_sub(1) as f64 * config.hop + config.frame
    }
}
