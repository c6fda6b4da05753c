//! The parameters of random-manifold data and their ranges.

use serde::{Deserialize, Serialize};

use crate::binning::{MAX_U16, count, positive_ms};
use crate::{Binning, CoincidentSpikes, Error, LateSpikes, Portion};

/// Beyond this, the product over dimensions is too small or too large to standardize.
const MAX_DIM: usize = 16;

/// Beyond this, a phase loses the precision that the sine needs.
const MAX_TERMS: usize = 1_000_000;

/// The parameters of [`Randman`](crate::Randman); the defaults are those of Zenke & Vogels 2021.
///
/// Unknown keys in a configuration are an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandmanConfig {
    /// Number of classes, each with its own manifold; 1 to 65536, default 10.
    pub classes: usize,
    /// Dimension D of the manifolds; 1 to 16, default 1. A higher dimension makes the task harder.
    pub dim: usize,
    /// Smoothness of the manifolds: term k has the amplitude k^-alpha; 0 or more, default 1. A larger value makes
    /// the task easier.
    pub alpha: f64,
    /// Number M of input units, each of which spikes once in every sample; 1 to 65536, default 20.
    pub inputs: usize,
    /// Number of terms of the Fourier series; 1 to 1000000, default 1000.
    pub n_cutoff: usize,
    /// The series ends at the first term with k^-alpha at or below this value; 0 to below 1, default 0, which
    /// keeps all `n_cutoff` terms. The authors' later code uses 0.001, which gives 32 terms for alpha 2 and 10 for
    /// alpha 3.
    pub tolerance: f64,
    /// Samples of each class, over all splits; 1 or more, default 1000. At most 4294967295 in total.
    pub samples_per_class: usize,
    /// Samples of each class for validation, as a number or as a fraction of `samples_per_class`; default 0.1.
    /// The remaining samples after validation and test are for training; there must be at least one.
    pub valid: Portion,
    /// Samples of each class for the test, as a number or as a fraction of `samples_per_class`; default 0.1.
    pub test: Portion,
    /// Length of the interval of spike times, in ms; above 0, default 50.
    pub tau_randman: f64,
    /// Number of time steps; 1 to 4294967295, default 100. Spikes after the last step fall into it.
    pub steps: usize,
    /// Length of a time step in ms; above 0, default 1. A spike at t falls into step floor(t / dt).
    pub dt: f64,
    /// Seed of the manifolds and of the points on them; 0 or more, default 0.
    pub seed: u64,
}

impl Default for RandmanConfig {
    fn default() -> Self {
        Self {
            classes: 10,
            dim: 1,
            alpha: 1.0,
            inputs: 20,
            n_cutoff: 1000,
            tolerance: 0.0,
            samples_per_class: 1000,
            valid: Portion::Fraction(0.1),
            test: Portion::Fraction(0.1),
            tau_randman: 50.0,
            steps: 100,
            dt: 1.0,
            seed: 0,
        }
    }
}

impl RandmanConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first key whose value is outside the range documented on its field.
    pub fn validate(&self) -> Result<(), Error> {
        count("classes", self.classes, MAX_U16)?;
        check_dim(self.dim)?;
        check_alpha(self.alpha)?;
        count("inputs", self.inputs, MAX_U16)?;
        count("n_cutoff", self.n_cutoff, MAX_TERMS)?;
        if !(0.0..1.0).contains(&self.tolerance) {
            return Err(Error::setting("tolerance", self.tolerance, "0 to below 1"));
        }
        count("samples_per_class", self.samples_per_class, u32::MAX as usize / self.classes)?;
        self.split_sizes()?;
        positive_ms("tau_randman", self.tau_randman)?;
        self.binning().validate()
    }

    /// Samples of each class for training, validation and test.
    pub(super) fn split_sizes(&self) -> Result<[usize; 3], Error> {
        let samples = self.samples_per_class;
        let valid = self.valid.of(samples, "valid")?;
        let test = self.test.of(samples, "test")?;
        if valid + test >= samples {
            return Err(Error::setting(
                "valid + test",
                valid + test,
                format!("fewer than samples_per_class = {samples}, to leave some for training"),
            ));
        }
        Ok([samples - valid - test, valid, test])
    }

    /// Memory of the data set in bytes: rows, units, spike times and coordinates of all samples.
    pub fn memory(&self) -> u64 {
        let (inputs, dim) = (self.inputs as u64, self.dim as u64);
        let sample = (4 * (self.steps as u64 + 1)).saturating_add(10 * inputs + 8 * dim + 10);
        (self.classes as u64).saturating_mul(self.samples_per_class as u64).saturating_mul(sample)
    }

    /// Processor seconds for generating the samples, within a factor of about two: 16 ns to draw each term of each Fourier series, and 1
    /// ns to evaluate it for each sample.
    pub fn seconds(&self) -> f64 {
        let series = [self.classes, self.inputs, self.dim].iter().map(|&count| count as f64).product::<f64>();
        series * self.terms() as f64 * (16.0 + self.samples_per_class as f64) * 1e-9
    }

    /// Number of terms given by `n_cutoff` and `tolerance`.
    pub(super) fn terms(&self) -> usize {
        let below = |k: &usize| (*k as f64).powf(-self.alpha) <= self.tolerance;
        (1..self.n_cutoff).find(below).unwrap_or(self.n_cutoff)
    }

    pub(super) fn binning(&self) -> Binning {
        Binning {
            steps: self.steps,
            dt: self.dt,
            late: LateSpikes::Clamp,
            coincident: CoincidentSpikes::Binary,
        }
    }
}

