//! Hankel functions of the first kind, orders 0 and 1.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_4, PI};

use snn_fft::Complex64;

/// Euler's constant.
const GAMMA: f64 = 0.577_215_664_901_532_9;

/// From here on, the expansion for large arguments is as accurate as the series.
const LARGE: f64 = 12.0;

const I: Complex64 = Complex64::new(0.0, 1.0);

/// H0 = J0 + i Y0, for arguments off the negative real axis.
pub(super) fn h0(z: Complex64) -> Complex64 {
    if z.norm_sqr() > LARGE * LARGE {
        return large(z, 0.0);
    }
    // J0 = sum of t_k, t_k = (-z^2 / 4)^k / k!^2; Y0 = 2/pi ((ln(z/2) + gamma) J0 - sum of t_k (1 + 1/2 + ... + 1/k)).
    let square = -z * z / 4.0;
    let (mut term, mut sum, mut harmonic) = (Complex64::new(1.0, 0.0), Complex64::default(), 0.0);
    let mut weighted = Complex64::default();
    for k in 1..100 {
        sum += term;
        weighted += term * harmonic;
        if term.norm_sqr() < 1e-40 * sum.norm_sqr() {
            break;
        }
        term *= square / f64::from(k * k);
        harmonic += 1.0 / f64::from(k);
    }
    sum + I * FRAC_2_PI * (((z / 2.0).ln() + GAMMA) * sum - weighted)
}

/// H1 = J1 + i Y1, for arguments off the negative real axis.
pub(super) fn h1(z: Complex64) -> Complex64 {
    if z.norm_sqr() > LARGE * LARGE {
        return large(z, 1.0);
    }
    // J1 = sum of t_k, t_k = z/2 (-z^2 / 4)^k / (k! (k+1)!); Y1 = -2 / (pi z) + 2/pi ln(z/2) J1 - 1/pi sum of t_k (psi(k+1) + psi(k+2)),
    // psi(k+1) = 1 + 1/2 + ... + 1/k - gamma.
    let square = -z * z / 4.0;
    let (mut term, mut sum, mut psi) = (z / 2.0, Complex64::default(), -GAMMA);
    let mut weighted = Complex64::default();
    for k in 1..100 {
        let next = psi + 1.0 / f64::from(k);
        sum += term;
        weighted += term * (psi + next);
        if term.norm_sqr() < 1e-40 * sum.norm_sqr() {
            break;
        }
        term *= square / f64::from(k * (k + 1));
        psi = next;
    }
    sum + I * (-FRAC_2_PI / z + FRAC_2_PI * (z / 2.0).ln() * sum - weighted / PI)
}

/// sqrt(2 / (pi z)) exp(i (z - pi/4 - order pi/2)) sum of a_k (i / z)^k, a_k = a_(k-1) (4 order^2 - (2k-1)^2) / (8 k).
fn large(z: Complex64, order: f64) -> Complex64 {
    let (mut term, mut sum, mut smallest) = (Complex64::new(1.0, 0.0), Complex64::new(1.0, 0.0), 1.0);
    for k in 1..40 {
        let odd = f64::from(2 * k - 1);
        term *= I / z * ((4.0 * order * order - odd * odd) / f64::from(8 * k));
        // The expansion does not converge: its terms decrease and then grow.
        if term.norm_sqr() >= smallest {
            break;
        }
        smallest = term.norm_sqr();
        sum += term;
    }
    let phase = I * (z - FRAC_PI_4 * (1.0 + 2.0 * order));
    (Complex64::new(FRAC_2_PI, 0.0) / z).sqrt() * phase.exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Order, argument and value of `scipy.special.hankel1`.
    const TABLE: [(u8, f64, f64, f64, f64); 15] = [
        (0, 0.001, 0.0, 0.9999997500000157, -4.471416611375924),
        (0, 1.0, 0.0, 0.7651976865579664, 0.088256964215677),
        (0, 5.5, 0.0, -0.006843869417819167, -0.33948059288191107),
        (0, 30.0, 0.0, -0.08636798358104023, -0.11729573168666409),
        (0, 2.0, 3.0, 0.01547792234577986, 0.013233558821623099),
        (0, 10.0, 1.0, -0.08901910215922922, 0.0248485140404835),
        (0, 8.0, -2.0, 1.044227963494909, 1.774359898771897),
        (0, 3.0, 11.0, 4.3495129147900514e-8, 3.906269794709653e-6),
        (0, 15.0, 20.0, 1.2428663081110397e-10, 3.0311805189460165e-10),
        (0, 40.0, -1.0, 0.015744359505605775, 0.3425274363579534),
        (0, -3.0, 4.0, 0.0010666528746791273, 0.006321791757978726),
        (1, 0.001, 0.0, 0.0004999999375389845, -636.6221672311394),
        (1, 1.0, 0.0, 0.44005058574493355, -0.7812128213002889),
        (1, 5.5, 0.0, -0.3414382154290434, -0.023758238956389673),
        (1, 30.0, 0.0, -0.11875106261662302, 0.08442557066174725),
    ];

    #[test]
    fn values_equal_those_of_the_table() {
        for (order, re, im, expected_re, expected_im) in TABLE {
            let z = Complex64::new(re, im);
            let found = if order == 0 { h0(z) } else { h1(z) };
            let expected = Complex64::new(expected_re, expected_im);
            let error = (found - expected).norm() / expected.norm();
            // Above the real axis, J and iY grow and cancel each other.
            let tolerance = 1e-11 + 1e-15 * (2.0 * im).exp().min(1e10);
            assert!(error < tolerance, "H{order}({z}) is {found} instead of {expected}: {error}");
        }
    }

    /// The two methods agree at the transition between them.
    #[test]
    fn the_function_is_continuous() {
        for angle in [-1.5_f64, -0.7, 0.0, 0.5, 1.2, 2.0] {
            let at = |radius: f64| Complex64::from_polar(radius, angle);
            for order in [h0, h1] {
                let [below, above] = [order(at(LARGE * 0.999_999_9)), order(at(LARGE * 1.000_000_1))];
                let slope = (order(at(LARGE * 0.999)) - order(at(LARGE * 1.001))).norm() / 0.002;
                // Above the real axis, J and iY cancel each other.
                let cancelled = 1e-15 * (2.0 * at(LARGE).im).exp().min(1e10) * above.norm();
                assert!((above - below).norm() <= 3e-7 * slope + cancelled, "{angle}: {below} {above}");
            }
        }
    }
}
