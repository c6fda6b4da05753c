//! From a recording to analog input: the Mel filter banks of Zenke & Vogels 2021 (section 4.1, RawHD and RawSC).
//!
//! Each stage is a separate function or small type:
//!
//! | stage | here |
//! |---|---|
//! | read WAV or FLAC, mix down to one channel | [`Sound::read`]; streams of WAV or raw PCM: [`SoundStream`] |
//! | resample to 16 kHz | [`resample`], [`Resampler`] |
//! | pre-emphasis, coefficient 0.95 | [`pre_emphasis`] |
//! | frames of 25 ms every 10 ms | [`frames`], [`frame_count`] |
//! | Hamming window | [`hamming`], [`apply_window`] |
//! | power spectrum of 512 points | [`PowerSpectrum`] |
//! | 40 triangular filters on the Mel scale | [`MelFilters`] |
//! | logarithm, decibel or neither | [`Compression`] |
//! | mean removal for each recording | [`remove_mean`] |
//! | crop, or pad by repeating the last frame | [`fit_length`] |
//! | standardization by the training part | [`ChannelStatistics`] |
//!
//! [`MelSpectrogram`] chains them, from the samples of a recording to the compressed filter-bank energies, for whole
//! recordings or streams:
//!
//! ```
//! use snn_data::audio::{MelConfig, MelSpectrogram, fit_length};
//!
//! # fn main() -> Result<(), snn_data::Error> {
//! let rate = 48_000;
//! let tone: Vec<f64> = (0..rate).map(|n| 0.1 * (0.06 * f64::from(n)).sin()).collect();
//!
//! let mut mel = MelSpectrogram::new(&MelConfig::default(), rate)?;
//! let mut frames = mel.compute(&tone); // [frames, 40], row-major
//! assert_eq!(frames.len(), 99 * 40);
//! fit_length(&mut frames, 40, 80)?; // the 80 steps of RawHD
//!
//! // The same, piece by piece.
//! mel.reset();
//! for piece in tone.chunks(1000) {
//!     mel.push(piece);
//!     while let Some(frame) = mel.pop() {
//!         assert_eq!(frame.len(), 40);
//!     }
//! }
//! mel.finish();
//! assert!(mel.pop().is_some(), "the rest of the sound");
//! # Ok(())
//! # }
//! ```
//!
//! Samples are `f64` in -1 to 1, times in ms, frequencies in Hz. All computation is in `f64`, which keeps the logarithm of a
//! faint channel accurate next to a loud one.

mod compression;
mod config;
mod emphasis;
mod flac;
mod frame;
mod length;
mod mel;
mod read;
mod resample;
mod scale;
mod sound;
mod spectrogram;
mod spectrum;
mod stream;
mod wav;

pub use compression::{Compression, remove_mean};
pub use config::MelConfig;
pub use emphasis::pre_emphasis;
pub use frame::{Tail, apply_window, frame_count, frames, hamming};
pub use length::fit_length;
pub use mel::MelFilters;
pub use resample::{Resampler, resample};
pub use scale::{FilterEdges, FilterNorm, MelScale};
pub use sound::Sound;
pub use spectrogram::MelSpectrogram;
pub use spectrum::PowerSpectrum;
pub use stream::{Encoding, SoundStream};

pub use crate::ChannelStatistics;

/// Accepted sample rates in Hz. A rate outside this range comes from a broken header, and would make the resampler allocate
/// absurd amounts of memory.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;
