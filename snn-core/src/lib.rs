//! Spiking neural networks trained with surrogate gradients, on [dfdx](https://docs.rs/dfdx).
//!
//! A [`Network`] of leaky integrate-and-fire layers is trained by backpropagation through time, with a [`Surrogate`] instead of the
//! derivative of the spike. This program generates two classes of spike trains, trains on them, and inspects the network:
//!
//! ```
//! use snn_core::{Adam, AdamConfig, Events, Initialization, Input, Layer, Network, NetworkConfig, Regularizer};
//!
//! // in class 0, the ten inputs fire early, from first to last; in class 1, in reverse order, a little later
//! let spike = |sample: usize, unit: usize| match sample % 2 {
//!     0 => (sample, 2 * unit, unit),
//!     _ => (sample, 30 - 2 * unit, unit),
//! };
//! let spikes: Vec<_> = (0..16).flat_map(|sample| (0..10).map(move |unit| spike(sample, unit))).collect();
//! let input: Input<f32> = Events::from_spikes(16, 100, 10, &spikes)?.into();
//! let labels: Vec<u16> = (0..16).map(|sample| sample % 2).collect();
//!
//! let config = NetworkConfig { hidden: vec![Layer::feed_forward(50)], ..NetworkConfig::new(10, 2) };
//! let mut network: Network = Network::new(config, Initialization::Normal { gain: 7.0 }, 1)?;
//! let mut adam = Adam::new(AdamConfig { learning_rate: 0.01, ..AdamConfig::default() }, &network)?;
//! for _ in 0..100 {
//!     let loss = network.loss(&input, &labels, &Regularizer::default())?;
//!     let gradients = loss.backward()?;
//!     adam.update(&mut network, &gradients)?;
//! }
//!
//! let (output, recording) = network.record(&input)?;
//! assert_eq!(output.correct(&labels), 16);
//! println!("hidden units that spike at step 30 of sample 0: {:?}", recording.spikes[0].row(0, 30));
//! let gradients = network.loss(&input, &labels, &Regularizer::default())?.backward()?;
//! println!("norm of every gradient: {:?}", gradients.norms()?);
//! # Ok::<(), snn_core::Error>(())
//! ```
//!
//! # Map of the crate
//!
//! - The model and its equations: [`NetworkConfig`]. The switches of its backward pass: [`Surrogate`], [`ResetGradient`],
//!   [`RecurrentGradient`]. Its readout: [`Readout`].
//! - Input as spikes or analog values: [`Input`], [`Events`], [`Frames`].
//! - Training: [`Network::loss`], [`Regularizer`], [`Loss::backward`], [`Adam`]; [`Network::queue_loss`] lets the host work while
//!   a GPU computes. Other [`Optimizer`]s, [`Schedule`]s and [`LossFunction`]s. Your own loss on dfdx's tape:
//!   [`Network::forward_on`].
//! - Step by step, as input arrives: [`Network::step`], bit-identical to a batch.
//! - Inspection: [`ActivityMonitor`] detects silent and saturated layers; [`Network::record`] returns every spike and potential.
//!
//! # Two implementations, one model
//!
//! [`Implementation::Reference`] is readable: step by step, with plain dfdx operations, `f32` or `f64`.
//! [`Implementation::Fused`], the default, is fast: one entry on dfdx's tape for the whole time loop, cost proportional to spikes,
//! SIMD selected at run time, all cores of the current rayon pool. Spikes and gradients are the same, and tests compare both with an
//! independent program. The same seed gives bit-identical results on the same machine, for any number of threads.
//!
//! # Features
//!
//! - `cuda`: networks on NVIDIA GPUs. Building requires the CUDA toolkit; running without a GPU is possible.
//! - `cuda-check`: compiles the code of `cuda` without the toolkit and without its kernels, for type checks and tests.
//! - `cuda-emulation`: the CUDA kernels compiled for the host, for tests.

mod activity;
mod backend;
mod config;
mod error;
mod float;
mod fluctuation;
mod fused;
mod gradients;
mod head;
mod input;
mod lanes;
mod loss;
mod network;
mod optimizer;
mod output;
mod pass;
mod reference;
mod regularizer;
mod schedule;
mod spike;
mod stager;
mod step;
mod stepping;
mod surrogate;
mod update;
mod weights;

pub use activity::{ActivityMonitor, ActivityWarning, LayerActivity};
pub use backend::Backend;
pub use config::{
    Implementation, Layer, NetworkConfig, NeuronKind, Readout, RecurrentGradient, Reset, ResetGradient,
    TimeConstant,
};
pub use error::{Error, Settings};
pub use float::Float;
pub use fluctuation::FluctuationDriven;
pub use fused::State;
#[cfg(feature = "cuda")]
pub use fused::cuda::cuda;
#[cfg(feature = "cuda-emulation")]
#[doc(hidden)]
pub use fused::cuda::emulation::{CudaEmulation, Paper, PaperLaunch};
#[cfg(feature = "cuda")]
#[doc(hidden)]
pub use fused::cuda::{CudaCall, CudaCeilings, CudaKernel, CudaWork, cuda_calls, cuda_ceilings};
pub use gradients::Gradients;
pub use input::{Events, Frames, Input};
pub use lanes::InstructionSet;
pub use loss::{
    AnyLoss, CrossEntropy, Judged, Loss, LossFunction, LossKind, LossSettings, LossValues, NamedNorms,
    PendingValues, QueuedLoss, QueuedStep, SpikeCount, Taped, TapedScalar, TrainingStep,
};
pub use network::Network;
pub use optimizer::{
    Adam, AdamConfig, AdamW, AdamWConfig, Fitted, MatrixState, Optimizer, OptimizerKind, OptimizerSettings,
    OptimizerState, Sgd, SgdConfig, Smorms3, Smorms3Config, UpdateRule,
};
pub use output::Output;
pub use pass::{Pass, Recording};
pub use regularizer::Regularizer;
pub use schedule::{Cosine, Exponential, Schedule, ScheduleKind, ScheduleSettings, Step, WarmUp};
pub use stager::Stager;
pub use step::StepInput;
pub use surrogate::{Surrogate, SurrogateShape};
pub use weights::{Gains, InitialWeights, Initialization, Matrix, Traces};

/// The version of dfdx used by networks, for your own losses.
pub use dfdx;
/// The default device of networks.
pub use dfdx::prelude::Cpu;
/// An NVIDIA GPU.
#[cfg(feature = "cuda")]
pub use dfdx::prelude::Cuda;
