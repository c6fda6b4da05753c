//! The sine of a phase in turns, in a form that the compiler can vectorize.
//!
//! A data set of default size needs 2e8 sines. The standard library's sine is a function call with a branch on the size of its
//! argument; this one has no branches or tables, and a loop over samples runs in vector registers. It consists of IEEE
//! multiplications and additions in a fixed order: the result is bit-identical on every instruction set.

use std::f64::consts::PI;

/// Terms of the Taylor series of sin(pi r): for |r| <= 1/2, the first omitted term is (pi/2)^21 / 21! = 3e-16.
const TERMS: usize = 10;

/// (-1)^i pi^(2i+1) / (2i+1)!
const COEFFICIENTS: [f64; TERMS] = {
    let mut coefficients = [0.0; TERMS];
    let mut coefficient = PI;
    let mut i = 0;
    while i < TERMS {
        coefficients[i] = coefficient;
        coefficient *= -PI * PI / ((2 * i + 2) * (2 * i + 3)) as f64;
        i += 1;
    }
    coefficients
};

/// 1.5 * 2^52: adding this number rounds to integers and leaves them in the lowest bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// sin(2 pi turns), within 1e-15 for |turns| up to 2^50.
///
/// With n = round(2 turns) and r = 2 turns - n, exact in floating point: sin(2 pi turns) = (-1)^n sin(pi r).
#[inline(always)]
pub(super) fn sin_turns(turns: f64) -> f64 {
    let half_turns = turns + turns;
    let rounded = half_turns + ROUND;
    let r = half_turns - (rounded - ROUND);
    let square = r * r;
    let mut sum = COEFFICIENTS[TERMS - 1];
    for i in (0..TERMS - 1).rev() {
        sum = sum * square + COEFFICIENTS[i];
    }
    // The lowest bit of `rounded` is 1 if n is odd; shifted to the top, it is the sign.
    f64::from_bits((sum * r).to_bits() ^ (rounded.to_bits() << 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_sine() {
        let mut worst = 0.0_f64;
        for i in -200_000..=200_000 {
            let turns = f64::from(i) * 1.234_567_e-5;
            worst = worst.max((sin_turns(turns) - (2.0 * PI * turns).sin()).abs());
        }
        assert!(worst < 2e-15, "{worst:e}");
    }

    #[test]
    fn whole_periods_do_not_matter() {
        for turns in [0.0, 1.0, 2.0, 1e6, -3.0] {
            for (fraction, sine) in
                [(0.0, 0.0), (0.25, 1.0), (0.5, 0.0), (0.75, -1.0), (0.125, 0.5_f64.sqrt())]
            {
                let found = sin_turns(turns + fraction);
                assert!((found - sine).abs() < 1e-15, "{turns} + {fraction}: {found}");
            }
        }
    }
}
