//! Event-camera recordings: N-MNIST and DVS Gesture, in their published formats.

mod aedat;
mod aer;
mod config;
mod dataset;
mod gesture;
mod nmnist;
mod recording;

pub(crate) use aedat::Aedat;
pub(crate) use aer::parse as parse_aer;
pub use config::{CameraConfig, CameraLayout};
pub use dataset::Camera;
pub(crate) use gesture::parse_labels;
