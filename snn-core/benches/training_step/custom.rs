//! A job of chosen size.

use crate::jobs::{Data, Job, jobs};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// A job of chosen size: 700 inputs, 20 outputs, recurrent unless `recurrent` is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Custom {
    pub(crate) steps: usize,
    pub(crate) units: usize,
    pub(crate) batch: usize,
    pub(crate) layers: usize,
    /// Input spikes per sample and step.
    pub(crate) density: usize,
    pub(crate) recurrent: usize,
}

impl Custom {
    fn numbers(&self) -> [usize; 6] {
        [self.steps, self.units, self.batch, self.layers, self.density, self.recurrent]
    }

    pub(crate) fn job(&self) -> Job {
        let [_, _, shd, ..] = jobs();
        Job {
            name: "custom",
            what: "custom size",
            batch: self.batch,
            steps: self.steps,
            hidden: vec![(self.units, self.recurrent != 0); self.layers],
            data: Data::Poisson(self.density * self.steps),
            ..shd
        }
    }
}

impl fmt::Display for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.numbers().map(|n| n.to_string()).join(","))
    }
}

impl FromStr for Custom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<usize>, _> = text.split(',').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[steps, units, batch, layers, density, recurrent])
                if [steps, units, batch, layers].iter().all(|&n| n > 0) =>
            {
                Ok(Custom { steps, units, batch, layers, density, recurrent })
            }
            _ => Err(format!(
                "--custom: {text} is not a list of steps, units, batch, layers, density, recurrent"
            )),
        }
    }
}
