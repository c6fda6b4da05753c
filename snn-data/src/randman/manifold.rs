//! Smooth random manifolds: random Fourier series over the unit cube.

use rand::RngCore;
use rayon::prelude::*;

use super::sine::sin_turns;
use crate::room::reserve;
use crate::{Cancel, Error};

/// How many numbers are drawn or written between two checks for cancellation.
pub(super) const CHUNK: usize = 1 << 20;

/// Samples evaluated at once: enough independent sums to fill the vector registers.
const LANES: usize = 8;

/// A smooth random manifold f: [0, 1)^D -> R^M, one random Fourier series for each coordinate and dimension:
///
/// ```text
/// f_i(x) = prod over j = 1..D of sum over k = 1..K of k^-alpha A_ijk sin(2 pi (k x_j B_ijk + C_ijk))
/// ```
///
/// A larger `alpha` attenuates high frequencies and makes the manifold smoother. Source: Zenke & Vogels 2021, section 4.1 and
/// Figure 1.
///
/// [`Randman`](crate::Randman) draws theta = (A, B, C) itself; use this type with your own theta or latent
/// coordinates:
///
/// ```
/// use snn_data::Manifold;
///
/// # fn main() -> Result<(), snn_data::Error> {
/// // Two coordinates over one dimension, one term each: f_0 = sin(pi x) and f_1 = cos(pi x) / 2.
/// let manifold = Manifold::new(1, 2, 1.0, &[1.0, 0.5], &[0.5, 0.5], &[0.0, 0.25])?;
/// let times = manifold.spike_times(&[0.0, 0.5], 50.0)?;
/// assert_eq!(times, [0.0, 50.0, 50.0, 0.0]); // (0, 1/2) and (1, 0), each coordinate stretched over 0..50 ms
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Manifold {
    dim: usize,
    units: usize,
    /// `[units, dim, terms]`
    terms: Vec<Term>,
}

/// amplitude * sin(2 pi (frequency x + phase))
#[derive(Clone, Copy, Debug)]
struct Term {
    amplitude: f64,
    frequency: f64,
    phase: f64,
}

/// The order k of each term and k^alpha, shared by all series: computing a power takes longer than drawing a term.
#[derive(Clone, Debug)]
pub(super) struct Powers(Vec<(f64, f64)>);

impl Powers {
    pub(super) fn of(alpha: f64, terms: usize) -> Result<Self, Error> {
        let mut orders = Vec::new();
        reserve(&mut orders, terms, "the terms of a manifold")?;
        orders.extend((1..=terms).map(|k| k as f64).map(|k| (k, k.powf(alpha))));
        Ok(Self(orders))
    }
}

impl Manifold {
    /// The manifold of `units` coordinates over `dim` dimensions with theta = (`a`, `b`, `c`), each
    /// `[units, dim, terms]` row-major.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for no unit, no dimension, or an `alpha` that is negative or not finite;
    /// [`Error::Length`] unless `a`, `b` and `c` have the same length, a multiple of `units * dim`;
    /// [`Error::OutOfMemory`].
    pub fn new(dim: usize, units: usize, alpha: f64, a: &[f64], b: &[f64], c: &[f64]) -> Result<Self, Error> {
        super::config::check_dim(dim)?;
        super::config::check_alpha(alpha)?;
        crate::binning::count("inputs", units, crate::binning::MAX_U16)?;
        let count = a.len() / (units * dim);
        let expected = units * dim * count.max(1);
        for (what, list) in [
            ("amplitudes A [units, dim, terms]", a),
            ("frequencies B [units, dim, terms]", b),
            ("phases C [units, dim, terms]", c),
        ] {
            if list.len() != expected {
                return Err(Error::Length { what, found: list.len(), expected });
            }
        }
        Self::with(dim, units, &Powers::of(alpha, count)?, [a, b, c])
    }

    /// The manifold with this number of terms.
    fn with(dim: usize, units: usize, powers: &Powers, [a, b, c]: [&[f64]; 3]) -> Result<Self, Error> {
        let mut terms = Vec::new();
        reserve(&mut terms, a.len(), "the terms of a manifold")?;
        terms.extend(
            powers.0.iter().cycle().zip(a).zip(b).zip(c).map(|((((k, power), a), b), &phase)| Term {
                amplitude: a / power,
                frequency: k * b,
                phase,
            }),
        );
        Ok(Self { dim, units, terms })
    }

    /// A manifold with theta = (A, B, C) from U(0, 1): first all of A, then B, then C.
    pub(super) fn draw(
        dim: usize,
        units: usize,
        powers: &Powers,
        rng: &mut impl RngCore,
    ) -> Result<Self, Error> {
        let (count, cancel) = (units * dim * powers.0.len(), Cancel::current());
        let mut uniform = || {
            let mut list = Vec::new();
            reserve(&mut list, count, "the terms of a manifold")?;
            while list.len() < count {
                cancel.check()?;
                draw_uniform(rng, CHUNK.min(count - list.len()), &mut list);
            }
            Ok(list)
        };
        let (a, b, c) = (uniform()?, uniform()?, uniform()?);
        Self::with(dim, units, powers, [&a, &b, &c])
    }

