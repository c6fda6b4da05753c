//! Filter conditions and sort order of runs: one syntax for `snn runs --where` and the dashboard's filter.

use std::{cmp::Ordering, fmt, str::FromStr};

use crate::verdict::Verdict;

/// The columns that every run has, besides the keys of its experiment.
pub const COLUMNS: [&str; 12] = [
    "id",
    "verdict",
    "detail",
    "state",
    "epoch",
    "epochs",
    "valid_accuracy",
    "test_accuracy",
    "spikes",
    "lost_classes",
    "seconds",
    "message",
];

/// The columns with numbers; the others have text. Accuracies are fractions, 0 to 1.
pub const NUMBERS: [&str; 7] =
    ["epoch", "epochs", "valid_accuracy", "test_accuracy", "spikes", "lost_classes", "seconds"];

/// A run, as seen by conditions.
pub trait Cells {
    /// The value of a column in [`COLUMNS`] or of a key of the experiment; empty if there is none.
    fn cell(&self, column: &str) -> String;

    /// Whether a column has text, rather than a number, a list or a boolean.
    fn is_text(&self, column: &str) -> bool;
}

/// The characters of operators.
const SIGNS: [char; 4] = ['!', '<', '>', '='];

/// A condition such as `column=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// A column of [`COLUMNS`], or a key of the experiment.
    pub column: String,
    operator: Operator,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Operator {
    fn of(signs: &str) -> Option<Self> {
        Some(match signs {
            "=" | "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Below,
            "<=" => Self::AtMost,
            ">" => Self::Above,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }

    /// The operator probably meant by an invalid one, such as `=>`.
    fn nearest(signs: &str) -> Self {
        let [not, below, above, equal] = SIGNS.map(|sign| signs.contains(sign));
        match (below, above) {
            _ if not => Self::Unequal,
            (true, true) => Self::Unequal,
            (true, false) if equal => Self::AtMost,
            (true, false) => Self::Below,
            (false, true) if equal => Self::AtLeast,
            (false, true) => Self::Above,
            (false, false) => Self::Equal,
        }
    }

    /// Whether it is an order comparison, rather than an equality.
    fn is_of_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        })
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, rest) = text.split_at(text.find(SIGNS).unwrap_or(text.len()));
        let value = rest.trim_start_matches(|c: char| SIGNS.contains(&c) || c.is_whitespace());
        let signs: String =
            rest[..rest.len() - value.len()].chars().filter(|sign| !sign.is_whitespace()).collect();
        let (column, value) = (column.trim(), value.trim());
        if column.is_empty() || signs.is_empty() {
            return Err(
                "a column or key, then =, !=, <, <=, > or >= and a value, as in state=done".to_owned()
            );
        }
        let Some(operator) = Operator::of(&signs) else {
            let nearest = Operator::nearest(&signs);
            return Err(format!(
                "unknown operator `{signs}`: use =, !=, <, <=, > or >=, as in {column}{nearest}{value}"
            ));
        };
        let mut condition = Self { column: column.to_owned(), operator, value: value.to_owned() };
        condition.check_value()?;
        if column == "verdict" && !value.is_empty() {
            condition.value = value.parse::<Verdict>()?.name().to_owned();
        }
        Ok(condition)
    }
}

impl Condition {
    /// Refuses values that no run can have: such a condition would silently match nothing.
    fn check_value(&self) -> Result<(), String> {
        let Self { column, operator, value } = self;
        let is_number = number(value).is_some();
        let holds_numbers = NUMBERS.contains(&column.as_str());
        // `epoch=` matches runs without an epoch.
        if value.is_empty() && operator.is_of_order() {
            Err(format!("a value is missing, as in {column}{operator}{}", self.example()))
        } else if column.ends_with("accuracy") && number(value).is_some_and(|value| value > 1.0) {
            let percent = format!("{value}%");
            let example = Self { value: percent, ..self.clone() }.example();
            Err(format!("`{column}` is a fraction, 0 to 1: write {column}{operator}{example}"))
        } else if holds_numbers && !is_number && !value.is_empty() {
            Err(format!(
                "`{column}` is a number, but `{value}` is not: write {column}{operator}{}",
                self.example()
            ))
        } else {
            Ok(())
        }
    }

