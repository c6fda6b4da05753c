//! The CPU as a backend for `f64`, which only the reference implementation supports.

use crate::{
    Backend, Cpu, Error, Input, NetworkConfig,
    pass::{Answer, Wanted},
    weights::Weights,
};

/// Implements for one float type what is the same for all: dfdx hides the `Vec` behind a bound `Cpu: Device<E>`.
macro_rules! cpu_buffers {
    ($float:ty) => {
        fn host(buffer: &$crate::weights::Buffer<$float, Self>) -> std::borrow::Cow<'_, [$float]> {
            std::borrow::Cow::Borrowed(buffer.as_slice())
        }

        fn host_mut(buffer: &mut $crate::weights::Buffer<$float, Self>) -> Option<&mut [$float]> {
            Some(buffer.as_mut_slice())
        }

        fn upload(&self, values: &[$float]) -> Result<$crate::weights::Buffer<$float, Self>, $crate::Error> {
            let buffer = dfdx::prelude::Storage::<$float>::try_alloc_len(self, values.len());
            let mut buffer = buffer.map_err($crate::Error::device)?;
            buffer.copy_from_slice(values);
            Ok(buffer)
        }

        fn spike<T: dfdx::prelude::Tape<$float, Self>>(
            potential: $crate::weights::Matrix<$float, Self, T>,
            threshold: f64,
            function: $crate::spike::SpikeFunction,
        ) -> Result<$crate::weights::Matrix<$float, Self, T>, $crate::Error> {
            $crate::spike::on_cpu(potential, threshold, function)
        }
    };
}
pub(crate) use cpu_buffers;

impl Backend<f64> for Cpu {
    type Context = ();

    cpu_buffers!(f64);

    fn fused(
        _: &NetworkConfig,
        _: &Weights<f64, Self>,
        _: &Input<f64>,
        (): &(),
        _: Wanted,
    ) -> Result<Answer<f64, Self>, Error> {
        Err(Error::Unsupported(
            "the fused implementation only supports f32; set `implementation` to `Implementation::Reference` for f64".into(),
        ))
    }
}
