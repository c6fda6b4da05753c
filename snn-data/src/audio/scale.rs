//! The Mel scale, and the conventions for filters on it.

use serde::{Deserialize, Serialize};

/// A formula of the Mel scale, on which equal distances sound equally far apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MelScale {
    /// mel = 2595 log10(1 + f / 700), from the Hidden Markov Model Toolkit.
    #[default]
    Htk,
    /// mel = 3 f / 200 up to 1000 Hz, above that 15 + 27 ln(f / 1000) / ln 6.4; from Slaney's Auditory Toolbox.
    Slaney,
}

/// Slaney's scale is linear up to here: 1000 Hz are 15 mel.
const SLANEY_KNEE_HZ: f64 = 1000.0;
const SLANEY_KNEE_MEL: f64 = 15.0;

impl MelScale {
    /// The position of a frequency, 0 Hz or more, on the scale.
    pub fn mel(self, hz: f64) -> f64 {
        match self {
            Self::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            Self::Slaney if hz < SLANEY_KNEE_HZ => hz * 3.0 / 200.0,
            Self::Slaney => SLANEY_KNEE_MEL + 27.0 * (hz / SLANEY_KNEE_HZ).ln() / 6.4_f64.ln(),
        }
    }

    /// The frequency in Hz at a position on the scale: the inverse of [`mel`](Self::mel).
    pub fn hz(self, mel: f64) -> f64 {
        match self {
            Self::Htk => 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0),
            Self::Slaney if mel < SLANEY_KNEE_MEL => mel * 200.0 / 3.0,
            Self::Slaney => SLANEY_KNEE_HZ * (6.4_f64.ln() * (mel - SLANEY_KNEE_MEL) / 27.0).exp(),
        }
    }
}

/// How the triangular filters are normalized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterNorm {
    /// Height 1: wide filters collect more energy.
    #[default]
    Peak,
    /// Area 1 over frequencies in Hz (height 2 / width).
    Area,
}

/// Where the corners of the triangles are placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterEdges {
    /// At the exact frequencies.
    #[default]
    Exact,
    /// At points of the transform: point floor((F + 1) f / rate) for frequency f, as in Fayek's recipe.
    Rounded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scales_are_inverted() {
        for scale in [MelScale::Htk, MelScale::Slaney] {
            for hz in [0.0, 20.0, 700.0, 999.9, 1000.0, 4000.0, 8000.0] {
                assert!((scale.hz(scale.mel(hz)) - hz).abs() < 1e-9, "{scale:?} {hz}");
            }
        }
        assert!((MelScale::Htk.mel(1000.0) - 1000.0).abs() < 0.1);
        assert_eq!(MelScale::Slaney.mel(6400.0), 42.0);
    }
}
