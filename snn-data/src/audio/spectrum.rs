//! The power spectrum of a frame.

use std::fmt;
use std::sync::Arc;

use snn_fft::{Complex64, RealToComplex};

/// Power spectrum by a real fast Fourier transform of F points: P\[k\] = |sum_n x\[n\] exp(-2 pi i k n / F)|^2 / F for
/// k = 0 .. F / 2; bin k is at k rate / F Hz.
///
/// ```
/// use snn_data::audio::PowerSpectrum;
///
/// let mut spectrum = PowerSpectrum::new(4);
/// assert_eq!(spectrum.bins(), 3);
/// assert_eq!(spectrum.compute(&[1.0, 1.0, 1.0, 1.0]), [4.0, 0.0, 0.0]);
/// assert_eq!(spectrum.compute(&[1.0, -1.0]), [0.0, 0.5, 1.0]); // padded with zeros
/// ```
pub struct PowerSpectrum {
    transform: Arc<dyn RealToComplex<f64>>,
    input: Vec<f64>,
    output: Vec<Complex64>,
    scratch: Vec<Complex64>,
    power: Vec<f64>,
}

impl PowerSpectrum {
    /// A transform of `points` points.
    pub fn new(points: usize) -> Self {
        let transform = snn_fft::forward(points);
        Self {
            input: transform.make_input_vec(),
            output: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            power: vec![0.0; points / 2 + 1],
            transform,
        }
    }

    /// Number of frequencies, `points / 2 + 1`.
    pub fn bins(&self) -> usize {
        self.power.len()
    }

    /// The power spectrum of a frame `[bins]`. A frame shorter than the transform is padded with zeros; a longer one is cut to the
    /// first `points` samples.
    #[expect(clippy::expect_used, reason = "the buffers come from the transform itself")]
    pub fn compute(&mut self, frame: &[f64]) -> &[f64] {
        let points = self.input.len();
        let filled = frame.len().min(points);
        self.input[..filled].copy_from_slice(&frame[..filled]);
        self.input[filled..].fill(0.0);
        self.transform
            .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
            .expect("buffers of matching length");
        let scale = 1.0 / points as f64;
        self.power.iter_mut().zip(&self.output).for_each(|(power, value)| *power = value.norm_sqr() * scale);
        &self.power
    }
}

impl fmt::Debug for PowerSpectrum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PowerSpectrum").field("points", &self.input.len()).finish_non_exhaustive()
    }
}