    /// An example for a missing or wrong value. Accuracies are fractions, which users may not know.
    fn example(&self) -> String {
        if !self.column.ends_with("accuracy") {
            return "5".to_owned();
        }
        let percent = self.value.strip_suffix('%').and_then(|percent| number(percent.trim_end()));
        // Rounded, since 97.3 / 100 may differ from 0.973.
        percent.map_or_else(|| "0.9".to_owned(), |percent| ((percent * 1e4).round() / 1e6).to_string())
    }

    /// Refuses order comparisons if no run has a comparable value: only numbers, or texts, can be ordered.
    ///
    /// # Errors
    /// The suggested condition.
    pub fn check<R: Cells>(&self, rows: &[R]) -> Result<(), String> {
        let Self { column, operator, value } = self;
        let wants_number = number(value).is_some();
        let is_comparable = |row: &R, cell: &str| match number(cell) {
            Some(_) => wants_number,
            None => !wants_number && row.is_text(column),
        };
        let mut example = None;
        for row in rows.iter().filter(|_| operator.is_of_order()) {
            let cell = row.cell(column);
            if cell.is_empty() {
                continue;
            }
            if is_comparable(row, &cell) {
                return Ok(());
            }
            example.get_or_insert(cell);
        }
        let Some(example) = example else { return Ok(()) };
        let kind = if wants_number { "number" } else { "text" };
        let operator = if number(&example).is_some() { *operator } else { Operator::Equal };
        Err(format!(
            "`{column}` cannot be compared with `{value}`: no run has a {kind} there; write for example \
             {column}{operator}{example}"
        ))
    }

    /// Whether a run matches.
    #[must_use]
    pub fn holds(&self, row: &impl Cells) -> bool {
        self.admits(&row.cell(&self.column))
    }

    fn admits(&self, cell: &str) -> bool {
        let order = self.order_of(cell);
        match self.operator {
            Operator::Equal => self.is_equal(cell),
            Operator::Unequal => !self.is_equal(cell),
            Operator::Below => order.is_some_and(Ordering::is_lt),
            Operator::AtMost => order.is_some_and(Ordering::is_le),
            Operator::Above => order.is_some_and(Ordering::is_gt),
            Operator::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }

    fn is_equal(&self, cell: &str) -> bool {
        // The run `1e2` is not the run `100`.
        let is_of_words = COLUMNS.contains(&self.column.as_str()) && !NUMBERS.contains(&self.column.as_str());
        let as_numbers = || number(cell).is_some_and(|cell| number(&self.value) == Some(cell));
        cell == self.value || (!is_of_words && as_numbers())
    }

    /// Compares a cell with the value. A missing value is neither greater nor less than any other, and text is neither
    /// greater nor less than a number.
    fn order_of(&self, cell: &str) -> Option<Ordering> {
        match (number(cell), number(&self.value)) {
            (Some(cell), Some(value)) => cell.partial_cmp(&value),
            (None, None) if !cell.is_empty() => Some(cell.cmp(&self.value)),
            _ => None,
        }
    }
}

/// The number in a text. NaN counts as none: nothing is greater or less than it.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| !number.is_nan())
}

