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
    /// A parameter or optimizer state of another name or shape than the network's.
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
    /// A backward pass that came to no weight of the network whose gradients are asked for.
    #[error(
        "the backward pass reached no weight of this network: compute the loss from the logits, counts or readout of one of its \
         passes (`Network::forward_on`), with the tape that they carry, and call `backward` once"
    )]
    Unreached,
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
        let error = error.to_string();
        let advice = ADVICE.iter().find(|(code, _)| error.contains(code)).map(|(_, advice)| advice);
        Error::Device(advice.map_or_else(|| error.clone(), |advice| format!("{advice} ({error})")))
    }
}

/// What to do about the failures that users of a GPU meet.
const ADVICE: &[(&str, &str)] = &[
    (
        "CUDA_ERROR_OUT_OF_MEMORY",
        "the GPU has no memory left: take smaller batches (training.batch_size) or another GPU; nvidia-smi tells who uses it",
    ),
    (
        "CUDA_ERROR_NO_BINARY_FOR_GPU",
        "this program was built for other GPUs: build it again with CUDA_COMPUTE_CAP set to the compute capability of this one",
    ),
    (
        "CUDA_ERROR_INVALID_PTX",
        "this program was built for newer GPUs: build it again with CUDA_COMPUTE_CAP set to the compute capability of this one",
    ),
    (
        "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
        "the driver is older than the CUDA toolkit that this program was built with: update the driver, or build with an \
         older toolkit",
    ),
    ("CUDA_ERROR_NO_DEVICE", "no GPU is visible: look at nvidia-smi and CUDA_VISIBLE_DEVICES"),
    (
        "CUDA_ERROR_STUB_LIBRARY",
        "the program found the toolkit's stub of libcuda.so.1 and not the driver's library",
    ),
    (
        "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
        "the driver's library and its kernel module are of different versions: reboot",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_a_gpu_come_with_advice() {
        let message = |code: &str| Error::device(format!("Driver(DriverError({code}, \"..\"))")).to_string();
        assert!(message("CUDA_ERROR_OUT_OF_MEMORY").contains("smaller batches"));
        assert!(message("CUDA_ERROR_UNSUPPORTED_PTX_VERSION").contains("update the driver"));
        assert_eq!(message("CUDA_ERROR_UNKNOWN"), "device: Driver(DriverError(CUDA_ERROR_UNKNOWN, \"..\"))");
    }
}
