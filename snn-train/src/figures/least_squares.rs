//! Least squares with two parameters by the Levenberg-Marquardt method, with Moré's safeguards (1978; `lmder` of MINPACK).
//!
//! With residuals r, their Jacobian J and a diagonal D of the largest column norms of J so far, each step p solves
//!
//! ```text
//! (J'J + lambda D²) p = -J'r,   lambda >= 0 such that |D p| is at most the radius delta, to a tenth
//! ```
//!
//! The radius is at least halved if the sum decreases by less than a quarter of the linear model's prediction, and becomes 2 |D p|
//! if it decreases by three quarters or more. A step that decreases the sum is accepted. J is made triangular first, since J'J
//! would lose half of the digits for a curve so steep that only a single point is on its slope.

/// Convergence: of the sum of squares, of the parameters, and of the cosine between residuals and columns of J.
const TOLERANCE: f64 = 30.0 * f64::EPSILON;
/// Maximum number of evaluations.
const EVALUATIONS: usize = 300;
/// The first radius, relative to the parameters.
const FIRST_RADIUS: f64 = 100.0;

type Pair = [f64; 2];

/// A residual and its derivatives with respect to the parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) residual: f64,
    pub(super) derivatives: Pair,
}

/// J = QR with orthonormal columns of Q: R, and Q'r.
#[derive(Debug, Clone, Copy)]
struct Triangle {
    first: f64,
    mixed: f64,
    second: f64,
    right: Pair,
}

impl Triangle {
    /// Modified Gram-Schmidt process. Columns are normalized first: far from its midpoint, the slope of a sigmoid is so small that
    /// its square would underflow.
    fn of(rows: &[Row]) -> Self {
        let largest = |n: usize| rows.iter().fold(0.0, |most: f64, row| most.max(row.derivatives[n].abs()));
        let sizes = [largest(0), largest(1)].map(|size| if size > 0.0 { size } else { 1.0 });
        let column = |row: &Row, n: usize| row.derivatives[n] / sizes[n];
        let sum = |product: &dyn Fn(&Row) -> f64| rows.iter().map(product).sum::<f64>();
        let unit = |length: f64| if length > 0.0 { 1.0 / length } else { 0.0 };

        let first = sum(&|row| column(row, 0).powi(2)).sqrt();
        let axis = |row: &Row| unit(first) * column(row, 0);
        let mixed = sum(&|row| axis(row) * column(row, 1));
        let along = sum(&|row| axis(row) * row.residual);
        let rest = |row: &Row| column(row, 1) - mixed * axis(row);
        let second = sum(&|row| rest(row).powi(2)).sqrt();
        let across = unit(second) * sum(&|row| rest(row) * (row.residual - along * axis(row)));
        Self {
            first: first * sizes[0],
            mixed: mixed * sizes[1],
            second: second * sizes[1],
            right: [along, across],
        }
    }

    /// The decomposition of J with sqrt(lambda) D below it, and zeros below r.
    fn damped(&self, lambda: f64, diagonal: Pair) -> Self {
        let Self { first, mixed, second, right } = *self;
        let [left, below] = diagonal.map(|entry| lambda.sqrt() * entry);
        Self::of(&[
            Row { residual: right[0], derivatives: [first, mixed] },
            Row { residual: right[1], derivatives: [0.0, second] },
            Row { residual: 0.0, derivatives: [left, 0.0] },
            Row { residual: 0.0, derivatives: [0.0, below] },
        ])
    }

    fn is_singular(&self) -> bool {
        self.first == 0.0 || self.second == 0.0
    }

    /// Lengths of the columns of J.
    fn columns(&self) -> Pair {
        [self.first, self.mixed.hypot(self.second)]
    }

    /// J'r
    fn gradient(&self) -> Pair {
        let [along, across] = self.right;
        [self.first * along, self.mixed * along + self.second * across]
    }

    /// |J p|
    fn norm(&self, [x, y]: Pair) -> f64 {
        (self.first * x + self.mixed * y).hypot(self.second * y)
    }

    /// The p that minimizes |J p + r|; components without influence stay 0.
    fn step(&self) -> Pair {
        let [along, across] = self.right;
        let y = if self.second > 0.0 { -across / self.second } else { 0.0 };
        let x = if self.first > 0.0 { -(along + self.mixed * y) / self.first } else { 0.0 };
        [x, y]
    }