/// Numbers before texts, NaN between them; a total order of all texts, as sorting requires: run names are often a mix such as
/// `120`, `7-a` and `3e2f`.
fn compare(a: &str, b: &str) -> Ordering {
    let values = match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.is_nan().cmp(&b.is_nan()).then(a.total_cmp(&b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => Ordering::Equal,
    };
    // The same number can be written in several ways.
    values.then_with(|| a.cmp(b))
}

/// Empty cells last, in either direction.
#[must_use]
pub fn order(a: &str, b: &str, reverse: bool) -> Ordering {
    let values = if reverse { compare(b, a) } else { compare(a, b) };
    a.is_empty().cmp(&b.is_empty()).then(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, cell: &str) -> Option<bool> {
        text.parse::<Condition>().map(|it| it.admits(cell)).ok()
    }

    #[test]
    fn conditions_compare_numbers_as_numbers_and_words_as_words() {
        assert_eq!(holds("optimizer.learning_rate=1e-2", "0.01"), Some(true));
        assert_eq!(holds("epoch > 9", "10"), Some(true));
        assert_eq!(holds("epoch<=9", "10"), Some(false));
        assert_eq!(holds("test_accuracy<1", ""), Some(false));
        assert_eq!(holds("test_accuracy=", ""), Some(true));
        assert_eq!(holds("state!=done", "failed"), Some(true));
        assert_eq!(holds("state==done", "done"), Some(true));
        assert_eq!(holds("verdict=LOST CLASSES", "lost_classes"), Some(true));
        assert_eq!(holds("verdict!=learned", "learned"), Some(false));
        assert_eq!(holds("network.hidden=[30]", "[30]"), Some(true));
        assert_eq!(holds("data.name>m", "randman"), Some(true));
        assert_eq!(holds("id>9", "7-a"), Some(false), "text is neither greater nor less than a number");
        assert_eq!(holds("id<9", "7-a"), Some(false));
        assert_eq!(holds("id=100", "1e2"), Some(false), "names are text");
        assert_eq!(holds("surrogate.beta=100", "1e2"), Some(true));
        assert_eq!(holds("surrogate.beta<100", "nan"), Some(false));
    }

    #[test]
    fn impossible_conditions_are_refused_with_an_example() {
        for (wrong, example) in [
            ("state", "as in state=done"),
            ("=done", "as in state=done"),
            ("", "as in state=done"),
            ("a!b", "as in a!=b"),
            ("epoch=>5", "as in epoch>=5"),
            ("epoch = > 5", "as in epoch>=5"),
            ("epoch=<5", "as in epoch<=5"),
            ("state<>done", "as in state!=done"),
            ("epoch>>5", "as in epoch>5"),
            ("epoch>", "as in epoch>5"),
            ("test_accuracy>90%", "write test_accuracy>0.9"),
            ("test_accuracy<=97.3 %", "write test_accuracy<=0.973"),
            ("test_accuracy>abc", "write test_accuracy>0.9"),
            ("test_accuracy>97.3", "write test_accuracy>0.973"),
            ("valid_accuracy>nan", "write valid_accuracy>0.9"),
            ("epoch=done", "write epoch=5"),
            ("verdict=fine", "pending, unknown"),
        ] {
            let error = wrong.parse::<Condition>().err().unwrap_or_default();
            assert!(error.ends_with(example), "{wrong}: {error}");
        }
    }

    #[test]
    fn any_cells_have_a_total_order() {
        let cells =
            ["", "-nan", "nan", "inf", "1e400", "0", "-0", "9", "10", "1e1", "120", "7-a", "3e2f", "done"];
        for (a, b) in cells.iter().flat_map(|a| cells.map(|b| (*a, b))) {
            for reverse in [false, true] {
                assert_eq!(order(a, b, reverse), order(b, a, reverse).reverse(), "{a} {b}");
                assert_eq!(order(a, b, reverse).is_eq(), a == b, "{a} {b}");
                for c in cells {
                    let ordered = order(a, b, reverse).is_le() && order(b, c, reverse).is_le();
                    assert!(!ordered || order(a, c, reverse).is_le(), "{a} {b} {c}");
                }
            }
        }
        let mut names = ["7-a", "nan", "120", "3e2f", "9"];
        names.sort_by(|a, b| order(a, b, false));
        assert_eq!(names, ["9", "120", "nan", "3e2f", "7-a"]);
    }

    #[test]
    fn missing_values_are_last() {
        let sorted = |reverse| {
            let mut cells = ["", "10", "9"];
            cells.sort_by(|a, b| order(a, b, reverse));
            cells
        };
        assert_eq!(sorted(false), ["9", "10", ""]);
        assert_eq!(sorted(true), ["10", "9", ""]);
    }
}
