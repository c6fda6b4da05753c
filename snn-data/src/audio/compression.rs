//! Compression of energies to a convenient range.

use serde::{Deserialize, Serialize};

/// How the energy of a Mel channel is compressed.
///
/// Energies are relative to full scale: a sine of amplitude 1 in the middle of a filter has an energy of about 20, the
/// rounding noise of 16-bit samples one of 1e-10.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// The natural logarithm ln(max(energy, floor)).
    #[default]
    Log,
    /// 10 log10(max(energy, floor)), in dB.
    Decibel,
    /// The energy itself; the floor is not used.
    Power,
}

impl Compression {
    /// Compresses energies in place. Values below `floor`, which must be positive, are raised to it.
    pub fn apply(self, energies: &mut [f64], floor: f64) {
        match self {
            Self::Log => energies.iter_mut().for_each(|energy| *energy = energy.max(floor).ln()),
            Self::Decibel => {
                energies.iter_mut().for_each(|energy| *energy = 10.0 * energy.max(floor).log10())
            }
            Self::Power => {}
        }
    }
}

/// Subtracts from each channel its mean over the frames of one recording, in place; `frames` is `[frames, channels]`.
///
/// After a logarithm, this removes the effect of the microphone and of the distance to it on the spectrum.
pub fn remove_mean(frames: &mut [f64], channels: usize) {
    let count = frames.len() / channels.max(1);
    for channel in 0..channels {
        let mean = frames.iter().skip(channel).step_by(channels).sum::<f64>() / count as f64;
        frames.iter_mut().skip(channel).step_by(channels).for_each(|value| *value -= mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energies_are_compressed() {
        let compressed = |compression: Compression| {
            let mut energies = [0.0, 1.0, 100.0];
            compression.apply(&mut energies, 0.1);
            energies
        };
        assert_eq!(compressed(Compression::Log), [0.1_f64.ln(), 0.0, 100.0_f64.ln()]);
        assert_eq!(compressed(Compression::Decibel), [-10.0, 0.0, 20.0]);
        assert_eq!(compressed(Compression::Power), [0.0, 1.0, 100.0]);
    }

    #[test]
    fn each_channel_is_centered() {
        let mut frames = [1.0, 10.0, 3.0, 30.0];
        remove_mean(&mut frames, 2);
        assert_eq!(frames, [-1.0, -10.0, 1.0, 10.0]);
        remove_mean(&mut [], 2);
    }
}