    /// v'(J'J)^-1 v
    fn inverse(&self, [x, y]: Pair) -> f64 {
        let x = x / self.first;
        let y = (y - self.mixed * x) / self.second;
        x * x + y * y
    }
}

fn times(a: Pair, b: Pair) -> Pair {
    [a[0] * b[0], a[1] * b[1]]
}

fn length(a: Pair) -> f64 {
    a[0].hypot(a[1])
}

/// The parameters that the method reaches from `start`, and the sum of squares there; `None` if it does not converge.
///
/// It has converged if neither the actual nor the predicted relative decrease of the sum exceeds [`TOLERANCE`], if the radius
/// relative to the parameters does not, or if the cosine between the residuals and the columns of J does not.
pub(super) fn minimize(start: Pair, rows: impl Fn(Pair) -> Vec<Row>) -> Option<(Pair, f64)> {
    let evaluate = |parameters| {
        let rows = rows(parameters);
        (Triangle::of(&rows), rows.iter().map(|row| row.residual * row.residual).sum::<f64>())
    };
    let mut parameters = start;
    let (mut here, mut sum) = evaluate(parameters);
    let mut diagonal = here.columns().map(|length| if length > 0.0 { length } else { 1.0 });
    let size = length(times(diagonal, parameters));
    let mut radius = if size > 0.0 { FIRST_RADIUS * size } else { FIRST_RADIUS };
    let (mut lambda, mut first) = (0.0, true);
    for _ in 1..EVALUATIONS {
        let (columns, gradient) = (here.columns(), here.gradient());
        if !(sum.is_finite() && gradient.iter().all(|entry| entry.is_finite())) {
            return None;
        }
        let orthogonal = |n: usize| gradient[n].abs() <= TOLERANCE * columns[n] * sum.sqrt();
        if orthogonal(0) && orthogonal(1) {
            return Some((parameters, sum));
        }
        diagonal = [0, 1].map(|n| diagonal[n].max(columns[n]));

        let step;
        (step, lambda) = bounded_step(&here, diagonal, radius, lambda);
        let reach = length(times(diagonal, step));
        if first {
            (radius, first) = (radius.min(reach), false);
        }
        let next = [parameters[0] + step[0], parameters[1] + step[1]];
        let (there, next_sum) = evaluate(next);
        let [model, damping] = [here.norm(step).powi(2) / sum, lambda * reach * reach / sum];
        let promised = model + 2.0 * damping;
        // A sum a hundred times as large, or NaN, is not a useful measure.
        let far = next_sum.is_nan() || 0.01 * next_sum >= sum;
        let fallen = if far { -1.0 } else { 1.0 - next_sum / sum };
        let ratio = if promised > 0.0 { fallen / promised } else { 0.0 };
        if ratio <= 0.25 {
            let slope = -(model + damping);
            let shrink = if fallen >= 0.0 { 0.5 } else { 0.5 * slope / (slope + 0.5 * fallen) };
            let shrink = if far { 0.1 } else { shrink.max(0.1) };
            radius = shrink * radius.min(10.0 * reach);
            lambda /= shrink;
        } else if lambda == 0.0 || ratio >= 0.75 {
            radius = 2.0 * reach;
            lambda *= 0.5;
        }
        if ratio >= 1e-4 {
            (parameters, here, sum) = (next, there, next_sum);
        }
        let size = length(times(diagonal, parameters));
        let settled = fallen.abs() <= TOLERANCE && promised <= TOLERANCE && ratio <= 2.0;
        if settled || radius <= TOLERANCE * size {
            return Some((parameters, sum));
        }
    }
    None
}