pub(super) fn check_dim(dim: usize) -> Result<(), Error> {
    count("dim", dim, MAX_DIM)
}

pub(super) fn check_alpha(alpha: f64) -> Result<(), Error> {
    if alpha.is_finite() && alpha >= 0.0 {
        Ok(())
    } else {
        Err(Error::setting("alpha", alpha, "a number of 0 or more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_paper_s() {
        let config = RandmanConfig::default();
        assert_eq!(config.validate(), Ok(()));
        assert_eq!(config.split_sizes(), Ok([800, 100, 100]));
        assert_eq!(config.terms(), 1000);
        // the paper: ten classes, one dimension, alpha = 1, twenty inputs, 1000 samples of each class, spikes within 50 ms
        let sizes = [config.classes, config.dim, config.inputs, config.samples_per_class, config.n_cutoff];
        assert_eq!(sizes, [10, 1, 20, 1000, 1000]);
        assert_eq!([config.alpha, config.tau_randman, config.dt], [1.0, 50.0, 1.0]);
    }

    #[test]
    fn the_estimated_time_grows_with_the_work() {
        let preset = RandmanConfig::default().seconds();
        assert!((0.2..1.0).contains(&preset), "{preset}");
        let many = RandmanConfig { classes: 65_536, samples_per_class: 10, ..RandmanConfig::default() };
        assert!((20.0..100.0).contains(&many.seconds()), "{}", many.seconds());
        let short = RandmanConfig { n_cutoff: 10, ..many.clone() };
        assert!((many.seconds() / short.seconds() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn the_tolerance_shortens_the_series_as_the_authors_do() {
        for (alpha, terms) in [(0.0, 1000), (1.0, 1000), (2.0, 32), (3.0, 10)] {
            let config = RandmanConfig { alpha, tolerance: 1e-3, ..RandmanConfig::default() };
            assert_eq!(config.terms(), terms, "alpha = {alpha}");
        }
    }

    #[test]
    fn impossible_values_are_refused() {
        type Change = fn(&mut RandmanConfig);
        let cases: &[(&str, Change)] = &[
            ("`classes = 0` is invalid: classes must be 1 to 65536", |c| c.classes = 0),
            ("`classes = 65537`", |c| c.classes = 65_537),
            ("`dim = 0` is invalid: dim must be 1 to 16", |c| c.dim = 0),
            ("`dim = 17`", |c| c.dim = 17),
            ("`alpha = NaN`", |c| c.alpha = f64::NAN),
            ("`alpha = inf`", |c| c.alpha = f64::INFINITY),
            ("`alpha = -1`", |c| c.alpha = -1.0),
            ("`inputs = 0`", |c| c.inputs = 0),
            ("`inputs = 65537` is invalid: inputs must be 1 to 65536", |c| c.inputs = 65_537),
            ("`n_cutoff = 0`", |c| c.n_cutoff = 0),
            ("`n_cutoff = 1000001`", |c| c.n_cutoff = 1_000_001),
            ("`tolerance = 1`", |c| c.tolerance = 1.0),
            ("`tolerance = NaN`", |c| c.tolerance = f64::NAN),
            ("`samples_per_class = 0`", |c| c.samples_per_class = 0),
            ("`samples_per_class = 429496730`", |c| c.samples_per_class = 429_496_730),
            ("`valid = 1001` is invalid: valid must be at most 1000", |c| c.valid = Portion::Count(1001)),
            ("`valid = -0.1`", |c| c.valid = Portion::Fraction(-0.1)),
            ("`test = 1.0`", |c| c.test = Portion::Fraction(1.0)),
            ("`test = NaN`", |c| c.test = Portion::Fraction(f64::NAN)),
            ("`valid + test = 1000`", |c| c.valid = Portion::Count(900)),
            ("`tau_randman = 0`", |c| c.tau_randman = 0.0),
            ("`tau_randman = -50`", |c| c.tau_randman = -50.0),
            ("`tau_randman = NaN`", |c| c.tau_randman = f64::NAN),
            ("`steps = 0`", |c| c.steps = 0),
            ("`steps = 4294967296`", |c| c.steps = 1 << 32),
            ("`dt = 0`", |c| c.dt = 0.0),
            ("`dt = -1`", |c| c.dt = -1.0),
            ("`dt = inf`", |c| c.dt = f64::INFINITY),
        ];
        for (expected, change) in cases {
            let mut config = RandmanConfig::default();
            change(&mut config);
            let message = config.validate().expect_err(expected).to_string();
            assert!(message.starts_with(expected), "{message}\nshould start with {expected}");
        }
    }

    #[test]
    fn a_configuration_is_read_and_written_back() {
        let config: RandmanConfig = toml::from_str("classes = 3\nvalid = 100\ntest = 0.2").unwrap();
        let expected = RandmanConfig {
            classes: 3,
            valid: Portion::Count(100),
            test: Portion::Fraction(0.2),
            ..RandmanConfig::default()
        };
        assert_eq!(config, expected);
        assert_eq!(toml::from_str::<RandmanConfig>(&toml::to_string(&config).unwrap()), Ok(config));
        assert!(
            toml::from_str::<RandmanConfig>("clases = 3").unwrap_err().message().contains("unknown field")
        );
        assert!(toml::from_str::<RandmanConfig>("classes = -3").is_err());
    }
}
