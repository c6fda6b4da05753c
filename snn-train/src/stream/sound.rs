//! From samples of sound to steps: the front end of the data set, frame by frame.

use snn_core::StepInput;
use snn_data::{ChannelStatistics, audio::MelSpectrogram};

use super::{Decision, Settings, Source, Stream};
use crate::error::Error;

/// The front end, and the frame that it made last.
#[derive(Debug)]
pub(super) struct Ear {
    mel: MelSpectrogram,
    rate: u32,
    statistics: Option<ChannelStatistics>,
    frame: Vec<f32>,
    frames: u64,
    settings: Settings,
}

impl Ear {
    fn new(settings: Settings, rate: u32) -> Result<Self, Error> {
        settings.check()?;
        let Some(config) = settings.experiment.data.speech() else {
            return Err(Error::Impossible(format!(
                "data.name = \"{}\" has no front end for sound",
                settings.experiment.data.name()
            )));
        };
        if config.remove_mean {
            return Err(Error::Impossible(
                "data.remove_mean takes the mean of a whole recording off, which a stream does not know: train with \
                 data.remove_mean = false"
                    .to_owned(),
            ));
        }
        let statistics = settings.statistics.clone();
        if config.standardize && statistics.is_none() {
            return Err(super::unknown_data());
        }
        let mel = MelSpectrogram::new(&config.mel, rate)?;
        let statistics = statistics.filter(|_| config.standardize);
        Ok(Self { frame: vec![0.0; mel.channels()], mel, rate, statistics, frames: 0, settings })
    }

    /// The next frame, as a network takes it, and when it ends.
    fn frame(&mut self) -> Option<f64> {
        let frame = self.mel.pop()?;
        self.frame.iter_mut().zip(frame).for_each(|(value, &energy)| *value = energy as f32);
        if let Some(statistics) = &self.statistics {
            statistics.standardize(&mut self.frame);
        }
        let config = self.mel.config();
        let time = self.frames as f64 * config.hop + config.frame;
        self.frames += 1;
        Some(time)
    }
}

impl Stream {
    /// Takes samples of sound, full scale -1 to 1, of this rate in Hz, and tells a decision for each frame that is complete.
    ///
    /// # Errors
    /// [`Error::Impossible`] if the network was not trained on sound, its front end needs whole recordings, or the rate changes
    /// within a stream; [`Error::Data`] for a rate that is none; [`Error::Network`] for samples that are no numbers.
    pub fn push_samples(
        &mut self,
        samples: &[f64],
        rate: u32,
        tell: &mut dyn FnMut(&Decision<'_>),
    ) -> Result<(), Error> {
        self.hear(rate)?;
        if let Source::Sound(ear) = &mut self.source {
            ear.mel.push(samples);
        }
        self.take_frames(tell)
    }

    /// Makes sure that there is a front end for this rate.
    fn hear(&mut self, rate: u32) -> Result<(), Error> {
        let begun = self.step > 0 || self.windows > 0;
        match &self.source {
            Source::Sound(ear) if ear.rate == rate => return Ok(()),
            Source::Sound(ear) if begun || ear.frames > 0 => {
                return Err(Error::Impossible(format!(
                    "the stream has {} Hz, and now {rate} Hz: finish it first",
                    ear.rate
                )));
            }
            Source::Spikes(_) => {
                return Err(Error::Impossible("sound for a stream of spikes".to_owned()));
            }
            Source::Sound(_) | Source::Undecided(_) => {}
        }
        let settings = match &self.source {
            Source::Undecided(settings) => (**settings).clone(),
            Source::Sound(ear) => ear.settings.clone(),
            Source::Spikes(bin) => bin.settings.clone(),
        };
        self.source = Source::Sound(Box::new(Ear::new(settings, rate)?));
        Ok(())
    }

    fn take_frames(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        // the frame is lent out while the network steps
        while let Some((time, frame)) = self.next_frame() {
            let result = self.advance(StepInput::Frame(&frame), time, tell);
            self.give_back(frame);
            result?;
        }
        Ok(())
    }

    fn next_frame(&mut self) -> Option<(f64, Vec<f32>)> {
        let Source::Sound(ear) = &mut self.source else { return None };
        let time = ear.frame()?;
        Some((time, std::mem::take(&mut ear.frame)))
    }

    fn give_back(&mut self, frame: Vec<f32>) {
        if let Source::Sound(ear) = &mut self.source {
            ear.frame = frame;
        }
    }

    pub(super) fn finish_sound(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        if let Source::Sound(ear) = &mut self.source {
            ear.mel.finish();
        }
        self.take_frames(tell)?;
        let Source::Sound(ear) = &mut self.source else { return Ok(()) };
        let (frame, frames) = (std::mem::take(&mut ear.frame), ear.frames);
        let config = ear.mel.config();
        let (hop, length) = (config.hop, config.frame);
        for more in 0..self.lacking() as u64 {
            let time = (frames + more) as f64 * hop + length;
            self.advance(StepInput::Frame(&frame), time, tell)?;
        }
        if let Source::Sound(ear) = &mut self.source {
            (ear.frame, ear.frames) = (frame, 0);
            ear.mel.reset();
        }
        Ok(())
    }
}