/// The step within the radius, and its lambda, starting from the last one: a root of |D p(lambda)| - delta by Newton's method for
/// the inverse, between bounds.
fn bounded_step(here: &Triangle, diagonal: Pair, radius: f64, lambda: f64) -> (Pair, f64) {
    // The Newton correction of lambda for a step that is `excess` too long.
    let correction = |triangle: &Triangle, scaled: Pair, excess: f64| {
        let unit = scaled.map(|part| part / length(scaled));
        excess / radius / triangle.inverse(times(diagonal, unit))
    };

    let mut step = here.step();
    let mut scaled = times(diagonal, step);
    let reach = length(scaled);
    let mut excess = reach - radius;
    if excess <= 0.1 * radius {
        return (step, 0.0);
    }
    let mut low = if here.is_singular() { 0.0 } else { correction(here, scaled, excess) };
    let gradient = here.gradient();
    let steepest = length([gradient[0] / diagonal[0], gradient[1] / diagonal[1]]);
    let mut high = steepest / radius;
    let mut lambda = lambda.max(low).min(high);
    if lambda == 0.0 {
        lambda = steepest / reach;
    }
    for iteration in 1.. {
        if lambda == 0.0 {
            lambda = f64::MIN_POSITIVE.max(0.001 * high);
        }
        let damped = here.damped(lambda, diagonal);
        step = damped.step();
        scaled = times(diagonal, step);
        let before = std::mem::replace(&mut excess, length(scaled) - radius);
        let near = excess.abs() <= 0.1 * radius || (low == 0.0 && excess <= before && before < 0.0);
        if near || iteration == 10 {
            break;
        }
        let correction = correction(&damped, scaled, excess);
        if excess > 0.0 {
            low = low.max(lambda);
        } else {
            high = high.min(lambda);
        }
        lambda = low.max(lambda + correction);
    }
    (step, lambda)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(residual: f64, derivatives: Pair) -> Row {
        Row { residual, derivatives }
    }

    /// The residuals of Rosenbrock's valley, which is narrow and bent: 10 (y - x²) and 1 - x.
    fn valley([x, y]: Pair) -> Vec<Row> {
        vec![row(10.0 * (y - x * x), [-20.0 * x, 10.0]), row(1.0 - x, [-1.0, 0.0])]
    }

    #[test]
    fn the_minimum_of_a_curved_valley_is_found() {
        for start in [[-1.2, 1.0], [-12.0, 10.0], [-120.0, 100.0], [0.0, 0.0]] {
            let (found, sum) = minimize(start, valley).unwrap();
            assert!((found[0] - 1.0).abs() < 1e-12 && (found[1] - 1.0).abs() < 1e-12, "{found:?}");
            assert!(sum < 1e-24);
        }
    }

    #[test]
    fn residuals_may_remain() {
        // x = 1, y = 1, x + y = 2, 2 x - y = 2: by the normal equations x = 22/17 and y = 13/17, and 3/17 remains.
        let lines = [([1.0, 0.0], 1.0), ([0.0, 1.0], 1.0), ([1.0, 1.0], 2.0), ([2.0, -1.0], 2.0)];
        let rows = |[x, y]: Pair| lines.iter().map(|&([a, b], c)| row(a * x + b * y - c, [a, b])).collect();
        let ([x, y], sum) = minimize([50.0, -3.0], rows).unwrap();
        assert!((x - 22.0 / 17.0).abs() < 1e-12 && (y - 13.0 / 17.0).abs() < 1e-12, "{x} {y}");
        assert!((sum - 3.0 / 17.0).abs() < 1e-14, "{sum}");
    }

    #[test]
    fn parameters_without_influence_stay() {
        assert_eq!(minimize([1.0, 2.0], |_| vec![row(3.0, [0.0; 2])]), Some(([1.0, 2.0], 9.0)));
        let ([x, y], sum) = minimize([1.0, 2.0], |[x, _]| vec![row(x * x - 9.0, [2.0 * x, 0.0])]).unwrap();
        assert!((x - 3.0).abs() < 1e-14 && y == 2.0 && sum < 1e-25, "{x} {y} {sum}");
    }

    #[test]
    fn derivatives_may_be_tiny() {
        // 3 and 4 make 5; the second column is -1 times the first, and 10 across it.
        let rows = [row(1.0, [3e-200, -11e-200]), row(2.0, [4e-200, 2e-200])];
        let Triangle { first, mixed, second, right } = Triangle::of(&rows);
        for (found, expected) in [
            (first * 1e200, 5.0),
            (mixed * 1e200, -5.0),
            (second * 1e200, 10.0),
            (right[0], 2.2),
            (right[1], 0.4),
        ] {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }

    #[test]
    fn nan_is_not_a_minimum() {
        assert_eq!(minimize([1.0, 2.0], |_| vec![row(f64::NAN, [1.0, 1.0])]), None);
        assert_eq!(minimize([1.0, 2.0], |_| vec![row(1.0, [1.0, f64::INFINITY])]), None);
    }
}
