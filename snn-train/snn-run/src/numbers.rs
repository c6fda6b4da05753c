//! Numbers as readers need them.

use toml::Value;

/// The number that a setting is; an integer is one, too: `beta = 10`.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64))
}

/// The middle of some values; of an even number of them the mean of the two in the middle. `None` if there are none.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[n / 2]),
        n => Some(0.5 * (sorted[n / 2 - 1] + sorted[n / 2])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_lie_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn integers_are_numbers_and_texts_are_not() {
        assert_eq!(
            (number(&3.into()), number(&0.5.into()), number(&"3".into())),
            (Some(3.0), Some(0.5), None)
        );
    }
}
