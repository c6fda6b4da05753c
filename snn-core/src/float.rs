use dfdx::dtypes::Dtype;

/// The float types of networks: `f32`, and `f64` for the reference implementation.
pub trait Float: Dtype + num_traits::Float {
    /// The nearest value of this type.
    fn of(x: f64) -> Self;
    /// The value as `f64`, exactly.
    fn wide(self) -> f64;
}

impl Float for f32 {
    fn of(x: f64) -> Self {
        x as f32
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Float for f64 {
    fn of(x: f64) -> Self {
        x
    }
    fn wide(self) -> f64 {
        self
    }
}
