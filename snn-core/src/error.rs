use std::fmt::{self, Display};

/// Every error of this crate. Each message states the problem, its place and the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An invalid setting.
    #[error("`{field}` of the {of} is {value}, but must be {expected}")]
    Setting {
        /// The struct of the setting.
        of: Settings,
        /// Its field: `threshold`, or indexed like `hidden[0].units` and `tau_mem[1]`.
        field: String,
        /// The value found.
        value: String,
        /// The accepted values.
        expected: String,
    },
    /// Malformed input, or input for a network of a different shape.
    #[error("input: {0}")]
    Input(String),
    /// Labels that do not fit the batch or the readout.
    #[error("labels: {0}")]
    Labels(String),
    /// A parameter or optimizer state whose name or shape does not match the network.
    #[error("parameter `{name}`: {problem}")]
    Parameter {
        /// Name of the weight matrix (`W1`, `V1`, .. `Wout`).
        name: String,
        /// The problem.
        problem: String,
    },
    /// A float type, instruction set or operation that is not supported.
    #[error("{0}")]
    Unsupported(String),
    /// An optimizer that computes on the host, for a network with weights on another device.
    #[error("`{rule}` updates weights only on the CPU; compute on the CPU, or use another optimizer")]
    HostOnly {
        /// Name of the optimizer.
        rule: &'static str,
    },
    /// A backward pass that did not reach any weight of the network.
    #[error(
        "the backward pass reached no weight of this network: compute the loss from the logits, counts or readout of one of its \
         passes (`Network::forward_on`), with the tape that they carry, and call `backward` once"
    )]
    Unreached,
    /// The GPU's memory is exhausted.
    #[error(
        "device: the GPU has no memory left: use smaller batches or another GPU; nvidia-smi shows its users ({0})"
    )]
    DeviceMemory(String),
    /// dfdx reported another failure of the device.
    #[error("device: {0}")]
    Device(String),
}

/// The struct of an invalid setting in [`Error::Setting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Settings {
    /// [`NetworkConfig`](crate::NetworkConfig).
    Network,
    /// [`Surrogate`](crate::Surrogate).
    Surrogate,
    /// [`Initialization`](crate::Initialization) or [`FluctuationDriven`](crate::FluctuationDriven).
    Initialization,
    /// [`Gains`](crate::Gains).
    Gains,
    /// [`Regularizer`](crate::Regularizer).
    Regularizer,
    /// [`LossSettings`](crate::LossSettings).
    Loss,
    /// [`OptimizerSettings`](crate::OptimizerSettings).
    Optimizer,
    /// [`ScheduleSettings`](crate::ScheduleSettings).
    Schedule,
    /// Arguments of the methods of [`Gradients`](crate::Gradients).
    Gradients,
}

impl Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Settings::Network => "network",
            Settings::Surrogate => "surrogate",
            Settings::Initialization => "initialization",
            Settings::Gains => "initial gains",
            Settings::Regularizer => "regularizer",
            Settings::Loss => "loss",
            Settings::Optimizer => "optimizer",
            Settings::Schedule => "schedule",
            Settings::Gradients => "gradient operation",
        })
    }
}

impl Error {
    pub(crate) fn setting(
        of: Settings,
        field: impl Into<String>,
        value: impl Display,
        expected: impl Into<String>,
    ) -> Self {
        Error::Setting { of, field: field.into(), value: value.to_string(), expected: expected.into() }
    }

    pub(crate) fn parameter(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::Parameter { name: name.into(), problem: problem.into() }
    }

    pub(crate) fn device(error: impl Display) -> Self {
        let error = error.to_string();
        if error.contains(OUT_OF_MEMORY) {
            return Error::DeviceMemory(error);
        }
        let advice = ADVICE.iter().find(|(code, _)| error.contains(code)).map(|(_, advice)| advice);
        Error::Device(advice.map_or_else(|| error.clone(), |advice| format!("{advice} ({error})")))
    }
}

/// The driver's error when memory runs out.
const OUT_OF_MEMORY: &str = "CUDA_ERROR_OUT_OF_MEMORY";

/// The remedies for other common GPU failures.
const ADVICE: &[(&str, &str)] = &[
    (
        "CUDA_ERROR_NO_BINARY_FOR_GPU",
        "this program was built for other GPUs: rebuild it with CUDA_COMPUTE_CAP set to the compute capability of this one",
    ),
    (
        "CUDA_ERROR_INVALID_PTX",
        "this program was built for newer GPUs: rebuild it with CUDA_COMPUTE_CAP set to the compute capability of this one",
    ),
    (
        "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
        "the driver is older than the CUDA toolkit that this program was built with: update the driver, or build with an \
         older toolkit",
    ),
    ("CUDA_ERROR_NO_DEVICE", "no GPU is visible: check nvidia-smi and CUDA_VISIBLE_DEVICES"),
    (
        "CUBLAS_STATUS_NOT_INITIALIZED",
        "cuBLAS is missing or does not start: load the module of the CUDA toolkit, or add its libraries to LD_LIBRARY_PATH. \
         Only dfdx matrix products need it",
    ),
    (
        "CUDA_ERROR_STUB_LIBRARY",
        "the program found the toolkit's stub of libcuda.so.1 instead of the driver's library",
    ),
    (
        "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
        "the driver's library and its kernel module have different versions: reboot",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpu_errors_include_advice() {
        let message = |code: &str| Error::device(format!("Driver(DriverError({code}, \"..\"))")).to_string();
        assert!(message(OUT_OF_MEMORY).contains("smaller batches"));
        assert!(message("CUDA_ERROR_UNSUPPORTED_PTX_VERSION").contains("update the driver"));
        assert_eq!(message("CUDA_ERROR_UNKNOWN"), "device: Driver(DriverError(CUDA_ERROR_UNKNOWN, \"..\"))");
    }
}