    /// f(x) for latent coordinates x `[samples, dim]`, as `[samples, units]`.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `latent` is not a whole number of points; [`Error::Cancelled`].
    pub fn evaluate(&self, latent: &[f64]) -> Result<Vec<f64>, Error> {
        self.map_coordinates(latent, |_| {})
    }

    /// Spike times in ms for latent coordinates x `[samples, dim]`, as `[samples, units]`: every coordinate of f(x)
    /// is shifted and scaled to [0, 1] over these samples, times `tau_randman` (ms).
    ///
    /// A coordinate that is equal for all samples (or with a single sample) has no range to scale by; it is mapped
    /// to 0, the lower end.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `latent` is not a whole number of points; [`Error::Cancelled`].
    pub fn spike_times(&self, latent: &[f64], tau_randman: f64) -> Result<Vec<f64>, Error> {
        self.map_coordinates(latent, |coordinate| standardize(coordinate, tau_randman))
    }

    /// Evaluates every coordinate over all samples, one task per coordinate, and arranges the values by sample.
    fn map_coordinates(&self, latent: &[f64], finish: impl Fn(&mut [f64]) + Sync) -> Result<Vec<f64>, Error> {
        let samples = latent.len() / self.dim;
        if latent.len() != samples * self.dim {
            let expected = (samples + 1) * self.dim;
            return Err(Error::Length {
                what: "latent coordinates [samples, dim]",
                found: latent.len(),
                expected,
            });
        }
        let mut values = Vec::new();
        reserve(&mut values, samples * self.units, "spike times")?;
        let cancel = Cancel::current();
        let coordinates: Vec<Vec<f64>> = (0..self.units)
            .into_par_iter()
            .map(|unit| {
                let mut coordinate = self.coordinate(unit, latent, &cancel)?;
                finish(&mut coordinate);
                Ok(coordinate)
            })
            .collect::<Result<_, Error>>()?;
        for sample in 0..samples {
            cancel.check()?;
            values.extend(coordinates.iter().map(|coordinate| coordinate[sample]));
        }
        Ok(values)
    }

    /// f_unit(x) for every sample.
    fn coordinate(&self, unit: usize, latent: &[f64], cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let terms = self.terms.len() / self.units;
        let series = &self.terms[unit * terms..][..terms];
        let mut values = Vec::with_capacity(latent.len() / self.dim);
        let arch = pulp::Arch::new();
        for points in latent.chunks(LANES * self.dim) {
            cancel.check()?;
            arch.dispatch(Block { manifold: self, series, points, values: &mut values });
        }
        Ok(values)
    }

    /// The product over the dimensions at up to `N` points.
    #[inline(always)]
    fn product<const N: usize>(&self, series: &[Term], points: &[f64], values: &mut Vec<f64>) {
        let mut product = [1.0; N];
        for (j, series) in series.chunks_exact(series.len() / self.dim).enumerate() {
            // Lanes after the last sample stay at 0 and are cut off below.
            let mut x = [0.0; N];
            for (x, point) in x.iter_mut().zip(points.chunks_exact(self.dim)) {
                *x = point[j];
            }
            for (product, sum) in product.iter_mut().zip(sum_series(series, &x)) {
                *product *= sum;
            }
        }
        values.extend_from_slice(&product[..points.len() / self.dim]);
    }
}

/// The values at up to [`LANES`] points, computed with the widest vectors of the processor. The operations are the same for every
/// width, so the results are bit-identical.
struct Block<'a> {
    manifold: &'a Manifold,
    series: &'a [Term],
    points: &'a [f64],
    values: &'a mut Vec<f64>,
}

impl pulp::NullaryFnOnce for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { manifold, series, points, values } = self;
        // With few samples per class, the remainder dominates the time of many classes.
        match points.len() / manifold.dim {
            ..=2 => manifold.product::<2>(series, points, values),
            3..=4 => manifold.product::<4>(series, points, values),
            _ => manifold.product::<LANES>(series, points, values),
        }
    }
}

/// Appends numbers from U(0, 1), the same ones as `rng.sample(Standard)`: 53 bits of 8 bytes each. Drawn together, they take a
/// third of the time.
fn draw_uniform(rng: &mut impl RngCore, count: usize, list: &mut Vec<f64>) {
    const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
    let mut bytes = [[0; 8]; 512];
    let end = list.len() + count;
    while list.len() < end {
        let bytes = &mut bytes[..512.min(end - list.len())];
        rng.fill_bytes(bytes.as_flattened_mut());
        list.extend(bytes.iter().map(|&bytes| (u64::from_le_bytes(bytes) >> 11) as i64 as f64 * STEP));
    }
}

