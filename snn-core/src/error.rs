use std::fmt::Display;

/// Everything that can go wrong in this crate. Each message says what is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that describes no network.
    #[error("`{key}` is {value}, but must be {expected}")]
    Setting {
        /// Name of the setting, as in [`NetworkConfig`](crate::NetworkConfig) or its parts.
        key: String,
        /// The value found.
        value: String,
        /// What would be accepted.
        expected: String,
    },
    /// Input that is malformed, or made for a network of another shape.
    #[error("input: {0}")]
    Input(String),
    /// Labels that do not fit the batch or the readout.
    #[error("labels: {0}")]
    Labels(String),
    /// A parameter or optimiser state of another name or shape than the network's.
    #[error("parameter `{name}`: {problem}")]
    Parameter {
        /// Name of the weight matrix (`W1`, `V1`, .. `Wout`).
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The fused implementation was asked for a float type or an instruction set that is not to be had.
    #[error("{0}")]
    Unsupported(String),
    /// dfdx reported a failure of the device, such as memory exhausted.
    #[error("device: {0}")]
    Device(String),
}

impl Error {
    pub(crate) fn setting(key: impl Into<String>, value: impl Display, expected: impl Into<String>) -> Self {
        Error::Setting { key: key.into(), value: value.to_string(), expected: expected.into() }
    }

    pub(crate) fn parameter(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Parameter { name: name.into(), problem: problem.into() }
    }

    pub(crate) fn device(error: impl Display) -> Self {
        Error::Device(error.to_string())
    }
}
