//! The file formats of predictions.

use std::borrow::Cow;

use anyhow::Context as _;
use serde_json::{Value, json};
use snn_core::Network;
use snn_data::{Dataset, npz::NpzWriter};
use snn_train::Prediction;

use crate::model::Model;

pub(super) struct Table {
    data: String,
    steps: usize,
    /// Class names of the network.
    classes: Vec<String>,
    /// Names of the samples, if they have names.
    names: Option<Vec<String>>,
    rows: Vec<Prediction>,
    counts: bool,
    readout: bool,
    spikes: bool,
    units: Vec<usize>,
    name_of: Vec<Option<String>>,
}

impl Table {
    pub(super) fn new(
        dataset: &dyn Dataset,
        network: &Network,
        model: &Model,
        [counts, readout, spikes]: [bool; 3],
    ) -> Self {
        let own = |label: usize| match dataset.class_name(label as u16).filter(|_| label < dataset.classes())
        {
            Some(name) => name.to_owned(),
            None => label.to_string(),
        };
        let classes = match model.identity() {
            Some(identity) => identity.classes.clone(),
            None => (0..network.config().outputs).map(own).collect(),
        };
        let name = |index: usize| dataset.sample_name(index).map(Cow::into_owned);
        Self {
            data: dataset.name().to_owned(),
            steps: dataset.steps(),
            classes,
            names: name(0).map(|_| Vec::new()),
            rows: Vec::new(),
            counts,
            readout,
            spikes,
            units: network.config().hidden.iter().map(|layer| layer.units).collect(),
            name_of: (0..dataset.len()).map(name).collect(),
        }
    }

    pub(super) fn add(&mut self, prediction: Prediction) {
        if let Some(names) = &mut self.names {
            let name = self.name_of.get(prediction.index as usize).cloned().flatten();
            names.push(name.unwrap_or_default());
        }
        self.rows.push(prediction);
    }

    pub(super) fn right(&self) -> usize {
        self.rows.iter().filter(|row| row.label == row.prediction).count()
    }

    /// Columns `index`, `name` (where samples have names), `label`, `prediction`, `logit.CLASS`, and on request
    /// `count.LAYER.UNIT`, layers counted from 1.
    pub(super) fn csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let mut head = vec!["index".to_owned()];
        head.extend(self.names.as_ref().map(|_| "name".to_owned()));
        head.extend(["label".to_owned(), "prediction".to_owned()]);
        head.extend(self.classes.iter().map(|class| format!("logit.{class}")));
        if self.counts {
            for (layer, &units) in (1..).zip(&self.units) {
                head.extend((0..units).map(|unit| format!("count.{layer}.{unit}")));
            }
        }
        csv.write_record(&head)?;
        for (k, row) in self.rows.iter().enumerate() {
            let mut cells = vec![row.index.to_string()];
            cells.extend(self.names.as_ref().map(|names| names[k].clone()));
            cells.extend([row.label.to_string(), row.prediction.to_string()]);
            cells.extend(row.logits.iter().map(f32::to_string));
            if self.counts {
                cells.extend(row.counts.iter().flatten().map(f32::to_string));
            }
            csv.write_record(&cells)?;
        }
        csv.into_inner().context("cannot write CSV")
    }

    /// Arrays `index`, `name`, `label`, `prediction` `[samples]`, `logits` `[samples, classes]`, `classes` `[classes]`; on request
    /// `counts.LAYER` `[samples, units]`, `readout` `[samples, steps, classes]`, and for each spike its sample (counted in these
    /// arrays), step and unit: `spikes.LAYER` `[spikes, 3]`.
    pub(super) fn npz(&self) -> anyhow::Result<Vec<u8>> {
        let samples = self.rows.len();
        let mut archive = NpzWriter::new();
        let column = |of: &dyn Fn(&Prediction) -> u32| self.rows.iter().map(of).collect::<Vec<u32>>();
        archive.add("index", &[samples], &column(&|row| row.index))?;
        if let Some(names) = &self.names {
            archive.add_texts("name", &[samples], names)?;
        }
        archive.add("label", &[samples], &column(&|row| row.label.into()))?;
        archive.add("prediction", &[samples], &column(&|row| row.prediction.into()))?;
        archive.add_texts("classes", &[self.classes.len()], &self.classes)?;
        let logits: Vec<f32> = self.rows.iter().flat_map(|row| row.logits.iter().copied()).collect();
        archive.add("logits", &[samples, logits.len() / samples.max(1)], &logits)?;
        for (l, &units) in self.units.iter().enumerate() {
            if self.counts {
                let counts: Vec<f32> =
                    self.rows.iter().flat_map(|row| row.counts[l].iter().copied()).collect();
                archive.add(&format!("counts.{}", l + 1), &[samples, units], &counts)?;
            }
            if self.spikes {
                let of_sample = |(k, row): (usize, &Prediction)| {
                    let spikes = row.spikes.as_ref().map(|layers| layers[l].as_slice()).unwrap_or_default();
                    spikes
                        .iter()
                        .flat_map(|&(step, unit)| [k as u32, step, unit.into()])
                        .collect::<Vec<u32>>()
                };
                let spikes: Vec<u32> = self.rows.iter().enumerate().flat_map(of_sample).collect();
                archive.add(&format!("spikes.{}", l + 1), &[spikes.len() / 3, 3], &spikes)?;
            }
        }
        if self.readout {
            let readout = self.rows.iter().flat_map(|row| row.readout.iter().flatten().copied());
            let readout: Vec<f32> = readout.collect();
            archive.add(
                "readout",
                &[samples, self.steps, readout.len() / (samples * self.steps)],
                &readout,
            )?;
        }
        Ok(archive.finish())
    }

    /// `{"version":1,"kind":"predictions","data":NAME,"classes":[NAME],"samples":[{"index","name","label","prediction","logits",
    /// "counts","readout","spikes"}]}`; the last three on request, `counts` and `spikes` for each hidden layer, `readout` for each step.
    pub(super) fn json(&self) -> anyhow::Result<Vec<u8>> {
        let sample = |(k, row): (usize, &Prediction)| -> anyhow::Result<Value> {
            let mut sample = json!({
                "index": row.index,
                "label": row.label,
                "prediction": row.prediction,
                "logits": row.logits,
            });
            if let Some(names) = &self.names {
                sample["name"] = names[k].as_str().into();
            }
            if self.counts {
                sample["counts"] = serde_json::to_value(&row.counts)?;
            }
            if let Some(readout) = row.readout.as_ref().filter(|_| self.readout) {
                let steps: Vec<&[f32]> = readout.chunks_exact(readout.len() / self.steps).collect();
                sample["readout"] = serde_json::to_value(steps)?;
            }
            if let Some(spikes) = row.spikes.as_ref().filter(|_| self.spikes) {
                sample["spikes"] = serde_json::to_value(spikes)?;
            }
            Ok(sample)
        };
        let samples: Vec<Value> = self.rows.iter().enumerate().map(sample).collect::<Result<_, _>>()?;
        let all = json!({
            "version": 1,
            "kind": "predictions",
            "data": self.data,
            "classes": self.classes,
            "samples": samples,
        });
        Ok((all.to_string() + "\n").into_bytes())
    }
}
