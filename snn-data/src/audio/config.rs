//! The parameters of a Mel spectrogram and their ranges.

use serde::{Deserialize, Serialize};

use super::{Compression, FilterEdges, FilterNorm, MelScale, RATES, Tail};
use crate::Error;
use crate::binning::{count, positive_ms};

/// Maximum number of points of a transform, and of channels.
const MAX_FFT: usize = 1 << 16;
const MAX_CHANNELS: usize = 1 << 12;

/// The parameters of a [`MelSpectrogram`](super::MelSpectrogram); the defaults are those of Zenke & Vogels 2021.
/// The paper does not specify the logarithm, the sample rate and the formula of the Mel scale: those defaults are ours.
///
/// Unknown keys in a configuration are an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MelConfig {
    /// Sample rate in Hz to which every recording is resampled first; 1000 to 768000, default 16000.
    pub sample_rate: u32,
    /// Coefficient c of the pre-emphasis y\[n\] = x\[n\] - c x\[n - 1\]; 0 (none) to 1, default 0.95.
    pub pre_emphasis: f64,
    /// Length of a frame in ms; above 0 and at most `fft` samples, default 25.
    pub frame: f64,
    /// Time from one frame to the next in ms; above 0, default 10.
    pub hop: f64,
    /// How samples after the last whole frame are handled; default `pad`.
    pub tail: Tail,
    /// Points of the Fourier transform; 2 to 65536, default 512.
    pub fft: usize,
    /// Number of Mel filters; 1 to 4096, default 40.
    pub channels: usize,
    /// Lower edge of the lowest filter in Hz; 0 or more, default 0.
    pub low: f64,
    /// Upper edge of the highest filter in Hz; above `low`, at most half the sample rate, which is the default. Recordings with a
    /// lower rate contain no frequencies above half of that rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// The formula of the Mel scale; default `htk`.
    pub scale: MelScale,
    /// How filters are normalized; default `peak`.
    pub norm: FilterNorm,
    /// Whether filter edges are at exact frequencies or at points of the transform; default `exact`.
    pub edges: FilterEdges,
    /// How energies are compressed; default `log`, the natural logarithm.
    pub compression: Compression,
    /// Lower bound of the energy before the logarithm; above 0, default 1e-10.
    pub floor: f64,
}

impl Default for MelConfig {
    fn default() -> Self {
        Self {
            sample_rate: 16_000,
            pre_emphasis: 0.95,
            frame: 25.0,
            hop: 10.0,
            tail: Tail::Pad,
            fft: 512,
            channels: 40,
            low: 0.0,
            high: None,
            scale: MelScale::Htk,
            norm: FilterNorm::Peak,
            edges: FilterEdges::Exact,
            compression: Compression::Log,
            floor: 1e-10,
        }
    }
}

