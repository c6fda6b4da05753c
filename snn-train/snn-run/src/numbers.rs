//! Helpers for numbers.

use std::fmt::Display;

use toml::Value;

/// A number with its noun: `1 epoch`, `2 epochs`.
#[must_use]
pub fn counted(number: impl Display, one: &str, more: &str) -> String {
    let number = number.to_string();
    let noun = if number == "1" { one } else { more };
    format!("{number} {noun}")
}

/// The value of a numeric setting, which may be an integer: `beta = 10`.
#[must_use]
pub fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|integer| integer as f64))
}

/// The median; for an even number of values, the mean of the middle two. `None` if there are none.
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
    fn nouns_are_singular_for_one() {
        let epochs = [0, 1, 2].map(|it| counted(it, "epoch", "epochs"));
        assert_eq!(epochs, ["0 epochs", "1 epoch", "2 epochs"]);
    }

    #[test]
    fn medians_are_in_the_middle() {
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
