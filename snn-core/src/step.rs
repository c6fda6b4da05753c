//! The input of networks that run step by step.

use crate::Error;

/// The input of one step.
#[derive(Debug, Clone, Copy)]
pub enum StepInput<'a> {
    /// Spiking units, for a state of one sample. A unit listed twice counts twice.
    Spikes(&'a [u16]),
    /// Spiking units of each sample: those of sample `k` are `units[offsets[k] .. offsets[k + 1]]`.
    Rows {
        /// `[batch + 1]`, ascending from 0 to the number of spikes.
        offsets: &'a [u32],
        /// The units, by sample.
        units: &'a [u16],
    },
    /// Analog values, `[batch, inputs]`.
    Frame(&'a [f32]),
}

impl<'a> From<&'a [u16]> for StepInput<'a> {
    fn from(units: &'a [u16]) -> Self {
        StepInput::Spikes(units)
    }
}

impl<'a> From<&'a [f32]> for StepInput<'a> {
    fn from(values: &'a [f32]) -> Self {
        StepInput::Frame(values)
    }
}

impl StepInput<'_> {
    /// Checks that it is input for this number of samples and units.
    pub(crate) fn check(&self, batch: usize, inputs: usize) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::Input(reason));
        let units = match *self {
            StepInput::Frame(values) => {
                if values.len() != batch * inputs {
                    return refuse(format!(
                        "{} values for a step of {batch} samples and {inputs} units",
                        values.len()
                    ));
                }
                return match values.iter().position(|value| !value.is_finite()) {
                    None => Ok(()),
                    Some(at) => refuse(format!(
                        "unit {} of sample {} is {:?}, not a finite number",
                        at % inputs,
                        at / inputs,
                        values[at]
                    )),
                };
            }
            StepInput::Spikes(units) if batch == 1 => units,
            StepInput::Spikes(_) => {
                return refuse(format!(
                    "the spikes of one sample for a state of {batch}: use `StepInput::Rows`"
                ));
            }
            StepInput::Rows { offsets, units } => {
                let ascending = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
                let ends = (offsets.first().copied(), offsets.last().map(|&last| last as usize));
                if offsets.len() != batch + 1 || !ascending || ends != (Some(0), Some(units.len())) {
                    return refuse(format!(
                        "row offsets of a step must be {} numbers that ascend from 0 to the number of spikes, {}",
                        batch + 1,
                        units.len()
                    ));
                }
                units
            }
        };
        match units.iter().position(|&unit| usize::from(unit) >= inputs) {
            None => Ok(()),
            Some(at) => refuse(format!("spike {at} is in unit {}, but there are {inputs} units", units[at])),
        }
    }
}