/// One Fourier series at several points.
#[inline(always)]
fn sum_series<const N: usize>(series: &[Term], x: &[f64; N]) -> [f64; N] {
    let mut sums = [0.0; N];
    for term in series {
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum += term.amplitude * sin_turns(x * term.frequency + term.phase);
        }
    }
    sums
}

/// Shifts and scales to [0, `scale`].
fn standardize(values: &mut [f64], scale: f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    for value in values {
        *value = if range > 0.0 { (*value - low) / range * scale } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula of the paper.
    fn by_definition(dim: usize, alpha: f64, theta: [&[f64]; 3], unit: usize, x: &[f64]) -> f64 {
        let terms = 3;
        (0..dim)
            .map(|j| {
                (1..=terms)
                    .map(|k| {
                        let at = (unit * dim + j) * terms + k - 1;
                        let [a, b, c] = theta.map(|list| list[at]);
                        let k = k as f64;
                        k.powf(-alpha) * a * (std::f64::consts::TAU * (k * x[j] * b + c)).sin()
                    })
                    .sum::<f64>()
            })
            .product()
    }

    #[test]
    fn follows_the_definition_in_every_dimension() {
        for dim in 1..=3 {
            let (units, alpha) = (4, 1.5);
            let list = |step: f64| -> Vec<f64> {
                (0..units * dim * 3).map(|i| (0.1 + i as f64 * step).fract()).collect()
            };
            let theta = [list(0.37), list(0.53), list(0.71)];
            let manifold = Manifold::new(dim, units, alpha, &theta[0], &theta[1], &theta[2]).unwrap();
            // Full blocks, and remainders of every width.
            let latent: Vec<f64> = (0..16 * dim).map(|i| (i as f64 * 0.29).fract()).collect();
            let all = manifold.evaluate(&latent).unwrap();
            for samples in 1..=16 {
                let values = manifold.evaluate(&latent[..samples * dim]).unwrap();
                assert_eq!(values, all[..samples * units], "the bits do not depend on neighboring samples");
            }
            for (x, values) in latent.chunks(dim).zip(all.chunks(units)) {
                for (unit, &value) in values.iter().enumerate() {
                    let expected = by_definition(dim, alpha, [&theta[0], &theta[1], &theta[2]], unit, x);
                    assert!((value - expected).abs() < 1e-13, "D = {dim}: {value} {expected}");
                }
            }
        }
    }

    #[test]
    fn numbers_drawn_together_are_those_drawn_one_by_one() {
        use rand::{Rng as _, SeedableRng as _, distributions::Standard};

        let seed = || rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let (mut together, mut single) = (seed(), seed());
        let mut drawn = vec![7.0];
        for count in [0, 1, 511, 512, 513, 3000] {
            drawn.truncate(1);
            draw_uniform(&mut together, count, &mut drawn);
            let expected: Vec<f64> = (&mut single).sample_iter(Standard).take(count).collect();
            assert_eq!((drawn[0], &drawn[1..]), (7.0, &expected[..]));
        }
    }

    #[test]
    fn a_constant_coordinate_is_zero() {
        // Frequency 0: the first coordinate does not depend on x.
        let manifold = Manifold::new(1, 2, 1.0, &[1.0, 1.0], &[0.0, 0.5], &[0.25, 0.0]).unwrap();
        assert_eq!(manifold.spike_times(&[0.0, 0.5], 50.0).unwrap(), [0.0, 0.0, 0.0, 50.0]);
        assert_eq!(manifold.spike_times(&[0.3], 50.0).unwrap(), [0.0, 0.0]);
        assert_eq!(manifold.spike_times(&[], 50.0).unwrap(), []);
    }

    #[test]
    fn shapes_are_checked() {
        let build = |dim, units, a: &[f64], b: &[f64]| Manifold::new(dim, units, 1.0, a, b, &[0.1; 4]);
        assert!(build(1, 2, &[0.1; 4], &[0.1; 4]).is_ok());
        assert!(build(1, 2, &[0.1; 4], &[0.1; 3]).is_err());
        assert!(build(1, 3, &[0.1; 4], &[0.1; 4]).is_err());
        assert!(build(1, 5, &[0.1; 4], &[0.1; 4]).is_err());
        assert!(build(0, 2, &[0.1; 4], &[0.1; 4]).is_err());
        assert!(build(1, 0, &[0.1; 4], &[0.1; 4]).is_err());
        let plane = build(2, 1, &[0.1; 4], &[0.1; 4]).unwrap();
        let error = plane.evaluate(&[0.1; 3]).unwrap_err();
        assert_eq!(error.to_string(), "latent coordinates [samples, dim]: found 3 entries, expected 4");
    }
}
