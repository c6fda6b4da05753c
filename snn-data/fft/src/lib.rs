//! Fourier transforms of real samples in `f64`, by `realfft` on `rustfft`.
//!
//! Both are generic over the number type, so any crate that plans a transform compiles all of their kernels. This crate
//! compiles them once: changes to `snn-data` do not recompile them.
//!
//! ```
//! let transform = snn_fft::forward(4);
//! let (mut samples, mut spectrum) = (vec![1.0, 0.0, 0.0, 0.0], transform.make_output_vec());
//! transform.process(&mut samples, &mut spectrum)?;
//! assert!(spectrum.iter().all(|bin| (bin.norm() - 1.0).abs() < 1e-12), "an impulse has all frequencies");
//! # Ok::<(), snn_fft::FftError>(())
//! ```

use std::sync::Arc;

use realfft::RealFftPlanner;
pub use realfft::{ComplexToReal, FftError, RealToComplex, num_complex::Complex64};

/// The transform of `points` real samples to `points / 2 + 1` complex bins, `X[k] = sum_n x[n] exp(-2 pi i k n / points)`.
#[must_use]
pub fn forward(points: usize) -> Arc<dyn RealToComplex<f64>> {
    RealFftPlanner::new().plan_fft_forward(points)
}

/// The transform of `points / 2 + 1` complex bins back to `points` real samples, not divided by `points`.
#[must_use]
pub fn inverse(points: usize) -> Arc<dyn ComplexToReal<f64>> {
    RealFftPlanner::new().plan_fft_inverse(points)
}
