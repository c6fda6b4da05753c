//! The gradient of a loss with respect to the weights.

use crate::{Backend, Error, Float, Settings, weights::Buffer};
use dfdx::prelude::{Cpu, Momentum, SgdConfig, Storage};

/// The gradient of a loss with respect to every weight matrix.
#[derive(Debug, Clone)]
pub struct Gradients<E: Float = f32, D: Backend<E> = Cpu> {
    pub(crate) device: D,
    pub(crate) buffers: Vec<(String, Buffer<E, D>)>,
    /// Norms of all gradients, if the device computed them with the gradients and nothing has changed since.
    pub(crate) known_norms: Option<Vec<f64>>,
}

impl<E: Float, D: Backend<E>> Gradients<E, D> {
    /// The gradient of one matrix, row-major with shape `[pre, post]`; `None` if there is no such matrix.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Vec<E>> {
        self.buffers.iter().find(|(n, _)| n == name).map(|(_, g)| D::host(g).into_owned())
    }

    /// Mutable access to the gradient of one matrix; `None` if there is no such matrix.
    ///
    /// # Errors
    /// [`Error::Unsupported`] on a GPU, whose memory the host cannot modify: use [`Gradients::set`], which copies.
    pub fn get_mut(&mut self, name: &str) -> Result<Option<&mut [E]>, Error> {
        self.known_norms = None;
        let Some((_, buffer)) = self.buffers.iter_mut().find(|(n, _)| n == name) else { return Ok(None) };
        let values = D::host_mut(buffer).ok_or_else(|| {
            Error::Unsupported("gradients on a GPU cannot be changed in place; use `Gradients::set`".into())
        })?;
        Ok(Some(values))
    }

    /// Replaces the gradient of one matrix, given row-major with shape `[pre, post]`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such matrix, or the number of values is wrong.
    pub fn set(&mut self, name: &str, values: &[E]) -> Result<(), Error> {
        let known: Vec<&str> = self.buffers.iter().map(|(name, _)| name.as_str()).collect();
        let Some(at) = known.iter().position(|n| *n == name) else {
            return Err(Error::parameter(name, format!("there are gradients of {}", known.join(", "))));
        };
        let size = Storage::<E>::len(&self.device, &self.buffers[at].1);
        if size != values.len() {
            return Err(Error::parameter(name, format!("{} values for a gradient of {size}", values.len())));
        }
        self.known_norms = None;
        self.buffers[at].1 = self.device.upload(values)?;
        Ok(())
    }

    /// Sets the gradient of one matrix to zero, on any device: it no longer counts in norms.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such matrix, [`Error::Device`] if memory runs out.
    pub fn clear(&mut self, name: &str) -> Result<(), Error> {
        let Some((_, buffer)) = self.buffers.iter_mut().find(|(n, _)| n == name) else {
            return Err(Error::parameter(name, "it has no gradient"));
        };
        self.known_norms = None;
        let size = Storage::<E>::len(&self.device, buffer);
        *buffer = Storage::<E>::try_alloc_len(&self.device, size).map_err(Error::device)?;
        Ok(())
    }

    /// Multiplies every gradient by `factor`.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the factor is finite, [`Error::Device`] if the device fails.
    pub fn scale(&mut self, factor: f64) -> Result<(), Error> {
        if !factor.is_finite() {
            return Err(Error::setting(Settings::Gradients, "factor", factor, "a finite number"));
        }
        let factor = E::of(factor);
        self.known_norms = None;
        for (_, buffer) in &mut self.buffers {
            if let Some(values) = D::host_mut(buffer) {
                values.iter_mut().for_each(|value| *value *= factor);
            } else {
                scale_on_device(&self.device, buffer, factor).map_err(Error::device)?;
            }
        }
        Ok(())
    }

    /// Euclidean norm of all gradients together.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub fn norm(&self) -> Result<f64, Error> {
        Ok(self.norms()?.iter().map(|(_, norm)| norm * norm).sum::<f64>().sqrt())
    }

    /// Scales the gradients to limit their total norm to `limit`; shorter gradients are unchanged, bit for bit. Returns the norm
    /// before scaling. If it is not finite, nothing is changed.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the limit is a finite number above 0, [`Error::Device`] if the device fails.
    pub fn clip_norm(&mut self, limit: f64) -> Result<f64, Error> {
        Self::check_limit(limit)?;
        let norm = self.norm()?;
        if norm.is_finite() && norm > limit {
            self.scale(limit / norm)?;
        }
        Ok(norm)
    }

    pub(crate) fn check_limit(limit: f64) -> Result<(), Error> {
        let fits = limit.is_finite() && limit > 0.0;
        fits.then_some(())
            .ok_or_else(|| Error::setting(Settings::Gradients, "limit", limit, "a finite number above 0"))
    }

    /// Name and Euclidean norm of every matrix's gradient.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub fn norms(&self) -> Result<Vec<(&str, f64)>, Error> {
        let norms = match &self.known_norms {
            Some(norms) => norms.clone(),
            None => {
                let buffers: Vec<_> = self.buffers.iter().map(|(_, gradient)| gradient).collect();
                self.device.norms(&buffers)?
            }
        };
        Ok(self.buffers.iter().map(|(name, _)| name.as_str()).zip(norms).collect())
    }
}

/// Scales on the device, as the velocity of an SGD step: `v = 0 + factor v`.
fn scale_on_device<E: Float, D: Backend<E>>(
    device: &D,
    buffer: &mut Buffer<E, D>,
    factor: E,
) -> Result<(), D::Err> {
    let size = Storage::<E>::len(device, buffer);
    let zeros = Storage::<E>::try_alloc_len(device, size)?;
    let mut nothing = device.try_zeros_like(&(size,))?;
    let step = SgdConfig { lr: 0.0, momentum: Some(Momentum::Classic(factor.wide())), weight_decay: None };
    step.try_update(&mut nothing, buffer, &zeros)
}