impl MelConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first key whose value is outside the range documented on its field.
    pub fn validate(&self) -> Result<(), Error> {
        if !RATES.contains(&self.sample_rate) {
            return Err(Error::setting("sample_rate", self.sample_rate, "1000 to 768000 Hz"));
        }
        if !(0.0..=1.0).contains(&self.pre_emphasis) {
            return Err(Error::setting("pre_emphasis", self.pre_emphasis, "0 to 1"));
        }
        if !(2..=MAX_FFT).contains(&self.fft) {
            return Err(Error::setting("fft", self.fft, "2 to 65536 points"));
        }
        positive_ms("frame", self.frame)?;
        if !(1..=self.fft).contains(&self.frame_samples()) {
            let allowed = format!("1 to fft = {} samples of 1 / {} s", self.fft, self.sample_rate);
            return Err(Error::setting("frame", self.frame, allowed));
        }
        positive_ms("hop", self.hop)?;
        if !(1..=RATES.end() * 60).contains(&(self.hop_samples() as u32)) {
            return Err(Error::setting("hop", self.hop, "at least one sample and at most one minute"));
        }
        count("channels", self.channels, MAX_CHANNELS)?;
        let nyquist = f64::from(self.sample_rate) / 2.0;
        if !(0.0..nyquist).contains(&self.low) {
            return Err(Error::setting("low", self.low, format!("0 to below {nyquist} Hz")));
        }
        if !(self.high_hz() > self.low && self.high_hz() <= nyquist) {
            let allowed = format!("above low = {} and at most {nyquist} Hz", self.low);
            return Err(Error::setting("high", self.high_hz(), allowed));
        }
        if !(self.floor > 0.0 && self.floor.is_finite()) {
            return Err(Error::setting("floor", self.floor, "a number above 0"));
        }
        Ok(())
    }

    /// Samples of a frame, at [`sample_rate`](Self::sample_rate).
    pub fn frame_samples(&self) -> usize {
        self.samples(self.frame)
    }

    /// Samples from one frame to the next, at [`sample_rate`](Self::sample_rate).
    pub fn hop_samples(&self) -> usize {
        self.samples(self.hop)
    }

    /// Upper edge of the highest filter in Hz.
    pub fn high_hz(&self) -> f64 {
        self.high.unwrap_or(f64::from(self.sample_rate) / 2.0)
    }

    fn samples(&self, ms: f64) -> usize {
        (ms * f64::from(self.sample_rate) / 1000.0).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_paper_s() {
        let config = MelConfig::default();
        assert_eq!(config.validate(), Ok(()));
        assert_eq!((config.frame_samples(), config.hop_samples(), config.high_hz()), (400, 160, 8000.0));
        // pre-emphasis 0.95, frames of 25 ms every 10 ms, 512 points, 40 filters
        assert_eq!([config.pre_emphasis, config.frame, config.hop], [0.95, 25.0, 10.0]);
        assert_eq!((config.fft, config.channels), (512, 40));
    }

    #[test]
    fn impossible_values_are_refused() {
        type Change = fn(&mut MelConfig);
        let cases: &[(&str, Change)] = &[
            ("`sample_rate = 0`", |c| c.sample_rate = 0),
            ("`pre_emphasis = 1.1`", |c| c.pre_emphasis = 1.1),
            ("`pre_emphasis = NaN`", |c| c.pre_emphasis = f64::NAN),
            ("`fft = 1`", |c| c.fft = 1),
            ("`frame = 33` is invalid: frame must be 1 to fft = 512 samples", |c| c.frame = 33.0),
            ("`frame = 0.01`", |c| c.frame = 0.01),
            ("`frame = inf`", |c| c.frame = f64::INFINITY),
            ("`hop = 0`", |c| c.hop = 0.0),
            ("`hop = 10000000000`", |c| c.hop = 1e10),
            ("`channels = 0`", |c| c.channels = 0),
            ("`low = -1`", |c| c.low = -1.0),
            ("`low = 8000`", |c| c.low = 8000.0),
            ("`high = 8001`", |c| c.high = Some(8001.0)),
            ("`high = 0`", |c| c.high = Some(0.0)),
            ("`high = NaN`", |c| c.high = Some(f64::NAN)),
            ("`floor = 0`", |c| c.floor = 0.0),
        ];
        for (expected, change) in cases {
            let mut config = MelConfig::default();
            change(&mut config);
            let message = config.validate().expect_err(expected).to_string();
            assert!(message.starts_with(expected), "{message}\nshould start with {expected}");
        }
    }

    #[test]
    fn a_configuration_is_read_and_written_back() {
        let config: MelConfig = toml::from_str("high = 4000.0\nscale = \"slaney\"\nnorm = \"area\"").unwrap();
        assert_eq!(
            (config.high, config.scale, config.norm),
            (Some(4000.0), MelScale::Slaney, FilterNorm::Area)
        );
        assert_eq!(toml::from_str::<MelConfig>(&toml::to_string(&config).unwrap()), Ok(config));
        assert!(toml::from_str::<MelConfig>("chanels = 3").is_err());
    }
}
