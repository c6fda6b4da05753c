use crate::{Float, Surrogate};
pub(crate) fn antiderivative<E: Float>(_s: Surrogate, x: E) -> E { x }
