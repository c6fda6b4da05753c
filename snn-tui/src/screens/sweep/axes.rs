//! The axes of a sweep: their values and labels, and the two that are shown.

use snn_run::sweep::{Manifest, Settings};
use toml::Value;

use crate::widgets::text;

/// A key that differs between runs, with its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    key: String,
    /// The last part of the key, if that is unambiguous.
    pub(super) name: String,
    pub(super) is_seed: bool,
    pub(super) is_numeric: bool,
    /// Numbers in ascending order, others in the order of the plan; `None`, for runs without this key, is last.
    values: Vec<Option<Value>>,
}

/// All axes of a sweep in the order of its plan.
pub(super) fn axes(manifest: &Manifest) -> Vec<Axis> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let is_unique = |name: &str| manifest.axes.iter().filter(|axis| last(&axis.key) == name).count() == 1;
    let axis = |axis: &snn_run::sweep::Dimension| {
        let mut values = axis.values.clone();
        let is_numeric = values.iter().all(|value| snn_run::number(value).is_some());
        if is_numeric {
            values.sort_by(|a, b| {
                snn_run::number(a).unwrap_or(f64::NAN).total_cmp(&snn_run::number(b).unwrap_or(f64::NAN))
            });
        }
        let mut values: Vec<_> = values.into_iter().map(Some).collect();
        if manifest.points.iter().any(|point| !point.settings.contains_key(&axis.key)) {
            values.push(None);
        }
        let name = last(&axis.key);
        let name = if is_unique(&name) { name } else { axis.key.clone() };
        // A handwritten plan may list seeds among the grids.
        let is_seed = axis.seed || snn_run::is_seed(&axis.key);
        Axis { key: axis.key.clone(), name: text::clean(&name), is_seed, is_numeric, values }
    };
    manifest.axes.iter().map(axis).collect()
}

impl Axis {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The position of a run on the axis.
    pub(super) fn place(&self, settings: &Settings) -> Option<usize> {
        self.position(settings.get(&self.key))
    }

    /// The position of a value on the axis.
    pub(super) fn place_of(&self, value: &Value) -> Option<usize> {
        self.position(Some(value))
    }

    fn position(&self, value: Option<&Value>) -> Option<usize> {
        self.values.iter().position(|it| match (it, value) {
            // NaN has a position, too.
            (Some(Value::Float(a)), Some(Value::Float(b))) => a.to_bits() == b.to_bits(),
            (a, b) => a.as_ref() == b,
        })
    }

    /// `optimizer.learning_rate`.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The label of a value.
    pub(super) fn label(&self, place: usize) -> String {
        match self.values.get(place).and_then(Option::as_ref) {
            Some(value) => text::clean(&label(value)),
            None => "unset".to_owned(),
        }
    }
}

/// Layer sizes are joined as in the list of runs.
fn label(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => text::number(*number),
        Value::Integer(number) => number.to_string(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) if values.iter().all(Value::is_integer) => {
            values.iter().map(Value::to_string).collect::<Vec<_>>().join("-")
        }
        other => other.to_string().replace(' ', ""),
    }
}

/// The default axes along columns and rows: numbers before words, long axes before short ones, seeds only if nothing else differs.
/// Of the two, the one that comes later in the plan runs along the columns.
pub(super) fn default_axes(axes: &[Axis]) -> (Option<usize>, Option<usize>) {
    let mut places: Vec<usize> = (0..axes.len()).filter(|&k| !axes[k].is_seed).collect();
    if places.is_empty() {
        places = (0..axes.len()).collect();
    }
    places.sort_by_key(|&k| (!axes[k].is_numeric, std::cmp::Reverse(axes[k].len())));
    match places[..] {
        [] => (None, None),
        [one] => (Some(one), None),
        [a, b, ..] => (Some(a.max(b)), Some(a.min(b))),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::manifest, *};

    #[test]
    fn numbers_are_sorted_and_names_are_as_short_as_possible() {
        let manifest = manifest(
            r#"{"a.eta": [0.1, 0.01], "net.hidden": [[100], [100, 50], []], "b.seed": [1], "c.seed": [2]}"#,
            r#"[{"a.eta": 0.1, "net.hidden": [], "b.seed": 1, "c.seed": 2}, {"net.hidden": [100]}]"#,
        );
        let axes = axes(&manifest);
        let names: Vec<_> = axes.iter().map(|axis| axis.name.as_str()).collect();
        assert_eq!(names, ["eta", "b.seed", "c.seed", "hidden"]);
        let labels = |axis: &Axis| (0..axis.len()).map(|k| axis.label(k)).collect::<Vec<_>>();
        assert_eq!(labels(&axes[0]), ["0.01", "0.1", "unset"]);
        assert_eq!(labels(&axes[3]), ["100", "100-50", "none"]);
        assert_eq!(axes[0].place(&manifest.points[0].settings), Some(1));
        assert_eq!(axes[0].place(&manifest.points[1].settings), Some(2), "a run without the key");
        assert_eq!(default_axes(&axes), (Some(3), Some(0)), "numbers first, no seeds");
        assert_eq!(default_axes(&axes[1..3]), (Some(1), Some(0)), "seeds if nothing else differs");
        assert_eq!(default_axes(&axes[..1]), (Some(0), None));
        assert_eq!(default_axes(&[]), (None, None));
    }
}
