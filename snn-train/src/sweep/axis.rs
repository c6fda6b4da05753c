//! The values of a key in a grid.

use serde::Deserialize;
use toml::Value;

use super::AxisSpacing;

/// The values of a key in a grid.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    untagged,
    expecting = "takes a list of values, { linear = [from, to], points = n } or { log = [from, to], points = n }"
)]
pub enum Axis {
    /// A list of values.
    List(Vec<Value>),
    /// Linearly spaced points, including both ends.
    Linear {
        /// First and last value.
        linear: (f64, f64),
        /// Number of points.
        points: u32,
    },
    /// Logarithmically spaced points, including both ends.
    Logarithmic {
        /// First and last value.
        log: (f64, f64),
        /// Number of points.
        points: u32,
    },
}

impl Axis {
    /// A list of values.
    #[must_use]
    pub fn list<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }

    /// `points` linearly spaced values, including `from` and `to`.
    #[must_use]
    pub fn linear(from: f64, to: f64, points: u32) -> Self {
        Self::Linear { linear: (from, to), points }
    }

    /// `points` logarithmically spaced values, including `from` and `to`.
    #[must_use]
    pub fn logarithmic(from: f64, to: f64, points: u32) -> Self {
        Self::Logarithmic { log: (from, to), points }
    }

    /// How the values are spaced.
    #[must_use]
    pub fn scale(&self) -> AxisSpacing {
        match self {
            Self::List(_) => AxisSpacing::List,
            Self::Linear { .. } => AxisSpacing::Linear,
            Self::Logarithmic { .. } => AxisSpacing::Logarithmic,
        }
    }

    /// The values. Those between the ends have six significant digits, so that equal grids have equal values on all machines.
    /// Whole numbers are integers.
    pub(crate) fn values(&self) -> Result<Vec<Value>, String> {
        let (from, to, points) = match self {
            Self::List(values) if values.is_empty() => return Err("the list is empty".to_owned()),
            Self::List(values) => return Ok(values.clone()),
            Self::Linear { linear: (from, to), points } | Self::Logarithmic { log: (from, to), points } => {
                (*from, *to, *points)
            }
        };
        let logarithmic = self.scale() == AxisSpacing::Logarithmic;
        if !(from.is_finite() && to.is_finite()) {
            return Err("both ends must be finite".to_owned());
        }
        if logarithmic && (from <= 0.0 || to <= 0.0) {
            return Err(format!("both ends of a logarithmic axis must be above 0, not {from} and {to}"));
        }
        if !(2..=10_000).contains(&points) {
            return Err(format!("points must be from 2 to 10000, not {points}"));
        }
        let between = |part: f64| {
            let value = if logarithmic { from * (to / from).powf(part) } else { from + part * (to - from) };
            // The nearest number with six digits.
            format!("{value:.5e}").parse().unwrap_or(value)
        };
        let value = |n: u32| match n {
            0 => from,
            n if n + 1 == points => to,
            n => between(f64::from(n) / f64::from(points - 1)),
        };
        Ok((0..points).map(value).map(whole).collect())
    }
}

fn whole(value: f64) -> Value {
    // Below 2^53, every integer is representable.
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::Integer(value as i64)
    } else {
        Value::Float(value)
    }
}
