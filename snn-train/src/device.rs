//! Compute devices.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

const NO_CUDA: &str = "this build of snn has no CUDA support (the feature `cuda`): use --device cpu";

/// A compute device. As text: `cpu`, `cuda`, `cuda:1`.
///
/// Every build has all variants; `Device::check`, and parsing, report whether this build can use them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Device {
    /// The CPU with all its cores.
    #[default]
    Cpu,
    /// The NVIDIA GPU with this number, counted from 0 among those in `CUDA_VISIBLE_DEVICES`.
    Cuda(usize),
}

impl Device {
    /// Checks that it exists, and that this build can use it.
    ///
    /// # Errors
    /// [`Error::Network`] if it does not exist, and [`Error::Impossible`] if the build lacks the feature `cuda`.
    pub fn check(self) -> Result<(), Error> {
        match self {
            Self::Cpu => Ok(()),
            #[cfg(feature = "cuda")]
            Self::Cuda(ordinal) => Ok(snn_core::cuda(ordinal).map(drop)?),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(Self::unsupported()),
        }
    }

    #[cfg(not(feature = "cuda"))]
    pub(crate) fn unsupported() -> Error {
        Error::Impossible(NO_CUDA.to_owned())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(0) => f.write_str("cuda"),
            Self::Cuda(ordinal) => write!(f, "cuda:{ordinal}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("unknown device `{text}`: use cpu or cuda[:N]");
        let ordinal = match text.strip_prefix("cuda") {
            None if text == "cpu" => return Ok(Self::Cpu),
            None => return Err(unknown()),
            Some("") => 0,
            Some(rest) => rest.strip_prefix(':').and_then(|n| n.parse().ok()).ok_or_else(unknown)?,
        };
        if cfg!(feature = "cuda") { Ok(Self::Cuda(ordinal)) } else { Err(NO_CUDA.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_names() {
        assert_eq!(("cpu".parse(), Device::Cuda(0).to_string()), (Ok(Device::Cpu), "cuda".to_owned()));
        assert_eq!(Device::Cuda(2).to_string(), "cuda:2");
        for wrong in ["", "gpu", "cuda:", "cuda:-1", "cuda2", "cpu:0"] {
            assert!(wrong.parse::<Device>().unwrap_err().contains("cpu or cuda[:N]"), "{wrong}");
        }
        for device in [Device::Cpu, Device::Cuda(3)] {
            let text = serde_json::to_string(&device).unwrap();
            assert_eq!(serde_json::from_str::<Device>(&text).unwrap(), device);
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_reports_it() {
        assert!("cuda".parse::<Device>().unwrap_err().contains("no CUDA support"));
        assert!(Device::Cuda(0).check().unwrap_err().to_string().contains("no CUDA support"));
    }
}
