//! The scalars of an epoch: names, units and values, shared by tables, TensorBoard and the dashboard.

use crate::record::{EpochRecord, LayerRecord, Losses, Seconds};

/// A number recorded for an epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// Its name, the same as in `metrics.jsonl`: `train.loss`, `layers.1.spikes` (layers are counted from 1), `gradient_norms.W1`,
    /// `learning_rate`, `seconds.forward`.
    pub name: String,
    /// Its tag in TensorBoard: `loss/train`, `spikes/layer1`, `gradient_norm/W1`, ...
    pub tag: String,
    /// Its unit; empty for a dimensionless number.
    pub unit: &'static str,
    /// The value.
    pub value: f64,
}

/// A field of a part of the record.
struct Field<T> {
    name: &'static str,
    unit: &'static str,
    value: fn(&T) -> f64,
}

const LOSSES: &[Field<Losses>] = &[
    Field { name: "loss", unit: "", value: |it| it.loss },
    Field { name: "cross_entropy", unit: "nats", value: |it| it.cross_entropy },
    Field { name: "regularization", unit: "", value: |it| it.regularization },
    Field { name: "accuracy", unit: "fraction of samples", value: |it| it.accuracy },
];

const LAYER: &[Field<LayerRecord>] = &[
    Field { name: "spikes", unit: "per sample", value: |it| it.spikes },
    Field { name: "silent", unit: "fraction of units", value: |it| it.silent },
    Field { name: "saturated", unit: "fraction of units", value: |it| it.saturated },
];

const SECONDS: &[Field<Seconds>] = &[
    Field { name: "data", unit: EPOCH, value: |it| it.data },
    Field { name: "forward", unit: EPOCH, value: |it| it.forward },
    Field { name: "backward", unit: EPOCH, value: |it| it.backward },
    Field { name: "update", unit: EPOCH, value: |it| it.update },
    Field { name: "validation", unit: EPOCH, value: |it| it.validation },
    Field { name: "checkpoint", unit: EPOCH, value: |it| it.checkpoint },
    Field { name: "total", unit: EPOCH, value: Seconds::total },
];

const EPOCH: &str = "s per epoch";

/// The scalar of a hidden layer, counted from 1: `layer_scalar(1, "silent")` is `layers.1.silent`.
#[must_use]
pub fn layer_scalar(layer: usize, field: &str) -> String {
    format!("layers.{layer}.{field}")
}

/// The prefix of a weight matrix's name, as in `gradient_norms.W1`.
pub const GRADIENT_NORMS: &str = "gradient_norms.";

/// Whether there is a scalar of this name for training and for validation: `loss` means `train.loss` and `valid.loss`.
#[must_use]
pub fn is_split(name: &str) -> bool {
    LOSSES.iter().any(|field| field.name == name)
}

/// The unit of a scalar, given its name with or without `train.` or `valid.`; empty if it has none.
#[must_use]
pub fn unit(name: &str) -> &'static str {
    fn of<T>(fields: &[Field<T>], name: &str) -> &'static str {
        fields.iter().find(|field| field.name == name).map_or("", |field| field.unit)
    }
    match name.split_once('.') {
        None if name == "spikes" => of(LAYER, name),
        None => of(LOSSES, name),
        Some(("train" | "valid", field)) => of(LOSSES, field),
        Some(("layers", rest)) => of(LAYER, rest.split_once('.').map_or(rest, |(_, field)| field)),
        Some(("seconds", field)) => of(SECONDS, field),
        Some(("gradient_norms", _)) => "norm",
        Some(_) => "",
    }
}

impl Losses {
    /// The scalars, those of `part` (`train`, `valid` or `test`).
    #[must_use]
    pub fn scalars(&self, part: &str) -> Vec<Scalar> {
        let scalar = |field: &Field<Self>| Scalar {
            name: format!("{part}.{}", field.name),
            tag: format!("{}/{part}", field.name),
            unit: field.unit,
            value: (field.value)(self),
        };
        LOSSES.iter().map(scalar).collect()
    }
}

impl EpochRecord {
    /// Spikes of all hidden layers per training sample.
    #[must_use]
    pub fn spikes(&self) -> f64 {
        // An empty sum is -0.0.
        0.0 + self.layers.iter().map(|layer| layer.spikes).sum::<f64>()
    }

    /// Every number of the record that can be plotted as a curve.
    #[must_use]
    pub fn scalars(&self) -> Vec<Scalar> {
        let mut all = self.train.scalars("train");
        all.extend(self.valid.iter().flat_map(|valid| valid.scalars("valid")));
        for (number, layer) in (1..).zip(&self.layers) {
            all.extend(LAYER.iter().map(|field| Scalar {
                name: layer_scalar(number, field.name),
                tag: format!("{}/layer{number}", field.name),
                unit: field.unit,
                value: (field.value)(layer),
            }));
        }
        all.extend(self.gradient_norms.iter().map(|(matrix, &value)| Scalar {
            name: format!("{GRADIENT_NORMS}{matrix}"),
            tag: format!("gradient_norm/{matrix}"),
            unit: "norm",
            value,
        }));
        let name = "learning_rate";
        all.extend(self.learning_rate.map(|value| Scalar {
            name: name.to_owned(),
            tag: name.to_owned(),
            unit: "",
            value,
        }));
        all.extend(SECONDS.iter().map(|field| Scalar {
            name: format!("seconds.{}", field.name),
            tag: format!("seconds/{}", field.name),
            unit: field.unit,
            value: (field.value)(&self.seconds),
        }));
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    fn record() -> EpochRecord {
        EpochRecord {
            train: Losses { loss: 1.0, cross_entropy: 2.0, regularization: 3.0, accuracy: 4.0 },
            valid: Some(Losses { loss: 5.0, ..Losses::default() }),
            layers: vec![LayerRecord { spikes: 6.0, silent: 7.0, saturated: 8.0 }; 2],
            gradient_norms: BTreeMap::from([("W1".to_owned(), 9.0)]),
            learning_rate: Some(10.0),
            seconds: Seconds { forward: 11.0, checkpoint: 12.0, ..Seconds::default() },
            ..EpochRecord::default()
        }
    }

    /// Every number in `value` by its path.
    fn numbers(path: &str, value: &Value, all: &mut BTreeMap<String, f64>) {
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| numbers(&below(name), value, all))
            }
            Value::Array(items) => (1..)
                .zip(items)
                .for_each(|(number, value): (u32, _)| numbers(&below(&number.to_string()), value, all)),
            value => all.extend(value.as_f64().map(|number| (path.to_owned(), number))),
        }
    }

    #[test]
    fn every_number_of_a_record_is_in_the_list_by_the_name_of_its_field() {
        let mut recorded = BTreeMap::new();
        numbers("", &serde_json::to_value(record()).unwrap(), &mut recorded);
        for position in ["epoch", "step", "time"] {
            recorded.remove(position);
        }
        recorded.insert("seconds.total".to_owned(), 23.0);
        let listed: BTreeMap<_, _> =
            record().scalars().into_iter().map(|scalar| (scalar.name, scalar.value)).collect();
        assert_eq!(listed, recorded);
    }

    #[test]
    fn units_are_found_by_name() {
        for scalar in record().scalars() {
            assert_eq!(unit(&scalar.name), scalar.unit, "{}", scalar.name);
        }
        assert_eq!(
            (unit("spikes"), unit("cross_entropy"), unit("nonsense.loss")),
            ("per sample", "nats", "")
        );
        assert!(is_split("accuracy") && !is_split("spikes"));
    }
}
