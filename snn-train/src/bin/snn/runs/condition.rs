//! Which runs are shown, and in which order.

use std::{cmp::Ordering, str::FromStr};

use super::row::Row;

/// `column=value` and the like.
#[derive(Clone)]
pub(super) struct Condition {
    pub(super) column: String,
    operator: &'static str,
    value: String,
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The longer ones first, of which the others are parts.
        const OPERATORS: [&str; 6] = ["!=", "<=", ">=", "=", "<", ">"];
        let place = text.find(['!', '<', '>', '=']).unwrap_or(text.len());
        let (column, rest) = text.split_at(place);
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator));
        let (Some(operator), false) = (operator, column.trim().is_empty()) else {
            return Err("a column or key, then =, !=, <, <=, > or >= and a value".to_owned());
        };
        let value = rest[operator.len()..].trim().to_owned();
        Ok(Self { column: column.trim().to_owned(), operator, value })
    }
}

impl Condition {
    pub(super) fn holds(&self, row: &Row) -> bool {
        self.admits(&row.cell(&self.column))
    }

    fn admits(&self, cell: &str) -> bool {
        let order = compare(cell, &self.value);
        match self.operator {
            "=" => order.is_eq(),
            "!=" => order.is_ne(),
            // What has no value is neither more nor less than any.
            _ if cell.is_empty() => false,
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        }
    }
}

/// As numbers where both are, otherwise as texts.
fn compare(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) if a == b => Ordering::Equal,
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    }
}

/// Empty cells last, whichever way the others go.
pub(super) fn order(a: &str, b: &str, reverse: bool) -> Ordering {
    let values = if reverse { compare(b, a) } else { compare(a, b) };
    a.is_empty().cmp(&b.is_empty()).then(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_compare_numbers_as_numbers_and_words_as_words() {
        let holds = |text: &str, cell: &str| text.parse::<Condition>().map(|it| it.admits(cell)).ok();
        assert_eq!(holds("optimizer.learning_rate=1e-2", "0.01"), Some(true));
        assert_eq!(holds("epoch > 9", "10"), Some(true));
        assert_eq!(holds("epoch<=9", "10"), Some(false));
        assert_eq!(holds("test_accuracy<1", ""), Some(false));
        assert_eq!(holds("state!=done", "failed"), Some(true));
        assert_eq!(holds("network.hidden=[30]", "[30]"), Some(true));
        for wrong in ["state", "=done", "a!b", ""] {
            assert_eq!(holds(wrong, ""), None, "{wrong}");
        }
    }

    #[test]
    fn what_has_no_value_comes_last() {
        let sorted = |reverse| {
            let mut cells = ["", "10", "9"];
            cells.sort_by(|a, b| order(a, b, reverse));
            cells
        };
        assert_eq!(sorted(false), ["9", "10", ""]);
        assert_eq!(sorted(true), ["10", "9", ""]);
    }
}
